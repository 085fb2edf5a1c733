"""Initial values of weights: each fills W (fan_in, fan_out) in place.

Drawn in float64 and rounded, so that one seed gives the same network in float32 and float64.
"""
import math

import numpy as np

from .checks import generator, positive_number


def he(W: np.ndarray, rng: np.random.Generator) -> None:
    """W ~ N(0, 2 / fan_in)                                                                    Eq. (2.20)

    Keeps the mean square of the signal through ReLU layers. He et al. 2015, section 2.2.
    """
    _check(W, rng)
    W[...] = rng.standard_normal(W.shape) * math.sqrt(2 / W.shape[0])


def glorot(W: np.ndarray, rng: np.random.Generator) -> None:
    """W ~ U(−a, a), a = √(6 / (fan_in + fan_out)), of variance 2 / (fan_in + fan_out)         Eq. (2.21)

    For tanh, sigmoid and linear layers. Glorot & Bengio 2010, Eq. 16.
    """
    _check(W, rng)
    a = math.sqrt(6 / sum(W.shape))
    W[...] = rng.uniform(-a, a, W.shape)


def linear(W: np.ndarray, rng: np.random.Generator) -> None:
    """W ~ U(−1/√fan_in, 1/√fan_in), as in the Linear layer of PyTorch (which draws b likewise; here b = 0)."""
    _check(W, rng)
    a = 1 / math.sqrt(W.shape[0])
    W[...] = rng.uniform(-a, a, W.shape)


class uniform:
    """W ~ U(−a, a), as in the code of Goodfellow et al. 2014 (a = .05 in G, .005 in D)."""

    def __init__(self, a: float):
        self.a = positive_number(a, "init.uniform: the bound")
        self.__name__ = f"uniform({self.a})"                # what the repr of a layer shows

    def __call__(self, W: np.ndarray, rng: np.random.Generator) -> None:
        _check(W, rng)
        W[...] = rng.uniform(-self.a, self.a, W.shape)


class normal:
    """W ~ N(0, std²), as in DCGAN (std = .02)."""

    def __init__(self, std: float):
        self.std = positive_number(std, "init.normal: the standard deviation")
        self.__name__ = f"normal({self.std})"

    def __call__(self, W: np.ndarray, rng: np.random.Generator) -> None:
        _check(W, rng)
        W[...] = rng.standard_normal(W.shape) * self.std


def _check(W, rng):
    if not isinstance(W, np.ndarray) or W.ndim != 2 or W.dtype.kind != "f":
        raise TypeError(f"W must be an array of floats (fan_in, fan_out), which is filled, got "
                        f"{f'{W.dtype} of shape {W.shape}' if isinstance(W, np.ndarray) else type(W).__name__}")
    generator(rng)
