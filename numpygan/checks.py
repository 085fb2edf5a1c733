"""What arguments must be: one sentence each for one that is not, with what was got and what was expected."""
import functools
import inspect
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

WHOLE = int | np.integer
REAL = int | float | np.integer | np.floating


# ----------------------------------------------------------------------------------------- words for messages

def told(value: Any) -> str:
    """`value` for a message: its repr in one line, and not the whole of a long one."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def kind(value: Any) -> str:
    """What a function returned, for a message on what it should have."""
    if value is None:
        return "nothing"
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else f"a {type(value).__name__}"


# ------------------------------------------------------------------------------------------------- one number

def real(value: Any) -> bool:
    """Is it one real number? Text, arrays, None and True are none."""
    return isinstance(value, REAL) and not isinstance(value, bool)


def scalar(value: Any) -> bool:
    """Is it one real number, be it in an array without axes, as a loss may return it?"""
    return real(value) or (np.ndim(value) == 0 and np.asarray(value).dtype.kind in "biuf")


def whole(value: Any, name: str, least: int = 1) -> int:
    """`value` as an int; ValueError unless it is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, WHOLE) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)


def number(value: Any, name: str) -> float:
    """`value` as a float; TypeError for no number, ValueError unless it is finite and at least 0."""
    if not real(value):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a number of at least 0, got {value!r}")
    return float(value)


def positive_number(value: Any, name: str) -> float:
    """`value` as a float; ValueError unless it is a finite number greater than 0."""
    if not (real(value) and 0 < value < math.inf):
        raise ValueError(f"{name} must be a positive number, got {value!r}")
    return float(value)


def fraction(value: Any, name: str, interval: str = "[0, 1]") -> float:
    """`value` as a float; ValueError unless it is a number in that interval, "[0, 1]" or "[0, 1)"."""
    if not (real(value) and 0 <= value <= 1) or (value == 1 and interval == "[0, 1)"):
        raise ValueError(f"{name} must lie in {interval}, got {value!r}")
    return float(value)


def scheduled(value: Any, step: int, name: str) -> float:
    """`value`, or what it returns for that step where it is a function; TypeError unless that is one number."""
    if callable(value):
        value = value(step)
        if not scalar(value):
            raise TypeError(f"{name}, a function of the step, must return a number, got {told(value)} at step {step}")
    return float(value)


def one_number(x: np.ndarray, what: str) -> float:
    """The number in `x`; TypeError for an array of them."""
    if x.ndim:
        raise TypeError(f"{what} must be one number, not an array of shape {x.shape}: leave the brackets out")
    return float(x)


# -------------------------------------------------------------------------------------- one of something else

def flag(value: Any, name: str) -> bool:
    """`value` as a bool; TypeError unless it is one."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def text(value: Any, name: str) -> str:
    """`value` itself; TypeError unless it is text."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, got {value!r}")
    return value


def one_of(value: Any, what: str, names: Any) -> Any:
    """`value` itself; ValueError unless it is among the `names` that there are of such a thing."""
    if value not in names:
        raise ValueError(f"unknown {what} {value!r}: choose one of {', '.join(names)}")
    return value


def precision(dtype: Any) -> np.dtype:
    """`dtype` as a NumPy dtype; ValueError unless it is float32 or float64."""
    try:
        found = None if dtype is None else np.dtype(dtype)        # NumPy takes None for float64
    except TypeError:
        found = None
    if found is None or found not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {dtype if found is None else found!s}")
    return found


def image(shape: tuple[int, ...]) -> bool:
    """Is it the shape of one image, grey or of three colours: (h, w), (h, w, 1) or (h, w, 3)?"""
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))


def generator(rng: Any) -> np.random.Generator:
    """`rng` itself; TypeError unless it is a `numpy.random.Generator` (there is no global state)."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}: "
                        f"pass rng=np.random.default_rng(0)")
    return rng


def able(value: Any, name: str, methods: tuple[str, ...], example: str) -> Any:
    """`value` itself; TypeError unless it has these methods (a class in the place of its object has not)."""
    for method in methods:
        if isinstance(value, type) or not callable(getattr(value, method, None)):
            raise TypeError(f"{name} must be an object with the method{'s' * (len(methods) > 1)} {', '.join(methods)}, "
                            f"such as {example}, got {told(value)}")
    return value


def function(value: Any, name: str, example: str) -> Any:
    """`value` itself; TypeError unless it can be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, such as {example}, got {value!r}")
    return value


def functions(values: Any, name: str, example: str) -> tuple[Any, ...]:
    """`values` as a tuple; TypeError unless it is a list of what can be called, classes not among them."""
    found = tuple(values) if isinstance(values, list | tuple) else None
    for value in (values,) if found is None else found:
        if found is None or isinstance(value, type) or not callable(value):
            raise TypeError(f"{name} must be a list of functions, such as [{example}], got {values!r}")
    return found or ()


# ----------------------------------------------------------------------------------------------------- arrays

def plain(x: Any, name: str) -> None:
    """TypeError for an array with a mask, which NumPy would drop in silence, and count what is behind it."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a plain array, and this one is masked: drop the masked rows, or call "
                        f".filled()")


def numeric(x: Any, name: str, kinds: str = "biuf") -> np.ndarray:
    """`x` as an array; TypeError unless it holds real numbers, or with "c" among `kinds`, real or complex ones."""
    plain(x, name)
    try:
        x = np.asarray(x)
    except ValueError:                                    # rows of different lengths
        x = np.empty(0, object)
    if x.dtype.kind not in kinds:
        what = "rows of different lengths or other objects" if x.dtype.kind == "O" else f"{x.dtype}"
        raise TypeError(f"{name} must be {'' if 'c' in kinds else 'real '}numbers, got {what}: pass a number, or an "
                        f"array of them")
    return x


def numbers(x: Any, name: str) -> np.ndarray:
    """`x` as float64, NaN and infinity included; TypeError unless it holds real numbers."""
    return numeric(x, name).astype(np.float64, copy=False)


def no_nan(x: Any, name: str) -> np.ndarray:
    """`x` as float64; ValueError where it is NaN."""
    x = numbers(x, name)
    if np.isnan(x).any():
        raise ValueError(f"{name} holds NaN: drop those points, or mend what made them")
    return x


def finite(x: Any, name: str) -> np.ndarray:
    """`x` as float64; ValueError unless it is finite."""
    x = numbers(x, name)
    if not np.isfinite(x).all():
        raise ValueError(f"{name} must be finite, and holds NaN or infinity: drop them, or mend what made them")
    return x


def positive(x: Any, what: str) -> np.ndarray:
    """`x` as float64; ValueError unless every entry is finite and greater than 0."""
    found = finite(x, what)
    if not (found > 0).all():
        raise ValueError(f"{what} must be greater than 0, but the smallest is {found.min():g}: "
                         "pass positive numbers")
    return found


def samples(x: Any, name: str = "x", least: int = 1, like: np.ndarray | None = None) -> np.ndarray:
    """x as a float array (n, d) with n ≥ `least`, as wide as `like`; float32 stays, everything else is float64.

    ValueError for another shape, fewer rows, or a number that is NaN or infinite, or whose square is.
    """
    x = numeric(x, name)
    x = x if x.dtype == np.float32 else x.astype(np.float64, copy=False)
    if x.ndim != 2 or x.shape[1] == 0:
        raise ValueError(f"{name} must be samples (n, d), one in each row, not of shape {x.shape}: "
                         f"write x[:, None] for n numbers, x.reshape(len(x), -1) for images")
    if len(x) < least:
        raise ValueError(f"{name} has {len(x)} row{'s' * (len(x) != 1)}, and at least {least} are needed: draw more")
    if like is not None and x.shape[1] != like.shape[1]:
        raise ValueError(f"{name} has {x.shape[1]} columns and the other samples {like.shape[1]}: "
                         f"compare samples of one dimension")
    finite = np.isfinite(x).all(axis=1)
    if not finite.all():
        raise ValueError(f"{name} holds NaN or infinity, first in row {int(np.argmin(finite))}: "
                         f"a generator that made it has diverged")
    largest = float(np.abs(x).max())
    if largest > math.sqrt(sys.float_info.max / (16 * x.shape[1])):       # of centred rows: d (2|x| + 2|y|)²
        raise ValueError(f"{name} holds numbers up to {largest:.3g}, and the squares of their distances are no numbers "
                         f"in float64: divide all samples by one number")
    return x


# ----------------------------------------------------------------------------------- all arrays of a function

def arrays(**declared: str) -> Callable:
    """A decorator for functions of arrays, which gives them arrays: what is declared comes in as a plain ndarray.

    "n d" names the axes of a parameter, and one name means one size. "..." is any shape, the same for all that have it;
    "...?" that, or one number for all; "...n" a shape of its own. Whole numbers become float64, since their gradient is
    no whole number, but for "whole n d". NumPy's numbers, which would make float64 of float32, become Python's.

    TypeError for other things than numbers, ValueError where NumPy would broadcast in silence and for an empty array.
    """
    axes = {name: tuple(text.removeprefix("whole ").split()) for name, text in declared.items()}
    keeps = {name for name, text in declared.items() if text.startswith("whole ")}

    def decorate(function):
        names = tuple(inspect.signature(function).parameters)

        @functools.wraps(function)
        def checked(*args, **kwargs):
            given, sizes = dict(zip(names, args, strict=False), **kwargs), {}
            for name, value in given.items():
                wanted = axes.get(name)
                if wanted is None:
                    one = isinstance(value, np.generic | np.ndarray) and value.ndim == 0
                    given[name] = value.item() if one else value
                    continue
                if type(value) is not np.ndarray or value.dtype.kind not in "fc" or not value.dtype.isnative:
                    given[name] = value = _array(value, name, name in keeps)
                if wanted == ("...?",) and value.ndim == 0:
                    given[name] = value.item()
                elif not value.size or not _agrees(value.shape, wanted, sizes):
                    raise _disagreement(function.__name__, axes, given)
            return function(*map(given.get, names[:len(args)]), *args[len(names):], **{k: given[k] for k in kwargs})
        return checked
    return decorate


def _array(x, name, keep):
    x = numeric(x, name, "biufc")
    return x.astype(float if x.dtype.kind in "biu" and not keep else x.dtype.newbyteorder("="), copy=False)


def _agrees(shape, wanted, sizes):
    """Has it the axes that are wanted, each as long as before? `sizes` learns those that are new."""
    if wanted[0].startswith("..."):
        return sizes.setdefault(wanted[0].rstrip("?"), shape) == shape
    return len(wanted) == len(shape) and tuple(map(sizes.setdefault, wanted, shape)) == shape


def _disagreement(function, axes, given):
    takes = ", ".join(f"{k} ({', '.join(v)})" for k, v in axes.items())
    got = ", ".join(f"{k} {np.shape(given.get(k))}" for k in axes)
    if any(0 in np.shape(given.get(k)) for k in axes):
        return ValueError(f"the batch is empty ({got}): pass at least one row")
    return ValueError(f"{function} takes {takes}, got {got}")
