"""The matrix products of a dense layer, compiled: affine, its gradients, and both fused with an activation."""
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

from . import team, tiles
from .support import alike, floats, jit, matrix

# Our own product where it has been measured to win: on x86 with fused multiply-adds. Elsewhere NumPy's BLAS.
OURS = tiles.FUSED and not config.DISABLE_JIT                                   # type: ignore[attr-defined]


@intrinsic
def _call(typingctx, work, job, piece):
    """work(job, piece), for the address of compiled code."""
    def code(context, builder, signature, args):
        word = ir.IntType(64)
        function = builder.inttoptr(args[0], ir.PointerType(ir.FunctionType(word, [word, word])))
        return builder.call(function, args[1:])
    return types.int64(types.int64, types.int64, types.int64), code


@jit
def _begin(a, a_turned, b, b_turned, bias, slope, c, job, work):
    """Describe the product c = f(a b + bias) to `work`. What is in one piece is done; else the number of pieces."""
    job.view(c.dtype)[0] = slope
    job[1], job[2], job[3] = a.ctypes.data, a.strides[a_turned], a.strides[1 - a_turned]
    job[4], job[5], job[6] = b.ctypes.data, b.strides[b_turned], b.strides[1 - b_turned]
    job[7], job[8], job[9] = bias.ctypes.data if bias.size else 0, c.ctypes.data, c.strides[0]
    job[10], job[11], job[12] = c.shape[0], a.shape[1 - a_turned], c.shape[1]
    address = np.int64(job.ctypes.data)
    count = _call(work, address, -1)
    if count > 1:
        return count
    _call(work, address, 0)
    return 0


@jit
def _after(c, bias, slope):
    """c ← f(c + bias), for a product that BLAS has made"""
    zero = c.dtype.type(0)
    for i in range(c.shape[0]):
        for j in range(c.shape[1]):
            a = c[i, j] + bias[j]
            c[i, j] = a if a > zero else slope * a


@jit
def _column_sums(a, out):
    for j in range(a.shape[1]):
        out[j] = 0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[j] += a[i, j]


@jit
def _before(y, dy, slope, da, db):
    """da ← f′ dy, unless they are one array; db ← Σᵢ daᵢ, unless it is empty"""
    one, zero = y.dtype.type(1), y.dtype.type(0)
    if slope != one:
        for i in range(y.shape[0]):
            for j in range(y.shape[1]):
                da[i, j] = dy[i, j] if y[i, j] > zero else slope * dy[i, j]
    if db.size > 0:
        _column_sums(da, db)


@jit
def _begin_backward(x, y, dy, W, slope, dW, db, da, dx, none, jobs, work):
    """All of `affine_leaky_relu_backward` but products in several pieces: their numbers, of dW and dx."""
    one, pieces_W, pieces_x = y.dtype.type(1), 0, 0
    _before(y, dy, slope, da, db if dW.size > 0 else none)
    if dW.size > 0:
        pieces_W = _begin(x, 1, da, 0, none, one, dW, jobs[0], work)
    if dx.size > 0:
        pieces_x = _begin(da, 0, W, 1, none, one, dx, jobs[1], work)
    return pieces_W, pieces_x


def _into(a, a_turned, b, b_turned, bias, slope, c):
    """c ← f(a b + bias), for C-contiguous arrays of which a or b may stand for its transpose; bias may be empty."""
    if not OURS:
        np.dot(a.T if a_turned else a, b.T if b_turned else b, out=c)
        if bias.size:
            _after(c, bias, slope)
        return c
    job, work = np.empty(tiles.WORDS, np.int64), tiles.work_of(c.dtype)
    pieces = _begin(a, a_turned, b, b_turned, bias, slope, c, job, work)
    if pieces:
        team.run(work, job, pieces)
    return c


def _product(a, b, bias=None):
    """a b + bias, in fresh memory; what lies transposed in memory is read so."""
    a, b = matrix(a), matrix(b)
    if a.shape[1] != b.shape[0] or a.dtype != b.dtype:
        raise ValueError(f"a product needs (n, k) times (k, m) of one dtype, got {a.shape} {a.dtype} times "
                         f"{b.shape} {b.dtype}")
    bias = np.empty(0, a.dtype) if bias is None else floats(bias)
    if (bias.size and bias.shape != b.shape[1:]) or bias.dtype != a.dtype:
        raise ValueError(f"the bias of a layer {b.shape} is a vector ({b.shape[1]},) of {a.dtype}, "
                         f"got {bias.shape} {bias.dtype}")
    c, a_turned, b_turned = np.empty((len(a), b.shape[1]), a.dtype), not a.flags.c_contiguous, not b.flags.c_contiguous
    return _into(a.T if a_turned else a, int(a_turned), b.T if b_turned else b, int(b_turned), bias, a.dtype.type(1), c)


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
    x = floats(x)
    if x.ndim != 2 or x.shape[1] != W.shape[0] or b.shape != W.shape[1:] or not x.dtype == W.dtype == b.dtype:
        raise ValueError(f"a dense layer {W.shape} {W.dtype} takes rows of {W.shape[0]} columns, "
                         f"got {x.shape} {x.dtype}")
    y = np.empty((x.shape[0], W.shape[1]), x.dtype)
    return _into(x, 0, floats(W), 0, floats(b), x.dtype.type(slope), y)


def affine_leaky_relu_backward(x, y, dy, W, slope, dW, db, want_dx):
    """dx, dW and db of `affine_leaky_relu`                                    Eqs. (2.2), (2.3), (2.4), (2.10), (2.12)

    dW and db are written into the arrays given; empty ones when they are not wanted.

    Optimizations: one call; the gradients go straight to their place in the flat vector.
    """
    y, dy = alike(y, dy)
    x, W = floats(x), floats(W)
    if x.shape[0] != y.shape[0] or W.shape != (x.shape[1], y.shape[1]) or not x.dtype == W.dtype == y.dtype:
        raise ValueError(f"a dense layer {W.shape} {W.dtype} cannot have mapped {x.shape} {x.dtype} "
                         f"to {y.shape} {y.dtype}")
    if dW.size and (dW.shape != W.shape or db.shape != W.shape[1:] or not dW.flags.c_contiguous):
        raise ValueError(f"the gradients of a dense layer {W.shape} go into arrays of that shape and {W.shape[1:]}, "
                         f"got {dW.shape} and {db.shape}")
    slope = x.dtype.type(slope)
    da = dy if slope == 1 else np.empty_like(y)
    dx = np.empty(x.shape if want_dx else (0, 0), x.dtype)
    _backward(x, y, dy, W, slope, dW, db, da, dx)
    return dx if want_dx else None


def _backward(x, y, dy, W, slope, dW, db, da, dx):
    none = np.empty(0, y.dtype)
    if not OURS:
        _before(y, dy, slope, da, db if dW.size else none)
        if dW.size:
            _into(x, 1, da, 0, none, slope, dW)
        if dx.size:
            _into(da, 0, W, 1, none, slope, dx)
        return
    jobs, work = np.empty((2, tiles.WORDS), np.int64), tiles.work_of(y.dtype)
    pieces_W, pieces_x = _begin_backward(x, y, dy, W, slope, dW, db, da, dx, none, jobs, work)
    if pieces_W:
        team.run(work, jobs[0], pieces_W)
    if pieces_x:
        team.run(work, jobs[1], pieces_x)
