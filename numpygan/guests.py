"""Layers, losses, penalties and data that are not ours: what they return is checked, and the message names them.

Without that the next layer would complain, or NumPy would broadcast or promote in silence.
"""
from collections.abc import Mapping
from typing import Any

import numpy as np

from .checks import WHOLE, kind, numeric, scalar, told, whole
from .layers import Layer, Params

HOUSE = __name__.split(".")[0] + "."


class Guest(Layer):
    """Layer i of a network as it is, between inputs of d_in and outputs of d_out columns."""

    def __init__(self, layer: Layer, i: int, d_in: int, d_out: int):
        self.layer, self.d_in, self.d_out, self.name = layer, d_in, d_out, f"layer {i}, {told(layer)},"

    def forward(self, p, x, c):
        by = f"forward of {self.name} must return"
        y, cache = _parts(self.layer.forward(p, x, c), 2, f"{by} y and what backward will need")
        return self._rows(y, f"{by} y", x, self.d_out), cache

    def backward(self, p, cache, dy, c):
        by = f"backward of {self.name} must return"
        dx, grads = _parts(self.layer.backward(p, cache, dy, c), 2, f"{by} dx and a dictionary of gradients")
        if c.want_dx:
            self._rows(dx, f"{by} dx", dy, self.d_in)
        return dx, _dictionary(grads, by)

    def jvp(self, p, cache, x_dot, c):
        by = f"jvp of {self.name} must return"
        y_dot, dot = _parts(self.layer.jvp(p, cache, x_dot, c), 2, f"{by} y_dot and what jvp_backward will need")
        return self._rows(y_dot, f"{by} y_dot", x_dot, self.d_out), dot

    def jvp_backward(self, p, cache, dot, dy, dy_dot, c):
        by = f"jvp_backward of {self.name} must return"
        dx, dx_dot, grads = _parts(self.layer.jvp_backward(p, cache, dot, dy, dy_dot, c), 3,
                                   f"{by} dx, dx_dot and a dictionary of gradients")
        if c.want_dx:
            self._rows(dx_dot, f"{by} dx_dot", dy_dot, self.d_in)
            if dx is not None:                                  # None stands for zero
                self._rows(dx, f"{by} dx", dy_dot, self.d_in)
        return dx, dx_dot, _dictionary(grads, by)

    def _rows(self, a, what, like, d):
        """`a` itself, if it is a matrix of d columns like `like`: of its dtype, of its rows where they pass alone."""
        return _matrix(a, what, None if self.layer.batchwise else len(like), d, like.dtype)


def welcome(layer: Layer, i: int, d_in: int, d_out: int) -> Layer:
    """The layer itself, if it is one of ours."""
    return layer if ours(type(layer)) else Guest(layer, i, d_in, d_out)


def ours(of: type) -> bool:
    return of.__module__.startswith(HOUSE)


def declared(layer: Layer, i: int, d_in: int) -> tuple[Mapping, Mapping, int]:
    """What layer i remembers, the shapes of its parameters, and its output's columns, for inputs of d_in columns."""
    state, result = layer.state(d_in), layer.shapes(d_in)
    if ours(type(layer)):
        return state, *result
    if not isinstance(state, Mapping):
        raise TypeError(f"state of layer {i}, {told(layer)}, must return {{name: initial value}}, got {kind(state)}")
    by = f"shapes of layer {i}, {told(layer)}, must return {{name: shape}} and the number of output columns"
    named, width = _parts(result, 2, by)
    if not (isinstance(named, Mapping) and all(map(_shape, named.values()))):
        raise TypeError(f"{by}, a shape being a tuple such as (3,), got {told(named)}")
    return state, named, whole(width, f"{by}, which")


def _shape(shape):
    return isinstance(shape, tuple | list) and all(isinstance(v, WHOLE) and v >= 0 for v in shape)


def initialise(layer: Layer, i: int, p: Params, s: Params, rng: np.random.Generator) -> None:
    """Initial values into p and s. Other arrays in their place would be lost, and zeros remain, in silence."""
    before = [*p.values(), *s.values()]
    layer.init(p, rng)
    layer.init_state(p, s, rng)
    after = [*p.values(), *s.values()]
    if list(map(id, after)) != list(map(id, before)):
        raise TypeError(f"init of layer {i}, {told(layer)}, must fill the arrays that it is given: write "
                        f"p[name][...] = values, not p[name] = values")


def minibatch(x: Any, data: Any, n: int) -> np.ndarray:
    """Rows that a source of data gave, if they are n rows of real numbers; at the end of finite data fewer."""
    if not ours(type(data)):
        x = numeric(x, f"the rows that {told(data)} gives")
        if x.ndim != 2 or not len(x):
            raise ValueError(f"the rows that {told(data)} gives must be a matrix (n, d), got shape {x.shape}")
        if len(x) > n or (len(x) < n and data.n is None):
            raise ValueError(f"{told(data)} was asked for {n} rows and gave {len(x)}")
    return x


def answer(result: Any, by: Any, expected: str, *like: np.ndarray) -> tuple[Any, ...]:
    """What a loss or penalty returned, if it is a number and real arrays shaped like these; others would broadcast."""
    if ours(type(by)):
        return result
    if not isinstance(result, tuple) or len(result) != 1 + len(like):
        raise TypeError(f"{told(by)}: {expected}, got {kind(result)}")
    number, *gradients = result
    if not scalar(number):
        raise TypeError(f"{told(by)}: {expected}, got {_seen(number)} for the number")
    for g, array in zip(gradients, like, strict=True):
        if not isinstance(g, np.ndarray) or g.shape != array.shape or g.dtype.kind not in ("biuf" + array.dtype.kind):
            raise TypeError(f"{told(by)}: {expected}, got {_seen(g)} for {array.shape}")
    return result


def _seen(a):
    return f"an array {a.shape} {a.dtype}" if isinstance(a, np.ndarray) else kind(a)


def _parts(result: Any, count: int, what: str) -> tuple[Any, ...]:
    if not isinstance(result, tuple) or len(result) != count:
        raise TypeError(f"{what}, a tuple of {'two' if count == 2 else 'three'}, got {kind(result)}")
    return result


def _dictionary(grads: Any, by: str) -> Mapping:
    if not isinstance(grads, Mapping):
        raise TypeError(f"{by} a dictionary of gradients beside dx, got {kind(grads)}")
    return grads


def _matrix(a: Any, what: str, n: int | None, d: int, dtype: np.dtype) -> np.ndarray:
    """`a` itself, if it is a matrix of n rows (None: of any) and d columns of that dtype."""
    expected = f"({'n' if n is None else n}, {d}) {dtype}"
    if not isinstance(a, np.ndarray):
        raise TypeError(f"{what} as an array {expected}, got {kind(a)}")
    if a.ndim != 2 or a.shape[1] != d or n not in (None, len(a)):
        raise ValueError(f"{what} of shape and dtype {expected}, got {a.shape} {a.dtype}")
    if a.dtype != dtype and dtype.kind != "c":                  # of a complex pass some parts may be real
        raise TypeError(f"{what} of shape and dtype {expected}, got {a.shape} {a.dtype}: make constants Python floats "
                        f"and new arrays of the input's dtype")
    return a
