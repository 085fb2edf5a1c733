"""Answers known in closed form, for Gaussians and uniforms: what the integrals are checked against."""
import math
from typing import Any

import numpy as np

from ..checks import finite, numbers


def gaussian_entropy(spread: Any) -> float:
    """H = ½ log det(2πe Σ); for one dimension log σ + ½ log 2πe                                Eq. (6.9)

    spread: a number is a standard deviation σ, a matrix (d, d) a covariance Σ.
    """
    cov = _covariance(spread, "spread")
    return 0.5 * float(np.linalg.slogdet(2 * math.pi * math.e * cov)[1])


def gaussian_kl(mean_p: Any, spread_p: Any, mean_q: Any, spread_q: Any) -> float:
    """KL(p‖q) = ½ [tr(Σ_q⁻¹ Σ_p) + (μ_q − μ_p)ᵀ Σ_q⁻¹ (μ_q − μ_p) − d + log(det Σ_q/det Σ_p)]     Eq. (6.10)

    means: numbers or (d,); spreads: a number is a standard deviation, a matrix (d, d) a covariance.
    """
    cov_p, cov_q = _covariance(spread_p, "spread_p"), _covariance(spread_q, "spread_q")
    mean_p, mean_q = (np.atleast_1d(finite(m, "each mean")) for m in (mean_p, mean_q))
    if mean_p.ndim != 1 or mean_p.shape != mean_q.shape:
        raise ValueError(f"the means have the shapes {mean_p.shape} and {mean_q.shape}: give two (d,), or numbers")
    delta, d = mean_q - mean_p, len(mean_p)
    if cov_p.shape != (d, d) or cov_q.shape != (d, d):
        raise ValueError(f"means of {d} coordinates with covariances {cov_p.shape} and {cov_q.shape}: "
                         f"give ({d},) and ({d}, {d}), or numbers in one dimension")
    whitened = np.linalg.solve(cov_q, np.column_stack([cov_p, delta]))
    log_det = np.linalg.slogdet(cov_q)[1] - np.linalg.slogdet(cov_p)[1]
    return 0.5 * float(np.trace(whitened[:, :d]) + delta @ whitened[:, d] - d + log_det)


def gaussian_wasserstein1(mean_p: float, std_p: float, mean_q: float, std_q: float) -> float:
    """W₁ = E|Δμ + Δσ z| = |Δσ| √(2/π) e^(−r²/2) + Δμ erf(r/√2), r = Δμ/|Δσ|; |Δμ| for Δσ = 0   Eq. (7.6)

    One dimension. Δμ = mean_q − mean_p, Δσ = std_q − std_p, z ~ N(0, 1).
    """
    given = numbers([mean_p, std_p, mean_q, std_q], "means and standard deviations")
    if given.ndim > 1 or not (np.isfinite(given).all() and std_p > 0 and std_q > 0):
        raise ValueError("means must be finite numbers, and standard deviations finite numbers greater than 0")
    shift, stretch = mean_q - mean_p, abs(std_q - std_p)
    if stretch == 0:
        return float(abs(shift))
    r = shift / stretch
    return stretch * math.sqrt(2 / math.pi) * math.exp(-r * r / 2) + shift * math.erf(r / math.sqrt(2))


def uniform_wasserstein1(p: tuple[float, float], q: tuple[float, float]) -> float:
    """W₁ = ∫₀¹ |α + (β − α)u| du, α = c − a, β = d − b, for U(a, b) and U(c, d)                Eq. (7.7)

    p = (a, b), q = (c, d). |α + β|/2 when α and β have one sign, else (α² + β²)/(2|β − α|).
    """
    ends = [numbers(interval, "an interval") for interval in (p, q)]
    if any(e.shape != (2,) or not np.isfinite(e).all() or e[0] >= e[1] for e in ends):
        raise ValueError(f"an interval is (lo, hi) with finite lo < hi, got {p!r} and {q!r}")
    (a, b), (c, d) = p, q
    alpha, beta = c - a, d - b
    if alpha * beta >= 0:
        return abs(alpha + beta) / 2
    return (alpha * alpha + beta * beta) / (2 * abs(beta - alpha))


def _covariance(spread: Any, name: str) -> np.ndarray:
    s = numbers(spread, name)
    cov = np.square(s).reshape(1, 1) if s.ndim == 0 else s
    good = cov.ndim == 2 and cov.shape[0] == cov.shape[1] > 0 and np.isfinite(cov).all()
    good = good and np.abs(cov - cov.T).max() <= 1e-8 * np.abs(cov).max()
    if not good or (s.ndim == 0 and s <= 0) or np.linalg.eigvalsh(cov)[0] <= 0:
        raise ValueError(f"{name} must be a standard deviation greater than 0, or a symmetric positive definite "
                         f"covariance (d, d)")
    return cov
