"""What must hold to the byte: shapes, dtypes, finite values, and that nothing is changed on the side."""
import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .. import engine as engines
from ..checks import kind
from .report import GradientError


def engine_names(engine: str | None) -> list[str]:
    """The engine asked for, else every one that can be loaded."""
    if engine is not None:
        return [engines.name_of(engine)]
    return [name for name in engines.MODULES if _loads(name)]


def _loads(name):
    try:
        engines.ops(name)
    except ImportError:
        return False
    return True


def named(thing: Any) -> str:
    """repr(thing) where that is short, else its class: what a layer keeps on self would fill the screen."""
    text = repr(thing)
    return text if len(text) <= 100 and "\n" not in text and " at 0x" not in text else f"{type(thing).__name__}(…)"


def pair(result: Any, what: str) -> tuple[Any, Any]:
    """The two things that forward and backward return."""
    if not isinstance(result, tuple) or len(result) != 2:
        raise GradientError(f"{what}; it returned {kind(result)}")
    return result


def tensor(a: Any, name: str, shape: tuple[int, ...], dtype: Any, by: str, rows: int = 0) -> np.ndarray:
    """`a` itself, if it is an array of finite numbers with that shape and dtype."""
    if not isinstance(a, np.ndarray):
        raise GradientError(f"{by} must return {name} as an array of shape {shape}, got {kind(a)}")
    if a.shape != shape:
        hint = _shape_hint(a.shape, shape, rows)
        raise GradientError(f"{by} returns {name} of shape {a.shape}, expected {shape}{hint}")
    if a.dtype != dtype:
        verb = "promotes" if a.dtype.itemsize > np.dtype(dtype).itemsize else "turns"
        raise GradientError(f"{by} {verb} {np.dtype(dtype)} to {a.dtype} in {name}: make constants Python floats "
                            f"(math.sqrt(2), not np.sqrt(2)) and new arrays of the input's dtype")
    if not np.isfinite(a).all():
        raise GradientError(f"{by} returns {name} with NaN or infinity for ordinary inputs")
    return a


def _shape_hint(got, shape, rows):
    if len(shape) == 2 and got == shape[::-1]:
        return ": transposed?"
    if rows and got == (rows, *shape):
        return ": is the sum over the batch missing?"
    if np.prod(got) == np.prod(shape):
        return ": the same entries in another shape (keepdims, a missing axis?)"
    return ""


def gradients(grads: Any) -> Any:
    """A dict of gradients; one of no axes may be a NumPy number, as for a network."""
    if not isinstance(grads, dict):
        return grads
    return {name: np.asarray(g) if isinstance(g, np.generic) else g for name, g in grads.items()}


def arrays_in(thing: Any, name: str) -> Iterator[tuple[str, np.ndarray]]:
    """Every array in nested tuples, lists and dicts."""
    if isinstance(thing, np.ndarray):
        yield name, thing
    elif isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from arrays_in(value, str(key))
    elif isinstance(thing, tuple | list):
        for value in thing:
            yield from arrays_in(value, name)


@contextlib.contextmanager
def calling(what: str) -> Iterator[None]:
    """What the reader's own code raises goes up as it is, with a note on what the checker had asked for."""
    try:
        yield
    except Exception as e:
        e.add_note(f"numpygan.check was calling {what}")
        raise


class Untouched:
    """Copies of everything that a call may read and must not write."""

    def __init__(self, **things: Any) -> None:
        self.kept = [(name, a, a.copy()) for key, thing in things.items() for name, a in arrays_in(thing, key)]

    def verify(self, by: str) -> None:
        """Raise if anything is no longer what it was."""
        for name, now, before in self.kept:
            if not same(now, before):
                raise GradientError(f"{name} was changed in place by {by}: others still need it, work on a copy")


def same(a: Any, b: Any) -> bool:
    """Equal to the byte, in every array."""
    left, right = [x for _, x in arrays_in(a, "")], [x for _, x in arrays_in(b, "")]
    return len(left) == len(right) and all(map(_identical, left, right))


def _identical(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def draw(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Normal numbers in float64 that float32 holds exactly, so that both dtypes are checked at one point."""
    return rng.standard_normal(shape, dtype=np.float32).astype(np.float64)


def nearby(theta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """theta moved a little: the zeros of an initialisation sit on kinks and hide errors."""
    size = 0.1 * max(0.1, float(np.sqrt(np.mean(np.square(theta))))) if theta.size else 0.0
    return (theta + size * rng.standard_normal(theta.shape)).astype(np.float32).astype(np.float64)
