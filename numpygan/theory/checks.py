"""The checks of arguments that all of the theory shares: each answers in one sentence."""
from typing import Any

import numpy as np


def numbers(x: Any, name: str) -> np.ndarray:
    """`x` as float64, NaN and infinity included; TypeError for what is no array of real numbers."""
    try:
        found = np.asarray(x)
    except ValueError:                                    # rows of different lengths
        found = np.empty(0, object)
    if found.dtype.kind not in "biuf":
        what = "rows of different lengths or other objects" if found.dtype.kind == "O" else f"{found.dtype}"
        raise TypeError(f"{name} must be real numbers, got {what}: pass a number, or an array of them")
    return found.astype(np.float64, copy=False)


def no_nan(x: Any, name: str) -> np.ndarray:
    """`x` as float64; ValueError where it is NaN."""
    found = numbers(x, name)
    if np.isnan(found).any():
        raise ValueError(f"{name} holds NaN: drop those points, or mend what made them")
    return found


def finite(x: Any, name: str) -> np.ndarray:
    """`x` as float64; ValueError unless it is finite."""
    found = numbers(x, name)
    if not np.isfinite(found).all():
        raise ValueError(f"{name} must be finite, and holds NaN or infinity: drop them, or mend what made them")
    return found


def whole(n: Any, least: int, name: str) -> int:
    """`n` as an int; ValueError unless it is a whole number of at least `least`."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {n!r}")
    return int(n)


def probability(p: Any, name: str) -> float:
    """`p` as a float; ValueError unless it lies in [0, 1]."""
    if not isinstance(p, int | float | np.integer | np.floating) or not 0 <= p <= 1:
        raise ValueError(f"{name} must lie in [0, 1], got {p!r}: it is a probability")
    return float(p)
