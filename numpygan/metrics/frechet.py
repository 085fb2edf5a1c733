"""The Fréchet distance: two samples compared as if both were Gaussian."""
from typing import Any

import numpy as np

from ..checks import finite, samples, whole


def frechet_gaussians(mean_x: Any, cov_x: Any, mean_y: Any, cov_y: Any) -> float:
    """F = ‖μ_x − μ_y‖² + tr(C_x + C_y − 2 (C_x^½ C_y C_x^½)^½)                               Eq. (13.14)

    means (d,), covariances (d, d). It is the *square* of the Wasserstein-2 distance of the two Gaussians (the
    literature's FID is this number). Dowson & Landau 1982. The root loses half the digits: F of equal singular
    covariances is 0 up to about d √eps tr C.
    """
    a, b, A, B = (finite(value, name) for value, name in (
        (mean_x, "mean_x"), (mean_y, "mean_y"), (cov_x, "cov_x"), (cov_y, "cov_y")))
    if a.ndim != 1 or a.shape != b.shape or A.shape != (len(a), len(a)) or B.shape != A.shape:
        raise ValueError(f"means (d,) go with covariances (d, d), got {a.shape}, {A.shape} and {b.shape}, {B.shape}")
    size, axes = np.linalg.eigh(A)
    root = (axes * np.sqrt(np.maximum(size, 0))) @ axes.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ B @ root), 0)).sum()
    return max(float((a - b) @ (a - b) + np.trace(A) + np.trace(B) - 2 * cross), 0.0)


def frechet_distance(x: Any, x_fake: Any) -> float:
    """F of the means and covariances of x (n, d) and x_fake (m, d)                           Eq. (13.14)

    Features of data and of fakes, say of a classifier; which is which makes no difference. With few rows it is too
    large, by about c/n: compare numbers of one n (Eq. 13.15 of the chapter on metrics). Heusel et al. 2017.
    """
    x = samples(x, "x", 2)
    x_fake = samples(x_fake, "x_fake", 2, x)
    moments = [(a.mean(axis=0, dtype=np.float64), np.atleast_2d(np.cov(a, rowvar=False, dtype=np.float64)))
               for a in (x, x_fake)]
    return frechet_gaussians(*moments[0], *moments[1])


def frechet_floor(cov: Any, n: int, m: int) -> float:
    """(1/n + 1/m) (5/4 Σᵢ λᵢ + ½ Σᵢⱼ λᵢλⱼ/(λᵢ + λⱼ)), λ the eigenvalues of C                  Eq. (13.15)

    What two samples of n and m rows of one Gaussian have in the mean, as long as both are many more than d.
    """
    C, n, m = finite(cov, "cov"), whole(n, "n"), whole(m, "m")
    if C.ndim != 2 or C.shape[0] != C.shape[1]:
        raise ValueError(f"cov must be a covariance (d, d), got shape {C.shape}")
    size = np.maximum(np.linalg.eigvalsh(C), 0)
    total = np.add.outer(size, size)
    pairs = np.divide(np.multiply.outer(size, size), total, out=np.zeros_like(total), where=total > 0)
    return float((1 / n + 1 / m) * (1.25 * size.sum() + 0.5 * pairs.sum()))
