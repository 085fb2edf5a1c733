"""Batch normalisation and the minibatch standard deviation, compiled: row by row, sums of columns in float64."""
import numpy as np

from .support import alike, floats, jit, making_jit


@making_jit
def _moments(x, mean, var):
    """The mean of each column, then its variance around that mean: two passes, so that nothing cancels."""
    n, d = x.shape
    total = np.zeros(d)
    for i in range(n):
        for j in range(d):
            total[j] += x[i, j]
    for j in range(d):
        mean[j] = total[j] / n
        total[j] = 0
    for i in range(n):
        for j in range(d):
            c = x[i, j] - mean[j]
            total[j] += c * c
    for j in range(d):
        var[j] = total[j] / n


@making_jit
def _normalise(x, gamma, beta, eps, mean, var, x_hat, y):
    one = x.dtype.type(1)
    scale = np.empty_like(var)
    for j in range(x.shape[1]):
        scale[j] = one / np.sqrt(var[j] + eps)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x_hat[i, j] = (x[i, j] - mean[j]) * scale[j]
            y[i, j] = gamma[j] * x_hat[i, j] + beta[j]


@making_jit
def _batch_norm_backward(dy, x_hat, var, gamma, eps, dx, dgamma, dbeta):
    n, d = dy.shape
    along, total = np.zeros(d), np.zeros(d)
    for i in range(n):
        for j in range(d):
            along[j] += dy[i, j] * x_hat[i, j]
            total[j] += dy[i, j]
    scale, mean_along, mean = np.empty_like(var), np.empty_like(var), np.empty_like(var)
    for j in range(d):
        dgamma[j], dbeta[j] = along[j], total[j]
        mean_along[j], mean[j] = along[j] / n, total[j] / n
        scale[j] = gamma[j] / np.sqrt(var[j] + eps)
    for i in range(n):
        for j in range(d):
            dx[i, j] = scale[j] * (dy[i, j] - mean[j] - x_hat[i, j] * mean_along[j])


@making_jit
def _append_std(x, eps, mean, var, y, slope):
    n, d = x.shape
    total = 0.0
    factor = np.empty_like(var)
    for j in range(d):
        sigma = np.sqrt(var[j] + eps)
        total += sigma
        factor[j] = x.dtype.type(1) / (x.dtype.type(n * d) * sigma)
    for i in range(n):
        for j in range(d):
            y[i, j] = x[i, j]
            slope[i, j] = (x[i, j] - mean[j]) * factor[j]
        y[i, d] = total / d


@jit
def _append_std_backward(dy, slope, dx):
    n, d = slope.shape
    total = 0.0
    for i in range(n):
        total += dy[i, d]
    ds = slope.dtype.type(total)
    for i in range(n):
        for j in range(d):
            dx[i, j] = dy[i, j] + slope[i, j] * ds


def _columns(x, *vectors):
    """x (n, d) and vectors (d,) of one dtype."""
    x = floats(x)
    vectors = [floats(v) for v in vectors]
    if x.ndim != 2 or any(v.shape != x.shape[1:] or v.dtype != x.dtype for v in vectors):
        raise ValueError(f"expected a matrix (n, d) and vectors (d,) of one dtype, got {x.shape} {x.dtype} and "
                         f"{', '.join(f'{v.shape} {v.dtype}' for v in vectors)}")
    return x, *vectors


def batch_norm(x, gamma, beta, eps):
    """x̂ = (x − μ) / √(σ² + eps),   y = γ x̂ + β                                                Eq. (11.2)

    Optimizations: three passes over x in the order of memory, no temporaries of its size.
    """
    x, gamma, beta = _columns(x, gamma, beta)
    y, x_hat, mean, var = np.empty_like(x), np.empty_like(x), np.empty_like(gamma), np.empty_like(gamma)
    _moments(x, mean, var)
    _normalise(x, gamma, beta, x.dtype.type(eps), mean, var, x_hat, y)
    return y, x_hat, mean, var


def batch_norm_backward(dy, x_hat, var, gamma, eps):
    """dx, dγ, dβ                                                                              Eq. (11.3)

    Optimizations: both sums in one pass, dx in a second.
    """
    dy, var, gamma = _columns(dy, var, gamma)
    dy, x_hat = alike(dy, x_hat)
    dx, dgamma, dbeta = np.empty_like(dy), np.empty_like(var), np.empty_like(var)
    _batch_norm_backward(dy, x_hat, var, gamma, dy.dtype.type(eps), dx, dgamma, dbeta)
    return dx, dgamma, dbeta


def minibatch_std(x, eps):
    """s = mean over the columns of √(σ² + eps),   y = x with s as one more column              Eq. (11.5)

    Optimizations: as `batch_norm`; y is written once.
    """
    x, = _columns(x)
    n, d = x.shape
    mean, var = np.empty(d, x.dtype), np.empty(d, x.dtype)
    y, slope = np.empty((n, d + 1), x.dtype), np.empty_like(x)
    _moments(x, mean, var)
    _append_std(x, x.dtype.type(eps), mean, var, y, slope)
    return y, slope


def minibatch_std_backward(dy, slope):
    """dxᵢⱼ = dyᵢⱼ + ∂s/∂xᵢⱼ · Σₖ dy of the added column                                          Eq. (11.6)

    Optimizations: dy is read as it lies, the added column included.
    """
    dy, slope = floats(dy), floats(slope)
    if dy.ndim != 2 or slope.shape != (dy.shape[0], dy.shape[1] - 1) or dy.dtype != slope.dtype:
        raise ValueError(f"dy must have one column more than slope and its dtype, got {dy.shape} {dy.dtype} and "
                         f"{slope.shape} {slope.dtype}")
    dx = np.empty_like(slope)
    _append_std_backward(dy, slope, dx)
    return dx
