"""The losses of the family, compiled: least squares, hinge and Wasserstein, value and gradient in one pass."""
import numpy as np

from .support import floats, jit


@jit
def _square_mean(s, target, ds):
    n = s.dtype.type(s.size)
    total = 0.0
    for i in range(s.size):
        r = s[i] - target
        total += r * r
        ds[i] = r / n
    return total / (2 * s.size)


@jit
def _hinge_mean(s, sign, ds):
    """(1/n) Σ max(0, 1 − sign · sᵢ); its gradient into ds."""
    zero, one = s.dtype.type(0), s.dtype.type(1)
    slope = -sign / s.dtype.type(s.size)
    total = 0.0
    for i in range(s.size):
        r = one - sign * s[i]
        total += zero if r <= zero else r
        ds[i] = slope if r > zero else zero
    return total / s.size


@jit
def _plain_mean(s, sign, ds):
    slope = sign / s.dtype.type(s.size)
    total = 0.0
    for i in range(s.size):
        total += s[i]
        ds[i] = slope
    return sign * (total / s.size)


def _reduce(kernel, logit, constant):
    s = floats(logit)
    ds = np.empty(s.shape, s.dtype)
    return s.dtype.type(kernel(s.ravel(), s.dtype.type(constant), ds.ravel())), ds


def least_squares_discriminator(logit_real, logit_fake):
    """L_D = (1/2n) Σ (s_real − 1)² + (1/2m) Σ s_fake²                                          Eq. (9.1)
    d_real = (s_real − 1) / n,   d_fake = s_fake / m                                            Eq. (9.2)

    Optimizations: value and gradient in one pass.
    """
    (L_real, d_real), (L_fake, d_fake) = _reduce(_square_mean, logit_real, 1), _reduce(_square_mean, logit_fake, 0)
    return L_real + L_fake, d_real, d_fake


def least_squares_generator(logit_fake):
    """L_G = (1/2m) Σ (s_fake − 1)²                                                             Eq. (9.3)
    d_fake = (s_fake − 1) / m                                                                   Eq. (9.4)

    Optimizations: value and gradient in one pass.
    """
    return _reduce(_square_mean, logit_fake, 1)


def hinge_discriminator(logit_real, logit_fake):
    """L_D = (1/n) Σ max(0, 1 − s_real) + (1/m) Σ max(0, 1 + s_fake)                            Eq. (9.5)
    d_real = −1/n where s_real < 1, else 0;   d_fake = 1/m where s_fake > −1, else 0            Eq. (9.6)

    Optimizations: value and gradient in one pass.
    """
    (L_real, d_real), (L_fake, d_fake) = _reduce(_hinge_mean, logit_real, 1), _reduce(_hinge_mean, logit_fake, -1)
    return L_real + L_fake, d_real, d_fake


def wasserstein_discriminator(logit_real, logit_fake):
    """L_D = −(1/n) Σ s_real + (1/m) Σ s_fake                                                   Eq. (9.7)
    d_real = −1/n,   d_fake = 1/m                                                               Eq. (9.8)

    Optimizations: value and gradient in one pass.
    """
    (L_real, d_real), (L_fake, d_fake) = _reduce(_plain_mean, logit_real, -1), _reduce(_plain_mean, logit_fake, 1)
    return L_real + L_fake, d_real, d_fake


def wasserstein_generator(logit_fake):
    """L_G = −(1/m) Σ s_fake                                                                    Eq. (9.9)
    d_fake = −1/m                                                                              Eq. (9.10)

    Optimizations: value and gradient in one pass.
    """
    return _reduce(_plain_mean, logit_fake, -1)
