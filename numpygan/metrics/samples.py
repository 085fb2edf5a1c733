"""The check at the door of every metric: rows of finite numbers, enough of them, as wide as each other."""
from typing import Any

import numpy as np


def samples(x: Any, name: str = "x", least: int = 1, like: np.ndarray | None = None) -> np.ndarray:
    """x as a float array (n, d) with n ≥ `least`, as wide as `like`; float32 stays, everything else is float64.

    ValueError for another shape, fewer rows, or a number that is NaN or infinite.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array of real numbers, not of {x.dtype}: convert it with numpy.asarray")
    x = x if x.dtype == np.float32 else x.astype(np.float64, copy=False)
    if x.ndim != 2 or x.shape[1] == 0:
        raise ValueError(f"{name} must be samples (n, d), one in each row, not of shape {x.shape}: "
                         f"write x[:, None] for n numbers, x.reshape(len(x), -1) for images")
    if len(x) < least:
        raise ValueError(f"{name} has {len(x)} row{'s' * (len(x) != 1)}, and at least {least} are needed: draw more")
    if like is not None and x.shape[1] != like.shape[1]:
        raise ValueError(f"{name} has {x.shape[1]} columns and the other samples {like.shape[1]}: "
                         f"compare samples of one dimension")
    finite = np.isfinite(x).all(axis=1)
    if not finite.all():
        raise ValueError(f"{name} holds NaN or infinity, first in row {int(np.argmin(finite))}: "
                         f"a generator that made it has diverged")
    return x
