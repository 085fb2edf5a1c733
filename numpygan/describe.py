"""Layers, losses, penalties, optimisers and schedules as plain values that JSON can hold, and back."""
import importlib
import inspect
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import init as initial
from .archive import CheckpointError
from .layers import Layer
from .losses import Loss
from .optim import Optimiser
from .schedule import SCHEDULES

# What a file may name of the package: the kind of object, the module that shows its class, what that derives from.
KINDS: dict[str, tuple[str, type]] = {
    "layer": ("numpygan", Layer), "loss": ("numpygan.losses", Loss), "penalty": ("numpygan.penalties", object),
    "optimiser": ("numpygan.optim", Optimiser), "schedule": ("numpygan.schedule", object)}
NAMED_INIT = {"he": initial.he, "glorot": initial.glorot, "linear": initial.linear}
BOUNDED_INIT = {"uniform": initial.uniform, "normal": initial.normal}


def describe(thing: Any, kind: str) -> dict[str, Any]:
    """{"class": name, "args": what its constructor was given}, and "own": true for a class that is not the package's.

    The constructor's arguments are read back from the attributes of the same names. CheckpointError when one is
    missing, or is nothing that a file can hold (a function, an array).
    """
    cls = type(thing)
    args = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise CheckpointError(f"{cls.__name__} cannot be saved: its constructor takes *{name}; name its arguments")
        attribute = "weights" if name == "init" and hasattr(thing, "weights") else name
        if not hasattr(thing, attribute):
            raise CheckpointError(f"{cls.__name__} cannot be saved: its constructor takes {name!r} and the object does "
                                  f"not keep it; store it as self.{name}")
        value = getattr(thing, attribute)
        args[name] = _init_name(value) if name == "init" else plain_or_schedule(value, f"{name} of {cls.__name__}")
    own = {} if _of_package(cls, kind) else {"own": True}
    return {"class": cls.__name__, "args": args, **own}


def restore(description: Any, kind: str, own: Sequence[type] = ()) -> Any:
    """The object that `describe` described. `own`: the classes of it that are not the package's."""
    name, args, is_own = _parts(description, kind)
    classes = {cls.__name__: cls for cls in own}
    if is_own:
        if name not in classes:
            raise CheckpointError(f"uses the {kind} {name}, which is not the package's: load it with own=[{name}], "
                                  f"the class")
        cls = classes[name]
    else:
        cls = _class(name, kind)
    args = {key: _init(value) if key == "init" else schedule(value) for key, value in args.items()}
    try:
        return cls(**args)
    except (TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"describes a {kind} that cannot be made ({error})") from error


def _parts(description, kind):
    if not isinstance(description, dict):
        raise CheckpointError(f"describes a {kind} by {str(description)[:80]!r}, not by its class and arguments")
    unknown = set(description) - {"class", "args", "own"}
    if unknown:
        raise CheckpointError(f"has the unknown key {min(unknown)[:80]!r} in a {kind}: a newer numpygan may have "
                              f"written it")
    name, args = description.get("class"), description.get("args")
    if not isinstance(name, str) or not isinstance(args, dict):
        raise CheckpointError(f"describes a {kind} without its class or arguments")
    return name[:80], args, description.get("own", False)


def _class(name, kind):
    module, base = KINDS[kind]
    cls = None if name.startswith("_") else getattr(importlib.import_module(module), name, None)
    ours = isinstance(cls, type) and issubclass(cls, base) and cls is not base and cls.__module__.startswith(module)
    if not ours:
        raise CheckpointError(f"uses the {kind} {name!r}, which this version of numpygan does not have")
    return cls


def _of_package(cls, kind):
    return getattr(importlib.import_module(KINDS[kind][0]), cls.__name__, None) is cls


def plain(value: Any, what: str) -> Any:
    """`value` as JSON holds it: None, text, a finite number, or a list of such; CheckpointError for anything else."""
    if isinstance(value, np.integer | np.floating | np.bool_):
        value = value.item()
    if isinstance(value, list | tuple):
        return [plain(v, what) for v in value]
    if callable(value):
        raise CheckpointError(f"{what} is a function, which a file cannot hold: save with a number in its place, and "
                              f"set the function again after loading")
    finite = not isinstance(value, float) or math.isfinite(value)
    if not (value is None or (isinstance(value, bool | int | float | str) and finite)):
        raise CheckpointError(f"{what} is {type(value).__name__} {str(value)[:40]}, which a file cannot hold: use "
                              f"finite numbers, text, or lists of them")
    return value


# Loading fills the parameters, so that an initialisation is only recorded: a function of the user's by its name.

def _init_name(function):
    for name, known in NAMED_INIT.items():
        if function is known:
            return name
    if isinstance(function, initial.uniform):
        return {"uniform": function.a}
    if isinstance(function, initial.normal):
        return {"normal": function.std}
    return {"unknown": getattr(function, "__name__", type(function).__name__)}


def _init(description):
    if isinstance(description, str) and description in NAMED_INIT:
        return NAMED_INIT[description]
    if isinstance(description, dict) and len(description) == 1:
        (name, value), = description.items()
        if name in BOUNDED_INIT and isinstance(value, float):
            return BOUNDED_INIT[name](value)
        if name == "unknown":
            return _forgotten
    raise CheckpointError(f"names the unknown initialisation {str(description)[:80]!r}")


def plain_or_schedule(value: Any, what: str) -> Any:
    """A schedule of the package by its description, anything else as `plain` has it; `schedule` is the way back."""
    return {"schedule": describe(value, "schedule")} if isinstance(value, SCHEDULES) else plain(value, what)


def schedule(value: Any) -> Any:
    """The schedule that is described there, or the value itself."""
    if isinstance(value, dict) and set(value) == {"schedule"}:
        return restore(value["schedule"], "schedule")
    return value


def _forgotten(W, rng):
    """In place of a function that was not saved: loading fills the parameters anyway."""
