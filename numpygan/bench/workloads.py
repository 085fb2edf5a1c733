"""The networks that are timed: shapes our users train, from the smallest picture to the paper's MNIST model."""
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .. import data as datasets
from ..gan import GAN
from ..network import MLP
from ..optim import Adam

Steps = Callable[[int], object]         # makes n full iterations: D's step, then G's


class Workload(NamedTuple):
    """G: z-hidden…-x, D: x-hidden…-1, LeakyReLU(0.2) between, Adam(2e-4, 0.5), non-saturating, float32."""
    z: int
    hidden: tuple[int, ...]
    x: int
    batch: int
    output: str                     # the last activation of G
    iterations: int                 # per round: enough that one round is long beside the clock

    def __str__(self) -> str:
        return f"{self.z}-{'-'.join(map(str, self.hidden))}-{self.x}, batch {self.batch}"


WORKLOADS = {
    "fig1": Workload(1, (16, 16), 1, 128, "identity", 300),
    "digits": Workload(16, (128, 128), 64, 64, "tanh", 60),
    "ring": Workload(2, (128, 128), 2, 512, "identity", 25),
    "mnist": Workload(64, (256, 256), 784, 100, "tanh", 12),
    "paper": Workload(100, (1200, 1200), 784, 100, "sigmoid", 3),
}
GROWTH = {
    "batch": {n: Workload(2, (128, 128), 2, n, "identity", 100 if n < 256 else 20) for n in (16, 64, 256, 1024)},
    "width": {h: Workload(2, (h, h), 2, 128, "identity", 100 if h < 256 else 15) for h in (16, 64, 256, 1024)},
}


def real_rows(w: Workload) -> np.ndarray:
    """Sixteen minibatches of the right shape, the same for every contestant: the time does not depend on the values."""
    return np.random.default_rng(1).uniform(0.1, 0.9, (16 * w.batch, w.x)).astype(np.float32)


def ours(w: Workload, engine: str) -> Steps:
    """Training as users train: minibatches drawn from data, losses and gradient norms recorded and checked."""
    rng = np.random.default_rng(0)
    G = MLP([w.z, *w.hidden, w.x], output=w.output, rng=rng, engine=engine)
    D = MLP([w.x, *w.hidden, 1], rng=rng, engine=engine)
    gan = GAN(G, D, opt_G=Adam(2e-4, beta1=0.5), opt_D=Adam(2e-4, beta1=0.5))
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
