"""The matrix products of a dense layer, compiled: affine and its gradients."""

import numpy as np
from numba import config

from . import passes, rows, team, tiles
from .support import REALS, floats, jit, matrix, opening, piece_of

# Our own product on x86 with fused multiply-adds, where it has been measured against BLAS; NumPy's BLAS on other CPUs
# (docs/12-kernels.md). Never both: each has threads that wait by spinning, and would take the cores from each other.
OURS = tiles.HAS_FMA and not config.DISABLE_JIT                                 # type: ignore[attr-defined]
NOTHING = {t: np.empty((1, 0), t) for t in REALS}


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


@np.errstate(all="ignore")           # compiled code warns of nothing, and on ARM BLAS of divisions that there are not
def _by_blas(a, b, bias, c):
    np.matmul(a, b, out=c)           # by np.dot 0 · NaN is 0 beside one number
    if bias.size:
        c += bias
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
    c = np.empty((len(a), b.shape[1]), a.dtype)
    if not OURS:
        return _by_blas(a, b, bias, c)
    a_turned, b_turned = int(not a.flags.c_contiguous), int(not b.flags.c_contiguous)
    work = piece_of(rows._thin if rows.thin(*b.shape) and not a_turned else tiles._work, c.dtype.char)
    opening(passes._product, team.asked, passes._product, a.T if a_turned else a, a_turned,
            b.T if b_turned else b, b_turned, bias, c, work)
    return c


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
