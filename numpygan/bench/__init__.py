"""`numpygan bench`: our step beside that of PyTorch and JAX and beside the floor, alternating in one run."""
from .report import main

__all__ = ["main"]
