"""Long tails, poles and scales far apart: what has a closed form is found, and what is infinite is refused."""
import math

import numpy as np
import pytest
from scipy import integrate, stats

import numpygan as ng
from numpygan import theory
from numpygan.theory import quadrature
from numpygan.theory.density import as_density

GAMMA = 0.1
PSI = -10.423754940411076                                                                # ψ(0.1)


def integral(f, *ends):
    return integrate.quad(f, *ends, epsabs=1e-13, epsrel=1e-13, limit=500)[0]


@pytest.mark.parametrize(("quantity", "exact"), [
    (lambda: theory.entropy(stats.cauchy()), math.log(4 * math.pi)),
    (lambda: theory.kl(stats.cauchy(0, 1), stats.cauchy(1, 2)), math.log(10 / 8)),             # Chyzak & Nielsen 2019
    (lambda: theory.kl(stats.norm(), stats.cauchy()),
     integral(lambda x: 2 * stats.norm.pdf(x) * (stats.norm.logpdf(x) - stats.cauchy.logpdf(x)), 0, 38)),
    (lambda: theory.kl(stats.pareto(0.1), stats.pareto(0.2)), math.log(0.5) + 1),
    (lambda: theory.entropy(stats.lognorm(3)), math.log(3) + 0.5 * math.log(2 * math.pi * math.e)),
    (lambda: theory.entropy(stats.gamma(GAMMA)), GAMMA + math.lgamma(GAMMA) + (1 - GAMMA) * PSI),
    (lambda: theory.entropy(stats.levy()), (1 + 3 * np.euler_gamma + math.log(16 * math.pi)) / 2),
    (lambda: theory.entropy(stats.f(5, 7)), 1.252403133378504),                  # its 1 − 10⁻³⁰ quantile is infinite
    (lambda: theory.wasserstein1(stats.cauchy(), stats.cauchy(1)), 1.0),
    (lambda: theory.wasserstein1(stats.t(2), stats.t(2, 0, 2)), math.sqrt(2)),                      # E|x| = √2
    (lambda: theory.wasserstein1(stats.pareto(3), stats.pareto(4)), 3 / 2 - 4 / 3),
    (lambda: theory.wasserstein1(stats.norm(0, 1), stats.norm(1e6, 1e-3)), 1e6)],
    ids=["entropy of Cauchy", "KL of Cauchys", "KL of normal and Cauchy", "KL of Paretos", "entropy of lognormal",
         "entropy of gamma", "entropy of Lévy", "entropy of F", "W of Cauchys", "W of t", "W of Paretos", "W far"])
def test_long_tails_and_poles_agree_with_closed_forms(quantity, exact):
    assert quantity() == pytest.approx(exact, rel=2e-11, abs=2e-12)


def test_a_distribution_function_is_exact_in_both_tails():
    F, exact = theory.cdf(stats.t(2)), stats.t(2)
    t = np.array([-1e9, -1e4, -3, 0, 3, 1e4])
    assert np.allclose(F(t), exact.cdf(t), rtol=1e-9, atol=1e-15)
    gap = theory.transport._density_gap(exact, stats.t(2, 1), None, 1e-11)
    for t in (-1e9, 1e9, 1e12):
        assert gap(t) == pytest.approx(abs(t)**-3, rel=1e-6)                            # F ≈ 1/(2t²), and a shift of 1


@pytest.mark.parametrize(("quantity", "end"), [
    (lambda: theory.kl(stats.cauchy(), stats.norm()), r"beyond -\d.*e\+\d\d, by about"),
    (lambda: theory.wasserstein1(stats.cauchy(), stats.cauchy(0, 2)), r"beyond -\d.*e\+\d\d, by about 1"),
    (lambda: theory.wasserstein1(stats.pareto(1.2), stats.pareto(1.1)), r"beyond 1.*e\+27, by about"),
    (lambda: theory.expectation(np.abs, stats.cauchy()), r"beyond -\d.*e\+\d\d, by about 0.6"),
    (lambda: theory.expectation(lambda x: np.exp(x * x / 2), ng.data.gaussian(0, 1)), "beyond -12, by about 1e")],
    ids=["KL", "W", "W on one side", "mean", "square"])
def test_an_integral_that_does_not_end_is_no_number(quantity, end):
    with pytest.raises(ValueError, match=f"^the integral goes on {end}.*support="):
        quantity()


def test_who_says_where_it_ends_or_asks_for_less_is_believed():
    """∫ x²/(2π(1 + x²)) … over (−50, 50), and E x² = 5 of Student's t with 2.5 degrees, of which 10⁻⁵ lie far out."""
    p = theory.Density(lambda x: stats.cauchy.pdf(x) / (2 / math.pi * math.atan(50)), (-50, 50))
    assert theory.expectation(np.abs, p) == pytest.approx(math.log(2501) / 2 / math.atan(50), abs=1e-11)
    assert theory.expectation(np.square, stats.t(2.5), tol=1e-4) == pytest.approx(5, abs=1e-4)
    with pytest.raises(ValueError, match="goes on beyond"):
        theory.expectation(np.square, stats.t(2.5), tol=1e-7)


def test_which_ends_go_on():
    for p, endless in ((stats.norm(), (True, True)), (stats.expon(), (False, True)), (stats.uniform(), (False, False)),
                       (ng.data.gaussian(0, 1), (True, True)), (ng.data.uniform(0, 1), (False, False)),
                       (lambda x: x, (False, False))):
        assert as_density(p).endless == endless


def test_a_set_of_little_mass_counts_where_probabilities_are_exact():
    """Below 10⁻¹⁵ an integral is rounding, and a probability is not."""
    assert theory.kl([1e-300, 1], [0, 1]) == math.inf
    assert theory.non_saturating_generator_value([0, 1], [1e-20, 1]) == math.inf
    assert theory.kl([0, 1], [1e-300, 1]) == 0


def test_breaks_much_nearer_to_zero_than_the_end_is_far_are_kept():
    lo, hi = quadrature._cells(np.array([[0.0, 1e30]]), [np.array([1e-30, 1.0, 1.0 + 1e-14])])
    assert (lo[:3].ravel().tolist(), hi[-1, 0]) == ([0, 1e-30, 1], 1e30)
    lo, hi = quadrature._cells(np.array([[1, 1 + 1e-14]]), [])
    assert len(lo) == 16
