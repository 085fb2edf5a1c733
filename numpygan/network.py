"""A network: a stack of layers over one flat vector of parameters, and one of what no gradient learns."""
import copy
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from . import engine as engines
from . import functional
from . import init as initial
from .checks import generator, kind, numeric, plain, precision, told, whole
from .fused import fuse
from .guests import declared, initialise, welcome
from .layers import Context, Dense, Layer, LeakyReLU, Params, ReLU, Sigmoid, Tanh, differentiates_twice
from .slots import cut, layout, renewed

ACTIVATIONS = {"leaky_relu": LeakyReLU, "relu": ReLU, "tanh": Tanh, "sigmoid": Sigmoid}


class Tape(NamedTuple):
    """What one forward pass leaves for its backward pass. A value: any number of tapes can live at once."""
    net: "Network"
    theta: np.ndarray          # the parameters the pass was run at
    version: int | None        # of the network, if they were its own
    shape: tuple[int, ...]     # of the output
    dtype: np.dtype            # of the output
    caches: list[Any]
    state: np.ndarray | None = None    # what the network should remember after this pass, if it should


class Network:
    """y = f_L(… f_2(f_1(x))): the layers in order, the parameters of all in one vector `theta`.

    Per layer, in order, each parameter raveled in C order: W (in, out), then b. `params()` gives named views. A second
    vector, `state`, holds in the same order what the layers remember (running means, …); empty for most networks.
    `layers` are `Layer` objects, `d_in` the number of input columns, `rng` draws the initial values.
    """

    def __init__(self, layers: Sequence[Layer], d_in: int, *, rng: np.random.Generator,
                 dtype: Any = np.float32, engine: str | None = None):
        generator(rng)
        dtype, d_in = precision(dtype), whole(d_in, "d_in")
        self.layers = list(layers) if isinstance(layers, list | tuple) else []
        if not self.layers or not all(isinstance(layer, Layer) for layer in self.layers):
            raise TypeError("layers must be a list of at least one numpygan Layer object, such as [Dense(8), Tanh()]")
        self.engine = engines.name_of(engine)
        self.version = 0
        self.d_in, self.d_out = d_in, d_in
        shapes, state, run = [], [], []
        for i, layer in enumerate(self.layers):
            width = self.d_out
            remembered_by, of_layer, self.d_out = declared(layer, i, width)
            state.append(remembered_by)
            shapes.append(of_layer)
            run.append(welcome(layer, i, width, self.d_out))
        # Does every row pass through alone, with nothing drawn? Then batches can be stacked and split at will.
        self.rowwise = not any(layer.draws or layer.batchwise for layer in self.layers)
        self.twice = all(map(differentiates_twice, self.layers))   # can every layer be, through `jvp`?
        self._slots, size = layout(shapes)
        self._plain = list(enumerate(run)), self._slots             # what runs, and where its parameters stand
        self._stack = fuse(run, self._slots) if self.engine == "numba" else self._plain
        self._lowest = next((i for i, slots in enumerate(self._slots) if slots), len(self.layers))
        self._kept: Any = None                                      # (vector, slots, views): see `_views`
        self._state_slots, remembered = layout([{name: np.shape(v) for name, v in s.items()} for s in state])
        self._theta = np.zeros(size, dtype)
        self._state = renewed(np.zeros(remembered, dtype), self._state_slots, state)
        self.remembers = remembered > 0                             # has it a state?
        for i, (layer, p, s) in enumerate(by_layer(self)):
            initialise(layer, i, p, s, rng)

    # ------------------------------------------------------------------------------------------ parameters

    @property
    def theta(self) -> np.ndarray:
        """All parameters, one vector. Assigning copies into it and makes older tapes stale."""
        return self._theta

    @theta.setter
    def theta(self, value):
        if value is not self._theta:
            if np.iscomplexobj(value):
                raise TypeError(f"the parameters of a network are {self.dtype} and cannot become complex: use "
                                f"forward(x, theta=...) to run it at complex ones")
            self._theta[...] = self._parameters(value)
        self.version += 1

    @property
    def dtype(self) -> np.dtype:
        return self._theta.dtype

    @property
    def range(self) -> tuple[float, float]:
        """The values that the output can take."""
        return self.layers[-1].range

    def params(self, theta: np.ndarray | None = None) -> Params:
        """Named views of `theta` (its own, or another vector of that length): {"0.W": (in, out), "0.b": (out,), …}."""
        views = cut(self._theta if theta is None else self._parameters(theta), self._slots)
        return {f"{i}.{name}": v for i, p in enumerate(views) for name, v in p.items()}

    def _views(self, theta, slots):
        """The named views of each layer. Those of the network's own vector are made once and kept beside it."""
        if theta is not self._theta:
            return cut(theta, slots)
        if self._kept is None or self._kept[0] is not theta or self._kept[1] is not slots:
            self._kept = theta, slots, [MappingProxyType(views) for views in cut(theta, slots)]
        return self._kept[2]

    def __copy__(self):
        """A copy has parameters of its own; a step changes them in place, and would change both."""
        return copy.deepcopy(self)

    def __getstate__(self):
        """A copy or a pickle makes views of its own vector: copied ones would be detached from it."""
        return self.__dict__ | {"_kept": None}

    def _parameters(self, theta):
        theta = numeric(theta, "theta", "biufc")
        if theta.shape != self._theta.shape:
            raise ValueError(f"theta must be a vector of {self._theta.size} parameters, got shape {theta.shape}")
        return theta if np.iscomplexobj(theta) else theta.astype(self.dtype, copy=False)

    # ----------------------------------------------------------------------------------------------- state

    @property
    def state(self) -> np.ndarray:
        """All that the layers remember, one read-only vector. Assigning replaces it; tapes keep the one they saw."""
        view = self._state.view()
        view.flags.writeable = False
        return view

    @state.setter
    def state(self, value):
        value = numeric(value, "state")
        if value.shape != self._state.shape:
            raise ValueError(f"state must be a vector of {self._state.size} numbers, got shape {value.shape}")
        self._state = value.astype(self.dtype)

    def commit(self, *tapes: Tape) -> None:
        """state ← state + mean over the tapes of (tape.state − state): remember what these training passes saw.

        For the network's own step alone. ValueError for tapes of another network, of other parameters, or older
        than the step that was just taken. A tape without new state (of an evaluation) leaves everything as it is.
        """
        for tape in tapes:
            if not isinstance(tape, Tape) or tape.net is not self or tape.version is None:
                raise ValueError("commit takes tapes that this network recorded at its own parameters")
            if tape.version < self.version - 1:
                raise ValueError(f"this tape is older than the last step of its network (version {tape.version}, now "
                                 f"{self.version}): what it saw is out of date")
        new = [tape.state for tape in tapes if tape.state is not None]
        if new:
            self._state = sum(new[1:], new[0]) / self.dtype.type(len(new))

    # ---------------------------------------------------------------------------------------------- passes

    def __call__(self, x: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """The output alone; no tape is kept.   x (n, d_in) -> y (n, d_out)."""
        return self.forward(x, rng)[0]

    def forward(self, x: np.ndarray, rng: np.random.Generator | None = None,
                theta: np.ndarray | None = None) -> tuple[np.ndarray, Tape]:
        """y = f(x; θ), and the tape for `backward`.   x (n, d_in) -> y (n, d_out), tape.

        With `rng`, a training pass (dropout and its like draw from it); without, an evaluation. `theta` runs the
        network at other parameters, complex ones included. Changes nothing that outlives it: new state is on the tape.
        """
        own = theta is None
        if rng is not None:
            generator(rng)
        theta = self._theta if own else self._parameters(theta).copy()      # a tape keeps the values of this moment
        x = self._input(x, theta)
        ops, stack, slots = self._run(x.dtype)
        views, contexts, caches = self._views(theta, slots), self._contexts(Context(ops, rng)), []
        for i, layer in stack:
            x, cache = layer.forward(views[i], x, contexts[i])
            caches.append(cache)
        state = None if rng is None or not self.remembers else self._proposed(contexts)
        return x, Tape(self, theta, self.version if own else None, x.shape, x.dtype, caches, state)

    def backward(self, tape: Tape, dy: np.ndarray, want_dx: bool = True, want_g: bool = True) -> tuple[Any, Any]:
        """dx = J_xᵀ dy,   g = J_θᵀ dy, layer by layer from the top                               Eq. (2.13)

        dy (n, d_out) -> dx (n, d_in) and g, one flat gradient shaped like theta; None for what is not wanted.
        ValueError for a tape of another network, or one older than the last update of this one.
        """
        dy = self._upstream(tape, dy)
        if dy.dtype.kind == "c" and tape.dtype.kind != "c":             # linear in dy: real and imaginary part apart
            (dx_r, g_r), (dx_i, g_i) = (self.backward(tape, part, want_dx, want_g) for part in (dy.real, dy.imag))
            return (dx_r + 1j * dx_i if want_dx else None), (g_r + 1j * g_i if want_g else None)
        ops, stack, slots = self._run(tape.dtype)
        g = np.empty(self._theta.shape, dy.dtype) if want_g else None
        views, places = self._views(tape.theta, slots), [{}] * len(self.layers) if g is None else cut(g, slots)
        lowest = 0 if want_dx else self._lowest                         # nobody needs a dx below it
        dx = dy
        for k in reversed(range(len(stack))):
            i, layer = stack[k]
            if i < lowest:
                break
            c = Context(ops, None, want_dx or i > lowest, want_g, places[i])
            dx, grads = layer.backward(views[i], tape.caches[k], dx, c)
            if grads is not places[i]:
                self._collect(i, grads, places[i])
        return (dx if want_dx else None), g

    def jvp(self, tape: Tape, x_dot: np.ndarray) -> tuple[np.ndarray, list[Any]]:
        """ẏ = J_x ẋ: how the output moves when the input moves along ẋ                          Eq. (10.6)

        x_dot (n, d_in) -> y_dot (n, d_out), and what `jvp_backward` needs. Every layer must have `jvp`.
        """
        self._current(tape)
        x_dot = self._input(x_dot, tape.theta)
        ops, stack, slots = self._run(tape.dtype)
        c, views, dots = Context(ops), self._views(tape.theta, slots), []
        for (i, layer), cache in zip(stack, tape.caches, strict=True):
            x_dot, dot = layer.jvp(views[i], cache, x_dot, c)                # type: ignore[attr-defined]
            dots.append(dot)
        return x_dot, dots

    def jvp_backward(self, tape: Tape, dots: list[Any], dy_dot: np.ndarray) -> np.ndarray:
        """g = ∂/∂θ Σ dẏ · ẏ with ẋ and dẏ held fixed                                            Eq. (10.7)

        dy_dot (n, d_out) -> g, one flat gradient shaped like theta.
        """
        dy_dot = self._upstream(tape, dy_dot)
        if not isinstance(dots, list) or len(dots) != len(tape.caches):
            raise TypeError(f"dots must be what jvp returned with this tape, a list of {len(tape.caches)}, got "
                            f"{told(dots)}")
        ops, stack, slots = self._run(tape.dtype)
        g = np.empty(self._theta.shape, tape.dtype)
        views, places, lowest, dy = self._views(tape.theta, slots), cut(g, slots), self._lowest, None
        for (i, layer), cache, dot in zip(reversed(stack), reversed(tape.caches), reversed(dots), strict=True):
            if i < lowest:
                break
            c = Context(ops, None, i > lowest, out=places[i])
            dy, dy_dot, grads = layer.jvp_backward(views[i], cache, dot, dy, dy_dot, c)   # type: ignore[attr-defined]
            self._collect(i, grads, places[i], "jvp_backward")
        return g

    def _run(self, dtype):
        """The functions, layers and slots of a pass in this dtype: a complex one runs `functional`, layer by layer."""
        if dtype.kind == "c":
            return functional, *self._plain
        stack, slots = self._stack
        return engines.ops(self.engine), stack, slots

    def _contexts(self, c):
        """The context of each layer: c itself, or for one that remembers, c with its state and room for a new one."""
        if not self.remembers:
            return [c] * len(self.layers)
        return [Context(c.ops, c.rng, state=s, new={}) if s else c for s in cut(self.state, self._state_slots)]

    def _proposed(self, contexts):
        """The state with what the layers propose in these contexts; None where none of them proposes anything."""
        new = [c.new for c in contexts]
        return renewed(self._state, self._state_slots, new) if any(new) else None

    def _input(self, x, theta):
        if (type(x) is np.ndarray and x.dtype == theta.dtype == self._theta.dtype and x.shape[1:] == (self.d_in,)
                and len(x)):
            return x                                                    # as it nearly always is
        plain(x, "the input of the network")
        x = np.asarray(x)
        dtype = np.complex128 if np.iscomplexobj(x) or np.iscomplexobj(theta) else self.dtype
        if x.ndim != 2 or x.shape[1] != self.d_in or x.shape[0] == 0 or x.dtype.kind not in "fciub":
            raise ValueError(f"the network takes numbers of shape (n, {self.d_in}) with n >= 1, "
                             f"got shape {x.shape} of {x.dtype}")
        return x.astype(dtype, copy=False)

    def _current(self, tape):
        if not isinstance(tape, Tape):
            raise TypeError(f"tape must be what forward returned beside the output, got {type(tape).__name__}")
        if tape.net is not self:
            raise ValueError("this tape was recorded by another network: run backward on the network whose forward "
                             "returned it")
        if tape.version is not None and tape.version != self.version:
            raise ValueError(f"this tape is older than the last update of its network (version {tape.version}, now "
                             f"{self.version}): run forward again before backward")

    def _upstream(self, tape, dy):
        self._current(tape)
        if type(dy) is np.ndarray and dy.dtype == tape.dtype and dy.shape == tape.shape:
            return dy
        dy = numeric(dy, "dy", "biufc")
        if dy.shape != tape.shape:
            raise ValueError(f"dy must have the shape of the output, {tape.shape}, got {dy.shape}")
        return dy.astype(np.complex128 if np.iscomplexobj(dy) else tape.dtype, copy=False)

    def _collect(self, i, grads, places, by="backward"):
        for name, place in places.items():
            d = grads.get(name)
            array = isinstance(d, np.ndarray | np.generic)
            if not array or d.shape != place.shape or d.dtype.kind == "c" != place.dtype.kind:
                got = f"{d.shape} {d.dtype}" if array else kind(d)
                raise ValueError(f"{by} of layer {i}, {self.layers[i]!r}, must return the gradient of {name!r} as an "
                                 f"array {place.shape} {place.dtype}, got {got}")
            if d is not place:
                place[...] = d

    # ----------------------------------------------------------------------------------------------- a table

    def __repr__(self) -> str:
        rows, d = [("input", f"(n, {self.d_in})", "")], self.d_in
        for i, layer in enumerate(self.layers):
            _, d = layer.shapes(d)
            count = sum(b - a for _, a, b, _ in self._slots[i])
            rows.append((f"{i}  {layer!r}", f"(n, {d})", f"{count:,}" if count else ""))
        rows.append((f"{self.dtype}, engine {self.engine}", "parameters", f"{self._theta.size:,}"))
        widths = [max(len(row[k]) for row in rows) for k in range(3)]
        return "\n".join(f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in rows)


def MLP(sizes: Sequence[int], hidden: str | Layer = "leaky_relu", output: str | Layer = "identity", *,
        rng: np.random.Generator, dtype: Any = np.float32, engine: str | None = None) -> Network:
    """A multilayer perceptron: Dense layers of the given sizes, `hidden` after each but the last, `output` after that.

    MLP([2, 128, 128, 1]) has two hidden layers of 128. `hidden` and `output` name an activation ("leaky_relu" with
    slope 0.2, "relu", "tanh", "sigmoid", "identity") or are one. He initialisation below ReLU and its like,
    Glorot elsewhere.
    """
    if not isinstance(sizes, list | tuple | np.ndarray) or len(sizes) < 2:
        raise ValueError(f"sizes must name the input width and at least one output width, such as [2, 128, 1], got "
                         f"{told(sizes)}")
    layers: list[Layer] = []
    for i, width in enumerate(sizes[1:], start=1):
        above = activation(hidden if i < len(sizes) - 1 else output)
        layers.append(Dense(width, init=init_below(above)))
        if above is not None:
            layers.append(above)
    return Network(layers, sizes[0], rng=rng, dtype=dtype, engine=engine)


def by_layer(net: Network, theta: np.ndarray | None = None, state: np.ndarray | None = None) -> Iterator[tuple]:
    """(layer, its parameters, its state) from below: views of these vectors, by default of the network's own."""
    return zip(net.layers, cut(net._theta if theta is None else theta, net._slots),
               cut(net._state if state is None else state, net._state_slots), strict=True)


def check_network(net: Any, name: str) -> Network:
    """`net` itself; TypeError unless it is a `Network`."""
    if not isinstance(net, Network):
        raise TypeError(f"{name} must be a Network, such as MLP([2, 128, 1], rng=rng) makes, got {type(net).__name__}")
    return net


def activation(which: str | Layer) -> Layer | None:
    """The layer of that name, or the layer itself; None for "identity"."""
    if isinstance(which, Layer):
        return which
    if which == "identity":
        return None
    if which not in ACTIVATIONS:
        raise ValueError(f"unknown activation {which!r}: choose one of {', '.join(ACTIVATIONS)}, identity, "
                         f"or pass a layer")
    return ACTIVATIONS[which]()


def init_below(layer: Layer | None) -> Callable:
    """What fills the weights below that activation: He where it is a ReLU or its like, Glorot elsewhere."""
    return initial.he if isinstance(layer, ReLU | LeakyReLU) else initial.glorot
