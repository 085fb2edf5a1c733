"""Stacks of dense layers for the tests of `kernels.mlp`: their arrays, and how far results are from wider sums."""
import math

import numpy as np
import pytest

from numpygan.kernels import dense, passes, rows, stack

COMPILED = pytest.mark.skipif(not dense.OURS, reason="this CPU leaves products to BLAS")
SLOPES = 0.0, 0.2, 1.0
THIN, NARROW, TILES = (6, 2), (2, 6), (6, 7)            # sizes of a layer for each of the three ways
MIXED = 6, 7, 2, 5                                      # and of a stack that goes all of them
DEEP = [(2, 130, 3, 70, 1), (5, 4, 4, 5), (64, 128, 128, 1), (3, 1, 3), (1, 1, 1, 1, 1, 1), (70, 5, 33), (4, 40, 5, 5)]
KERNELS = passes._product, passes._forward, passes._backward, passes._tangent


def rotated(sizes, first=0):
    """A slope for every layer: those of SLOPES in turns."""
    return tuple(SLOPES[(first + i) % 3] for i in range(len(sizes) - 1))


def arrays(rng, n, sizes, dtype):
    """x, hidden, y, dy, theta as they may come to a backward pass. Some of y are 0, which is the slope's side."""
    shapes = (n, sizes[0]), n * sum(sizes[1:-1]), (n, sizes[-1]), (n, sizes[-1]), parameters(sizes)
    x, hidden, y, dy, theta = (rng.standard_normal(s).astype(dtype) for s in shapes)
    for a in (hidden, y):
        a[rng.random(a.shape) < 0.1] = 0
    return x, hidden, y, dy, theta


def parameters(sizes):
    return sum((k + 1) * m for k, m in zip(sizes, sizes[1:], strict=False))


def room_for(n, sizes, dtype):
    """What a backward pass needs beside its arrays: two gradients on their way, and room for the blocks."""
    return np.zeros(2 * n * max(sizes[1:]) + rows.BLOCKS * rows.ROOM * max(sizes), dtype)


def members(theta, sizes):
    """(W, b) of each layer, as views: W_1, b_1, W_2, … lie one after the other."""
    found = []
    for k, m in zip(sizes, sizes[1:], strict=False):
        W, b, theta = theta[:k * m].reshape(k, m), theta[k * m:(k + 1) * m], theta[(k + 1) * m:]
        found.append((W, b))
    assert theta.size == 0
    return found


def outputs(hidden, y, sizes):
    """y_1 … y_L, as views: all but the last lie one after the other in `hidden`, in C order."""
    found = []
    for m in sizes[1:-1]:
        found.append(hidden[:len(y) * m].reshape(len(y), m))
        hidden = hidden[len(y) * m:]
    assert hidden.size == 0
    return [*found, y]


def backward(x, hidden, y, dy, theta, sizes, slopes, want_g=True, want_dx=True):
    """(dx, g), None where it is not wanted; g is written into NaN."""
    g = np.full(theta.shape if want_g else 0, np.nan, theta.dtype)
    dx = stack.mlp_backward(x, hidden, y, dy, theta, sizes, slopes, g, want_dx)
    return dx, (g if want_g else None)


def tangents(x, hidden, y, dy, theta, sizes, slopes):
    """Both passes of a direction, and all they return; x is taken for ẋ and dy for dẏ. g is written into NaN."""
    y_dot, dots = stack.mlp_jvp(x, hidden, y, theta, sizes, slopes)
    g = np.full_like(theta, np.nan)
    return y_dot, dots, stack.mlp_jvp_backward(x, dots, hidden, y, dy, theta, sizes, slopes, g, True), g


def off(got, exact, size, count, brought=0.0):
    """The largest error as a part of what `count` roundings, each to one side or the other, make of such terms; beside
    that which the terms had `brought`."""
    eps, tiny = np.finfo(got.dtype).eps, np.finfo(got.dtype).tiny                    # a sum of zeros is right, not 0/0
    return np.max(np.abs(got - exact) / ((math.sqrt(count) + 4) * eps * size + brought + tiny))


def wide(*all_arrays):
    kind = np.float64 if all_arrays[0].dtype == np.float32 else np.longdouble
    return [a.astype(kind) for a in all_arrays]


def worst_up(x, hidden, y, theta, sizes, slopes):
    """The largest error of y_l, beside f(y_{l−1} W_l + b_l) in more digits from the y_{l−1} that there is."""
    found, a = [], x
    for (W, b), out, slope in zip(members(theta, sizes), outputs(hidden, y, sizes), slopes, strict=True):
        a, W, b, factor = wide(a, W, b, x.dtype.type(slope).reshape(1))
        exact, size = a @ W + b, np.abs(a) @ np.abs(W) + np.abs(b)
        found.append(off(out, np.where(exact > 0, exact, factor * exact), size, len(W) + 1))
        a = out
    return np.max(found)                                  # NaN, if there is any


def worst_along(y_dot, dots, dx_dot, g, x, hidden, y, dy, theta, sizes, slopes):
    """The largest error of what `tangents` returns: of each ẏ_l from the ẏ_{l−1} that there is, and of the way down."""
    found, a = [], x
    for (W, _), out, dot, slope in zip(members(theta, sizes), outputs(hidden, y, sizes), outputs(dots, y_dot, sizes),
                                       slopes, strict=True):
        a, W, factor = wide(a, W, x.dtype.type(slope).reshape(1))
        side = np.where(out > 0, 1, factor)
        found.append(off(dot, side * (a @ W), side * (np.abs(a) @ np.abs(W)), len(W)))
        a = dot
    assert all(np.all(db == 0) for _, db in members(g, sizes))
    return np.max([*found, worst(dx_dot, g, x, hidden, y, dy, theta, sizes, slopes, dots)])


def worst(dx, g, x, hidden, y, dy, theta, sizes, slopes, dots=None):
    """The largest error of dx and g, beside sums of more digits; no dx: that of g, and no g: that of dx.
    With `dots`, of tangents: the inputs of the layers are x and these, and db is not looked at."""
    outs, found, dtype = outputs(hidden, y, sizes), [0.0], x.dtype
    inputs, layers = [x, *outputs(hidden if dots is None else dots, y, sizes)[:-1]], members(theta, sizes)
    of_g = members(g, sizes) if g is not None else [None] * len(layers)
    dy, brought = wide(dy)[0], 0.0
    for a, out, (W, _), place, slope in reversed(list(zip(inputs, outs, layers, of_g, slopes, strict=True))):
        a, W, factor = wide(a, W, dtype.type(slope).reshape(1))
        side = np.where(out > 0, 1, factor)
        da, brought, n = side * dy, side * brought, len(x)
        if place:
            found.append(off(place[0], a.T @ da, np.abs(a.T) @ np.abs(da), n, np.abs(a.T) @ brought))
            if dots is None:
                found.append(off(place[1], da.sum(0), np.abs(da).sum(0), n, brought.sum(0)))
        dy, size = da @ W.T, np.abs(da) @ np.abs(W.T)
        before = brought @ np.abs(W.T)
        brought = before + (math.sqrt(W.shape[1]) + 4) * np.finfo(dtype).eps * size
    if dx is not None:
        found.append(off(dx, dy, size, W.shape[1], before))
    return np.max(found)                                  # NaN, if there is any


def one_by_one(x, hidden, y, dy, theta, sizes, slopes):
    """dx and g, by a call for each layer."""
    ins, g, end = [x, *outputs(hidden, y, sizes)], [], len(theta)
    for i in reversed(range(len(slopes))):
        two = sizes[i:i + 2]
        part = theta[end - parameters(two):end].copy()
        dy, of_layer = backward(ins[i].copy(), hidden[:0], ins[i + 1].copy(), dy, part, two, slopes[i:i + 1])
        g, end = [of_layer, *g], end - len(part)
    return dy, np.concatenate(g)


def signatures():
    return [len(getattr(kernel, "signatures", ())) for kernel in KERNELS]


def compile_all(rng):
    """Have the kernels of all ways compiled for both types."""
    for dtype in "fd":
        args = x, _, _, _, theta = arrays(rng, 3, MIXED, dtype)
        stack.mlp(x, theta, MIXED, rotated(MIXED))
        backward(*args, MIXED, rotated(MIXED))
        tangents(*args, MIXED, rotated(MIXED))
        dense.affine(np.ones((2, 6), dtype), np.ones((6, 7), dtype), np.ones(7, dtype))
