"""Batch normalisation and the minibatch standard deviation, compiled: row by row, sums of columns in float64.

The loops over a row do one thing each: where there are too many arrays, LLVM does not vectorise.
"""
import numpy as np

from .support import COMPILED, ODD_ARGUMENTS, alike, closed, dividing_jit, floats, jit, opening, reals


@dividing_jit
def _moments(x, total, mean, var):
    """The mean of each column, then its variance around that mean: two passes, so that nothing cancels."""
    n, d = x.shape
    for j in range(d):
        total[j] = 0
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


@closed
@dividing_jit
def _batch_norm(x, gamma, beta, eps, room, moments, x_hat, y):
    """True where the shapes belong together, and everything has been written."""
    n, d = x.shape
    if n == 0 or d == 0 or gamma.size != d or beta.size != d:
        return False
    mean, var, scale, one = moments[0], moments[1], moments[2], x.dtype.type(1)
    _moments(x, room, mean, var)
    for j in range(d):
        scale[j] = one / np.sqrt(var[j] + x.dtype.type(eps))
    for i in range(n):
        for j in range(d):
            x_hat[i, j] = (x[i, j] - mean[j]) * scale[j]
        for j in range(d):
            y[i, j] = gamma[j] * x_hat[i, j] + beta[j]
    return True


@closed
@dividing_jit
def _batch_norm_backward(dy, x_hat, var, gamma, eps, sums, room, dx, dgamma, dbeta):
    """The same."""
    n, d = dy.shape
    if n == 0 or d == 0 or x_hat.shape[0] != n or x_hat.shape[1] != d or var.size != d or gamma.size != d:
        return False
    mean, mean_along, scale = room[0], room[1], room[2]
    for j in range(d):
        sums[0, j] = sums[1, j] = 0
    for i in range(n):
        for j in range(d):
            sums[0, j] += dy[i, j]
        for j in range(d):
            sums[1, j] += dy[i, j] * x_hat[i, j]
    for j in range(d):
        dbeta[j], dgamma[j] = sums[0, j], sums[1, j]
        mean[j], mean_along[j] = sums[0, j] / n, sums[1, j] / n
        scale[j] = gamma[j] / np.sqrt(var[j] + dy.dtype.type(eps))
    for i in range(n):
        for j in range(d):
            dx[i, j] = scale[j] * (dy[i, j] - mean[j] - x_hat[i, j] * mean_along[j])
    return True


@dividing_jit
def _append_std(x, eps, total, mean, var, factor, y, slope):
    _moments(x, total, mean, var)
    n, d = x.shape
    s = 0.0
    for j in range(d):
        sigma = np.sqrt(var[j] + eps)
        s += sigma
        factor[j] = x.dtype.type(1) / (x.dtype.type(n * d) * sigma)
    for i in range(n):
        for j in range(d):
            y[i, j] = x[i, j]
        for j in range(d):
            slope[i, j] = (x[i, j] - mean[j]) * factor[j]
        y[i, d] = s / d


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
    eps = float(reals(eps, "eps"))                          # see `closed`
    try:                                                    # with arrays as they nearly always are
        found = COMPILED and _normalise(x, gamma, beta, eps)            # a loop in Python would take any types
        if found:
            return found
    except ODD_ARGUMENTS:
        pass
    return opening(_batch_norm, _normalise, *_columns(x, gamma, beta), eps)


def _normalise(x, gamma, beta, eps):
    """None where the shapes do not belong together."""
    d = x.shape[1]
    x_hat, y, moments = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype), np.empty((3, d), x.dtype)
    if _batch_norm(x, gamma, beta, eps, np.empty(d), moments, x_hat, y):
        return y, x_hat, moments[0], moments[1]
    return None


def batch_norm_backward(dy, x_hat, var, gamma, eps):
    """dx, dγ, dβ                                                                              Eq. (11.3)

    Optimizations: both sums in one pass, dx in a second.
    """
    eps = float(reals(eps, "eps"))
    try:
        found = COMPILED and _back(dy, x_hat, var, gamma, eps)
        if found:
            return found
    except ODD_ARGUMENTS:
        pass
    dy, var, gamma = _columns(dy, var, gamma)
    return opening(_batch_norm_backward, _back, *alike(dy, x_hat), var, gamma, eps)


def _back(dy, x_hat, var, gamma, eps):
    """None where the shapes do not belong together."""
    d, dtype = dy.shape[1], dy.dtype
    dx, dgamma, dbeta, room = np.empty(dy.shape, dtype), np.empty(d, dtype), np.empty(d, dtype), np.empty((3, d), dtype)
    if _batch_norm_backward(dy, x_hat, var, gamma, eps, np.empty((2, d)), room, dx, dgamma, dbeta):
        return dx, dgamma, dbeta
    return None


def minibatch_std(x, eps):
    """s = mean over the columns of √(σ² + eps),   y = x with s as one more column              Eq. (11.5)

    Optimizations: as `batch_norm`; y is written once.
    """
    x, = _columns(x)
    n, d = x.shape
    mean, var, factor = np.empty((3, d), x.dtype)
    y, slope = np.empty((n, d + 1), x.dtype), np.empty_like(x)
    _append_std(x, x.dtype.type(reals(eps, "eps")), np.empty(d), mean, var, factor, y, slope)
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
