"""Distribution: endless data, drawn when asked for."""
from typing import Any

import numpy as np

from ..checks import generator, numbers, precision, whole


class Distribution:
    """Endless data in d dimensions: n and labels are None, but `sample_labelled` tells where a row is from.

    A subclass has `draw(n, rng) -> x, y` in float64; the rows are then rounded to `dtype`, so that
    float32 and float64 show the same points for the same seed.
    """

    n = None
    labels = None
    source = None

    def __init__(self, name: str, d: int, range: tuple[float, float] = (-np.inf, np.inf),
                 dtype: Any = np.float32) -> None:
        self.name = name
        self.d = d
        self.shape: tuple[int, ...] = (d,)
        self.range = range
        self.dtype = precision(dtype)

    def __repr__(self) -> str:
        return f"<{self.name}: a distribution in {self.d} dimension{'s' * (self.d > 1)}, {self.dtype}>"

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n rows (n, d) in float64 and the index of the part (mode, moon, …) that each came from."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(n, rng) -> x, y")

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n independent rows (n, d)."""
        return self.sample_labelled(n, rng)[0]

    def sample_labelled(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n independent rows (n, d), and the index (n,) of the mode (for moons: the moon) each came from."""
        x, y = self.draw(whole(n, "n"), generator(rng))
        return x.astype(self.dtype, copy=False), y

    def points(self, x: Any) -> tuple[np.ndarray, tuple[int, ...]]:
        """x as float64 rows (m, d), and the shape that a density over them must get back.

        The last axis of x is the d coordinates; in one dimension numbers and 1-D arrays of numbers will do.
        """
        x = numbers(x, "x")
        if self.d == 1 and x.ndim < 2:
            return x.reshape(-1, 1), x.shape
        if x.ndim == 0 or x.shape[-1] != self.d:
            raise ValueError(f"the density of {self.name} takes points (n, {self.d}), not an array of shape "
                             f"{x.shape}: put the {self.d} coordinates on the last axis")
        return x.reshape(-1, self.d), x.shape[:-1]


class Known(Distribution):
    """A distribution whose density is known: a subclass has `log_density_rows(x)` for rows (m, d)."""

    def log_density_rows(self, x: np.ndarray) -> np.ndarray:
        """log p at each row of x (m, d), in float64."""
        raise NotImplementedError(f"{type(self).__name__} must define log_density_rows(x)")

    def log_density(self, x: Any) -> np.ndarray:
        """log p(x) in float64, -inf where p = 0; x (n, d) gives (n,), see `points` for other shapes."""
        rows, shape = self.points(x)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):     # far outside p = 0; NaN gives NaN
            return self.log_density_rows(rows).reshape(shape)

    def density(self, x: Any) -> np.ndarray:
        """p(x) in float64; x (n, d) gives (n,), see `points` for other shapes."""
        with np.errstate(under="ignore"):
            return np.exp(self.log_density(x))
