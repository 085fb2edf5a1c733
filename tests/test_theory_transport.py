"""The earth mover's distance: samples of any sizes, densities, closed forms, the dual, slices."""
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

import numpygan as ng
from numpygan import theory

EPS = np.finfo(float).eps
SAMPLES = st.lists(st.floats(-100, 100), min_size=1, max_size=12).map(np.array)


# -------------------------------------------------------------------------------------------------- samples

def test_samples_by_hand():
    """Eqs. (7.4), (7.5): equal sizes pair in order; (0, 1, 3) to (5, 6, 8) is a shift by 5; {0} to {1, 3} costs 2."""
    assert theory.wasserstein1([3, 0, 1], [5, 8, 6]) == pytest.approx(5, abs=8 * EPS)
    assert theory.wasserstein1([0], [1, 3]) == pytest.approx(2, abs=4 * EPS)
    assert theory.wasserstein1([0, 0, 1], [0, 1]) == pytest.approx(1 / 6, abs=4 * EPS)       # 2/3, 1/3 to 1/2, 1/2
    assert theory.wasserstein1([7], [7]) == 0
    assert theory.wasserstein1(np.array([[0.0], [2.0]]), [1.0]) == pytest.approx(1, abs=4 * EPS)


@given(SAMPLES, SAMPLES)
@settings(max_examples=50, deadline=None)
def test_samples_of_unequal_size_agree_with_scipy(x, y):
    assert theory.wasserstein1(x, y) == pytest.approx(stats.wasserstein_distance(x, y), abs=1e-12)


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=5), st.lists(st.integers(-6, 6), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_samples_agree_with_the_cheapest_transport_plan(x, y):
    """Eq. (7.2), the definition, as a linear programme over all plans."""
    n, m = len(x), len(y)
    rows = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    cost = np.abs(np.subtract.outer(x, y)).ravel()
    plan = optimize.linprog(cost, A_eq=np.vstack(rows), b_eq=np.concatenate([np.full(n, 1 / n), np.full(m, 1 / m)]))
    assert theory.wasserstein1(x, y) == pytest.approx(plan.fun, abs=1e-9)


@given(SAMPLES, SAMPLES, SAMPLES, st.floats(-50, 50))
@settings(max_examples=60, deadline=None)
def test_it_is_a_metric_that_shifts_and_scales(x, y, z, c):
    W = theory.wasserstein1
    assert W(x, x) == 0
    assert W(x, y) == pytest.approx(W(y, x), abs=1e-11)
    assert W(x, z) <= W(x, y) + W(y, z) + 1e-11
    assert W(x, x + c) == pytest.approx(abs(c), abs=1e-11)
    assert W(3 * x, 3 * y) == pytest.approx(3 * W(x, y), abs=1e-10)
    assert W(x, y) >= abs(x.mean() - y.mean()) - 1e-11


# ------------------------------------------------------------------------------------- closed forms, densities

def test_gaussians_by_hand():
    """Eq. (7.6): one width: the shift; one centre: |Δσ| √(2/π); both."""
    assert theory.gaussian_wasserstein1(0, 1, 3, 1) == 3
    assert theory.gaussian_wasserstein1(5, 1, 5, 3) == pytest.approx(2 * math.sqrt(2 / math.pi), abs=4 * EPS)
    # Δμ = Δσ = 1: E|1 + z| = √(2/π) e^−½ + erf(1/√2) = 2 φ(1) + 2 Φ(1) − 1
    assert theory.gaussian_wasserstein1(0, 1, 1, 2) == pytest.approx(
        2 * stats.norm.pdf(1) + 2 * stats.norm.cdf(1) - 1, abs=4 * EPS)
    expected, _ = integrate.quad(lambda z: abs(-1.5 - 0.7 * z) * stats.norm.pdf(z), -12, 12, points=[-1.5 / 0.7])
    assert theory.gaussian_wasserstein1(2, 1, 0.5, 0.3) == pytest.approx(expected, abs=1e-9)


def test_uniforms_by_hand():
    """Eq. (7.7): a shift; a stretch about the middle, α = −1, β = 1: ½; one end fixed: half the move of the other."""
    assert theory.uniform_wasserstein1((0, 1), (2.5, 3.5)) == 2.5
    assert theory.uniform_wasserstein1((0, 1), (-1, 2)) == pytest.approx(0.5, abs=EPS)
    assert theory.uniform_wasserstein1((0, 1), (0, 4)) == 1.5
    # α = −1, β = 3: ∫|−1 + 4u| du = (1 + 9)/8
    assert theory.uniform_wasserstein1((0, 1), (-1, 4)) == pytest.approx(1.25, abs=EPS)
    assert theory.uniform_wasserstein1((0, 1), (-2, 4)) == pytest.approx(1.3, abs=EPS)         # (4 + 9)/(2 · 5)
    assert theory.uniform_wasserstein1((0, 1), (0.5, 1.5)) == 0.5


@pytest.mark.parametrize(("p", "q", "expected"), [
    (ng.data.gaussian(0, 1), ng.data.gaussian(3, 1), 3.0),
    (ng.data.gaussian(0, 1), ng.data.gaussian(2, 0.5), theory.gaussian_wasserstein1(0, 1, 2, 0.5)),
    (ng.data.gaussian(1, 1), ng.data.gaussian(1, 1), 0.0),
    (ng.data.uniform(0, 1), ng.data.uniform(-1, 4), 1.25), (ng.data.uniform(0, 1), ng.data.uniform(7, 9), 7.5),
    (stats.expon(scale=1), stats.expon(scale=3), 2.0),
    (lambda x: 2 * x * (x >= 0) * (x <= 1), lambda x: 2 * (1 - x) * (x >= 0) * (x <= 1), 1 / 3)])
def test_densities_agree_with_closed_forms(p, q, expected):
    """Eq. (7.4). F − G of the last pair is −2x(1 − x), of integral ⅓."""
    support = (0, 1) if callable(p) else None
    assert theory.wasserstein1(p, q, support) == pytest.approx(expected, abs=1e-10)


def test_densities_whose_distribution_functions_cross_many_times():
    p, q = ng.data.mixture([-3, 0, 3], 0.3), ng.data.mixture([-1.5, 1.5], [0.2, 0.9])
    expected, _ = integrate.quad(lambda t: abs(np.mean(stats.norm.cdf(t, [-3, 0, 3], 0.3))
                                               - np.mean(stats.norm.cdf(t, [-1.5, 1.5], [0.2, 0.9]))), -9, 9, limit=500)
    assert theory.wasserstein1(p, q) == pytest.approx(expected, abs=1e-7)
    assert theory.wasserstein1(p, q) == pytest.approx(theory.wasserstein1(q, p), abs=1e-11)


def test_samples_come_near_the_distance_of_their_densities(rng):
    p, q = ng.data.gaussian(0, 1), ng.data.gaussian(2, 0.5)
    near = theory.wasserstein1(p.sample(20_000, rng), q.sample(30_000, rng))
    assert near == pytest.approx(theory.wasserstein1(p, q), abs=0.05)


@pytest.mark.parametrize(("p", "exact"), [
    (ng.data.gaussian(1, 2), stats.norm(1, 2)), (stats.gamma(3), stats.gamma(3)),
    (ng.data.uniform(0.1, 0.7), stats.uniform(0.1, 0.6))])
def test_the_distribution_function(p, exact):
    """Eq. (7.3)"""
    F, t = theory.cdf(p), exact.ppf(np.linspace(0.001, 0.999, 200))
    assert F(t) == pytest.approx(exact.cdf(t), abs=1e-11)
    assert F(-1e9) == 0
    assert F(1e9) == pytest.approx(1, abs=1e-11)
    assert F(t.reshape(20, 10)).shape == (20, 10)


# --------------------------------------------------------------------------------------------------- the dual

@pytest.mark.parametrize(("p", "q"), [
    (ng.data.gaussian(0, 1), ng.data.gaussian(2, 1)), (ng.data.gaussian(0, 1), ng.data.gaussian(2, 0.5)),
    (ng.data.mixture([-3, 0, 3], 0.3), ng.data.mixture([-1.5, 1.5], [0.2, 0.9])),
    (ng.data.uniform(0, 1), ng.data.uniform(3, 5)), (stats.expon(scale=1), stats.expon(scale=3))])
def test_duality_with_an_explicit_critic_on_densities(p, q):
    """Eqs. (7.8), (7.9): E_p f − E_q f = W₁ for this f, and at most W₁ for any other of slope at most 1."""
    f, W = theory.kantorovich(p, q), theory.wasserstein1(p, q)

    def gap(g):
        # f has corners; the integral is told where they are
        low, high = f.knots[0], f.knots[-1]
        P, Q = (theory.Density(d.density if hasattr(d, "density") else d.pdf, (low, high), breaks=f.knots[1:-1])
                for d in (p, q))
        return theory.expectation(g, P, (low, high)) - theory.expectation(g, Q, (low, high))

    assert gap(f) == pytest.approx(W, abs=1e-10)
    assert np.abs(np.diff(f.values)).max() <= np.diff(f.knots).max() + 1e-12
    x = np.linspace(f.knots[0] - 1, f.knots[-1] + 1, 5001)
    assert (np.abs(np.diff(f(x))) <= np.diff(x) * (1 + 1e-9)).all()
    for other in (lambda x: -x, np.sin, np.abs, lambda x: np.tanh(x - 1)):
        assert abs(gap(other)) <= W + 1e-10


@given(SAMPLES, SAMPLES)
@settings(max_examples=50, deadline=None)
def test_duality_with_an_explicit_critic_on_samples(x, y):
    """Eqs. (7.8), (7.9)"""
    f = theory.kantorovich(x, y)
    assert f(x).mean() - f(y).mean() == pytest.approx(theory.wasserstein1(x, y), abs=1e-11)
    assert (np.abs(np.diff(f.values)) <= np.diff(f.knots) + 1e-12).all()


def test_the_critic_has_its_corners_where_the_distribution_functions_cross():
    """N(0, 1) and N(2, ½²) cross where x = (x − 2)/½: at 4 and nowhere else; shifted ones nowhere."""
    p = ng.data.gaussian(0, 1)
    assert theory.kantorovich(p, ng.data.gaussian(2, 0.5)).knots[1:-1] == pytest.approx([4], abs=1e-9)
    assert len(theory.kantorovich(p, ng.data.gaussian(2, 1)).knots) == 2
    # Where both have ended, the sign of F − G is rounding, and rounding makes no corners.
    assert len(theory.kantorovich(p, ng.data.mixture([-1, 0.5, 3.5], 0.8), support=(-60, 60)).knots) <= 4
    assert not theory.kantorovich(p, ng.data.gaussian(0, 1)).values.any()


def test_the_critic_by_hand():
    """Eq. (7.9): data at 0, samples at 2: f falls with slope −1 from one to the other."""
    f = theory.kantorovich([0.0], [2.0])
    assert f(np.array([-1, 0, 0.5, 2, 9])) == pytest.approx([0, 0, -0.5, -2, -2], abs=EPS)


# ----------------------------------------------------------------------------------------------------- slices

def test_slices_by_hand(rng):
    """Eq. (7.10): in one dimension W₁ itself; for a shift v in d dimensions |v| E|u₁|, 2/π in the plane, ½ in space."""
    x, y = rng.standard_normal(7), rng.standard_normal(5)
    assert theory.sliced_wasserstein1(x, y, 3, rng=rng) == pytest.approx(theory.wasserstein1(x, y), abs=1e-13)
    for d, mean in ((2, 2 / math.pi), (3, 0.5)):
        x, v = rng.standard_normal((6, d)), np.arange(1, d + 1.0)
        found = theory.sliced_wasserstein1(x, x + v, 4000, rng=rng)
        assert found == pytest.approx(mean * np.linalg.norm(v), rel=0.05)


def test_slices_are_a_lower_bound_and_repeat_with_their_seed():
    x, y = np.random.default_rng(0).standard_normal((2, 30, 3))
    first, second = (theory.sliced_wasserstein1(x, y, rng=np.random.default_rng(5)) for _ in range(2))
    assert first == second
    pairs = np.linalg.norm(x[:, None] - y, axis=2)
    rows, columns = optimize.linear_sum_assignment(pairs)
    assert 0 < first < pairs[rows, columns].mean()


# -------------------------------------------------------------------------------------------------- bad input

@pytest.mark.parametrize(("x", "y", "message"), [
    ([0, math.nan], [1], "p holds NaN or infinity"), ([0], [math.inf], "q holds NaN or infinity"),
    ([], [1], "n >= 1, got the shape"), (np.zeros((3, 2)), np.zeros((3, 2)), r"sliced_wasserstein1\(x, y, rng=\)"),
    (np.zeros((2, 2, 2)), [0], "n >= 1, got the shape")])
def test_bad_samples_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        theory.wasserstein1(x, y)


def test_samples_and_densities_do_not_mix():
    with pytest.raises(TypeError, match="of one kind"):
        theory.wasserstein1([0.0], ng.data.gaussian(0, 1))
    with pytest.raises(ValueError, match="one dimension"):
        theory.wasserstein1(ng.data.gaussian([0, 0]), ng.data.gaussian([1, 0]))
    with pytest.raises(ValueError, match="q integrates to 2"):
        theory.wasserstein1(ng.data.gaussian(0, 1), lambda x: 2 * stats.norm.pdf(x), support=(-9, 9))


def test_bad_slices_are_refused(rng):
    with pytest.raises(ValueError, match="x has 2 columns and y has 3"):
        theory.sliced_wasserstein1(np.zeros((4, 2)), np.zeros((4, 3)), rng=rng)
    with pytest.raises(ValueError, match="directions must be a whole number of at least 1"):
        theory.sliced_wasserstein1([0], [1], 0, rng=rng)
    with pytest.raises(TypeError, match="must be a numpy.random.Generator"):
        theory.sliced_wasserstein1([0], [1], rng=0)


@pytest.mark.parametrize("call", [
    lambda: theory.gaussian_wasserstein1(0, 0, 0, 1), lambda: theory.gaussian_wasserstein1(math.nan, 1, 0, 1),
    lambda: theory.uniform_wasserstein1((1, 0), (0, 1)), lambda: theory.uniform_wasserstein1((0, 1), (0, math.inf))])
def test_impossible_parameters_are_refused(call):
    with pytest.raises(ValueError, match="finite"):
        call()
