"""R1, R2 and the gradient penalty: derivatives of derivatives against the definition, three ways, and in training.

The definition is P at complex parameters: ∇ₓD by `backward`, P by the formulas below, and ∂P/∂θ as its complex step.
Nothing is held fixed there and no `jvp` is used, so that it would notice if either were wrong.
"""
import copy
import math

import numpy as np
import pytest
from close import error
from critics import batches, critic, seeded

import numpygan as ng
from numpygan import functional, penalties
from numpygan.layers import differentiates_twice
from numpygan.penalties import R1, R2, GradientPenalty

EPS = np.finfo(float).eps
H = 1e-20                                       # of the complex step: no subtraction, so no rounding
PENALTIES = [R1(0.7), R2(1.3), GradientPenalty(10)]
CRITICS = {
    "tanh": [ng.Dense(6), ng.Tanh(), ng.Dense(5), ng.Tanh()],
    "sigmoid": [ng.Dense(6), ng.Sigmoid(), ng.Dense(5), ng.Sigmoid()],
    "leaky": [ng.Dense(6), ng.LeakyReLU(0.2), ng.Dense(5), ng.LeakyReLU(0.2)],
    "relu": [ng.Dense(6), ng.ReLU(), ng.Dense(5), ng.ReLU()],
    "maxout": [ng.Dense(12), ng.Maxout(3), ng.Dense(8), ng.Maxout(2)],
    "dropout": [ng.Dense(6), ng.Tanh(), ng.Dropout(0.4), ng.Dense(5), ng.Sigmoid(), ng.Dropout(0.4)],
    "mixed": [ng.Tanh(), ng.Dense(8, bias=False), ng.Maxout(2), ng.Dense(5), ng.Sigmoid(), ng.LeakyReLU(),
              ng.Dropout(0.2)],
}


class Swish(ng.Layer):
    """A student's layer, y = x σ(x): two methods, no `jvp`."""

    def forward(self, p, x, c):
        s = c.ops.sigmoid(x)
        return x * s, (x, s)

    def backward(self, p, cache, dy, c):
        x, s = cache
        return dy * (s + x * s * (1 - s)), {}


class SlowTanh(ng.Layer):
    """Tanh as a student writes it."""

    def forward(self, p, x, c):
        y = c.ops.tanh(x)
        return y, y

    def backward(self, p, y, dy, c):
        return c.ops.tanh_backward(dy, y), {}


@pytest.fixture(params=CRITICS)
def kind(request):
    return request.param


@pytest.fixture(params=PENALTIES, ids=repr)
def penalty(request):
    return request.param


def by_definition(penalty, D, theta, x, x_fake):
    """P at any θ, complex ones included: gradients of D row by row, and the sentence of each docstring.

    Eqs. (10.1), (10.2), (10.3).
    """
    rng = seeded()
    if isinstance(penalty, GradientPenalty):
        e = rng.random((len(x), 1), dtype=np.float32).astype(float)
        x = e * x + (1 - e) * x_fake
    logit, tape = D.forward(x_fake if isinstance(penalty, R2) else x, rng, theta)
    u, _ = D.backward(tape, np.ones_like(logit))
    squares = [sum(a * a for a in row) for row in u]
    if isinstance(penalty, GradientPenalty):
        return penalty.weight * sum((np.sqrt(s) - 1)**2 for s in squares) / len(u)
    return penalty.gamma / 2 * sum(squares) / len(u)


def numeric(penalty, D, x, x_fake):
    """∂P/∂θ by the complex step in each parameter."""
    return np.array([by_definition(penalty, D, D.theta + 1j * H * e, x, x_fake).imag / H for e in np.eye(D.theta.size)])


# ---------------------------------------------------------------------------------------------- values by hand


def corner(engine="numpy", dtype=np.float64):
    """D(x) = 4x for x > 0, else 3x: its slope is 4 on one row and 3 on another."""
    D = ng.Network([ng.Dense(1), ng.LeakyReLU(0.75)], 1, rng=np.random.default_rng(0), dtype=dtype, engine=engine)
    D.theta = [4, 0]
    return D


def test_penalties_by_hand(engine, dtype):
    """Slopes W s, s = (1, ¾) at W = 4. R1: (γ/2)(16 + 9)/2, γ W (1 + 9/16)/2. GP: (3² + 2²)/2, (2·3·1 + 2·2·¾)/2."""
    D, x = corner(engine, dtype), np.array([[5], [-5.]], dtype)
    for penalty, (P, dW) in {R1(2): (12.5, 6.25), R2(2): (12.5, 6.25), GradientPenalty(1): (6.5, 4.5)}.items():
        got, g = penalty(D, x, x, seeded())
        assert got == P
        assert g.tolist() == [dW, 0]                             # no slope depends on the bias
        assert g.dtype == dtype


def test_the_norm_is_that_of_each_row(engine):
    """One norm over the batch, √(16 + 9) = 5, would give (5 − 1)² = 16 for 6.5: a fault that published code has."""
    P, _ = GradientPenalty(1)(corner(engine), np.array([[5], [-5.]]), np.array([[5], [-5.]]), seeded())
    assert P == ((4 - 1)**2 + (3 - 1)**2) / 2
    for i, alone in enumerate(([[5.]], [[-5.]])):
        P, _ = GradientPenalty(1)(corner(engine), np.array(alone), np.array(alone), seeded())
        assert P == (3 - i)**2


def test_r1_sees_real_rows_only_and_r2_fake_ones_only(engine):
    D = corner(engine)
    real, fake = np.array([[5.], [5], [5]]), np.array([[-5.], [-5]])             # no need for equal numbers
    assert R1(2)(D, real, fake)[0] == 16
    assert R2(2)(D, real, fake)[0] == 9
    for P, g in (R1(2)(D, real, math.nan * fake), R2(2)(D, math.nan * real, fake)):
        assert np.isfinite(P)
        assert np.isfinite(g).all()


# ------------------------------------------------------------------------------ the gradient, against everything


def test_value_and_gradient_are_those_of_the_definition(kind, penalty, engine):
    D, (x, x_fake) = critic(CRITICS[kind], engine), batches()
    P, g = penalty(D, x, x_fake, seeded())
    assert error(P, by_definition(penalty, D, D.theta, x, x_fake)) <= 1e-13
    expected = numeric(penalty, D, x, x_fake)
    assert error(g, expected) <= 1e-13
    assert np.abs(expected).max() > 1e-3                         # and there is something to compare


def test_gradient_against_finite_differences_of_the_penalty(kind, penalty):
    D, (x, x_fake) = critic(CRITICS[kind]), batches()
    _, g = penalty(D, x, x_fake, seeded())
    theta, h, differences = D.theta.copy(), 1e-5, np.empty_like(g)
    for i in range(g.size):
        values = []
        for sign in (1, -1):
            D.theta = theta + sign * h * np.eye(g.size)[i]
            values.append(penalty(D, x, x_fake, seeded())[0])
        differences[i] = (values[0] - values[1]) / (2 * h)
    assert error(g, differences) <= 1e-7


def test_the_fast_path_is_the_complex_step(kind, engine):
    """Any direction v, not only those of penalties; with the masks of a training pass.         Eqs. (10.14), (10.15)"""
    D, (x, v) = critic(CRITICS[kind], engine), batches()
    assert D.twice
    _, tape = D.forward(x, seeded())
    fast, reference = penalties.by_jvp(D, tape, v), penalties.by_complex_step(D, x, v, seeded())
    assert error(fast, reference) <= 1e-13


def test_the_tangent_pass_is_the_derivative_along_v(kind, engine):
    """ẏ = Σ u · v for u = ∇ₓD by `backward`, and the complex step of D itself.                       Eq. (10.6)"""
    D, (x, v) = critic(CRITICS[kind], engine), batches()
    logit, tape = D.forward(x, seeded())
    y_dot, _ = D.jvp(tape, v)
    u, _ = D.backward(tape, np.ones_like(logit))
    assert error(y_dot[:, 0], (u * v).sum(axis=1)) <= 1e-13
    assert error(y_dot, D.forward(x + 1j * H * v, seeded())[0].imag / H) <= 1e-13


@pytest.mark.parametrize("kind", ["tanh", "sigmoid"])
def test_without_the_second_derivative_the_gradient_is_another(kind, penalty, monkeypatch):
    """The fault of a popular implementation, planted: f″ = 0. What the tests above compare is not close by chance.

    A bias moves ∇ₓD through f″ alone: without it no bias has a gradient. Most draws are off by a third and more.
    """
    D, (x, x_fake) = critic(CRITICS[kind]), batches()
    _, right = penalty(D, x, x_fake, seeded())
    for name in ("tanh_curvature", "sigmoid_curvature"):
        monkeypatch.setattr(functional, name, lambda dy_dot, x_dot, y: np.zeros_like(y))
    _, wrong = penalty(D, x, x_fake, seeded())
    assert error(right, wrong) > 0.01
    biases = [D.params(g)[f"{i}.b"] for g in (right, wrong) for i in (0, 2)]
    assert all(b.any() for b in biases[:2])
    assert not any(b.any() for b in biases[2:])


def test_v_is_held_fixed():
    """v = γu/n depends on θ too; differentiating Σ v·u with v moving would count it twice.               Eq. (10.14)"""
    D, (x, _) = critic(CRITICS["tanh"]), batches()
    P, g = R1(1)(D, x, x)
    u, _ = D.backward(D.forward(x)[1], np.ones((6, 1)))
    assert error(np.sum(u * (u / 6)), 2 * P) <= 1e-13            # the sum is 2P, not P: quadratic in u
    assert error(g, numeric(R1(1), D, x, x)) <= 1e-13            # and yet g is the gradient of P


# ------------------------------------------------------------------------------------------------ layers without jvp


def test_a_students_layer_without_jvp_works_and_gives_the_same(penalty, engine):
    D, (x, x_fake) = critic([ng.Dense(6), Swish(), ng.Dropout(0.3), ng.Dense(5), Swish()], engine), batches()
    assert not D.twice
    P, g = penalty(D, x, x_fake, seeded())
    assert error(P, by_definition(penalty, D, D.theta, x, x_fake)) <= 1e-13
    assert error(g, numeric(penalty, D, x, x_fake)) <= 1e-13


def test_tanh_with_and_without_jvp(penalty, engine, dtype):
    fast = critic([ng.Dense(6), ng.Tanh(), ng.Dropout(0.3), ng.Dense(5), ng.Tanh()], engine, dtype)
    slow = critic([ng.Dense(6), SlowTanh(), ng.Dropout(0.3), ng.Dense(5), ng.Tanh()], engine, dtype)
    (x, x_fake), eps = batches(dtype=dtype), np.finfo(dtype).eps
    (P, g), (P_slow, g_slow) = (penalty(D, x, x_fake, seeded()) for D in (fast, slow))
    assert (fast.twice, slow.twice) == (True, False)
    assert error(P, P_slow) <= 50 * eps
    assert error(g, g_slow) <= 200 * eps
    assert g.dtype == g_slow.dtype == dtype


def test_a_layer_that_drops_the_imaginary_part_is_refused(engine):
    """np.abs is real whatever it is given: the complex step would return zeros for a gradient, without a word."""
    class Softsign(ng.Layer):
        def forward(self, p, x, c):
            return x / (1 + np.abs(x)), x

        def backward(self, p, x, dy, c):
            return dy / (1 + np.abs(x))**2, {}

    D, (x, x_fake) = critic([ng.Dense(4), Softsign()], engine), batches()
    with pytest.raises(ValueError, match=r"complex step through Softsign\(\) does not .*np\.abs"):
        R1(1)(D, x, x_fake)


def test_a_weight_of_zero_is_a_penalty_of_zero(engine):
    D, (x, x_fake) = critic(CRITICS["tanh"], engine), batches()
    for penalty in (R1(0), R2(0), GradientPenalty(0)):
        P, g = penalty(D, x, x_fake, seeded())
        assert P == 0
        assert not g.any()


def test_a_wrong_backward_is_refused(engine):
    """Twice the gradient: right at complex points as at real ones, and not what forward does."""
    class Doubled(Swish):
        def backward(self, p, cache, dy, c):
            return 2 * super().backward(p, cache, dy, c)[0], {}

    D, (x, x_fake) = critic([ng.Dense(4), Doubled()], engine), batches()
    with pytest.raises(ValueError, match=r"through Doubled\(\) does not find the derivative that backward gives"):
        R1(1)(D, x, x_fake)


def test_what_looks_at_a_layer_stays_near_the_data():
    """y = log x: no look at a point below 0, which is a thousandth away. D = w log x: P = w²/2 mean 1/x²."""
    class Log(ng.Layer):
        def forward(self, p, x, c):
            assert (x.real > 0).all()
            return np.log(x), x

        def backward(self, p, x, dy, c):
            return dy / x, {}

    D = ng.Network([Log(), ng.Dense(1)], 1, rng=np.random.default_rng(0), dtype=np.float64, engine="numpy")
    D.theta = [3, 0]
    P, g = R1(1)(D, np.array([[1e-3], [5e-4]]), None)
    assert error(P, 9 / 2 * (1e6 + 4e6) / 2) <= 8 * EPS                                              # Eq. (10.1)
    assert error(g, np.array([3 * (1e6 + 4e6) / 2, 0])) <= 8 * EPS


class Steep(ng.Tanh):
    """y = tanh 2x, made from Tanh: what it inherits would call its curvature that of tanh x."""

    def forward(self, p, x, c):
        y = c.ops.tanh(2 * x)
        return y, y

    def backward(self, p, y, dy, c):
        return 2 * c.ops.tanh_backward(dy, y), {}


class Halfway(Swish):
    """`jvp` without `jvp_backward`."""

    def jvp(self, p, cache, x_dot, c):
        return self.backward(p, cache, x_dot, c)[0], x_dot


@pytest.mark.parametrize("layer", [Steep(), Halfway()], ids=repr)
def test_second_derivatives_that_are_not_of_this_forward_are_not_used(layer, penalty, engine):
    D, (x, x_fake) = critic([ng.Dense(6), layer], engine), batches()
    assert not D.twice
    _, g = penalty(D, x, x_fake, seeded())
    assert error(g, numeric(penalty, D, x, x_fake)) <= 1e-13
    ng.check.layer(layer, x_shape=(5, 3))


def test_second_derivatives_set_on_the_layer_itself_are_used():
    layer = Swish()
    layer.jvp, layer.jvp_backward = (lambda *args: None), (lambda *args: None)
    assert differentiates_twice(layer)


def test_a_layer_that_changes_nothing_of_the_passes_keeps_its_second_derivatives():
    class Named(ng.Tanh):
        def __init__(self, name):
            self.name = name

    assert critic([ng.Dense(6), Named("mine"), ng.SpectralDense(4)]).twice


class Loses(Swish):
    """Swish, right in forward, whose backward is real whatever it is given."""

    def backward(self, p, cache, dy, c):
        x, s = cache
        return dy * (s + x * s * (1 - s)).real, {}


class Scaled(ng.Layer):
    """y = β σ(x): dx is right at complex points, and the gradient of β is real there; or right, if it is `fair`."""

    def __init__(self, fair):
        self.fair = fair

    def shapes(self, d_in):
        return {"beta": (d_in,)}, d_in

    def init(self, p, rng):
        p["beta"][...] = 1

    def forward(self, p, x, c):
        s = c.ops.sigmoid(x)
        return p["beta"] * s, s

    def backward(self, p, s, dy, c):
        return dy * p["beta"] * s * (1 - s), {"beta": (dy * (s if self.fair else s.real)).sum(axis=0)}


class Bent(ng.Layer):
    """max(x, 0) as a student writes it: straight pieces, so nothing imaginary is lost."""

    def forward(self, p, x, c):
        return np.where(x.real > 0, x, 0), x.real > 0

    def backward(self, p, on, dy, c):
        return dy * on, {}


@pytest.mark.parametrize("layers", [[Loses()], [Loses(), ng.Dense(4), ng.Tanh()], [ng.Tanh(), ng.Dense(4), Loses()],
                                    [Scaled(False)], [ng.Dropout(0.3), Scaled(False), ng.LeakyReLU()]], ids=repr)
def test_a_backward_alone_that_drops_the_imaginary_part_is_refused(layers, penalty, engine, dtype):
    D, (x, x_fake) = critic([ng.Dense(4), *layers], engine, dtype), batches(dtype=dtype)
    with pytest.raises(ValueError, match=r"through (Loses|Scaled).* does not find how backward changes with x"):
        penalty(D, x, x_fake, seeded())


def test_and_no_other_is(penalty, engine, dtype):
    """Rows on the kinks, dead ones, flat and steep critics, one row, weights that are not numbers: all pass."""
    for layers in ([Bent()], [Bent(), ng.Dense(8), Bent()], [ng.ReLU(), Swish()], [ng.Dropout(0.5), Scaled(True)]):
        D = critic([ng.Dense(8), *layers], engine, dtype)
        for scale, n in ((1e-6, 6), (1, 1), (100, 6)):
            x, x_fake = batches(n, n, dtype)
            x[0] = x_fake[0] = 0
            D.theta = scale * D.theta
            D.theta[8 * 3:8 * 4] = 0                                    # biases: a row of zeros lies on every kink
            P, g = penalty(D, x, x_fake, seeded())
            assert np.isfinite(P)
            assert np.isfinite(g).all()
    D.theta = np.full(D.theta.size, math.nan)
    with np.errstate(invalid="ignore"):
        assert math.isnan(penalty(D, x, x_fake, seeded())[0])


class Times(ng.Layer):
    """y = factor · x"""

    def __init__(self, factor):
        self.factor = factor

    def forward(self, p, x, c):
        return self.factor * x, None

    def backward(self, p, cache, dy, c):
        return self.factor * dy, {}


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_what_is_refused_does_not_depend_on_the_unit_of_the_output(factor, penalty):
    """All gradients have the factor, and so must what is allowed for rounding."""
    x, x_fake = batches()

    def times(*layers):
        return ng.Network([ng.Dense(8), *layers, ng.Dense(1), Times(factor)], 3, rng=np.random.default_rng(0),
                          dtype=np.float64, engine="numpy")
    with pytest.raises(ValueError, match=r"through Loses.* does not find how backward changes with x"):
        penalty(times(Loses()), x, x_fake, seeded())
    assert np.isfinite(penalty(times(Bent(), Scaled(True)), x, x_fake, seeded())[1]).all()


def test_a_critic_without_any_gradient_has_a_penalty(penalty):
    """Every difference is 0 there, and so is what is allowed for rounding."""
    D = ng.Network([ng.Dense(4), Bent(), ng.Dense(1, bias=False)], 3, rng=np.random.default_rng(0), engine="numpy")
    D.theta = np.zeros(D.theta.size)
    assert not penalty(D, *batches(), seeded())[1].any()


def test_the_second_look_is_at_few_rows_and_draws_nothing(engine, monkeypatch):
    D, (x, _) = critic([ng.Dense(6), Swish(), ng.Dropout(0.3)], engine), batches(200, 200)
    seen, rng = [], seeded()
    forward = D.forward
    monkeypatch.setattr(D, "forward", lambda x, rng=None, theta=None: (seen.append(len(x)), forward(x, rng, theta))[1])
    R1(1)(D, x, None, rng)
    assert seen == [200, 4, 4, 4, 200]
    after = rng.random()
    rng = seeded()
    forward(x, rng)
    assert rng.random() == after


# --------------------------------------------------------------------------------------------- the kink, and zeros


def test_where_the_gradient_of_d_is_zero_the_penalty_has_none(engine, dtype):
    """‖∇D‖ = 0: P = λ(0 − 1)², g = 0 and no NaN.                                                     Eq. (10.5)"""
    D, (x, x_fake) = critic(CRITICS["tanh"], engine, dtype), batches(dtype=dtype)
    D.theta = np.zeros(D.theta.size)
    P, g = GradientPenalty(10)(D, x, x_fake, seeded())
    assert P == 10
    assert not g.any()
    P, g = R1(1)(D, x, x_fake)
    assert P == 0
    assert not g.any()


def test_one_row_without_gradient_leaves_the_others_theirs(engine):
    """D = ReLU(2x) on x = 1 and x = −1: P = (1 + 1)/2, and only the first row pulls: 2(2 − 1)·1/2."""
    D = ng.Network([ng.Dense(1), ng.ReLU()], 1, rng=np.random.default_rng(0), dtype=np.float64, engine=engine)
    D.theta = [2, 0]
    P, g = GradientPenalty(1)(D, np.array([[1], [-1.]]), np.array([[1], [-1.]]), seeded())
    assert (P, g.tolist()) == (1, [1, 0])


def test_nan_is_not_silent(penalty, engine):
    D, (x, x_fake) = critic(CRITICS["tanh"], engine), batches()
    x[2, 1] = x_fake[2, 1] = math.nan
    P, g = penalty(D, x, x_fake, seeded())
    assert math.isnan(P)
    assert np.isnan(g).any()


# ------------------------------------------------------------------------------------------------- dtypes, engines


def test_float32_stays_and_agrees(kind, penalty, engine):
    (x, x_fake), eps = batches(dtype=np.float32), np.finfo(np.float32).eps
    single, double = (critic(CRITICS[kind], engine, dtype) for dtype in (np.float32, np.float64))
    double.theta = single.theta
    P, g = penalty(single, x, x_fake, seeded())
    P_wide, g_wide = penalty(double, x.astype(float), x_fake.astype(float), seeded())     # the same ε and masks
    assert g.dtype == np.float32
    assert error(P, P_wide) <= 200 * eps
    assert error(g, g_wide) <= 500 * eps


def test_engines_agree(kind, penalty):
    x, x_fake = batches()
    results = [penalty(critic(CRITICS[kind], engine), x, x_fake, seeded()) for engine in ("numpy", "numba")]
    (P, g), (P_numba, g_numba) = results
    assert error(P, P_numba) <= 50 * EPS
    assert error(g, g_numba) <= 200 * EPS


def test_nothing_is_changed(penalty, engine):
    D, (x, x_fake) = critic([ng.SpectralDense(4), ng.Tanh()], engine), batches()
    before = [a.tobytes() for a in (D.theta, D.state, x, x_fake)], D.version
    penalty(D, x, x_fake, seeded())
    assert ([a.tobytes() for a in (D.theta, D.state, x, x_fake)], D.version) == before


def test_a_batch_is_the_mean_of_its_rows(kind, engine):
    """(1/n) Σ, not Σ and not 1/n twice."""
    D, (x, x_fake) = critic([layer for layer in CRITICS[kind] if not layer.draws], engine), batches()
    P, g = R1(2)(D, x, x_fake)
    alone = [R1(2)(D, row[None], row[None]) for row in x]
    assert error(P, np.mean([P for P, _ in alone])) <= 50 * EPS
    assert error(g, np.mean([g for _, g in alone], axis=0)) <= 50 * EPS


# ------------------------------------------------------------------------------------------- where the GP looks


class Spy(ng.Dense):
    """A dense layer that writes down what it is given."""
    seen: list

    def forward(self, p, x, c):
        self.seen.append(x.copy())
        return super().forward(p, x, c)


def looked_at(x, x_fake, engine="numpy", dtype=np.float64):
    spy = Spy(1)
    spy.seen = []
    D = ng.Network([spy], x.shape[1], rng=np.random.default_rng(0), dtype=dtype, engine=engine)
    GradientPenalty()(D, x, x_fake, np.random.default_rng(1))
    return spy.seen[0]


def test_the_gradient_penalty_draws_one_point_per_row_between_real_and_fake(engine, dtype):
    """x̂ = ε x + (1 − ε) x_fake: ε the same in all columns of a row, another in each row, uniform on [0, 1)."""
    n = 4000
    x, x_fake = np.full((n, 3), 1, dtype), np.tile(np.array([0, -1, 3], dtype), (n, 1))
    x_hat = looked_at(x, x_fake, engine, dtype).astype(float)
    e = (x_hat - x_fake) / (x - x_fake.astype(float))
    assert np.abs(e - e[:, :1]).max() <= 4 * np.finfo(dtype).eps
    assert 0 <= e.min() < e.max() < 1
    assert len(np.unique(e[:, 0])) > 0.99 * n
    assert abs(e[:, 0].mean() - 1 / 2) < 6 / math.sqrt(12 * n)                           # six standard errors
    # Kolmogorov-Smirnov: farther off with 2 e^(−2 · 3²) = 3 in 10⁸
    assert np.abs(np.sort(e[:, 0]) - np.arange(n) / n).max() < 3 / math.sqrt(n)


# ------------------------------------------------------------------------------------------------------- manners


@pytest.mark.parametrize("layer", [ng.BatchNorm(), ng.MinibatchStd(), ng.Pack(2)], ids=repr)
def test_batchwise_layers_are_refused(penalty, layer):
    with pytest.raises(ValueError, match="mixes the rows of a batch"):
        penalty(critic([layer]), *batches(), seeded())


def test_the_gradient_penalty_refuses_unequal_batches_and_a_missing_rng():
    D, (x, x_fake) = critic([]), batches(6, 5)
    with pytest.raises(ValueError, match=r"got shapes \(6, 3\) and \(5, 3\): make the batches equal"):
        GradientPenalty()(D, x, x_fake, seeded())
    with pytest.raises(TypeError, match="GradientPenalty draws ε: pass rng="):
        GradientPenalty()(D, x, x)


@pytest.mark.parametrize("make", [R1, R2, GradientPenalty])
@pytest.mark.parametrize(("weight", "error"), [(-1, ValueError), (math.nan, ValueError), (math.inf, ValueError),
                                               (True, TypeError), ("1", TypeError), (None, TypeError)])
def test_impossible_weights_are_refused(make, weight, error):
    with pytest.raises(error, match="must be a number( of at least 0)?, got"):
        make(weight)


def test_the_printed_forms():
    assert [repr(p) for p in PENALTIES] == ["R1(gamma=0.7)", "R2(gamma=1.3)", "GradientPenalty(weight=10.0)"]


# ------------------------------------------------------------------------------------------------------ in training


class Endless:
    """Data of three columns without end."""
    shape, range, n, labels = (3,), (-math.inf, math.inf), None, None

    def sample(self, n, rng):
        return rng.standard_normal((n, 3))


def game(engine, loss, terms, kind="tanh", simultaneous=False):
    rng = np.random.default_rng(1)
    G = ng.MLP([2, 5, 3], hidden="tanh", rng=rng, dtype=np.float64, engine=engine)
    G.theta = rng.standard_normal(G.theta.size) / 2
    opt_G, opt_D = ng.optim.Adam(1e-2, beta1=0.5), ng.optim.RMSProp(1e-2)
    return ng.GAN(G, critic(CRITICS[kind], engine), loss, opt_G, opt_D, penalties=terms, simultaneous=simultaneous)


@pytest.mark.parametrize("terms", [[R1(0.7)], [R2(0.7)], [GradientPenalty(2)], [R1(1), R2(2), GradientPenalty(3)]],
                         ids=repr)
@pytest.mark.parametrize("kind", ["tanh", "dropout"])
@pytest.mark.parametrize("simultaneous", [False, True], ids=["alternating", "simultaneous"])
def test_fit_is_the_loop_written_by_hand(engine, terms, kind, simultaneous):
    """The penalties join D's loss and D's gradient, at the batch of that step, and nothing of G's."""
    loss = ng.losses.NonSaturating()
    gan, hand = (game(engine, loss, terms, kind, simultaneous) for _ in range(2))
    history = gan.fit(Endless(), steps=4, batch=5, rng=np.random.default_rng(2))
    G, D, opt_G, opt_D, rng = hand.G, hand.D, hand.opt_G, hand.opt_D, np.random.default_rng(2)
    loss = loss.using(engine)
    for step in range(4):
        x, z = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
        x_fake = G(z, rng)
        L_D, g_D = ng.discriminator_gradient(D, loss, x, x_fake, rng)
        for penalty in terms:
            P, g = penalty(D, x, x_fake, rng)
            L_D, g_D = L_D + P, g_D + g
        if not simultaneous:
            opt_D.step(D, g_D)
            z = rng.standard_normal((5, 2))
        L_G, g_G = ng.generator_gradient(G, D, loss, z, rng)
        if simultaneous:
            opt_D.step(D, g_D)
        opt_G.step(G, g_G)
        assert (history["loss_D"][step], history["loss_G"][step]) == (float(L_D), float(L_G))
    assert G.theta.tobytes() == gan.G.theta.tobytes()
    assert D.theta.tobytes() == gan.D.theta.tobytes()


def test_a_penalty_changes_ds_step_and_not_gs_gradient(engine):
    """In the first step of the simultaneous game both gradients are taken at the start."""
    thetas = []
    for terms in ([], [R1(5)]):
        gan = game(engine, ng.losses.Minimax(), terms, simultaneous=True)
        gan.fit(Endless(), steps=1, batch=8, rng=np.random.default_rng(2))
        thetas.append((gan.G.theta.copy(), gan.D.theta.copy()))
    (G, D), (G_penalised, D_penalised) = thetas
    assert np.array_equal(G, G_penalised)
    assert not np.array_equal(D, D_penalised)


LOSSES = [ng.losses.Minimax(), ng.losses.NonSaturating(), ng.losses.LeastSquares(), ng.losses.Hinge(),
          ng.losses.Wasserstein()]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("penalty", [R1(0.5), GradientPenalty(10)], ids=repr)
def test_twenty_steps_are_the_same_with_both_engines(loss, penalty):
    runs = []
    for engine in ("numpy", "numba"):
        gan, thetas = game(engine, loss, [penalty], "mixed"), []
        history = gan.fit(Endless(), steps=20, batch=6, rng=np.random.default_rng(2),
                          callbacks=[lambda gan, thetas=thetas: thetas.append(np.append(gan.G.theta, gan.D.theta))])
        runs.append((np.array(thetas), history["loss_D"], history["norm_g_D"]))
    for ours, compiled in zip(*runs, strict=True):
        assert error(ours, compiled) <= 1e-10
    assert (np.abs(runs[0][0][0] - runs[0][0][-1]) > 1e-4).mean() > 0.5


def test_a_penalty_that_overflows_ends_in_divergence(engine):
    """NaN in the penalty alone is noticed: the parameters stay those before it."""
    class Broken:
        def __call__(self, D, x, x_fake, rng):
            return math.nan, np.zeros_like(D.theta)

    gan = game(engine, LOSSES[0], [Broken()])
    before = copy.deepcopy(gan.D.theta)
    with pytest.raises(ng.Divergence, match="first the loss of D, .* = nan"):
        gan.fit(Endless(), steps=1, batch=4, rng=np.random.default_rng(0))
    assert np.array_equal(gan.D.theta, before)


@pytest.mark.parametrize("penalty", [R1(1), R2(1), GradientPenalty(1)], ids=repr)
def test_what_is_no_batch_of_real_rows_is_refused(penalty, engine):
    """ε (2, 1) stretched two numbers into two rows, and the imaginary part of a complex batch was dropped."""
    D, rng = ng.MLP([2, 3, 1], rng=np.random.default_rng(0), engine=engine), np.random.default_rng(0)
    for bad, kind, sentence in ((np.ones(2), ValueError, r"numbers of shape \(n, 2\) .* got shape \(2,\)"),
                                (np.ones((3, 2)) + 1j, TypeError, "must be real numbers, got complex128")):
        with pytest.raises(kind, match=sentence):
            penalty(D, bad, bad, rng)
