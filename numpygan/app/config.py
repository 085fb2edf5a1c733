"""What must stand in the config.json of a run folder before anything is done with it."""
import math
import sys
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ..checks import image
from ..presets import Recipe

Fits = Callable[[Any], bool]


def _text(v):
    return isinstance(v, str)


def _number(v):
    return isinstance(v, int | float) and not isinstance(v, bool) and abs(v) <= sys.float_info.max


def _beta(v):
    return _number(v) and 0 <= v < 1


def _whole(least, most=2**63):
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and least <= v < most


def _list(fits, least=0):
    return lambda v: isinstance(v, list) and len(v) >= least and all(map(fits, v))


def _shape(v):
    return _list(_whole(1), 1)(v) and (len(v) == 1 or image(tuple(v)))


def _pair(v):
    return isinstance(v, list) and len(v) == 2 and all(map(_number, v)) and v[0] <= v[1]


def _or_null(fits):
    return lambda v: v is None or fits(v)


def _dict(v):
    return isinstance(v, dict)


def _versions(v):
    return _dict(v) and all(map(_text, v.values()))


def _source(v):
    return _dict(v) and _list(lambda file: _dict(file) and _text(file.get("sha256")))(v.get("files"))


OF_TYPE: dict[Any, Fits] = {str: _text, int: _whole(0), float: _number, bool: lambda v: isinstance(v, bool),
                            tuple[int, ...]: _list(_whole(1)), int | None: _or_null(_whole(1))}
RECIPE: dict[str, Fits] = {f.name: OF_TYPE[f.type] for f in fields(Recipe)} | {
    "batch": _whole(1), "k": _whole(1), "average": _beta}
DATA: dict[str, Fits] = {"name": _text, "n": _or_null(_whole(1)), "shape": _shape, "range": _or_null(_pair),
                         "range_before_scaling": _or_null(_pair), "source": _or_null(_source)}
CONFIG: dict[str, Fits] = {
    "status": _text, "recipe": _dict, "seed": _whole(0, math.inf), "engine": _text, "root": _or_null(_text),
    "steps": _whole(1), "checkpoint_every": _whole(0), "seconds": _number, "data": _dict, "versions": _versions,
    **{f"recipe.{key}": fits for key, fits in RECIPE.items()}, **{f"data.{key}": fits for key, fits in DATA.items()}}


def first_fault(config: Any) -> str | None:
    """The first fault of the settings, such as "no 'recipe.k', or one of the wrong type"; None: there is none.

    Keys that nothing reads (the command, the machine) may hold what they like.
    """
    for key, fits in CONFIG.items():
        *outer, last = key.split(".")
        holder = config[outer[0]] if outer else config
        if not (_dict(holder) and last in holder and fits(holder[last])):
            return f"no {key!r}, or one of the wrong type"
    unknown = sorted(set(config["recipe"]) - set(RECIPE))
    return f"a recipe with the unknown key {unknown[0]!r}" if unknown else None
