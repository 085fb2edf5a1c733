"""Numbers about samples: how good, how varied, how near the data, how copied.

    metrics.modes(x_fake, ng.data.ring())           # modes covered, share of high quality, reverse KL
    metrics.two_sample_accuracy(x, x_fake)          # ½: nearest neighbours cannot tell them apart
    metrics.parzen(valid, test, x_fake=x_fake)      # the table of the paper

Samples are rows (n, d). Where data and fakes are compared, the data comes first: (x, x_fake). Each number is to be read
beside its anchors, what perfect samples, the training data, k-means and noise score in the same place: `numpygan
evaluate` prints them, docs/13-metrics.md says why.
"""
from ..theory import sliced_wasserstein1
from .anchors import centroids, gaussian_like
from .classes import class_shares, confident_share, within_class_distance
from .coverage import Modes, modes, perfect_modes
from .discrepancy import MMD, mmd
from .frechet import frechet_distance, frechet_floor, frechet_gaussians
from .grid import jsd_on_grid
from .neighbours import TwoSample, nearest, nearest_distance, two_sample_accuracy
from .region import region_share
from .window import SIGMAS, Parzen, parzen, parzen_curve, parzen_log_likelihood

__all__ = [
    "MMD", "SIGMAS", "Modes", "Parzen", "TwoSample", "centroids", "class_shares", "confident_share",
    "frechet_distance", "frechet_floor", "frechet_gaussians", "gaussian_like", "jsd_on_grid", "mmd", "modes",
    "nearest", "nearest_distance", "parzen", "parzen_curve", "parzen_log_likelihood", "perfect_modes",
    "region_share", "sliced_wasserstein1", "two_sample_accuracy", "within_class_distance",
]
