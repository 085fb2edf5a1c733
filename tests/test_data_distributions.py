"""The distributions: where their modes are, that densities integrate to 1 and agree with the samples."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from numpygan import data

EPS = np.finfo(np.float64).eps
RNG = np.random.default_rng
CHANCE = 1e-8                    # of a right sampler to be called wrong; what a wrong one reaches is less by far


# --- modes and densities by hand ------------------------------------------------------------------------

def test_ring_has_its_modes_at_the_right_angles():
    r = math.sqrt(0.5)
    expected = [(1, 0), (r, r), (0, 1), (-r, r), (-1, 0), (-r, -r), (0, -1), (r, -r)]
    np.testing.assert_allclose(data.ring(8, radius=1.0).modes, expected, atol=2 * EPS)
    np.testing.assert_allclose(data.ring(4, radius=2.0).modes, [(2, 0), (0, 2), (-2, 0), (0, -2)], atol=4 * EPS)
    h = math.sqrt(3) / 2
    np.testing.assert_allclose(data.ring(3, radius=1.0).modes, [(1, 0), (-0.5, h), (-0.5, -h)], atol=2 * EPS)


@pytest.mark.parametrize("m", [1, 2, 5, 8, 12])
def test_ring_has_m_distinct_modes(m):
    modes = data.ring(m).modes
    assert modes.shape == (m, 2)
    apart = np.linalg.norm(modes[:, None] - modes[None], axis=2)[~np.eye(m, dtype=bool)]
    assert (apart > 4 * math.sin(math.pi / m) - 1e-12).all()        # radius 2: neighbours are 4 sin(π/m) apart
    assert data.ring(m).std == 0.02


def test_grid_has_its_modes_on_the_lattice():
    modes = data.grid().modes
    assert modes.tolist() == [[x, y] for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)]
    assert data.grid().std == 0.05
    assert data.grid(2, spacing=1.0).modes.tolist() == [[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]]


def test_densities_by_hand():
    top = 1 / math.sqrt(2 * math.pi)
    assert data.gaussian().density(0.0) == pytest.approx(top, rel=8 * EPS)
    assert data.gaussian(1, 2).density(3.0) == pytest.approx(top / 2 * math.exp(-0.5), rel=8 * EPS)
    assert data.gaussian().log_density(40.0) == pytest.approx(-800 - 0.5 * math.log(2 * math.pi), rel=8 * EPS)
    two = data.mixture([-1, 1], 1.0, [0.25, 0.75])
    assert two.density(1.0) == pytest.approx(top * (0.75 + 0.25 * math.exp(-2)), rel=8 * EPS)
    ring = data.ring()                                            # the other modes are 38 and more σ away
    assert ring.density([[2.0, 0.0]])[0] == pytest.approx(1 / (8 * 2 * math.pi * 0.02**2), rel=16 * EPS)
    box = data.uniform([0, 1], [2, 4])
    p = box.density([[1, 2], [0, 1], [2, 4], [-0.1, 2], [1, 4.1]])
    assert p == pytest.approx([1 / 6] * 3 + [0, 0], rel=8 * EPS)


def test_densities_agree_with_scipy():
    x = RNG(0).normal(size=(50, 2)) * 3
    mean, cov = [1.0, -2.0], [[2.0, 0.6], [0.6, 1.0]]
    ours = data.gaussian(mean, cov=cov)
    reference = stats.multivariate_normal(mean, cov)
    np.testing.assert_allclose(ours.log_density(x), reference.logpdf(x), rtol=1e3 * EPS)
    np.testing.assert_allclose(ours.cov, cov, rtol=4 * EPS)
    centres, stds, w = np.array([[0, 0], [1, 2], [-3, 1]]), np.array([[1, 2], [0.5, 0.5], [1, 0.2]]), [0.2, 0.3, 0.5]
    p = sum(w[k] * stats.multivariate_normal(centres[k], np.diag(stds[k]**2)).pdf(x) for k in range(3))
    np.testing.assert_allclose(data.mixture(centres, stds, w).density(x), p, rtol=1e3 * EPS)


def test_far_away_the_density_is_zero_and_nan_stays_nan():
    for d in (data.gaussian(d=2), data.ring(), data.moons(), data.swiss_roll(), data.uniform(0, 1, d=2)):
        assert d.density([[1e200, 0.0]])[0] == 0
        assert d.log_density([[1e200, 0.0]])[0] == -np.inf
        assert np.isnan(d.density([[np.nan, 0.0]])[0])


def test_density_keeps_the_shape_of_its_points():
    one, two = data.gaussian(), data.ring()
    assert one.density(0.5).shape == ()
    assert one.density(np.zeros(7)).shape == (7,)
    assert one.density(np.zeros((7, 1))).shape == (7,)
    assert two.density(np.zeros((7, 2))).shape == (7,)
    assert two.density(np.zeros((3, 5, 2))).shape == (3, 5)
    assert two.density(np.zeros((7, 2), np.float32)).dtype == np.float64
    assert data.moons().density(np.zeros((0, 2))).shape == (0,)
    for wrong in (0.5, np.zeros(3), np.zeros((7, 3))):
        with pytest.raises(ValueError, match=r"density of ring takes points \(n, 2\)"):
            two.density(wrong)


# --- densities integrate to 1 ---------------------------------------------------------------------------

ONE_D = {
    "gaussian": (data.gaussian(3, 0.5), stats.norm(3, 0.5).cdf, (-2, 8)),
    "mixture": (data.mixture([-2, 0, 2], [0.3, 0.5, 1], [0.2, 0.3, 0.5]),
                lambda x: np.dot([0.2, 0.3, 0.5], stats.norm.cdf([x] * 3, [[-2], [0], [2]], [[0.3], [0.5], [1]])),
                (-8, 14)),
    "uniform": (data.uniform(-1, 3), stats.uniform(-1, 4).cdf, (-1, 3)),
}

TWO_D = {                                  # name -> data, edges of the square that holds it, cells on a side
    "gaussian": (data.gaussian([1, -1], cov=[[1, 0.5], [0.5, 1]]), (-9, 9), 10),
    "mixture": (data.mixture([[0, 0], [2, 1]], [[0.5, 1.0], [0.3, 0.4]], [0.3, 0.7]), (-9, 9), 30),
    "ring": (data.ring(5, radius=1.0, std=0.2), (-3, 3), 12),
    "grid": (data.grid(3, spacing=1.0, std=0.1), (-2, 2), 10),
    "uniform": (data.uniform([-1, 0], [0, 1]), (-2, 2), 8),
    "moons": (data.moons(0.15), (-2.5, 3.5), 15),
    "swiss_roll": (data.swiss_roll(0.15), (-3.5, 3.5), 20),
}


@pytest.mark.parametrize("name", ONE_D)
def test_densities_on_the_line_integrate_to_one(name):
    d, _, (lo, hi) = ONE_D[name]
    total, _ = integrate.quad(d.density, lo, hi, epsabs=1e-12, limit=200)
    assert total == pytest.approx(1, abs=1e-11)


def cell_masses(name, fine=10):
    """The mass of each cell of the square, by `fine` × `fine` midpoints in it."""
    d, (lo, hi), cells = TWO_D[name]
    h = (hi - lo) / (cells * fine)
    axis = lo + h * (np.arange(cells * fine) + 0.5)
    p = d.density(np.stack(np.meshgrid(axis, axis, indexing="ij"), -1))
    return p.reshape(cells, fine, cells, fine).sum((1, 3)) * h * h


@pytest.mark.parametrize("name", TWO_D)
def test_densities_in_the_plane_integrate_to_one(name):
    # Midpoint sums of a smooth function that vanishes at the border converge faster than any power of h.
    assert cell_masses(name).sum() == pytest.approx(1, abs=1e-10)


# --- the samples follow the density ---------------------------------------------------------------------

@pytest.mark.parametrize("name", ONE_D)
def test_samples_on_the_line_follow_the_density(name):
    d, cdf, _ = ONE_D[name]
    x = d.sample(20_000, RNG(0)).ravel()
    assert stats.kstest(x.astype(float), cdf).pvalue > CHANCE


@pytest.mark.parametrize("name", TWO_D)
def test_samples_in_the_plane_follow_the_density(name):
    d, (lo, hi), cells = TWO_D[name]
    n, mass = 20_000, cell_masses(name).ravel()
    x = d.sample(n, RNG(1))
    count = np.histogram2d(x[:, 0], x[:, 1], cells, [[lo, hi], [lo, hi]])[0].ravel()
    many = n * mass >= 5
    observed = [*count[many], n - count[many].sum()]
    expected = [*(n * mass[many]), n - (n * mass[many]).sum()]
    if expected[-1] < 1e-6 * n:
        assert observed.pop() == 0
        expected.pop()
        expected = np.array(expected) / sum(expected) * n
    assert stats.chisquare(observed, expected).pvalue > CHANCE


def test_labels_are_the_modes_and_have_their_weights():
    d = data.mixture([[0, 0], [10, 0], [0, 10]], 0.1, [0.2, 0.3, 0.5])
    x, y = d.sample_labelled(10_000, RNG(0))
    nearest = np.linalg.norm(x[:, None] - d.modes, axis=2).argmin(1)
    np.testing.assert_array_equal(y, nearest)
    assert stats.chisquare(np.bincount(y), [2000, 3000, 5000]).pvalue > CHANCE
    x, y = data.ring().sample_labelled(4000, RNG(0))
    np.testing.assert_array_equal(np.linalg.norm(x[:, None] - data.ring().modes, axis=2).argmin(1), y)
    assert stats.chisquare(np.bincount(y, minlength=8)).pvalue > CHANCE


def test_gaussian_samples_have_mean_and_covariance():
    cov = np.array([[2.0, -0.9], [-0.9, 1.0]])
    x = data.gaussian([1, -2], cov=cov, dtype=np.float64).sample(100_000, RNG(0))
    assert abs(x.mean(0) - [1, -2]).max() < 6 * math.sqrt(2 / 1e5)                 # six standard errors
    assert abs(np.cov(x.T) - cov).max() < 6 * math.sqrt(2 * 2.0**2 / 1e5)


def test_std_is_a_number_where_all_modes_share_it():
    assert data.gaussian(0, 0.5, d=3).std == 0.5
    assert data.mixture([-1, 1], 0.3).std == 0.3
    np.testing.assert_allclose(data.gaussian([0, 0], [1, 2]).std, [1, 2])
    np.testing.assert_allclose(data.gaussian([0, 0], cov=[[4, 1], [1, 9]]).std, [2, 3])
    np.testing.assert_allclose(data.mixture([-1, 1], [0.3, 0.4]).std, [[0.3], [0.4]])
    assert data.gaussian([3, 4]).modes.tolist() == [[3, 4]]


def test_uniform_stays_inside_where_float32_cannot_hold_the_edge():
    # float32 rounds .7 down and .8 up: a draw close to either edge would be rounded to the outside.
    class Edge(np.random.Generator):
        def random(self, size=None):
            return np.array([[0.0], [np.nextafter(1.0, 0.0)]])

    x = data.uniform(0.7, 0.3 + 0.5).sample(2, Edge(np.random.PCG64(0))).astype(float)
    assert x.min() >= 0.7
    assert x.max() <= 0.8


# --- curves ---------------------------------------------------------------------------------------------

def test_moons_without_noise_lie_on_their_half_circles():
    x, y = data.moons(0, dtype=np.float64).sample_labelled(2000, RNG(0))
    upper, lower = x[y == 0], x[y == 1]
    np.testing.assert_allclose(np.linalg.norm(upper, axis=1), 1, rtol=8 * EPS)
    np.testing.assert_allclose(np.linalg.norm(lower - [1, 0.5], axis=1), 1, rtol=8 * EPS)
    assert upper[:, 1].min() >= 0
    assert lower[:, 1].max() <= 0.5
    angle = np.arctan2(upper[:, 1], upper[:, 0])
    assert stats.kstest(angle, stats.uniform(0, math.pi).cdf).pvalue > CHANCE
    assert stats.binomtest(len(upper), 2000).pvalue > CHANCE


def test_swiss_roll_without_noise_lies_on_its_spiral():
    x = data.swiss_roll(0, dtype=np.float64).sample(2000, RNG(0))
    t = 7.5 * np.linalg.norm(x, axis=1)                           # the radius tells the angle
    np.testing.assert_allclose(x, (t / 7.5)[:, None] * np.stack([np.cos(t), np.sin(t)], 1), atol=64 * EPS)
    assert stats.kstest(t, stats.uniform(1.5 * math.pi, 3 * math.pi).cdf).pvalue > CHANCE


def test_curves_without_noise_have_no_density():
    for d in (data.moons(0), data.swiss_roll(0)):
        assert not hasattr(d, "density")
        assert np.isfinite(d.range).all()
    assert hasattr(data.moons(0.1), "density")


def by_quad(curve, t0, t1, x, s):
    """(t1 − t0)⁻¹ ∫ N(x; c(t), s² I) dt, as the definition says."""
    def integrand(t):
        a, b = curve(t)
        return math.exp(-((x[0] - a)**2 + (x[1] - b)**2) / (2 * s * s)) / (2 * math.pi * s * s)
    return integrate.quad(integrand, t0, t1, epsabs=1e-14, epsrel=1e-13, limit=1000)[0] / (t1 - t0)


@pytest.mark.parametrize("s", [0.05, 0.3])
def test_density_of_the_curves_by_another_quadrature(s):
    points = np.array([[1, 0], [0, 1], [0.5, 0.25], [0, 0.5], [1, -0.5], [1.2, 0.3], [-0.3, -1.5]])
    moons = [0.5 * by_quad(lambda t: (math.cos(t), math.sin(t)), 0, math.pi, x, s)
             + 0.5 * by_quad(lambda t: (1 - math.cos(t), 0.5 - math.sin(t)), 0, math.pi, x, s) for x in points]
    np.testing.assert_allclose(data.moons(s).density(points), moons, rtol=1e-10, atol=1e-12)
    roll = [by_quad(lambda t: (t / 7.5 * math.cos(t), t / 7.5 * math.sin(t)), 1.5 * math.pi, 4.5 * math.pi, x, s)
            for x in points]
    np.testing.assert_allclose(data.swiss_roll(s).density(points), roll, rtol=1e-10, atol=1e-12)


# --- arguments that do not fit --------------------------------------------------------------------------

@pytest.mark.parametrize(("make", "says"), [
    (lambda: data.gaussian(np.nan), "mean must be finite"),
    (lambda: data.gaussian(0, -1), "std must be greater than 0, but the smallest is -1"),
    (lambda: data.gaussian(0, 0), "std must be greater than 0"),
    (lambda: data.gaussian([0, 1], [1, 2, 3]), r"mean \(2,\) and std \(3,\) do not fit d = 3"),
    (lambda: data.gaussian([0, 1], d=3), "do not fit d = 3"),
    (lambda: data.gaussian(0, d=0), "d must be a whole number of at least 1"),
    (lambda: data.gaussian([0, 1], cov=np.eye(3)), r"cov \(3, 3\) do not fit d = 3"),
    (lambda: data.gaussian(0, 2, cov=[[1]]), "std and cov were both given"),
    (lambda: data.gaussian([0, 0], cov=[[1, 0.5], [0.5 + 1e-6, 1]]), "cov must be symmetric and positive definite"),
    (lambda: data.gaussian([0, 0], cov=[[1, 2], [2, 1]]), "cov must be symmetric and positive definite"),
    (lambda: data.mixture([]), r"means must be \(k,\) or \(k, d\)"),
    (lambda: data.mixture(np.zeros((2, 2, 2))), r"means must be \(k,\) or \(k, d\)"),
    (lambda: data.mixture([0, 1], [1, 2, 3]), r"stds must be a number, \(2,\) or \(2, 1\)"),
    (lambda: data.mixture([0, 1], 1, [0.5, 0.6]), "weights must be 2 positive numbers of sum 1"),
    (lambda: data.mixture([0, 1], 1, [1.0]), "weights must be 2 positive numbers of sum 1"),
    (lambda: data.mixture([0, 1], 1, [0.0, 1.0]), "weights must be greater than 0"),
    (lambda: data.ring(0), "m must be a whole number of at least 1"),
    (lambda: data.ring(radius=0), "radius must be greater than 0"),
    (lambda: data.ring(std=np.inf), "std must be finite"),
    (lambda: data.grid(-1), "k must be a whole number of at least 1"),
    (lambda: data.uniform(1, 0), r"lo must be less than hi, not \[1.0\] and \[0.0\]"),
    (lambda: data.uniform([0, 0], [1, 1, 1]), "do not fit d = 3"),
    (lambda: data.moons(-0.1), "noise must be 0 or greater, not -0.1"),
    (lambda: data.swiss_roll(np.nan), "noise must be finite"),
])
def test_arguments_that_do_not_fit_are_named(make, says):
    with pytest.raises(ValueError, match=says):
        make()
