"""Activations, their derivatives, maxout and dropout, compiled: one pass over memory each.

Every kernel sees flat contiguous arrays, so that one compilation per dtype serves every shape. Constants are made
in the array's dtype: a literal would be a double and slow float32 down.
"""
import numpy as np

from .support import alike, floats, jit, matrix, reals


@jit
def _sigmoid_backward(dy, y, dx):
    one = y.dtype.type(1)
    for i in range(y.size):
        dx[i] = dy[i] * y[i] * (one - y[i])


@jit
def _tanh_backward(dy, y, dx):
    one = y.dtype.type(1)
    for i in range(y.size):
        dx[i] = dy[i] * (one - y[i] * y[i])


@jit
def _relu(x, y):
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = zero if x[i] <= zero else x[i]


@jit
def _leaky_relu(x, slope, y):
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = x[i] if x[i] > zero else slope * x[i]


@jit
def _leaky_relu_backward(dy, y, slope, dx):
    zero = y.dtype.type(0)
    for i in range(y.size):
        dx[i] = dy[i] if y[i] > zero else slope * dy[i]


@jit
def _relu_backward(dy, y, dx):
    zero = y.dtype.type(0)
    for i in range(y.size):
        dx[i] = dy[i] if y[i] > zero else zero


@jit
def _multiply(a, b, out):
    for i in range(a.size):
        out[i] = a[i] * b[i]


@jit
def _dropout_mask(u, rate, kept, mask):
    zero = mask.dtype.type(0)
    for i in range(u.size):
        mask[i] = kept if u[i] >= rate else zero


@jit
def _sigmoid_curvature(dy_dot, x_dot, y, out):
    one, two = y.dtype.type(1), y.dtype.type(2)
    for i in range(y.size):
        out[i] = dy_dot[i] * x_dot[i] * (y[i] * (one - y[i]) * (one - two * y[i]))


@jit
def _tanh_curvature(dy_dot, x_dot, y, out):
    one, two = y.dtype.type(1), y.dtype.type(2)
    for i in range(y.size):
        out[i] = -dy_dot[i] * x_dot[i] * (two * y[i] * (one - y[i] * y[i]))


@jit
def _maxout(x, k, pieces, y, index):
    """Row by row, whose entries are sorted into `pieces` (k, units) first: so the units stand side by side."""
    for i in range(len(y)):
        row, best, at = x[i], y[i], index[i]
        for p in range(k):
            piece = pieces[p]
            for j in range(piece.size):
                piece[j] = row[j * k + p]
        first = pieces[0]
        for j in range(best.size):
            best[j], at[j] = first[j], 0
        for p in range(1, k):
            piece, number = pieces[p], at.dtype.type(p)
            for j in range(best.size):
                a, b = piece[j], best[j]
                better = (a > b) | ((a != a) & (b == b))               # the first NaN wins, as in argmax
                best[j] = a if better else b
                at[j] = number if better else at[j]


@jit
def _maxout_backward(dy, index, k, dx):
    for i in range(len(dy)):
        row = dx[i]
        for j in range(row.size):
            row[j] = 0
        for j in range(dy.shape[1]):
            row[j * k + index[i, j]] = dy[i, j]


@jit
def _maxout_jvp(x_dot, index, k, y_dot):
    for i in range(index.shape[0]):
        for j in range(index.shape[1]):
            y_dot[i, j] = x_dot[i, j * k + index[i, j]]


def _map(kernel, x, *constants):
    x = floats(x)
    y = np.empty(x.shape, x.dtype)
    kernel(x.ravel(), *[x.dtype.type(c) for c in constants], y.ravel())
    return y


def _map_backward(kernel, dy, y, *constants):
    y, dy = alike(y, dy)
    dx = np.empty(y.shape, y.dtype)
    kernel(dy.ravel(), y.ravel(), *[y.dtype.type(c) for c in constants], dx.ravel())
    return dx


def _map_curvature(kernel, dy_dot, x_dot, y):
    y, dy_dot, x_dot = alike(y, dy_dot, x_dot)
    out = np.empty(y.shape, y.dtype)
    kernel(dy_dot.ravel(), x_dot.ravel(), y.ravel(), out.ravel())
    return out


def sigmoid_backward(dy, y):
    """dx = dy · y (1 − y)                                                                      Eq. (2.6)

    Optimizations: one pass, vectorised.
    """
    return _map_backward(_sigmoid_backward, dy, y)


def tanh_backward(dy, y):
    """dx = dy · (1 − y²)                                                                       Eq. (2.8)

    Optimizations: one pass, vectorised.
    """
    return _map_backward(_tanh_backward, dy, y)


def relu(x):
    """y = max(x, 0)                                                                            Eq. (2.9)

    Optimizations: one pass, vectorised.
    """
    return _map(_relu, x)


def relu_backward(dy, y):
    """dx = dy where y > 0, else 0                                                             Eq. (2.10)

    Optimizations: one pass, vectorised.
    """
    return _map_backward(_relu_backward, dy, y)


def leaky_relu(x, slope):
    """y = x where x > 0, else slope · x                                                       Eq. (2.11)

    Optimizations: one pass, vectorised.
    """
    return _map(_leaky_relu, x, reals(slope, "slope"))


def leaky_relu_backward(dy, y, slope):
    """dx = dy where y > 0, else slope · dy                                                    Eq. (2.12)

    Optimizations: one pass, vectorised.
    """
    return _map_backward(_leaky_relu_backward, dy, y, reals(slope, "slope"))


def maxout(x, k):
    """yⱼ = max of the k inputs of unit j                                                      Eq. (2.16)

    Optimizations: maximum and index in one pass, vectorised.
    """
    x = floats(matrix(x))
    shape = len(x), _units(x.shape[1], k)
    y, index, pieces = np.empty(shape, x.dtype), np.empty(shape, np.intp), np.empty((k, shape[1]), x.dtype)
    _maxout(x, k, pieces, y, index)
    return y, index


def _units(d, k):
    if k < 1 or d % k:
        raise ValueError(f"maxout: {d} inputs cannot be shared out to units of k = {k} pieces each: "
                         f"make the layer below a multiple of k wide")
    return d // k


def _winners(index, shape, k):
    index = np.asarray(index)
    if index.shape != shape or index.dtype.kind != "i" or index.min() < 0 or index.max() >= k:
        raise ValueError(f"index must hold, in the shape {shape}, the winning piece 0 … {k - 1} of every unit")
    return np.ascontiguousarray(index, np.intp)      # bytes in another order would be places far outside


def maxout_backward(dy, index, k):
    """dx = dy at the piece that won, 0 at the others                                          Eq. (2.17)

    Optimizations: zeros and gradient row by row.
    """
    dy = floats(matrix(dy))
    dx = np.empty((dy.shape[0], dy.shape[1] * k), dy.dtype)
    _maxout_backward(dy, _winners(index, dy.shape, k), k, dx)
    return dx


def maxout_jvp(x_dot, index, k):
    """ẏⱼ = ẋ at the piece that won: Eq. (10.10) for maxout.   Optimizations: one pass."""
    x_dot = floats(matrix(x_dot))
    y_dot = np.empty((len(x_dot), _units(x_dot.shape[1], k)), x_dot.dtype)
    _maxout_jvp(x_dot, _winners(index, y_dot.shape, k), k, y_dot)
    return y_dot


def dropout_mask(shape, rate, rng, dtype):
    """mask = 0 with probability `rate`, else 1 / (1 − rate): the draws of `functional`, and its numbers

    Optimizations: what follows the draw is one pass.
    """
    u, mask = rng.random(shape, dtype=np.float32), np.empty(shape, dtype)
    real = mask.dtype.type
    _dropout_mask(u.reshape(-1), u.dtype.type(rate), real(1) / real(1 - rate), mask.reshape(-1))
    return mask


def dropout(x, mask):
    """y = x · mask                                                                            Eq. (2.18)

    Optimizations: one pass, vectorised.
    """
    return _map_backward(_multiply, x, mask)


def dropout_backward(dy, mask):
    """dx = dy · mask                                                                          Eq. (2.19)

    Optimizations: one pass, vectorised.
    """
    return _map_backward(_multiply, dy, mask)


def sigmoid_curvature(dy_dot, x_dot, y):
    """f″(x) ẋ dẏ of σ                                                                         Eq. (10.12)

    Optimizations: one pass, vectorised.
    """
    return _map_curvature(_sigmoid_curvature, dy_dot, x_dot, y)


def tanh_curvature(dy_dot, x_dot, y):
    """f″(x) ẋ dẏ of tanh                                                                      Eq. (10.13)

    Optimizations: one pass, vectorised.
    """
    return _map_curvature(_tanh_curvature, dy_dot, x_dot, y)
