"""Entropy, KL, JSD, total variation: values by hand, limits, and the properties that make JSD what it is."""
import inspect
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import numpygan as ng
from numpygan import theory
from numpygan.theory.divergences import total

LOG2, INF = math.log(2), math.inf
EPS = np.finfo(float).eps
HALF, SKEW = np.array([0.5, 0.5]), np.array([0.75, 0.25])
LN3 = math.log(3)


def _parameters(name):
    """What a function of the package takes."""
    f = getattr(theory, name)
    return inspect.signature(f).parameters if callable(f) else {}


def gauss(mean, std):
    return lambda x: np.exp(-0.5 * ((x - mean) / std)**2) / (std * math.sqrt(2 * math.pi))


# ------------------------------------------------------------------------------------------- values by hand

def test_entropy_by_hand():
    """Eq. (6.6): two fair coins' worth; ¾, ¼: log 4 − ¾ log 3; a uniform of width 5: log 5."""
    assert theory.entropy([0.25] * 4) == pytest.approx(2 * LOG2, abs=4 * EPS)
    assert theory.entropy(SKEW) == pytest.approx(2 * LOG2 - 0.75 * LN3, abs=4 * EPS)
    assert theory.entropy([1, 0]) == theory.entropy([1]) == 0
    assert theory.entropy(ng.data.uniform(1, 6)) == pytest.approx(math.log(5), abs=1e-12)


def test_cross_entropy_by_hand():
    """Eq. (6.7): −½ log ¾ − ½ log ¼ = log 4 − ½ log 3; of N(0, 1) under N(1, 1): ½ log 2π + ½ (1 + 1)."""
    assert theory.cross_entropy(HALF, SKEW) == pytest.approx(2 * LOG2 - 0.5 * LN3, abs=4 * EPS)
    exact = 0.5 * math.log(2 * math.pi) + 1
    assert theory.cross_entropy(ng.data.gaussian(0, 1), ng.data.gaussian(1, 1)) == pytest.approx(exact, abs=1e-12)


def test_kl_by_hand_and_its_two_directions():
    """Eq. (6.8): KL(½½‖¾¼) = log 2 − ½ log 3; KL(¾¼‖½½) = ¾ log 3 − log 2; exponentials: log(λ/μ) + μ/λ − 1."""
    assert theory.kl(HALF, SKEW) == pytest.approx(LOG2 - 0.5 * LN3, abs=4 * EPS)
    assert theory.kl(SKEW, HALF) == pytest.approx(0.75 * LN3 - LOG2, abs=4 * EPS)
    one, two = stats.expon(scale=1), stats.expon(scale=0.5)
    assert theory.kl(one, two) == pytest.approx(-LOG2 + 1, abs=1e-12)
    assert theory.kl(two, one) == pytest.approx(LOG2 - 0.5, abs=1e-12)


def test_kl_of_gaussians_by_hand():
    """Eq. (6.10): N(0, 1), N(2, ½²): log ½ + (1 + 4)/(2 · ¼) − ½ = 9.5 − log 2; back: log 2 + (¼ + 4)/2 − ½."""
    assert theory.gaussian_kl(0, 1, 2, 0.5) == pytest.approx(9.5 - LOG2, abs=8 * EPS * 9)
    assert theory.gaussian_kl(2, 0.5, 0, 1) == pytest.approx(LOG2 + 1.625, abs=8 * EPS)
    p, q = ng.data.gaussian(0, 1), ng.data.gaussian(2, 0.5)
    assert theory.kl(p, q) == pytest.approx(9.5 - LOG2, abs=1e-11)
    # Covariances diag(1, 4) and diag(2, 2), means (0, 0) and (1, 2): ½ [½ + 2 + ½ + 2 − 2 + log 4 − log 4].
    assert theory.gaussian_kl([0, 0], np.diag([1, 4]), [1, 2], np.diag([2, 2])) == pytest.approx(1.5, abs=16 * EPS)


def test_kl_of_correlated_gaussians_by_quadrature():
    A, B = [[1, 0.3], [0.3, 0.5]], [[2, -0.5], [-0.5, 1]]
    p, q = ng.data.gaussian([0, 0], cov=A), ng.data.gaussian([1, 0.5], cov=B)
    assert theory.kl(p, q) == pytest.approx(theory.gaussian_kl([0, 0], A, [1, 0.5], B), abs=1e-10)
    assert theory.entropy(p) == pytest.approx(theory.gaussian_entropy(A), abs=1e-10)


def test_entropy_of_gaussians_by_hand():
    """Eq. (6.9): σ = 2: ½ log(2πe · 4), σ = ½: ½ log(2πe/4); covariance of determinant 3: log 2πe + ½ log 3."""
    assert theory.gaussian_entropy(2.0) == pytest.approx(0.5 * math.log(8 * math.pi * math.e), abs=8 * EPS)
    assert theory.gaussian_entropy(0.5) == pytest.approx(0.5 * math.log(math.pi * math.e / 2), abs=8 * EPS)
    exact = math.log(2 * math.pi * math.e) + 0.5 * LN3
    assert theory.gaussian_entropy([[2, 1], [1, 2]]) == pytest.approx(exact, abs=8 * EPS)


def test_jsd_by_hand():
    """Eqs. (6.11), (6.12): p = (1, 0), q = (½, ½), m = (¾, ¼): ½ log 4/3 + ½ (½ log 2/3 + ½ log 2)."""
    exact = 0.5 * math.log(4 / 3) + 0.25 * math.log(2 / 3) + 0.25 * LOG2
    assert theory.jsd([1, 0], HALF) == pytest.approx(exact, abs=4 * EPS)
    assert theory.jsd_distance([1, 0], HALF) == pytest.approx(math.sqrt(exact), abs=4 * EPS)      # Eq. (6.13)


@pytest.mark.parametrize(("p", "q", "exact"), [
    (stats.norm(0, 1), stats.norm(2, 0.5), 0.474307411228528773412737394751),
    (stats.norm(0, 1), stats.norm(1, 1), 0.111421482184736179717236812218),
    (stats.norm(0, 1), stats.norm(1e-4, 1), 0.00000000124999999843750000260416665853),
    (stats.norm(0, 1), stats.norm(6, 1), 0.689297933029077766722970565167),
    (stats.expon(scale=1), stats.expon(scale=0.5), 0.0537819460882945613061972906494),
    (ng.data.mixture([-2, 2], 0.5, [0.3, 0.7]), ng.data.gaussian(0, 1.5), 0.242812383918949481617175573276),
    ([0.5, 0.5, 0], [0.25, 0.25, 0.5], 0.215761554338835695579414254495)])
def test_jsd_against_thirty_digits(p, q, exact):
    """Eq. (6.11) integrated by mpmath with 30 digits. Small values keep their digits: hence Eq. (6.12)."""
    assert theory.jsd(p, q) == pytest.approx(exact, rel=1e-9, abs=1e-12 if exact > 1e-6 else 0)


def test_total_variation_by_hand():
    """Eq. (6.14): ½ (¼ + ¼); Gaussians of one width: 2 Φ(Δ/2σ) − 1 = erf(Δ/(2√2 σ))."""
    assert theory.total_variation(HALF, SKEW) == pytest.approx(0.25, abs=2 * EPS)
    p, q = ng.data.gaussian(0, 2), ng.data.gaussian(3, 2)
    assert theory.total_variation(p, q) == pytest.approx(math.erf(0.75 / math.sqrt(2)), abs=1e-11)
    p, q = ng.data.gaussian([0, 0], 1.0), ng.data.gaussian([0.6, 0.8], 1.0)
    assert theory.total_variation(p, q, tol=1e-6) == pytest.approx(math.erf(0.5 / math.sqrt(2)), abs=1e-6)


# ---------------------------------------------------------------------------------------------------- limits

@pytest.mark.parametrize(("quantity", "expected"), [
    (theory.kl, INF), (theory.cross_entropy, INF), (theory.jsd, LOG2), (theory.jsd_distance, math.sqrt(LOG2)),
    (theory.total_variation, 1.0)])
@pytest.mark.parametrize(("p", "q"), [
    ([1, 0], [0, 1]), (ng.data.uniform(0, 1), ng.data.uniform(2, 3)), (ng.data.uniform(0, 1), ng.data.uniform(1, 2)),
    (stats.uniform(0, 1), stats.uniform(5, 2))], ids=["arrays", "apart", "touching", "scipy"])
def test_disjoint_supports_give_the_limits(quantity, expected, p, q):
    assert quantity(p, q) == pytest.approx(expected, abs=1e-11)


def test_a_zero_inside_the_other_support():
    """0 log 0 = 0 on one side, infinity on the other."""
    inner, outer = ng.data.uniform(0, 1), ng.data.uniform(0, 2)
    assert theory.kl(inner, outer) == pytest.approx(LOG2, abs=1e-12)
    assert theory.kl(outer, inner) == INF
    assert theory.kl([0, 1], HALF) == pytest.approx(LOG2, abs=EPS)
    assert theory.kl(HALF, [0, 1]) == INF


def test_far_tails_do_not_turn_into_infinity():
    """Plain functions underflow at 38 deviations, where no mass is; log-densities never do."""
    p, q = gauss(0, 1), gauss(1, 1)
    assert theory.kl(p, q, support=(-60, 60)) == pytest.approx(0.5, abs=1e-11)
    assert theory.jsd(p, gauss(100, 1), support=(-20, 120)) == pytest.approx(LOG2, abs=1e-11)
    exact = theory.gaussian_kl(0, 1, 0, 0.02)
    assert theory.kl(stats.norm(0, 1), stats.norm(0, 0.02)) == pytest.approx(exact, rel=1e-11)


def test_an_infinity_that_is_only_underflow_is_announced():
    with pytest.warns(RuntimeWarning, match=r"q underflows to 0 where p has mass.*log_density"):
        assert theory.kl(gauss(0, 1), gauss(0, 0.05), support=(-12, 12)) == INF
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert theory.kl(gauss(0, 1), lambda x: (np.abs(x) < 1) / 2, support=(-12, 12)) == INF


def test_infinity_minus_infinity_is_refused():
    with pytest.raises(ValueError, match="inf − inf"):
        total(lambda x, log_p, log_q: (np.array([INF, -INF]), None), HALF, SKEW)


@pytest.mark.parametrize("name", [name for name in theory.__all__ if "tol" in _parameters(name)])
def test_twelve_digits_are_asked_for_unless_you_say_otherwise(name):
    """Of W₁ eleven, of a network's value what its dtype allows."""
    expected = {"wasserstein1": 1e-11, "kantorovich": 1e-11, "value_of": None}
    assert _parameters(name)["tol"].default == expected.get(name, 1e-12)


# ------------------------------------------------------------------------------------------------ properties

# without numbers so small that half of them, in a mean of two, is 0
PROBABILITIES = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=6, max_size=6).filter(
    lambda w: sum(w) > 1e-3).map(lambda w: np.array(w) / sum(w))


@given(PROBABILITIES, PROBABILITIES)
@settings(max_examples=80, deadline=None)
def test_jsd_is_symmetric_and_lies_in_its_range(p, q):
    forward, back = theory.jsd(p, q), theory.jsd(q, p)
    assert 0 <= forward <= LOG2
    assert abs(forward - back) <= 4 * EPS
    assert theory.jsd(p, p) == 0


@given(PROBABILITIES, PROBABILITIES, PROBABILITIES)
@settings(max_examples=120, deadline=None)
def test_the_root_of_jsd_obeys_the_triangle_inequality(p, q, r):
    d = theory.jsd_distance
    assert d(p, r) <= d(p, q) + d(q, r) + 16 * EPS


def test_jsd_itself_does_not():
    """The step from (1, 0) over (½, ½) to (0, 1) is shorter than the step at once."""
    assert theory.jsd([1, 0], HALF) + theory.jsd(HALF, [0, 1]) < theory.jsd([1, 0], [0, 1]) - 0.2


@given(PROBABILITIES, PROBABILITIES)
@settings(max_examples=80, deadline=None)
def test_relations_between_the_divergences(p, q):
    """KL >= 0; cross-entropy = entropy + KL; Pinsker 2 TV² <= KL; TV²/2 <= JSD <= log 2 · TV; Eq. (6.11)."""
    kl, tv, jsd = theory.kl(p, q), theory.total_variation(p, q), theory.jsd(p, q)
    assert kl >= -8 * EPS
    assert 2 * tv**2 <= kl + 8 * EPS
    assert tv**2 / 2 - 8 * EPS <= jsd <= LOG2 * tv + 8 * EPS
    assert tv == pytest.approx(0.5 * np.abs(p - q).sum(), abs=8 * EPS)
    if kl < INF:
        assert theory.cross_entropy(p, q) == pytest.approx(theory.entropy(p) + kl, abs=1e-13 * (1 + kl))
    m = (p + q) / 2
    assert jsd == pytest.approx((theory.kl(p, m) + theory.kl(q, m)) / 2, abs=16 * EPS)


@given(st.floats(-3, 3), st.floats(0.3, 3), st.floats(-3, 3), st.floats(0.3, 3), st.floats(-3, 3), st.floats(0.3, 3))
@settings(max_examples=30, deadline=None)
def test_the_root_of_jsd_is_a_metric_on_densities_too(a, s, b, t, c, u):
    p, q, r = stats.norm(a, s), stats.norm(b, t), stats.norm(c, u)
    d = theory.jsd_distance
    assert d(p, r) <= d(p, q) + d(q, r) + 1e-6
    assert d(p, q) == pytest.approx(d(q, p), abs=1e-6)


# ------------------------------------------------------------------------------------------------- bad input

@pytest.mark.parametrize(("p", "q", "message"), [
    ([0.5, 0.6], HALF, r"p must be probabilities.* got sum 1\.1"),
    (HALF, [1.5, -0.5], r"q must be probabilities.*least value -0\.5"),
    ([0.5, np.nan], HALF, "p must be probabilities"), ([], [], "p must be probabilities"),
    (HALF, [0.2, 0.3, 0.5], r"p has the shape \(2,\) and q \(3,\)")])
def test_arrays_that_are_no_probabilities_are_refused(p, q, message):
    with pytest.raises(ValueError, match=message):
        theory.jsd(p, q)


def test_a_support_for_arrays_is_refused():
    with pytest.raises(ValueError, match="support= belongs to densities"):
        theory.kl(HALF, SKEW, support=(0, 1))


@pytest.mark.parametrize("call", [
    lambda: theory.gaussian_entropy(0.0), lambda: theory.gaussian_entropy([[1, 2], [2, 1]]),
    lambda: theory.gaussian_entropy([[1, 0.5], [0, 1]]), lambda: theory.gaussian_entropy([[1, 1]]),
    lambda: theory.gaussian_entropy(np.ones((2, 3))), lambda: theory.gaussian_kl(0, -1, 0, 1),
    lambda: theory.gaussian_kl(0, 1, 0, math.nan)])
def test_impossible_spreads_are_refused(call):
    with pytest.raises(ValueError, match="standard deviation greater than 0, or a symmetric positive definite"):
        call()


def test_gaussians_of_different_dimension_are_refused():
    with pytest.raises(ValueError, match="means of 2 coordinates"):
        theory.gaussian_kl([0, 0], 1, [0, 0], 1)
    for p, q in ((np.eye(2), 1), (1, np.eye(2))):
        with pytest.raises(ValueError, match="means of 2 coordinates"):
            theory.gaussian_kl([0, 0], p, [0, 0], q)
    with pytest.raises(ValueError, match="mean must be finite"):
        theory.gaussian_kl(math.nan, 1, 0, 1)
