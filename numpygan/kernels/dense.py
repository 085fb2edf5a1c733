"""The matrix products of a dense layer, compiled: affine, its gradients, and both fused with an activation."""
import numpy as np
from numba import config

from .support import alike, floats, jit, matrix


def _loops(a, b, out):
    """The product as three loops: what `np.dot` computes, and what runs where the compiler is off."""
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            total = a.dtype.type(0)
            for k in range(a.shape[1]):
                total += a[i, k] * b[k, j]
            out[i, j] = total


@jit
def _product(a, b, out):
    np.dot(a, b, out)


if config.DISABLE_JIT:  # type: ignore[attr-defined]
    _product = _loops


@jit
def _product_bias(a, b, bias, out):
    _product(a, b, out)
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


@jit
def _dense(x, W, b, slope, y):
    zero = y.dtype.type(0)
    _product(x, W, y)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            a = y[i, j] + b[j]
            y[i, j] = a if a > zero else slope * a


@jit
def _through_activation(dy, y, slope, da):
    zero = y.dtype.type(0)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            da[i, j] = dy[i, j] if y[i, j] > zero else slope * dy[i, j]


@jit
def _dense_backward(x, y, dy, W, slope, dW, db, dx):
    da = np.empty_like(y)
    _through_activation(dy, y, slope, da)
    if dW.size > 0:
        _product(x.T, da, dW)
        _column_sums(da, db)
    if dx.size > 0:
        _product(da, W.T, dx)


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
    _product_bias(x, W, b, y)
    return y


def matmul(x, W):
    """y = x W.   Optimizations: as `affine`."""
    x, W, y = _operands(x, W)
    _product(x, W, y)
    return y


def affine_dx(dy, W):
    """dx = dy Wᵀ                                                                               Eq. (2.2)

    Optimizations: BLAS reads W transposed; no copy is made.
    """
    dy, W, dx = _operands(dy, np.asarray(W).T)
    _product(dy, W, dx)
    return dx


def affine_dW(x, dy):
    """dW = xᵀ dy                                                                               Eq. (2.3)

    Optimizations: BLAS reads x transposed; no copy is made.
    """
    x, dy, dW = _operands(np.asarray(x).T, dy)
    _product(x, dy, dW)
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


def affine_leaky_relu(x, W, b, slope):
    """y = f(x W + b), f the leaky ReLU of that slope (0: ReLU, 1: identity)           Eqs. (2.1), (2.9), (2.11)

    Optimizations: `affine` and its activation in one call and one pass after the product.
    """
    x = floats(x)
    if x.ndim != 2 or x.shape[1] != W.shape[0] or b.shape != W.shape[1:] or not x.dtype == W.dtype == b.dtype:
        raise ValueError(f"a dense layer {W.shape} {W.dtype} takes rows of {W.shape[0]} columns, "
                         f"got {x.shape} {x.dtype}")
    y = np.empty((x.shape[0], W.shape[1]), x.dtype)
    _dense(x, floats(W), floats(b), x.dtype.type(slope), y)
    return y


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
    dx = np.empty(x.shape if want_dx else (0, 0), x.dtype)
    _dense_backward(x, y, dy, W, x.dtype.type(slope), dW, db, dx)
    return dx if want_dx else None
