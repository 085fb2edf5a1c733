"""Expectations: Monte Carlo against quadrature, change of variables, pushforward, densities smoothed by noise."""
import math

import numpy as np
import pytest
from scipy import stats

import numpygan as ng
from numpygan import theory
from numpygan.theory.expectations import TERMS

EPS = np.finfo(float).eps
P, Q = ng.data.mixture([-1, 2], 0.7, dtype=np.float64), ng.data.gaussian(0.5, 1.5, dtype=np.float64)


# ------------------------------------------------------------------------------------------------ Monte Carlo

def test_mean_and_error_by_hand():
    """Eq. (6.20): 1, 2, 6: mean 3, Σ(v − 3)² = 14, error √(14/(3 · 2))."""
    mean, error = theory.mean_and_error([1, 2, 6])
    assert mean == 3
    assert error == pytest.approx(math.sqrt(14 / 6), abs=4 * EPS)
    assert theory.mean_and_error([0.0, math.inf]) == (math.inf, math.inf)
    assert theory.mean_and_error([0.0, -math.inf]) == (-math.inf, math.inf)


@pytest.mark.parametrize("name", TERMS)
def test_monte_carlo_agrees_with_quadrature_within_its_error(name):
    """Eq. (6.20): 200 runs; the spread of the estimates is the error they state, and their mean is the integral."""
    exact = getattr(theory, name)(P, Q) if name != "entropy" else theory.entropy(P)
    rng = np.random.default_rng(1)
    runs = [theory.monte_carlo(name, P, Q, n=500, rng=rng) for _ in range(200)]
    values, errors = np.array([r.value for r in runs]), np.array([r.error for r in runs])
    assert abs(values.mean() - exact) <= 6 * values.std() / math.sqrt(200)
    assert values.std() == pytest.approx(errors.mean(), rel=0.3)              # its own error is 1/√400 = 0.05 of it
    share = np.mean(np.abs(values - exact) <= 2 * errors)                     # 95 %, 190 of 200: 160 are 10 errors off
    assert 0.8 <= share <= 1


def test_monte_carlo_takes_the_function_or_its_name_and_repeats_with_its_seed():
    runs = [theory.monte_carlo(q, P, Q, n=50, rng=np.random.default_rng(3)) for q in (theory.kl, "kl")]
    assert runs[0] == runs[1]
    assert theory.monte_carlo(theory.entropy, P, n=50, rng=np.random.default_rng(3)).error > 0


def test_monte_carlo_works_in_ten_dimensions_and_at_the_limits(rng):
    p, q = ng.data.gaussian(np.zeros(10)), ng.data.gaussian(np.full(10, 0.3))
    found = theory.monte_carlo("kl", p, q, n=20_000, rng=rng)
    assert abs(found.value - 0.45) <= 6 * found.error
    apart = ng.data.uniform(0, 1), ng.data.uniform(2, 3)
    assert theory.monte_carlo("jsd", *apart, n=10, rng=rng) == (pytest.approx(math.log(2)), pytest.approx(0, abs=1e-15))
    assert theory.monte_carlo("kl", *apart, n=10, rng=rng) == (math.inf, math.inf)


def test_monte_carlo_bad_input(rng):
    with pytest.raises(ValueError, match="wasserstein1 is not an expectation"):
        theory.monte_carlo(theory.wasserstein1, P, Q, n=10, rng=rng)
    with pytest.raises(ValueError, match="n >= 2 draws, got 1"):
        theory.monte_carlo("kl", P, Q, n=1, rng=rng)
    with pytest.raises(ValueError, match="cannot be sampled"):
        theory.monte_carlo("kl", stats.norm.pdf, Q, n=10, rng=rng)
    with pytest.raises(ValueError, match="is NaN"):
        theory.mean_and_error([1, math.nan])
    with pytest.raises(ValueError, match="both inf and -inf"):
        theory.mean_and_error([math.inf, -math.inf])
    with pytest.raises(TypeError, match=r"numpy\.random\.Generator"):
        theory.monte_carlo("kl", P, Q, n=10, rng=None)


# -------------------------------------------------------------------------------------- expectation, pushforward

def test_expectations_by_hand():
    """E x² of N(1, 2²) is 5; E x y of a covariance is its entry."""
    assert theory.expectation(lambda x: x**2, ng.data.gaussian(1, 2)) == pytest.approx(5, abs=1e-10)
    plane = ng.data.gaussian([0, 0], cov=[[2, 0.7], [0.7, 1]])
    assert theory.expectation(lambda x: x[:, 0] * x[:, 1], plane) == pytest.approx(0.7, abs=1e-10)
    with pytest.raises(ValueError, match="must give one number each"):
        theory.expectation(lambda x: 1.0, plane)
    with pytest.raises(ValueError, match="p integrates to 2"):
        theory.expectation(lambda x: x, lambda x: 2 * stats.norm.pdf(x), support=(-9, 9))


@pytest.mark.parametrize("f", [np.cos, lambda x: x**2, lambda x: 1 / (1 + x**2)])
def test_change_of_variables_in_one_dimension(f):
    """Eqs. (6.1), (6.2): x = e^z makes the log-normal; x = z³ is invertible though its slope vanishes at 0."""
    z = ng.data.gaussian(0, 0.5)
    p_g = theory.pushforward(z, np.log, lambda x: 1 / x, (math.exp(-6), math.exp(6)))
    assert p_g(np.array([0.5, 2.0])) == pytest.approx(stats.lognorm(0.5).pdf([0.5, 2.0]), rel=1e-12)
    left, right = theory.change_of_variables(f, np.exp, z, p_g)
    assert left == pytest.approx(right, abs=1e-10)

    u = ng.data.uniform(1, 2)
    p_g = theory.pushforward(u, np.cbrt, lambda x: np.abs(x)**(-2 / 3) / 3, (1, 8))
    left, right = theory.change_of_variables(f, lambda z: z**3, u, p_g)
    assert left == pytest.approx(right, abs=1e-10)


def test_pushforward_by_hand():
    """Eq. (6.2): x = 3z + 1 of U(0, 1): height ⅓ on [1, 4]; z ~ N(0, 1) goes to N(1, 9)."""
    p_g = theory.pushforward(ng.data.uniform(0, 1), lambda x: (x - 1) / 3, lambda x: np.full(len(x), 1 / 3), (1, 4))
    assert p_g([0.5, 2.0, 5.0]) == pytest.approx([0, 1 / 3, 0], abs=EPS)
    assert theory.entropy(p_g) == pytest.approx(math.log(3), abs=1e-11)


def test_change_of_variables_for_a_linear_generator_in_the_plane(rng):
    """x = A z + b: p_g = N(b, A Aᵀ), |det A⁻¹| in front; the KL to that Gaussian is 0, and it can be sampled."""
    A, b = np.array([[1.0, 0.5], [-0.3, 0.8]]), np.array([1.0, -1.0])
    z, inverse = ng.data.gaussian([0, 0]), np.linalg.inv(A)
    p_g = theory.pushforward(z, lambda x: (x - b) @ inverse.T, lambda x: np.full(len(x), abs(np.linalg.det(inverse))),
                             ((-13, 15), (-11, 9)), G=lambda z: z @ A.T + b)
    assert theory.kl(p_g, ng.data.gaussian(b, cov=A @ A.T)) == pytest.approx(0, abs=1e-10)
    left, right = theory.change_of_variables(lambda x: np.cos(x[:, 0] + 2 * x[:, 1]), lambda z: z @ A.T + b, z, p_g)
    assert left == pytest.approx(right, abs=1e-10)
    found = theory.monte_carlo("kl", p_g, ng.data.gaussian([0, 0], 2.0), n=4000, rng=rng)
    assert abs(found.value - theory.gaussian_kl(b, A @ A.T, [0, 0], 4 * np.eye(2))) <= 6 * found.error


def test_a_wrong_pushforward_is_noticed():
    """Without the determinant it does not integrate to 1."""
    z = ng.data.gaussian(0, 0.5)
    wrong = theory.pushforward(z, np.log, lambda x: np.ones(len(x)), (math.exp(-6), math.exp(6)))
    with pytest.raises(ValueError, match="p_g integrates to 1.13"):
        theory.change_of_variables(np.cos, np.exp, z, wrong)


# ------------------------------------------------------------------------------------------------ instance noise

def test_smoothed_by_hand(rng):
    """Eq. (7.11): variances of Gaussians add; a uniform becomes a difference of two Φ."""
    x = np.linspace(-3, 4, 50)
    p = theory.smoothed(ng.data.gaussian(0.5, 0.6), 0.8)
    assert p(x) == pytest.approx(stats.norm(0.5, 1.0).pdf(x), abs=1e-12)
    u = theory.smoothed(ng.data.uniform(0, 1), 0.3)
    assert u(x) == pytest.approx(stats.norm.cdf(x / 0.3) - stats.norm.cdf((x - 1) / 0.3), abs=1e-12)
    narrow = theory.smoothed(ng.data.uniform(0, 1), 0.01)              # far narrower than the boxes of a flat density
    assert narrow(x) == pytest.approx(stats.norm.cdf(x / 0.01) - stats.norm.cdf((x - 1) / 0.01), abs=1e-12)
    assert theory.expectation(lambda x: x**2, u) == pytest.approx(1 / 3 + 0.09, abs=1e-10)
    draws = u.sample(4000, rng)
    assert abs((draws**2).mean() - 1 / 3 - 0.09) < 0.05


def test_noise_gives_disjoint_supports_a_distance():
    """JSD is log 2 at every distance; smoothed, it grows with the distance and stays below log 2."""
    def jsd(shift, std):
        p, q = ng.data.uniform(0, 1), ng.data.uniform(shift, shift + 1)
        return theory.jsd(theory.smoothed(p, std), theory.smoothed(q, std)) if std else theory.jsd(p, q)
    assert jsd(2, 0) == pytest.approx(jsd(3, 0), abs=1e-12)
    assert jsd(2, 0.7) + 0.05 < jsd(3, 0.7) < math.log(2) - 0.01


def test_smoothed_lives_twelve_deviations_beyond_what_it_smooths():
    assert theory.smoothed(ng.data.uniform(0, 1), 0.5).box.tolist() == [[-6, 7]]


def test_smoothed_bad_input():
    with pytest.raises(ValueError, match="std must be a finite number greater than 0, got 0"):
        theory.smoothed(ng.data.uniform(0, 1), 0)
    with pytest.raises(ValueError, match="one dimension"):
        theory.smoothed(ng.data.gaussian([0, 0]), 1.0)
