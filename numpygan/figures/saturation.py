"""Saturation: the slope of the generator's losses in D and in the logit, and the gradient as D is trained on."""
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import data as datasets
from ..functional import sigmoid
from ..gan import GAN, discriminator_gradient, generator_gradient, instance_noise
from ..losses import Minimax, NonSaturating
from ..network import MLP
from ..optim import Adam
from ..plots import theory as plots
from ..plots.moving import write_png

LOSSES: dict[str, Minimax | NonSaturating] = {"minimax": Minimax(), "non-saturating": NonSaturating()}


def slopes(s: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For each loss |∂L_G/∂D| and |∂L_G/∂s| at logits s (n,), D = σ(s): 1/(1 − D) and σ(s), 1/D and σ(−s)

    The second is what the losses return, Eqs. (4.10) and (4.12); it is the first times dD/ds = D (1 − D).
    """
    in_D = {"minimax": 1 / sigmoid(-s), "non-saturating": 1 / sigmoid(s)}
    in_s = {name: -len(s) * loss.generator(s[:, None])[1][:, 0] for name, loss in LOSSES.items()}     # no mean
    return {name: (in_D[name], in_s[name]) for name in LOSSES}


def draw(folder: Path) -> list[Path]:
    """saturation.png: the slope in D times dD/ds is the slope in the logit."""
    s = np.linspace(-10, 10, 401)
    return [write_png(plots.slopes(s, slopes(s), sigmoid(s) * sigmoid(-s)), folder / "saturation.png")]


# ------------------------------------------------------------------------- G stands still, D is trained on

# The experiment of Arjovsky & Bottou (2017), Figures 2 and 3, on the 8 × 8 digits and with fully connected networks:
# 200 steps of Algorithm 1 with the non-saturating loss, then D alone, from where it stands (theirs began anew).
# float64, LeakyReLU(0.2), Adam(1e-3, β₁ = 0.5) throughout, its moments new when G stops. With instance noise both
# phases have it, and so have the samples on which the gradient is taken.
SEEDS = range(5)
SIZES_G, SIZES_D = [16, 32, 32, 64], [64, 32, 32, 1]
BEFORE, STEPS, BATCH, LR = 200, 1000, 64, 1e-3
PROBE = 256                                              # rows of noise on which the gradient of G is taken
STD = 1.0                                                # of the instance noise
AT = np.unique(np.round(np.geomspace(1, STEPS, 24)).astype(int))         # steps after which it is taken


class Frozen(NamedTuple):
    """What is measured before the first step and after each of `AT`: one row for each seed."""
    minimax: np.ndarray            # ‖∇_θ L_G‖ of the two losses, at the same D and the same noise
    non_saturating: np.ndarray
    D_fake: np.ndarray             # mean D(G(z))


def frozen(std: float = 0.0, seeds: range = SEEDS) -> Frozen:
    """The experiment, with instance noise of that standard deviation, for each seed."""
    rows = np.array([_train_on(std, seed) for seed in seeds])
    return Frozen(*np.moveaxis(rows, 2, 0))


def _train_on(std: float, seed: int) -> list[tuple[float, ...]]:
    rng = np.random.default_rng(seed)
    data = datasets.digits()
    G = MLP(SIZES_G, output="tanh", rng=rng, dtype=np.float64, engine="numpy")
    D = MLP(SIZES_D, rng=rng, dtype=np.float64, engine="numpy")
    gan = GAN(G, D, opt_G=Adam(LR, beta1=0.5), opt_D=Adam(LR, beta1=0.5), input_noise=std)
    gan.fit(data, steps=BEFORE, batch=BATCH, rng=rng)
    probe = _probe(gan, std, gan.draw(PROBE, rng), seed)
    measured, opt = [probe()], Adam(LR, beta1=0.5)
    for step in range(1, STEPS + 1):
        x, x_fake = data.sample(BATCH, rng).astype(np.float64), gan.sample(BATCH, rng)
        x, x_fake = (instance_noise(a, std, rng) for a in (x, x_fake))
        opt.step(D, discriminator_gradient(D, gan.loss, x, x_fake, rng)[1])
        if step in AT:
            measured.append(probe())
    return measured


def _probe(gan: GAN, std: float, z: np.ndarray, seed: int) -> Callable[[], tuple[float, ...]]:
    """What measures; always on the same z and the same instance noise."""
    def measure():
        norms = [np.linalg.norm(generator_gradient(gan.G, gan.D, loss, z, np.random.default_rng([seed, 1]), std)[1])
                 for loss in LOSSES.values()]
        s = gan.D(instance_noise(gan.G(z), std, np.random.default_rng([seed, 1])))
        return *norms, float(sigmoid(s).mean())
    return measure


def draw_frozen(folder: Path) -> list[Path]:
    """frozen.png: ‖∇_θ L_G‖ of both losses against the steps of D alone, without and with instance noise."""
    steps = np.array([0, *AT])
    shown = {"without instance noise": frozen(), f"with noise of std {STD:g} on D's inputs": frozen(STD)}
    setting = (f"8 × 8 digits; G {'-'.join(map(str, SIZES_G))}, D {'-'.join(map(str, SIZES_D))}; {BEFORE} steps of "
               f"both, then D alone; Adam({LR:g}), batch {BATCH}; float64; {len(SEEDS)} seeds: median and range")
    return [write_png(plots.frozen(steps, shown, setting), folder / "frozen.png")]
