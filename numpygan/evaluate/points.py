"""The metrics for points: modes where there are modes, and two-sample numbers against fresh or held-out rows."""
from typing import Any

import numpy as np

from .. import metrics
from ..app.options import Misuse
from ..data.mixture import Mixture
from .board import Board, Column

DRAWS = 5                       # of perfect samples, for the sampling floor
CENTRES = 50
BINS = 50
ROWS = 2500                     # by default: what the literature on mixtures uses


def board(x_fake: np.ndarray, data: Any, rng: np.random.Generator, title: str, step: Any) -> Board:
    """x_fake (n, d) beside its anchors. step() is called after each of the rows."""
    n = len(x_fake)
    real, *perfect = _real(data, n, rng)
    h = _typical_distance(real, data)
    found = Board(title, _columns(data, real, h, rng), _protocol(data, real, h))
    floor = "perfect samples" if data.n is None else "the other half of the data"
    centres = metrics.centroids(real, min(CENTRES, n), rng)
    rows = {"this run": [x_fake], floor: perfect, "the real rows again": [real],
            f"{len(centres)} k-means centroids": [centres[rng.integers(len(centres), size=n)]],
            "a Gaussian, same moments": [metrics.gaussian_like(real, n, rng)]}
    for name, draws in rows.items():
        found.score(name, *draws)
        step()
    return found


def size(data: Any, n: int | None) -> int:
    """How many rows are compared; Misuse when finite data has not twice as many."""
    most = ROWS if data.n is None else data.n // 2
    if data.n is not None and (most < 2 or (n or 0) > most):
        raise Misuse(f"{data.name} has {data.n:,} row{'s' * (data.n > 1)}, and two halves of them are compared: "
                     + (f"ask for -n 2 to {most:,}" if most >= 2 else "too few to evaluate"))
    return n or min(ROWS, most)


def _real(data, n, rng):
    """The real rows that all are compared with, then other real rows."""
    if data.n is None:
        return [data.sample(n, rng) for _ in range(1 + DRAWS)]
    order = rng.permutation(data.n)
    return data.x[order[:n]], data.x[order[-n:]]


def _typical_distance(real, data):
    """The bandwidth of the kernel in all rows of the table."""
    try:
        return metrics.mmd(real, real[:2]).bandwidth
    except ValueError:                                   # the median distance is 0
        raise Misuse(f"most rows of {data.name} are equal, so no distance between them says how near samples are: "
                     f"look at samples instead, numpygan sample RUN --out samples.png") from None


def _columns(data, real, h, rng):
    """Those that the data allows; what draws, draws the same for every row."""
    columns = []
    if _has_modes(data):
        columns += [Column(f"modes of {len(data.modes)}", ".0f", lambda x: metrics.modes(x, data).covered),
                    Column("quality %", ".2f", lambda x: 100 * metrics.modes(x, data).quality),
                    Column("reverse KL", ".4f", lambda x: metrics.modes(x, data).reverse_kl)]
    if _has_density(data):
        seed = int(rng.integers(2**32))
        columns.append(Column("in region %", ".2f", lambda x: 100 * metrics.region_share(
            x, data, np.random.default_rng(seed), draws=10_000)))
    if _has_cells(real):
        columns.append(Column("JSD", ".4f", lambda x: metrics.jsd_on_grid(real, x, BINS)))
    directions = int(rng.integers(2**32))
    return [*columns,
            Column("W1", ".4f", lambda x: metrics.sliced_wasserstein1(real, x, rng=np.random.default_rng(directions))),
            Column("MMD²", ".5f", lambda x: metrics.mmd(real, x, h).squared),
            Column("1-NN", ".3f", lambda x: metrics.two_sample_accuracy(real, x).accuracy)]


def _protocol(data, real, h):
    n = len(real)
    rows = f"{n:,} fresh samples of {data.name}" if data.n is None else f"{n:,} rows of {data.name}, seen in training"
    lines = [f"against {rows}; {n:,} samples in every row"]
    if data.n is None:
        lines.append(f"spread: the standard deviation over {DRAWS} draws; no difference below it counts")
    if _has_modes(data):
        exact = metrics.perfect_modes(data, n)
        lines.append(f"modes with a sample within 3 standard deviations; quality: share of samples there, if perfect "
                     f"{100 * exact.quality:.2f} %; reverse KL over modes, if perfect {exact.reverse_kl:.4f}")
    if _has_density(data):
        lines.append("in region: share of the samples in the smallest region that holds 99 % of the data")
    grid = f"JSD in nats on {' x '.join([str(BINS)] * real.shape[1])} cells; " if _has_cells(real) else ""
    lines.append(f"{grid}W1 sliced, 100 directions; MMD² unbiased, Gaussian kernel of bandwidth {h:.3g}; 1-NN: "
                 f"two-sample accuracy, ½ if alike, 1 if apart, 0 for copies")
    return lines


def _has_cells(real):
    """Can a grid be laid over the rows? Not in many dimensions, and not along a column of one value."""
    return real.shape[1] <= 2 and np.ptp(real, axis=0).all()


def _has_modes(data):
    return isinstance(data, Mixture) and len(data.modes) > 1


def _has_density(data):
    return callable(getattr(data, "log_density", None))
