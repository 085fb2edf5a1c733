"""Gradient descent and its improvements, each one pass over the flat vector of a network.

    opt = Adam(2e-4, beta1=0.5);   opt.step(net, g)

An optimiser belongs to the first network that it steps. `lr` (and the momentum of `Momentum`) is a number or a
function of the step 0, 1, 2, …. With `clip=c` every update ends with θ ← min(max(θ, −c), c), Eq. (11.12), on all
parameters: the weight clipping of WGAN, which bounds how steep D can be (Arjovsky et al. 2017; c = 0.01 there).
"""
import math
from collections.abc import Callable

import numpy as np

from . import engine as engines
from .checks import numeric, real, scheduled
from .network import Network, check_network

Rate = float | Callable[[int], float]


class Optimiser:
    """What all share: the count of steps, the rate, and the vectors that one network's parameters need."""

    vectors: tuple[str, ...] = ()       # the moments kept beside theta, by name

    def __init__(self, lr: Rate, clip: float | None = None):
        if not callable(lr):
            _within(lr, "lr", 0, math.inf)
        if clip is not None and _within(clip, "clip", 0, math.inf) == 0:
            raise ValueError("clip must be positive, or None for no clipping: at 0 every parameter would be 0")
        self.lr, self.clip = lr, clip
        self.t = 0                      # steps taken
        self.moments: dict[str, np.ndarray] = {}

    def step(self, net: Network, g: np.ndarray) -> None:
        """θ ← θ − …: one update of `net` along the gradient g, which has the shape of net.theta."""
        theta, g = check_network(net, "net").theta, numeric(g, "the gradient")
        if g.shape != theta.shape:
            raise ValueError(f"the gradient must have the shape of theta, {theta.shape}, got {g.shape}")
        for v in self.moments.values():
            if v.shape != g.shape:
                raise ValueError("this optimiser has stepped another network: make one optimiser for each network")
        lr = _within(scheduled(self.lr, self.t, "lr"), "lr", 0, math.inf)
        if not self.moments:
            self.moments = {name: np.zeros_like(theta) for name in self.vectors}
        ops = engines.ops(net.engine)
        theta = self._update(ops, theta, g.astype(theta.dtype, copy=False), lr)
        self.t += 1
        net.theta = theta if self.clip is None else ops.clip(theta, self.clip)

    def _update(self, ops, theta, g, lr):
        raise NotImplementedError

    def __repr__(self) -> str:
        shown = (f"{k}={v}" for k, v in vars(self).items() if k not in ("t", "moments") and v is not None)
        return f"{type(self).__name__}({', '.join(shown)})"


class SGD(Optimiser):
    """θ ← θ − lr · g                                                                           Eq. (5.1)"""

    def _update(self, ops, theta, g, lr):
        return ops.sgd(theta, g, lr)


class Momentum(Optimiser):
    """v ← μ v + g,   θ ← θ − lr · v                                                            Eq. (5.2)"""

    vectors = ("v",)

    def __init__(self, lr: Rate, momentum: Rate = 0.9, clip: float | None = None):
        super().__init__(lr, clip)
        if not callable(momentum):
            _within(momentum, "momentum", 0, 1)
        self.momentum = momentum

    def _update(self, ops, theta, g, lr):
        mu = _within(scheduled(self.momentum, self.t, "momentum"), "momentum", 0, 1)
        theta, self.moments["v"] = ops.momentum(theta, g, self.moments["v"], lr, mu)
        return theta


class RMSProp(Optimiser):
    """θ ← θ − lr · g / (√s + eps), s the running mean of g²                             Eqs. (5.3), (5.4)"""

    vectors = ("s",)

    def __init__(self, lr: Rate, rho: float = 0.9, eps: float = 1e-8, clip: float | None = None):
        super().__init__(lr, clip)
        self.rho, self.eps = _within(rho, "rho", 0, 1), _positive(eps, "eps")

    def _update(self, ops, theta, g, lr):
        theta, self.moments["s"] = ops.rmsprop(theta, g, self.moments["s"], lr, self.rho, self.eps)
        return theta


class Adam(Optimiser):
    """θ ← θ − lr · m̂ / (√v̂ + eps)                                                       Eqs. (5.5) to (5.8)

    Kingma & Ba 2015, Algorithm 1. For GANs β₁ = 0.5 is usual (Radford et al. 2016, section 3).
    """

    vectors = ("m", "v")

    def __init__(self, lr: Rate, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8,
                 clip: float | None = None):
        super().__init__(lr, clip)
        self.beta1, self.beta2 = _within(beta1, "beta1", 0, 1), _within(beta2, "beta2", 0, 1)
        self.eps = _positive(eps, "eps")

    def _update(self, ops, theta, g, lr):
        m, v = self.moments["m"], self.moments["v"]
        theta, self.moments["m"], self.moments["v"] = ops.adam(
            theta, g, m, v, self.t + 1, lr, self.beta1, self.beta2, self.eps)
        return theta


def _within(value: float, name: str, low: float, high: float) -> float:
    if not real(value):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not low <= value < high:
        raise ValueError(f"{name} must lie in [{low}, {high}), got {value!r}")
    return float(value)


def _positive(value: float, name: str) -> float:
    if _within(value, name, 0, math.inf) == 0:
        raise ValueError(f"{name} must be positive: it keeps 0 / 0 out of the update of a parameter without gradient")
    return float(value)
