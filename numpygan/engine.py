"""Which table of operations a network calls: `functional` ("numpy") or its compiled twin `kernels` ("numba")."""
import functools
import importlib
import os
from types import ModuleType

MODULES = {"numpy": "numpygan.functional", "numba": "numpygan.kernels"}


def name_of(engine: str | None) -> str:
    """The engine asked for, else the one that NUMPYGAN_ENGINE names, else "numba".

    Raises ValueError for an unknown name, ImportError when "numba" is wanted and Numba cannot be imported:
    the engine is never switched silently.
    """
    name = engine or os.environ.get("NUMPYGAN_ENGINE") or "numba"
    if name not in MODULES:
        raise ValueError(f'unknown engine {name!r}: choose "numba" or "numpy" (argument engine= or the '
                         f"environment variable NUMPYGAN_ENGINE)")
    ops(name)
    return name


@functools.cache
def ops(name: str) -> ModuleType:
    """The module whose functions a network of this engine calls, imported when first asked for."""
    try:
        return importlib.import_module(MODULES[name])
    except ImportError as e:
        raise ImportError(f'the engine "{name}" cannot be loaded ({e}): install numba, or ask for engine="numpy" '
                          f"(or set NUMPYGAN_ENGINE=numpy)") from e
