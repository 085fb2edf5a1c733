"""Every row of x against every row of y, in blocks of bounded memory: the engine of Parzen, MMD and neighbours.

`squared_distances` and `log_sum_exp` are the statement in NumPy; `kernels/pairwise.py` says the same, compiled.
"""
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from .. import engine

BLOCK = 1 << 22                 # entries of a block of distances: 32 MB


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """‖xᵢ − yⱼ‖² = ‖xᵢ‖² + ‖yⱼ‖² − 2⟨xᵢ, yⱼ⟩, at least 0                                      Eq. (13.9)

    x (n, d), y (m, d) -> (n, m). The product is fast, and cancels: each entry is off by at most
    (d + 4) eps (‖xᵢ‖ + ‖yⱼ‖)². `blocks` keeps that small: float64, and both sides less the mean of y.
    """
    square = np.sum(x * x, axis=1)[:, None] + np.sum(y * y, axis=1) - 2 * (x @ y.T)
    return np.maximum(square, 0)


def log_sum_exp(s: np.ndarray, scale: float) -> np.ndarray:
    """log Σⱼ exp(scale · sᵢⱼ) for each row i                                                  Eq. (13.10)

    s (n, m) -> (n,). The largest term is taken out first: exp(−800) would be 0, and the logarithm of it −inf.
    """
    s = scale * s
    top = s.max(axis=1)
    return top + np.log(np.sum(np.exp(s - top[:, None]), axis=1))


def compiled() -> ModuleType:
    """The compiled pair of these two functions, or this module where NUMPYGAN_ENGINE asks for NumPy."""
    if engine.name_of(None) == "numpy":
        return sys.modules[__name__]
    from ..kernels import pairwise
    return pairwise


def blocks(x: Any, y: Any) -> Iterator[tuple[slice, np.ndarray]]:
    """(rows, squared distances (rows, m)) for some rows of x after the other; the array may be overwritten."""
    ops, m = compiled(), len(y)
    middle = np.mean(y, axis=0, dtype=np.float64)
    y = y - middle
    size = max(1, BLOCK // m)
    for start in range(0, len(x), size):
        rows = slice(start, min(start + size, len(x)))
        yield rows, ops.squared_distances(x[rows] - middle, y)
