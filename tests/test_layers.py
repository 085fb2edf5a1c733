"""The layers: values by hand, derivatives by the complex step, and layers that a student writes."""
import math
import pickle

import numpy as np
import pytest

import numpygan as ng

EPS = np.finfo(float).eps
RNG = np.random.default_rng(0)                  # where the values drawn do not matter


class Swish(ng.Layer):
    """y = x σ(x), exactly as DESIGN §3 prints it."""

    def forward(self, p, x, c):
        s = c.ops.sigmoid(x)
        return x * s, (x, s)

    def backward(self, p, cache, dy, c):
        x, s = cache
        return dy * (s + x * s * (1 - s)), {}


class PReLU(ng.Layer):
    """y = x where x > 0, else a x, with one learned slope a for each column."""

    def shapes(self, d_in):
        return {"a": (d_in,)}, d_in

    def init(self, p, rng):
        p["a"][...] = 0.25

    def forward(self, p, x, c):
        return np.where(x.real > 0, x, p["a"] * x), x

    def backward(self, p, x, dy, c):
        below = x.real <= 0
        return np.where(below, p["a"] * dy, dy), {"a": (dy * x * below).sum(axis=0)}


def alone(layer, d_in, engine="numpy", dtype=np.float64):
    return ng.Network([layer], d_in, rng=np.random.default_rng(1), dtype=dtype, engine=engine)


def error(a, b):
    return np.abs(a - b).max() / max(np.abs(a).max(), np.abs(b).max(), 1e-12)


# --------------------------------------------------------------------------------------------- values by hand

LN3 = math.log(3)                               # σ(ln 3) = 3/4, tanh(ln 3) = (9 − 1)/(9 + 1) = 4/5


@pytest.mark.parametrize(("layer", "x", "y", "dx"), [
    (ng.Sigmoid(), [-LN3, 0, LN3], [.25, .5, .75], [.1875, .25, .1875]),                     # Eqs. (2.5), (2.6)
    (ng.Tanh(), [-LN3, 0, LN3], [-.8, 0, .8], [.36, 1, .36]),                                # Eqs. (2.7), (2.8)
    (ng.ReLU(), [-2, 0, 3], [0, 0, 3], [0, 0, 1]),                                           # Eqs. (2.9), (2.10)
    (ng.LeakyReLU(), [-2, 0, 3], [-.4, 0, 3], [.2, .2, 1]),                                  # Eqs. (2.11), (2.12)
    (ng.LeakyReLU(0), [-2, 0, 3], [0, 0, 3], [0, 0, 1]),
    (ng.LeakyReLU(1), [-2, 0, 3], [-2, 0, 3], [1, 1, 1]),
    (ng.Maxout(3), [-2, 5, 3, 1, 1, 0], [5, 1], [0, 1, 0, 1, 0, 0]),                         # Eqs. (2.16), (2.17)
    (Swish(), [-LN3, 0, LN3], [-LN3 / 4, 0, .75 * LN3],                                      # Eqs. (2.14), (2.15)
     [.25 - .1875 * LN3, .5, .75 + .1875 * LN3]),
    (PReLU(), [-2, 0, 3], [-.5, 0, 3], [.25, .25, 1]),
], ids=lambda a: repr(a) if isinstance(a, ng.Layer) else "")
def test_values_and_derivatives_by_hand(engine, dtype, layer, x, y, dx):
    net = alone(layer, len(x), engine, dtype)
    out, tape = net.forward(np.array([x]))
    assert out.dtype == dtype
    assert np.abs(out - [y]).max() <= 8 * np.finfo(dtype).eps
    down, _ = net.backward(tape, np.ones((1, len(y))))
    assert np.abs(down - [dx]).max() <= 8 * np.finfo(dtype).eps


def test_dense_by_hand(engine):
    """x = (1, 2), W = [[1, 0, −1], [3, 2, 1]], b = (1, 1, 1): y = (8, 5, 2); dy = (1, 10, 100)."""
    for bias in (True, False):
        net = alone(ng.Dense(3, bias=bias), 2, engine)
        net.theta = [1, 0, -1, 3, 2, 1] + [1, 1, 1] * bias
        y, tape = net.forward(np.array([[1., 2.], [0., 0.]]))
        assert y.tolist() == [[8, 5, 2], [1, 1, 1]] if bias else y.tolist() == [[7, 4, 1], [0, 0, 0]]
        dx, g = net.backward(tape, np.array([[1., 10, 100], [0, 0, 1]]))
        assert dx.tolist() == [[-99, 123], [-1, 1]]
        assert g.tolist() == [1, 10, 100, 2, 20, 200] + [1, 10, 101] * bias


@pytest.mark.parametrize("layers", [
    [ng.Dense(3)], [ng.Dense(3, bias=False)], [ng.Sigmoid()], [ng.Tanh()], [ng.ReLU()], [ng.LeakyReLU(.3)],
    [ng.Maxout(2)], [ng.Dropout(.4)], [Swish()], [PReLU()],
    [ng.Dense(6), PReLU(), ng.Dense(4), Swish(), ng.Maxout(2), ng.Dense(1)],
], ids=repr)
def test_every_derivative_against_the_complex_step(rng, engine, layers):
    net = ng.Network(layers, 4, rng=rng, dtype=np.float64, engine=engine)
    x, dx = rng.standard_normal((2, 5, 4))
    dtheta = rng.standard_normal(net.theta.size)
    y, tape = net.forward(x, np.random.default_rng(7))
    dy = rng.standard_normal(y.shape)
    back, g = net.backward(tape, dy)
    x_step = net.forward(x + 1e-20j * dx, np.random.default_rng(7))[0].imag / 1e-20
    theta_step = net.forward(x, np.random.default_rng(7), theta=net.theta + 1e-20j * dtheta)[0].imag / 1e-20
    assert abs(np.sum(dy * x_step) - np.sum(back * dx)) <= 1e-13 * np.abs(dy * x_step).sum()
    assert abs(np.sum(dy * theta_step) - np.sum(g * dtheta)) <= 1e-13 * np.abs(dy * theta_step).sum()


# --------------------------------------------------------------------------------------------------- dropout


def test_dropout_leaves_evaluation_alone(rng, engine):
    net = alone(ng.Dropout(.5), 3, engine)
    x = rng.standard_normal((4, 3))
    y, tape = net.forward(x)
    assert np.array_equal(y, x)
    assert np.array_equal(net.backward(tape, x)[0], x)
    y = alone(ng.Dropout(0), 3, engine)(x, rng)
    assert np.array_equal(y, x)


def test_dropout_drops_its_share_scales_the_rest_and_remembers_which(engine, dtype):
    n, rate = 20000, .3
    net = alone(ng.Dropout(rate), 2, engine, dtype)
    y, tape = net.forward(np.ones((n, 2)), np.random.default_rng(3))
    dropped = y == 0
    assert set(np.unique(y)) == {dtype(0), dtype(1) / dtype(1 - rate)}
    assert abs(dropped.mean() - rate) < 6 * math.sqrt(rate * (1 - rate) / (2 * n))     # six standard errors
    assert abs(np.mean(dropped[:, 0] & dropped[:, 1]) - rate**2) < 6 * math.sqrt(rate**2 / n)   # entries independent
    dx, _ = net.backward(tape, np.full((n, 2), 2.0))
    assert np.array_equal(dx, 2 * y)
    again = net(np.ones((n, 2)), np.random.default_rng(3))
    other = net(np.ones((n, 2)), np.random.default_rng(4))
    assert again.tobytes() == y.tobytes() != other.tobytes()


def test_a_unit_is_dropped_where_the_draw_is_below_the_rate(engine):
    """Of 4 equal draws 0, ¼, ½, ¾ those below ½ are half of them; the others count twice.                 Eq. (2.18)"""
    class Quarters:
        def random(self, shape, dtype):
            return np.arange(4, dtype=dtype).reshape(shape) / 4

    mask = ng.engine.ops(engine).dropout_mask((2, 2), 0.5, Quarters(), np.float64)
    assert mask.tolist() == [[0, 0], [2, 2]]


def test_one_seed_drops_the_same_units_in_both_precisions_and_engines():
    masks = [alone(ng.Dropout(.4), 5, e, t)(np.ones((6, 5)), np.random.default_rng(2)) > 0
             for e in ("numpy", "numba") for t in (np.float32, np.float64)]
    assert all(np.array_equal(mask, masks[0]) for mask in masks)


# ---------------------------------------------------------------------------------------------- initial values


def test_initial_weights_are_the_draws_of_the_generator_in_order():
    net = ng.Network([ng.Dense(4), ng.Dense(2, init=ng.init.glorot), ng.Dense(3, init=ng.init.uniform(.05)),
                      ng.Dense(2, init=ng.init.normal(.02)), ng.Dense(5, init=ng.init.linear)], 8,
                     rng=np.random.default_rng(9), dtype=np.float64)
    rng, p = np.random.default_rng(9), net.params()
    assert error(p["0.W"], rng.standard_normal((8, 4)) * .5) <= 4 * EPS                       # √(2/8), Eq. (2.20)
    assert error(p["1.W"], rng.uniform(-1, 1, (4, 2))) <= 4 * EPS                             # √(6/(4+2)), Eq. (2.21)
    assert error(p["2.W"], rng.uniform(-.05, .05, (2, 3))) <= 4 * EPS
    assert error(p["3.W"], rng.standard_normal((3, 2)) * .02) <= 4 * EPS
    assert error(p["4.W"], rng.uniform(-.5**.5, .5**.5, (2, 5))) <= 4 * EPS                   # 1/√2
    assert not any(p[f"{i}.b"].any() for i in range(5))


def test_variances_are_those_of_the_papers(rng):
    W = np.empty((400, 100))
    for init, variance in ((ng.init.he, 2 / 400), (ng.init.glorot, 2 / 500), (ng.init.linear, 1 / 1200),
                           (ng.init.uniform(.3), .03), (ng.init.normal(.2), .04)):
        init(W, rng)
        assert abs(W.var() / variance - 1) < 6 * math.sqrt(2 / W.size)                        # six standard errors
        assert abs(W.mean()) < 6 * math.sqrt(variance / W.size)
    ng.init.uniform(.3)(W, rng)
    assert np.abs(W).max() <= .3


@pytest.mark.parametrize("init", [ng.init.he, ng.init.glorot, ng.init.linear, ng.init.uniform(.3), ng.init.normal(.2)])
@pytest.mark.parametrize("W", [np.ones((2, 3), int), np.ones(3), [[1.0, 2.0]]], ids=["whole", "vector", "list"])
def test_what_is_filled_is_an_array_of_floats(init, W, rng):
    """Whole numbers would become 0, a list would stay what it is."""
    with pytest.raises(TypeError, match="W must be an array of floats"):
        init(W, rng)


def test_an_mlp_chooses_he_below_rectifiers_and_glorot_elsewhere():
    inits = {name: [layer.weights for layer in ng.MLP([2, 3, 1], name, rng=RNG).layers[::2]]
             for name in ("relu", "leaky_relu", "tanh", "sigmoid", "identity")}
    assert inits["relu"] == inits["leaky_relu"] == [ng.init.he, ng.init.glorot]
    assert inits["tanh"] == inits["sigmoid"] == [ng.init.glorot, ng.init.glorot]
    own = ng.MLP([2, 3, 3, 1], Swish(), ng.Sigmoid(), rng=RNG).layers
    assert [type(layer).__name__ for layer in own] == ["Dense", "Swish", "Dense", "Swish", "Dense", "Sigmoid"]


# ------------------------------------------------------------------------------------- what a layer says of itself


@pytest.mark.parametrize(("layer", "values"), [
    (ng.Sigmoid(), (0, 1)), (ng.Tanh(), (-1, 1)), (ng.ReLU(), (0, math.inf)), (ng.LeakyReLU(), (-math.inf, math.inf)),
    (ng.Dense(2), (-math.inf, math.inf)), (Swish(), (-math.inf, math.inf)),
], ids=repr)
def test_the_range_of_a_network_is_that_of_its_last_layer_and_holds(rng, layer, values):
    net = ng.Network([ng.Dense(2), layer], 2, rng=rng, dtype=np.float64)
    assert net.range == values
    y = net(100 * rng.standard_normal((200, 2)))
    assert y.min() >= values[0]
    assert y.max() <= values[1]


def test_only_a_layer_that_draws_or_mixes_rows_makes_a_network_not_rowwise():
    class Mixes(ng.Layer):
        batchwise = True

    assert ng.Network([ng.Dense(4), ng.Maxout(2), ng.Tanh(), ng.ReLU()], 2, rng=RNG).rowwise
    assert not ng.Network([ng.Dense(4), ng.Dropout(.1), ng.Tanh()], 2, rng=RNG).rowwise
    assert not ng.Network([Mixes(), ng.Dense(1)], 2, rng=RNG).rowwise


@pytest.mark.parametrize(("layer", "text"), [
    (ng.Dense(3), "Dense(width=3, weights=he, bias=True)"), (ng.LeakyReLU(.1), "LeakyReLU(slope=0.1)"),
    (ng.Dense(1, ng.init.uniform(.05), False), "Dense(width=1, weights=uniform(0.05), bias=False)"),
    (ng.Dense(1, ng.init.normal(.02)), "Dense(width=1, weights=normal(0.02), bias=True)"),
    (ng.Tanh(), "Tanh()"), (ng.Maxout(5), "Maxout(k=5)"), (ng.Dropout(), "Dropout(rate=0.5)"), (Swish(), "Swish()"),
])
def test_the_printed_form(layer, text):
    assert repr(layer) == text
    assert repr(pickle.loads(pickle.dumps(layer))) == text


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: ng.Dense(0), "Dense: the width must be a whole number of at least 1, got 0"),
    (lambda: ng.Dense(2.5), "Dense: the width must be a whole number of at least 1, got 2.5"),
    (lambda: ng.Dense(True), "Dense: the width must be a whole number"),
    (lambda: ng.LeakyReLU(-.1), r"LeakyReLU: the slope must lie in \[0, 1\], got -0.1"),
    (lambda: ng.LeakyReLU(math.nan), "LeakyReLU: the slope must lie in"),
    (lambda: ng.Maxout(0), "Maxout: the number of pieces must be a whole number of at least 1, got 0"),
    (lambda: ng.Dropout(1), r"Dropout: the rate must lie in \[0, 1\), got 1"),
    (lambda: ng.Dropout(-.1), r"Dropout: the rate must lie in \[0, 1\), got -0.1"),
    (lambda: ng.init.uniform(0), "init.uniform: the bound must be a positive number, got 0"),
    (lambda: ng.init.normal(0), "init.normal: the standard deviation must be a positive number, got 0"),
    (lambda: ng.init.normal(-1), "init.normal: the standard deviation must be a positive number, got -1"),
    (lambda: ng.init.normal(math.nan), "init.normal: the standard deviation must be a positive number, got nan"),
])
def test_impossible_layers_say_why(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


# ------------------------------------------------------------------------------------------- a student's layers


def test_a_students_layers_train_inside_a_gan(engine):
    """Swish and a layer with a parameter, in float32, with the package untouched: both networks move."""
    rng = np.random.default_rng(0)
    G = ng.Network([ng.Dense(6), PReLU(), ng.Dense(2)], 3, rng=rng, engine=engine)
    D = ng.Network([ng.Dense(6), Swish(), PReLU(), ng.Dense(1)], 2, rng=rng, engine=engine)
    slopes = G.params()["1.a"].copy(), D.params()["2.a"].copy()
    ng.GAN(G, D).fit(ng.data.ring(8), steps=5, batch=16, rng=rng)
    assert (G.params()["1.a"] != slopes[0]).all()
    assert (D.params()["2.a"] != slopes[1]).all()
    assert G(np.ones((1, 3))).dtype == np.float32


# -------------------------------------------------------------------------------------------------- at the edges

def test_a_bias_starts_at_zero_whatever_was_there():
    p = {"W": np.full((2, 3), np.nan), "b": np.full(3, np.nan)}
    ng.Dense(3).init(p, np.random.default_rng(0))
    assert p["b"].tolist() == [0, 0, 0]
    assert np.isfinite(p["W"]).all()


def test_the_edges_of_what_layers_take():
    """Slopes 0 and 1 are ReLU and the identity, one piece is the identity, and a rate of 0 draws nothing."""
    x, rng = np.array([[-2., 3.]]), np.random.default_rng(0)
    for layer, y in ((ng.LeakyReLU(0), [[0, 3]]), (ng.LeakyReLU(1), x), (ng.Maxout(1), x), (ng.Dropout(0), x)):
        before = rng.bit_generator.state
        assert np.array_equal(alone(layer, 2).forward(x, rng)[0], y)
        assert rng.bit_generator.state == before


def test_a_context_wants_both_gradients_unless_it_says_otherwise():
    c = ng.Context(ng.functional)
    assert (c.want_dx, c.want_g, c.rng) == (True, True, None)
