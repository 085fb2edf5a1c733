"""Samples against a known density: how many lie where almost all of the data lies."""
from typing import Any

import numpy as np

from ..checks import generator, real, samples, told, whole


def region_share(x: Any, data: Any, rng: np.random.Generator, level: float = 0.99, draws: int = 100_000) -> float:
    """P_g(p(x) ≥ t), where P_data(p(x) ≥ t) = `level`                                         Eq. (13.8)

    x (n, d); data with `log_density` and `sample`. The smallest region that holds 99 % of the data; t is the quantile
    of `draws` samples. Perfect samples score 99 %. G that stays at one peak scores 100 %: it says nothing of variety.
    """
    x = samples(x)
    if not callable(getattr(data, "log_density", None)):
        raise TypeError(f"{told(getattr(data, 'name', data))} has no log_density: its region is not known")
    if not (real(level) and 0 < level < 1):
        raise ValueError(f"level must lie strictly between 0 and 1, got {level!r}")
    inside = data.log_density(data.sample(whole(draws, "draws"), generator(rng)))
    t = np.quantile(inside, 1 - level, method="inverted_cdf")
    return float(np.mean(data.log_density(x) >= t))
