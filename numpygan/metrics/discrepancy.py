"""Maximum mean discrepancy: two samples compared by all their pairs."""
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial.distance import pdist

from ..checks import positive_number, samples
from .pairs import blocks

PROBE = 1000                    # rows of x in the median of distances


class MMD(NamedTuple):
    """An unbiased estimate of MMD², which can be negative, and the bandwidth of its kernel."""
    squared: float
    bandwidth: float


def mmd(x: Any, x_fake: Any, bandwidth: float | None = None) -> MMD:
    """MMD² = mean_{i≠j} k(xᵢ, xⱼ) + mean_{i≠j} k(yᵢ, yⱼ) − 2 mean k(xᵢ, yⱼ)                  Eq. (13.6)

    k(a, b) = exp(−‖a − b‖² / 2h²); x (n, d) data, x_fake (m, d) with the rows yⱼ. h is `bandwidth`; by default the
    median distance within the first 1,000 rows of the data. Pairs much nearer or farther than h look alike to it: say
    which h it was. Gretton et al. 2012, Eq. 3.
    """
    x = samples(x, "x", 2)
    y = samples(x_fake, "x_fake", 2, x)
    if bandwidth is None:
        bandwidth = float(np.median(pdist(x[:PROBE])))
        if bandwidth == 0:
            raise ValueError("most rows of x are equal, so their median distance is no bandwidth: give bandwidth=")
    bandwidth = positive_number(bandwidth, "bandwidth")
    n, m = len(x), len(y)
    within_x, within_y = ((_sum(a, a, bandwidth) - len(a)) / (len(a) * (len(a) - 1)) for a in (x, y))
    return MMD(float(within_x + within_y - 2 * _sum(x, y, bandwidth) / (n * m)), bandwidth)


def _sum(x, y, h):
    """Σᵢⱼ k(xᵢ, yⱼ); with y = x the n pairs of a row and itself are 1 each, up to rounding."""
    return sum(np.sum(np.exp(square / (-2 * h * h))) for _, square in blocks(x, y))
