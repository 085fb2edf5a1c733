"""The matrix products of a dense layer, compiled: affine, matmul and the gradients of affine."""
import numpy as np
from numba import config

from .support import floats, jit, matrix


def _loops(a, b, out):
    """The product as three loops: what `np.dot` computes, and what runs where the compiler is off."""
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            total = a.dtype.type(0)
            for k in range(a.shape[1]):
                total += a[i, k] * b[k, j]
            out[i, j] = total


@jit
def _blas(a, b, out):
    np.dot(a, b, out)


@jit
def _blas_bias(a, b, bias, out):
    np.dot(a, b, out)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] += bias[j]


@jit
def _column_sums(a, out):
    for j in range(a.shape[1]):
        out[j] = 0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[j] += a[i, j]


def _loops_bias(a, b, bias, out):
    _loops(a, b, out)
    out += bias


if config.DISABLE_JIT:  # type: ignore[attr-defined]
    _blas, _blas_bias = _loops, _loops_bias


def _operands(a, b):
    """Both factors as matrices that BLAS reads in place (transposed ones too), and room for the product."""
    a, b = matrix(a), matrix(b)
    if a.shape[1] != b.shape[0] or a.dtype != b.dtype:
        raise ValueError(f"a product needs (n, k) times (k, m) of one dtype, got {a.shape} {a.dtype} times "
                         f"{b.shape} {b.dtype}")
    return a, b, np.empty((a.shape[0], b.shape[1]), a.dtype)


def affine(x, W, b):
    """y = x W + b                                                                              Eq. (2.1)

    Optimizations: one BLAS call into fresh memory, the bias added in place while y is in the cache.
    """
    x, W, y = _operands(x, W)
    b = floats(b)
    if b.shape != (W.shape[1],) or b.dtype != x.dtype:
        raise ValueError(f"the bias of a layer {W.shape} is a vector ({W.shape[1]},) of {x.dtype}, "
                         f"got {b.shape} {b.dtype}")
    _blas_bias(x, W, b, y)
    return y


def matmul(x, W):
    """y = x W.   Optimizations: as `affine`."""
    x, W, y = _operands(x, W)
    _blas(x, W, y)
    return y


def affine_dx(dy, W):
    """dx = dy Wᵀ                                                                               Eq. (2.2)

    Optimizations: BLAS reads W transposed; no copy is made.
    """
    dy, W, dx = _operands(dy, np.asarray(W).T)
    _blas(dy, W, dx)
    return dx


def affine_dW(x, dy):
    """dW = xᵀ dy                                                                               Eq. (2.3)

    Optimizations: BLAS reads x transposed; no copy is made.
    """
    x, dy, dW = _operands(np.asarray(x).T, dy)
    _blas(x, dy, dW)
    return dW


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
