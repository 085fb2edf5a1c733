"""Which modes of a mixture of Gaussians the samples reach, how well, and in which shares."""
from typing import Any, NamedTuple

import numpy as np
from scipy.special import gammainc

from ..checks import samples, whole
from ..data.mixture import Mixture

WITHIN = 3.0                    # standard deviations


class Modes(NamedTuple):
    """What `modes` counts; with `perfect_modes`, its expected values."""
    covered: float              # modes with a sample of high quality
    of: int                     # modes that there are
    quality: float              # share of samples of high quality
    reverse_kl: float           # of the shares of the modes from the weights, in nats
    shares: np.ndarray          # (K,): the share of the samples that is nearest to each mode


def modes(x: Any, mixture: Mixture) -> Modes:
    """r_i = min_k ‖(x_i − μ_k)/σ_k‖, k_i its argmin                                            Eq. (13.1)
    quality = (1/n) #{i: r_i ≤ 3};   covered = #{k: some i has k_i = k and r_i ≤ 3}             Eq. (13.2)
    reverse_kl = Σ_k p_k log(p_k / w_k), p_k = (1/n) #{i: k_i = k}                              Eq. (13.3)

    x (n, d), mixture with K modes in d dimensions: `data.ring()`, `data.grid()`, `data.mixture(means, stds)`. As in
    the papers of VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et al. 2018): one good sample covers a mode, and the
    divergence counts every sample, good or not, to its nearest mode. It is 0 log 0 = 0 where a mode has no sample.
    """
    x = samples(x)
    if x.shape[1] != _mixture(mixture).d:
        raise ValueError(f"x has {x.shape[1]} columns and {mixture.name} {mixture.d} dimensions: give samples of it")
    r, nearest = np.full(len(x), np.inf), np.zeros(len(x), np.intp)
    for k, (mode, std) in enumerate(zip(mixture.modes, mixture.stds, strict=True)):
        to_k = np.linalg.norm((x - mode) / std, axis=1)
        closer = to_k < r
        r[closer], nearest[closer] = to_k[closer], k
    good = r <= WITHIN
    K = len(mixture.modes)
    p = np.bincount(nearest, minlength=K) / len(x)
    return Modes(len(np.unique(nearest[good])), K, float(np.mean(good)), _kl(p, mixture.weights), p)


def perfect_modes(mixture: Mixture, n: int) -> Modes:
    """What n samples of the mixture itself score in the mean, if its modes lie well apart      Eq. (13.4)

    quality = P(χ²_d ≤ 9), 98.89 % in the plane; covered = Σ_k 1 − (1 − w_k·quality)ⁿ; reverse_kl = (K − 1)/2n, up to
    terms of order 1/n²: the floor that no honest generator gets under, with a standard deviation of √(2(K − 1))/2n.
    """
    K, w, n = len(_mixture(mixture).modes), mixture.weights, whole(n, "n")
    quality = float(gammainc(mixture.d / 2, WITHIN**2 / 2))
    return Modes(float(np.sum(1 - (1 - w * quality)**n)), K, quality, (K - 1) / (2 * n), w)


def _mixture(mixture):
    if not isinstance(mixture, Mixture):
        raise TypeError(f"mixture must be a mixture of Gaussians, such as data.ring(), got {type(mixture).__name__}")
    return mixture


def _kl(p: np.ndarray, w: np.ndarray) -> float:
    some = p > 0
    return float(np.sum(p[some] * np.log(p[some] / w[some])))
