"""The checks of arguments that only distributions and rows need, beside those of `numpygan.checks`."""

from typing import Any

import numpy as np

from ..checks import finite


def positive(x: Any, what: str) -> np.ndarray:
    """`x` as float64; ValueError unless every entry is finite and greater than 0."""
    found = finite(x, what)
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
