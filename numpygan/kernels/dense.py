"""The matrix products of a dense layer, compiled: affine, its gradients, and both fused with an activation."""

import numpy as np
from numba import config

from . import passes, team, tiles
from .support import CLOSED, ODD, REALS, alike, floats, jit, matrix, opened, piece_of

# Our own product on x86 with fused multiply-adds, where it has been measured against BLAS; NumPy's BLAS on other CPUs
# (docs/12-kernels.md). Never both: each has threads that wait by spinning, and would take the cores from each other.
OURS = tiles.FUSED and not config.DISABLE_JIT                                   # type: ignore[attr-defined]
NOTHING = {t: np.empty((1, 0), t) for t in REALS}


@jit
def _after(c, bias, slope):
    """c ← f(c + bias), for a product that BLAS has made"""
    zero, factor = c.dtype.type(0), c.dtype.type(slope)
    for i in range(c.shape[0]):
        for j in range(c.shape[1]):
            a = c[i, j] + bias[j]
            c[i, j] = a if a > zero else factor * a


@jit
def _column_sums(a, out):
    """Σᵢ aᵢ: four rows at a time, since a row may be shorter than what the compiler unrolls to"""
    for j in range(a.shape[1]):
        out[j] = 0
    fours = a.shape[0] // 4 * 4
    for i in range(0, fours, 4):
        for j in range(a.shape[1]):
            out[j] += (a[i, j] + a[i + 1, j]) + (a[i + 2, j] + a[i + 3, j])
    for i in range(fours, a.shape[0]):
        for j in range(a.shape[1]):
            out[j] += a[i, j]


def product(a, a_turned, b, b_turned, bias, slope, c):
    """c ← f(a b + bias), for C-contiguous arrays of which a or b may stand for its transpose; bias may be empty.

    Returns 0, or MISFIT; TypeError for arrays that the compiled code has not been opened to.
    """
    if c.shape[1] <= passes.THIN and not a_turned:
        return passes._thin(a, b, b_turned, bias, slope, c, np.empty(a.shape[1], c.dtype))
    work, crew = piece_of(tiles._work, c.dtype.char), team.current()
    answer = passes._forward(a, a_turned, b, b_turned, bias, slope, c, work, crew.address, 0)
    if answer > 0:
        crew.call(answer)
        answer = passes._forward(a, a_turned, b, b_turned, bias, slope, c, work, crew.address, 1)
    return answer


def gradients(x, y, dy, W, slope, dW, db, dx):
    """dW, db, dx ← the gradients of `product`, where they are not empty; returns and raises the same."""
    char, crew = y.dtype.char, team.current()
    if y.shape[1] <= passes.THIN:
        return passes._thin_backward(x, y, dy, W, slope, dW, db, dx, np.empty_like(y), np.empty(len(W), char))
    if len(W) <= passes.THIN:
        compiled, room = passes._narrow_backward, np.empty((passes.BLOCKS * passes.ROOM, y.shape[1]), char)
        ways = (piece_of(passes._narrow, char),)
    else:
        compiled, room = passes._backward, np.empty_like(y)
        ways = piece_of(passes._before, char), piece_of(tiles._work, char)
    answer = compiled(x, y, dy, W, slope, dW, db, dx, room, *ways, crew.address, 0)
    if answer > 0:
        crew.call(answer)
        answer = compiled(x, y, dy, W, slope, dW, db, dx, room, *ways, crew.address, 1)
    return answer


def _made(a, a_turned, b, b_turned, bias, slope, c):
    """c, by `product`, which is opened to it if need be; or by BLAS, and so are the gradients of `_found`."""
    if OURS:
        try:
            product(a, a_turned, b, b_turned, bias, slope, c)
        except CLOSED:
            with opened(passes._thin, passes._forward):
                product(a, a_turned, b, b_turned, bias, slope, c)
    else:
        np.dot(a.T if a_turned else a, b.T if b_turned else b, out=c)
        if bias.size:
            _after(c, bias, slope)
    return c


def _found(x, y, dy, W, slope, dW, db, dx):
    if OURS:
        try:
            gradients(x, y, dy, W, slope, dW, db, dx)
        except CLOSED:
            with opened(passes._thin_backward, passes._narrow_backward, passes._backward):
                gradients(x, y, dy, W, slope, dW, db, dx)
        return
    with np.errstate(all="ignore"):
        da = np.where(y > 0, dy, y.dtype.type(slope) * dy)
    if dW.size:
        _column_sums(da, db)
        np.dot(x.T, da, out=dW)
    if dx.size:
        np.dot(da, W.T, out=dx)


def _product(a, b, bias=None):
    """a b + bias, in fresh memory; what lies transposed in memory is read so."""
    a, b = matrix(a), matrix(b)
    if a.shape[1] != b.shape[0] or a.dtype != b.dtype:
        raise ValueError(f"a product needs (n, k) times (k, m) of one dtype, got {a.shape} {a.dtype} times "
                         f"{b.shape} {b.dtype}")
    bias = NOTHING[a.dtype.char][0] if bias is None else floats(bias)
    if (bias.size and bias.shape != b.shape[1:]) or bias.dtype != a.dtype:
        raise ValueError(f"the bias of a layer {b.shape} is a vector ({b.shape[1]},) of {a.dtype}, "
                         f"got {bias.shape} {bias.dtype}")
    c, a_turned, b_turned = np.empty((len(a), b.shape[1]), a.dtype), not a.flags.c_contiguous, not b.flags.c_contiguous
    return _made(a.T if a_turned else a, int(a_turned), b.T if b_turned else b, int(b_turned), bias, 1.0, c)


def affine(x, W, b):
    """y = x W + b                                                                              Eq. (2.1)

    Optimizations: the sums start from the bias.
    """
    return _product(x, W, b)


def matmul(x, W):
    """y = x W.   Optimizations: tiles of the result stay in registers until they are complete (see `tiles`)."""
    return _product(x, W)


def affine_dx(dy, W):
    """dx = dy Wᵀ                                                                               Eq. (2.2)

    Optimizations: W is read transposed where it lies.
    """
    return _product(dy, np.asarray(W).T)


def affine_dW(x, dy):
    """dW = xᵀ dy                                                                               Eq. (2.3)

    Optimizations: x is read transposed where it lies.
    """
    return _product(np.asarray(x).T, dy)


def affine_db(dy):
    """db = Σᵢ dyᵢ                                                                              Eq. (2.4)

    Optimizations: row by row, so that memory is read in order and every column sum stays in the cache.
    """
    dy = floats(dy)
    if dy.ndim != 2:
        raise ValueError(f"expected a matrix (rows, columns), got shape {dy.shape}")
    db = np.empty(dy.shape[1], dy.dtype)
    _column_sums(dy, db)
    return db


def affine_leaky_relu(x, W, b, slope):
    """y = f(x W + b), f the leaky ReLU of that slope (0: ReLU, 1: identity)           Eqs. (2.1), (2.9), (2.11)

    Optimizations: the sums start from the bias, and the activation is applied to them while they are in registers.
    """
    if OURS:
        try:                                                # with arrays as they nearly always are
            y = np.empty((len(x), len(b)), x.dtype)
            if product(x, 0, W, 0, b, slope, y) == 0:
                return y
        except ODD:
            pass
    x, W, b = floats(x), floats(W), floats(b)
    if x.ndim != 2 or x.shape[1:] + b.shape != W.shape or not x.dtype == W.dtype == b.dtype:
        raise ValueError(f"a dense layer {W.shape} {W.dtype} with biases {b.shape} {b.dtype} cannot map rows "
                         f"{x.shape} {x.dtype}")
    return _made(x, 0, W, 0, b, float(slope), np.empty((len(x), len(b)), x.dtype))


def affine_leaky_relu_backward(x, y, dy, W, slope, dW, db, want_dx):
    """dx, dW and db of `affine_leaky_relu`                                    Eqs. (2.2), (2.3), (2.4), (2.10), (2.12)

    dW and db are written into the arrays given; empty ones when they are not wanted.

    Optimizations: one call; the gradients go straight to their place in the flat vector.
    """
    if OURS:
        try:                                                # with arrays as they nearly always are
            dx = np.empty(x.shape, x.dtype) if want_dx else NOTHING[x.dtype.char]
            if gradients(x, y, dy, W, slope, dW, db, dx) == 0:
                return dx if want_dx else None
        except ODD:
            pass
    y, dy = alike(y, dy)
    x, W = floats(x), floats(W)
    shape, dtype = W.shape, y.dtype
    if (len(shape) != 2 or y.shape != x.shape[:1] + shape[1:] or shape[:1] != x.shape[1:]
            or not x.dtype == W.dtype == dtype):
        raise ValueError(f"a dense layer {W.shape} {W.dtype} cannot have mapped {x.shape} {x.dtype} "
                         f"to {y.shape} {y.dtype}")
    if not (isinstance(dW, np.ndarray) and isinstance(db, np.ndarray)):
        raise TypeError(f"dW and db are arrays that the gradients are written into (empty: they are not wanted), "
                        f"got {type(dW).__name__} and {type(db).__name__}")
    if dW.size == 0:
        dW, db = NOTHING[dtype.char], NOTHING[dtype.char][0]
    elif (dW.shape != shape or db.shape != shape[1:] or not (dW.flags.carray and db.flags.carray)
          or not dW.dtype == db.dtype == dtype):
        raise ValueError(f"the gradients of a dense layer {W.shape} {dtype} go into arrays of that shape and "
                         f"{W.shape[1:]} to write to, got {dW.shape} {dW.dtype} and {db.shape} {db.dtype}")
    dx = np.empty(x.shape, dtype) if want_dx else NOTHING[dtype.char]
    _found(x, y, dy, W, float(slope), dW, db, dx)
    return dx if want_dx else None
