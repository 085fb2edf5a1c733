"""The matrix products of a dense layer, compiled: affine, its gradients, and both fused with an activation."""
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

from . import team, tiles
from .support import alike, floats, jit, matrix

# Our own product where it has been measured to win: on x86 with fused multiply-adds, for so few multiplications that
# a call of BLAS costs more than they do. Larger ones, and other CPUs, by NumPy's BLAS (docs/12-kernels.md).
OURS = tiles.FUSED and not config.DISABLE_JIT                                   # type: ignore[attr-defined]
SMALL = 2**17
WORDS = tiles.WORDS
NO_JOBS = np.empty((1, 0), np.int64)
NOTHING = {t: np.empty((1, 0), t) for t in "fd"}


@intrinsic
def _call(typingctx, work, job, piece):
    """work(job, piece), for the address of compiled code."""
    def code(context, builder, signature, args):
        word = ir.IntType(64)
        function = builder.inttoptr(args[0], ir.PointerType(ir.FunctionType(word, [word, word])))
        return builder.call(function, args[1:])
    return types.int64(types.int64, types.int64, types.int64), code


@jit
def _describe(a, a_turned, b, b_turned, bias, slope, c, job, work):
    """Describe the product c = f(a b + bias) to `work`, in `job`: the number of pieces it would be done in."""
    job.view(c.dtype)[0] = slope
    job[1], job[2], job[3] = a.ctypes.data, a.strides[a_turned], a.strides[1 - a_turned]
    job[4], job[5], job[6] = b.ctypes.data, b.strides[b_turned], b.strides[1 - b_turned]
    job[7], job[8], job[9] = bias.ctypes.data if bias.size else 0, c.ctypes.data, c.strides[0]
    job[10], job[11], job[12] = c.shape[0], a.shape[1 - a_turned], c.shape[1]
    return _call(work, np.int64(job.ctypes.data), -1)


@jit
def _begin(a, a_turned, b, b_turned, bias, slope, c, job, work):
    """Make the product, if that is one piece, and return 0; else leave it in `job`, if that is more than empty."""
    own = job if job.size > 0 else np.empty(WORDS, np.int64)
    pieces = _describe(a, a_turned, b, b_turned, bias, slope, c, own, work)
    if pieces > 1:
        return pieces
    _call(work, np.int64(own.ctypes.data), 0)
    return 0


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


@jit
def _before(y, dy, slope, da):
    """da ← f′ dy"""
    zero, factor = y.dtype.type(0), y.dtype.type(slope)
    flat_y, flat_dy, flat = y.reshape(-1), dy.reshape(-1), da.reshape(-1)
    for i in range(flat.size):
        flat[i] = flat_dy[i] if flat_y[i] > zero else factor * flat_dy[i]


@jit
def _begin_backward(x, y, dy, W, slope, dW, db, room, dx, jobs, work):
    """All of `affine_leaky_relu_backward`, if both products are one piece, and (0, 0).

    Else nothing, and (−1, −1), where `jobs` is empty; or all but what is left in `jobs`, and the numbers of pieces.
    """
    given = jobs.size > 0
    own = jobs if given else np.empty((2, WORDS), np.int64)
    da = room if given else np.empty_like(y)
    none = db[:0]
    pieces_W = _describe(x, 1, da, 0, none, 1.0, dW, own[0], work) if dW.size > 0 else 0
    pieces_x = _describe(da, 0, W, 1, none, 1.0, dx, own[1], work) if dx.size > 0 else 0
    if not given and max(pieces_W, pieces_x) > 1:
        return -1, -1
    _before(y, dy, slope, da)
    if dW.size > 0:
        _column_sums(da, db)
    if pieces_W == 1:
        _call(work, np.int64(own[0].ctypes.data), 0)
    if pieces_x == 1:
        _call(work, np.int64(own[1].ctypes.data), 0)
    return pieces_W if pieces_W > 1 else 0, pieces_x if pieces_x > 1 else 0


def _into(a, a_turned, b, b_turned, bias, slope, c):
    """c ← f(a b + bias), for C-contiguous arrays of which a or b may stand for its transpose; bias may be empty."""
    if not OURS or a.size * c.shape[1] > SMALL:
        np.dot(a.T if a_turned else a, b.T if b_turned else b, out=c)
        if bias.size:
            _after(c, bias, slope)
        return c
    work = tiles.work_of(c.dtype)
    if _begin(a, a_turned, b, b_turned, bias, slope, c, NO_JOBS[0], work):
        job = np.empty(WORDS, np.int64)
        team.run(work, job, _begin(a, a_turned, b, b_turned, bias, slope, c, job, work))
    return c


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
    return _into(a.T if a_turned else a, int(a_turned), b.T if b_turned else b, int(b_turned), bias, 1.0, c)


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
    x, W, b = floats(x), np.asarray(W, order="C"), np.asarray(b, order="C")
    if x.ndim != 2 or x.shape[1] != W.shape[0] or b.shape != W.shape[1:] or not x.dtype == W.dtype == b.dtype:
        raise ValueError(f"a dense layer {W.shape} {W.dtype} takes rows of {W.shape[0]} columns, "
                         f"got {x.shape} {x.dtype}")
    y = np.empty((x.shape[0], W.shape[1]), x.dtype)
    return _into(x, 0, W, 0, b, float(slope), y)


def affine_leaky_relu_backward(x, y, dy, W, slope, dW, db, want_dx):
    """dx, dW and db of `affine_leaky_relu`                                    Eqs. (2.2), (2.3), (2.4), (2.10), (2.12)

    dW and db are written into the arrays given; empty ones when they are not wanted.

    Optimizations: one call; the gradients go straight to their place in the flat vector.
    """
    y, dy = alike(y, dy)
    x, W = np.asarray(x, order="C"), np.asarray(W, order="C")
    fits = x.ndim == y.ndim == 2 and len(x) == len(y) and W.shape == (x.shape[1], y.shape[1])
    if not fits or not x.dtype == W.dtype == y.dtype:
        raise ValueError(f"a dense layer {W.shape} {W.dtype} cannot have mapped {x.shape} {x.dtype} "
                         f"to {y.shape} {y.dtype}")
    if dW.size and (dW.shape != W.shape or db.shape != W.shape[1:] or not dW.flags.c_contiguous):
        raise ValueError(f"the gradients of a dense layer {W.shape} go into arrays of that shape and {W.shape[1:]}, "
                         f"got {dW.shape} and {db.shape}")
    dx = np.empty(x.shape, x.dtype) if want_dx else NOTHING[x.dtype.char]
    _backward(x, y, dy, W, float(slope), dW, db, dx)
    return dx if want_dx else None


def _backward(x, y, dy, W, slope, dW, db, dx):
    if not OURS or x.size * y.shape[1] > SMALL:
        da = np.empty_like(y)
        _before(y, dy, slope, da)
        if dW.size:
            _column_sums(da, db)
            np.dot(x.T, da, out=dW)
        if dx.size:
            np.dot(da, W.T, out=dx)
        return
    work = tiles.work_of(y.dtype)
    pieces_W, pieces_x = _begin_backward(x, y, dy, W, slope, dW, db, NOTHING[y.dtype.char], dx, NO_JOBS, work)
    if pieces_W < 0:
        da, jobs = np.empty_like(y), np.empty((2, WORDS), np.int64)
        pieces_W, pieces_x = _begin_backward(x, y, dy, W, slope, dW, db, da, dx, jobs, work)
        if pieces_W:
            team.run(work, jobs[0], pieces_W)
        if pieces_x:
            team.run(work, jobs[1], pieces_x)
