"""Mixtures of Gaussians: in general, the ring and the grid that GANs are tried on."""
from typing import Any

import numpy as np

from ..checks import finite, one_number, positive, text, whole
from .distribution import Known
from .protocol import frozen


class Mixture(Known):
    """p(x) = Σ_k w_k Π_j N(x_j; μ_kj, σ_kj²): Gaussians with axes along the coordinates.

    modes (k, d) the centres, stds (k, d), weights (k,); `std` is a number when all of them agree, else
    `stds`.
    """

    def __init__(self, modes: np.ndarray, stds: np.ndarray, weights: np.ndarray, name: str, dtype: Any) -> None:
        super().__init__(name, modes.shape[1], dtype=dtype)
        self.modes = frozen(modes)
        self.stds = frozen(stds)
        self.weights = frozen(weights)
        self.std: float | np.ndarray = float(stds[0, 0]) if np.all(stds == stds[0, 0]) else stds
        self._cut = np.cumsum(weights)[:-1]

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n rows (n, d) and the index of the mode that each belongs to."""
        k = np.searchsorted(self._cut, rng.random(n), side="right")
        return self.modes[k] + self.stds[k] * rng.standard_normal((n, self.d)), k

    def log_density_rows(self, x: np.ndarray) -> np.ndarray:
        """log p at each row; the sum over modes is taken in logarithms, so p may be far below 1e-308."""
        log_p = np.full(len(x), -np.inf)
        for mode, std, weight in zip(self.modes, self.stds, self.weights, strict=True):
            z = (x - mode) / std
            log_scale = np.log(weight) - np.log(std).sum() - 0.5 * self.d * np.log(2 * np.pi)
            log_p = np.logaddexp(log_p, log_scale - 0.5 * (z * z).sum(1))
        return log_p


def mixture(means: Any, stds: Any = 1.0, weights: Any = None, name: str = "mixture",
            dtype: Any = np.float32) -> Mixture:
    """A mixture of k Gaussians: `mixture([-2, 2], 0.5, [0.3, 0.7])` in one dimension, means (k, d) in d.

    stds: one number, one for each mode (k,), or one for each mode and axis (k, d). weights: positive,
    of sum 1; equal when not given. ValueError where they do not fit.
    """
    mu = finite(means, "means")
    mu = mu[:, None] if mu.ndim == 1 else mu
    if mu.ndim != 2 or mu.size == 0:
        raise ValueError(f"means must be (k,) or (k, d), not of shape {np.shape(means)}: "
                         "give one row for each mode")
    s = positive(stds, "stds")
    if s.shape not in ((), (len(mu),), mu.shape):
        raise ValueError(f"stds must be a number, ({len(mu)},) or {mu.shape} for {len(mu)} modes in "
                         f"{mu.shape[1]} dimensions, not of shape {s.shape}: give one for each mode")
    s = s[:, None] if s.ndim == 1 else s
    s = np.broadcast_to(s, mu.shape).copy()
    return Mixture(mu.copy(), s, _weights(weights, len(mu)), text(name, "name"), dtype)


def _weights(weights: Any, k: int) -> np.ndarray:
    if weights is None:
        return np.full(k, 1 / k)
    w = positive(weights, "weights")
    if w.shape != (k,) or abs(w.sum() - 1) > 1e-9:
        raise ValueError(f"weights must be {k} positive numbers of sum 1, not of shape {w.shape} and sum "
                         f"{w.sum():g}: divide them by their sum")
    return w / w.sum()


def ring(m: int = 8, radius: float = 2.0, std: float = 0.02, dtype: Any = np.float32) -> Mixture:
    """m Gaussians evenly spaced on a circle: mode j at angle 2πj/m, the first at (radius, 0).

    The modes are distinct (a common mistake spaces them with the end point doubled).
    m = 8, radius 2, std .02 is the ring of Metz et al. (2017), Unrolled GANs.
    """
    angle = 2 * np.pi * np.arange(whole(m, "m")) / m
    r = one_number(positive(radius, "radius"), "radius")
    modes = r * np.stack([np.cos(angle), np.sin(angle)], 1)
    return mixture(modes, one_number(positive(std, "std"), "std"), None, "ring", dtype)


def grid(k: int = 5, spacing: float = 2.0, std: float = 0.05, dtype: Any = np.float32) -> Mixture:
    """k × k Gaussians on a square grid about the origin, mode k·i + j at spacing·(i, j) − spacing·(k−1)/2.

    The default has its 25 modes at {−4, −2, 0, 2, 4}², as in Lin et al. (2018), PacGAN, section 4.1.
    """
    axis = one_number(positive(spacing, "spacing"), "spacing") * (np.arange(whole(k, "k")) - (k - 1) / 2)
    modes = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    return mixture(modes, one_number(positive(std, "std"), "std"), None, "grid", dtype)
