"""The checks of arguments that every kind of data shares."""

import operator
from typing import Any

import numpy as np


def check_rng(rng: Any) -> np.random.Generator:
    """`rng` itself; TypeError unless it is a `numpy.random.Generator` (there is no global state)."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, not {type(rng).__name__}: "
                        "make one with numpy.random.default_rng(seed)")
    return rng


def check_count(n: Any, what: str = "n") -> int:
    """`n` as an int; TypeError unless it is a whole number, ValueError unless it is at least 1."""
    try:
        if isinstance(n, bool):
            raise TypeError
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"{what} must be a whole number, not {type(n).__name__}: "
                        "pass an int such as 64") from None
    if n < 1:
        raise ValueError(f"{what} must be at least 1, not {n}: pass a positive whole number")
    return n


def check_dtype(dtype: Any) -> np.dtype:
    """`dtype` as a NumPy dtype; TypeError unless it is float32 or float64."""
    found = np.dtype(dtype)
    if found not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"dtype must be float32 or float64, not {found}: "
                        "rows of data are floating-point numbers")
    return found


def finite_array(x: Any, what: str) -> np.ndarray:
    """`x` as float64; ValueError when an entry is NaN or infinite."""
    given = np.asarray(x)
    if given.dtype.kind in "SU":               # which NumPy would read as numbers
        raise TypeError(f"{what} must be numbers, got {x!r}: leave the quotation marks out")
    found = np.asarray(given, np.float64)
    if not np.isfinite(found).all():
        raise ValueError(f"{what} must be finite, but holds NaN or infinity: pass ordinary numbers")
    return found


def positive_array(x: Any, what: str) -> np.ndarray:
    """`x` as float64; ValueError unless every entry is finite and greater than 0."""
    found = finite_array(x, what)
    if not (found > 0).all():
        raise ValueError(f"{what} must be greater than 0, but the smallest is {found.min():g}: "
                         "pass positive numbers")
    return found


def frozen(x: np.ndarray) -> np.ndarray:
    """`x`, marked read-only: what a data object shows cannot be changed under it."""
    x.flags.writeable = False
    return x
