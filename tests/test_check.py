"""numpygan.check: what is right passes, and the numbers behind the verdict are themselves right."""
import copy
import math
import warnings

import numpy as np
import pytest
from scipy.special import expit

import numpygan as ng
from numpygan import check
from numpygan.check import contract, derivative
from numpygan.check.comparison import Gradient, accuse
from numpygan.check.derivative import CENTRAL, COMPLEX_STEP
from numpygan.check.diagnosis import explain
from numpygan.check.trial import Trial
from numpygan.check.twin import shaken, twin, widths


class Swish(ng.Layer):
    """y = x σ(x), as the documentation has a student write it."""

    def forward(self, p, x, c):
        s = c.ops.sigmoid(x)
        return x * s, (x, s)

    def backward(self, p, cache, dy, c):
        x, s = cache
        return dy * (s + x * s * (1 - s)), {}


class Elementwise(ng.Layer):
    """y = f(x), dx = dy · f′(x)."""

    def __init__(self, f, slope):
        self.f, self.slope = f, slope

    def forward(self, p, x, c):
        return self.f(x), x

    def backward(self, p, x, dy, c):
        return dy * self.slope(x), {}


class Centre(ng.Layer):
    """y = x − mean over the batch: rows see each other."""
    batchwise = True

    def forward(self, p, x, c):
        return x - x.mean(axis=0), None

    def backward(self, p, cache, dy, c):
        return dy - dy.mean(axis=0), {}


class Scale(ng.Layer):
    """y = s x, one number s for all."""

    def shapes(self, d_in):
        return {"s": (1,)}, d_in

    def init(self, p, rng):
        p["s"][...] = 1

    def forward(self, p, x, c):
        return x * p["s"], x

    def backward(self, p, x, dy, c):
        return dy * p["s"], {"s": (dy * x).sum(keepdims=True).reshape(1)}


class LeastSquares:
    """A student's loss: Mao et al. 2017 with the labels −1, 1 and 0."""

    def discriminator(self, logit_real, logit_fake):
        r, f = logit_real - 1, logit_fake + 1
        return (r * r).mean() / 2 + (f * f).mean() / 2, r / len(r), f / len(f)

    def generator(self, logit_fake):
        return (logit_fake * logit_fake).mean() / 2, logit_fake / len(logit_fake)


class Exponential:
    """A loss that grows without bound: finite only where e^s is."""

    def discriminator(self, logit_real, logit_fake):
        r, f = np.exp(-logit_real), np.exp(logit_fake)
        return r.mean() + f.mean(), -r / len(r), f / len(f)

    def generator(self, logit_fake):
        y = np.exp(-logit_fake)
        return y.mean(), -y / len(y)


def methods(report):
    return {row.tensor: row.method for row in report.rows}


def errors_of(report, method):
    return [row.error for row in report.rows if row.method.startswith(method)]


def mlp(sizes, seed=0, **kwargs):
    return ng.MLP(sizes, rng=np.random.default_rng(seed), engine="numpy", **kwargs)


# -------------------------------------------------------------------------------------------------- what is right

LAYERS = [(Swish(), (5, 3)), (ng.Dense(4), (5, 3)), (ng.Dense(4, bias=False), (1, 3)), (ng.Dense(1), (5, 1)),
          (ng.Dense(30), (4, 40)), (ng.Sigmoid(), (5, 3)), (ng.Tanh(), (5, 3)), (ng.ReLU(), (5, 3)),
          (ng.LeakyReLU(), (5, 3)), (ng.LeakyReLU(0.0), (2, 3)), (ng.Maxout(3), (5, 6)), (ng.Dropout(0.4), (5, 3)),
          (ng.Dropout(0.0), (5, 3)), (ng.BatchNorm(), (5, 3)), (ng.MinibatchStd(), (5, 3)), (ng.Pack(2), (5, 3)),
          (ng.SpectralDense(4), (5, 3)), (Centre(), (5, 3)), (Scale(), (5, 3))]


@pytest.mark.parametrize(("layer", "x_shape"), LAYERS, ids=[f"{type(layer).__name__}{s}" for layer, s in LAYERS])
def test_right_layers_pass_to_rounding_error_with_every_engine(layer, x_shape):
    report = check.layer(layer, x_shape)
    assert "engine numpy and numba" in report.title
    assert max(errors_of(report, COMPLEX_STEP)) <= 1e-13
    assert methods(report)["dx"].startswith(COMPLEX_STEP)
    assert {f"d{name}" for name in layer.shapes(x_shape[1])[0]} <= set(methods(report))
    assert not report.notes


class ScaleOfNoAxes(Scale):
    """The gradient of a parameter of shape () may be a NumPy number."""

    def shapes(self, d_in):
        return {"s": ()}, d_in

    def backward(self, p, x, dy, c):
        return dy * p["s"], {"s": (dy * x).sum()}


@pytest.mark.parametrize("seed", range(10))
def test_right_layers_are_not_accused_of_their_rounding_errors(seed):
    """sin 30x turns one rounding of x into thirty and more."""
    check.layer(Elementwise(lambda x: np.sin(30 * x), lambda x: 30 * np.cos(30 * x)), (1, 1), engine="numpy", seed=seed)
    check.layer(ScaleOfNoAxes(), engine="numpy", seed=seed)


class SteepTwice(ng.Layer):
    """y = sin kx, with its second derivatives; cos 3u = 4 cos³ u − 3 cos u, which rounds otherwise."""
    k = 3000.3

    def forward(self, p, x, c):
        return np.sin(self.k * x), x

    def backward(self, p, x, dy, c):
        return self.k * np.cos(self.k * x) * dy, {}

    def jvp(self, p, x, x_dot, c):
        u = np.cos(self.k / 3 * x)
        return self.k * (4 * u * u * u - 3 * u) * x_dot, x_dot

    def jvp_backward(self, p, x, x_dot, dy, dy_dot, c):
        slope = self.k * np.cos(self.k * x)
        dx = -self.k * self.k * np.sin(self.k * x) * x_dot * dy_dot
        return dx if dy is None else dx + slope * dy, slope * dy_dot, {}


def steep(when=lambda x, c: False, slope=30):
    """sin (slope x), of an x that is off by one rounding in some passes, which the sine magnifies."""
    class Steep(ng.Layer):
        def forward(self, p, x, c):
            x = x * (1 + derivative.EPS) if when(x, c) else x
            return np.sin(slope * x), x

        def backward(self, p, x, dy, c):
            return slope * np.cos(slope * x) * dy, {}

    return Steep()


@pytest.mark.parametrize("seed", range(5))
def test_rounding_errors_that_a_layer_magnifies_are_allowed_for_rows_and_engines_and_twice(seed):
    check.layer(SteepTwice(), (1, 1), engine="numpy", seed=seed)
    check.layer(steep(lambda x, c: len(x) == 1), (5, 2), engine="numpy", seed=seed)
    check.layer(steep(lambda x, c: c.ops is not ng.functional), (5, 2), engine="numba", seed=seed)


@pytest.mark.parametrize("seed", range(5))
def test_terms_that_nearly_cancel_are_no_fault(seed):
    class Sum(ng.Layer):
        def shapes(self, d_in):
            return {}, 1

        def forward(self, p, x, c):
            return 1e3 * (x[:, :1] + (1 + 1e-6) * x[:, 1:]), None

        def backward(self, p, cache, dy, c):
            return np.concatenate([1e3 * dy, 1e3 * (1 + 1e-6) * dy], axis=1), {}

    check.layer(Sum(), (1, 2), engine="numpy", seed=seed)


def test_how_far_roundings_reach_is_measured():
    """Where x is about 1, sin 30x is off by a rounding of 30: 30 · EPS / √12 of the largest, which is 1."""
    def of(layer, seed=0):
        return Trial(layer, (5, 3), "numpy", np.random.default_rng(seed)).roundings()

    def median(layer):                                # one sine may be almost 0, and its roundings are any number then
        found = []
        for seed in range(61):
            try:
                found.append(of(layer, seed))
            except derivative.Kink:
                found.append(math.inf)
        return np.median(found)

    class OfAWeight(Scale):
        def forward(self, p, x, c):
            return x * np.sin(300 * p["s"]), x

        def backward(self, p, x, dy, c):
            return dy * np.sin(300 * p["s"]), {"s": np.array([(dy * x).sum() * 300 * np.cos(300 * p["s"][0])])}

    assert of(ng.Tanh()) == 1
    assert 8 < median(OfAWeight()) < 10_000                                   # about 1,000
    assert 8 < median(steep()) < 100
    with pytest.raises(derivative.Kink, match=r"what Steep\(\) computes is off by"):
        of(steep(slope=3e9))                                                  # too many to be excused


def test_the_rounding_error_that_is_measured_is_that_which_is_there():
    """±e at random: a fourth difference is at most 16 e, in units of √70, and of 75 such the largest is hardly less."""
    e = 2.0**-40
    for size in (1, 1e-6):
        layer = Elementwise(lambda x, size=size: size * (x + e * np.sign(np.sin(1e13 * x))), np.ones_like)
        trial = Trial(layer, (5, 3), "numpy", np.random.default_rng(0))
        off = trial.roundings() * derivative.EPS * np.abs(trial.y).max()
        assert 12 < off / (e * size) * math.sqrt(70) <= 16.1


class LayerNorm(ng.Layer):
    """Of two columns, h is ±(1 − 5e-6): dx is a difference of nearly equal numbers. Times `factor`, it is wrong."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def forward(self, p, x, c):
        a = x - x.mean(axis=1, keepdims=True)
        s = np.sqrt((a * a).mean(axis=1, keepdims=True) + 1e-5)
        return a / s, (a / s, s)

    def backward(self, p, cache, dy, c):
        h, s = cache
        dx = (dy - dy.mean(axis=1, keepdims=True) - h * (dy * h).mean(axis=1, keepdims=True)) / s
        return dx * self.factor, {}


@pytest.mark.parametrize("seed", [7, 16, 30, 34, 40, 43, 70, 85, 101, 121])
def test_a_difference_of_nearly_equal_numbers_is_no_fault_and_excuses_none(seed):
    for rows in (1, 2, 7):
        check.layer(LayerNorm(), (rows, 2), engine="numpy", seed=seed)
        with pytest.raises(check.GradientError, match=r"dx\[.*they agree to [56] digits"):
            check.layer(LayerNorm(1 + 1e-6), (rows, 2), engine="numpy", seed=seed)


def test_a_state_is_that_of_many_training_passes():
    trial = Trial(ng.BatchNorm(), (5, 3), "numpy", np.random.default_rng(0))
    assert trial.s["mean"] == pytest.approx(trial.x.mean(axis=0), abs=1e-12)
    assert trial.s["var"] == pytest.approx(trial.x.var(axis=0, ddof=1), abs=1e-12)


class KeepsW(ng.Dense):
    """A state that follows from the parameters."""

    def state(self, d_in):
        return {"first": np.zeros((d_in, self.width))}

    def init_state(self, p, s, rng):
        s["first"][...] = p["W"]


def test_a_state_that_follows_from_the_parameters_follows_them():
    trial = Trial(KeepsW(4), (5, 3), "numpy", np.random.default_rng(0))
    assert np.array_equal(trial.s["first"], trial.p["W"])
    net = ng.Network([KeepsW(4)], 3, rng=np.random.default_rng(0), engine="numpy")
    assert np.array_equal(twin(net, theta=net.theta + 1).state, net.theta[:12] + 1)


def test_a_network_is_shaken_by_one_rounding_of_float32():
    net = mlp([5, 40, 1])
    off = shaken(net).theta[net.theta != 0] / net.theta[net.theta != 0].astype(np.float64) - 1
    assert off == pytest.approx(np.sign(off) * derivative.EPS32, rel=1e-6)
    assert set(np.sign(off)) == {-1, 1}


def test_the_widths_of_a_network_are_what_goes_into_each_layer():
    assert widths(mlp([5, 40, 1])) == [5, 40, 40]


def test_more_columns_and_layers_are_allowed_more_rounding_in_float32():
    for sizes, columns, layers in (([300, 1], 300, 1), ([5, 40, 1], 40, 3)):
        row = next(r for r in check.network(mlp(sizes)).rows if r.method == "float32 against float64")
        assert 1 <= row.tolerance / (50 * derivative.EPS32 * math.sqrt(columns) * layers) < 10
    rows = [r for r in check.gan(mlp([2, 3, 2]), mlp([2, 400, 1])).rows if r.method == "float32 against float64"]
    assert len(rows) == 2
    for row in rows:
        assert 1 <= row.tolerance / (50 * derivative.EPS32 * math.sqrt(400) * 6) < 8


@pytest.mark.parametrize("seed", range(4))
def test_a_game_is_allowed_the_rounding_that_its_layers_magnify_in_float32(seed):
    steep = Elementwise(lambda x: np.sin(1000 * x), lambda x: 1000 * np.cos(1000 * x))
    check.gan(mlp([2, 4, 2]), mlp([2, 4, 1], hidden=steep), seed=seed)


def test_sums_over_many_rows_and_columns_are_allowed_their_rounding():
    for seed in range(4):
        check.layer(ng.Dense(1), (500, 1), engine="numpy", seed=seed)       # dW may be small beside its 500 terms
    check.layer(ng.Dense(2), (2, 2000), engine="numpy")


def test_what_was_compared_is_in_the_report():
    rows = methods(check.layer(ng.Dense(2), engine="numba"))
    assert rows["y, dx and all"] == "float32 against float64"
    assert rows["y"] == "numba against numpy"
    assert rows["dx and all"] == "linear in dy"
    assert rows["jvp: y_dot"] == "adjoint test with backward"
    assert {"jvp_backward: dx", "jvp_backward: dx_dot", "jvp_backward: dW", "jvp_backward: db"} <= set(rows)


def test_every_layer_of_the_package_is_among_them():
    kinds = {kind for kind in vars(ng).values() if isinstance(kind, type) and issubclass(kind, ng.Layer)}
    assert kinds - {ng.Layer} <= {type(layer) for layer, _ in LAYERS}


def test_passes_that_differ_are_both_checked():
    rows = methods(check.layer(ng.Dropout(0.4), engine="numpy"))
    assert {"dx", "dx (training)"} <= set(rows)
    assert "dx (training)" not in methods(check.layer(ng.Tanh(), engine="numpy"))


LOSSES = [ng.losses.Minimax(), ng.losses.NonSaturating(), ng.losses.NonSaturating(real_label=0.9),
          ng.losses.Minimax(flip=0.2, label_noise=0.1), ng.losses.LeastSquares(), ng.losses.Hinge(),
          ng.losses.Wasserstein(), LeastSquares()]


@pytest.mark.parametrize("loss", LOSSES, ids=[f"{i}-{type(loss).__name__}" for i, loss in enumerate(LOSSES)])
def test_right_losses_pass_to_rounding_error(loss):
    report = check.loss(loss)
    assert {"discriminator: d_real", "discriminator: d_fake", "generator: d_fake"} <= set(methods(report))
    assert max(errors_of(report, COMPLEX_STEP)) <= 1e-13
    assert len(errors_of(report, COMPLEX_STEP)) == 3


def test_a_loss_that_overflows_by_nature_passes_without_its_tails():
    with pytest.raises(check.GradientError, match="10000"):
        check.loss(Exponential())
    assert len(check.loss(Exponential(), tails=False).rows) == 3


class Times:
    """A loss times a number, and its gradients times another."""

    def __init__(self, loss, L=1.0, d=1.0):
        self.loss, self.L, self.d = loss, L, d

    def discriminator(self, logit_real, logit_fake):
        L, dr, df = self.loss.discriminator(logit_real, logit_fake)
        return self.L * L, self.d * dr, self.d * df

    def generator(self, logit_fake):
        L, df = self.loss.generator(logit_fake)
        return self.L * L, self.d * df


class Cauchy:
    """log(1 + (s − label)²), the labels 1, −1 and 1: its slope falls off on both sides of a label."""

    def half(self, s, label):
        a = s - label
        return np.log(1 + a * a).mean(), 2 * a / (1 + a * a) / len(s)

    def discriminator(self, logit_real, logit_fake):
        (L, dr), (M, df) = self.half(logit_real, 1), self.half(logit_fake, -1)
        return L + M, dr, df

    def generator(self, logit_fake):
        return self.half(logit_fake, 1)


@pytest.mark.parametrize("size", [1e-3, 1e3])
def test_a_right_loss_may_have_any_size_and_a_slope_that_falls_off(size):
    for loss in (ng.losses.NonSaturating(), LeastSquares(), Cauchy()):
        check.loss(Times(loss, size, size), engine="numpy")


def test_one_row_of_each_will_do():
    check.loss(ng.losses.NonSaturating(), n=1, m=1, engine="numpy")
    check.network(mlp([2, 3, 1]), n=1)


def test_two_ways_to_write_a_loss_may_differ_by_roundings():
    right = ng.losses.NonSaturating()
    report = check.loss(right, like=Times(right, d=1 + 3e-13), engine="numpy")
    assert [row.error for row in report.rows if "against" in row.method] == pytest.approx([3e-13] * 2, rel=1e-2, abs=0)
    for other in (Times(right, L=1 + 3e-12), Times(right, d=1 + 3e-12)):
        with pytest.raises(check.GradientError, match="against Times"):
            check.loss(right, like=other, engine="numpy")


def test_two_numbers_are_close_or_not():
    for a, b in ((0, 0.9e-12), (1, 1 + 0.9e-12), (1e6, 1e6 + 0.9e-6), (-1e6, -1e6 - 0.9e-6)):
        assert derivative.close(a, b)
        assert not derivative.close(a, a + 1.2 * (b - a))
    assert not derivative.close(math.nan, math.nan)


def test_a_loss_can_be_held_against_another():
    rows = methods(check.loss(ng.losses.NonSaturating(), like=ng.losses.NonSaturating()))
    assert rows["generator: L and gradients"]
    with pytest.raises(check.GradientError, match=r"generator \(against NonSaturating\) is another one at the logit"):
        check.loss(ng.losses.Minimax(), like=ng.losses.NonSaturating(), engine="numpy")


NETWORKS = {
    "leaky": lambda **k: ng.MLP([2, 8, 8, 1], **k),
    "relu, tanh": lambda **k: ng.MLP([3, 8, 4], hidden="relu", output="tanh", **k),
    "swish": lambda **k: ng.MLP([3, 6, 2], hidden=Swish(), output="sigmoid", **k),
    "maxout, dropout": lambda **k: ng.Network([ng.Dense(12), ng.Maxout(3), ng.Dropout(), ng.Dense(1)], 3, **k),
    "batchwise": lambda **k: ng.Network([ng.Dense(4), Centre(), ng.Tanh(), ng.Dense(2)], 3, **k),
    "batch statistics": lambda **k: ng.Network([ng.Pack(2), ng.Dense(4), ng.BatchNorm(), ng.LeakyReLU(),
                                                ng.MinibatchStd(), ng.Dense(1)], 3, **k),
    "spectral": lambda **k: ng.Network([ng.SpectralDense(4), ng.Tanh(), ng.SpectralDense(1)], 3, **k),
    "no parameters below": lambda **k: ng.Network([ng.Tanh(), ng.Dense(2, bias=False)], 3, **k),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_right_networks_pass_with_both_engines(name, engine):
    net = NETWORKS[name](rng=np.random.default_rng(0), engine=engine)
    before = copy.deepcopy(net.__getstate__())
    report = check.network(net, n=9)
    assert {f"d({name})" for name in net.params()} | {"dx"} <= set(methods(report))
    assert max(errors_of(report, COMPLEX_STEP)) <= 1e-13
    assert net.theta.tobytes() == before["_theta"].tobytes()
    assert net.version == before["version"]


@pytest.mark.parametrize("seed", [15, 59])
def test_a_power_iteration_that_has_not_converged_is_settled_first(seed):
    """Their first layers have singular values of ratio 0.94 and 0.96: 50 iterations are too few."""
    rng = np.random.default_rng(seed)
    D = ng.Network([ng.SpectralDense(4), ng.Tanh(), ng.SpectralDense(1)], 3, rng=rng, engine="numpy")
    check.network(D, n=9)
    check.gan(ng.MLP([2, 5, 3], rng=rng, engine="numpy"), D)


def test_a_network_can_be_checked_with_the_other_engine(engine):
    other = {"numpy": "numba", "numba": "numpy"}[engine]
    G, D = (ng.MLP([2, 4, d], rng=np.random.default_rng(d), engine=other) for d in (2, 1))
    assert check.network(D, engine=engine).title.endswith(f"engine {engine}")
    assert check.gan(G, D, engine=engine).title.endswith(f"engine {engine}")
    assert D.engine == other


def test_large_tensors_are_checked_along_random_directions():
    net = mlp([300, 64, 1])
    rows = methods(check.network(net))
    assert rows["d(0.W)"] == "complex step, 8 random directions"
    assert rows["d(0.b)"] == "complex step"


def random_game(rng):
    """Small random architectures: depth, width and activations of both networks."""
    d, z = (int(k) for k in rng.integers(1, 4, 2))
    kinds = ["leaky_relu", "relu", "tanh", "sigmoid", Swish()]

    def widths():
        return [int(k) for k in rng.integers(2, 7, rng.integers(1, 3))]

    G = ng.MLP([z, *widths(), d], hidden=kinds[rng.integers(5)], output=("identity", "tanh")[rng.integers(2)], rng=rng,
               engine="numpy")
    D = ng.MLP([d, *widths(), 1], hidden=kinds[rng.integers(5)], rng=rng, engine="numpy")
    return G, D


@pytest.mark.parametrize("seed", range(3))
def test_random_gans_pass(seed):
    G, D = random_game(np.random.default_rng(seed))
    for loss in (ng.losses.Minimax(), ng.losses.NonSaturating(real_label=0.9), LeastSquares()):
        report = check.gan(G, D, loss, seed=seed)
        every = {f"g_D: d({n})" for n in D.params()} | {f"g_G: d({n})" for n in G.params()}
        assert every <= set(methods(report))
        assert max(errors_of(report, COMPLEX_STEP)) <= 2e-13


def test_a_gan_passes_with_both_engines_and_changes_nothing(engine):
    rng = np.random.default_rng(0)
    G = ng.MLP([2, 5, 3], rng=rng, engine=engine)
    D = ng.Network([ng.Dense(6), ng.Maxout(2), ng.Dropout(), ng.Dense(1)], 3, rng=rng, engine=engine)
    x = rng.normal(size=(9, 3))
    before = G.theta.tobytes(), D.theta.tobytes(), x.tobytes(), G.version, D.version
    rows = methods(check.gan(G, D, x=x))
    assert (G.theta.tobytes(), D.theta.tobytes(), x.tobytes(), G.version, D.version) == before
    assert {"g_D: d(0.W)", "g_D: d(0.W) (training)", "g_G: d(0.W) (training)",
            "g_D, 5 real and 3 fake rows"} <= set(rows)


def test_labels_that_are_drawn_are_checked_in_training_only():
    rows = methods(check.gan(mlp([2, 3, 2]), mlp([2, 3, 1]), ng.losses.NonSaturating(flip=0.3)))
    assert "g_D: d(0.W) (training)" in rows
    assert "g_D: d(0.W)" not in rows
    assert "g_D: d(0.W) (training)" not in methods(check.gan(mlp([2, 3, 2]), mlp([2, 3, 1])))
    assert "d(0.W) (training)" not in methods(check.network(mlp([2, 3, 1])))


def test_the_steps_of_every_optimiser_pass():
    G, D = mlp([2, 4, 2]), mlp([2, 4, 1])
    for kind in (ng.optim.SGD, ng.optim.Momentum, ng.optim.RMSProp, ng.optim.Adam):

        def discriminator_step(G, D, loss, x, z, rng, kind=kind):
            kind(1e-3).step(D, ng.discriminator_gradient(D, loss, x, G(z), rng)[1])

        def generator_step(G, D, loss, z, rng, kind=kind):
            kind(1e-3).step(G, ng.generator_gradient(G, D, loss, z, rng)[1])

        check.gan(G, D, discriminator_step=discriminator_step, generator_step=generator_step)


# ---------------------------------------------------------------------------- code that drops the imaginary part

def softsign(x):
    return x / (1 + np.abs(x))                             # np.abs: real, without a word


def casting(x):
    return np.tanh(np.asarray(x, dtype=x.real.dtype))      # a cast: ComplexWarning


def to_slots(x):
    y = np.empty(x.shape, x.real.dtype)
    y[...] = np.tanh(x)                                    # assignment: ComplexWarning
    return y


def tanh_slope(x):
    return 1 - np.tanh(x)**2


REAL_ONLY = {
    "np.abs": (softsign, lambda x: 1 / (1 + np.abs(x))**2, "imaginary part is lost"),
    ".real": (lambda x: np.tanh(x.real), tanh_slope, "imaginary part is lost"),
    "a half": (lambda x: np.tanh(x) + np.tanh(np.abs(x)), lambda x: tanh_slope(x) * (1 + np.sign(x)),
               "imaginary part is lost"),
    "cast": (casting, tanh_slope, "ComplexWarning"),
    "assignment": (to_slots, tanh_slope, "ComplexWarning"),
    "np.logaddexp": (lambda x: np.logaddexp(0, x).astype(x.dtype), expit, "TypeError"),
    "expit": (expit, lambda x: expit(x) * (1 - expit(x)), "TypeError"),
    "math": (np.vectorize(math.erf), lambda x: 2 / math.sqrt(math.pi) * np.exp(-x**2), "ComplexWarning"),
}


@pytest.mark.parametrize("name", REAL_ONLY)
def test_code_that_drops_the_imaginary_part_is_checked_by_central_differences(name):
    f, slope, why = REAL_ONLY[name]

    def same_dtype(x):
        return f(x) if np.iscomplexobj(x) else f(x).astype(x.dtype)

    report = check.layer(Elementwise(same_dtype, slope), engine="numpy")
    assert methods(report)["dx"] == CENTRAL
    assert max(errors_of(report, CENTRAL)) <= 1e-7
    assert any(note.startswith("dx by central differences") and why in note for note in report.notes)
    with pytest.raises(check.GradientError, match=r"central difference\); the ratio is 2 everywhere: a missing ½\?"):
        check.layer(Elementwise(same_dtype, lambda x: 2 * slope(x)), engine="numpy")


def test_a_wrong_gradient_of_zero_does_not_hide_behind_a_lost_imaginary_part():
    with pytest.raises(check.GradientError, match=r"zero everywhere.*cache flushed"):
        check.layer(Elementwise(lambda x: np.tanh(x.real), np.zeros_like), engine="numpy")


def test_a_loss_and_a_gan_of_real_only_code_are_checked_by_central_differences():
    class WithLogaddexp:
        def discriminator(self, r, f):
            L = np.logaddexp(0, -r).mean() + np.logaddexp(0, f).mean()
            return L, -expit(-r) / len(r), expit(f) / len(f)

        def generator(self, f):
            return np.logaddexp(0, -f).mean(), -expit(-f) / len(f)

    report = check.loss(WithLogaddexp(), like=ng.losses.NonSaturating())
    assert len(errors_of(report, CENTRAL)) == 3
    report = check.gan(mlp([2, 4, 2]), mlp([2, 4, 1], hidden=Elementwise(softsign, REAL_ONLY["np.abs"][1])))
    assert methods(report)["g_D: d(0.W)"] == CENTRAL
    assert methods(report)["g_D: d(2.W)"] == COMPLEX_STEP          # above the layer that drops it
    assert max(errors_of(report, CENTRAL)) <= 1e-7


def test_wide_rectified_networks_of_real_only_code_are_not_accused_because_of_kinks():
    class RealReLU(ng.ReLU):
        def forward(self, p, x, c):
            y = np.maximum(x.real, 0)
            return y, y

        jvp = jvp_backward = None

    net = ng.Network([ng.Dense(256), RealReLU(), ng.Dense(256), RealReLU(), ng.Dense(1)], 32, engine="numpy",
                     rng=np.random.default_rng(0))
    for seed in range(3):
        report = check.network(net, seed=seed)
        assert methods(report)["d(0.W)"] == "central difference, 8 random directions"


# ------------------------------------------------------------------------------------------- the numbers themselves

def test_the_complex_step_is_exact_eq_2_22_and_the_central_difference_nearly_eq_2_23():
    x, v = np.array([0.3, -1.2]), np.array([1.0, -2.0])
    exact = float(np.sum(v * (np.exp(x) * np.cos(np.exp(x)))))
    w = np.ones(2)

    def f(delta):
        return np.sin(np.exp(x + delta))

    assert derivative.complex_step(f, w, v) == pytest.approx(exact, rel=4 * derivative.EPS)
    central = derivative.central_difference(f, w, v)
    assert abs(central - exact) <= 1e-9 * abs(exact)
    coarse = abs(derivative.central_difference(f, w, v, 1e-2) - exact)
    assert 3.9 <= coarse / abs(derivative.central_difference(f, w, v, 5e-3) - exact) <= 4.1      # O(h²)


def test_the_error_is_relative_to_the_largest_entry_and_absolute_for_zeros():
    a, n = np.array([2.0, 0.5]), np.array([2.0, 0.25])
    assert derivative.relative(a, n) == 0.125
    assert derivative.relative(np.array([1e-13]), np.array([-1e-13])) == 2e-13
    assert derivative.relative(np.array([1e-12]), np.array([0.0])) == 1
    assert derivative.relative(np.array([0.5]), np.array([0.25])) == 0.5
    assert math.isnan(derivative.relative(np.array([np.nan]), np.array([1.0])))


@pytest.mark.parametrize("distance", [0.0, 1e-12, 3e-8, 3e-7, 4e-6, 1e-3])
def test_a_kink_nearby_is_seen_or_stepped_around(distance):
    """|x − distance| at 0: −1 on this side, whatever the step; at the kink itself there is no derivative."""

    def f(delta):
        return np.abs(delta.real - distance)

    def seen(target):
        return derivative.numeric(f, np.ones(1), np.ones((1, 1)), np.array([target]), np.random.default_rng(0), 0)

    if distance < derivative.STEPS[1]:                      # the widest step is shortened, but not as much
        for target in (-1.0, 0.0, -0.5, 1.0):
            with pytest.raises(derivative.Kink):
                seen(target)
    else:
        found = seen(-1.0)
        assert found.method == CENTRAL                      # the complex step sees 0
        assert abs(found.values[0] + 1) <= found.tolerance
        assert abs(seen(-0.5).values[0] + 0.5) > 0.4


WIDE, FINER, FINEST = derivative.STEPS


def seen(f, *target, floor=0.0, w=1.0):
    return derivative.numeric(f, np.array(w), np.eye(len(target)), np.array(target), np.random.default_rng(0), floor)


def real_only(f):
    """f, but refusing complex input."""
    def real(delta):
        if np.iscomplexobj(delta):
            raise TypeError("no complex numbers here")
        return f(delta)
    return real


def rounding(terms, h):
    return 8 * derivative.EPS * terms / h


def test_directions_are_all_unit_vectors_or_random_signs():
    rng = np.random.default_rng(0)
    assert np.array_equal(derivative.directions((20, 10), rng), np.eye(200).reshape(200, 20, 10))
    V = derivative.directions((67, 3), rng)
    assert V.shape == (8, 67, 3)
    assert set(V.ravel()) == {-1.0, 1.0}


def test_a_direction_has_the_shape_of_the_tensor():
    def f(delta):
        assert delta.shape == (2, 3)
        return delta

    found = derivative.numeric(f, np.ones(()), np.eye(6).reshape(6, 2, 3), np.ones(6), np.random.default_rng(0), 0)
    assert found.method == COMPLEX_STEP
    assert np.allclose(found.values, 1, rtol=1e-13, atol=0)


def test_what_is_allowed_is_the_tolerance_and_the_rounding_error_as_a_part_of_the_derivative():
    allowed = seen(lambda delta: 3 * delta, 3.0, floor=6e-10)
    assert allowed.method == COMPLEX_STEP
    assert allowed.tolerance == pytest.approx(1e-13 + 2e-10, rel=1e-9)
    allowed = seen(real_only(lambda delta: 5 + 3 * delta), 3.0, floor=6e-5)
    assert allowed.method == CENTRAL
    assert allowed.tolerance == pytest.approx(1e-7 + (6e-5 + rounding(5, WIDE)) / 3, rel=1e-9)
    assert seen(real_only(lambda delta: 5 + 3 * delta), 3.0).tolerance == pytest.approx(
        1e-7 + rounding(5, WIDE) / 3, rel=1e-6)
    assert seen(lambda delta: 0 * delta, 1e-12, floor=1e-20).tolerance == pytest.approx(1e-13 + 1e-8, rel=1e-9)
    assert seen(lambda delta: 0 * delta, 9e-13, floor=1e-20).tolerance == pytest.approx(1e-13 + 1e-20, rel=1e-9)


@pytest.mark.parametrize("f", [
    lambda delta: 0 * delta,                                            # nothing to see
    lambda delta: 1e6 + 1e-8 * delta,                                   # the differences are rounding errors
    lambda delta: 1e3 * np.sin(300 * delta) / 300,                      # a wide step is off by 5e-7 of it
    lambda delta: np.where(delta.real > 1e-7, delta, 0),                # a kink that only the finest step does not see
])
def test_a_complex_step_is_confirmed(f):
    assert seen(f, derivative.complex_step(f, np.ones(()), np.ones(1))).method == COMPLEX_STEP


def test_smaller_steps_are_taken_only_where_the_wide_one_disagrees():
    """Of c (δ + a δ³) the central difference is c (1 + a h²)."""
    a = 5e-8 / WIDE**2
    value = seen(real_only(lambda delta: 10 * (delta + a * delta**3)), 10.0).values[0]
    assert value == pytest.approx(10 * (1 + 5e-8), abs=1e-8)
    value = seen(real_only(lambda delta: 1e-6 * (delta + 40 * a * delta**3)), 1e-6).values[0]
    assert value == pytest.approx(1e-6 * (1 + 2e-6 / 256), abs=1e-15)
    a = 1e-5 / WIDE**2
    values = seen(real_only(lambda delta: 10 * (delta + a * delta**3)), 10.0, 10.0, w=np.ones(2)).values
    assert values == pytest.approx([10 * (1 + 1e-5 / 256)] * 2, abs=1e-8)
    a = 5e-5 / FINER**2                                     # curved, no kink: a wrong gradient meets the second step
    assert seen(real_only(lambda delta: 1e3 * (delta + a * delta**3)), 2e3).values[0] == pytest.approx(
        1e3 * (1 + 5e-5), rel=1e-8)


def test_the_rounding_error_of_the_step_that_was_used_is_allowed():
    """Differences of sums of 1e4 are off by 3e-6 at the widest step, 5e-5 and 8e-4 at the next."""
    for off, h in ((0, WIDE), (1e-6, WIDE), (1e-5, FINER), (1e-4, FINEST), (30, FINER)):
        found = seen(real_only(lambda delta: 1e4 + 3 * delta), 3.0 + off)
        assert found.tolerance == pytest.approx(1e-7 + rounding(1e4, h) / (3 + off), rel=1e-4)
    for off in ((1e-4, 1e-5), (1e-5, 1e-4)):
        both = seen(real_only(lambda delta: 5e3 + 3 * delta), 3 + off[0], 3 + off[1], w=np.ones(2))
        assert both.tolerance == pytest.approx(1e-7 + rounding(1e4, FINEST) / 3, rel=1e-4)
    assert abs(seen(real_only(lambda delta: 1e6 + 3 * delta), 30.0).values[0] - 3) <= rounding(1e6, FINER)


def test_kinks_that_central_differences_meet_by_themselves():
    def at(distance):
        return real_only(lambda delta: np.abs(delta - distance))

    assert seen(at(1e-7), -1.0).values[0] == pytest.approx(-1, abs=1e-8)            # the finest step does not cross it
    for distance in (0, 1e-7):
        with pytest.raises(derivative.Kink):
            seen(at(distance), 0.5)


def test_slopes_that_differ_by_a_thousandth_are_a_kink():
    def bent(by):
        return real_only(lambda delta: np.where(delta > 0, (1 + by) * delta, delta))

    with pytest.raises(derivative.Kink):
        seen(bent(1e-3), 5.0)
    assert seen(bent(1e-5), 5.0).values[0] == pytest.approx(1, abs=1e-5)


def test_one_derivative_that_is_uncertain_does_not_end_the_search():
    """The first is off by less than its rounding error; the widest step crosses a kink of the second."""
    found = seen(real_only(lambda delta: 1e4 + 3 * delta[0] + np.abs(delta[1] - 1e-6)), 3 + 1e-5, -1.0)
    assert found.values[1] == pytest.approx(-1, abs=rounding(1e4, FINER))


def test_one_derivative_that_is_wrong_for_certain_is_enough():
    def f(delta):
        return delta[0] + np.abs(delta[1])

    assert seen(real_only(f), 5.0, 0.5).values[0] == pytest.approx(1, abs=1e-8)
    with pytest.raises(derivative.Kink):
        seen(real_only(f), 1.0, 0.5)


def test_a_layer_without_slopes_is_refused():
    with pytest.raises(check.GradientError, match="at none of 20 random points"):
        check.layer(Elementwise(lambda x: np.abs(np.round(x * 1e9) % 2), np.zeros_like), engine="numpy")


# ----------------------------------------------------------------------------------------- what holds to the byte

def test_points_lie_near_the_parameters_and_float32_holds_them():
    rng = np.random.default_rng(0)
    for value, size in ((0, 0.01), (0.05, 0.01), (3, 0.3)):
        point = contract.nearby(np.full((100, 100), value), rng)
        assert np.sqrt(np.mean((point - value)**2)) == pytest.approx(size, rel=0.05)
        assert np.array_equal(point, point.astype(np.float32))
    assert contract.nearby(np.zeros(0), rng).shape == (0,)
    x = contract.draw(rng, 100, 100)
    assert x.dtype == np.float64
    assert np.array_equal(x, x.astype(np.float32))
    assert np.std(x) == pytest.approx(1, rel=0.05)


def test_two_results_are_the_same_when_every_byte_is():
    a, b = np.array([1.0, np.nan]), np.array([1.0, 2.0])
    assert contract.same([a, {"b": b}], (a.copy(), b.copy()))
    for other in ([a], [a, b, b], [a, a], [a, b.astype(np.float32)], [a, b[None]], [a, np.array([1.0, -2.0])]):
        assert not contract.same([a, b], other)
    assert not contract.same(np.array([0.0]), np.array([-0.0]))


@pytest.mark.parametrize(("got", "expected", "rows", "hint"), [
    ((3, 2), (2, 3), 0, ": transposed?"), ((3, 4), (2, 3), 0, ""), ((5, 3, 2), (2, 3), 5, ""),
    ((5, 2, 3), (2, 3), 5, ": is the sum over the batch missing?"), ((5, 2, 3), (2, 3), 0, ""),
    ((4, 3, 2), (2, 3, 4), 0, ": the same entries in another shape (keepdims, a missing axis?)"),
    ((6,), (2, 3), 5, ": the same entries in another shape (keepdims, a missing axis?)"), ((5,), (2, 3), 5, "")])
def test_a_wrong_shape_is_told_with_what_it_may_come_from(got, expected, rows, hint):
    with pytest.raises(check.GradientError) as error:
        contract.tensor(np.zeros(got), "dW", expected, np.float64, "backward", rows)
    assert str(error.value) == f"backward returns dW of shape {got}, expected {expected}{hint}"


def test_a_batch_of_unknown_size_is_no_hint_and_another_kind_is_no_promotion():
    with pytest.raises(check.GradientError, match="the same entries in another shape"):
        contract.tensor(np.zeros((1, 2, 3)), "dW", (2, 3), np.float64, "backward")
    with pytest.raises(check.GradientError, match="backward turns float64 to int64 in dW"):
        contract.tensor(np.zeros(3, np.int64), "dW", (3,), np.float64, "backward")


def test_a_layer_is_named_by_its_repr_where_that_is_short():
    for text, name in (("Swish(beta=1)", "Swish(beta=1)"), ("x" * 100, "x" * 100), ("x" * 101, "Named(…)"),
                       ("a\nb", "Named(…)"), ("<f at 0x7f>", "Named(…)")):
        assert contract.named(type("Named", (), {"__repr__": lambda self, text=text: text})()) == name


# ------------------------------------------------------------------------------------------- the words for a fault

def said(a, n, **kwargs):
    a, n = np.array(a, float), np.array(n, float)
    return explain("dx", a, np.arange(a.size), n.reshape(-1), "by hand", **kwargs)


def test_an_entry_is_named_with_as_many_digits_as_tell_both_numbers_apart():
    assert said([1, 5], [1, 2]) == ("dx[1]: analytic 5.00, numeric 2.00 (by hand); 1 of 2 entries are wrong, the "
                                    "others are right")
    assert said([[1, 1], [1, 1.001]], [[1, 1], [1, 1]]).startswith("dx[1, 1]: analytic 1.00100, numeric 1.00000 (")
    assert "analytic 1.000000001, numeric 1.000000002" in said([1.000000001, 3], [1.000000002, 3])
    assert "analytic 1.0000000000010001, numeric 1 (" in said([1.000000000001, 3], [1, 3])
    assert "analytic 0.00, numeric -0.500" in said([-0.0, 3], [-0.5, 3])


@pytest.mark.parametrize(("a", "n", "words"), [
    ([100.000003, 7], [100, 7], "they agree to 7 digits, which is too few"),
    ([3, 4], [4, 3], "no entry is right; the cosine between both is 0.96"),
    ([1, 2], [0, 0], "no entry is right; the cosine between both is 0.00"),
    ([3], [4], "its one entry is wrong"),
    ([8], [4], "the ratio is 2 everywhere: a missing ½?"),
    ([8, 0], [4, 0], "the ratio is 2 everywhere: a missing ½?"),
    ([6.8, 0], [4, 0], "1 of 2 entries are wrong, the others are right"),
    ([400, 800.004], [100, 200], "the ratio is 4 everywhere: a factor 2 applied twice?"),
    ([400, 800.04], [100, 200], "no entry is right; the cosine between both is 1.00"),
    ([2.00001, 4.00002], [1, 2], "the ratio is 2 everywhere: a missing ½?"),
    ([2.0001, 4.0002], [1, 2], "the ratio is 2 everywhere: a constant factor too much or too little?"),
    ([1, 2], [2, 4], "; the ratio is 0.5 everywhere: a ½ too much?"),
    ([0, 0], [1, 2], "dx is zero everywhere"),
    ([0, 2, 3], [1, 0, 3], "the zeros are in other places"),
    ([0, 0, 3], [1, 2, 3], "2 of 3 entries are 0 where they should not be, the others are right: cut off?"),
    ([0, 2, 3], [1, 1, 3], "2 of 3 entries are wrong, the others are right"),
    ([0, 2], [1, 1], "no entry is right; the cosine between both is 0.71"),
    ([[1, 9], [3, 9]], [[1, 2], [3, 4]], "2 of 4 entries are wrong, all in column 1, the others are right"),
    ([[1, 2], [9, 9]], [[1, 2], [3, 4]], "2 of 4 entries are wrong, all in row 1, the others are right"),
    ([[1, 2], [3, 9]], [[1, 2], [3, 4]], "1 of 4 entries are wrong, the others are right"),
    ([[9, 2], [3, 9]], [[1, 2], [3, 4]], "2 of 4 entries are wrong, the others are right"),
    ([[1], [9], [9]], [[1], [2], [3]], "2 of 3 entries are wrong, the others are right"),
    ([[[1, 2], [9, 9]]], [[[1, 2], [3, 4]]], "2 of 4 entries are wrong, all in axis 1 at 1, the others are right"),
    ([[100, 300.001], [200, 400]], [[100, 200], [300, 400]], "it is the transpose of the right one"),
    ([[100, 300.1], [200, 400]], [[100, 200], [300, 400]], "2 of 4 entries are wrong, the others are right"),
    ([[100.000003, 7]], [[100, 7]], "they agree to 7 digits, which is too few"),
    ([[100.000003, 7], [7, 5]], [[100, 7], [7, 5]], "they agree to 7 digits, which is too few"),
    ([[1, 3, 5], [2, 4, 6]], [[1, 5, 4], [3, 2, 6]], "in another order: reshaped where it should be transposed?"),
    ([[1, 3, 5], [2, 4, 6]], [[1, 5, 4], [3, 2, 7]], "5 of 6 entries are wrong"),
    ([[1, 2], [4, 3]], [[2, -3], [-2, 3]], "3 of 4 entries are wrong, the others are right"),
    ([[1, 2], [4, 5]], [[2, -3], [-2, 3]], "no entry is right, and each column should add up to 0"),
    ([[100, 200], [400, 500]], [[200, -300], [-200.0005, 300]], "no entry is right, and each column should add up to"),
    ([[1, 2], [4, 5]], [[0, 0], [0, 0]], "no entry is right; the cosine between both is 0.00"),
    ([[1, 2], [4, 5]], [[2, -2], [3, -3]], "no entry is right, and each row should add up to 0"),
    ([[1, 2], [-1, -2]], [[2, -3], [-2, 3]], "no entry is right; the cosine between both is -0.50"),
])
def test_what_is_said_of_a_fault(a, n, words):
    assert words in said(a, n)


def test_what_is_said_of_the_batch_the_input_and_known_mistakes():
    assert "a mean taken as a sum (a missing 1/n, n = 2)?" in said([2, 4], [1, 2], rows=2)
    assert "1/n applied twice, or a sum taken as a mean (n = 2)?" in said([1, 2], [2, 4], rows=2)
    assert "a ½ too much?" in said([1, 2], [2, 4], rows=1)
    x, n = np.array([-1.0, 2, -3, 0]), np.array([1, 2, 3, 4])
    assert "2 of 4 entries are wrong, those where the input is negative, the others" in said([9, 2, 9, 4], n, point=x)
    assert "2 of 4 entries are wrong, the others" in said([9, 9, 3, 4], n, point=x)
    mistakes = [("of another shape", np.array([[3, 4]])), ("this one", np.array([3.0, 4])), ("later", np.array([3, 4]))]
    assert said([3, 4], [4, 3], mistakes=mistakes).endswith("; this one")


def test_of_many_entries_a_few_are_looked_at_and_one_that_is_wrong():
    right, calls = np.arange(1200.0).reshape(40, 30), []
    a = np.where(right == 11 * 30 + 17, 0, right)

    def f(delta):
        calls.append(delta)
        return right * delta

    message = accuse(Gradient("dW", a, f, np.ones(()), "", 0), COMPLEX_STEP, np.random.default_rng(0))
    assert message.startswith("dW[11, 17]: analytic 0.00, numeric 347. (complex step); 1 of 201")
    assert len(calls) <= 201 + 2 * math.log2(2048)                                  # halved eleven times


def test_the_message_rests_on_the_same_numbers_as_the_verdict():
    with pytest.raises(check.GradientError, match="they agree to 11 digits"):       # a central difference: to 9
        check.layer(Elementwise(np.tanh, lambda x: (1 + 3e-12) * tanh_slope(x)), engine="numpy")


# --------------------------------------------------------------------------------------------- reports and refusals

def test_a_report_is_a_table():
    report = check.Report("title")
    report.add(check.Row("dW", "complex step", 2e-16, 1e-13))
    report.add(check.Row("dW", "complex step", 3e-16, 1e-13))
    report.add(check.Row("dW", "complex step", 1e-16, 1e-13))
    report.exact("shapes", "shapes")
    report.note("why")
    assert repr(report) == ("title\n"
                            "tensor  method          error  tolerance\n"
                            "dW      complex step  3.0e-16    1.0e-13\n"
                            "exact: shapes\n"
                            "note: why")


def test_a_report_says_what_holds_exactly():
    G, D = mlp([2, 3, 2]), mlp([2, 3, 1])
    assert check.layer(ng.Tanh(), engine="numpy").also == [
        "shapes", "dtypes", "x, dy, parameters and cache untouched", "backward twice", "caches apart"]
    assert check.loss(LeastSquares()).also == ["shapes", "dtypes", "logits untouched", "the same twice"]
    assert check.network(D).also == ["shapes", "dtypes", "x, dy, theta and tapes untouched", "tapes apart"]
    assert check.gan(G, D).also == ["shapes", "dtypes", "gradients change nothing", "a step moves one network, "
                                    "downhill, everywhere", "the other stays to the byte"]


def test_a_report_takes_in_all_of_another():
    one, other = check.Report("one"), check.Report("other")
    row = check.Row("dW", "complex step", 2e-16, 1e-13)
    other.add(row)
    other.exact("shapes")
    other.note("why")
    one.merge(other)
    assert (one.title, one.rows, one.also, one.notes) == ("one", [row], ["shapes"], ["why"])


def test_a_copy_to_experiment_on_has_another_dtype_and_engine_throughout():
    net = ng.Network([ng.Dense(4), ng.BatchNorm(), ng.Dense(1)], 3, rng=np.random.default_rng(0), engine="numba")
    other = twin(net, np.float64, "numpy")
    assert (other.theta.dtype, other.state.dtype, other.engine) == (np.float64, np.float64, "numpy")
    assert (net.theta.dtype, net.state.dtype, net.engine) == (np.float32, np.float32, "numba")


def test_a_gradient_error_is_an_assertion_error():
    assert issubclass(check.GradientError, AssertionError)


def test_a_notebook_shows_a_gradient_error_as_one_line():
    assert check.GradientError("dx: the sign is wrong")._render_traceback_() == ["GradientError: dx: the sign is wrong"]


class Clip(ng.Layer):
    """±1000 are reached, but for a rounding."""
    range = (-1e3, 1e3)

    def forward(self, p, x, c):
        y = 1e3 * (1 + 2 * derivative.EPS) * np.clip(x.real, -0.1, 0.1) / 0.1
        return y, np.abs(x) < 0.1

    def backward(self, p, inside, dy, c):
        return 1e4 * dy * inside, {}


def test_the_ends_of_a_range_may_be_reached():
    check.layer(Clip(), engine="numpy")


def test_what_cannot_be_checked_is_refused():
    G, D = mlp([2, 3, 2]), mlp([2, 3, 1])
    with pytest.raises(TypeError, match="Layer object"):
        check.layer(Swish)
    with pytest.raises(ValueError, match="x_shape"):
        check.layer(Swish(), x_shape=(5,))
    with pytest.raises(TypeError, match="has no generator"):
        check.loss(type("Half", (), {"discriminator": lambda self, r, f: None})())
    with pytest.raises(ValueError, match="at least 1"):
        check.loss(LeastSquares(), m=0)
    with pytest.raises(TypeError, match="takes a numpygan Network"):
        check.network(Swish())
    with pytest.raises(ValueError, match="D takes 3"):
        check.gan(G, mlp([3, 1]))
    with pytest.raises(ValueError, match="at least 3"):
        check.gan(G, D, n=2)
    with pytest.raises(ValueError, match="unknown engine"):
        check.layer(Swish(), engine="jax")
    with pytest.raises(ValueError, match="unknown engine"):
        check.gan(G, D, engine="jax")
    check.gan(G, D, n=3)


def test_checks_work_without_numba(python):
    code = """
import sys
sys.modules["numba"] = None
import numpygan as ng, numpy as np
print(ng.check.layer(ng.Dense(2)).title)
print(ng.check.loss(ng.losses.NonSaturating()).title)
rng = np.random.default_rng(0)
ng.check.gan(ng.MLP([1, 2, 1], rng=rng, engine="numpy"), ng.MLP([1, 2, 1], rng=rng, engine="numpy"))
"""
    titles = python(code).splitlines()
    assert all(title.endswith("engine numpy") for title in titles)


def test_the_same_seed_gives_the_same_report():
    assert repr(check.layer(Swish(), seed=3)) == repr(check.layer(Swish(), seed=3))
    assert repr(check.layer(Swish(), seed=3, engine="numpy")) != repr(check.layer(Swish(), seed=4, engine="numpy"))


def test_checks_warn_of_nothing():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check.layer(Elementwise(casting, tanh_slope), engine="numpy")
        check.loss(LeastSquares())
    assert not caught
