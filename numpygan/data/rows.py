"""Rows: finite data, held in one array."""
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import generator, whole
from .protocol import DataError, frozen


def read_bounded(path: Path, most: int, advice: str) -> bytes:
    """All bytes of the file; DataError where it cannot be read, or has more than `most`: then the advice is added."""
    try:
        with open(path, "rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): check the file and its permissions") from error
    if len(content) > most:
        raise DataError(f"{path} has more than {most} bytes{advice}")
    return content


def from_bytes(images: np.ndarray, dtype: np.dtype, white: int = 255) -> np.ndarray:
    """Images (n, …) of whole numbers 0 to `white` as rows (n, d) in [-1, 1]; both ends are met exactly."""
    x = images.reshape(len(images), -1).astype(dtype)
    x /= dtype.type(white / 2)
    x -= dtype.type(1)
    return x


def source_of(name: str, *files: tuple[Any, str, bool], **more: Any) -> dict[str, Any]:
    """The `source` of data read from files (path, sha256, known): plain values that JSON can hold."""
    listed = [{"path": str(path), "sha256": sha256, "known": known} for path, sha256, known in files]
    return {"name": name, **more, "files": listed, "known": all(known for _, _, known in files)}


class Rows:
    """Finite data: n rows x (n, d) with the shape of one item, the range of the entries and perhaps labels.

    `digits()`, `mnist()`, `array(x)`, … make one; this constructor trusts its arguments and copies nothing.
    source is a dictionary for the record of a run: a name, the files read (path, sha256, known), and
    `known`, true when every file is byte for byte a published one; None for an array.
    """

    def __init__(self, x: np.ndarray, shape: tuple[int, ...], range: tuple[float, float],
                 labels: np.ndarray | None = None, name: str = "array",
                 source: dict[str, Any] | None = None) -> None:
        self.x = frozen(x)
        self.shape = shape
        self.range = range
        self.labels = None if labels is None else frozen(labels)
        self.name = name
        self.source = source
        self.n = len(x)
        self.d = math.prod(shape)
        self.dtype = x.dtype

    def __repr__(self) -> str:
        labels = "no labels" if self.labels is None else f"{len(np.unique(self.labels))} classes"
        lo, hi = self.range
        rows = f"{self.n} rows of shape {self.shape} in [{lo:g}, {hi:g}]"
        return f"<{self.name}: {rows}, {labels}, {self.dtype}>"

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n rows (n, d) drawn independently, with replacement: the empirical distribution."""
        return self.x.take(self._draw(n, rng), axis=0)                    # faster than self.x[…]

    def sample_labelled(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n rows (n, d) drawn as by `sample`, and their labels (n,); DataError where there are none."""
        if self.labels is None:
            raise DataError(f"{self.name} has no labels: use sample(), or give labels= when making the data")
        i = self._draw(n, rng)
        return self.x[i], self.labels[i]

    def batches(self, n: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """One epoch: the rows in a fresh random order, n at a time, every row exactly once.

        The last batch is shorter when n does not divide the number of rows. The order is drawn at the call.
        """
        n = whole(n, "n")
        order = generator(rng).permutation(self.n)
        return (self.x.take(order[i:i + n], axis=0) for i in range(0, self.n, n))

    def split(self, fraction: float, rng: np.random.Generator) -> tuple["Rows", "Rows"]:
        """Two disjoint parts in random order: the first has `fraction` of the rows, the second the others.

        `train, held_out = digits().split(2 / 3, rng)`. The same rng state gives the same parts.
        """
        first = round(fraction * self.n) if isinstance(fraction, float) and 0 < fraction < 1 else 0
        if not 0 < first < self.n:
            raise ValueError(f"fraction must lie strictly between 0 and 1 and leave rows on both sides, "
                             f"not {fraction} of {self.n} rows: try 0.5")
        order = generator(rng).permutation(self.n)
        return self._take(order[:first]), self._take(order[first:])

    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return generator(rng).integers(self.n, size=whole(n, "n"))

    def _take(self, i: np.ndarray) -> "Rows":
        labels = None if self.labels is None else self.labels[i]
        return Rows(self.x[i], self.shape, self.range, labels, self.name, self.source)
