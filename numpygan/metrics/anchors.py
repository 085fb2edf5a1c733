"""Samples that are no generator's, to be scored beside one: what is a number worth that they reach?"""
from typing import Any

import numpy as np
from scipy.cluster.vq import kmeans2

from ..checks import generator, samples, whole


def centroids(x: Any, k: int, rng: np.random.Generator, rounds: int = 10) -> np.ndarray:
    """k centres (k, d) of the rows x (n, d), by `rounds` rounds of k-means from k of the rows.

    Means of many images: near to everything, and nothing new. They beat real images at Parzen (Theis et al. 2016).
    """
    x = samples(x, least=whole(k, "k"))
    found, _ = kmeans2(x, k, iter=whole(rounds, "rounds"), minit="points", missing="warn", seed=generator(rng))
    return found


def gaussian_like(x: Any, n: int, rng: np.random.Generator) -> np.ndarray:
    """n samples of the Gaussian with the mean and the covariance of x: right in both, and in nothing else."""
    x = samples(x, least=2)
    cov = np.atleast_2d(np.cov(x, rowvar=False, dtype=np.float64))
    mean = x.mean(axis=0, dtype=np.float64)
    return generator(rng).multivariate_normal(mean, cov, whole(n, "n"), method="svd").astype(x.dtype)
