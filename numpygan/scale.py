"""Data of the user's own brought to [−1, 1], where networks learn, and samples brought back."""
from typing import Any

import numpy as np

from .data import array

Range = tuple[float, float]


def scaled(data: Any) -> tuple[Any, Range | None]:
    """Finite data with its range mapped to [−1, 1], and the range it had; the data itself and None where it is that."""
    if data.n is None or tuple(data.range) == (-1.0, 1.0):
        return data, None
    low, high = data.range
    x = 2 * (data.x.astype(float) - low) / ((high - low) or 1.0) - 1
    x = np.clip(x, -1, 1).astype(data.x.dtype).reshape(data.n, *data.shape)
    return array(x, data.labels, range=(-1, 1), dtype=data.x.dtype, name=data.name, source=data.source), (low, high)


def unscaled(x: np.ndarray, original: Range | None) -> np.ndarray:
    """Samples x of a generator that learned `scaled` data, in the range that the data had."""
    if original is None:
        return x
    low, high = original
    return (low + (x.astype(float) + 1) / 2 * (high - low)).astype(x.dtype)
