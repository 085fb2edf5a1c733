"""Dense layers fused with their activations give the numbers of layer by layer, and no other layer is fused."""
import copy
import pickle

import numpy as np
import pytest

import numpygan as ng
from numpygan import kernels
from numpygan.fused import DenseStack, SpectralStack, fuse
from numpygan.guests import Guest

LONG = [ng.Dense(7), ng.ReLU(), ng.Dense(6), ng.Dense(3), ng.LeakyReLU(0.2), ng.Tanh(), ng.Dense(4), ng.LeakyReLU(0.1),
        ng.Dense(2), ng.LeakyReLU(0.3), ng.Dense(5)]                    # three below Tanh and three above it


def pair(dtype, layers, seed=0, d_in=5, engine="numba"):
    """One network twice: as the compiled engine runs it, and layer by layer."""
    rng = np.random.default_rng(seed)
    nets = [ng.Network(layers, d_in, rng=np.random.default_rng(seed), dtype=dtype, engine=name)
            for name in ("numba", engine)]
    theta = rng.standard_normal(nets[0].theta.size) / 3                 # so small that tanh bends and does not end
    for net in nets:
        net.theta = theta
    nets[1]._stack = nets[1]._plain
    return nets


def short(activation):
    return [ng.Dense(7), activation, ng.Dense(4), ng.Tanh(), ng.Dense(3)]


def close(a, b, fan_in=7):
    eps = np.finfo(a.dtype).eps
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    size = max(np.abs(a).max(), np.abs(b).max(), 0.1)                   # terms of about 1 may add up to almost nothing
    assert np.abs(a - b).max() <= 50 * eps * np.sqrt(fan_in) * size


def kinds(stack):
    """Of a student's layer, that of itself: a network looks at what it returns."""
    return [(i, type(layer.layer if type(layer) is Guest else layer)) for i, layer in stack]


NETWORKS = {repr(a): short(a) for a in (ng.ReLU(), ng.LeakyReLU(0.2), ng.LeakyReLU(1.0), ng.LeakyReLU(0.0))} | {
    "one Dense": [ng.Dense(3)], "one with ReLU": [ng.Dense(3), ng.ReLU()], "long": LONG,
    "above Tanh": [ng.Tanh(), ng.Dense(9), ng.ReLU(), ng.Dense(2), ng.Dense(4), ng.ReLU()],
    "without bias": [ng.Dense(6, bias=False), ng.ReLU(), ng.Dense(8), ng.Dense(1), ng.ReLU(), ng.Dense(2, bias=False)],
    "spectral": [ng.SpectralDense(7), ng.LeakyReLU(0.2), ng.Tanh(), ng.SpectralDense(6), ng.SpectralDense(4), ng.ReLU(),
                 ng.Dense(1), ng.SpectralDense(3, bias=False)]}


# ------------------------------------------------------------------------------------------------- the same numbers

@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("n", [1, 6])
def test_forward_and_backward_equal_layer_by_layer(dtype, layers, n):
    fused, plain = pair(dtype, layers)
    assert any(isinstance(layer, DenseStack) for _, layer in fused._stack[0])
    rng = np.random.default_rng(1)
    x, dy = (rng.standard_normal((n, d)).astype(dtype) for d in (5, fused.d_out))
    (y, tape), (y2, tape2) = fused.forward(x), plain.forward(x)
    close(y, y2)
    for want_dx, want_g in [(True, True), (True, False), (False, True), (False, False)]:
        (dx, g), (dx2, g2) = fused.backward(tape, dy, want_dx, want_g), plain.backward(tape2, dy, want_dx, want_g)
        assert (dx is None) == (not want_dx)
        assert (g is None) == (not want_g)
        if want_dx:
            close(dx, dx2)
        if want_g:
            for name, of_parameter in fused.params(g).items():
                close(of_parameter, plain.params(g2)[name])


@pytest.mark.parametrize("engine", ["numba", "numpy"])
@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("n", [1, 6])
def test_second_derivatives_equal_those_layer_by_layer(layers, n, dtype, engine):
    """For the stack at the top dy is None; for those below what bends, such as Tanh, it is not."""
    fused, plain = pair(dtype, layers, engine=engine)
    rng, results = np.random.default_rng(2), []
    x, x_dot, dy_dot = (rng.standard_normal((n, d)).astype(dtype) for d in (5, 5, fused.d_out))
    for net in (fused, plain):
        _, tape = net.forward(x)
        y_dot, dots = net.jvp(tape, x_dot)
        results.append((y_dot, net.params(net.jvp_backward(tape, dots, dy_dot))))
    close(results[0][0], results[1][0])
    assert results[0][1].keys() == results[1][1].keys()
    for name, g in results[0][1].items():
        close(g, results[1][1][name])
    if isinstance(layers[-1], ng.Dense) and layers[-1].bias:
        assert np.all(results[0][1][f"{len(layers) - 1}.b"] == 0)     # ẏ of the top layer does not depend on its b


def test_a_training_pass_proposes_the_same_state(dtype, rng):
    """In evaluation, none; the pass itself is the same, and the old state stays as it was."""
    nets = pair(dtype, NETWORKS["spectral"])
    x = rng.standard_normal((6, 5)).astype(dtype)
    before = nets[0].state.copy()
    (y, tape), (y2, tape2) = (net.forward(x, rng) for net in nets)
    close(y, y2)
    close(tape.state, tape2.state)
    assert np.abs(tape.state - before).max() > 1e-3
    assert nets[0].state.tobytes() == before.tobytes()
    y3, tape3 = nets[0].forward(x)
    assert y3.tobytes() == y.tobytes()
    assert tape3.state is None


@pytest.mark.parametrize("given", [True, False])
def test_a_stack_passes_on_what_it_is_asked_for(given, dtype, rng):
    """dx and dx_dot of a stack of three, with dy and without, beside those of its layers: g is added up from both."""
    layers = [*LONG[:5]]
    fused, plain = pair(dtype, layers)
    x, x_dot, dy, dy_dot = (rng.standard_normal((6, d)).astype(dtype) for d in (5, 5, 3, 3))
    results = []
    for net in (fused, plain):
        _, tape = net.forward(x)
        _, dots = net.jvp(tape, x_dot)
        ops, stack, slots = net._run(x.dtype)
        g, up = np.full_like(net.theta, np.nan), dy if given else None
        down, views = dy_dot, net._views(net.theta, slots)
        places = ng.slots.cut(g, slots)
        for (i, layer), cache, dot in zip(reversed(stack), reversed(tape.caches), reversed(dots), strict=True):
            c = ng.layers.Context(ops, None, True, out=places[i])
            up, down, of_layer = layer.jvp_backward(views[i], cache, dot, up, down, c)
            net._collect(i, of_layer, places[i])
        results.append((up, down, g))
    for got, expected in zip(*results, strict=True):
        assert (got is None) == (expected is None)
        if got is not None:
            close(got, expected)
    assert (results[0][0] is None) == (not given)


def test_nan_is_not_silent():
    for slope in (0.0, 0.2, 1.0):
        theta = np.array([1, 0, 0, 1, 0, 0], np.float32)
        x = np.array([[np.nan, 1]], np.float32)
        assert np.isnan(kernels.mlp(x, theta, (2, 2), (slope,))[0]).all()


def test_a_pass_at_complex_numbers_in_between_changes_nothing(dtype, rng):
    """It goes layer by layer, and so with other views of the same vector."""
    fused, plain = pair(dtype, LONG)
    x, dy = rng.standard_normal((4, 5)).astype(dtype), rng.standard_normal((4, 5)).astype(dtype)
    y, tape = fused.forward(x)
    expected = [a.tobytes() for a in (y, *fused.backward(tape, dy))]
    bent, bent_tape = fused.forward(x + 1j * 1e-3)
    assert bent.dtype.kind == "c"
    np.testing.assert_array_equal(bent, plain.forward(x + 1j * 1e-3)[0])
    for t, d in ((bent_tape, dy), (tape, dy), (bent_tape, 1j * dy), (tape, 1j * dy)):
        fused.backward(t, d)
    again, tape = fused.forward(x)
    assert [a.tobytes() for a in (again, *fused.backward(tape, dy))] == expected


@pytest.mark.parametrize("other", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["copy", "pickle"])
def test_a_copy_runs_the_same_stack_with_parameters_of_its_own(other, rng):
    net = ng.MLP([3, 8, 8, 2], rng=np.random.default_rng(0), engine="numba")
    x = rng.standard_normal((5, 3)).astype(np.float32)
    y, clone = net(x), other(net)
    assert clone(x).tobytes() == y.tobytes()
    clone.theta = np.zeros_like(net.theta)
    assert not clone(x).any()
    assert net(x).tobytes() == y.tobytes()


# ---------------------------------------------------------------------------------------------- what is fused, and how

class MyDense(ng.Dense):
    """A student's own."""


class MySpectral(ng.SpectralDense):
    """That of another."""


class MyReLU(ng.ReLU):
    """And another."""


class MyLeakyReLU(ng.LeakyReLU):
    """And a third."""


RUNS = [
    ([ng.Dense(3)], [0], [((5, 3), (1.0,))]),
    ([ng.Dense(3), ng.ReLU()], [0], [((5, 3), (0.0,))]),
    ([ng.Dense(3), ng.Dense(4), ng.Dense(2)], [0], [((5, 3, 4, 2), (1.0, 1.0, 1.0))]),
    ([ng.ReLU(), ng.Dense(3)], [0, 1], [None, ((5, 3), (1.0,))]),
    ([ng.Dense(3), ng.ReLU(), ng.ReLU(), ng.Dense(2)], [0, 2, 3], [((5, 3), (0.0,)), None, ((3, 2), (1.0,))]),
    (LONG, [0, 5, 6], [((5, 7, 6, 3), (0.0, 1.0, 0.2)), None, ((3, 4, 2, 5), (0.1, 0.3, 1.0))]),
    ([ng.Dense(3), MyReLU(), ng.Dense(2), ng.LeakyReLU(1.0)], [0, 1, 2], [((5, 3), (1.0,)), None, ((3, 2), (1.0,))]),
    ([ng.Dense(3, bias=False), ng.ReLU(), MyDense(3), ng.ReLU(), ng.Dense(3), ng.Sigmoid()], [0, 1, 2, 3, 4, 5],
     [None, None, None, None, ((3, 3), (1.0,)), None]),
    ([ng.Dense(4), ng.ReLU(), ng.Dense(3, bias=False), ng.Dense(2), ng.ReLU()], [0, 2, 3],
     [((5, 4), (0.0,)), None, ((3, 2), (0.0,))]),
    ([ng.Dense(3), MyLeakyReLU(0.2), ng.Dense(2)], [0, 1, 2], [((5, 3), (1.0,)), None, ((3, 2), (1.0,))]),
    ([ng.Dense(4), MyDense(4), ng.Dense(3)], [0, 1, 2], [((5, 4), (1.0,)), None, ((4, 3), (1.0,))]),
    ([ng.Dense(4), ng.LeakyReLU(), ng.Dropout(0.5), ng.Dense(3), ng.ReLU()], [0, 2, 3],
     [((5, 4), (ng.LeakyReLU().slope,)), None, ((4, 3), (0.0,))]),
    ([ng.Dense(4), ng.BatchNorm(), ng.ReLU(), ng.Dense(3)], [0, 1, 2, 3], [((5, 4), (1.0,)), None, None,
                                                                           ((4, 3), (1.0,))]),
    ([ng.SpectralDense(4), ng.ReLU(), ng.SpectralDense(3), ng.Dense(2), MySpectral(2), ng.SpectralDense(1, bias=False)],
     [0, 2, 3, 4, 5], [((5, 4), (0.0,)), ((4, 3), (1.0,)), ((3, 2), (1.0,)), None, None])]


@pytest.mark.parametrize(("layers", "at", "made"), RUNS, ids=lambda v: str(len(v)))
def test_runs_of_plain_dense_layers_are_fused_as_far_as_they_go(layers, at, made):
    """With a bias each, and a ReLU or leaky ReLU above or none: nothing else, and no class made from these."""
    net = ng.Network(layers, 5, rng=np.random.default_rng(0), engine="numba")
    before = [list(slots) for slots in net._slots]
    stack, slots = fuse(net.layers, net._slots)
    assert kinds(stack) == kinds(net._stack[0])
    assert slots == net._stack[1]
    assert net._slots == before                                           # they stay those of the layers
    assert [i for i, _ in stack] == at
    assert [(layer.sizes, layer.slopes) if isinstance(layer, DenseStack) else None for _, layer in stack] == made
    for i, layer in stack:
        kind = {ng.Dense: DenseStack, ng.SpectralDense: SpectralStack}.get(type(layers[i]))
        assert type(layer) is kind if isinstance(layer, DenseStack) else layer is layers[i]
    for of_stack in made:
        for number in (of_stack[0] if of_stack else ()):
            assert type(number) is int
        for slope in (of_stack[1] if of_stack else ()):
            assert type(slope) is float


@pytest.mark.parametrize(("layers", "at", "made"), RUNS, ids=lambda v: str(len(v)))
def test_a_stack_has_the_parameters_of_its_layers_in_one_piece(layers, at, made):
    net = ng.Network(layers, 5, rng=np.random.default_rng(0), engine="numba")
    stack, slots = net._stack
    assert len(slots) == len(layers)
    net.theta = np.arange(net.theta.size)
    views, plain = ng.slots.cut(net.theta, slots), ng.slots.cut(net.theta, net._slots)
    ends = [*at[1:], len(layers)]
    for (i, layer), end in zip(stack, ends, strict=True):
        if isinstance(layer, DenseStack):
            assert list(views[i]) == ["theta"]
            assert views[i]["theta"].tolist() == [v for p in plain[i:end] for of in p.values() for v in of.ravel()]
            assert not any(views[i + 1:end])
        else:
            assert slots[i] == net._slots[i]
    assert sum(v.size for p in views for v in p.values()) == net.theta.size


def test_the_numpy_engine_runs_the_layers_themselves():
    net = ng.Network(LONG, 3, rng=np.random.default_rng(0), engine="numpy")
    assert [layer for _, layer in net._stack[0]] == LONG
    assert net._stack[1] == net._slots


def test_a_stack_is_one_call(monkeypatch, rng):
    """And it is asked for no dx that nobody wants."""
    net, asked = ng.MLP([3, 8, 8, 2], rng=np.random.default_rng(0), engine="numba"), []
    up, down = kernels.mlp, kernels.mlp_backward
    monkeypatch.setattr(kernels, "mlp", lambda *args: asked.append("up") or up(*args))
    monkeypatch.setattr(kernels, "mlp_backward", lambda *args: asked.append(("down", args[-1])) or down(*args))
    y, tape = net.forward(rng.standard_normal((5, 3)).astype(np.float32))
    net.backward(tape, y)
    net.backward(tape, y, want_dx=False)
    assert asked == ["up", ("down", True), ("down", False)]


@pytest.mark.parametrize(("output", "calls"), [("identity", ["mlp_jvp_backward"]),
                                               ("tanh", ["mlp_jvp_backward", "mlp_backward"])])
def test_a_second_derivative_asks_for_no_dx_that_nobody_wants(monkeypatch, output, calls, rng):
    """One call for the tangents, and once more below a layer that bends."""
    net, asked = ng.MLP([3, 8, 8, 2], output=output, rng=np.random.default_rng(0), engine="numba"), []
    x = rng.standard_normal((5, 3)).astype(np.float32)
    y, tape = net.forward(x)
    _, dots = net.jvp(tape, x)
    for name in ("mlp_backward", "mlp_jvp_backward"):
        down = getattr(kernels, name)
        monkeypatch.setattr(kernels, name, lambda *args, name=name, down=down: (
            asked.append((name, args[-1])) or down(*args)))
    net.jvp_backward(tape, dots, y)
    assert asked == [(name, False) for name in calls]
