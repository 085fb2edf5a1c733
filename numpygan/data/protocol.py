"""The contract of data: what anything must have to be trained on, and the error for what has not."""
from typing import Any, Protocol

import numpy as np


class DataError(ValueError):
    """Data is missing, damaged or not usable; the message says what was expected and how to mend it."""


class Data(Protocol):
    """Rows to learn from, always flat: `sample` gives a float array (n, d) whatever the shape of one item.

    shape    of one item: (2,) for points, (28, 28) for grey images, (h, w, 3) for colour; d is its product
    range    (lo, hi) that every entry lies in; (-inf, inf) where there is no bound
    n        number of rows, None when there is no end of them
    labels   None, or the classes of the rows: integers (n,)

    Nothing needs to inherit from this class: an object with `sample`, `shape`, `range` and `n` is data
    (`as_data`). Finite data also has `batches(n, rng)`, a distribution whose density is known `density(x)`.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def range(self) -> tuple[float, float]: ...

    @property
    def n(self) -> int | None: ...

    @property
    def labels(self) -> np.ndarray | None: ...

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n independent rows (n, d)."""

    def sample_labelled(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n independent rows (n, d) and their classes (n,)."""


def is_data(x: Any) -> bool:
    """Whether x can be trained on as it is (an array cannot: it needs `as_data`)."""
    return callable(getattr(x, "sample", None)) and all(hasattr(x, name) for name in ("shape", "range", "n"))


def frozen(x: np.ndarray) -> np.ndarray:
    """`x`, marked read-only: what a data object shows cannot be changed under it."""
    x.flags.writeable = False
    return x
