"""Bad input to the theory: one clear sentence that names what was wrong, from every public function."""
import re

import numpy as np
import pytest

import numpygan as ng
from numpygan import theory
from numpygan.theory import dirac

NAN, INF = np.nan, np.inf
N1, N2, N3 = ng.data.gaussian(0, 1), ng.data.gaussian([0, 0], 1.0), ng.data.gaussian([0, 0, 0], 1.0)
HALF = [0.5, 0.5]
TWO = [theory.kl, theory.jsd, theory.jsd_distance, theory.cross_entropy, theory.total_variation, theory.value,
       theory.criterion, theory.minimax_generator_value, theory.non_saturating_generator_value]
LINE = [theory.wasserstein1, theory.kantorovich]              # arrays are samples to them


def negative(x):
    return np.where(x < 0, -0.5, 1.5)


def low(x):
    return np.full(len(x), 0.7)


def nan(x):
    return np.full(len(x), NAN)


def one(x):
    return np.ones(len(x))


def rng():
    return np.random.default_rng(0)


def refuses(call, words, kind=(TypeError, ValueError)):
    """One line of at most 300 characters with those words, and no error from the depths of NumPy."""
    with pytest.raises(kind) as found:
        call()
    text = str(found.value)
    assert re.search(words, text), text
    assert "\n" not in text
    assert len(text) < 300
    assert not re.search(r"could not|operand|broadcast|unsupported|not callable|ufunc|'<'|'<='", text), text


@pytest.mark.parametrize("quantity", [*TWO, *LINE], ids=lambda f: f.__name__)
def test_densities_that_are_none(quantity):
    for p, words in ((negative, r"p is -0\.5 at x = .*nowhere negative"), (low, r"p integrates to 0\.7 over .* to 1"),
                     (nan, r"p is nan at x = ")):
        refuses(lambda p=p: quantity(p, one, (-1, 1) if p is negative else (0, 1)), words)
    refuses(lambda: quantity(one, low, (0, 1)), r"q integrates to 0\.7")
    refuses(lambda: quantity(N1, N2), "differ in dimension")
    refuses(lambda: quantity(N3, N3), "up to two dimensions")
    refuses(lambda: quantity(one, one), r"where does p live\? Pass support=")
    refuses(lambda: quantity(N1, N1, (0, NAN)), "support must be")
    refuses(lambda: quantity(3, N1), "p must be a density, got int")
    refuses(lambda: quantity(N1, HALF), "of one kind")


@pytest.mark.parametrize("quantity", TWO, ids=lambda f: f.__name__)
def test_probabilities_that_are_none(quantity):
    for p in ([1.5, -0.5], [0.5, 0.4], [NAN, 0.5], []):
        refuses(lambda p=p: quantity(p, HALF), "p must be probabilities")
    refuses(lambda: quantity(HALF, [0.2, 0.3, 0.5]), r"p has the shape \(2,\) and q \(3,\)")


@pytest.mark.parametrize("quantity", [*TWO, *LINE, theory.entropy], ids=lambda f: f.__name__)
def test_arrays_of_something_else(quantity):
    for bad, words in ((["a", "b"], "p must be real numbers, got <U1"), ([[0.5], [0.2, 0.3]], "different lengths"),
                       (np.array([0.5, 0.5j]), "p must be real numbers, got complex128")):
        refuses(lambda bad=bad: quantity(bad) if quantity is theory.entropy else quantity(bad, HALF), words, TypeError)


def test_a_covariance_is_symmetric_however_small_it_is():
    for size in (1e-10, 1.0, 1e10):
        refuses(lambda size=size: theory.gaussian_entropy(size * np.array([[1, 0.5], [-0.5, 1]])), "symmetric")
        theory.gaussian_entropy(size * np.array([[1, 0.5], [0.5 + 1e-12, 1]]))
    refuses(lambda: theory.gaussian_entropy(np.zeros((0, 0))), "spread must be")


def test_noise_too_little_to_smooth_anything_would_fill_the_memory():
    refuses(lambda: theory.smoothed(N1, 1e-7), r"std 1e-07 is so small beside the support \(-.*\) that p smoothed is p")


D = theory.optimal_discriminator(N1, N1)
NET = [ng.MLP(sizes, rng=np.random.default_rng(0), engine="numpy") for sizes in ([1, 2], [2, 1], [1, 1])]


@pytest.mark.parametrize(("call", "words"), [
    (lambda: theory.optimal_discriminator(N1, HALF), "of one kind"),
    (lambda: theory.optimal_discriminator(N1, N1, real_label="a"), r"real_label must lie in \[0, 1\], got 'a'"),
    (lambda: theory.optimal_discriminator(N1, N1, flip=None), "flip must lie in"),
    (lambda: theory.optimal_discriminator(N1, N2)(np.zeros(3)), r"points \(n, 2\)"),
    (lambda: D([NAN]), "x holds NaN"), (lambda: D("a"), "x must be real numbers"),
    (lambda: theory.value_of(None, N1, N1), "D must be a function of x, a network or an array, got NoneType"),
    (lambda: theory.value_of(NET[0], N1, N1), "must end in one column, the logit; this network has 2"),
    (lambda: theory.value_of(NET[1], N1, N1), r"the network takes numbers of shape \(n, 2\)"),
    (lambda: theory.value_of(["a", "b"], HALF, HALF), "D must be real numbers"),
    (lambda: theory.value_of([0.5, NAN], HALF, HALF), r"D must lie in \[0, 1\]"),
    (lambda: theory.value_of(lambda x: 0.5, N1, N1), r"D gives the shape \(\)"),
    (lambda: theory.pointwise_value("a", 1, 1), "y must be real numbers"),
    (lambda: theory.pointwise_value(0.5, INF, 1), "a must be finite")])
def test_the_game(call, words):
    refuses(call, words)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: theory.gaussian_entropy("a"), "spread must be real numbers"),
    (lambda: theory.gaussian_entropy(NAN), "spread must be a standard deviation greater than 0"),
    (lambda: theory.gaussian_kl([0, 0], np.eye(2), [0, 0, 0], np.eye(2)), r"means have the shapes \(2,\) and \(3,\)"),
    (lambda: theory.gaussian_kl(0, np.eye(2), [0, 0], np.eye(2)), r"means have the shapes \(1,\) and \(2,\)"),
    (lambda: theory.gaussian_kl(NAN, 1, 0, 1), "mean must be finite"),
    (lambda: theory.gaussian_wasserstein1("a", 1, 0, 1), "means and standard deviations must be real numbers"),
    (lambda: theory.gaussian_wasserstein1(0, 0, NAN, 1), "greater than 0"),
    (lambda: theory.uniform_wasserstein1((0, 1, 2), (0, 1)), r"an interval is \(lo, hi\)"),
    (lambda: theory.uniform_wasserstein1(3, (0, NAN)), r"an interval is \(lo, hi\)")])
def test_closed_forms(call, words):
    refuses(call, words)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: theory.expectation(lambda x: x * NAN, N1), "NaN or infinite somewhere"),
    (lambda: theory.expectation(np.cos, negative, (-1, 1)), "nowhere negative"),
    (lambda: theory.expectation(np.cos, HALF), "p must be a density, got list"),
    (lambda: theory.monte_carlo("kl", N1, N2, n=9, rng=rng()), r"have the shapes \(9, 1\) and \(9, 2\)"),
    (lambda: theory.monte_carlo("kl", N1, n=9, rng=rng()), "kl compares two distributions: pass q"),
    (lambda: theory.monte_carlo("kl", N1, N1, n=2.5, rng=rng()), "n must be a whole number of at least 2, got 2.5"),
    (lambda: theory.mean_and_error(["a", "b"]), "values must be real numbers"),
    (lambda: theory.change_of_variables(np.cos, lambda z: 1.0, N1, N1), r"G gives the shape \(\) for \d+ rows"),
    (lambda: theory.change_of_variables(np.cos, lambda z: z * NAN, N1, N1), "NaN or infinite"),
    (lambda: theory.kl(theory.pushforward(N1, lambda x: x * NAN, one, (-12, 12)), N1), "x holds NaN"),
    (lambda: theory.smoothed(N1, "a"), "std must be real numbers"),
    (lambda: theory.smoothed(N1, NAN), "std must be finite"),
    (lambda: theory.Density(3, (0, 1)), "the density p must be a function x -> p.x., got int"),
    (lambda: theory.Density(one, (0, 1), breaks=[NAN]), "breaks holds NaN"),
    (lambda: theory.Density(one, (0, 1))([NAN]), "x holds NaN")])
def test_expectations(call, words):
    refuses(call, words)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: theory.wasserstein1([1, 2], [1, 2], support=(0, 3)), "support= belongs to densities"),
    (lambda: theory.wasserstein1([1, NAN], [1, 2]), "p holds NaN"),
    (lambda: theory.wasserstein1(np.zeros((3, 2)), np.zeros((3, 2))), "for one dimension"),
    (lambda: theory.sliced_wasserstein1(np.zeros((3, 2)), np.zeros((3, 3)), rng=rng()), "x has 2 columns and y has 3"),
    (lambda: theory.sliced_wasserstein1(np.zeros((3, 2)), np.zeros((3, 2)), 2.5, rng=rng()), "directions must be"),
    (lambda: theory.kantorovich([0.0], [1.0])(NAN), "x holds NaN"), (lambda: theory.cdf(N1)(NAN), "t holds NaN"),
    (lambda: theory.cdf(low, (0, 1)), r"p integrates to 0\.7"),
    (lambda: theory.generated_density(NET[2], [NAN]), "x holds NaN"),
    (lambda: theory.generated_density(nan, [0.0]), "G must be a Network, got function")])
def test_transport_and_generators(call, words):
    refuses(call, words)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: dirac.step(dirac.gan, NAN, 1, 0.2), "theta and psi must be finite, got nan"),
    (lambda: dirac.step(dirac.gan, 1, 1, 0.2, "D first", 1.5), "k must be a whole number of at least 1, got 1.5"),
    (lambda: dirac.step(dirac.gan, 1, 1, 0.2, k=2), "k must be 1 for simultaneous steps, got 2"),
    (lambda: dirac.trajectory(dirac.gan, 2.5), "steps must be a whole number"),
    (lambda: dirac.trajectory(dirac.gan, start=(1, 2, 3)), r"start must be two numbers \(theta, psi\)"),
    (lambda: dirac.linearisation("r1", NAN), "gamma must be a number of at least 0, got nan"),
    (lambda: dirac.instance_noise(1, 1, -1), "std must be a finite number of at least 0"),
    (lambda: dirac.step_matrix(np.eye(3), 0.2), r"J must be \(2, 2\)"),
    (lambda: dirac.jacobian(lambda x: x * NAN), "derivative of f must be finite")])
def test_the_dirac_gan(call, words):
    refuses(call, words)
