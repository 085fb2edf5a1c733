"""Your own data: an array, or anything that is data already."""
from typing import Any

import numpy as np

from ..checks import WHOLE, plain, precision, real, text, whole
from .protocol import Data, DataError, is_data
from .rows import Rows

LOST = 1e-3                             # the share of what a column varies that rounding may change


def as_data(x: Any, dtype: Any = np.float32) -> Data:
    """x itself if it is data (it has sample, shape, range and n); else `array(x, dtype=dtype)`.

    TypeError for text: `load` takes names and paths; and for finite data without `batches`. DataError for rows that
    do not survive in that dtype, as for `array`.
    """
    if is_data(x):
        if isinstance(x, Rows):
            check_kept(x.x, precision(dtype), len(x.shape) > 1)
        _declared(x.shape, x.range, x.n)
        if x.n is not None and not callable(getattr(x, "batches", None)):
            raise TypeError(f"data of n = {x.n!r} rows must have batches(n, rng), an epoch of minibatches: write it, "
                            "or set n = None for data without end")
        return x
    if isinstance(x, str | bytes) or hasattr(x, "__fspath__"):
        raise TypeError(f"data must be an array or an object with sample, shape, range and n, not {x!r}: "
                        "numpygan.data.load(...) takes names and paths")
    return array(x, dtype=dtype)


def _declared(shape, range, n):
    """TypeError or ValueError unless they are what data declares."""
    if not (isinstance(shape, tuple) and all(isinstance(v, WHOLE) and v > 0 for v in shape)):
        raise TypeError(f"data must have a shape, that of one item, such as (2,), not {shape!r}: correct it")
    if not (isinstance(range, tuple | list) and len(range) == 2 and all(map(real, range)) and range[0] <= range[1]):
        raise TypeError(f"data must have a range, (lo, hi) of its values, (-inf, inf) for no bound, not {range!r}: "
                        f"correct it")
    if n is not None:
        whole(n, "n of data, its rows,")


def array(x: Any, labels: Any = None, range: tuple[float, float] | None = None, dtype: Any = np.float32,
          name: str = "array", source: dict[str, Any] | None = None) -> Rows:
    """An array as data: (n, d), or (n, h, w) and (n, h, w, c) for images; axis 0 counts the rows.

    The values are copied and cast, never scaled: for a generator that ends in tanh bring pixels of 0 to 255
    to [−1, 1] with x / 127.5 − 1. range: (lo, hi) that the values lie in by their nature; default their
    minimum and maximum. labels: n integers from 0. TypeError for anything but numbers; DataError (a
    ValueError) for an empty or 1-D array, NaN, infinity, values outside `range`, labels that do not fit, and
    columns that dtype would round away, such as 1e8 + noise in float32.
    """
    x, name = _numbers(x), text(name, "name")
    if not isinstance(source, dict | None):
        raise TypeError(f"source must be a dictionary that tells where the data is from, or None, not {source!r}")
    if x.ndim < 2:
        raise DataError(f"data must have a row for each item, not the shape {x.shape}: "
                        "write x[:, None] for n numbers, x[None] for one item")
    if x.size == 0:
        raise DataError(f"data must have at least one row and one column, not the shape {x.shape}: "
                        "check how the array was made")
    with np.errstate(over="ignore"):           # an overflow becomes inf, which is refused below
        rows = np.array(x.reshape(len(x), -1), precision(dtype), order="C")
    if not np.isfinite(rows).all():
        bad = int(np.flatnonzero(~np.isfinite(rows).all(1))[0])
        raise DataError(f"data must be finite numbers, but row {bad} holds NaN or infinity (or a number too "
                        f"large for {rows.dtype}): drop such rows with x[numpy.isfinite(x).all(axis=1)]")
    check_kept(x.reshape(len(x), -1), rows.dtype, x.ndim > 2)
    labels = None if labels is None else _classes(labels, len(rows))
    return Rows(rows, x.shape[1:], _range(rows, range), labels, name, source)


def _numbers(x: Any) -> np.ndarray:
    plain(x, "data")
    try:
        x = np.asarray(x)
    except ValueError as error:
        raise DataError(f"data must be one array, and this is none ({error}): "
                        "give rows of equal length") from error
    if x.dtype.kind not in "biuf":
        raise TypeError(f"data must be real numbers, not an array of {x.dtype}: "
                        "convert it, for instance with numpy.asarray(x, float)")
    return x


def check_kept(x: np.ndarray, dtype: np.dtype, image: bool) -> None:
    """DataError where x (n, d) in that dtype loses more than a thousandth of what a column varies; of images, of what
    all pixels vary. A column that varies by no more than the rounding of x itself counts as constant."""
    if x.dtype == dtype or x.dtype.itemsize < dtype.itemsize:
        return
    columns = x.reshape(-1, 1) if image else x
    low, high = columns.min(axis=0), columns.max(axis=0)
    wide = high.astype(np.longdouble) - low
    most = np.maximum(abs(high.astype(np.longdouble)), abs(low.astype(np.longdouble)))
    step = np.finfo(dtype).eps * most + np.finfo(dtype).smallest_subnormal
    noise = 16 * np.finfo(x.dtype).eps * most if x.dtype.kind == "f" else -1
    for j in np.flatnonzero((low != high) & (step > LOST * wide) & (wide > noise)):
        lost = abs(columns[:, j].astype(dtype).astype(np.longdouble) - columns[:, j]).max()
        if not lost < LOST * wide[j]:                         # of few doubtful columns only: it takes memory
            where = "the images go" if image else f"column {j} goes"
            least = "min" if x.dtype.kind in "iu" else "mean"
            raise DataError(f"data must survive in {dtype}, but {where} from {low[j]} to {high[j]}, which rounds away "
                            f"what the rows differ in: subtract x.{least}(axis=0) first, and bring all columns to one "
                            f"scale")


def _range(x: np.ndarray, given: tuple[float, float] | None) -> tuple[float, float]:
    least, most = float(x.min()), float(x.max())
    if given is None:
        return least, most
    try:
        lo, hi = (float(v) for v in given)
    except (TypeError, ValueError):
        raise TypeError(f"range must be two numbers (lo, hi), not {given!r}: for instance (-1, 1)") from None
    if not lo < hi:
        raise DataError(f"range must be (lo, hi) with lo < hi, not ({lo:g}, {hi:g}): for instance (-1, 1)")
    # A bound such as 0.1 may lie a rounding away from the value of x that stands for it.
    if least < min(lo, float(x.dtype.type(lo))) or most > max(hi, float(x.dtype.type(hi))):
        raise DataError(f"data must lie in the range [{lo:g}, {hi:g}], but goes from {least:g} to {most:g}: "
                        "scale the data, or leave range out")
    return lo, hi


def _classes(labels: Any, n: int) -> np.ndarray:
    plain(labels, "labels")
    try:
        y = np.asarray(labels)
    except ValueError:
        raise DataError(f"labels must be {n} integers, one for each row, not rows of different lengths: "
                        "give one number for each") from None
    if y.shape != (n,):
        raise DataError(f"labels must be {n} integers, one for each row, not an array of shape {y.shape}: "
                        "for one-hot labels write labels.argmax(axis=1)")
    floats = y.dtype.kind == "f" and np.isfinite(y).all()
    if not (y.dtype.kind in "biu" or (floats and (y == np.floor(y)).all())):
        raise DataError(f"labels must be whole numbers, not {y.dtype} such as {y[0]!r}: "
                        "numpy.unique(labels, return_inverse=True)[1] numbers the classes")
    if (y < 0).any():
        raise DataError(f"labels must be 0 or greater, but the least is {y.min()}: "
                        "numpy.unique(labels, return_inverse=True)[1] numbers the classes")
    if (y >= 2**63).any():
        raise DataError(f"labels must be less than 2**63, but the largest is {y.max()}: "
                        "numpy.unique(labels, return_inverse=True)[1] numbers the classes")
    return y.astype(np.int64)
