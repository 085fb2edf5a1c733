"""Every row of x against every row of y, compiled: squared distances, and the logarithm of a sum of exponentials."""
import numpy as np

from .support import floats, jit, matrix

NEGLIGIBLE = -37.5          # log of eps / 4 in float64: what is less, beside a largest term of 1, does not change a sum


@jit
def _squared_distances(dots, xx, yy):
    for i in range(dots.shape[0]):
        for j in range(dots.shape[1]):
            square = xx[i] + yy[j] - 2 * dots[i, j]
            dots[i, j] = 0 if square < 0 else square       # NaN stays NaN


@jit
def _log_sum_exp(s, scale, cut, result):
    for i in range(s.shape[0]):
        top = s[i, 0]
        if scale > 0:
            for j in range(1, s.shape[1]):
                top = s[i, j] if s[i, j] > top else top
        else:
            for j in range(1, s.shape[1]):
                top = s[i, j] if s[i, j] < top else top
        total = 0.0
        for j in range(s.shape[1]):
            below = scale * (s[i, j] - top)                # 0 for the largest term, however large scale · s is: of
            if not below < cut:                            # scale · s − scale · top a fused operation leaves a rounding
                total += np.exp(below)                     # (`not`, so that NaN counts)
        result[i] = scale * top + np.log(total)


def squared_distances(x, y):
    """‖xᵢ − yⱼ‖² = ‖xᵢ‖² + ‖yⱼ‖² − 2⟨xᵢ, yⱼ⟩                                                   Eq. (13.9)

    Optimizations: one product by BLAS, then one pass in place.
    """
    x, y = matrix(x), matrix(y)
    if x.shape[1] != y.shape[1] or x.dtype != y.dtype:
        raise ValueError(f"x and y must have one width and dtype, got {x.shape} {x.dtype} and {y.shape} {y.dtype}")
    result = np.dot(x, y.T)
    _squared_distances(result, np.einsum("ij,ij->i", x, x), np.einsum("ij,ij->i", y, y))
    return result


def log_sum_exp(s, scale):
    """log Σⱼ exp(scale · sᵢⱼ) for each row i                                                  Eq. (13.10)

    Optimizations: no temporaries; exponentials only of what can change the sum, which among images are few.
    """
    s = floats(s)
    if s.ndim != 2:
        raise ValueError(f"expected a matrix (rows, columns), got shape {s.shape}")
    result = np.empty(len(s))
    _log_sum_exp(s, float(scale), NEGLIGIBLE - np.log(s.shape[1]), result)
    return result
