"""Layers that are not ours, with a look at what they return: a mistake is named where it is made.

Any of our layers would say of it only what it cannot take, and NumPy's would take it and go on in float64.
"""
from collections.abc import Mapping
from typing import Any

import numpy as np

from .checks import kind, told
from .layers import Layer


class Guest(Layer):
    """Layer i of a network as it is, between inputs of d_in and outputs of d_out columns."""

    def __init__(self, layer: Layer, i: int, d_in: int, d_out: int):
        self.layer, self.d_in, self.d_out, self.name = layer, d_in, d_out, f"layer {i}, {told(layer)},"

    def forward(self, p, x, c):
        by = f"forward of {self.name} must return"
        y, cache = _two(self.layer.forward(p, x, c), f"{by} y and what backward will need")
        return _rows(y, f"{by} y", None if self.layer.batchwise else len(x), self.d_out, x.dtype), cache

    def backward(self, p, cache, dy, c):
        by = f"backward of {self.name} must return"
        dx, grads = _two(self.layer.backward(p, cache, dy, c), f"{by} dx and a dictionary of gradients")
        if not isinstance(grads, Mapping):
            raise TypeError(f"{by} a dictionary of gradients beside dx, got {kind(grads)}")
        if c.want_dx:
            dx = _rows(dx, f"{by} dx", None if self.layer.batchwise else len(dy), self.d_in, dy.dtype)
        return dx, grads

    def jvp(self, p, cache, x_dot, c):
        return self.layer.jvp(p, cache, x_dot, c)

    def jvp_backward(self, p, cache, dots, dy, dy_dot, c):
        return self.layer.jvp_backward(p, cache, dots, dy, dy_dot, c)


def welcome(layer: Layer, i: int, d_in: int, d_out: int) -> Layer:
    """The layer itself, if it is one of ours."""
    return layer if type(layer).__module__.split(".")[0] == __name__.split(".")[0] else Guest(layer, i, d_in, d_out)


def _two(result: Any, what: str) -> tuple[Any, Any]:
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"{what}, a tuple of two, got {kind(result)}")
    return result


def _rows(a: Any, what: str, n: int | None, d: int, dtype: np.dtype) -> np.ndarray:
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
