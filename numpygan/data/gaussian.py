"""The Gaussian distribution, in any number of dimensions."""
from typing import Any

import numpy as np

from ..checks import finite, positive, whole
from .distribution import Known
from .protocol import frozen


class Gaussian(Known):
    """N(mean, L Lᵀ): x = mean + L z, log p = −|L⁻¹(x − mean)|²/2 − Σ log L_jj − d log(2π)/2.

    mean (d,), cov (d, d); `modes` is the mean as (1, d); `std` a number when all axes share it, else (d,).
    """

    def __init__(self, mean: np.ndarray, L: np.ndarray, dtype: Any) -> None:
        super().__init__("gaussian", len(mean), dtype=dtype)
        self.mean = frozen(mean)
        self.cov = frozen(L @ L.T)
        self.modes = frozen(mean[None].copy())
        self._L = L
        std = np.sqrt(np.diag(self.cov))
        isotropic = np.array_equal(L, L[0, 0] * np.eye(self.d))
        self.std: float | np.ndarray = float(L[0, 0]) if isotropic else frozen(std)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n rows (n, d) and their mode, which is always 0."""
        return self.mean + rng.standard_normal((n, self.d)) @ self._L.T, np.zeros(n, np.int64)

    def log_density_rows(self, x: np.ndarray) -> np.ndarray:
        """log p at each row."""
        z = np.linalg.solve(self._L, (x - self.mean).T)
        return -0.5 * (z * z).sum(0) - np.log(np.diag(self._L)).sum() - 0.5 * self.d * np.log(2 * np.pi)


def gaussian(mean: Any = 0.0, std: Any = 1.0, d: int | None = None, cov: Any = None,
             dtype: Any = np.float32) -> Gaussian:
    """A Gaussian: `gaussian(3, 0.5)` in one dimension, `gaussian([0, 1], cov=[[2, 1], [1, 2]])` in two.

    mean and std are numbers or (d,); d is needed only when they and cov leave it open (default 1).
    cov (d, d), symmetric and positive definite, takes the place of std. ValueError where they do not fit.
    """
    m = np.atleast_1d(finite(mean, "mean"))
    s = np.atleast_1d(positive(std, "std"))
    C = None if cov is None else np.atleast_2d(finite(cov, "cov"))
    if C is not None and not np.array_equal(s, [1.0]):
        raise ValueError("std and cov were both given, and one covariance is enough: drop one of them")
    if d is None:
        d = max(len(m), len(s)) if C is None else len(C)
    d = whole(d, "d")
    fits = m.shape in ((1,), (d,)) and s.shape in ((1,), (d,)) and (C is None or C.shape == (d, d))
    if not fits:
        shapes = f"mean {np.shape(mean)} and " + (f"std {np.shape(std)}" if C is None else f"cov {C.shape}")
        raise ValueError(f"{shapes} do not fit d = {d}: mean and std are numbers or (d,), cov is (d, d)")
    L = np.diag(np.broadcast_to(s, d)).copy() if C is None else _cholesky(C)
    return Gaussian(np.broadcast_to(m, d).copy(), L, dtype)


def _cholesky(C: np.ndarray) -> np.ndarray:
    try:
        if np.allclose(C, C.T, rtol=1e-10, atol=0):
            return np.linalg.cholesky(C)
    except np.linalg.LinAlgError:
        pass
    raise ValueError("cov must be symmetric and positive definite: check it with numpy.linalg.eigvalsh(cov)")
