"""What arguments must be: one sentence each for one that is not, with what was got and what was expected."""
import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np


def whole(value: Any, name: str, least: int = 1) -> int:
    """`value` as an int; ValueError unless it is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)


def number(value: Any, name: str, least: float = 0.0) -> float:
    """`value` as a float; TypeError for no number, ValueError unless it is finite and within its bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not least <= value < math.inf:
        raise ValueError(f"{name} must be a number of at least {least:g}, got {value!r}")
    return float(value)


def flag(value: Any, name: str) -> bool:
    """`value` as a bool; TypeError unless it is one."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def generator(rng: Any) -> np.random.Generator:
    """`rng` itself; TypeError unless it is a `numpy.random.Generator` (there is no global state)."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}: "
                        f"pass rng=np.random.default_rng(0)")
    return rng


def able(value: Any, name: str, methods: tuple[str, ...], example: str) -> Any:
    """`value` itself; TypeError unless it has these methods (a class in the place of its object has not)."""
    if isinstance(value, type) or not all(callable(getattr(value, method, None)) for method in methods):
        raise TypeError(f"{name} must be an object with the method{'s' * (len(methods) > 1)} {', '.join(methods)}, "
                        f"such as {example}, got {value!r}")
    return value


def functions(values: Any, name: str, example: str) -> tuple[Any, ...]:
    """`values` as a tuple; TypeError unless it is a list of what can be called, classes not among them."""
    found = tuple(values) if isinstance(values, list | tuple) else None
    for value in (values,) if found is None else found:
        if found is None or isinstance(value, type) or not callable(value):
            raise TypeError(f"{name} must be a list of functions, such as [{example}], got {values!r}")
    return found or ()


def shapes(**declared: str) -> Callable:
    """A decorator for functions of arrays: "n d" names the axes of a parameter, and one name means one size.

    "..." is any shape, the same for all that have it; "...?" that, or one number for all. ValueError where NumPy would
    broadcast in silence.
    """
    axes = {name: tuple(text.split()) for name, text in declared.items()}

    def decorate(function):
        names = tuple(inspect.signature(function).parameters)

        @functools.wraps(function)
        def checked(*args, **kwargs):
            given = dict(zip(names, args, strict=False), **kwargs)
            sizes = {}
            for name, wanted in axes.items():
                shape = np.shape(given.get(name))
                if wanted == ("...?",) and shape == ():
                    continue
                parts = [("...", shape)] if wanted[0].startswith("...") else list(zip(wanted, shape, strict=False))
                if len(wanted) != len(shape) and parts[:1] != [("...", shape)] or any(
                        sizes.setdefault(axis, size) != size for axis, size in parts):
                    takes = ", ".join(f"{k} ({', '.join(v)})" for k, v in axes.items())
                    got = ", ".join(f"{k} {np.shape(given.get(k))}" for k in axes)
                    if any(0 in np.shape(given.get(k)) for k in axes):
                        raise ValueError(f"the batch is empty ({got}): pass at least one row")
                    raise ValueError(f"{function.__name__} takes {takes}, got {got}")
            return function(*args, **kwargs)
        return checked
    return decorate
