"""Integrals and densities: the rule, the adaptive refinement against scipy and closed forms, and what is refused."""
import numpy as np
import pytest
from scipy import integrate as scipy_integrate
from scipy import stats

import numpygan as ng
from numpygan import theory
from numpygan.theory import quadrature
from numpygan.theory.density import as_density
from numpygan.theory.quadrature import integrate

EPS = np.finfo(float).eps
LINE = np.array([[-1.0, 2.0]])


def normal(x):
    return np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)


def one(f):
    """f as the integrand of one integral."""
    return lambda x: np.asarray(f(x))[:, None]


# ------------------------------------------------------------------------------------------------- the rule

def test_the_rule_is_exact_for_polynomials():
    """Eq. (6.19): 15 Kronrod nodes integrate degree 22, the 7 of Gauss degree 13."""
    for degree in range(0, 24, 2):
        exact = 2 / (degree + 1)
        kronrod, gauss = (w @ quadrature.NODES**degree for w in (quadrature.KRONROD, quadrature.GAUSS))
        assert abs(kronrod - exact) <= 8 * EPS
        if degree <= 13:
            assert abs(gauss - exact) <= 8 * EPS
    assert abs(quadrature.GAUSS @ quadrature.NODES**14 - 2 / 15) > 1e-6


def test_a_value_by_hand_in_one_and_two_dimensions():
    """Eq. (6.19): ∫ x² over [−1, 2] = 3; ∫ x² y over [−1, 2] × [0, 2] = 3 · 2."""
    assert integrate(one(lambda x: x[:, 0]**2), LINE).value[0] == pytest.approx(3, abs=8 * EPS)
    square = np.array([[-1.0, 2.0], [0.0, 2.0]])
    assert integrate(one(lambda x: x[:, 0]**2 * x[:, 1]), square).value[0] == pytest.approx(6, abs=32 * EPS)


@pytest.mark.parametrize(("f", "box", "points"), [
    (lambda x: np.sqrt(np.abs(x)), (-1, 2), [0]), (lambda x: np.log(np.abs(x - 0.3)), (0, 1), [0.3]),
    (lambda x: np.exp(-1000 * (x - 0.123)**2), (-3, 3), [0.123]), (lambda x: np.cos(40 * x) * np.exp(x), (0, 3), None),
    (lambda x: np.floor(7 * x), (0, 1), np.arange(1, 7) / 7)], ids=["root", "log", "peak", "waves", "stairs"])
def test_integrals_in_one_dimension_agree_with_scipy(f, box, points):
    """scipy is told where the trouble is, ours is not."""
    expected, error = scipy_integrate.quad(f, *box, points=points, limit=500, epsabs=1e-12, epsrel=1e-12)
    found = integrate(one(lambda x: f(x[:, 0])), np.array([box], float))
    assert abs(found.value[0] - expected) <= 1e-11 + error
    assert found.error <= 1e-9


def test_an_integral_in_two_dimensions_agrees_with_scipy():
    def f(x, y):
        return np.exp(-x * x - x * y - y * y) / (1 + x * x)
    expected, _ = scipy_integrate.dblquad(lambda y, x: f(x, y), -3, 2, -1, 4, epsabs=1e-12, epsrel=1e-12)
    box = np.array([[-3.0, 2.0], [-1.0, 4.0]])
    assert integrate(one(lambda x: f(x[:, 0], x[:, 1])), box).value[0] == pytest.approx(expected, abs=1e-11)


def test_the_boxes_of_a_finished_integral_tile_its_domain():
    box = np.array([[0.0, 3.0], [-1.0, 1.0]])
    done = integrate(one(lambda x: np.exp(-50 * (x**2).sum(1))), box, [np.array([0.1]), np.array([0.0])])
    assert (done.hi - done.lo).prod(1).sum() == pytest.approx(6, abs=1e-12)
    assert len(done.lo) > 64


@pytest.mark.parametrize(("gauss", "y", "exact"), [(2.001, (1, 3), 0.2**1.5), (2.5, (1, 3), 1), (2.5, (2, 2), 0.5)])
def test_the_error_estimate_by_hand(gauss, y, exact):
    """Weights 1, 1 on a volume of ½: Kronrod 2, mean 2, spread ½ (1 + 1) = 1; min(1, 200 gap)^1.5; flat: the gap."""
    found = quadrature._errors(np.array([[[2.0], [gauss]]]), np.array(y, float).reshape(1, 2, 1), np.ones(2),
                               np.array([0.5]))
    assert found.ravel() == pytest.approx([exact], rel=1e-9)


def test_a_tolerance_is_absolute_for_integrals_below_one_and_relative_above():
    """∫ c √x over (0, 1) = ⅔ c, of which the first boxes know no more than `coarse.error`."""
    for c, scale in ((0.3, 1), (30, 20)):
        f = one(lambda x, c=c: c * np.sqrt(x[:, 0]))
        coarse = integrate(f, np.array([[0.0, 1.0]]), tol=1)
        for tol, more in ((1.5, False), (1 / 1.5, True)):
            found = integrate(f, np.array([[0.0, 1.0]]), tol=tol * coarse.error / scale)
            assert (len(found.lo) > len(coarse.lo)) == more
            assert found.error <= tol * coarse.error * 1.01


def test_rounding_alone_excuses_what_was_asked_for():
    """Up to a thousand times the bound, and below 1e-9."""
    lo = hi = np.zeros((1, 1))
    for error, bound, fine in ((1e-10, 1e-13, True), (1.0005e-10, 1e-13, False), (0.9e-9, 1e-9, True),
                               (1e-9, 1e-9, False)):
        integral = quadrature.Integral(np.ones(1), error, lo, hi)
        if fine:
            assert quadrature._given_up(integral, bound) is integral
        else:
            with pytest.raises(ValueError, match="the integral is known to"):
                quadrature._given_up(integral, bound)


def test_an_error_estimate_is_not_smaller_than_the_error():
    """Jumps, kinks and poles that no box edge hits."""
    for f, exact in ((lambda x: (x > 1 / 3) * 1.0, 5 / 3), (lambda x: np.abs(x - 1 / 3), (16 / 9 + 25 / 9) / 2),
                     (lambda x: 1 / (1e-4 + x * x), 100 * (np.arctan(200) + np.arctan(100)))):
        for tol in (1e-4, 1e-8, 1e-12):
            done = integrate(one(lambda x, f=f: f(x[:, 0])), LINE, tol=tol)
            assert abs(done.value[0] - exact) <= max(done.error, 16 * EPS * exact)
            assert done.error <= tol * max(1, exact)


def test_an_integral_that_cannot_be_had_is_an_error():
    with pytest.raises(ValueError, match=r"known to .* only.*larger tol="):
        integrate(one(lambda x: 1 / np.abs(x[:, 0] - 1 / 3)), LINE)
    with pytest.raises(ValueError, match="NaN or infinite"):
        integrate(one(lambda x: np.full(len(x), np.nan)), LINE)


@pytest.mark.parametrize("seed", range(40))
def test_a_jump_that_no_break_names_is_found_wherever_it_lies(seed):
    """Beside the end of a box no rule has a node. Of 1,500 such integrals 100 were refused, 100 off by up to 3e-7."""
    rng = np.random.default_rng(seed)
    width, start = 10**rng.uniform(-2, -0.7), rng.uniform(0.02, 0.75)
    height = 1 / (1 - width)

    def holed(x):
        return np.where((x > start) & (x < start + width), 0.0, height)

    exact = 0.5 * ((1 - width) * np.log(2 / (1 + height)) + width * np.log(2) + np.log(2 * height / (1 + height)))
    assert theory.jsd(lambda x: np.ones(len(x)), holed, support=(0, 1)) == pytest.approx(exact, abs=1e-11)


def test_slow_integrals_are_given_up(monkeypatch):
    monkeypatch.setattr(quadrature, "MAX_POINTS", 20_000)
    disc = one(lambda x: ((x**2).sum(1) < 1) / np.pi)
    with pytest.raises(ValueError, match="known to"):
        integrate(disc, np.array([[-2.0, 2.0], [-2.0, 2.0]]), tol=1e-10)


# --------------------------------------------------------------------------------------- what is a density

@pytest.mark.parametrize("p", [
    normal, lambda x: normal(x[:, 0]), lambda x: normal(x).reshape(-1, 1), ng.data.gaussian(0, 1), stats.norm(0, 1),
    theory.Density(normal, (-12, 12)), ng.data.mixture([0.0], 1.0), ng.data.gaussian(0, 1).density],
    ids=["(n,)", "(n, 1)", "gives (n, 1)", "data", "scipy", "Density", "mixture", "bound method"])
def test_every_kind_of_density_has_the_same_entropy(p):
    """½ log 2πe"""
    assert theory.entropy(p, support=(-12, 12)) == pytest.approx(1.4189385332046727, abs=1e-12)


@pytest.mark.parametrize("p", [ng.data.gaussian(3, 0.01), stats.norm(3, 0.01), stats.expon(3, 100),
                               ng.data.mixture([-50, 0, 70], [0.01, 5, 0.1]), ng.data.uniform(-3, 1000)])
def test_the_support_of_a_distribution_is_found(p):
    assert theory.expectation(lambda x: np.ones(len(x)), p) == pytest.approx(1, abs=1e-11)


def test_narrow_peaks_in_two_dimensions_are_found():
    """Entropy of the ring, whose modes do not meet: ½ log(2πe · σ²) per axis, plus log 8."""
    exact = np.log(2 * np.pi * np.e * 0.02**2) + np.log(8)
    assert theory.entropy(ng.data.ring(8, 2.0, 0.02)) == pytest.approx(exact, abs=1e-10)


def test_supports_are_joined_and_edges_become_breaks():
    """Two uniforms with an overlap of half their length; the ends are no binary fractions."""
    p, q = ng.data.uniform(0.1, 1.1), ng.data.uniform(0.6, 1.6)
    assert theory.total_variation(p, q) == pytest.approx(0.5, abs=1e-12)
    box = ng.data.uniform([0.1, 0.2], [1.1, 0.9])
    assert theory.entropy(box) == pytest.approx(np.log(0.7), abs=1e-11)


def test_breaks_show_a_peak_that_would_be_missed():
    def needle(x):
        return 1e6 * normal((x - 0.1234567) * 1e6)
    with pytest.raises(ValueError, match=r"p integrates to 0 .*integrates to 1.*breaks="):
        theory.entropy(needle, support=(-5, 5))
    p = theory.Density(needle, (-5, 5), breaks=[0.12345, 0.1234567, 0.12347])
    assert theory.entropy(p) == pytest.approx(1.4189385332046727 - np.log(1e6), abs=1e-9)


# --------------------------------------------------------------------------------------------- bad input

@pytest.mark.parametrize(("p", "support", "message"), [
    (lambda x: normal(x) - 0.1, (-9, 9), r"p is -0\.1 at x = .*nowhere negative"),
    (lambda x: 2 * normal(x), (-9, 9), r"p integrates to 2 over the support \(-9, 9\)"),
    (normal, (-2, 2), r"p integrates to 0\.95449\d+ .*widen support="),
    (lambda x: np.full(len(x), np.nan), (-9, 9), r"p is nan at x = "),
    (lambda x: np.full(len(x), np.inf), (-9, 9), r"p is inf at x = "),
    (lambda x: np.zeros(5), (-9, 9), r"shape \(5,\) for \d+ points"),
    (lambda x: 0.5, (-1, 1), r"shape \(\) for \d+ points"),
    (lambda x: normal(x).astype(complex), (-9, 9), "complex128"),
    (ng.data.moons(), None, r"where does p live"),
    (normal, None, r"where does p live\? Pass support="),
    (normal, (2, 1), "finite lo < hi"), (normal, (0, np.inf), "finite lo < hi"), (normal, "(0, 1)", "support must be"),
    (normal, (0, 1, 2), "support must be"),
    (ng.data.gaussian(0, 1), ((-1, 1), (-1, 1)), "differ in dimension"),
    (ng.data.gaussian([0, 0, 0]), None, "integrals go up to two dimensions, and these have 3")])
def test_what_is_not_a_density_is_refused_in_one_sentence(p, support, message):
    with pytest.raises(ValueError, match=message):
        theory.entropy(p, support)


def test_both_densities_are_checked_and_the_wrong_one_is_named():
    def double(x):
        return 2 * normal(x)
    for p, q, name in ((double, normal, "p"), (normal, double, "q"), (normal, lambda x: normal(x) - 0.1, "q")):
        with pytest.raises(ValueError, match=f"^{name} i"):
            theory.kl(p, q, support=(-9, 9))
        with pytest.raises(ValueError, match=f"^{name} i"):
            theory.wasserstein1(p, q, support=(-9, 9))


def test_dimensions_kinds_and_breaks_must_fit():
    line, plane = ng.data.gaussian(0, 1), ng.data.gaussian([0, 0])
    with pytest.raises(ValueError, match="differ in dimension"):
        theory.kl(line, plane)
    with pytest.raises(TypeError, match="q must be a density, got float"):
        theory.kl(line, 0.5)
    with pytest.raises(TypeError, match="of one kind"):
        theory.kl(line, [0.5, 0.5])
    with pytest.raises(ValueError, match="one list of numbers per axis, got 1 for 2"):
        theory.Density(normal, ((0, 1), (0, 1)), breaks=[[0.5]])
    with pytest.raises(ValueError, match="log p is nan"):
        theory.entropy(theory.Density(normal, (-9, 9), log_density=lambda x: np.full(len(x), np.nan)))


def test_only_what_can_be_sampled_is_sampled(rng):
    with pytest.raises(ValueError, match="plain function and cannot be sampled"):
        as_density(normal).sample(3, rng)
    with pytest.raises(TypeError, match="must be a numpy.random.Generator, got int"):
        as_density(ng.data.gaussian(0, 1)).sample(3, 0)
    assert as_density(stats.norm(0, 1)).sample(3, rng).shape == (3, 1)


# ------------------------------------------------------------------------------------- how a density is called

def test_a_density_that_takes_nothing_but_vectors():
    """SciPy's kernel estimate reads (n, 1) as n dimensions of one point."""
    kde = stats.gaussian_kde([-1.0, 0.5, 2.0])
    assert np.array_equal(theory.Density(kde.evaluate, (-9, 9))([0.0, 1.0]), kde([0.0, 1.0]))


def test_a_density_in_two_dimensions_is_given_its_rows():
    p = theory.Density(lambda x: 4 * x[:, 0] * x[:, 1], ((0, 1), (0, 1)))
    assert p([[0.5, 0.25], [1, 0.5]]).tolist() == [0.5, 2]


def test_modes_without_a_deviation_say_nothing_about_where_a_density_lives():
    class Flat:
        range, modes = (0.0, 1.0), np.array([[0.5]])

        def density(self, x):
            return np.ones(len(x))

    assert as_density(Flat()).box.tolist() == [[0, 1]]


def test_breaks_that_agree_to_13_digits_are_one():
    """100 is cut into 16, and at 50 anyway; 50 + 4e-12 is no further place to cut, 50 + 6e-12 is one."""
    for second, boxes in ((50 + 4e-12, 16), (50 + 6e-12, 17)):
        lo, hi = quadrature._cells(np.array([[0.0, 100.0]]), [np.array([50.0, second])])
        assert (len(lo), lo[0, 0], hi[-1, 0]) == (boxes, 0, 100)
