"""The penalties on the gradient of D in its inputs, compiled: value and derivative in one pass."""
import numpy as np

from .support import floats, jit, matrix


@jit
def _square_penalty(u, scale, v):
    total = 0.0
    for i in range(u.size):
        total += np.float64(u[i]) * np.float64(u[i])
        v[i] = scale * u[i]
    return total


@jit
def _norm_penalty(u, scale, v):
    total = 0.0
    zero, one = u.dtype.type(0), u.dtype.type(1)
    for i in range(u.shape[0]):
        square = 0.0
        for j in range(u.shape[1]):
            square += np.float64(u[i, j]) * np.float64(u[i, j])
        size = u.dtype.type(np.sqrt(square))
        total += (size - one) * (size - one)
        factor = zero if size == zero else scale * (size - one) / size
        for j in range(u.shape[1]):
            v[i, j] = factor * u[i, j]
    return total


def square_penalty(u, gamma):
    """P = (γ/2)(1/n) Σᵢ ‖uᵢ‖²                                                           Eqs. (10.1), (10.2)
    v = (γ/n) u                                                                                 Eq. (10.4)

    Optimizations: one pass, no temporaries; the sum in float64.
    """
    u = floats(matrix(u))
    v, n = np.empty(u.shape, u.dtype), len(u)
    total = _square_penalty(u.reshape(-1), u.dtype.type(gamma / n), v.reshape(-1))
    return u.dtype.type(gamma / 2 * total / n), v


def norm_penalty(u, weight):
    """P = λ (1/n) Σᵢ (‖uᵢ‖ − 1)²                                                               Eq. (10.3)
    vᵢ = (2λ/n)(‖uᵢ‖ − 1) uᵢ / ‖uᵢ‖,   0 where uᵢ = 0                                           Eq. (10.5)

    Optimizations: row by row, no temporaries; the sums in float64.
    """
    u = floats(matrix(u))
    v, n = np.empty(u.shape, u.dtype), len(u)
    total = _norm_penalty(u, u.dtype.type(2 * weight / n), v)
    return u.dtype.type(weight * total / n), v
