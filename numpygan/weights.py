"""The weights of a network to PyTorch and back: .npz files with the names and the layout of a `state_dict`.

    ng.weights.export(gan.G, "G.npz")              # here
    print(ng.weights.sequential(gan.G))            # the same network, as a line of PyTorch

    G.load_state_dict({k: torch.from_numpy(v) for k, v in np.load("G.npz").items()})               # there
    np.savez("G.npz", **{k: v.numpy() for k, v in G.state_dict().items()})

    ng.weights.load(gan.G, "G.npz")                # and back

PyTorch's Linear keeps its weight as (out, in), the transpose of W (in, out) here, and numbers the modules of an
`nn.Sequential` from 0 like the layers of a `Network`. Other names, such as "main.0.weight", are taken by their order.
"""
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from . import archive, functional
from .archive import CheckpointError
from .batchwise import BatchNorm
from .files import atomic
from .layers import Dense, Dropout, Layer, LeakyReLU, ReLU, Sigmoid, Tanh
from .network import Network, by_layer, check_network
from .spectral import SpectralDense

Arrays = dict[str, np.ndarray]
COUNTER = "num_batches_tracked"          # of BatchNorm1d, which uses it only where it has no momentum


def state_dict(net: Network) -> Arrays:
    """Copies of all parameters as PyTorch names them: "0.weight" (out, in), "0.bias", "1.running_mean", …

    A SpectralDense is told as the Linear it amounts to, with W / σ. ValueError for a layer with parameters that
    PyTorch does not have.
    """
    check_network(net, "net")
    told: Arrays = {}
    for i, (layer, p, s) in enumerate(by_layer(net)):
        if isinstance(layer, SpectralDense):
            p = dict(p, W=_normalised(p["W"], s["v"]))
        told |= {f"{i}.{name}": np.array(x, order="C") for name, x in _told(layer, p, s).items()}
    return told


def load_state_dict(net: Network, arrays: Mapping[str, np.ndarray]) -> None:
    """Put the weights of a PyTorch network of the same layers into `net`; float64 and float32 are converted.

    The names may be those of any modules: what counts is their order. ValueError, with nothing changed, where
    modules, shapes or dtypes do not fit, or a number is not finite.
    """
    if not isinstance(arrays, Mapping):
        raise TypeError(f"arrays must be a dictionary {{name: array}}, such as state_dict(net), got "
                        f"{type(arrays).__name__}")
    theta, state = check_network(net, "net").theta.copy(), net.state.copy()
    wanted = [(f"layer {i}, {layer!r}", _places(i, layer, p, s))
              for i, (layer, p, s) in enumerate(by_layer(net, theta, state)) if p]
    groups = _grouped(arrays)
    if len(groups) != len(wanted):
        raise ValueError(f"the network has {len(wanted)} layers with parameters, and these are of {len(groups)} "
                         f"modules ({', '.join(groups)[:200]})")
    for (which, places), (module, given) in zip(wanted, groups.items(), strict=True):
        if set(given) != set(places):
            raise ValueError(f"{which}, needs {', '.join(places)}, and module {module[:80]!r} has "
                             f"{', '.join(given)[:200]}")
        for name, place in places.items():
            place[...] = _checked(f"{module}.{name}", given[name], place)
    net.theta = theta
    if state.size:
        net.state = state


def export(net: Network, path: str | os.PathLike) -> Path:
    """Write `state_dict(net)` as .npz; whole or not at all."""
    arrays = state_dict(net)
    with atomic(path) as file:
        np.savez(file, **arrays)                                  # type: ignore[arg-type]
    return Path(path)


def load(net: Network, path: str | os.PathLike) -> None:
    """Put the weights in a .npz file into `net`, as `load_state_dict` does.

    What the file claims is compared with the network before memory is taken. CheckpointError (a ValueError) when it is
    damaged or does not fit; OSError when it cannot be opened.
    """
    check_network(net, "net")
    path = os.fspath(path)
    largest = 8 * max((p.size for p in net.params().values()), default=0) + (1 << 16)
    with archive.damage_named(path), zipfile.ZipFile(path) as file:
        members = archive.members(file, os.path.getsize(path), largest)
        arrays = {name: archive.array(file, info, ("float32", "float64", "int64")) for name, info in members.items()}
        try:
            load_state_dict(net, arrays)
        except ValueError as error:
            raise CheckpointError(f"does not fit this network: {error}") from error


def sequential(net: Network) -> str:
    """The network as one line of PyTorch, for `state_dict` to be loaded into; ValueError where it has no such layer."""
    modules, d = [], check_network(net, "net").d_in
    for layer in net.layers:
        made, d = _module(layer, d), layer.shapes(d)[1]
        modules.append(made)
    return f"nn.Sequential({', '.join(modules)})" + (".double()" if net.dtype == np.float64 else "")


# ------------------------------------------------------------------------------------------------ the two layouts

def _told(layer: Layer, p: Arrays, s: Arrays) -> Arrays:
    """The parameters of one layer by PyTorch's names."""
    if isinstance(layer, Dense):
        return {"weight": p["W"].T} | ({"bias": p["b"]} if layer.bias else {})
    if isinstance(layer, BatchNorm):
        return {"weight": p["gamma"], "bias": p["beta"], "running_mean": s["mean"], "running_var": s["var"],
                COUNTER: np.array(0)}
    if p:
        raise ValueError(f"{layer!r} has parameters, and PyTorch no layer of that kind: leave it out, or write its "
                         f"state_dict by hand")
    return {}


def _places(i: int, layer: Layer, p: Arrays, s: Arrays) -> Arrays:
    """Views of one layer's parameters by PyTorch's names and in its layout; writing there is loading."""
    if isinstance(layer, SpectralDense):
        raise ValueError(f"layer {i}, {layer!r}, divides its weights by their norm, which a state_dict of Linear does "
                         f"not tell: load into Dense")
    return {name: x for name, x in _told(layer, p, s).items() if name != COUNTER}


def _normalised(W: np.ndarray, v: np.ndarray) -> np.ndarray:
    """W / σ as an evaluation of SpectralDense has it."""
    return functional.spectral_norm(W, *functional.power_iteration(W, v))[0]


def _grouped(arrays: Mapping[str, np.ndarray]) -> dict[str, Arrays]:
    """{module: {"weight": …, "bias": …}} in the order of the file, without what PyTorch only counts."""
    groups: dict[str, Arrays] = {}
    for key, x in arrays.items():
        module, _, name = key.rpartition(".")
        if name != COUNTER:
            groups.setdefault(module, {})[name] = np.asarray(x)
    return groups


def _checked(key, x, place):
    if x.shape != place.shape or x.dtype.kind not in "fiu":
        raise ValueError(f"{key[:80]!r} must be numbers of shape {place.shape}, and is {x.dtype} of shape {x.shape}")
    with np.errstate(over="ignore"):
        x = x.astype(place.dtype)
    if not np.isfinite(x).all():
        raise ValueError(f"{key[:80]!r} holds NaN, infinity or a number too large for {place.dtype}")
    return x


def _module(layer: Layer, d: int) -> str:
    if isinstance(layer, Dense):
        return f"nn.Linear({d}, {layer.width}{'' if layer.bias else ', bias=False'})"
    if isinstance(layer, BatchNorm):
        return f"nn.BatchNorm1d({d}, eps={layer.eps}, momentum={layer.momentum})"
    if isinstance(layer, LeakyReLU):
        return f"nn.LeakyReLU({layer.slope})"
    if isinstance(layer, Dropout):
        return f"nn.Dropout({layer.rate})"
    for kind in (ReLU, Tanh, Sigmoid):
        if type(layer) is kind:
            return f"nn.{kind.__name__}()"
    raise ValueError(f"PyTorch has no module for {layer!r}: write one by hand")
