"""numpygan: generative adversarial networks you can read, in NumPy, with the hot path compiled by Numba."""
import importlib

__version__ = "0.1.0"                   # first: checkpoint.py imports it

from . import data, init, losses, optim, penalties
from .averaging import Averaged
from .batchwise import BatchNorm, MinibatchStd, Pack
from .divergence import Divergence
from .gan import GAN, Snapshots, discriminator_gradient, generator_gradient
from .history import History
from .layers import Context, Dense, Dropout, Layer, LeakyReLU, Maxout, ReLU, Sigmoid, Tanh
from .network import MLP, Network, Tape
from .spectral import SpectralDense

LATE = ("check", "functional", "metrics", "plots", "theory", "weights")   # imported when first named

__all__ = [
    "GAN", "MLP", "Averaged", "BatchNorm", "Context", "Dense", "Divergence", "Dropout", "History", "Layer",
    "LeakyReLU", "Maxout", "MinibatchStd", "Network", "Pack", "ReLU", "Sigmoid", "Snapshots", "SpectralDense",
    "Tanh", "Tape", "data", "discriminator_gradient", "generator_gradient", "init", "losses", "optim", "penalties",
    *LATE,
]


def __getattr__(name):
    if name in LATE:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module 'numpygan' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
