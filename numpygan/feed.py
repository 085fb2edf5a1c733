"""The supply of minibatches that training draws from."""
import itertools
import math
from typing import Any, cast

import numpy as np

from .checks import told, whole
from .data import as_data
from .guests import minibatch

Position = tuple[int, int, int]             # batch size, seed of the permutation, minibatches taken of it


class Feed:
    """An endless supply of minibatches: fresh draws, or one permutation of finite data after the other.

    The permutation comes from a seed of its own, so that a position in the data is two numbers: `seed`, `index`.
    """

    def __init__(self, source: Any, batch: int, dtype: Any = np.float32, position: Position | None = None):
        self.source, self.batch = source, batch
        self.data = cast(Any, as_data(source, dtype))
        self.seed, self.index = 0, 0
        self._batches: Any = iter(())
        if position is not None and position[0] == batch and self.data.n is not None:      # go on in that epoch
            _, self.seed, self.index = position
            batches = self.data.batches(batch, np.random.default_rng(self.seed))
            self._batches = itertools.islice(batches, self.index, None)

    @property
    def position(self) -> Position | None:
        """Where it stands in finite data; a new feed begins there when it is given it."""
        return None if self.data.n is None else (self.batch, self.seed, self.index)

    def serves(self, source: Any, batch: int) -> bool:
        """Is this the supply of that data, in batches of that size?"""
        return self.source is source and self.batch == batch

    def next(self, rng: np.random.Generator) -> np.ndarray:
        """The next minibatch of real rows."""
        if self.data.n is None:
            return minibatch(self.data.sample(self.batch, rng), self.data, self.batch)
        x = next(self._batches, None)
        if x is None:
            self.seed, self.index = int(rng.integers(2**63)), 0
            self._batches = iter(self.data.batches(self.batch, np.random.default_rng(self.seed)))
            x = next(self._batches, None)
        if x is None:
            raise ValueError(f"batches of {told(self.data)} must give the minibatches of an epoch, at least one, and "
                             f"gave none")
        self.index += 1
        return minibatch(x, self.data, self.batch)


def count_steps(data: Any, batch: int, k: int, steps: int | None, epochs: int | None) -> int:
    """The number of steps of G that `steps` or `epochs` asks for."""
    if (steps is None) == (epochs is None):
        raise ValueError("say how long to train: either steps= or epochs=")
    if epochs is None:
        return whole(steps, "steps")
    epochs = whole(epochs, "epochs")
    if data.n is None:
        raise ValueError("endless data has no epochs: say how many steps")
    return math.ceil(epochs * math.ceil(data.n / batch) / k)
