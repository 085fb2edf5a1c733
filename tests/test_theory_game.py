"""The game at its optimum: D*, max_D V = −log 4 + 2 JSD, the losses of G at D*, and their gradients; at 1e-10."""
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

import numpygan as ng
from numpygan import theory

LOG2, LOG4, INF = math.log(2), math.log(4), math.inf
EPS = np.finfo(float).eps
P, Q = np.array([0.75, 0.25]), np.array([0.25, 0.75])


def bump(x):
    """A parabola on [0, 1], zero with a kink at both ends; defined everywhere."""
    return np.where(np.abs(x - 0.5) < 0.5, 6 * x * (1 - x), 0.0)


data = ng.data
PAIRS = {
    "equal": (data.gaussian(0, 1), data.gaussian(0, 1)),
    "shifted": (data.gaussian(0, 1), data.gaussian(2, 1)),
    "narrower": (data.gaussian(0, 1), data.gaussian(0, 0.1)),
    "far apart": (data.gaussian(-20, 1), data.gaussian(20, 1)),
    "bimodal": (data.mixture([-2, 2], 0.5, [0.3, 0.7]), data.gaussian(0, 1.5)),
    "one mode of two": (data.mixture([-2, 2], 0.5), data.gaussian(2, 0.5)),
    "heavy tails": (stats.t(3), stats.norm(0, 1)),
    "half lines": (stats.expon(scale=1), stats.gamma(3)),
    "overlapping boxes": (data.uniform(0, 1), data.uniform(0.3, 1.7)),
    "disjoint boxes": (data.uniform(0, 1), data.uniform(2, 3)),
    "plain functions": (theory.Density(bump, (0, 1)), theory.Density(lambda x: 2 * x, (0, 1))),
    "Laplace and logistic": (stats.laplace(0, 1), stats.logistic(1, 0.5)),
    "arrays": (P, Q),
    "planes": (data.gaussian([0, 0], 1.0), data.gaussian([1, 0.5], cov=[[1, 0.3], [0.3, 0.5]])),
    "three modes": (data.ring(3, 1.0, 0.4), data.gaussian([0, 0], 0.8)),
}


# ----------------------------------------------------------------------------------------------- identities

@pytest.mark.parametrize("name", PAIRS)
def test_the_value_at_the_optimal_discriminator_is_minus_log_4_plus_twice_jsd(name):
    """Eqs. (1.3), (1.4): by way of D*, by way of any function that is D*, and by way of JSD."""
    p, q = PAIRS[name]
    best = theory.criterion(p, q)
    assert theory.value(p, q) == pytest.approx(best, abs=1e-10)
    assert theory.value_of(theory.optimal_discriminator(p, q), p, q) == pytest.approx(best, abs=1e-10)
    assert -LOG4 - 1e-12 <= best <= 1e-12


@pytest.mark.parametrize("name", PAIRS)
def test_every_other_discriminator_has_less_value(name):
    """D* bent three ways: sharpened, shifted, and the indifferent ½ whose value is −log 4."""
    p, q = PAIRS[name]
    best, D = theory.value(p, q), theory.optimal_discriminator(p, q)
    if name == "arrays":
        others = [np.full(2, 0.5), np.clip(D * 1.1, 0, 1), D**2]
    else:
        others = [lambda x: np.full(len(x), 0.5), lambda x: 0.5 + 0.9 * (D(x) - 0.5), lambda x: 0.01 + 0.98 * D(x)]
    values = [theory.value_of(other, p, q) for other in others]
    assert values[0] == pytest.approx(-LOG4, abs=1e-10)
    assert all(v <= best + 1e-10 for v in values)


@pytest.mark.parametrize("name", PAIRS)
def test_the_losses_of_the_generator_at_the_optimum_add_up_to_kl(name):
    """Eqs. (6.15), (6.16), (6.17); where p_g leaves the data's support the second and the sum are both infinite."""
    p, q = PAIRS[name]
    first, second, kl = (f(*a) for f, a in ((theory.minimax_generator_value, (p, q)),
                                            (theory.non_saturating_generator_value, (p, q)), (theory.kl, (q, p))))
    assert -INF < first <= 1e-12
    assert (second == INF) == (kl == INF) == (name in ("overlapping boxes", "disjoint boxes"))
    if kl < INF:
        assert first + second == pytest.approx(kl, abs=1e-10 * max(1, kl))


def test_the_losses_of_the_generator_by_hand():
    """Eq. (6.15): E_q log(1 − D*) = ¼ log ¼ + ¾ log ¾; Eq. (6.16): −E_q log D* = −¼ log ¾ − ¾ log ¼."""
    assert theory.minimax_generator_value(P, Q) == pytest.approx(0.75 * math.log(3) - LOG4, abs=4 * EPS)
    assert theory.non_saturating_generator_value(P, Q) == pytest.approx(LOG4 - 0.25 * math.log(3), abs=4 * EPS)


def test_values_by_hand():
    """Eqs. (1.1), (6.3): D = (½, ¼): ¾ log ½ + ¼ log ¼ + ¼ log ½ + ¾ log ¾ = −3 log 2 + ¾ log 3; Eq. (1.4): at D*."""
    assert theory.value_of([0.5, 0.25], P, Q) == pytest.approx(-3 * LOG2 + 0.75 * math.log(3), abs=8 * EPS)
    exact = 1.5 * math.log(3) - 2 * LOG4 + LOG4 - LOG4          # 2 (¾ log ¾ + ¼ log ¼)
    assert theory.value(P, Q) == pytest.approx(exact, abs=8 * EPS)
    assert theory.criterion(P, Q) == pytest.approx(exact, abs=8 * EPS)


# ---------------------------------------------------------------------------------------- one point at a time

def test_pointwise_value_by_hand():
    """Eq. (6.4): a = 2, b = 1, y = ½: −3 log 2; at the edges 0 log 0 = 0."""
    assert theory.pointwise_value(0.5, 2, 1) == pytest.approx(-3 * LOG2, abs=4 * EPS)
    assert theory.pointwise_value(0.25, 3, 1) == pytest.approx(-3 * LOG4 + math.log(0.75), abs=8 * EPS)
    assert theory.pointwise_value(1.0, 1, 0) == 0
    assert theory.pointwise_value(0.0, 0, 1) == 0
    assert theory.pointwise_value(1.0, 1, 1) == -INF


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
@settings(max_examples=100, deadline=None)
def test_the_pointwise_maximum_is_at_a_over_a_plus_b(a, b):
    """Against scipy's search, which sees only values of f: flat to √eps around the top."""
    best = a / (a + b)
    found = optimize.minimize_scalar(lambda y: -float(theory.pointwise_value(y, a, b)), bounds=(0, 1), method="bounded",
                                     options={"xatol": 1e-10})
    assert theory.pointwise_value(best, a, b) >= -found.fun - 16 * EPS * (a + b)
    assert found.x == pytest.approx(best, abs=1e-5)


def test_the_derivative_of_the_pointwise_value_vanishes_at_the_maximum_to_1e_10():
    """f'(y) = a/y − b/(1 − y) by fourth-order differences: 0 at a/(a + b), and −(a + b)³/(ab) is f''."""
    for a, b in ((1, 1), (2, 1), (0.3, 5), (1, 9)):
        y, h = a / (a + b), 1e-3 * a * b / (a + b)**2
        f = [float(theory.pointwise_value(y + k * h, a, b)) for k in (-2, -1, 0, 1, 2)]
        slope = (8 * (f[3] - f[1]) - (f[4] - f[0])) / (12 * h)
        assert abs(slope) <= 1e-10 * (a + b) * max(1, (a + b)**2 / (a * b))
        bend = (16 * (f[3] + f[1]) - (f[4] + f[0]) - 30 * f[2]) / (12 * h * h)
        assert bend == pytest.approx(-(a + b)**3 / (a * b), rel=1e-5)


def test_pointwise_bad_input():
    for arguments, message in (((1.5, 1, 1), "y must lie"), ((0.5, -1, 1), "a must"), ((0.5, 1, np.nan), "b must")):
        with pytest.raises(ValueError, match=message):
            theory.pointwise_value(*arguments)


# ------------------------------------------------------------------------------------ the optimal discriminator

def test_the_optimal_discriminator_by_hand():
    """Eq. (1.3): (¾, ¼); two Gaussians at ±1: σ(2x), a logistic regression."""
    assert theory.optimal_discriminator(P, Q) == pytest.approx(P, abs=2 * EPS)
    D = theory.optimal_discriminator(ng.data.gaussian(1, 1), ng.data.gaussian(-1, 1))
    x = np.linspace(-30, 30, 61)
    assert D.logit(x) == pytest.approx(2 * x, abs=64 * EPS * 450)
    assert D(x) == pytest.approx(1 / (1 + np.exp(-2 * x)), abs=1e-13)


@pytest.mark.parametrize(("labels", "expected"), [
    ({"real_label": 0.9}, [0.9 * 0.75, 0.9 * 0.25]), ({"fake_label": 0.1}, [0.75 + 0.1 * 0.25, 0.25 + 0.1 * 0.75]),
    ({"real_label": 0.8, "fake_label": 0.2}, [0.8 * 0.75 + 0.2 * 0.25, 0.8 * 0.25 + 0.2 * 0.75]),
    ({"flip": 0.1}, [0.9 * 0.75 + 0.1 * 0.25, 0.9 * 0.25 + 0.1 * 0.75]), ({"flip": 1.0}, [0.25, 0.75]),
    ({"real_label": 0.9, "flip": 0.2}, [0.72 * 0.75 + 0.18 * 0.25, 0.72 * 0.25 + 0.18 * 0.75])])
def test_labels_bend_the_optimal_discriminator(labels, expected):
    """Eqs. (4.13), (6.5): (αp + βq)/(p + q) with p + q = 1 at both points, and the same for densities."""
    assert theory.optimal_discriminator(P, Q, **labels) == pytest.approx(expected, abs=8 * EPS)
    p = theory.Density(lambda x: np.where(x < 1, 0.75, 0.25), (0, 2))
    q = theory.Density(lambda x: np.where(x < 1, 0.25, 0.75), (0, 2))
    assert theory.optimal_discriminator(p, q, **labels)([0.5, 1.5]) == pytest.approx(expected, abs=8 * EPS)


@pytest.mark.parametrize("labels", [(1.0, 0.0), (0.9, 0.0), (0.8, 0.3)])
def test_the_labelled_optimum_minimises_the_labelled_cross_entropy(labels):
    """At one point: α a + β b of the weight is on log y, the rest on log(1 − y)."""
    alpha, beta = labels
    a, b = P
    found = optimize.minimize_scalar(
        lambda y: -float(theory.pointwise_value(y, alpha * a + beta * b, (1 - alpha) * a + (1 - beta) * b)),
        bounds=(0, 1), method="bounded", options={"xatol": 1e-10})
    assert theory.optimal_discriminator(P, Q, *labels)[0] == pytest.approx(found.x, abs=1e-6)


def test_the_optimum_where_a_density_is_zero():
    """1 where only data live, 0 where only samples live, ½ where nothing lives; the labels where they are soft."""
    p, q, x = ng.data.uniform(0, 2), ng.data.uniform(1, 3), np.array([0.5, 1.5, 2.5, 9.0])
    assert theory.optimal_discriminator(p, q)(x) == pytest.approx([1, 0.5, 0, 0.5], abs=EPS)
    soft = theory.optimal_discriminator(p, q, 0.9, 0.2)
    assert soft(x) == pytest.approx([0.9, 0.55, 0.2, 0.5], abs=4 * EPS)
    assert np.array_equal(theory.optimal_discriminator([1, 0, 0], [0, 1, 0]), [1, 0, 0.5])


def test_the_optimum_far_out_is_a_finite_logit():
    D = theory.optimal_discriminator(ng.data.gaussian(0, 1), ng.data.gaussian(1, 1))
    assert D.logit([1000.0]) == pytest.approx([-999.5], rel=1e-9)


def test_labels_that_are_no_probabilities_are_refused():
    for labels in ({"real_label": 1.1}, {"fake_label": -0.1}, {"flip": math.nan}):
        with pytest.raises(ValueError, match="must lie in .0, 1."):
            theory.optimal_discriminator(P, Q, **labels)
    with pytest.raises(ValueError, match="same outcomes"):
        theory.optimal_discriminator(P, [1.0])


# ---------------------------------------------------------------------------------------------- any D at all

def test_a_network_is_a_discriminator_of_logits(engine):
    """A linear D, s = 2x + 0: D* of Gaussians at ±1; its value is C(G)."""
    p, q = ng.data.gaussian(1, 1), ng.data.gaussian(-1, 1)
    for dtype, tol in ((np.float64, 1e-10), (np.float32, 1e-5)):
        D = ng.MLP([1, 1], rng=np.random.default_rng(0), dtype=dtype, engine=engine)
        D.theta = [2, 0]
        assert theory.value_of(D, p, q) == pytest.approx(theory.criterion(p, q), abs=tol)
    assert theory.value_of(lambda x: 2 * x, p, q, logits=True) == pytest.approx(theory.criterion(p, q), abs=1e-10)


def test_a_column_of_answers_is_as_good_as_a_vector():
    """D = ¾ everywhere: log ¾ + log ¼."""
    p = ng.data.uniform(0, 1)
    assert theory.value_of(lambda x: np.full((len(x), 1), 0.75), p, p) == pytest.approx(math.log(3 / 16), abs=1e-12)


def test_the_precision_asked_for_is_that_of_d(monkeypatch):
    monkeypatch.setattr("numpygan.theory.game.total", lambda terms, p, q, support, tol: tol)
    p = ng.data.uniform(0, 1)
    for dtype, tol in ((np.float32, 1e-5), (np.float64, 1e-12)):
        assert theory.value_of(ng.MLP([1, 1], rng=np.random.default_rng(0), dtype=dtype, engine="numpy"), p, p) == tol
    assert theory.value_of(lambda x: x, p, p) == 1e-12
    assert theory.value_of(lambda x: x, p, p, tol=1e-3) == 1e-3


def test_a_discriminator_that_is_sure_and_wrong_is_worth_minus_infinity():
    p, q = ng.data.uniform(0, 1), ng.data.uniform(0.5, 1.5)
    assert theory.value_of(lambda x: (x < 1) * 1.0, p, q) == -INF
    assert theory.value_of(lambda x: np.where(x < 0.5, 1.0, np.where(x < 1, 0.5, 0.0)), p, q) == pytest.approx(-LOG2)
    assert theory.value_of([1, 1], P, Q) == -INF


@pytest.mark.parametrize(("D", "message"), [
    (lambda x: 3 * x, r"D must lie in \[0, 1\].*logits=True"), (lambda x: np.full(len(x), np.nan), r"D must lie in"),
    (lambda x: np.full(len(x), 1.5), r"D must lie in \[0, 1\], and it runs from 1\.5 to 1\.5"),
    (lambda x: np.zeros(3), r"D gives the shape \(3,\)"), (lambda x: np.full((len(x), 2), 0.5), "D gives the shape")])
def test_what_is_no_discriminator_is_refused(D, message):
    with pytest.raises(ValueError, match=message):
        theory.value_of(D, ng.data.gaussian(0, 1), ng.data.gaussian(1, 1))


def test_a_nan_logit_is_refused():
    with pytest.raises(ValueError, match="D is NaN somewhere"):
        theory.value_of(lambda x: x * np.nan, ng.data.gaussian(0, 1), ng.data.gaussian(1, 1), logits=True)
    with pytest.raises(TypeError, match="of one kind"):
        theory.value_of([0.5, 0.5], ng.data.gaussian(0, 1), ng.data.gaussian(1, 1))


# ------------------------------------------------------------------------------------------------- gradients

def fourth_order(f, at, h=1e-3):
    return (8 * (f(at + h) - f(at - h)) - (f(at + 2 * h) - f(at - 2 * h))) / (12 * h)


FAMILIES = {
    "mean": (lambda t: ng.data.gaussian(t, 0.8), 0.7), "width": (lambda t: ng.data.gaussian(0.5, t), 1.3),
    "weight": (lambda t: ng.data.mixture([-1, 1.5], 0.7, [t, 1 - t]), 0.35)}
TARGET = ng.data.mixture([-2, 2], 1.0, [0.4, 0.6])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_gradient_of_the_non_saturating_loss_with_d_held_fixed(family):
    """Eq. (6.18): that of KL(p_g‖p_data) − 2 JSD; with a D* that follows p_g, of KL(p_g‖p_data) − KL(p_g‖m)."""
    make, at = FAMILIES[family]
    D = theory.optimal_discriminator(TARGET, make(at))
    box = (-16, 16)

    def held(t):
        return theory.expectation(lambda x: np.logaddexp(0, -D.logit(x)), make(t), box, tol=1e-13)

    def kl_minus_2jsd(t):
        return theory.kl(make(t), TARGET, box, 1e-13) - 2 * theory.jsd(TARGET, make(t), box, 1e-13)

    def follows(t):
        return theory.non_saturating_generator_value(TARGET, make(t), box, 1e-13)

    def kl_minus_kl(t):
        q = make(t)
        m = theory.Density(lambda x: (TARGET.density(x) + q.density(x)) / 2, box)
        return theory.kl(q, TARGET, box, 1e-13) - theory.kl(q, m, box, 1e-13)

    gradient = fourth_order(held, at)
    assert gradient == pytest.approx(fourth_order(kl_minus_2jsd, at), abs=1e-10)
    assert fourth_order(follows, at) == pytest.approx(fourth_order(kl_minus_kl, at), abs=1e-10)
    assert abs(gradient - fourth_order(follows, at)) > 1e-3               # the two are different gradients
    assert abs(held(at) - kl_minus_2jsd(at)) > 0.1                        # and equal gradients are not equal values
    assert held(at) == pytest.approx(kl_minus_kl(at) + LOG2, abs=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_gradient_of_the_minimax_loss_does_not_care_whether_d_follows(family):
    """The envelope theorem: ∂/∂θ E_q log(1 − D*), D* held fixed, is ∂C/∂θ = 2 ∂JSD/∂θ."""
    make, at = FAMILIES[family]
    D = theory.optimal_discriminator(TARGET, make(at))
    box = (-16, 16)
    held = fourth_order(
        lambda t: theory.expectation(lambda x: -np.logaddexp(0, D.logit(x)), make(t), box, tol=1e-13), at)
    assert held == pytest.approx(fourth_order(lambda t: theory.criterion(TARGET, make(t), box, 1e-13), at), abs=1e-10)
