"""Nearest rows: is a sample a copy of a training row, and can neighbours tell two samples apart?"""
from typing import Any, NamedTuple

import numpy as np

from ..checks import samples
from .pairs import blocks


class TwoSample(NamedTuple):
    """How often the nearest other row is of the same kind: of all rows, of the real, of the fake."""
    accuracy: float
    real: float
    fake: float


def nearest(x: Any, reference: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """(index, distance) of the nearest row of `reference` (m, d) to each row of x (n, d); both (n,)

    Each row of x gets an answer, whoever made it. Without a reference, which is why it comes last: the nearest *other*
    row of x. The winner is found by the product form, Eq. (13.9), and its distance computed directly: a copy is at 0
    exactly.
    """
    itself = reference is None
    y = samples(x if itself else reference, "reference", 2 if itself else 1)
    x = y if itself else samples(x, like=y)
    index = np.empty(len(x), np.intp)
    for rows, square in blocks(x, y):
        if itself:
            square[np.arange(len(square)), np.arange(rows.start, rows.stop)] = np.inf
        index[rows] = square.argmin(axis=1)
    distance = np.concatenate([np.linalg.norm(x[i:i + 1000].astype(float) - y[index[i:i + 1000]], axis=1)
                               for i in range(0, len(x), 1000)])
    return index, distance


def nearest_distance(x: Any, reference: Any = None) -> float:
    """Median over the rows x (n, d) of the distance to the nearest row of `reference` (m, d)   Eq. (13.16)

    Against the training data: 0 for copies. Held-out real data, or the training rows among themselves (no
    `reference`), give the distance of what is new.
    """
    return float(np.median(nearest(x, reference)[1]))


def two_sample_accuracy(x: Any, x_fake: Any) -> TwoSample:
    """Share of the rows of both whose nearest other row is of the same kind; ½ for a tie       Eq. (13.7)

    x (n, d) data, x_fake (n, d), as many of each. About ½ if both are of one distribution, 1 if they lie apart, and
    *below* ½ if fakes sit on the real rows: 0 for copies. Lopez-Paz & Oquab 2017, Xu et al. 2018.
    """
    x = samples(x, "x", 2)
    x_fake = samples(x_fake, "x_fake", 2, x)
    if len(x) != len(x_fake):
        raise ValueError(f"{len(x)} real and {len(x_fake)} fake rows: chance is ½ only with as many of each")
    shares = []
    for own, other in ((x, x_fake), (x_fake, x)):
        gap = nearest(own, other)[1] - nearest(own)[1]               # > 0: its own kind is nearer
        shares.append(float(np.mean(0.5 * np.sign(gap) + 0.5)))
    return TwoSample(sum(shares) / 2, *shares)
