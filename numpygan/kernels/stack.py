"""A stack of dense layers with their activations, compiled: one call for all of them, up and down again.

The layers are those that `affine` and `leaky_relu` make one by one, and so are the arrays that lie between them. What
is gone are the ways from Python to compiled code and back, which take longer than a small layer.
"""
import functools
import itertools
from typing import NamedTuple

import numpy as np

from . import passes, rows, team, tiles
from .dense import NOTHING, OURS
from .support import ODD_ARGUMENTS, alike, floats, jit, opening, piece_of

Sizes = tuple[int, ...]                 # of x, and of the output of every layer
Slopes = tuple[float, ...]              # of every layer's activation: 0 ReLU, 1 identity


class _Plan(NamedTuple):
    """What compiled code must know of a stack (see `passes`)."""
    words: np.ndarray
    address: int
    hidden: int                 # columns of all layers but the last
    widest: int                 # the most columns that a layer has
    widest_of_all: int          # that it or x has


@functools.cache
def _plan(sizes: Sizes, slopes: Slopes, char: str, way: str) -> _Plan:
    """For arrays of that type; with the code of the pieces for the way "up", "down", or "along" a direction: compiled
    when first asked for."""
    layers, head = _layers(sizes, slopes), dict.fromkeys(passes.HEAD, 0)
    hidden, widest, of_all, size = sum(sizes[1:-1]), max(sizes[1:]), max(sizes), np.dtype(char).itemsize
    head |= dict(layers=len(layers), d_in=sizes[0], d_out=sizes[-1], parameters=sum((k + 1) * m for k, m, _ in layers),
                 hidden=hidden, widest=widest, widest_of_all=of_all, one=_bits(1.0, char),
                 stride=rows.ROOM * of_all * size)
    words = []
    for k, m, slope in layers:
        by_rows = min(k, m) <= rows.THIN
        layer = dict(depth=k, cols=m, slope=_bits(slope, char), forward=0, backward=0, x_row=k * size, y_row=m * size,
                     size=k * m * size, by_rows=by_rows, sums=(k + 1) * m if by_rows else m,
                     sums_at=0 if by_rows else k * m * size)
        if way != "down":
            layer["forward"] = piece_of(rows._thin if rows.thin(k, m) else tiles._work, char)
        if way == "along":
            layer["backward"] = piece_of(rows._activation_backward, char) if slope != 1 else 0
        elif way == "down" and not by_rows:
            layer["backward"], head["tiles"] = piece_of(rows._activation_backward, char), piece_of(tiles._work, char)
        elif way == "down":
            layer["backward"] = piece_of(rows._thin_backward if m <= rows.THIN else rows._narrow_backward, char)
        words += [layer[name] for name in passes.LAYER]
    table = np.array([head[name] for name in passes.HEAD] + words, np.int64)
    return _Plan(table, table.ctypes.data, hidden, widest, of_all)


def _layers(sizes, slopes):
    """(inputs, outputs, slope) of every layer."""
    if len(slopes) != len(sizes) - 1 or not slopes:
        raise ValueError(f"every layer has a slope: {len(sizes) - 1} layers of {sizes}, and slopes {slopes}")
    if min(sizes) < 1:
        raise ValueError(f"every layer has at least one input and one output, got sizes {sizes}")
    return list(zip(sizes[:-1], sizes[1:], slopes, strict=True))


def _bits(number, char):
    """A number of that type, as a word of eight bytes."""
    return int(np.array([number, 0], char).view(np.int64)[0])


def _forward(x, theta, sizes, slopes):
    """y and hidden; None if the shapes do not belong together; an error for arrays that the kernel is not open to."""
    plan, n = _plan(sizes, slopes, x.dtype.char, "up"), len(x)
    hidden, y = np.empty(n * plan.hidden, x.dtype), np.empty((n, sizes[-1]), x.dtype)
    return (y, hidden) if team.asked(passes._forward, x, theta, hidden, y, plan.address) == 0 else None


def _backward(x, between, hidden, y, dy, theta, sizes, slopes, g, dx):
    """True when g and dx are there, as far as they are not empty; otherwise as above."""
    plan = _plan(sizes, slopes, x.dtype.char, "down")
    room = np.empty(2 * len(x) * plan.widest + rows.BLOCKS * rows.ROOM * plan.widest_of_all, x.dtype)
    return team.asked(passes._backward, x, between, theta, hidden, y, dy, g, dx, room, plan.address) == 0


def _tangent(x_dot, hidden, y, theta, sizes, slopes):
    """y_dot and dots; otherwise as above."""
    plan, n, dtype = _plan(sizes, slopes, x_dot.dtype.char, "along"), len(x_dot), x_dot.dtype
    dots, y_dot, room = np.empty(n * plan.hidden, dtype), np.empty(y.shape, dtype), np.empty(n * plan.widest, dtype)
    asked = team.asked(passes._tangent, x_dot, theta, hidden, y, dots, y_dot, room, plan.address)
    return (y_dot, dots) if asked == 0 else None


def mlp(x, theta, sizes, slopes):
    """y_l = f_l(y_{l−1} W_l + b_l), l = 1 … L, y_0 = x                                Eqs. (2.1), (2.9), (2.11)

    x (n, sizes[0]), theta all W and b of the layers in their order, sizes and slopes tuples
    -> y_L (n, sizes[L]), and y_1 … y_{L−1} one after the other in one vector, for `mlp_backward`.

    Optimizations: the sums start from the bias, the activation is applied to them in registers; one call.
    """
    if OURS:
        try:                                                # with arrays as they nearly always are
            found = _forward(x, theta, sizes, slopes)
            if found:
                return found
        except ODD_ARGUMENTS:
            pass
    x, theta = _checked(x, theta, sizes, slopes)
    if not OURS:
        return _forward_by_blas(x, theta, sizes, slopes)
    return opening(passes._forward, _forward, x, theta, sizes, slopes)


def mlp_backward(x, hidden, y, dy, theta, sizes, slopes, g, want_dx):
    """dx, and g ← dW_1, db_1, … in the order of theta               Eqs. (2.2), (2.3), (2.4), (2.10), (2.12), (2.13)

    hidden and y are those of `mlp`; g is written into the vector given, an empty one when it is not wanted.

    Optimizations: one call; no dx below the first layer unless it is wanted; blocks of rows are shared.
    """
    return _gradients(x, hidden, hidden, y, dy, theta, sizes, slopes, g, want_dx)


def mlp_jvp(x_dot, hidden, y, theta, sizes, slopes):
    """ẏ_l = f_l′(y_l) ⊙ (ẏ_{l−1} W_l), ẏ_0 = x_dot: how all y of `mlp` move where x moves     Eqs. (10.8), (10.10)

    -> ẏ_L, and ẏ_1 … ẏ_{L−1} like `hidden`.   Optimizations: one call.
    """
    if OURS:
        try:
            found = _tangent(x_dot, hidden, y, theta, sizes, slopes)
            if found:
                return found
        except ODD_ARGUMENTS:
            pass
    x_dot, theta = _checked(x_dot, theta, sizes, slopes)
    hidden, y = _between(hidden, sizes, y), floats(y)
    _mapped(x_dot, hidden, y, sizes)
    if not OURS:
        return _tangent_by_blas(x_dot, hidden, y, theta, sizes, slopes)
    return opening(passes._tangent, _tangent, x_dot, hidden, y, theta, sizes, slopes)


def mlp_jvp_backward(x_dot, dots, hidden, y, dy_dot, theta, sizes, slopes, g, want_dx):
    """dẋ, and g ← ∂/∂θ Σ dẏ · ẏ with dẏ held fixed, for the ẏ of `mlp_jvp`                    Eqs. (10.9), (10.11)

    Optimizations: those of `mlp_backward`, which this is, with tangents for inputs.
    """
    dx_dot = _gradients(x_dot, dots, hidden, y, dy_dot, theta, sizes, slopes, g, want_dx)
    for b in _biases(sizes) if g.size else ():
        g[b] = 0                                            # ẏ does not depend on b
    return dx_dot


@functools.cache
def _biases(sizes: Sizes) -> list[slice]:
    """Where in theta the b of every layer lies."""
    ends = itertools.accumulate((k + 1) * m for k, m in itertools.pairwise(sizes))
    return [slice(end - m, end) for end, m in zip(ends, sizes[1:], strict=True)]


def _gradients(x, between, hidden, y, dy, theta, sizes, slopes, g, want_dx):
    """dx and g of layers that were given x and what is in `between`, and whose f′ are taken at `hidden` and y."""
    if OURS:
        try:
            dx = np.empty(x.shape, x.dtype) if want_dx else NOTHING[x.dtype.char]
            if _backward(x, between, hidden, y, dy, theta, sizes, slopes, g, dx):
                return dx if want_dx else None
        except ODD_ARGUMENTS:
            pass
    x, theta = _checked(x, theta, sizes, slopes)
    y, dy = alike(y, dy)
    hidden, between = _between(hidden, sizes, x), _between(between, sizes, x)
    _mapped(x, hidden, y, sizes)
    _mapped(x, between, y, sizes)
    if not isinstance(g, np.ndarray):
        raise TypeError(f"g is a vector that the gradient is written into (empty: it is not wanted), got "
                        f"{type(g).__name__}")
    if g.size == 0:
        g = NOTHING[x.dtype.char][0]
    elif g.shape != theta.shape or g.dtype != theta.dtype or not g.flags.carray:
        raise ValueError(f"the gradient goes into a vector like theta, {theta.shape} {theta.dtype}, to write to, got "
                         f"{g.shape} {g.dtype}")
    dx = np.empty(x.shape, x.dtype) if want_dx else NOTHING[x.dtype.char]
    arguments = x, between, hidden, y, dy, theta, sizes, slopes, np.asarray(g), dx          # of a subclass, its memory
    if OURS:
        opening(passes._backward, _backward, *arguments)
    else:
        _backward_by_blas(*arguments)
    return dx if want_dx else None


def _between(hidden, sizes, like):
    """What lies between the layers, as compiled code takes it."""
    return floats(hidden) if sum(sizes[1:-1]) else NOTHING[floats(like).dtype.char][0]


def _mapped(x, hidden, y, sizes):
    """A sentence, unless layers of these sizes can have mapped x to y by way of `hidden`."""
    n = len(x)
    if y.shape != (n, sizes[-1]) or hidden.shape != (n * sum(sizes[1:-1]),) or not x.dtype == y.dtype == hidden.dtype:
        raise ValueError(f"layers of {sizes} cannot have mapped {x.shape} {x.dtype} to {hidden.size} numbers "
                         f"{hidden.dtype} between them and {y.shape} {y.dtype}")


def _checked(x, theta, sizes, slopes):
    """x and theta, as compiled code takes them; a sentence where they do not fit the layers."""
    x, theta = floats(x), floats(theta)
    parameters = sum((k + 1) * m for k, m, _ in _layers(sizes, slopes))
    if x.ndim != 2 or x.shape[1] != sizes[0] or theta.shape != (parameters,) or x.dtype != theta.dtype:
        raise ValueError(f"dense layers of {sizes} map rows of {sizes[0]} by {parameters} parameters of one dtype, got "
                         f"{x.shape} {x.dtype} and {theta.shape} {theta.dtype}")
    return x, theta


# ------------------------------------------------------------------------------------------------------ BLAS

@jit
def _after(c, bias, slope):
    """c ← f(c + bias), for a product that BLAS has made"""
    zero, factor = c.dtype.type(0), c.dtype.type(slope)
    for i in range(c.shape[0]):
        for j in range(c.shape[1]):
            a = c[i, j] + bias[j]
            c[i, j] = a if a > zero else factor * a


def _cut(vector, sizes, slopes):
    """W and b of every layer, in a vector that holds them one after the other."""
    end = 0
    for k, m, _ in _layers(sizes, slopes):
        start, end = end, end + (k + 1) * m
        yield vector[start:end - m].reshape(k, m), vector[end - m:end]


def _arrays(hidden, x, sizes):
    """What lies between the layers, one array after the other."""
    ends = np.cumsum([0, *(len(x) * m for m in sizes[1:-1])])
    return [hidden[a:b].reshape(len(x), m) for a, b, m in zip(ends, ends[1:], sizes[1:], strict=False)]


@np.errstate(all="ignore")           # see `dense._by_blas`
def _forward_by_blas(x, theta, sizes, slopes):
    """`mlp` where products are left to BLAS."""
    hidden, n, end = np.empty(len(x) * sum(sizes[1:-1]), x.dtype), len(x), 0
    for slope, (W, b) in zip(slopes, _cut(theta, sizes, slopes), strict=True):
        y = hidden[end:end + n * len(b)].reshape(n, len(b)) if end < hidden.size else np.empty((n, len(b)), x.dtype)
        end += y.size
        np.matmul(x, W, out=y)
        _after(y, b, slope)
        x = y
    return y, hidden


@np.errstate(all="ignore")
def _backward_by_blas(x, between, hidden, y, dy, theta, sizes, slopes, g, dx):
    """`_gradients` where products are left to BLAS."""
    inputs, outs = [x, *_arrays(between, x, sizes)], [*_arrays(hidden, x, sizes), y]
    layers, places = list(_cut(theta, sizes, slopes)), list(_cut(g, sizes, slopes)) if g.size else []
    for i in reversed(range(len(layers))):
        da = np.where(outs[i] > 0, dy, y.dtype.type(slopes[i]) * dy)
        if places:
            np.matmul(inputs[i].T, da, out=places[i][0])
            np.sum(da, axis=0, out=places[i][1])
        if i or dx.size:
            dy = np.matmul(da, layers[i][0].T, out=None if i else dx)


@np.errstate(all="ignore")
def _tangent_by_blas(x_dot, hidden, y, theta, sizes, slopes):
    """`mlp_jvp` where products are left to BLAS."""
    dots, outs = np.empty_like(hidden), [*_arrays(hidden, x_dot, sizes), y]
    places = [*_arrays(dots, x_dot, sizes), np.empty_like(y)]
    for out, to, slope, (W, _) in zip(outs, places, slopes, _cut(theta, sizes, slopes), strict=True):
        np.matmul(x_dot, W, out=to)
        to[...] = np.where(out > 0, to, to.dtype.type(slope) * to)
        x_dot = to
    return x_dot, dots
