"""The averaged generator: what G was lately, in the mean, swings less than what it is now."""
import copy

import numpy as np

from . import engine as engines
from .checks import fraction, generator
from .gan import GAN
from .network import Network


class Averaged:
    """A callback that keeps θ̄ ← β θ̄ + (1 − β) θ of the generator                              Eq. (11.13)

        mean = Averaged(0.999)
        gan.fit(data, steps=10_000, rng=rng, callbacks=[mean])
        mean.sample(gan, 1000, rng)

    Training does not see it. It starts warm: β is at most t / (t + 1) in step t = 0, 1, …, so that θ̄ is the plain
    mean until 1 / (1 − β) steps are in it, and the untrained G weighs no more than any other. Yazıcı et al. 2019.

    The state of G is averaged alike: running moments of BatchNorm that fit θ do not fit θ̄.
    """

    def __init__(self, beta: float = 0.999):
        self.beta, self.t = fraction(beta, "Averaged: beta", "[0, 1)"), 0
        self.theta: np.ndarray | None = None            # θ̄, shaped like G.theta
        self.state: np.ndarray | None = None            # and the mean of G.state

    def __call__(self, gan: GAN) -> None:
        theta, state = _gan(gan).G.theta, gan.G.state
        if self.theta is None or self.state is None:
            self.theta, self.state = np.zeros_like(theta), np.zeros_like(state)
        if self.theta.shape != theta.shape:
            raise ValueError(f"this average is of a generator with {self.theta.size} parameters, and this one has "
                             f"{theta.size}: make one Averaged for each GAN")
        beta = min(self.beta, self.t / (self.t + 1))
        ops = engines.ops(gan.G.engine)
        self.theta = ops.average(self.theta, theta, beta)
        self.state = ops.average(self.state, state, beta) if state.size else state
        self.t += 1

    def sample(self, gan: GAN, n: int, rng: np.random.Generator) -> np.ndarray:
        """n samples (n, d) of G at θ̄."""
        return self.generate(gan, _gan(gan).draw(n, generator(rng)))

    def generate(self, gan: GAN, z: np.ndarray) -> np.ndarray:
        """G(z) at θ̄."""
        return self.network(gan)(z)

    def network(self, gan: GAN) -> Network:
        """A G of its own at θ̄."""
        if self.theta is None:
            raise ValueError("there is nothing to sample from yet: give this callback to fit first")
        G = copy.deepcopy(_gan(gan).G)
        G.theta, G.state = self.theta, self.state
        return G

    # ------------------------------------------------------------------------------------------------ on disk

    def arrays(self) -> dict[str, np.ndarray]:
        """What a checkpoint keeps beside the GAN; nothing before the first step."""
        if self.theta is None:
            return {}
        kept = {"average.theta": self.theta, "average.beta": np.array([self.beta, self.t], float)}
        return kept | ({"average.state": self.state} if self.state is not None and self.state.size else {})

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray], G: Network) -> "Averaged | None":
        """The average that those arrays hold, of the generator G; None where there is none, ValueError for another."""
        if "average.theta" not in arrays:
            return None
        beta, t = arrays["average.beta"]
        if not 0 <= t < 2**63:
            raise ValueError("average.beta")
        mean = cls(float(beta))
        mean.theta, mean.t = arrays["average.theta"], int(t)
        mean.state = arrays["average.state"] if G.state.size else G.state.copy()
        for name in ("theta", "state"):
            mine, own = getattr(mean, name), getattr(G, name)
            if mine.shape != own.shape or mine.dtype != own.dtype or not np.isfinite(mine).all():
                raise ValueError(f"average.{name}")
        return mean


def _gan(gan):
    if not isinstance(gan, GAN):
        raise TypeError(f"gan must be a GAN, got {type(gan).__name__}: give the one whose generator was averaged")
    return gan
