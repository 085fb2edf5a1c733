"""Points along curves in the plane, with Gaussian noise: two moons and the Swiss roll."""
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks import finite, one_number
from .distribution import Distribution, Known

Arm = Callable[[np.ndarray], np.ndarray]      # t (n,) -> points (n, 2)


class Curve(Distribution):
    """x = c_k(t) with k uniform over the curves ("arms") and t on [t0, t1]. No density: the support is thin."""

    def __init__(self, name: str, arms: tuple[Arm, ...], t0: float, t1: float, dtype: Any) -> None:
        ends = np.stack([c(np.linspace(t0, t1, 100_001)) for c in arms])
        super().__init__(name, 2, (float(ends.min()), float(ends.max())), dtype)
        self.arms, self.t0, self.t1 = arms, t0, t1
        self.noise = 0.0

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n rows (n, 2) and the index of the arm that each lies on."""
        k = rng.integers(len(self.arms), size=n)
        t = rng.uniform(self.t0, self.t1, n)
        points = np.stack([c(t) for c in self.arms])
        return points[k, np.arange(n)] + self.noise * rng.standard_normal((n, 2)), k


class NoisyCurve(Curve, Known):
    """A `Curve` with N(0, noise²) added to each coordinate, which gives it a density:

    p(x) = 1/K Σ_k 1/(t1 − t0) ∫ N(x; c_k(t), noise² I) dt.

    There is no closed form. The integral is taken by Gauss-Legendre panels no wider than 4 noise along the
    curve, 16 nodes each: p is right to rounding, log p to 1e-3 as far out as p = 1e-100.
    """

    def __init__(self, name: str, arms: tuple[Arm, ...], t0: float, t1: float, noise: float, dtype: Any) -> None:
        super().__init__(name, arms, t0, t1, dtype)
        self.range = (-np.inf, np.inf)
        self.noise = noise

    def log_density_rows(self, x: np.ndarray) -> np.ndarray:
        """log p at each row."""
        centres, log_w = self._nodes()
        step = max(1, 65_536 // len(centres))             # so many rows at a time fit the processor's cache
        log_p = np.empty(len(x))
        for i in range(0, len(x), step):
            log_p[i:i + step] = self._log_sum(x[i:i + step] / self.noise, centres / self.noise, log_w)
        return log_p

    def _nodes(self) -> tuple[np.ndarray, np.ndarray]:
        """Points on the curves (m, 2) and the logarithms of their weights (m,), of sum 1."""
        speed = 1.01 * max(_speed(c, self.t0, self.t1) for c in self.arms)
        panels = math.ceil(speed * (self.t1 - self.t0) / (4 * self.noise))
        u, w = np.polynomial.legendre.leggauss(16)
        t = self.t0 + (self.t1 - self.t0) / panels * (np.arange(panels)[:, None] + (1 + u) / 2).ravel()
        w = np.tile(w / (2 * panels * len(self.arms)), panels * len(self.arms))
        return np.concatenate([c(t) for c in self.arms]), np.log(w)

    def _log_sum(self, x: np.ndarray, centres: np.ndarray, log_w: np.ndarray) -> np.ndarray:
        """log Σ_j w_j N(x; centre_j, noise² I) for rows and centres in units of the noise."""
        a, b = x[:, :1] - centres[:, 0], x[:, 1:] - centres[:, 1]
        a *= a
        b *= b
        a += b
        a *= -0.5
        a += log_w
        top = np.maximum(a.max(1, keepdims=True), -1e300)   # no inf − inf far outside
        with np.errstate(divide="ignore"):
            log_sum = np.log(np.exp(a - top).sum(1)) + top[:, 0]
        return log_sum - math.log(2 * math.pi * self.noise**2)


def _speed(c: Arm, t0: float, t1: float) -> float:
    """The largest |c'(t)|, from fine differences."""
    t = np.linspace(t0, t1, 10_001)
    return float((np.linalg.norm(np.diff(c(t), axis=0), axis=1)).max() / (t[1] - t[0]))


def _curve(name: str, arms: tuple[Arm, ...], t0: float, t1: float, noise: Any, dtype: Any) -> Curve:
    noise = one_number(finite(noise, "noise"), "noise")
    if noise < 0:
        raise ValueError(f"noise must be 0 or greater, not {noise:g}: it is a standard deviation")
    return NoisyCurve(name, arms, t0, t1, noise, dtype) if noise else Curve(name, arms, t0, t1, dtype)


def _upper(t: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(t), np.sin(t)], -1)


def _lower(t: np.ndarray) -> np.ndarray:
    return np.stack([1 - np.cos(t), 0.5 - np.sin(t)], -1)


def _roll(t: np.ndarray) -> np.ndarray:
    return (t / 7.5)[..., None] * np.stack([np.cos(t), np.sin(t)], -1)


def moons(noise: float = 0.05, dtype: Any = np.float32) -> Curve:
    """Two interleaved half circles: (cos t, sin t) and (1 − cos t, ½ − sin t), t uniform on [0, π].

    `sample_labelled` tells the moon. With noise > 0 there is a `density`, exact to rounding, by quadrature
    (there is no closed form); without noise there is none, since the data lie on two lines.
    """
    return _curve("moons", (_upper, _lower), 0.0, math.pi, noise, dtype)


def swiss_roll(noise: float = 0.03, dtype: Any = np.float32) -> Curve:
    """The spiral t/7.5 · (cos t, sin t), t uniform on [3π/2, 9π/2]: about the size of a unit Gaussian.

    Seen from above, the Swiss roll of scikit-learn in the scale of the code of Gulrajani et al. (2017),
    Improved Training of Wasserstein GANs. With noise > 0 there is a `density`, as for `moons`.
    """
    return _curve("swiss_roll", (_roll,), 1.5 * math.pi, 4.5 * math.pi, noise, dtype)
