"""A copy of a network to experiment on: another dtype, another engine, parameters a little off."""
import copy
from typing import Any

import numpy as np

from ..fused import fuse
from ..network import Network, by_layer
from .derivative import EPS32, Function
from .trial import PASSES


def twin(net: Network, dtype: Any = np.float64, engine: str | None = None, theta: np.ndarray | None = None) -> Network:
    """A copy of `net`, at `theta` if given; the original is never touched."""
    other = copy.deepcopy(net)
    other._theta = (net.theta if theta is None else theta).astype(dtype)
    other._state = net.state.astype(dtype)
    other.engine = engine or net.engine
    other._stack = fuse(other.layers, other._slots) if other.engine == "numba" else other._plain
    if theta is not None:                           # what follows from the parameters follows them
        rng = np.random.default_rng(1)
        for layer, p, s in by_layer(other):
            layer.init_state(p, s, rng)
    return other


def settle(net: Network, x: np.ndarray) -> None:
    """Give `net` the state that many training passes on x leave.

    Where a power iteration has not converged, its vectors move with the parameters, and no layer differentiates that.
    What a layer keeps on self is then from a pass at other parameters, as it would be after a step.
    """
    rng = np.random.default_rng(1)
    for _ in range(PASSES if net.remembers else 0):
        net.commit(net.forward(x, rng)[1])
    y, tape = net.forward(1 - x, theta=net.theta * rng.uniform(0.5, 1, net.theta.shape))
    net.backward(tape, np.ones_like(y))


def shaken(net: Network) -> Network:
    """A copy with parameters off by one rounding of float32: how far its results move says what float32 can do."""
    other = twin(net)
    other._theta *= 1 + EPS32 * np.random.default_rng(1).choice([-1, 1], net.theta.shape)
    return other


def stochastic(*nets: Network) -> bool:
    """Does a training pass of any of them differ from evaluation?"""
    return any(layer.draws or layer.batchwise for net in nets for layer in net.layers)


def along(net: Network, name: str, outcome: Function) -> Function:
    """outcome(theta) as a function of the change of one parameter: the function to differentiate."""
    def changed(delta):
        theta = net.theta.astype(np.result_type(net.theta, delta))          # complex where delta is
        net.params(theta)[name][...] += delta
        return outcome(theta)
    return changed


def top_down(net: Network) -> list[str]:
    """The names of the parameters from the last layer to the first: the way a gradient takes."""
    return sorted(net.params(), key=lambda name: -int(name.split(".")[0]))


def widths(net: Network) -> list[int]:
    """The number of columns that go into each layer."""
    d, all_of_them = net.d_in, []
    for layer in net.layers:
        all_of_them.append(d)
        _, d = layer.shapes(d)
    return all_of_them
