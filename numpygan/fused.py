"""Dense and the ReLU or leaky ReLU above it as one layer: what the compiled engine runs in their place.

The pair stands in the network as two layers; `fuse` finds such pairs. Same numbers, one call instead of two going up
and of four coming down, and the gradients are written where they belong (`c.out`).
"""
from collections.abc import Sequence

import numpy as np

from .layers import Dense, Layer, LeakyReLU, ReLU

NOWHERE = {t: (np.empty((0, 0), t), np.empty(0, t)) for t in "fd"}        # where gradients go that nobody wants


class DenseActivation(Layer):
    """y = f(x W + b), f the leaky ReLU of that slope (0: ReLU, 1: identity)           Eqs. (2.1), (2.9), (2.11)"""

    def __init__(self, slope: float):
        self.slope = slope

    def forward(self, p, x, c):
        y = c.ops.affine_leaky_relu(x, p["W"], p["b"], self.slope)
        return y, (x, y)

    def backward(self, p, cache, dy, c):
        """Eqs. (2.2), (2.3), (2.4), (2.10), (2.12)"""
        return self._backward(p, *cache, dy, c), c.out

    def jvp(self, p, cache, x_dot, c):
        """Eqs. (10.8), (10.10)"""
        return c.ops.leaky_relu_backward(c.ops.matmul(x_dot, p["W"]), cache[1], self.slope), x_dot

    def jvp_backward(self, p, cache, x_dot, dy, dy_dot, c):
        """Eqs. (10.9), (10.11): `backward` of the tangents, plus `backward` of dy where there is any"""
        x, y = cache
        dx_dot = self._backward(p, x_dot, y, dy_dot, c)
        c.out["b"][...] = 0                                        # ẏ does not depend on b
        if dy is None:
            return None, dx_dot, c.out
        along = {name: d.copy() for name, d in c.out.items()}
        dx = self._backward(p, x, y, dy, c)
        return dx, dx_dot, {name: d + along[name] for name, d in c.out.items()}

    def _backward(self, p, x, y, dy, c):
        dW, db = (c.out["W"], c.out["b"]) if c.want_g else NOWHERE[y.dtype.char]
        return c.ops.affine_leaky_relu_backward(x, y, dy, p["W"], self.slope, dW, db, c.want_dx)


def fuse(layers: Sequence[Layer]) -> list[tuple[int, Layer]]:
    """(index, layer) of what to run for `layers`, from below: index is where its parameters stand."""
    stack: list[tuple[int, Layer]] = []
    i = 0
    while i < len(layers):
        layer, above = layers[i], layers[i + 1] if i + 1 < len(layers) else None
        if type(layer) is not Dense or not layer.bias:
            stack.append((i, layer))
            i += 1
            continue
        slope = 0.0 if type(above) is ReLU else above.slope if type(above) is LeakyReLU else None
        stack.append((i, DenseActivation(1.0 if slope is None else slope)))
        i += 1 if slope is None else 2
    return stack
