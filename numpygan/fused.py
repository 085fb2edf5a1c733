"""Dense layers and the ReLU or leaky ReLU above them as one layer: what the compiled engine runs in their place.

`fuse` finds such layers, each of which stands in the network as one or two, and puts those that follow each other into
one `DenseStack`. Nothing of one layer is joined to the arithmetic of the next; they are only called together. Same
numbers, one call for all of them going up and one coming down, and the gradients are written where they belong
(`c.out`). A `SpectralDense` is such a layer whose weights are divided first: a `SpectralStack`.
"""
from collections.abc import Sequence

import numpy as np

from .layers import Dense, Layer, LeakyReLU, ReLU
from .slots import Slots
from .spectral import SpectralDense

NOWHERE = {t: np.empty(0, t) for t in "fd"}               # where gradients go that nobody wants


class DenseStack(Layer):
    """y_l = f_l(y_{l−1} W_l + b_l), f_l the leaky ReLU of a slope (0: ReLU, 1: identity)    Eqs. (2.1), (2.9), (2.11)

    Its one parameter, theta, is that part of the network's vector in which the W and b of its layers lie.
    """

    def __init__(self, sizes: tuple[int, ...], slopes: tuple[float, ...]):
        self.sizes, self.slopes = sizes, slopes

    def forward(self, p, x, c):
        y, hidden = c.ops.mlp(x, p["theta"], self.sizes, self.slopes)
        return y, (x, hidden, y)

    def backward(self, p, cache, dy, c):
        """Eqs. (2.2), (2.3), (2.4), (2.10), (2.12), (2.13)"""
        x, hidden, y = cache
        g = c.out["theta"] if c.want_g else NOWHERE[y.dtype.char]
        return c.ops.mlp_backward(x, hidden, y, dy, p["theta"], self.sizes, self.slopes, g, c.want_dx), c.out

    def jvp(self, p, cache, x_dot, c):
        """Eqs. (10.8), (10.10)"""
        _, hidden, y = cache
        y_dot, dots = c.ops.mlp_jvp(x_dot, hidden, y, p["theta"], self.sizes, self.slopes)
        return y_dot, (x_dot, dots)

    def jvp_backward(self, p, cache, dots, dy, dy_dot, c):
        """Eqs. (10.9), (10.11): `backward` of the tangents, plus `backward` of dy where there is any"""
        (x, hidden, y), g, layers = cache, c.out["theta"], (p["theta"], self.sizes, self.slopes)
        dx_dot = c.ops.mlp_jvp_backward(*dots, hidden, y, dy_dot, *layers, g, c.want_dx)
        if dy is not None:
            along = g.copy()
            dy = c.ops.mlp_backward(x, hidden, y, dy, *layers, g, c.want_dx)
            g += along
        return dy, dx_dot, c.out


class SpectralStack(DenseStack):
    """The same with W̄ = W / σ(W) in place of every W                                   Eqs. (11.8), (11.9)"""

    def forward(self, p, x, c):
        theta, u, v, sigma = c.ops.normalised(p["theta"], c.state["v"], self.sizes)
        if c.rng is not None:
            c.new["v"] = v
        y, cache = super().forward({"theta": theta}, x, c)
        return y, (cache, theta, u, v, sigma)

    def backward(self, p, cache, dy, c):
        """`DenseStack.backward` with W̄, and from W̄ to W"""
        below, theta, *norms = cache
        dx, g = super().backward({"theta": theta}, below, dy, c)
        return dx, self._through_norms(g, theta, norms, c)

    def jvp(self, p, cache, x_dot, c):
        below, theta, *_ = cache
        return super().jvp({"theta": theta}, below, x_dot, c)

    def jvp_backward(self, p, cache, dots, dy, dy_dot, c):
        """`DenseStack.jvp_backward` with W̄, and from W̄ to W"""
        below, theta, *norms = cache
        dx, dx_dot, g = super().jvp_backward({"theta": theta}, below, dots, dy, dy_dot, c)
        return dx, dx_dot, self._through_norms(g, theta, norms, c)

    def _through_norms(self, g, theta, norms, c):
        """dW from dW̄, where gradients are wanted                                             Eq. (11.10)"""
        if c.want_g:
            c.ops.normalised_backward(g["theta"], theta, *norms, self.sizes)
        return g


KINDS: dict[type, type[DenseStack]] = {Dense: DenseStack, SpectralDense: SpectralStack}


def _kind(layer: Layer) -> type[DenseStack] | None:
    """Of the stack that a layer belongs into, if it does."""
    return KINDS.get(type(layer)) if getattr(layer, "bias", False) else None


def fuse(layers: Sequence[Layer], slots: Sequence[Slots]) -> tuple[list[tuple[int, Layer]], list[Slots]]:
    """What to run for `layers`, from below, as (index, layer); and the slots of the layer at each index."""
    stack: list[tuple[int, Layer]] = []
    own = list(slots)
    i = 0
    while i < len(layers):
        first, kind, sizes, slopes = i, _kind(layers[i]), [], []
        while i < len(layers) and kind and _kind(layers[i]) is kind:
            above = layers[i + 1] if i + 1 < len(layers) else None
            slope = 0.0 if type(above) is ReLU else above.slope if type(above) is LeakyReLU else None
            sizes.append(slots[i][0][3])
            slopes.append(1.0 if slope is None else slope)
            i += 1 if slope is None else 2
            if kind is SpectralStack:                               # a state is that of one layer
                break
        if kind is None:
            stack.append((i, layers[i]))
            i += 1
            continue
        start, length = slots[first][0][1], sum((k + 1) * m for k, m in sizes)
        own[first:i] = [[("theta", start, start + length, (length,))], *[[] for _ in range(first + 1, i)]]
        stack.append((first, kind((*(k for k, _ in sizes), sizes[-1][1]), tuple(slopes))))
    return stack, own
