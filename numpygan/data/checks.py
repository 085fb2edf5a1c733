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
    try:
        found = None if dtype is None else np.dtype(dtype)        # NumPy takes None for float64
    except TypeError:
        found = None
    if found is None or found not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"dtype must be float32 or float64, not {dtype if found is None else found!s}: "
                        "rows of data are floating-point numbers")
    return found


def check_text(value: Any, what: str) -> str:
    """`value` itself; TypeError unless it is text."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be text, not {value!r}: write it between quotation marks")
    return value


def numeric(x: Any, what: str) -> np.ndarray:
    """`x` as float64; TypeError for text (which NumPy would read as numbers) and for anything else but numbers."""
    try:
        found = np.asarray(x)
    except ValueError:                         # rows of different lengths
        found = np.empty(0, object)
    if found.dtype.kind not in "biuf":
        raise TypeError(f"{what} must be numbers, got {' '.join(repr(x).split())[:80]}: pass a number or an array of "
                        "them")
    return found.astype(np.float64, copy=False)


def finite_array(x: Any, what: str) -> np.ndarray:
    """`x` as float64; ValueError when an entry is NaN or infinite."""
    found = numeric(x, what)
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


def one_number(x: np.ndarray, what: str) -> float:
    """The number in `x`; TypeError for an array of them."""
    if x.ndim:
        raise TypeError(f"{what} must be one number, not an array of shape {x.shape}: leave the brackets out")
    return float(x)


def frozen(x: np.ndarray) -> np.ndarray:
    """`x`, marked read-only: what a data object shows cannot be changed under it."""
    x.flags.writeable = False
    return x
