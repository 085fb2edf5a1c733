"""How well a trained D tells two distributions apart, against the dimension of the space they live in."""
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..gan import discriminator_gradient
from ..losses import Minimax
from ..network import MLP
from ..optim import Adam
from ..plots import supports as plots
from ..plots.moving import write_png
from ..schedule import LinearDecay

# D has 32-32 hidden units and 400 steps of Adam, the rate falling from 3e-3 to 0, on fresh batches of 128; float32.
DIMENSIONS = (2, 3, 4, 8, 16, 32, 64)
SEEDS = range(3)
HIDDEN, STEPS, BATCH, LR = 32, 400, 128, 3e-3
TEST = 20_000                           # fresh rows of each kind on which D is judged
FLAT = 2                                # dimensions of the planes
TIE = 1e-14                             # lengths that differ by less than this part are equal, but for rounding
STD = 0.5                               # of the noise that thickens them
WIDER = 1.2                             # standard deviation of the wider Gaussian, in every direction

Draw = Callable[[int], np.ndarray]


class Pair(NamedTuple):
    """Two distributions: what draws n rows of each, and what says "the first", as D* does, to rows (n, d) -> (n,)."""
    p: Draw
    q: Draw
    says_p: Callable[[np.ndarray], np.ndarray]


class Accuracy(NamedTuple):
    """The share of right answers, ½ where D only guesses; each (seeds, dimensions)."""
    trained: np.ndarray
    best: np.ndarray                    # of D*


def planes(d: int, rng: np.random.Generator, std: float = 0.0) -> Pair:
    """N(0, I) on two random planes A, B through 0 in d dimensions, each with noise of that standard deviation.

    D* says "A" where ‖Aᵀx‖ > ‖Bᵀx‖: the covariances are std² I + AAᵀ and std² I + BBᵀ, with orthonormal columns. In two
    dimensions both planes are all there is, and it says "B" to every row.
    """
    def on(plane):
        return lambda n: rng.standard_normal((n, FLAT)) @ plane.T + std * rng.standard_normal((n, d))
    A, B = (np.linalg.qr(rng.standard_normal((d, FLAT)))[0] for _ in range(2))
    return Pair(on(A), on(B), lambda x: np.linalg.norm(x @ A, axis=1) > (1 + TIE) * np.linalg.norm(x @ B, axis=1))


def noisy_planes(d: int, rng: np.random.Generator) -> Pair:
    """The planes as D sees them through instance noise."""
    return planes(d, rng, STD)


def gaussians(d: int, rng: np.random.Generator) -> Pair:
    """N(0, I) and N(0, 1.2² I); D* says "the first" inside the ball where the densities are equal, ‖x‖² < c."""
    return Pair(lambda n: rng.standard_normal((n, d)), lambda n: WIDER * rng.standard_normal((n, d)),
                lambda x: np.square(x).sum(1) < equal_at(d))


def equal_at(d: int) -> float:
    """c = 2 d log σ/(1 − 1/σ²): N(0, I) = N(0, σ² I) where ‖x‖² = c."""
    return float(2 * d * np.log(WIDER) / (1 - WIDER**-2))


def accuracy(make: Callable, d: int, seed: int) -> tuple[float, float]:
    """The share of fresh rows of p and q that are told right: by a D trained on other rows of them, and by D*."""
    rng = np.random.default_rng([seed, d])
    p, q, says_p = make(d, rng)
    D = MLP([d, HIDDEN, HIDDEN, 1], rng=rng, engine="numpy")
    opt, loss = Adam(LinearDecay(LR, STEPS, hold=0)), Minimax()
    for _ in range(STEPS):
        x, x_fake = p(BATCH).astype(D.dtype), q(BATCH).astype(D.dtype)
        opt.step(D, discriminator_gradient(D, loss, x, x_fake)[1])
    x, x_fake = p(TEST), q(TEST)
    return float(np.mean([D(x) > 0, D(x_fake) < 0])), float(np.mean([says_p(x), ~says_p(x_fake)]))


def sweep(make: Callable, dimensions: Sequence[int] = DIMENSIONS) -> Accuracy:
    """`accuracy` over all dimensions and seeds."""
    rows = np.array([[accuracy(make, d, seed) for d in dimensions] for seed in SEEDS])
    return Accuracy(rows[..., 0], rows[..., 1])


def draw(folder: Path) -> list[Path]:
    """dimension.png: thin supports, thickened ones, and distributions that overlap everywhere."""
    thin, noisy, thick = sweep(planes), sweep(noisy_planes), sweep(gaussians)
    setting = (f"D: {HIDDEN}-{HIDDEN} hidden units, {STEPS} steps of Adam on fresh batches of {BATCH}, judged on "
               f"{2 * TEST:,} other rows; {len(SEEDS)} seeds: median and range")
    return [write_png(plots.dimension(DIMENSIONS, thin, noisy, thick, STD, setting), folder / "dimension.png")]
