"""The uniform distribution on an interval or a box."""
from typing import Any

import numpy as np

from ..checks import finite, whole
from .distribution import Known
from .protocol import frozen


class Uniform(Known):
    """p(x) = Π_j 1/(hi_j − lo_j) inside the box [lo, hi], 0 outside; lo, hi (d,)."""

    def __init__(self, lo: np.ndarray, hi: np.ndarray, dtype: Any) -> None:
        super().__init__("uniform", len(lo), (float(lo.min()), float(hi.max())), dtype)
        self.lo, self.hi = frozen(lo), frozen(hi)
        # Rounding a draw to float32 may carry it over an edge that float32 cannot hold: stay inside.
        a, b = lo.astype(self.dtype), hi.astype(self.dtype)
        self._inside = (np.where(a < lo, np.nextafter(a, b), a), np.where(b > hi, np.nextafter(b, a), b))

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n rows (n, d), and zeros: there is one part."""
        x = self.lo + (self.hi - self.lo) * rng.random((n, self.d))
        return np.clip(x.astype(self.dtype), *self._inside), np.zeros(n, np.int64)

    def log_density_rows(self, x: np.ndarray) -> np.ndarray:
        """−Σ log(hi − lo) inside, edges included; −inf outside; NaN at NaN."""
        inside = ((self.lo <= x) & (x <= self.hi)).all(1)
        log_p = np.where(inside, -np.log(self.hi - self.lo).sum(), -np.inf)
        return np.where(np.isnan(x).any(1), np.nan, log_p)


def uniform(lo: Any = 0.0, hi: Any = 1.0, d: int | None = None, dtype: Any = np.float32) -> Uniform:
    """The uniform distribution on [lo, hi]; numbers or (d,); d is needed only when both are numbers.

    ValueError unless lo < hi on every axis.
    """
    a, b = np.atleast_1d(finite(lo, "lo")), np.atleast_1d(finite(hi, "hi"))
    d = whole(max(len(a), len(b)) if d is None else d, "d")
    if a.shape not in ((1,), (d,)) or b.shape not in ((1,), (d,)):
        raise ValueError(f"lo {np.shape(lo)} and hi {np.shape(hi)} do not fit d = {d}: "
                         f"give numbers or ({d},)")
    a, b = np.broadcast_to(a, d).copy(), np.broadcast_to(b, d).copy()
    if not (a < b).all():
        raise ValueError(f"lo must be less than hi, not {a.tolist()} and {b.tolist()}: swap or widen them")
    return Uniform(a, b, dtype)
