"""A GAN in a file and back, to the last bit: networks, optimisers, history, and where the random numbers stand."""
import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import __version__, archive
from .archive import CheckpointError
from .checks import able, function, generator, numeric, told
from .describe import describe, plain_or_schedule, restore, schedule
from .history import COLUMNS, History
from .network import Network
from .optim import Optimiser
from .schedule import SCHEDULES

FORMAT = 2                             # 1 kept every row of the history, and no average of the state of G
MAX_META = 1 << 22                     # bytes of JSON
VECTORS = ("theta", "state")           # what a network owns; `state` only where it has one
GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
KEYS = {"format", "numpygan", "G", "D", "loss", "penalties", "opt_G", "opt_D", "noise", "input_noise", "simultaneous",
        "position", "rng", "columns", "steps"}

Arrays = dict[str, np.ndarray]


class Checkpoint(NamedTuple):
    """What a file held: the GAN, the generator that trained it (None if it was not saved), and the caller's arrays."""
    gan: Any
    rng: np.random.Generator | None
    extra: Arrays
    format: int


# ---------------------------------------------------------------------------------------------------- saving

def save(path: str | os.PathLike, gan: Any, rng: np.random.Generator | None = None,
         extra: Arrays | None = None) -> Path:
    """Write `gan` as .npz: architecture, parameters, moments, history, position in the data; with `rng` its state.

    Whole or not at all: the file that was there stays until the new one is complete. With the `rng` that trains it,
    `fit` can go on from the file as if it had never stopped. `extra` arrays (float or uint8) come back from `load`.

    CheckpointError for what a file cannot hold (a schedule that is a function) and for parameters that are not
    finite; OSError when the disk refuses.
    """
    able(gan, "gan", ("fit", "sample"), "GAN(G, D)")
    if not isinstance(extra, dict | None) or not all(isinstance(name, str) for name in extra or {}):
        raise TypeError(f"extra must be a dictionary {{name: array}}, got {told(extra)}")
    arrays: Arrays = {}
    if rng is not None:
        generator(rng)
    for name, net in (("G", gan.G), ("D", gan.D)):
        arrays |= {f"{name}.{v}": getattr(net, v) for v in VECTORS if v == "theta" or getattr(net, v).size}
    for name, opt in (("opt_G", gan.opt_G), ("opt_D", gan.opt_D)):
        arrays |= {f"{name}.{v}": x for v, x in _moments(opt, name).items()}
    for name, x in arrays.items():
        if not np.isfinite(x).all():
            raise CheckpointError(f"{name} holds NaN or infinity and is not saved: go back to an earlier checkpoint")
    arrays["history"] = gan.history.rows()
    arrays |= {f"extra.{name}": numeric(x, f"extra[{name!r}]") for name, x in (extra or {}).items()}
    meta = json.dumps(_meta(gan, rng), allow_nan=False).encode()
    return archive.write(path, {"meta": np.frombuffer(meta, np.uint8), **arrays})


def _moments(opt, name):
    """What the optimiser keeps; CheckpointError where `load` could not give it back."""
    kind = type(opt).__name__
    if not isinstance(opt, Optimiser):
        raise CheckpointError(f"{name} is a {kind}, and a file holds optimisers that tell what they keep: derive it "
                              f"from numpygan.optim.Optimiser")
    if set(opt.moments) != (set(opt.vectors) if opt.t else set()):
        raise CheckpointError(f"{name}, a {kind}, keeps the moments {sorted(opt.moments)} after {opt.t} steps and "
                              f"declares {sorted(opt.vectors)}: name all of them in vectors = (…), and let step count")
    return opt.moments


def _meta(gan, rng):
    return {"format": FORMAT, "numpygan": __version__, "G": _network(gan.G), "D": _network(gan.D),
            "loss": describe(gan.loss, "loss"), "opt_G": _optimiser(gan.opt_G), "opt_D": _optimiser(gan.opt_D),
            "penalties": [describe(p, "penalty") for p in gan.penalties], "noise": gan.noise,
            "input_noise": plain_or_schedule(gan.input_noise, "input_noise"), "simultaneous": gan.simultaneous,
            "position": gan.position, "rng": None if rng is None else _listed(rng.bit_generator.state),
            "columns": list(COLUMNS), "steps": len(gan.history)}


def _network(net):
    return {"d_in": net.d_in, "dtype": net.dtype.name, "engine": net.engine,
            "layers": [describe(layer, "layer") for layer in net.layers]}


def _optimiser(opt):
    return {**describe(opt, "optimiser"), "t": opt.t}


def _listed(state):
    """A bit generator's state with its arrays as lists: JSON holds whole numbers of any size exactly."""
    if isinstance(state, dict):
        return {key: _listed(value) for key, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray | np.generic) else state


# --------------------------------------------------------------------------------------------------- loading

def load(path: str | os.PathLike, make: Callable, own: Sequence[type] = (), engine: str | None = None) -> Checkpoint:
    """What `save` wrote. `make` puts its parts together: the class `GAN`, which saves itself by this file and is not
    imported here. `own`: classes of layers, losses and optimisers that are not the package's.

    `engine`: that of the networks, where it should not be the one they were saved with. Shapes are checked against
    the architecture before anything of their size is made. CheckpointError when the file is damaged, of a newer
    format, or names what is not known; OSError when it cannot be opened; ImportError for an engine that is not there.
    """
    function(make, "make", "GAN")
    if not isinstance(own, list | tuple) or not all(isinstance(cls, type) for cls in own):
        raise TypeError(f"own must be a list of classes, such as [Swish], got {own!r}")
    arrays = archive.read(path)
    try:
        meta = _read_meta(arrays.pop("meta", None))
        gan = _gan(make, meta, arrays, own, engine)
        rng = None if meta["rng"] is None else _generator(meta["rng"])
        extra = {name[6:]: arrays.pop(name) for name in list(arrays) if name.startswith("extra.")}
        if arrays:
            raise CheckpointError(f"holds the unknown array {min(arrays)[:80]!r}: a newer numpygan may have written it")
    except CheckpointError as error:
        raise CheckpointError(f"{path} {error}") from error
    return Checkpoint(gan, rng, extra, meta["format"])


def set_state(rng: np.random.Generator, saved: np.random.Generator | None, path: str | os.PathLike) -> None:
    """Put `rng` into the state that the checkpoint of that path held; ValueError where it held none for its kind."""
    wanted = type(generator(rng).bit_generator).__name__
    held = f"the state of a {type(saved.bit_generator).__name__}" if isinstance(saved, np.random.Generator) else ""
    if held != f"the state of a {wanted}":
        raise ValueError(f"{path} holds {held or 'no random state'}, not of a {wanted}: save with gan.save(path, rng), "
                         f"and load with a generator of the same kind")
    rng.bit_generator.state = saved.bit_generator.state              # type: ignore[union-attr]


def _read_meta(content):
    if content is None or content.dtype != np.uint8 or content.size > MAX_META:
        raise CheckpointError("has no description of a GAN: it is not a checkpoint of numpygan")
    try:
        meta = json.loads(content.tobytes())
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"has a description that is not JSON ({str(error)[:80]})") from error
    if not isinstance(meta, dict) or not _is_count(meta.get("format"), 1):
        raise CheckpointError("does not tell its format: it is not a checkpoint of numpygan")
    if meta["format"] > FORMAT:
        raise CheckpointError(f"has format {meta['format']}, written by numpygan {str(meta.get('numpygan'))[:20]}; "
                              f"this version, {__version__}, reads formats 1 to {FORMAT}: install a newer numpygan")
    if meta["format"] == 1:                # with steps, or without where every step has its row
        meta = {"steps": None} | meta
    if set(meta) != KEYS:
        odd = min(set(meta) ^ KEYS)
        how = "lacks the" if odd in KEYS else "has the unknown"
        raise CheckpointError(f"{how} key {odd[:80]!r} in its description")
    return meta


def _gan(make, meta, arrays, own, engine):
    G, D = (_load_network(name, meta[name], arrays, own, engine) for name in "GD")
    opt_G, opt_D = (_load_optimiser(name, meta[name], arrays, own, net) for name, net in (("opt_G", G), ("opt_D", D)))
    meta = meta | {"input_noise": schedule(meta["input_noise"])}
    for key, kind in (("simultaneous", bool), ("noise", str), ("input_noise", (int, float, *SCHEDULES)),
                      ("penalties", list)):
        if not isinstance(meta[key], kind):
            raise CheckpointError(f"has a description whose {key} is {str(meta[key])[:80]!r}")
    penalties = [restore(p, "penalty", own) for p in meta["penalties"]]
    try:
        gan = make(G, D, restore(meta["loss"], "loss", own), opt_G, opt_D, noise=meta["noise"], penalties=penalties,
                   input_noise=meta["input_noise"], simultaneous=meta["simultaneous"])
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"describes a GAN that cannot be ({error})") from error
    gan.position = _position(meta["position"])
    gan.history = _history(meta, arrays)
    return gan


def _history(meta, arrays):
    rows = _taken(arrays, "history", (None, len(COLUMNS)), np.dtype(float))
    if meta["columns"] != list(COLUMNS):
        raise CheckpointError(f"has a history of other columns than {', '.join(COLUMNS)}")
    steps = len(rows) if meta["steps"] is None and meta["format"] == 1 else meta["steps"]
    if not _is_count(steps, 0):
        raise CheckpointError("does not tell how many steps were taken")
    try:
        return History.of(steps, rows)
    except ValueError as error:
        raise CheckpointError(f"holds {error}") from error


def _load_network(name, meta, arrays, own, engine):
    if not isinstance(meta, dict) or set(meta) != {"d_in", "dtype", "engine", "layers"}:
        raise CheckpointError(f"does not describe {name} by d_in, dtype, engine and layers")
    d_in, dtype, layers = meta["d_in"], meta["dtype"], meta["layers"]
    if not _is_count(d_in, 1) or dtype not in ("float32", "float64") or not isinstance(layers, list):
        raise CheckpointError(f"describes {name} with d_in, dtype or layers that no network has")
    stack = [restore(layer, "layer", own) for layer in layers]
    theta = _taken(arrays, f"{name}.theta", (_parameters(name, stack, d_in),), np.dtype(dtype))
    try:
        net = Network(stack, d_in, rng=np.random.default_rng(0), dtype=dtype, engine=engine or meta["engine"])
        net.theta = theta
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"describes a {name} that cannot be made ({error})") from error
    if net.state.size:
        net.state = _taken(arrays, f"{name}.state", net.state.shape, net.state.dtype)
    return net


def _parameters(name, stack, d):
    """How many parameters the layers have, in whole numbers that cannot overflow, and without making one."""
    count = 0
    for layer in stack:
        try:
            shapes, d = layer.shapes(d)
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"describes a {name} whose layers do not fit ({error})") from error
        count += sum(math.prod(shape) for shape in shapes.values())
    return count


def _load_optimiser(name, meta, arrays, own, net):
    t = meta.pop("t", None) if isinstance(meta, dict) else None
    opt = restore(meta, "optimiser", own)
    if not _is_count(t, 0):
        raise CheckpointError(f"does not tell the steps of {name}")
    opt.t = t
    if t:
        opt.moments = {v: _taken(arrays, f"{name}.{v}", net.theta.shape, net.dtype) for v in opt.vectors}
    return opt


def _taken(arrays, name, shape, dtype):
    """Take one array out of `arrays`; it must have that shape (None: any length) and dtype, and be finite."""
    x = arrays.pop(name, None)
    if x is None:
        raise CheckpointError(f"lacks the array {name!r}")
    fits = x.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, x.shape, strict=True))
    if not fits or x.dtype != dtype:
        raise CheckpointError(f"holds {name!r} as {x.dtype} of shape {x.shape}, and its description asks for {dtype} "
                              f"of shape {shape}")
    if not np.isfinite(x).all():
        raise CheckpointError(f"holds NaN or infinity in {name!r}")
    return x


def _is_count(value, least):
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**63


def _position(position):
    if position is None:
        return None
    if not (isinstance(position, list) and len(position) == 3 and all(_is_count(v, 0) for v in position)):
        raise CheckpointError("does not tell its position in the data as batch, seed, index")
    return tuple(position)


def _generator(state):
    kind = state.get("bit_generator") if isinstance(state, dict) else None
    if kind not in GENERATORS:
        raise CheckpointError(f"names the unknown random generator {str(kind)[:80]!r}")
    rng = np.random.Generator(getattr(np.random, kind)(0))
    try:
        rng.bit_generator.state = _arrays(state)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise CheckpointError(f"holds a state that is none of {kind} ({str(error)[:80]})") from error
    return rng


def _arrays(state):
    if isinstance(state, dict):
        return {key: _arrays(value) for key, value in state.items()}
    return np.array(state, np.uint64) if isinstance(state, list) else state
