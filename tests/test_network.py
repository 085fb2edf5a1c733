"""The network: one flat vector, tapes as values, gradients on request, nothing promoted, nothing changed in passing."""
import copy
import pickle
import re

import numpy as np
import pytest

import numpygan as ng

EPS = np.finfo(float).eps
STEP = 1e-20                                    # of the complex step: no subtraction, so no rounding
RNG = np.random.default_rng(0)                  # where the values drawn do not matter


def mlp(rng, sizes=(3, 5, 4, 2), hidden="tanh", output="identity", dtype=np.float64, engine="numpy"):
    net = ng.MLP(list(sizes), hidden, output, rng=rng, dtype=dtype, engine=engine)
    net.theta = rng.standard_normal(net.theta.size) / 2          # biases too
    return net


def error(a, b):
    """DESIGN §6: max|a − b| relative to the largest entry."""
    return np.abs(a - b).max() / max(np.abs(a).max(), np.abs(b).max(), 1e-12)


def numeric_gradient(net, x, dy):
    """∂⟨dy, f(x; θ)⟩/∂θ by the complex step, parameter by parameter."""
    g = np.empty(net.theta.size)
    for i in range(g.size):
        theta = net.theta.astype(complex)
        theta[i] += 1j * STEP
        g[i] = np.sum(dy * net.forward(x, theta=theta)[0].imag) / STEP
    return g


class Spy(ng.Layer):
    """The identity, with a list of what it is shown: (pass, dtype, want_dx, want_g)."""

    def __init__(self):
        self.seen = []

    def forward(self, p, x, c):
        self.seen.append(("forward", x.dtype, c.want_dx, c.want_g))
        return x, None

    def backward(self, p, cache, dy, c):
        self.seen.append(("backward", dy.dtype, c.want_dx, c.want_g))
        return dy, {}


class Gain(ng.Layer):
    """y = a x with one parameter a, as lists of calls show when dx is asked for."""

    def __init__(self):
        self.wanted = []

    def shapes(self, d_in):
        return {"a": (1,)}, d_in

    def init(self, p, rng):
        p["a"][...] = 2

    def forward(self, p, x, c):
        return p["a"] * x, x

    def backward(self, p, x, dy, c):
        self.wanted.append((c.want_dx, c.want_g))
        return (p["a"] * dy if c.want_dx else None), {"a": (dy * x).sum(keepdims=True)[0]}


# ------------------------------------------------------------------------------------------------ parameters


def test_theta_holds_each_layers_W_in_C_order_and_then_its_b(rng, engine):
    net = mlp(rng, engine=engine)
    W0, b0, W1, b1, W2, b2 = np.split(net.theta, np.cumsum([15, 5, 20, 4, 8]))
    x = rng.standard_normal((6, 3))
    y = np.tanh(np.tanh(x @ W0.reshape(3, 5) + b0) @ W1.reshape(5, 4) + b1) @ W2.reshape(4, 2) + b2
    assert error(net(x), y) <= 50 * EPS
    assert list(net.params()) == ["0.W", "0.b", "2.W", "2.b", "4.W", "4.b"]
    assert np.array_equal(net.params()["2.W"], W1.reshape(5, 4))


def test_params_are_views_of_theta_or_of_another_vector(rng):
    net = mlp(rng)
    net.params()["0.b"][:] = 7
    assert (net.theta[15:20] == 7).all()
    other = np.zeros_like(net.theta)
    net.params(other)["4.W"][:] = 3
    assert other.sum() == 3 * 8
    assert not (net.params()["4.W"] == 3).any()


def test_assigning_theta_copies_into_the_vector_and_counts(rng):
    net = mlp(rng)
    vector, version = net.theta, net.version
    values = np.arange(net.theta.size)
    net.theta = values
    assert net.theta is vector
    assert not np.shares_memory(vector, values)
    assert np.array_equal(vector, values)
    net.theta += 1
    assert net.theta is vector
    assert net.version == version + 2


def test_one_seed_gives_the_same_network_in_both_precisions_and_engines():
    nets = [ng.MLP([3, 8, 2], rng=np.random.default_rng(5), dtype=t, engine=e)
            for t in (np.float32, np.float64) for e in ("numpy", "numba")]
    assert all(np.array_equal(net.theta, nets[2].theta.astype(net.dtype)) for net in nets)
    assert [net.dtype for net in nets] == [np.float32, np.float32, np.float64, np.float64]


def test_the_printed_table_has_shapes_and_counts():
    text = repr(ng.MLP([64, 128, 10], rng=np.random.default_rng(0), engine="numpy", output="tanh"))
    lines = text.splitlines()
    assert [line.split()[-1] for line in lines if "Dense" in line] == ["8,320", "1,290"]     # 64·128 + 128, …
    assert ["(n, 64)" in lines[0], "(n, 128)" in lines[1], "(n, 10)" in lines[3]] == [True] * 3
    assert lines[-1].split() == ["float32,", "engine", "numpy", "parameters", "9,610"]
    assert not any(line.endswith(" ") for line in lines)


# ------------------------------------------------------------------------------------- the gradient, Eq. (2.13)


def test_a_gradient_worked_out_by_hand(engine):
    """y = 3 relu(2 x₁ − x₂ + 1) + 5 at x = (1, 2) and (0, 4), dy = (1, 10): the second row is switched off."""
    net = ng.Network([ng.Dense(1), ng.ReLU(), ng.Dense(1)], 2, rng=RNG, dtype=np.float64, engine=engine)
    net.theta = [2, -1, 1, 3, 5]
    y, tape = net.forward(np.array([[1.0, 2.0], [0.0, 4.0]]))
    assert y.tolist() == [[8.0], [5.0]]
    dx, g = net.backward(tape, np.array([[1.0], [10.0]]))
    assert dx.tolist() == [[6.0, -3.0], [0.0, 0.0]]
    assert g.tolist() == [3.0, 6.0, 3.0, 1.0, 11.0]              # dW₁ = x·3, db₁ = 3, dW₂ = Σ dy relu, db₂ = Σ dy


@pytest.mark.parametrize("hidden", ["tanh", "sigmoid", "relu", "leaky_relu"])
def test_every_parameter_and_input_against_the_complex_step(rng, engine, hidden):
    net = mlp(rng, hidden=hidden, engine=engine)
    x, dy = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    y, tape = net.forward(x)
    dx, g = net.backward(tape, dy)
    assert error(g, numeric_gradient(net, x, dy)) <= 1e-13
    for k in range(3):                                           # the rows are independent: one column at a time
        shifted = x.astype(complex)
        shifted[:, k] += 1j * STEP
        assert error(dx[:, k], (dy * net(shifted).imag).sum(axis=1) / STEP) <= 1e-13


def test_all_wishes_give_the_same_numbers(rng, engine):
    net = mlp(rng, hidden="leaky_relu", output="sigmoid", engine=engine)
    _, tape = net.forward(rng.standard_normal((6, 3)))
    dy = rng.standard_normal((6, 2))
    dx, g = net.backward(tape, dy)
    only_dx, none = net.backward(tape, dy, want_g=False)
    assert none is None
    also_none, only_g = net.backward(tape, dy, want_dx=False)
    assert also_none is None
    assert only_dx.tobytes() == dx.tobytes()
    assert only_g.tobytes() == g.tobytes()
    assert net.backward(tape, dy, want_dx=False, want_g=False) == (None, None)


def test_nothing_below_the_lowest_parameters_is_run_backwards(rng, engine):
    spy, gain = Spy(), Gain()
    net = ng.Network([spy, gain, ng.Tanh(), ng.Dense(1)], 3, rng=rng, dtype=np.float64, engine=engine)
    _, tape = net.forward(rng.standard_normal((4, 3)))
    dy = np.ones((4, 1))
    dx, g = net.backward(tape, dy)
    assert gain.wanted == [(True, True)]
    assert [p for p, *_ in spy.seen] == ["forward", "backward"]
    only_g = net.backward(tape, dy, want_dx=False)[1]
    assert gain.wanted[-1] == (False, True)
    assert [p for p, *_ in spy.seen] == ["forward", "backward"]                    # the spy was left alone
    assert only_g.tobytes() == g.tobytes()
    net.backward(tape, dy, want_g=False)
    assert gain.wanted[-1] == (True, False)
    assert [p for p, *_ in spy.seen] == ["forward", "backward", "backward"]


def test_a_network_without_parameters_has_an_empty_gradient(rng, engine):
    net = ng.Network([ng.Tanh()], 2, rng=rng, dtype=np.float64, engine=engine)
    x = rng.standard_normal((3, 2))
    y, tape = net.forward(x)
    dx, g = net.backward(tape, np.ones((3, 2)))
    assert g.shape == (0,)
    assert error(dx, 1 / np.cosh(x) ** 2) <= 50 * EPS
    assert net.backward(tape, np.ones((3, 2)), want_dx=False)[0] is None


# --------------------------------------------------------------------------------------------- tapes are values


def test_three_tapes_survive_ten_other_passes(rng, engine):
    net = ng.Network([ng.Dense(6), ng.LeakyReLU(), ng.Dense(6), ng.Maxout(2), ng.Tanh(), ng.Dropout(.5), ng.Dense(4),
                      ng.ReLU(), ng.Dense(1), ng.Sigmoid()], 3, rng=rng, engine=engine)
    xs = [rng.standard_normal((n, 3)).astype(np.float32) for n in (5, 5, 8)]
    dys = [rng.standard_normal((n, 1)).astype(np.float32) for n in (5, 5, 8)]

    def passes():
        return [net.forward(x, np.random.default_rng(i))[1] for i, x in enumerate(xs)]

    at_once = [net.backward(tape, dy) for tape, dy in zip(passes(), dys, strict=True)]
    tapes = passes()
    for n in range(1, 11):
        y, other = net.forward(rng.standard_normal((n, 3)), rng)
        net.backward(other, np.ones_like(y))
    late = [net.backward(tape, dy) for tape, dy in zip(tapes, dys, strict=True)]
    twice = [net.backward(tape, dy) for tape, dy in zip(tapes, dys, strict=True)]
    for (dx, g), *others in zip(at_once, late, twice, strict=True):
        for dx_other, g_other in others:
            assert (dx_other.tobytes(), g_other.tobytes()) == (dx.tobytes(), g.tobytes())


@pytest.mark.parametrize("update", ["optimiser", "assignment", "in place"])
def test_a_tape_older_than_its_network_is_refused(rng, engine, update):
    net = mlp(rng, engine=engine)
    y, tape = net.forward(rng.standard_normal((4, 3)))
    if update == "optimiser":
        ng.optim.SGD(0.1).step(net, np.zeros_like(net.theta))
    elif update == "assignment":
        net.theta = net.theta.copy()
    else:
        net.theta *= 1
    with pytest.raises(ValueError, match=r"this tape is older than the last update of its network "
                                         r"\(version 1, now 2\): run forward again before backward"):
        net.backward(tape, np.ones_like(y))


def test_jvp_takes_what_forward_takes(rng, engine, dtype):
    """Rows of its numbers, as lists and in another precision too."""
    net = mlp(rng, engine=engine, dtype=dtype)
    x, x_dot = rng.standard_normal((4, 3)), rng.integers(-3, 4, (4, 3))
    _, tape = net.forward(x)
    expected, _ = net.jvp(tape, x_dot.astype(dtype))
    for given in (x_dot, x_dot.tolist(), x_dot.astype(np.float64), x_dot.astype(np.float32)):
        y_dot, _ = net.jvp(tape, given)
        assert y_dot.dtype == dtype
        assert y_dot.tobytes() == expected.tobytes()
    for wrong in (x_dot[:, :2], x_dot[:0], x_dot[0], x_dot.astype(str)):
        with pytest.raises(ValueError, match=r"the network takes numbers of shape \(n, 3\) with n >= 1"):
            net.jvp(tape, wrong)


def test_a_tape_of_another_network_is_refused(rng):
    net = mlp(rng)
    y, tape = net.forward(rng.standard_normal((4, 3)))
    for other in (mlp(rng), copy.deepcopy(net)):
        with pytest.raises(ValueError, match="this tape was recorded by another network"):
            other.backward(tape, np.ones_like(y))


def test_a_tape_at_given_parameters_stays_valid(rng, engine):
    net = mlp(rng, engine=engine)
    x, dy = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
    before = net.backward(net.forward(x)[1], dy)
    elsewhere = net.theta + 1
    tapes = [net.forward(x, theta=net.theta)[1], net.forward(x, theta=net.theta.copy())[1]]
    tape = net.forward(x, theta=elsewhere)[1]
    dx, g = net.backward(tape, dy)
    ng.optim.SGD(1.0).step(net, np.ones_like(net.theta))
    for t in tapes:
        assert [a.tobytes() for a in net.backward(t, dy)] == [a.tobytes() for a in before]
    elsewhere[:] = np.nan                                        # the caller may do what he likes with his vector
    assert [a.tobytes() for a in net.backward(tape, dy)] == [dx.tobytes(), g.tobytes()]


def test_passes_change_nothing(rng, engine, dtype):
    net = mlp(rng, hidden="leaky_relu", output="tanh", dtype=dtype, engine=engine)
    x, dy = rng.standard_normal((4, 3)).astype(dtype), rng.standard_normal((4, 2)).astype(dtype)
    theta = rng.standard_normal(net.theta.size).astype(dtype)
    arrays = [net.theta, x, dy, theta]
    before = [a.tobytes() for a in arrays], net.version, [vars(layer).copy() for layer in net.layers]
    for given in (None, theta, theta + 1j):
        y, tape = net.forward(x, theta=given)
        net.backward(tape, dy)
    after = [a.tobytes() for a in arrays], net.version, [vars(layer).copy() for layer in net.layers]
    assert after == before


def test_forward_at_other_parameters_is_the_network_with_those(rng, engine):
    net = mlp(rng, engine=engine)
    x, theta = rng.standard_normal((4, 3)), rng.standard_normal(net.theta.size)
    y = net.forward(x, theta=theta)[0]
    assert not np.array_equal(y, net(x))
    net.theta = theta
    assert net(x).tobytes() == y.tobytes()


# ---------------------------------------------------------------------------------------------------- dtypes


@pytest.mark.parametrize("given", [np.float64, np.float32, np.int64, bool])
def test_nothing_promotes(rng, engine, dtype, given):
    spies = [Spy(), Spy(), Spy(), Spy()]
    net = ng.Network([spies[0], ng.Dense(4), spies[1], ng.LeakyReLU(), ng.Maxout(2), ng.Dropout(.4), spies[2],
                      ng.Dense(2), ng.Sigmoid(), ng.Tanh(), ng.ReLU(), spies[3]], 3,
                     rng=rng, dtype=dtype, engine=engine)
    y, tape = net.forward((3 * rng.standard_normal((5, 3))).astype(given), rng)
    dx, g = net.backward(tape, np.ones((5, 2)))
    assert {a.dtype for a in (y, dx, g, net.theta, *net.params().values())} == {np.dtype(dtype)}
    assert {seen for spy in spies for _, seen, *_ in spy.seen} == {np.dtype(dtype)}


def test_complex_numbers_pass_through_either_engine(rng, engine):
    net = mlp(rng, engine=engine)
    x = rng.standard_normal((4, 3))
    for tape, y in ((net.forward(x + 0j)[::-1]), (net.forward(x, theta=net.theta + 0j)[::-1])):
        assert y.dtype == np.complex128
        dx, g = net.backward(tape, np.ones((4, 2)))
        assert dx.dtype == g.dtype == np.complex128
        assert error(g.real, net.backward(net.forward(x)[1], np.ones((4, 2)))[1]) <= 50 * EPS
    g = net.backward(net.forward(x)[1], np.ones((4, 2)) * 1j)[1]                   # a complex dy on a real tape
    assert error(g.imag, net.backward(net.forward(x)[1], np.ones((4, 2)))[1]) <= 50 * EPS
    assert not g.real.any()


# ---------------------------------------------------------------------------------------------------- copies


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))], ids=["deepcopy", "pickle"])
def test_copies_agree_and_are_detached(rng, engine, dtype, clone):
    net = mlp(rng, hidden=ng.LeakyReLU(.1), dtype=dtype, engine=engine)
    net.layers[0].weights = ng.init.uniform(.05)
    x = rng.standard_normal((4, 3))
    twin, y = clone(net), net(x)
    assert twin(x).tobytes() == y.tobytes()
    assert (twin.engine, twin.version, repr(twin)) == (net.engine, net.version, repr(net))
    ng.optim.SGD(0.1).step(twin, np.ones_like(net.theta))
    assert net(x).tobytes() == y.tobytes()
    assert (twin.params()["0.W"] == twin.theta[:15].reshape(3, 5)).all()           # views of its own vector
    assert not np.array_equal(twin(x), y)


def test_a_copy_of_a_network_that_has_run_computes_with_its_own_vector(rng, engine):
    """The views that a network keeps of theta would be detached in a copy: each makes its own, a shallow one too."""
    net = mlp(rng, engine=engine)
    x = rng.standard_normal((4, 3))
    net.backward(net.forward(x)[1], np.ones((4, 2)))
    for clone in (copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a)), copy.copy):
        twin = clone(clone(net))
        twin(x)
        twin.theta = rng.standard_normal(twin.theta.size)
        assert twin(x).tobytes() == net.forward(x, theta=twin.theta)[0].tobytes()
    twin._theta = twin._theta + 1                                # nobody does; then the views are made anew
    assert twin(x).tobytes() == net.forward(x, theta=twin.theta)[0].tobytes()


def test_a_layer_cannot_replace_a_parameter_by_another_array(rng, engine):
    class Greedy(Gain):
        def forward(self, p, x, c):
            p["a"] = 2 * p["a"]                                  # meant: in a copy

    with pytest.raises(TypeError, match="does not support item assignment"):
        ng.Network([Greedy()], 2, rng=rng, engine=engine)(np.ones((1, 2)))


# ---------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(("make", "kind", "sentence"), [
    (lambda: ng.MLP([2, 1], rng=0), TypeError, "rng must be a numpy.random.Generator, got int: pass rng=np.random."),
    (lambda: ng.MLP([2, 1], rng=RNG, dtype=np.float16), ValueError, "dtype must be float32 or float64, got float16"),
    (lambda: ng.MLP([2, 1], rng=RNG, dtype=complex), ValueError, "dtype must be float32 or float64, got complex128"),
    (lambda: ng.MLP([2], rng=RNG), ValueError, "at least one output width"),
    (lambda: ng.MLP([2, 3, 1], "swish", rng=RNG), ValueError, "unknown activation 'swish': choose one of leaky_relu"),
    (lambda: ng.MLP([0, 1], rng=RNG), ValueError, "d_in must be a whole number of at least 1, got 0"),
    (lambda: ng.MLP([True, 1], rng=RNG), ValueError, "d_in must be a whole number"),
    (lambda: ng.MLP([2.0, 1], rng=RNG), ValueError, "d_in must be a whole number"),
    (lambda: ng.MLP([2, 0], rng=RNG), ValueError, "Dense: the width must be a whole number of at least 1, got 0"),
    (lambda: ng.Network([], 2, rng=RNG), TypeError, "a list of at least one numpygan Layer"),
    (lambda: ng.Network([ng.Tanh], 2, rng=RNG), TypeError, "a list of at least one numpygan Layer"),
    (lambda: ng.Network([ng.Dense(5), ng.Maxout(2)], 2, rng=RNG), ValueError, r"Maxout\(2\): 5 inputs cannot be"),
    (lambda: ng.MLP([2, 1], rng=RNG, engine="jax"), ValueError, "unknown engine 'jax': choose \"numba\" or \"numpy\""),
])
def test_what_cannot_be_built_says_why(make, kind, sentence):
    with pytest.raises(kind, match=sentence):
        make()


@pytest.mark.parametrize(("use", "kind", "sentence"), [
    (lambda net: net(np.ones((4, 2))), ValueError, r"numbers of shape \(n, 3\) with n >= 1, got shape \(4, 2\) of"),
    (lambda net: net(np.ones(3)), ValueError, r"got shape \(3,\)"),
    (lambda net: net(np.ones((0, 3))), ValueError, r"got shape \(0, 3\)"),
    (lambda net: net(np.array([["a", "b", "c"]])), ValueError, "the network takes numbers"),
    (lambda net: net(np.array([[1, 2, None]])), ValueError, "got shape .* of object"),
    (lambda net: net.forward(np.ones((4, 3)), theta=np.ones(3)), ValueError, "a vector of 54 parameters, got shape"),
    (lambda net: net.backward(net.forward(np.ones((4, 3)))[1], np.ones((4, 1))), ValueError,
     r"dy must have the shape of the output, \(4, 2\), got \(4, 1\)"),
    (lambda net: net.backward(net.forward(np.ones((4, 3)))[1], np.ones(2)), ValueError, r"dy must have .* got \(2,\)"),
    (lambda net: setattr(net, "theta", np.ones(3)), ValueError, "parameters, got shape"),
    (lambda net: setattr(net, "theta", net.theta + 1j), TypeError, r"cannot become complex: use forward\(x, theta="),
])
def test_wrong_use_says_what_was_expected(rng, engine, use, kind, sentence):
    net = mlp(rng, engine=engine)
    before = net.theta.tobytes(), net.version
    with pytest.raises(kind, match=sentence):
        use(net)
    assert (net.theta.tobytes(), net.version) == before


@pytest.mark.parametrize(("grads", "got"), [({}, "nothing"), ({"a": np.ones((1, 1))}, "(1, 1) float64")])
def test_a_layer_that_forgets_a_gradient_is_named(rng, grads, got):
    class Broken(Gain):
        def backward(self, p, x, dy, c):
            return dy, grads

        def __repr__(self):
            return "Broken()"

    net = ng.Network([ng.Dense(2), Broken()], 2, rng=rng, engine="numpy")
    y, tape = net.forward(np.ones((3, 2)))
    with pytest.raises(ValueError, match=re.escape(f"backward of layer 1, Broken(), must return the gradient of 'a' "
                                                   f"as an array (1,) float32, got {got}")):
        net.backward(tape, y)


def test_a_layer_without_its_methods_says_which(rng):
    net = ng.Network([ng.Layer()], 2, rng=rng, engine="numpy")
    with pytest.raises(NotImplementedError, match=r"Layer has no forward\(self, p, x, c\) -> y, cache"):
        net(np.ones((1, 2)))
    net.layers[0].forward = lambda p, x, c: (x, None)
    with pytest.raises(NotImplementedError, match=r"Layer has no backward\(self, p, cache, dy, c\) -> dx, \{name: "):
        net.backward(net.forward(np.ones((1, 2)))[1], np.ones((1, 2)))


# -------------------------------------------------------------------------------------------- complex numbers

def test_a_complex_dy_goes_back_as_its_two_parts(engine):
    """y = x W, W = (2, 3)ᵀ, x = (5, 7): dx = (2, 3) dy, Eq. (2.2), and g = (5, 7) dy, Eq. (2.3)"""
    net = ng.Network([ng.Dense(1, bias=False)], 2, rng=np.random.default_rng(0), dtype=np.float64, engine=engine)
    net.theta = [2, 3]
    _, tape = net.forward(np.array([[5., 7.]]))
    dy = np.array([[1 + 4j]])
    dx, g = net.backward(tape, dy)
    assert dx.tolist() == [[2 + 8j, 3 + 12j]]
    assert g.tolist() == [5 + 20j, 7 + 28j]
    dx, g = net.backward(tape, dy, want_dx=False)
    assert (dx, g.tolist()) == (None, [5 + 20j, 7 + 28j])
    dx, g = net.backward(tape, dy, want_g=False)
    assert (dx.tolist(), g) == ([[2 + 8j, 3 + 12j]], None)


def test_complex_passes_run_functional_layer_by_layer():
    """The kernels, and the layers that are fused for them, take no complex numbers."""
    net = ng.MLP([2, 3, 1], rng=np.random.default_rng(0), dtype=np.float64, engine="numba")
    assert net._run(np.dtype(complex)) == (ng.functional, list(enumerate(net.layers)), net._slots)
    ops, stack, slots = net._run(np.dtype(float))
    assert ops is not ng.functional
    assert len(stack) == 1
    assert [len(of_layer) for of_layer in slots] == [1, 0, 0]
    x = np.array([[1., 2.]])
    y, tape = net.forward(x, theta=net.theta + 0j)
    assert tape.dtype == complex
    assert np.allclose(y, net(x), rtol=1e-14, atol=0)


def test_a_network_without_parameters_needs_a_generator_too():
    with pytest.raises(TypeError, match="rng must be a numpy.random.Generator, got NoneType"):
        ng.Network([ng.Tanh()], 2, rng=None)
