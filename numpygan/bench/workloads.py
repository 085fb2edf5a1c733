"""The networks that are timed: shapes our users train, from the smallest picture to the paper's MNIST model."""
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from .. import data as datasets
from .. import layers, losses, penalties
from ..batchwise import BatchNorm
from ..gan import GAN
from ..network import Network
from ..optim import Adam
from ..spectral import SpectralDense

Steps = Callable[[int], object]         # makes n full iterations: D's step, then G's
GAMMA, WEIGHT, RATE = 10.0, 10.0, 0.3   # of R1, of the gradient penalty, of dropout
FAMILY = {"gp": "Wasserstein with gradient penalty", "r1": "R1", "batchnorm": "BatchNorm in both",
          "spectral": "spectral D, hinge", "dropout": "dropout in D"}


class Workload(NamedTuple):
    """G: z-hidden…-x, D: x-hidden…-1, LeakyReLU(0.2) between, Adam(2e-4, 0.5), non-saturating, float32."""
    z: int
    hidden: tuple[int, ...]
    x: int
    batch: int
    output: str                     # the last activation of G
    iterations: int                 # per round: enough that one round is long beside the clock
    variant: str = ""               # what else is in it, one of FAMILY

    def __str__(self) -> str:
        more = f", {FAMILY[self.variant]}" if self.variant else ""
        return f"{self.z}-{'-'.join(map(str, self.hidden))}-{self.x}, batch {self.batch}{more}"

    def layers(self, of_D: bool) -> Iterator[tuple[str, int, int]]:
        """(name, columns of its input, of its output) of every layer of D or G, from below."""
        dense = "spectral" if of_D and self.variant == "spectral" else "dense"
        first, last = (self.x, 1) if of_D else (self.z, self.x)
        for k, m in zip((first, *self.hidden), self.hidden, strict=False):
            yield dense, k, m
            if self.variant == "batchnorm":
                yield "batchnorm", m, m
            yield "leaky_relu", m, m
            if of_D and self.variant == "dropout":
                yield "dropout", m, m
        yield dense, self.hidden[-1], last
        if not of_D and self.output != "identity":
            yield self.output, last, last


WORKLOADS = {
    "fig1": Workload(1, (16, 16), 1, 128, "identity", 300),
    "digits": Workload(16, (128, 128), 64, 64, "tanh", 60),
    "ring": Workload(2, (128, 128), 2, 512, "identity", 25),
    "mnist": Workload(64, (256, 256), 784, 100, "tanh", 12),
    "paper": Workload(100, (1200, 1200), 784, 100, "sigmoid", 3),
}
ALL = WORKLOADS | {f"{name}-{variant}": w._replace(variant=variant, iterations=-(-w.iterations // 2))
                   for name, w in WORKLOADS.items() for variant in FAMILY}
GROWTH = {
    "batch": {n: Workload(2, (128, 128), 2, n, "identity", 100 if n < 256 else 20) for n in (16, 64, 256, 1024)},
    "width": {h: Workload(2, (h, h), 2, 128, "identity", 100 if h < 256 else 15) for h in (16, 64, 256, 1024)},
}


def real_rows(w: Workload) -> np.ndarray:
    """Sixteen minibatches of the right shape, the same for every contestant: the time does not depend on the values."""
    return np.random.default_rng(1).uniform(0.1, 0.9, (16 * w.batch, w.x)).astype(np.float32)


OURS: dict[str, Callable] = {
    "dense": layers.Dense, "spectral": SpectralDense, "batchnorm": lambda m: BatchNorm(),
    "leaky_relu": lambda m: layers.LeakyReLU(0.2), "dropout": lambda m: layers.Dropout(RATE),
    "tanh": lambda m: layers.Tanh(), "sigmoid": lambda m: layers.Sigmoid()}


def ours(w: Workload, engine: str) -> Steps:
    """Training as users train: minibatches drawn from data, losses and gradient norms recorded and checked."""
    rng = np.random.default_rng(0)
    G, D = (Network([OURS[name](m) for name, _, m in w.layers(of_D)], w.x if of_D else w.z, rng=rng, engine=engine)
            for of_D in (False, True))
    loss = {"gp": losses.Wasserstein, "spectral": losses.Hinge}.get(w.variant, losses.NonSaturating)()
    added: dict[str, list[Callable]] = {"gp": [penalties.GradientPenalty(WEIGHT)], "r1": [penalties.R1(GAMMA)]}
    gan = GAN(G, D, loss, Adam(2e-4, beta1=0.5), Adam(2e-4, beta1=0.5), penalties=added.get(w.variant, ()))
    data = datasets.array(real_rows(w))
    return lambda n: gan.fit(data, steps=n, batch=w.batch, rng=rng)


def megaflops(w: Workload) -> float:
    """Multiplications and additions in the matrix products that one iteration cannot do without, in 10⁶.

    D's step: G forward; D forward and both gradients but the one in its input, on 2n rows.
    G's step: G and D forward; D's gradients in x; G's gradients but the one in z.
    """
    def products(sizes):
        return [a * b for a, b in zip(sizes, sizes[1:], strict=False)]
    g, d = products((w.z, *w.hidden, w.x)), products((w.x, *w.hidden, 1))
    d_step = sum(g) + 2 * (sum(d) + sum(d) + sum(d[1:]))
    g_step = sum(g) + sum(d) + sum(d) + sum(g) + sum(g[1:])
    return 2 * w.batch * (d_step + g_step) / 1e6
