"""`numpygan bench`: our step beside that of PyTorch and JAX and beside the floor, alternating in one run."""
from .race import main

__all__ = ["main"]
