"""The layers: each declares its parameters and two methods, and caches nothing on itself.

    forward(p, x, c)         -> y, cache
    backward(p, cache, dy, c) -> dx, {name: gradient}

`p` holds the layer's parameters by name (views of the network's flat vector); `c` is the context of the pass:
`c.ops` (the engine's functions), `c.rng` (given in a training pass), `c.want_dx` and `c.want_g` (what backward is
asked for). Anything that has these two methods and derives from `Layer` is a layer.

What a layer remembers but no gradient learns (running means, …) is its state: `state(d_in)` declares it, forward
reads it from `c.state` and in a training pass may propose new values, `c.new[name] = array`. It never writes it: the
proposals ride on the tape until the network's own step commits them.

Penalties on gradients differentiate twice. A layer makes that fast with two more methods; one without them works too:

    jvp(p, cache, x_dot, c)                           -> y_dot, cache_dot         Eq. (10.6)
    jvp_backward(p, cache, cache_dot, dy, dy_dot, c)  -> dx, dx_dot, gradients    Eq. (10.7)

There dy, or dx, is None as long as it is zero: it starts as zero, and only a second derivative changes that.
"""
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from . import init as initial
from .checks import flag, fraction, whole

Params = dict[str, np.ndarray]
EVERYWHERE = (-math.inf, math.inf)


class Context(NamedTuple):
    """What one pass through the network tells its layers."""
    ops: ModuleType
    rng: np.random.Generator | None = None
    want_dx: bool = True
    want_g: bool = True
    out: Any = MappingProxyType({})     # backward: where the gradients end up; a layer may write them there itself
    state: Mapping[str, np.ndarray] = MappingProxyType({})      # forward: what the layer remembers, read-only
    new: Any = MappingProxyType({})     # forward of a layer with state: a dict for what it should remember from now on


class Layer:
    """The base of every layer; the defaults are those of a function without parameters that keeps the width."""

    range = EVERYWHERE          # the values that the output can take
    draws = False               # does forward draw random numbers?
    batchwise = False           # does one row's output depend on the other rows?

    def shapes(self, d_in: int) -> tuple[dict[str, tuple[int, ...]], int]:
        """({parameter name: shape}, d_out) for inputs of d_in columns."""
        return {}, d_in

    def init(self, p: Params, rng: np.random.Generator) -> None:
        """Fill the parameters p, in place, with initial values."""

    def state(self, d_in: int) -> Params:
        """{name: initial value} of what the layer remembers, for inputs of d_in columns."""
        return {}

    def init_state(self, p: Params, s: Params, rng: np.random.Generator) -> None:
        """Fill the state s, in place, where its initial values are drawn or follow from the parameters p."""

    def forward(self, p: Params, x: np.ndarray, c: Context) -> tuple[np.ndarray, Any]:
        """x (n, d_in) -> y (n, d_out) and whatever backward will need."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, p, x, c) -> y, cache")

    def backward(self, p: Params, cache: Any, dy: np.ndarray, c: Context) -> tuple[np.ndarray | None, Params]:
        """dy (n, d_out) -> dx (n, d_in) and the gradient of every parameter by its name."""
        raise NotImplementedError(f"{type(self).__name__} has no backward(self, p, cache, dy, c) -> dx, "
                                  f"{{name: gradient}}")

    def __repr__(self) -> str:
        shown = (f"{k}={v.__name__ if callable(v) else v}" for k, v in vars(self).items())
        return f"{type(self).__name__}({', '.join(shown)})"


def differentiates_twice(layer: Layer) -> bool:
    """Has the layer `jvp` and `jvp_backward`, and are they of its own forward and backward?

    Those that a class inherits belong to a forward and a backward which it may have replaced.
    """
    if not (getattr(layer, "jvp", None) and getattr(layer, "jvp_backward", None)):
        return False
    forward, backward, jvp, jvp_backward = (
        next((i for i, c in enumerate(type(layer).__mro__) if name in vars(c)), 0)           # 0: set on the object
        for name in ("forward", "backward", "jvp", "jvp_backward"))
    return max(jvp, jvp_backward) <= min(forward, backward)


def diagonal_jvp(layer, p, cache, x_dot, c):
    """ẏ = f′(x) ẋ, for layers that act on each entry alone: the formula of `backward`         Eq. (10.10)"""
    return layer.backward(p, cache, x_dot, c)[0], x_dot


def diagonal_jvp_backward(layer, p, cache, x_dot, dy, dy_dot, c):
    """dx = f′ dy,   dẋ = f′ dẏ: Eq. (10.11) where f″ = 0"""
    dx = None if dy is None else layer.backward(p, cache, dy, c)[0]
    return dx, layer.backward(p, cache, dy_dot, c)[0], {}


class Dense(Layer):
    """y = x W + b                                                                              Eq. (2.1)

    `width` outputs; `init(W, rng)` fills W (see `numpygan.init`), b starts at 0; `bias=False` leaves b out.
    """

    def __init__(self, width: int, init: Callable = initial.he, bias: bool = True):
        self.width = whole(width, "Dense: the width")
        if not callable(init):
            raise TypeError(f"Dense: init must be a function (W, rng), such as numpygan.init.he, got {init!r}")
        self.weights, self.bias = init, flag(bias, "Dense: bias")

    def shapes(self, d_in):
        W = {"W": (d_in, self.width)}
        return (W | {"b": (self.width,)} if self.bias else W), self.width

    def init(self, p, rng):
        self.weights(p["W"], rng)
        if self.bias:
            p["b"][...] = 0

    def forward(self, p, x, c):
        y = c.ops.affine(x, p["W"], p["b"]) if self.bias else c.ops.matmul(x, p["W"])
        return y, x

    def backward(self, p, x, dy, c):
        """Eqs. (2.2), (2.3), (2.4)"""
        dx = c.ops.affine_dx(dy, p["W"]) if c.want_dx else None
        g = {}
        if c.want_g:
            g["W"] = c.ops.affine_dW(x, dy)
            if self.bias:
                g["b"] = c.ops.affine_db(dy)
        return dx, g

    def jvp(self, p, x, x_dot, c):
        """ẏ = ẋ W                                                                              Eq. (10.8)"""
        return c.ops.matmul(x_dot, p["W"]), x_dot

    def jvp_backward(self, p, x, x_dot, dy, dy_dot, c):
        """dW = xᵀ dy + ẋᵀ dẏ;   ẏ does not depend on b                                         Eq. (10.9)"""
        if dy is None:
            dx, g = None, {"b": np.zeros_like(p["b"])} if self.bias else {}
        else:
            dx, g = Dense.backward(self, p, x, dy, c)
        dW = c.ops.affine_dW(x_dot, dy_dot)
        g["W"] = dW + g["W"] if "W" in g else dW
        return dx, c.ops.affine_dx(dy_dot, p["W"]) if c.want_dx else None, g


class Sigmoid(Layer):
    """y = σ(x)                                                                                 Eq. (2.5)"""
    range = (0.0, 1.0)

    def forward(self, p, x, c):
        y = c.ops.sigmoid(x)
        return y, y

    def backward(self, p, y, dy, c):
        """Eq. (2.6)"""
        return c.ops.sigmoid_backward(dy, y), {}

    jvp = diagonal_jvp

    def jvp_backward(self, p, y, x_dot, dy, dy_dot, c):
        """dx = f′ dy + f″ ẋ dẏ,   dẋ = f′ dẏ                                                  Eq. (10.11)"""
        dx = c.ops.sigmoid_curvature(dy_dot, x_dot, y)
        if dy is not None:
            dx += c.ops.sigmoid_backward(dy, y)
        return dx, c.ops.sigmoid_backward(dy_dot, y), {}


class Tanh(Layer):
    """y = tanh x                                                                               Eq. (2.7)"""
    range = (-1.0, 1.0)

    def forward(self, p, x, c):
        y = c.ops.tanh(x)
        return y, y

    def backward(self, p, y, dy, c):
        """Eq. (2.8)"""
        return c.ops.tanh_backward(dy, y), {}

    jvp = diagonal_jvp

    def jvp_backward(self, p, y, x_dot, dy, dy_dot, c):
        """dx = f′ dy + f″ ẋ dẏ,   dẋ = f′ dẏ                                                  Eq. (10.11)"""
        dx = c.ops.tanh_curvature(dy_dot, x_dot, y)
        if dy is not None:
            dx += c.ops.tanh_backward(dy, y)
        return dx, c.ops.tanh_backward(dy_dot, y), {}


class ReLU(Layer):
    """y = max(x, 0)                                                                            Eq. (2.9)"""
    range = (0.0, math.inf)

    def forward(self, p, x, c):
        y = c.ops.relu(x)
        return y, y

    def backward(self, p, y, dy, c):
        """Eq. (2.10)"""
        return c.ops.relu_backward(dy, y), {}

    jvp, jvp_backward = diagonal_jvp, diagonal_jvp_backward


class LeakyReLU(Layer):
    """y = x where x > 0, else slope · x                                                       Eq. (2.11)"""

    def __init__(self, slope: float = 0.2):
        self.slope = fraction(slope, "LeakyReLU: the slope")

    def forward(self, p, x, c):
        y = c.ops.leaky_relu(x, self.slope)
        return y, y

    def backward(self, p, y, dy, c):
        """Eq. (2.12)"""
        return c.ops.leaky_relu_backward(dy, y, self.slope), {}

    jvp, jvp_backward = diagonal_jvp, diagonal_jvp_backward


class Maxout(Layer):
    """yⱼ = max of the k inputs jk, …, jk + k − 1                                              Eq. (2.16)

    Follows a Dense layer k times as wide: Dense(240 * 5), Maxout(5) is a maxout layer of 240 units with 5 pieces.
    """

    def __init__(self, k: int):
        self.k = whole(k, "Maxout: the number of pieces")

    def shapes(self, d_in):
        if d_in % self.k:
            raise ValueError(f"Maxout({self.k}): {d_in} inputs cannot be shared out to units of {self.k} pieces each: "
                             f"make the layer below a multiple of {self.k} wide")
        return {}, d_in // self.k

    def forward(self, p, x, c):
        return c.ops.maxout(x, self.k)

    def backward(self, p, index, dy, c):
        """Eq. (2.17)"""
        return c.ops.maxout_backward(dy, index, self.k), {}

    def jvp(self, p, index, x_dot, c):
        """ẏⱼ = ẋ of the piece that won                                                        Eq. (10.10)"""
        return c.ops.maxout_jvp(x_dot, index, self.k), x_dot

    jvp_backward = diagonal_jvp_backward


class Dropout(Layer):
    """y = x · mask in a training pass (rng given), y = x in evaluation                        Eq. (2.18)

    Each input is dropped with probability `rate`, the others are scaled by 1 / (1 − rate).
    """
    draws = True

    def __init__(self, rate: float = 0.5):
        self.rate = fraction(rate, "Dropout: the rate", "[0, 1)")

    def forward(self, p, x, c):
        if c.rng is None or self.rate == 0:
            return x, None
        mask = c.ops.dropout_mask(x.shape, self.rate, c.rng, x.real.dtype)
        return c.ops.dropout(x, mask), mask

    def backward(self, p, mask, dy, c):
        """Eq. (2.19)"""
        return (dy if mask is None else c.ops.dropout_backward(dy, mask)), {}

    jvp, jvp_backward = diagonal_jvp, diagonal_jvp_backward
