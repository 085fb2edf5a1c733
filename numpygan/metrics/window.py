"""The Parzen window estimate of a log-likelihood: the table of the paper of 2014, and its protocol."""
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..checks import positive_number, samples
from .pairs import blocks, compiled

SIGMAS = tuple(float(s) for s in np.logspace(-1, 0, 10))        # those that the authors' code tries


class Parzen(NamedTuple):
    """A mean log-likelihood with its standard error, the σ that it was taken with, and how that was chosen."""
    log_likelihood: float
    error: float
    sigma: float
    validation: np.ndarray                                  # the mean log-likelihood at each of the sigmas


def parzen(valid: Any, test: Any, *, x_fake: Any, sigmas: Sequence[float] = SIGMAS) -> Parzen:
    """Mean over `test` of log p_σ, σ the one of `sigmas` that is best on `valid`             Eqs. (13.11), (13.12)

    valid (v, d), test (n, d) held-out data; x_fake (m, d) from the generator, by name, since nobody would see two of
    three sets of images swapped; pixels in [0, 1], as in all published numbers. In nats. Protocol of Goodfellow et al.
    2014, section 5: 10,000 samples, 1,000 validation and 10,000 test images. ValueError for pixels outside [0, 1].
    """
    x_fake = _pixels(x_fake, "x_fake")
    valid, test = _pixels(valid, "valid", x_fake), _pixels(test, "test", x_fake, least=2)
    curve = parzen_curve(valid, x_fake, sigmas)
    sigma = float(sigmas[int(np.argmax(curve))])
    log_p = _log_likelihoods(test, x_fake, [sigma])[0]
    return Parzen(float(log_p.mean()), float(log_p.std() / np.sqrt(len(log_p))), sigma, curve)


def parzen_curve(x: Any, x_fake: Any, sigmas: Sequence[float] = SIGMAS) -> np.ndarray:
    """The mean of log p_σ over x (n, d) for each of `sigmas`: what σ is chosen by              Eq. (13.11)"""
    x_fake = samples(x_fake, "x_fake")
    if not isinstance(sigmas, list | tuple | np.ndarray) or len(sigmas) == 0:
        raise ValueError(f"sigmas must be a list of at least one bandwidth, such as [0.1, 0.2], got {sigmas!r}")
    sigmas = [positive_number(sigma, "sigma") for sigma in sigmas]
    return _log_likelihoods(samples(x, like=x_fake), x_fake, sigmas).mean(axis=1)


def parzen_log_likelihood(x: Any, x_fake: Any, sigma: float) -> np.ndarray:
    """log p_σ(xᵢ) = log (1/m) Σⱼ exp(−‖xᵢ − yⱼ‖² / 2σ²) − d log(σ √2π), yⱼ the rows of x_fake   Eq. (13.11)

    x (n, d), x_fake (m, d) -> (n,): the density at x of a mixture of m Gaussians, one at each sample. Any range.
    """
    x_fake = samples(x_fake, "x_fake")
    return _log_likelihoods(samples(x, like=x_fake), x_fake, [positive_number(sigma, "sigma")])[0]


def _log_likelihoods(x, x_fake, sigmas):
    """(len(sigmas), n): the distances are computed once for all of them."""
    ops, (m, d) = compiled(), x_fake.shape
    log_p = np.empty((len(sigmas), len(x)))
    for rows, square in blocks(x, x_fake):
        for k, sigma in enumerate(sigmas):
            log_p[k, rows] = ops.log_sum_exp(square, -0.5 / sigma**2)
    return log_p - np.log(m) - d * np.log(np.array(sigmas) * np.sqrt(2 * np.pi))[:, None]


def _pixels(x, name, like=None, least=1):
    x = samples(x, name, least, like)
    if x.min() < 0 or x.max() > 1:
        raise ValueError(f"{name} has pixels from {x.min():.3g} to {x.max():.3g}, and Parzen likelihoods are compared "
                         f"for pixels in [0, 1] only: bring [−1, 1] there with (x + 1) / 2")
    return x
