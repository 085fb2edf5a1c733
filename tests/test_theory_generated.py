"""The density of G(z) for a generator of one number: by hand, in mass and means, and beside its samples."""
import math

import numpy as np
import pytest
from scipy import stats

import numpygan as ng
from numpygan import theory
from numpygan.figures import figure1

EPS = np.finfo(float).eps


class Bent(ng.Layer):
    """y = f(x), its derivative given beside it."""

    def __init__(self, f, df):
        self.f, self.df = f, df

    def forward(self, p, x, c):
        return self.f(x), x

    def backward(self, p, x, dy, c):
        return dy * self.df(x), {}


def bent(f, df, dtype=np.float64):
    return ng.Network([Bent(f, df)], 1, rng=np.random.default_rng(0), dtype=dtype, engine="numpy")


def area(q, x):
    return float(np.sum((q[1:] + q[:-1]) / 2 * np.diff(x)))


@pytest.mark.parametrize("slope", [0.5, -2.0])
def test_a_straight_generator_makes_a_gaussian(slope):
    """Eq. (6.2): G(z) = 1 + slope · z is N(1, slope²)."""
    G = ng.MLP([1, 1], rng=np.random.default_rng(0), dtype=np.float64, engine="numpy")
    G.theta = [slope, 1.0]
    x = np.linspace(-6, 8, 701)
    assert theory.generated_density(G, x) == pytest.approx(stats.norm.pdf(x, 1, abs(slope)), abs=2e-6)


def test_two_branches_add_up():
    """Eq. (6.2): G(z) = z² has z = ±√x, p_g = 2 φ(√x)/(2√x): the density of χ² with one degree of freedom."""
    G = bent(lambda z: z * z, lambda z: 2 * z)
    x = np.concatenate([np.linspace(-3, -0.01, 50), np.linspace(0.02, 20, 2000)])
    exact = stats.chi2.pdf(x, 1)
    assert theory.generated_density(G, x) == pytest.approx(exact, rel=1e-4, abs=1e-12)
    assert not theory.generated_density(G, x[:50]).any()                          # nothing is made below 0


def test_a_generator_that_stands_still_for_a_moment_has_a_peak_there_and_no_hole():
    """G(z) = z³ is one branch, with the slope 0 at z = 0, which the grid meets: p_g = φ(∛x)/(3 x^⅔) → ∞."""
    G = bent(lambda z: z**3, lambda z: 3 * z * z)
    x = np.array([-1.0, 0.001, 1.0])
    assert theory.generated_density(G, x) == pytest.approx(stats.norm.pdf(np.cbrt(x)) / (3 * np.cbrt(x)**2), rel=1e-3)
    assert theory.generated_density(G, np.zeros(1))[0] > 1000


def test_uniform_noise_makes_a_box():
    """U(−√3, √3) by G(z) = z/√3 is U(−1, 1): ½ inside, 0 outside."""
    G = bent(lambda z: z / math.sqrt(3), lambda z: np.full_like(z, 1 / math.sqrt(3)))
    inside, outside = np.linspace(-0.999, 0.999, 9), np.array([-1.001, 1.001, 5.0])
    assert theory.generated_density(G, inside, "uniform") == pytest.approx(np.full(9, 0.5), abs=8 * EPS)
    assert not theory.generated_density(G, outside, "uniform").any()


@pytest.mark.parametrize("m", [3, 5])
def test_a_fold_between_straight_pieces_needs_no_fine_grid(m):
    """G(z) = |z| on U(−√3, √3) is U(0, √3): 1/√3, from branches of two points or of three."""
    G = bent(np.abs, lambda z: np.where(z < 0, -1.0, 1.0))
    x = np.array([-0.01, 0.01, 0.8, 0.9, 1.7, 1.8])
    assert theory.generated_density(G, x, "uniform", m) == pytest.approx([0, *[1 / math.sqrt(3)] * 4, 0], rel=4 * EPS)


@pytest.mark.parametrize("flat", [0.1, 1e-3, 1e-5])
def test_a_kink_adds_no_mass(flat):
    """G(z) = z above 0.3003 and flat · z below it, on U(−√3, √3): the one step that holds the kink has its own mass."""
    k = 0.3003
    G = bent(lambda z: np.where(z > k, z - k, flat * (z - k)), lambda z: np.where(z > k, 1.0, flat))
    p_z, step = 1 / (2 * math.sqrt(3)), 2 * math.sqrt(3) / 4000
    x = np.linspace(-2 * step, 2 * step, 400_001)                  # all of it is around the kink
    wide = flat * (math.sqrt(3) + k) > 2 * step                    # is the flat part cut off below?
    exact = p_z * 2 * step + p_z * (2 * step / flat if wide else math.sqrt(3) + k)
    assert area(theory.generated_density(G, x, "uniform"), x) == pytest.approx(exact, abs=2 * p_z * step)


def test_the_mass_of_a_generator_with_folds_is_one_and_its_means_are_those_of_its_noise():
    """Eq. (6.1) on G(z) = sin 2z + z/2, which turns back eight times: 1 and E cos G(z), by sums over a grid of x.

    Near a fold p_g = c/√|x − a|, c ≈ .2 at the inner ones, on which a sum is off by up to 1.5 c √dx = .004.
    """
    G = bent(lambda z: np.sin(2 * z) + z / 2, lambda z: 2 * np.cos(2 * z) + 0.5)
    x = np.linspace(-4.2, 4.2, 40_001)
    q = theory.generated_density(G, x, m=40_001)
    assert area(q, x) == pytest.approx(1, abs=0.016)
    exact = theory.expectation(lambda z: np.cos(np.sin(2 * z) + z / 2), ng.data.gaussian(0, 1, dtype=np.float64))
    assert area(q * np.cos(x), x) == pytest.approx(exact, abs=0.016)


def test_a_generator_of_the_package_makes_what_its_samples_show():
    """A histogram of 200,000 samples of an untrained MLP: every bin within six standard errors.

    The first that does not turn back, as one in three: at a fold the density is infinite (see above).
    """
    rng, z = np.random.default_rng(3), np.linspace(-6, 6, 2001)[:, None]
    for _ in range(100):
        G = ng.MLP([1, 8, 1], hidden=figure1.Swish(), rng=rng, dtype=np.float64, engine="numpy")
        if len(set(np.sign(np.diff(G(z)[:, 0])))) == 1:
            break
    samples = G(np.random.default_rng(0).standard_normal((200_000, 1)))[:, 0]
    x = np.linspace(samples.min(), samples.max(), 4001)
    q = theory.generated_density(G, x)
    counts, edges = np.histogram(samples, x[::100])
    share = np.array([area(q[100 * i:100 * i + 101], x[100 * i:100 * i + 101]) for i in range(len(counts))])
    assert share.sum() == pytest.approx(1, abs=1e-2)
    tall = share > 1e-3
    assert tall.sum() > 10
    assert (np.abs(counts - 200_000 * share) < 6 * np.sqrt(200_000 * share) + 200)[tall].all()


def test_a_generator_that_rests_makes_an_atom_which_is_left_out():
    """G(z) = max(z, 0): half the mass at 0; φ above, nothing below. Where G never moves nothing is left."""
    G = bent(lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0)
    x = np.array([-1.0, 0.5, 2.0])
    assert theory.generated_density(G, x) == pytest.approx([0, *stats.norm.pdf([0.5, 2])], rel=1e-5)
    assert not theory.generated_density(bent(np.zeros_like, np.zeros_like), x).any()
    assert not theory.generated_density(bent(np.sign, np.zeros_like), x).any()                   # nor where it jumps


@pytest.mark.parametrize(("G", "noise", "message"), [
    (lambda: ng.MLP([2, 1], rng=np.random.default_rng(0), engine="numpy"), "normal", "of one column from one.*2 and 1"),
    (lambda: bent(lambda z: z, np.ones_like), "normals", "unknown noise 'normals': choose one of normal, uniform"),
    (lambda: bent(lambda z: z + np.nan, np.ones_like), "normal", "NaN or infinite for some z")])
def test_what_has_no_density_is_refused(G, noise, message):
    with pytest.raises(ValueError, match=message):
        theory.generated_density(G(), np.zeros(3), noise)
