"""The spectral norm of a weight matrix, compiled: products with vectors, and the gradient in one pass.

`normalised` and `normalised_backward` do this in one call for a stack of dense layers whose parameters lie in one
vector (see `stack`).
"""
import functools

import numpy as np

from .support import alike, floats, jit, reals

ZERO = "the power iteration met W v = 0, and W / σ(W) is not defined for W = 0: start W at other values than zeros"


@jit
def _power_iteration(W, v, u, v_new):
    """Both lengths before they are divided out: 0 for one that cannot be."""
    rows, columns = W.shape
    square = 0.0
    for i in range(rows):
        total = W.dtype.type(0)
        for j in range(columns):
            total += W[i, j] * v[j]
        u[i] = total
        square += np.float64(total) * np.float64(total)
    first = W.dtype.type(np.sqrt(square))
    if first == 0:
        return first, first
    for j in range(columns):
        v_new[j] = 0
    for i in range(rows):
        u[i] /= first
        for j in range(columns):
            v_new[j] += u[i] * W[i, j]
    square = 0.0
    for j in range(columns):
        square += np.float64(v_new[j]) * np.float64(v_new[j])
    second = W.dtype.type(np.sqrt(square))
    for j in range(columns):
        v_new[j] /= second
    return first, second


@jit
def _spectral_norm(W, u, v, W_bar):
    rows, columns = W.shape
    sigma = 0.0
    for i in range(rows):
        total = W.dtype.type(0)
        for j in range(columns):
            total += W[i, j] * v[j]
        sigma += np.float64(u[i]) * np.float64(total)
    size = W.dtype.type(sigma)
    for i in range(rows):
        for j in range(columns):
            W_bar[i, j] = W[i, j] / size
    return size


@jit
def _spectral_norm_backward(dW, W_bar, u, v, sigma):
    """dW̄ becomes dW. The sum over all entries is one over rows, in float64, of sums in the arrays' type."""
    along = 0.0
    for i in range(dW.shape[0]):
        total = dW.dtype.type(0)
        for j in range(dW.shape[1]):
            total += dW[i, j] * W_bar[i, j]
        along += np.float64(total)
    inner = dW.dtype.type(along)
    for i in range(dW.shape[0]):
        of_row = inner * u[i]
        for j in range(dW.shape[1]):
            dW[i, j] = (dW[i, j] - of_row * v[j]) / sigma


@jit
def _normalised(theta, sizes, u, v, theta_bar, sigma):
    """Layer by layer, v in place; False where a layer has W v = 0."""
    start = row = column = 0
    for i in range(sigma.size):
        k, m = sizes[i], sizes[i + 1]
        W, b = theta[start:start + k * m], theta[start + k * m:start + k * m + m]
        W_bar, b_bar = theta_bar[start:start + k * m], theta_bar[start + k * m:start + k * m + m]
        own = v[column:column + m]
        first, size = _power_iteration(W.reshape((k, m)), own, u[row:row + k], own)
        if first == 0:
            return False
        sigma[i] = size                                                # uᵀ W v = ‖Wᵀ u‖ vᵀ v
        for j in range(W.size):
            W_bar[j] = W[j] / size
        for j in range(b.size):
            b_bar[j] = b[j]
        start, row, column = start + (k + 1) * m, row + k, column + m
    return True


@jit
def _normalised_backward(g, theta_bar, sizes, u, v, sigma):
    start = row = column = 0
    for i in range(sigma.size):
        k, m = sizes[i], sizes[i + 1]
        dW, W_bar = g[start:start + k * m].reshape((k, m)), theta_bar[start:start + k * m].reshape((k, m))
        _spectral_norm_backward(dW, W_bar, u[row:row + k], v[column:column + m], sigma[i])
        start, row, column = start + (k + 1) * m, row + k, column + m


def _operands(W, **vectors):
    """W (d_in, d_out) with u (d_in,) and v (d_out,) of its dtype."""
    W = floats(W)
    vectors = {name: floats(x) for name, x in vectors.items()}
    shapes = {"u": W.shape[:1], "v": W.shape[1:]}
    if W.ndim != 2 or any(x.shape != shapes[name] or x.dtype != W.dtype for name, x in vectors.items()):
        got = ", ".join(f"{name} {x.shape} {x.dtype}" for name, x in vectors.items())
        raise ValueError(f"a matrix (d_in, d_out) goes with u (d_in,) and v (d_out,) of its dtype, got {W.shape} "
                         f"{W.dtype}, {got}")
    return W, *vectors.values()


def power_iteration(W, v):
    """u ← W v / ‖W v‖,   v ← Wᵀ u / ‖Wᵀ u‖                                                      Eq. (11.9)

    Optimizations: W is read twice, row by row both times.
    """
    W, v = _operands(W, v=v)
    u, v_new = np.empty(W.shape[0], W.dtype), np.empty(W.shape[1], W.dtype)
    if 0 in _power_iteration(W, v, u, v_new):
        raise ValueError(ZERO)
    return u, v_new


def spectral_norm(W, u, v):
    """σ = uᵀ W v,   W̄ = W / σ                                                                 Eq. (11.8)

    Optimizations: no temporaries.
    """
    W, u, v = _operands(W, u=u, v=v)
    W_bar = np.empty_like(W)
    sigma = _spectral_norm(W, u, v, W_bar)
    return W_bar, W.dtype.type(sigma)


def spectral_norm_backward(dW_bar, W_bar, u, v, sigma):
    """dW = (dW̄ − ⟨dW̄, W̄⟩ u vᵀ) / σ                                                           Eq. (11.10)

    Optimizations: u vᵀ is never formed.
    """
    dW_bar, W_bar = alike(dW_bar, W_bar)
    dW_bar, u, v = _operands(dW_bar, u=u, v=v)
    dW = dW_bar.copy()
    _spectral_norm_backward(dW, W_bar, u, v, dW.dtype.type(reals(sigma, "sigma")))
    return dW


@functools.cache
def _lengths(sizes):
    """Of layers of these sizes: the sizes for compiled code, how many parameters, and how long all u and all v are."""
    layers = list(zip(sizes, sizes[1:], strict=False))
    return np.array(sizes), sum((k + 1) * m for k, m in layers), sum(sizes[:-1]), sum(sizes[1:])


def normalised(theta, v, sizes):
    """u and v by one power iteration, Eq. (11.9), and W̄ = W / σ, Eq. (11.8), of all W in a stack of dense layers

    theta all W and b of the layers in their order, v theirs one after the other, sizes a tuple
    -> theta with W̄ for W, all u, all v, all σ.

    Optimizations: one call; σ = uᵀ W v is the length of Wᵀ u.
    """
    of_layers, parameters, rows, columns = _lengths(sizes)
    theta, v = floats(theta), np.array(floats(v))
    if theta.shape != (parameters,) or v.shape != (columns,) or theta.dtype != v.dtype:
        raise ValueError(f"dense layers of {sizes} have {parameters} parameters and {columns} numbers v of one dtype, "
                         f"got {theta.shape} {theta.dtype} and {v.shape} {v.dtype}")
    theta_bar, u, sigma = np.empty_like(theta), np.empty(rows, v.dtype), np.empty(len(sizes) - 1, v.dtype)
    if not _normalised(theta, of_layers, u, v, theta_bar, sigma):
        raise ValueError(ZERO)
    return theta_bar, u, v, sigma


def normalised_backward(g, theta_bar, u, v, sigma, sizes):
    """dW̄ becomes dW = (dW̄ − ⟨dW̄, W̄⟩ u vᵀ) / σ in g, for all W of the stack                   Eq. (11.10)

    Optimizations: one call, in place.
    """
    of_layers, parameters, rows, columns = _lengths(sizes)
    shapes = (parameters,), (parameters,), (rows,), (columns,), (len(sizes) - 1,)
    arrays = g, *(floats(a) for a in (theta_bar, u, v, sigma))
    if any(a.shape != shape or a.dtype != g.dtype for a, shape in zip(arrays, shapes, strict=True)):
        raise ValueError(f"dense layers of {sizes} have arrays {', '.join(map(str, shapes))} of one dtype, got "
                         f"{', '.join(f'{a.shape} {a.dtype}' for a in arrays)}")
    if not g.flags.carray:
        raise ValueError("the gradient is changed in place, and must be contiguous and open to writing")
    g, theta_bar, u, v, sigma = arrays
    _normalised_backward(g, theta_bar, of_layers, u, v, sigma)
