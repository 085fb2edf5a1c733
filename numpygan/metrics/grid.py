"""Jensen-Shannon divergence of two samples in one or two dimensions, counted on a grid."""
from typing import Any

import numpy as np

from ..checks import numbers, samples, whole
from ..theory.divergences import jsd


def jsd_on_grid(x: Any, x_fake: Any, bins: int = 50, box: Any = None) -> float:
    """JSD of the shares of data and fakes in the cells of a grid, and in what lies outside    Eq. (13.5)

    x (n, d), x_fake (m, d), d = 1 or 2; `bins` cells along each axis of `box`, by default ((low, high), …) of x: the
    data sets the grid, and all fakes outside count as one cell. In nats, at most log 2. Needs many rows in each cell
    that counts: samples of one distribution have about (B − 1)(1/n + 1/m)/8 with B cells in use.
    """
    x = samples(x)
    x_fake = samples(x_fake, "x_fake", like=x)
    if x.shape[1] > 2:
        raise ValueError(f"a grid in {x.shape[1]} dimensions would have a cell for each row: compare such samples by "
                         f"sliced_wasserstein1, mmd or two_sample_accuracy")
    whole(bins, "bins")
    box = np.stack([x.min(axis=0), x.max(axis=0)], axis=1) if box is None else numbers(box, "box")
    if box.shape != (x.shape[1], 2) or not (box[:, 0] < box[:, 1]).all():
        raise ValueError(f"box must be (low, high) with low < high for each of {x.shape[1]} axes, got {box.tolist()}")
    return jsd(*(_shares(a, bins, box) for a in (x, x_fake)))


def _shares(x, bins, box):
    cells = np.histogramdd(x, bins=bins, range=box)[0].ravel()
    return np.append(cells, len(x) - cells.sum()) / len(x)
