"""What students write (layers, losses, penalties, schedules, data) and should not return: one sentence names it."""
import copy

import numpy as np
import pytest

import numpygan as ng
from numpygan.guests import Guest

RNG = np.random.default_rng
DATA = RNG(1).normal(size=(32, 2)).astype(np.float32)


class Same(ng.Layer):
    """y = x, right in everything."""

    def forward(self, p, x, c):
        return x.copy(), None

    def backward(self, p, cache, dy, c):
        return dy.copy(), {}


def layer(**methods):
    """A `Same` with these methods in the place of its own."""
    return type("Mine", (Same,), methods)()


def players(engine, mine=None):
    rng = RNG(0)
    G = ng.MLP([3, 4, 2], rng=rng, engine=engine)
    D = ng.Network([ng.Dense(6), *([] if mine is None else [mine]), ng.Dense(1)], 2, rng=rng, engine=engine)
    return G, D


def gan(mine=None, loss=None, engine="numpy"):
    return ng.GAN(*players(engine, mine), **({} if loss is None else {"loss": loss}))


def fit(it):
    return it.fit(DATA, steps=2, batch=8, rng=RNG(0))


ENGINE = pytest.mark.parametrize("engine", ["numpy", "numba"])
FORWARD, BACKWARD = r"forward of layer 1, Mine\(\), must return ", r"backward of layer 1, Mine\(\), must return "


@ENGINE
def test_a_layer_that_is_right_trains(engine):
    assert len(fit(gan(Same(), engine=engine))) == 2
    assert np.array_equal(fit(gan(Same(), engine=engine)).rows(), fit(gan(engine=engine)).rows())


@ENGINE
@pytest.mark.parametrize(("answer", "message"), [
    (lambda x: x, "y and what backward will need, a tuple of two, got a ndarray"),
    (lambda x: (x, None, None), "y and what backward will need, a tuple of two, got a tuple of 3"),
    (lambda x: None, "y and what backward will need, a tuple of two, got nothing"),
    (lambda x: (x.tolist(), None), r"y as an array \(16, 6\) float32, got a list"),
    (lambda x: (x.astype(float), None), r"y of shape and dtype \(16, 6\) float32, got \(16, 6\) float64: make const"),
    (lambda x: (x[1:], None), r"y of shape and dtype \(16, 6\) float32, got \(15, 6\) float32"),
    (lambda x: (x[:, 1:], None), r"y of shape and dtype \(16, 6\) float32, got \(16, 5\) float32"),
    (lambda x: (x[0], None), r"y of shape and dtype \(16, 6\) float32, got \(6,\) float32")])
def test_what_forward_returns_is_looked_at(engine, answer, message):
    with pytest.raises((TypeError, ValueError), match=FORWARD + message):
        fit(gan(layer(forward=lambda self, p, x, c: answer(x)), engine=engine))


@ENGINE
@pytest.mark.parametrize(("answer", "message"), [
    (lambda dy: dy, "dx and a dictionary of gradients, a tuple of two, got a ndarray"),
    (lambda dy: (dy, None), "a dictionary of gradients beside dx, got nothing"),
    (lambda dy: (None, {}), r"dx as an array \(16, 6\) float32, got nothing"),
    (lambda dy: (dy.astype(float), {}), r"dx of shape and dtype \(16, 6\) float32, got \(16, 6\) float64: make const"),
    (lambda dy: (dy[:, 1:], {}), r"dx of shape and dtype \(16, 6\) float32, got \(16, 5\) float32"),
    (lambda dy: (dy[1:], {}), r"dx of shape and dtype \(16, 6\) float32, got \(15, 6\) float32")])
def test_what_backward_returns_is_looked_at(engine, answer, message):
    with pytest.raises((TypeError, ValueError), match=BACKWARD + message):
        fit(gan(layer(backward=lambda self, p, cache, dy, c: answer(dy)), engine=engine))


def test_a_batchwise_layer_may_change_the_number_of_rows():
    pack = layer(batchwise=True, shapes=lambda self, d: ({}, 2 * d), backward=lambda self, p, cache, dy, c: (
        dy.reshape(2 * len(dy), -1), {}), forward=lambda self, p, x, c: (x.reshape(len(x) // 2, -1), None))
    assert len(fit(gan(pack))) == 2


def test_a_first_layer_need_not_return_what_nobody_wants():
    mine = layer(shapes=lambda self, d: ({"w": (1,)}, d),
                 backward=lambda self, p, cache, dy, c: (dy if c.want_dx else None, {"w": np.full(1, 7, dy.dtype)}))
    net = ng.Network([mine, ng.Dense(1)], 2, rng=RNG(0))
    _, tape = net.forward(DATA)
    dx, g = net.backward(tape, np.ones((32, 1), np.float32), want_dx=False)
    assert dx is None
    assert g[0] == 7
    assert net.backward(tape, np.ones((32, 1), np.float32))[0].shape == DATA.shape


class Flat:
    """A loss that returns what it is told to."""

    def __init__(self, discriminator=lambda s: (np.float32(0), s, s), generator=lambda s: (0.0, s)):
        self.d, self.g = discriminator, generator

    def __repr__(self):
        return "Flat()"

    def discriminator(self, logit_real, logit_fake):
        return self.d(logit_real)

    def generator(self, logit_fake):
        return self.g(logit_fake)


@ENGINE
@pytest.mark.parametrize(("loss", "message"), [
    (Flat(lambda s: 1.0), r"discriminator must return \(L, dL/dlogit_real, dL/dlogit_fake\), .* got a float"),
    (Flat(lambda s: (1.0, s)), r"discriminator must return .*, got a tuple of 2"),
    (Flat(lambda s: (s, s, s)), r"discriminator must return .*, got an array \(8, 1\) float32 for the number"),
    (Flat(lambda s: (None, s, s)), r"discriminator must return .*, got nothing for the number"),
    (Flat(lambda s: (1j, s, s)), r"discriminator must return .*, got a complex for the number"),
    (Flat(lambda s: (1.0, s[1:], np.concatenate([s, s[:1]]))),
     r"discriminator .*, got an array \(7, 1\) float32 for \(8, 1\)"),
    (Flat(lambda s: (1.0, s, None)), r"discriminator must return .*, got nothing for \(8, 1\)"),
    (Flat(generator=lambda s: 1.0), r"generator must return \(L, dL/dlogit\), L one number, .*, got a float"),
    (Flat(generator=lambda s: (s, s)), r"generator must return .*, got an array \(8, 1\) float32 for the number"),
    (Flat(generator=lambda s: (1.0, s.tolist())), r"generator must return .*, got a list for \(8, 1\)"),
    (Flat(generator=lambda s: (1.0, s * 1j)), r"generator must .*, got an array \(8, 1\) complex64 for \(8, 1\)"),
    (Flat(generator=lambda s: (1.0, s, s)), r"generator must return .*, got a tuple of 3")])
def test_what_a_loss_returns_is_looked_at(engine, loss, message):
    assert len(fit(gan(loss=Flat(), engine=engine))) == 2
    with pytest.raises(TypeError, match=r"Flat\(\): " + message):
        fit(gan(loss=loss, engine=engine))


@ENGINE
@pytest.mark.parametrize(("result", "got"), [
    (lambda g: None, "nothing"), (lambda g: 1.0, "a float"), (lambda g: (1.0, 1.0), r"a float for \(25,\)"),
    (lambda g: (1.0, g[:1]), r"an array \(1,\) float32 for \(25,\)"), (lambda g: ("1", g), "a str for the number"),
    (lambda g: (1.0, g * 1j), r"an array \(25,\) complex64 for \(25,\)")])
def test_what_a_penalty_returns_is_looked_at(engine, result, got):
    """A number or one entry for a gradient was added to all of them."""
    it = gan(engine=engine)
    it.penalties = lambda D, x, x_fake, rng: (1.0, np.zeros_like(D.theta)),
    assert np.array_equal(fit(it)["norm_g_D"], fit(gan(engine=engine))["norm_g_D"])
    it.penalties = lambda D, x, x_fake, rng: result(np.zeros_like(D.theta)),
    with pytest.raises(TypeError, match=r"<lambda>.*: a penalty must return \(P, g\), .*, got " + got):
        fit(it)


@ENGINE
@pytest.mark.parametrize(("value", "got"), [(None, "None"), ("1", "'1'"), (1j, "1j"), (np.ones(1), r"array\(\[1.\]\)")])
def test_what_a_schedule_returns_is_looked_at(engine, value, got):
    def to(value):
        return lambda step: value

    at_once = to(np.where(True, 1e-3, 1e-4))                        # NumPy has arrays without axes for numbers
    assert len(fit(ng.GAN(*players(engine), opt_D=ng.optim.Momentum(at_once, at_once), input_noise=at_once))) == 2
    for name, given in (("lr", {"opt_D": ng.optim.SGD(to(value))}), ("input_noise", {"input_noise": to(value)}),
                        ("momentum", {"opt_G": ng.optim.Momentum(.1, to(value))})):
        with pytest.raises(TypeError, match=f"{name}, a function of the step, must return a number, got {got} at "):
            fit(ng.GAN(*players(engine), **given))


@ENGINE
def test_copies_train_apart(engine):
    it = gan(Same(), engine=engine)
    kept = copy.copy(it.D)
    before = kept.theta.copy()
    fit(it)
    assert np.array_equal(kept.theta, before)
    assert not np.array_equal(it.D.theta, before)
    assert np.array_equal(kept(DATA), ng.Network(kept.layers, 2, rng=RNG(0), engine=engine).forward(
        DATA, theta=before)[0])


class MyTanh(ng.Tanh):
    """One of ours in another's name."""


@ENGINE
def test_a_guest_is_differentiated_twice_as_it_is(engine):
    """With the penalties of chapter 10, and its own formulas: here those of Tanh."""
    penalties = ng.penalties.R1(1.0), ng.penalties.GradientPenalty(1.0)
    ours, mine = gan(ng.Tanh(), engine=engine), gan(MyTanh(), engine=engine)
    for it in (ours, mine):
        it.penalties = penalties
        fit(it)
    assert [type(layer) for _, layer in mine.D._plain[0]] == [ng.Dense, Guest, ng.Dense]
    assert [type(layer) for _, layer in ours.D._plain[0]] == [ng.Dense, ng.Tanh, ng.Dense]
    assert np.array_equal(ours.D.theta, mine.D.theta)


TWICE = {"jvp": lambda self, p, cache, x_dot, c: (x_dot.copy(), None),
         "jvp_backward": lambda self, p, cache, dot, dy, dy_dot, c: (dy, dy_dot.copy(), {})}


def penalised(engine="numpy", **methods):
    """Trained with a layer in D that is differentiated twice, these methods in the place of its own."""
    it = gan(layer(**({"forward": Same.forward, "backward": Same.backward} | TWICE | methods)), engine=engine)
    it.penalties = ng.penalties.R1(1.0),
    return fit(it)


@ENGINE
def test_a_layer_that_is_right_twice_trains(engine):
    alone = gan(engine=engine)
    alone.penalties = ng.penalties.R1(1.0),
    assert np.array_equal(penalised(engine).rows(), fit(alone).rows())


@ENGINE
@pytest.mark.parametrize(("answer", "message"), [
    (lambda x: x, "y_dot and what jvp_backward will need, a tuple of two, got a ndarray"),
    (lambda x: (x.tolist(), None), r"y_dot as an array \(8, 6\) float32, got a list"),
    (lambda x: (x.astype(float), None), r"y_dot of shape and dtype \(8, 6\) float32, got \(8, 6\) float64: make const"),
    (lambda x: (x[1:], None), r"y_dot of shape and dtype \(8, 6\) float32, got \(7, 6\) float32"),
    (lambda x: (x[:, 1:], None), r"y_dot of shape and dtype \(8, 6\) float32, got \(8, 5\) float32")])
def test_what_jvp_returns_is_looked_at(engine, answer, message):
    with pytest.raises((TypeError, ValueError), match=r"jvp of layer 1, Mine\(\), must return " + message):
        penalised(engine, jvp=lambda self, p, cache, x_dot, c: answer(x_dot))


@ENGINE
@pytest.mark.parametrize(("answer", "message"), [
    (lambda d: (d, {}), "dx, dx_dot and a dictionary of gradients, a tuple of three, got a tuple of 2"),
    (lambda d: (d, d, None), "a dictionary of gradients beside dx, got nothing"),
    (lambda d: (None, None, {}), r"dx_dot as an array \(8, 6\) float32, got nothing"),
    (lambda d: (0.0, d, {}), r"dx as an array \(8, 6\) float32, got a float"),
    (lambda d: (None, d[1:], {}), r"dx_dot of shape and dtype \(8, 6\) float32, got \(7, 6\) float32"),
    (lambda d: (d.astype(float), d, {}), r"dx of shape and dtype \(8, 6\) float32, got \(8, 6\) float64: make const")])
def test_what_jvp_backward_returns_is_looked_at(engine, answer, message):
    with pytest.raises((TypeError, ValueError), match=r"jvp_backward of layer 1, Mine\(\), must return " + message):
        penalised(engine, jvp_backward=lambda self, p, cache, dot, dy, dy_dot, c: answer(dy_dot))


@ENGINE
@pytest.mark.parametrize(("gradient", "got"), [
    (1.0, "a float"), ([1.0], "a list"), (None, "nothing"), (np.ones(2), r"\(2,\) float64"),
    (np.ones(1, complex), r"\(1,\) complex128")])
def test_the_gradient_of_a_parameter_is_an_array_of_its_shape(engine, gradient, got):
    """A list had no shape; the imaginary part of a complex one went with a warning."""
    own = {"shapes": lambda self, d: ({"a": (1,)}, d)}
    expected = fr"of layer 1, Mine\(\), must return the gradient of 'a' as an array \(1,\) float32, got {got}"
    with pytest.raises(ValueError, match="backward " + expected):
        fit(gan(layer(backward=lambda self, p, cache, dy, c: (dy, {"a": gradient}), **own), engine=engine))
    with pytest.raises(ValueError, match="jvp_backward " + expected):
        penalised(engine, backward=lambda self, p, cache, dy, c: (dy, {"a": np.ones(1, dy.dtype)}), **own,
                  jvp_backward=lambda self, p, cache, dot, dy, dy_dot, c: (None, dy_dot, {"a": gradient}))


@pytest.mark.parametrize(("methods", "message"), [
    ({"shapes": lambda self, d: {}}, r"shapes of layer 1, Mine\(\), must return .*, a tuple of two, got a dict"),
    ({"shapes": lambda self, d: (d, {})}, r"shapes of layer 1, Mine\(\), .*, a shape being a tuple .*, got 6"),
    ({"shapes": lambda self, d: ({"a": 3}, d)}, r"shapes of layer 1, .*, a shape being a tuple .*, got {'a': 3}"),
    ({"shapes": lambda self, d: ({"a": (-1,)}, d)}, r"shapes of layer 1, .*, got {'a': \(-1,\)}"),
    ({"shapes": lambda self, d: ({}, d / 1)}, "shapes of layer 1, .*, which must be a whole number .*, got 6.0"),
    ({"state": lambda self, d: None}, r"state of layer 1, Mine\(\), must return {name: initial value}, got nothing"),
    ({"shapes": lambda self, d: ({"a": (2,)}, d), "init": lambda self, p, rng: p.update(a=np.ones(2))},
     r"init of layer 1, Mine\(\), must fill the arrays that it is given")])
def test_what_a_layer_declares_is_looked_at(methods, message):
    """A negative size let parameters lie over each other; initial values in another array were lost, and zeros stayed.
    """
    with pytest.raises((TypeError, ValueError), match=message):
        players("numpy", layer(**methods))


def test_what_a_layer_fills_itself_is_there():
    """Its parameters, none in one of them, and what it remembers: init_state sees both."""
    mine = layer(shapes=lambda self, d: ({"a": (2,), "none": (0,)}, d), state=lambda self, d: {"mean": np.zeros(2)},
                 init=lambda self, p, rng: np.copyto(p["a"], [3, 4]),
                 init_state=lambda self, p, s, rng: np.copyto(s["mean"], 2 * p["a"]))
    _, D = players("numpy", mine)
    assert D.params()["1.a"].tolist() == [3, 4]
    assert D.state.tolist() == [6, 8]


def test_a_loss_may_be_an_array_of_no_axes():
    class Whole(ng.losses.NonSaturating):
        def generator(self, logit_fake):
            L, d = super().generator(logit_fake)
            return np.array(L), d
    assert len(fit(gan(loss=Whole()))) == 2


class Source:
    """Data of a student's own."""
    shape, range, n = (2,), (-np.inf, np.inf), None

    def __init__(self, rows=lambda x: x, **declared):
        self.rows = rows
        self.__dict__ |= declared

    def __repr__(self):
        return "Source()"

    def sample(self, n, rng):
        return self.rows(rng.normal(size=(n, 2)))

    def batches(self, n, rng):
        return iter([self.sample(n, rng)]) if self.rows else iter(())


@ENGINE
@pytest.mark.parametrize(("source", "message"), [
    (Source(lambda x: None), r"the rows that Source\(\) gives must be real numbers"),
    (Source(lambda x: (x, 0)), r"the rows that Source\(\) gives must be real numbers"),
    (Source(lambda x: 1j * x), r"the rows that Source\(\) gives must be real numbers, got complex128"),
    (Source(lambda x: x[0], n=20), r"the rows that Source\(\) gives must be a matrix \(n, d\), got shape \(2,\)"),
    (Source(lambda x: x[:0], n=20), r"the rows that Source\(\) gives must be a matrix \(n, d\), got shape \(0, 2\)"),
    (Source(lambda x: x[:7]), r"Source\(\) was asked for 8 rows and gave 7"),
    (Source(lambda x: np.repeat(x, 2, 0)), r"Source\(\) was asked for 8 rows and gave 16"),
    (Source(lambda x: np.repeat(x, 2, 0), n=20), r"Source\(\) was asked for 8 rows and gave 16"),
    (Source(None, n=20), r"batches of Source\(\) must give the minibatches of an epoch, at least one, and gave none"),
    (Source(shape=2), r"data must have a shape, .*, not 2"),
    (Source(shape=(2.0,)), r"data must have a shape, .*, not \(2.0,\)"),
    (Source(shape=(0,)), r"data must have a shape, .*, not \(0,\)"),
    (Source(range=None), "data must have a range, .*, not None"),
    (Source(range=(1, -1)), r"data must have a range, .*, not \(1, -1\)"),
    (Source(n=2.5), "n of data, its rows, must be a whole number of at least 1, got 2.5")])
def test_what_a_source_of_data_gives_is_looked_at(engine, source, message):
    for right in (Source(), Source(n=20), Source(lambda x: x[:7], n=20), Source(lambda x: x.tolist())):
        assert len(gan(engine=engine).fit(right, steps=2, batch=8, rng=RNG(0))) == 2
    with pytest.raises((TypeError, ValueError), match=message):
        gan(engine=engine).fit(source, steps=2, batch=8, rng=RNG(0))
