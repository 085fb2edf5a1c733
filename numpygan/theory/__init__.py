"""The theory of the game, computed: optimal discriminator, divergences, earth mover's distance, Dirac-GAN.

    p, q = ng.data.gaussian(0, 1), ng.data.gaussian(2, 0.5)
    theory.value(p, q)                  # max over D of V, by way of D*
    theory.criterion(p, q)              # −log 4 + 2 JSD: the same number
    D = theory.optimal_discriminator(p, q)
    theory.value_of(D, p, q)            # V of any D: the same number again for this one

p is the data's distribution, q the generator's: densities of one or two dimensions (functions with support=, the
distributions of `numpygan.data`, `scipy.stats`, or a `Density`), or arrays of probabilities.
"""
from . import dirac
from .closed_forms import gaussian_entropy, gaussian_kl, gaussian_wasserstein1, uniform_wasserstein1
from .density import Density
from .divergences import cross_entropy, entropy, jsd, jsd_distance, kl, total_variation
from .expectations import Estimate, change_of_variables, expectation, mean_and_error, monte_carlo, pushforward, smoothed
from .game import (
    OptimalDiscriminator,
    criterion,
    minimax_generator_value,
    non_saturating_generator_value,
    optimal_discriminator,
    pointwise_value,
    value,
    value_of,
)
from .generated import generated_density
from .transport import Potential, cdf, kantorovich, sliced_wasserstein1, wasserstein1

__all__ = [
    "Density", "Estimate", "OptimalDiscriminator", "Potential", "cdf", "change_of_variables", "criterion",
    "cross_entropy", "dirac", "entropy", "expectation", "gaussian_entropy", "gaussian_kl", "gaussian_wasserstein1",
    "generated_density", "jsd", "jsd_distance", "kantorovich", "kl", "mean_and_error", "minimax_generator_value",
    "monte_carlo", "non_saturating_generator_value", "optimal_discriminator", "pointwise_value", "pushforward",
    "sliced_wasserstein1", "smoothed", "total_variation", "uniform_wasserstein1", "value", "value_of",
    "wasserstein1",
]
