"""The matrix products of a dense layer, compiled: affine, its gradients, and both fused with an activation."""
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

from . import team, tiles
from .support import alike, floats, inner_jit, jit, matrix

# Our own product on x86 with fused multiply-adds, where it has been measured against BLAS; NumPy's BLAS on other CPUs
# (docs/12-kernels.md). Never both: each has threads that wait by spinning, and would take the cores from each other.
OURS = tiles.FUSED and not config.DISABLE_JIT                                   # type: ignore[attr-defined]
THIN = 4                        # so few columns would leave most of a tile empty
WORDS = tiles.WORDS
NOTHING = {t: np.empty((1, 0), t) for t in "fd"}


@intrinsic
def _call(typingctx, work, job, piece):
    """work(job, piece), for the address of compiled code."""
    def code(context, builder, signature, args):
        word = ir.IntType(64)
        function = builder.inttoptr(args[0], ir.PointerType(ir.FunctionType(word, [word, word])))
        return builder.call(function, args[1:])
    return types.int64(types.int64, types.int64, types.int64), code


@intrinsic
def _put_first(typingctx, job, x):
    """Write x to the first word of a job, which has room for a number of any type."""
    def code(context, builder, signature, args):
        words = context.make_array(signature.args[0])(context, builder, args[0])
        builder.store(args[1], builder.bitcast(words.data, ir.PointerType(args[1].type)))
        return context.get_dummy_value()
    return types.void(job, x), code


@inner_jit
def _describe(a, a_turned, b, b_turned, bias, slope, c, job, work):
    """Describe the product c = f(a b + bias) to `work`, in `job`: the number of pieces it would be done in."""
    _put_first(job, c.dtype.type(slope))
    job[1], job[2], job[3] = a.ctypes.data, a.strides[a_turned], a.strides[1 - a_turned]
    job[4], job[5], job[6] = b.ctypes.data, b.strides[b_turned], b.strides[1 - b_turned]
    job[7], job[8], job[9] = bias.ctypes.data if bias.size else 0, c.ctypes.data, c.strides[0]
    job[10], job[11], job[12] = c.shape[0], a.shape[1 - a_turned], c.shape[1]
    return _call(work, np.int64(job.ctypes.data), -1)


@jit
def _begin(a, a_turned, b, b_turned, bias, slope, c, job, work):
    """Describe the product in `job`: the number of its pieces; 0 where it was one, which has been made."""
    pieces = _describe(a, a_turned, b, b_turned, bias, slope, c, job, work)
    if pieces > 1:
        return pieces
    _call(work, np.int64(job.ctypes.data), 0)
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
def _before(y, dy, slope, da, db):
    """da ← f′ dy and, unless db is empty, db ← Σᵢ daᵢ: four rows at a time, while they are in the nearest cache"""
    zero, factor = y.dtype.type(0), y.dtype.type(slope)
    for j in range(db.size):
        db[j] = 0
    for i in range(0, y.shape[0], 4):
        end = min(i + 4, y.shape[0])
        for p in range(i, end):
            for j in range(y.shape[1]):
                da[p, j] = dy[p, j] if y[p, j] > zero else factor * dy[p, j]
        if end == i + 4:
            for j in range(db.size):
                db[j] += (da[i, j] + da[i + 1, j]) + (da[i + 2, j] + da[i + 3, j])
        else:
            for p in range(i, end):
                for j in range(db.size):
                    db[j] += da[p, j]


@jit
def _thin(a, b, b_turned, bias, slope, c, column):
    """c = f(a b + bias) for so few columns that each entry is the scalar product of two rows; `column` is room."""
    zero, factor = c.dtype.type(0), c.dtype.type(slope)
    for j in range(c.shape[1]):
        for p in range(column.size):
            column[p] = b[j, p] if b_turned else b[p, j]
        for i in range(c.shape[0]):
            total = zero
            for p in range(column.size):
                total += a[i, p] * column[p]
            if bias.size > 0:
                total += bias[j]
            c[i, j] = total if total > zero else factor * total


@jit
def _thin_backward(x, y, dy, W, slope, dW, db, dx, da, along):
    """All of `affine_leaky_relu_backward` for few columns of y, as sums of rows of x; `da` and `along` are room."""
    zero, factor = y.dtype.type(0), y.dtype.type(slope)
    n, few = y.shape
    for j in range(few):
        for i in range(n):
            da[i] = dy[i, j] if y[i, j] > zero else factor * dy[i, j]
        if dW.size > 0:
            total = zero
            for i in range(n):
                total += da[i]
            for p in range(along.size):
                along[p] = zero
            fours = n // 4 * 4
            for i in range(0, fours, 4):
                d0, d1, d2, d3 = da[i], da[i + 1], da[i + 2], da[i + 3]
                for p in range(along.size):
                    along[p] += (d0 * x[i, p] + d1 * x[i + 1, p]) + (d2 * x[i + 2, p] + d3 * x[i + 3, p])
            for i in range(fours, n):
                for p in range(along.size):
                    along[p] += da[i] * x[i, p]
            db[j] = total
            for p in range(along.size):             # dW[:, j] = along takes Numba three seconds
                dW[p, j] = along[p]
        if dx.size > 0:
            for p in range(along.size):
                along[p] = W[p, j]
            for i in range(n):
                d = da[i]
                for p in range(along.size):
                    dx[i, p] = d * along[p] + (dx[i, p] if j > 0 else zero)


@jit
def _begin_backward(x, y, dy, W, slope, da, dW, db, dx, jobs, work):
    """All of `affine_leaky_relu_backward` but the products, which are described in `jobs`: the number of their pieces.

    0 where each is one piece: then they have been made.
    """
    none, count, most, no, yes = db[:0], 0, 0, np.int64(0), np.int64(1)     # literals: compiled once for each
    _before(y, dy, slope, da, db if dW.size > 0 else none)
    if dW.size > 0:
        count = most = _describe(x, yes, da, no, none, 1.0, dW, jobs[:WORDS], work)
    if dx.size > 0:
        pieces = _describe(da, no, W, yes, none, 1.0, dx, jobs[WORDS if count > 0 else 0:], work)
        count, most = count + pieces, max(most, pieces)
    if most > 1:
        return count
    for i in range(count):
        _call(work, np.int64(jobs.ctypes.data), i)
    return 0


def _into(a, a_turned, b, b_turned, bias, slope, c):
    """c ← f(a b + bias), for C-contiguous arrays of which a or b may stand for its transpose; bias may be empty."""
    if not OURS:
        np.dot(a.T if a_turned else a, b.T if b_turned else b, out=c)
        if bias.size:
            _after(c, bias, slope)
        return c
    if c.shape[1] <= THIN and not a_turned:
        _thin(a, b, b_turned, bias, slope, c, np.empty(a.shape[1], c.dtype))
        return c
    work, job = tiles.work_of(c.dtype), np.empty(WORDS, np.int64)
    left = _begin(a, a_turned, b, b_turned, bias, slope, c, job, work)
    if left:
        team.run(work, job, left)
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
    if len(x.shape) != 2 or x.shape[1:] + b.shape != W.shape or not x.dtype == W.dtype == b.dtype:
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
    (n, *k), shape, dtype = x.shape, W.shape, y.dtype
    if len(shape) != 2 or y.shape != (n, *shape[1:]) or shape[:1] != tuple(k) or not x.dtype == W.dtype == dtype:
        raise ValueError(f"a dense layer {W.shape} {W.dtype} cannot have mapped {x.shape} {x.dtype} "
                         f"to {y.shape} {y.dtype}")
    if dW.size and (dW.shape != shape or db.shape != shape[1:] or not dW.flags.c_contiguous):
        raise ValueError(f"the gradients of a dense layer {W.shape} go into arrays of that shape and {W.shape[1:]}, "
                         f"got {dW.shape} and {db.shape}")
    dx = np.empty(x.shape, dtype) if want_dx else NOTHING[dtype.char]
    _backward(x, y, dy, W, float(slope), dW, db, dx)
    return dx if want_dx else None


def _backward(x, y, dy, W, slope, dW, db, dx):
    if not OURS:
        da = np.empty_like(y)
        _before(y, dy, slope, da, db if dW.size else db[:0])
        if dW.size:
            np.dot(x.T, da, out=dW)
        if dx.size:
            np.dot(da, W.T, out=dx)
        return
    if y.shape[1] <= THIN:
        _thin_backward(x, y, dy, W, slope, dW, db, dx, np.empty(len(y), y.dtype), np.empty(x.shape[1], y.dtype))
        return
    work, jobs, da = tiles.work_of(y.dtype), np.empty(2 * WORDS, np.int64), np.empty_like(y)
    left = _begin_backward(x, y, dy, W, slope, da, dW, db, dx, jobs, work)
    if left:
        team.run(work, jobs, left)
