"""How close is close: the one measure by which two tensors are compared."""
import numpy as np


def error(a, b):
    """max|a - b| / max(max|a|, max|b|), absolute when both are below 1e-12. NaN anywhere gives NaN, never close."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape, f"shapes differ: {a.shape} and {b.shape}"
    wide = np.result_type(a, b, np.float64)
    a, b = a.astype(wide), b.astype(wide)
    size = max(np.max(np.abs(a)), np.max(np.abs(b)))
    return np.max(np.abs(a - b)) / (size if size >= 1e-12 else 1)
