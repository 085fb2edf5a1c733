"""Data to learn from: distributions with a known density, handwritten digits, MNIST, and your own.

Everything here follows one contract, `Data`; nothing here knows of networks or training.
"""
from .curve import moons, swiss_roll
from .digits import digits
from .gaussian import gaussian
from .images import images
from .mixture import grid, mixture, ring
from .mnist import fashion_mnist, mnist
from .npfile import npy, npz
from .own import array, as_data
from .protocol import Data, DataError
from .registry import NAMES, load
from .uniform import uniform

__all__ = ["NAMES", "Data", "DataError", "array", "as_data", "digits", "fashion_mnist", "gaussian", "grid",
           "images", "load", "mixture", "mnist", "moons", "npy", "npz", "ring", "swiss_roll", "uniform"]
