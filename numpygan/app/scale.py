"""Data of the user's own brought to [−1, 1], where networks learn, and samples brought back."""
from typing import Any

import numpy as np

from ..data import DataError, array

Range = tuple[float, float]


def scaled(data: Any, dtype: Any = None) -> tuple[Any, Range | None]:
    """Finite data with its range mapped to [−1, 1], and the range it had; the data itself and None where it is that.

    dtype of the result: by default that of the data. Data that lies far from 0 should come in float64, which is
    rounded after the scaling. DataError where that rounds a column away, or where no number holds the width of the
    range.
    """
    there = tuple(data.range) == (-1.0, 1.0)
    if data.n is None or (there and dtype in (None, data.x.dtype)):
        return data, None
    low, high = data.range
    if not np.isfinite(high - low):
        raise DataError(f"{data.name} goes from {low:g} to {high:g}, too far for one number to hold: divide "
                        f"it by 2 first")
    x = data.x
    if not there:                                        # in place: of large data one copy is enough
        x = np.subtract(x, low, dtype=float)
        x /= (high - low) or 1.0
        x *= 2
        x -= 1
        np.clip(x, -1, 1, out=x)
    try:
        rows = array(x.reshape(data.n, *data.shape), data.labels, (-1, 1), dtype or data.x.dtype,
                     data.name, data.source)
    except DataError as error:
        raise DataError(f"{data.name} scaled to [-1, 1]: {error}") from error
    return rows, None if there else (low, high)


def unscaled(x: np.ndarray, original: Range | None) -> np.ndarray:
    """Samples x of a generator that learned `scaled` data, in the range that the data had.

    In float64 where there was another range: around 1e8 float32 knows every eighth number only. FloatingPointError
    for samples that even that cannot hold.
    """
    if original is None:
        return x
    low, high = original
    with np.errstate(over="ignore"):                     # an overflow becomes infinity, which is refused here
        y = low + (x.astype(float) + 1) / 2 * (high - low)
    if not np.isfinite(y).all():
        raise FloatingPointError(f"the samples leave the range of the data, {low:g} to {high:g}, so far that float64 "
                                 f"cannot hold them: divide the data by 10 and train again")
    return y
