"""Figure 1 of Goodfellow et al. (2014), from a real training run in one dimension."""
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from .. import data as datasets
from .. import theory
from ..gan import GAN, discriminator_gradient, generator_gradient
from ..layers import Layer
from ..losses import Minimax
from ..network import MLP
from ..optim import Adam
from ..plots import pair
from ..plots.moving import write_gif, write_png
from ..plots.points import probability
from ..schedule import LinearDecay

# The setting. p_data is a mixture of two overlapping Gaussians, skewed, so that G has more to learn than a straight
# line. G starts as x = 0.7 z − 2, on the left of the data; D at random. All in float64, the game is the minimax one.
DATA = datasets.mixture([-0.4, 0.5], [0.55, 0.75], [0.6, 0.4], dtype=np.float64)
WIDTH = 16                                     # hidden units of G in its one layer
WIDTH_D = 24                                   # of D in each of two layers
LR_G, LR_D, BATCH = 1e-3, 5e-3, 256
NEAR = 0.06                                    # (a) is where JSD first falls below this
INNER, INNER_LR, INNER_BATCH = 2000, 2e-2, 512          # (b): steps of D alone; see `inner_loop`
ASCENT = 20                                    # (c): steps of G alone
LAST, LAST_K = 1000, 2                         # (d): steps of G, and of D for each, the rates falling to 0

X = np.linspace(-5, 5, 2001)
P_DATA = DATA.density(X)
INSIDE = P_DATA > 0.05 * P_DATA.max()          # where D is judged: elsewhere hardly a sample tells it anything
Z = ndtri((np.arange(21) + 0.5) / 21)           # where the arrows start: between two of them 1/21 of the noise


class Swish(Layer):
    """y = x σ(x)                                                                               Eq. (2.14)

    Smooth, so that p_g has no jumps; not bounded, so that it has tails.
    """

    def forward(self, p, x, c):
        s = c.ops.sigmoid(x)
        return x * s, (x, s)

    def backward(self, p, cache, dy, c):
        x, s = cache
        return dy * (s + x * s * (1 - s)), {}


class Moment(NamedTuple):
    """A pair (G, D) as the picture shows it, each density and D at the points X."""
    label: str
    p_g: np.ndarray
    D: np.ndarray
    arrows: np.ndarray         # G(Z)

    @property
    def best(self) -> np.ndarray:
        """D* of this p_g; ½ where neither density reaches."""
        p, q = P_DATA, self.p_g
        return np.divide(p, p + q, out=np.full_like(p, 0.5), where=p + q > 0)

    @property
    def jsd(self) -> float:
        """JSD(p_data, p_g), of the masses at the points X."""
        return theory.jsd(P_DATA / P_DATA.sum(), self.p_g / self.p_g.sum())

    @property
    def off_best(self) -> float:
        """The largest |D − D*| where p_data exceeds 5 % of its peak."""
        return float(np.abs(self.D - self.best)[INSIDE].max())

    @property
    def off_half(self) -> float:
        """The largest |D − ½| there."""
        return float(np.abs(self.D - 0.5)[INSIDE].max())


def moment(gan: GAN, label: str = "") -> Moment:
    """The pair as it is now."""
    return Moment(label, theory.generated_density(gan.G, X), probability(gan.D, X[:, None]), gan.G(Z[:, None])[:, 0])


def run(seed: int = 0, watch: Callable[[GAN, str], None] | None = None) -> list[Moment]:
    """The moments (a) to (d) of one run. `watch` is called with the GAN and the name of the phase after every step."""
    rng = np.random.default_rng(seed)
    watch = watch or (lambda gan, phase: None)
    gan = start(rng)
    watch(gan, "(a)")
    gan.fit(DATA, steps=2000, batch=BATCH, rng=rng, callbacks=[lambda gan: watch(gan, "(a)"), near])
    moments = [moment(gan, "(a)")]
    inner_loop(gan, rng, watch)
    moments.append(moment(gan, "(b)"))
    ascent(gan, rng, watch)
    moments.append(moment(gan, "(c)"))
    gan.opt_G, gan.opt_D = (Adam(LinearDecay(lr, steps, hold=0), beta1=0.5)
                            for lr, steps in ((LR_G, LAST), (LR_D, LAST * LAST_K)))
    gan.fit(DATA, steps=LAST, batch=BATCH, k=LAST_K, rng=rng, callbacks=[lambda gan: watch(gan, "(d)")])
    return [*moments, moment(gan, "(d)")]


def start(rng: np.random.Generator) -> GAN:
    """The pair before its first step. G(z) = 0.7 z − 2, since swish(u) − swish(−u) = u."""
    G = MLP([1, WIDTH, 1], hidden=Swish(), rng=rng, dtype=np.float64, engine="numpy")
    D = MLP([1, WIDTH_D, WIDTH_D, 1], hidden="tanh", rng=rng, dtype=np.float64, engine="numpy")
    sign, p = np.repeat([1.0, -1.0], WIDTH // 2), G.params()
    p["0.W"][0], p["0.b"][:] = sign, sign * np.tile(np.linspace(-1.5, 1.5, WIDTH // 2), 2)
    p["2.W"][:, 0], p["2.b"][:] = 0.7 * sign / (WIDTH // 2), -2.0
    first = D.params()                                  # of D: steep units that bend all over the data, not at 0 only
    first["0.W"][:], first["0.b"][:] = 2 * first["0.W"], rng.uniform(-4, 4, WIDTH_D)
    return GAN(G, D, Minimax(), Adam(LR_G, beta1=0.5), Adam(LR_D, beta1=0.5))


def near(gan: GAN) -> bool:
    """A callback that ends the run near convergence."""
    return len(gan.history) % 5 == 0 and moment(gan).jsd < NEAR


def inner_loop(gan: GAN, rng: np.random.Generator, watch: Callable) -> None:
    """Algorithm 1's loop over D, with a large k: G stands still. D ends as the mean of itself over the second half.

    The rate falls to a fifth in the first half and stays there: D has arrived, and moves about D* with the noise of
    its minibatches, which the mean takes away (Polyak & Juditsky 1992).
    """
    half = INNER // 2
    opt = Adam(lambda step: INNER_LR * max(0.2, 1 - 0.8 * step / half))
    mean = np.zeros_like(gan.D.theta)
    for step in range(INNER):
        x, x_fake = DATA.sample(INNER_BATCH, rng), gan.sample(INNER_BATCH, rng)
        opt.step(gan.D, discriminator_gradient(gan.D, gan.loss, x, x_fake, rng)[1])
        mean += gan.D.theta / (INNER - half) if step >= half else 0.0
        watch(gan, "(b)")
    gan.D.theta = mean


def ascent(gan: GAN, rng: np.random.Generator, watch: Callable) -> None:
    """Steps of G up the slope of a D that stands still."""
    opt = Adam(LR_G, beta1=0.5)
    for _ in range(ASCENT):
        opt.step(gan.G, generator_gradient(gan.G, gan.D, gan.loss, gan.draw(BATCH, rng), rng)[1])
        watch(gan, "(c)")


# ------------------------------------------------------------------------------------------------- the pictures

TITLES = {"(a)": "(a) near convergence", "(b)": "(b) D's inner loop: D → D*", "(c)": "(c) G goes up the slope of D",
          "(d)": "(d) equilibrium: D = ½"}
PHASES = {"(a)": "Algorithm 1, on the way to (a)", "(b)": "D alone, on the way to (b)",
          "(c)": "G alone, on the way to (c)",
          "(d)": "Algorithm 1, on the way to (d)"}


def draw(folder: Path) -> list[Path]:
    """figure1.png and figure1.gif."""
    kept = Recorder()
    moments = run(0, kept)
    titles = [f"{TITLES[m.label]}\n{numbers(m)}" for m in moments]
    ax = pair.figure1(moments, X, P_DATA, Z, titles, (X[INSIDE].min(), X[INSIDE].max()))
    moving = pair.pair_film(kept.moments, X, P_DATA, Z, kept.titles)
    return [write_png(ax, folder / "figure1.png"), write_gif(moving, folder / "figure1.gif")]


def numbers(m: Moment) -> str:
    """What is asked of the moment: in (d) that D be ½, before that D*; where p_data exceeds 5 % of its peak."""
    off = f"|D − ½| {m.off_half:.3f}" if m.label == "(d)" else f"|D − D*| {m.off_best:.3f}"
    return f"JSD {m.jsd:.4f}, largest {off}"


class Recorder:
    """A `watch` that keeps a moment now and then: each phase at its own pace."""

    EVERY = {"(a)": 6, "(b)": 160, "(c)": 4, "(d)": 40}

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self.titles: list[str] = []
        self.phase, self.count = "", 0

    def __call__(self, gan: GAN, phase: str) -> None:
        self.count = self.count + 1 if phase == self.phase else 1
        self.phase = phase
        if self.count % self.EVERY[phase] == 0 or not self.moments:
            now = moment(gan)
            self.moments.append(now)
            self.titles.append(f"{PHASES[phase]};   JSD {now.jsd:.3f}")
