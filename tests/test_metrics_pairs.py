"""All pairs of rows: naive = NumPy = compiled; Parzen windows, MMD and neighbours by hand and by closed form."""
import math

import naive_metrics as naive
import numpy as np
import pytest
from close import error

from numpygan import metrics
from numpygan.kernels import pairwise
from numpygan.metrics import pairs

EPS = np.finfo(float).eps
LN2 = math.log(2)


@pytest.fixture(params=[pairs, pairwise], ids=["numpy", "numba"])
def ops(request):
    return request.param


@pytest.fixture
def by(engine, monkeypatch):
    """The metrics call the functions of each engine in turn."""
    monkeypatch.setenv("NUMPYGAN_ENGINE", engine)


# ------------------------------------------------------------------------------------------- the two functions

def test_eq_13_9_squared_distances(ops, dtype):
    x, y = np.array([[0., 3.], [1., 1.]], dtype), np.array([[4., 0.], [1., 1.], [0., 3.]], dtype)
    assert ops.squared_distances(x, y).tolist() == [[25, 5, 0], [10, 0, 5]]
    assert ops.squared_distances(x, y).dtype == dtype


def test_eq_13_10_log_sum_exp(ops):
    s = np.log(np.array([[1., 2., 5.], [0.25, 0.5, 0.25]]))
    assert error(ops.log_sum_exp(s, 1.0), [3 * LN2, 0.0]) <= 4 * EPS
    assert error(ops.log_sum_exp(s[:1], 2.0), [math.log(30)]) <= 4 * EPS           # 1 + 4 + 25
    assert error(ops.log_sum_exp(np.array([[-5000., -5000.]]), 1.0), [LN2 - 5000]) <= 4 * EPS
    assert error(ops.log_sum_exp(np.array([[-5000., 0.]]), 1.0), [0.0]) <= EPS          # the largest need not be first
    assert np.isnan(ops.log_sum_exp(np.array([[0., np.nan], [np.nan, 0.]]), 1.0)).all()


@pytest.mark.parametrize("size", [1e10, 1e15, 1e30, 1e300])
def test_the_largest_term_counts_as_one_however_large_it_is(ops, size):
    """Where it is a difference of two roundings, the exponential of it is anything."""
    s = size * np.random.default_rng(0).uniform(1, 2, (50, 7))
    for scale, largest in ((-0.3, s.min(axis=1)), (0.3, s.max(axis=1))):
        assert error(ops.log_sum_exp(s, scale), scale * largest) <= 4 * EPS            # beside it all others are 0
        seven = np.repeat(largest[:, None], 7, 1)
        assert error(ops.log_sum_exp(seven, scale), scale * largest + math.log(7)) <= 4 * EPS


@pytest.mark.parametrize(("n", "m", "d"), [(1, 1, 1), (3, 1, 2), (1, 7, 5), (6, 9, 3)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_both_agree_with_loops(ops, n, m, d, order):
    rng = np.random.default_rng(n)
    x, y = np.array(rng.standard_normal((n, d)), order=order), np.array(rng.standard_normal((m, d)), order=order)
    square = ops.squared_distances(x, y)
    assert error(square, naive.squared_distances(x.tolist(), y.tolist())) <= 20 * d * EPS
    assert error(ops.log_sum_exp(square, -7.5), naive.log_sum_exp(square.tolist(), -7.5)) <= 50 * EPS


def test_what_the_product_form_loses_is_bounded(ops):
    """Far from the origin, where most is lost, against exact differences."""
    x = np.random.default_rng(0).standard_normal((20, 50)) + 1000
    exact = ((x[:, None] - x) ** 2).sum(axis=2)
    size = np.linalg.norm(x, axis=1)
    lost = np.abs(ops.squared_distances(x, x) - exact)
    assert (lost <= 54 * EPS * np.add.outer(size, size) ** 2).all()
    assert lost.max() > 1e-9                                                  # so the bound is of something
    assert (ops.squared_distances(x, x) >= 0).all()


def test_terms_too_small_to_count_are_all_that_the_kernel_skips():
    s = -np.sort(np.random.default_rng(0).exponential(30, (5, 4000)), axis=1)
    assert error(pairwise.log_sum_exp(s, 1.0), pairs.log_sum_exp(s, 1.0)) <= 50 * EPS


@pytest.mark.parametrize("v", [-30, -36, -42, -45, -46, -50])
def test_what_the_kernel_skips_does_not_count_in_numbers_either(v):
    """10,000 times e^v and then 1: log(1 + 10,000 e^v), which is 2e-12 for v = −36."""
    s = np.append(np.full(10_000, float(v)), 0)
    assert abs(pairwise.log_sum_exp(s[None], 1.0)[0] - math.log1p(10_000 * math.exp(v))) <= EPS


@pytest.mark.parametrize("bad", [np.zeros(3), np.zeros((0, 2))])
def test_compiled_loops_are_given_matrices(bad):
    with pytest.raises(ValueError, match="matrix|empty"):
        pairwise.log_sum_exp(bad, 1.0)
    with pytest.raises(ValueError, match="matrix|empty|one width"):
        pairwise.squared_distances(np.zeros((2, 3)), bad)


def test_the_functions_are_those_of_the_engine(monkeypatch):
    for name, module in (("numpy", pairs), ("numba", pairwise)):
        monkeypatch.setenv("NUMPYGAN_ENGINE", name)
        assert pairs.compiled() is module


def test_blocks_are_the_whole_in_parts(monkeypatch, by):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((11, 3)).astype(np.float32), rng.standard_normal((7, 3)).astype(np.float32)
    monkeypatch.setattr(pairs, "BLOCK", 30)                                   # 4 rows at a time
    found = list(pairs.blocks(x, y))
    assert [rows.stop for rows, _ in found] == [4, 8, 11]
    whole = np.concatenate([square for _, square in found])
    assert whole.dtype == np.float64
    assert error(whole, naive.squared_distances(x.tolist(), y.tolist())) <= 50 * EPS


# ------------------------------------------------------------------------------------------------------ Parzen

def test_eq_13_11_parzen_of_one_point(by):
    """One window is one Gaussian: in two dimensions −‖x − y‖²/2σ² − log 2πσ²."""
    got = metrics.parzen_log_likelihood(np.array([[3., 4.], [0., 0.]]), np.array([[0., 0.]]), 2.0)
    assert error(got, [-25 / 8 - math.log(8 * math.pi), -math.log(8 * math.pi)]) <= 8 * EPS


def test_parzen_of_two_points_is_their_mean_density(by):
    """At the middle of two equal windows the density is that of one; twice the same sample changes nothing."""
    both = metrics.parzen_log_likelihood(np.zeros((1, 1)), np.array([[-1.], [1.]]), 1.0)
    assert error(both, [-0.5 - 0.5 * math.log(2 * math.pi)]) <= 8 * EPS
    x = np.random.default_rng(0).random((4, 3))
    one, twice = (metrics.parzen_log_likelihood(x, np.tile(x[:2], (k, 1)), 0.3) for k in (1, 2))
    assert error(one, twice) <= 8 * EPS


def test_parzen_agrees_with_loops_and_libraries(by):
    rng = np.random.default_rng(1)
    x, y = rng.random((9, 4)), rng.random((12, 4))
    got = metrics.parzen_log_likelihood(x, y, 0.2)
    assert error(got, naive.parzen(x.tolist(), y.tolist(), 0.2)) <= 100 * EPS
    neighbors = pytest.importorskip("sklearn.neighbors")
    assert error(got, neighbors.KernelDensity(bandwidth=0.2).fit(y).score_samples(x)) <= 1e-12


def test_the_curve_is_the_mean_over_the_data_at_each_width(by):
    """Nine rows of data under twelve windows; one width will do."""
    rng = np.random.default_rng(1)
    x, y = rng.random((9, 4)), rng.random((12, 4))
    expected = [np.mean(naive.parzen(x.tolist(), y.tolist(), sigma)) for sigma in (0.2, 0.5)]
    assert error(metrics.parzen_curve(x, y, [0.2, 0.5]), expected) <= 100 * EPS
    assert error(metrics.parzen_curve(x, y, (0.5,)), expected[1:]) <= 100 * EPS


def test_black_and_white_are_pixels():
    """Two windows, at 0 and 1, and both again as test rows: each has the density of the other at distance 1."""
    p = metrics.parzen([[0], [1]], [[0], [1]], x_fake=[[0], [1]], sigmas=[0.5])
    assert p.log_likelihood == pytest.approx(math.log((1 + math.exp(-2)) / 2) - math.log(0.5 * math.sqrt(2 * math.pi)))


def test_parzen_does_not_depend_on_order_or_origin(by):
    rng = np.random.default_rng(2)
    x, y, shift = rng.random((9, 4)), rng.random((12, 4)), 3.0
    got = metrics.parzen_log_likelihood(x, y, 0.2)
    assert error(got, metrics.parzen_log_likelihood(x, y[::-1], 0.2)) <= 20 * EPS
    assert error(got, metrics.parzen_log_likelihood(x + shift, y + shift, 0.2)) <= 1e-12


def test_eq_13_12_sigma_is_chosen_on_validation_data_alone(by):
    """One sample at .5: σ² that fits validation rows at distance .3 is .09, whatever the test rows are."""
    p = metrics.parzen(np.array([[0.2], [0.8]]), np.array([[0.5], [0.6]]), x_fake=np.array([[0.5]]),
                       sigmas=[0.1, 0.3, 0.9])
    assert p.sigma == 0.3
    assert p.validation.argmax() == 1
    at = [-0.5 * (v / 0.3) ** 2 - math.log(0.3 * math.sqrt(2 * math.pi)) for v in (0.0, 0.1)]
    assert p.log_likelihood == pytest.approx(sum(at) / 2, rel=1e-14)
    assert p.error == pytest.approx((at[0] - at[1]) / 2 / math.sqrt(2), rel=1e-12)


def test_the_papers_bandwidths():
    assert np.allclose(metrics.SIGMAS, 10 ** (np.arange(-9, 1) / 9), rtol=1e-15)


@pytest.mark.parametrize(("change", "sentence"), [
    (dict(x_fake=np.full((3, 2), -1.0)), r"x_fake has pixels from -1 to -1.*\(x \+ 1\) / 2"),
    (dict(test=np.full((3, 2), 1.5)), "test has pixels from 1.5"),
    (dict(test=np.full((1, 2), 0.5)), "test has 1 row, and at least 2"),
    (dict(valid=np.full((3, 3), 0.5)), "valid has 3 columns"),
    (dict(x_fake=np.full((3, 2), np.nan)), "x_fake holds NaN"),
    (dict(sigmas=[0.1, -0.1]), "sigma must be a positive number.*-0.1"),
    (dict(sigmas=[]), "sigmas must be a list of at least one"),
    ])
def test_parzen_refuses_with_a_sentence(change, sentence):
    given = dict(x_fake=np.full((3, 2), 0.5), valid=np.full((3, 2), 0.5), test=np.full((3, 2), 0.5))
    with pytest.raises(ValueError, match=sentence):
        metrics.parzen(**given | change)


def test_parzen_takes_the_fakes_by_name():
    """Of three sets of images in a row nobody would see that two are swapped."""
    with pytest.raises(TypeError, match="positional"):
        metrics.parzen(*np.full((3, 3, 2), 0.5))


# --------------------------------------------------------------------------------------------------------- MMD

def test_eq_13_6_mmd(by):
    """Kernel e^{−r²/2}: within the data one pair at distance 1, within the fakes one at 2, across 1, 3, 0, 2."""
    k = [math.exp(-r * r / 2) for r in range(4)]
    m = metrics.mmd(np.array([[0.], [1.]]), np.array([[1.], [3.]]), bandwidth=1.0)
    assert m.squared == pytest.approx(k[1] + k[2] - 2 * (k[1] + k[3] + k[0] + k[2]) / 4, rel=1e-13)
    assert m.bandwidth == 1.0


def test_the_data_sets_the_bandwidth(by):
    """Data 0, 1 and fakes 0, 3: h is the gap of the data, 1, and not that of the fakes, 3; across 0, 3, 1, 2."""
    x, x_fake = np.array([[0.], [1.]]), np.array([[0.], [3.]])

    def squared(h):
        k = [math.exp(-r * r / (2 * h * h)) for r in range(4)]
        return k[1] + k[3] - (k[0] + k[3] + k[1] + k[2]) / 2

    for found in (metrics.mmd(x, x_fake), metrics.mmd(x_fake=x_fake, x=x)):
        assert found == (pytest.approx(squared(1), rel=1e-13), 1)
    assert metrics.mmd(x_fake, x) == (pytest.approx(squared(3), rel=1e-13), 3)           # swapped: another number


def test_mmd_agrees_with_loops_and_takes_the_median_distance(by):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((11, 3)), rng.standard_normal((8, 3))
    m = metrics.mmd(x, y)
    gaps = sorted(math.dist(a, b) for i, a in enumerate(x) for b in x[:i])
    assert m.bandwidth == pytest.approx((gaps[27] + gaps[27]) / 2)            # 55 of them: the 28th
    assert m.squared == pytest.approx(naive.mmd(x.tolist(), y.tolist(), m.bandwidth), abs=100 * EPS)
    assert metrics.mmd(x[::-1] + 5, y + 5).squared == pytest.approx(m.squared, abs=1e-12)


def test_the_median_is_that_of_the_first_thousand_rows():
    spatial = pytest.importorskip("scipy.spatial")
    x = np.random.default_rng(0).standard_normal((1001, 1))
    assert metrics.mmd(x, x[:2]).bandwidth == np.median(spatial.distance.pdist(x[:1000]))


def test_mmd_of_shifted_gaussians_is_unbiased():
    """2 c (1 − exp(−δ²/2(h² + 2))), c = (h²/(h² + 2))^{d/2}: in the mean of 200 small draws, within 6 errors."""
    d, h, shift = 2, 1.0, np.array([1.0, 0.0])
    exact = 2 * (h**2 / (h**2 + 2)) ** (d / 2) * (1 - math.exp(-1 / (2 * (h**2 + 2))))
    rng = np.random.default_rng(0)
    apart, same = np.array([[metrics.mmd(rng.standard_normal((20, d)) + by, rng.standard_normal((20, d)), h).squared
                             for _ in range(200)] for by in (shift, 0)])
    assert abs(apart.mean() - exact) <= 6 * apart.std() / math.sqrt(200)
    assert abs(same.mean()) <= 6 * same.std() / math.sqrt(200)
    assert (same < 0).any()                                                   # unbiased, so not always positive


@pytest.mark.parametrize(("x", "x_fake", "bandwidth", "sentence"), [
    (np.zeros((1, 2)), np.zeros((3, 2)), 1.0, "x has 1 row"),
    (np.zeros((3, 2)), np.zeros((3, 2)), None, "rows of x are equal"),
    (np.zeros((3, 2)), np.zeros((3, 2)), -1.0, "bandwidth must be a positive"),
    ])
def test_mmd_refuses_with_a_sentence(x, x_fake, bandwidth, sentence):
    with pytest.raises(ValueError, match=sentence):
        metrics.mmd(x, x_fake, bandwidth)


# -------------------------------------------------------------------------------------------------- neighbours

def test_eq_13_7_two_sample_accuracy(by):
    """Real 0, 1, 10; fake 2, 11, 12. The nearest of 0, 1, 10, 2, 11, 12 are 1, a tie of 0 and 2, 11, 1, a tie, 11."""
    t = metrics.two_sample_accuracy(np.array([[0.], [1.], [10.]]), np.array([[2.], [11.], [12.]]))
    assert t == (0.5, 0.5, 0.5)
    far = metrics.two_sample_accuracy(np.array([[0.], [1.]]), np.array([[8.], [9.]]))
    assert far == (1, 1, 1)
    lumped = metrics.two_sample_accuracy(np.array([[0.], [4.]]), np.array([[1.], [1.1]]))
    assert lumped == (0.5, 0, 1)                                              # fakes find each other, the real do not
    by_name = metrics.two_sample_accuracy(x_fake=np.array([[1.], [1.1]]), x=np.array([[0.], [4.]]))
    assert by_name == (0.5, 0, 1)


def test_two_sample_accuracy_of_copies_is_nought(by):
    x = np.random.default_rng(0).standard_normal((50, 3))
    assert metrics.two_sample_accuracy(x, x.copy()).accuracy == 0


def test_two_sample_accuracy_agrees_with_loops_and_libraries(by):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((15, 2)), 0.5 * rng.standard_normal((15, 2))
    t = metrics.two_sample_accuracy(x, y)
    assert t.accuracy == pytest.approx(naive.two_sample_accuracy(x.tolist(), y.tolist()), abs=1e-15)
    assert t.accuracy == (t.real + t.fake) / 2
    neighbors = pytest.importorskip("sklearn.neighbors")
    pool, kind = np.concatenate([x, y]), np.repeat([0, 1], 15)
    _, found = neighbors.NearestNeighbors(n_neighbors=2).fit(pool).kneighbors(pool)
    assert t.accuracy == pytest.approx(np.mean(kind[found[:, 1]] == kind))


def test_equal_distributions_cannot_be_told_apart():
    """In the mean (n − 1)/(2n − 1): one's own kind has one row less."""
    rng, n = np.random.default_rng(0), 30
    found = [metrics.two_sample_accuracy(*rng.standard_normal((2, n, 2))).accuracy for _ in range(200)]
    assert abs(np.mean(found) - (n - 1) / (2 * n - 1)) <= 6 * np.std(found) / math.sqrt(200)


def test_nearest_rows_by_hand(by):
    index, distance = metrics.nearest(np.array([[0.], [1.4], [5.]]), np.array([[3.], [0.]]))
    assert (index.tolist(), distance.tolist()) == ([1, 1, 0], [0, 1.4, 2])
    index, distance = metrics.nearest(np.array([[0.], [1.], [5.]]))          # among themselves
    assert (index.tolist(), distance.tolist()) == ([1, 0, 1], [1, 1, 4])
    assert metrics.nearest_distance(np.array([[0.], [1.], [5.]])) == 1


def test_many_rows_are_measured_from_one(by):
    """More than the thousand whose distances are taken at once."""
    x = np.arange(1002.0)[:, None]
    index, distance = metrics.nearest(x, [[1.0]])
    assert not index.any()
    assert distance.tolist() == np.abs(x[:, 0] - 1).tolist()


def test_a_copy_is_at_distance_nought_exactly(by):
    """The product form alone would leave rounding."""
    x = np.random.default_rng(0).random((40, 300)).astype(np.float32) + 3
    index, distance = metrics.nearest(x[::-1], x)
    assert index.tolist() == list(range(39, -1, -1))
    assert not distance.any()


def test_neighbours_refuse_with_a_sentence():
    with pytest.raises(ValueError, match="2 real and 3 fake rows"):
        metrics.two_sample_accuracy(np.zeros((2, 1)), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="1 row, and at least 2"):
        metrics.nearest(np.zeros((1, 1)))


def test_the_compiled_distances_take_one_width_and_one_dtype():
    x = np.zeros((3, 2))
    for y in (np.zeros((4, 3)), np.zeros((4, 2), np.float32)):
        with pytest.raises(ValueError, match="x and y must have one width and dtype"):
            pairwise.squared_distances(x, y)


def test_samples_whose_squares_are_no_numbers_are_refused(ops):
    """Just below that, and as large as float32 allows, all that goes by distances has a value."""
    x, y = (np.random.default_rng(s).uniform(-1, 1, (40, 3)) for s in (0, 1))
    bound = math.sqrt(np.finfo(float).max / 48)
    x[0], y[0] = 1, -1                                                      # as far apart as can be
    for size, dtype in ((0.999 * bound, np.float64), (3e38, np.float32)):
        a, b = (size * x).astype(dtype), (size * y).astype(dtype)
        for found in (metrics.two_sample_accuracy(a, b), metrics.nearest_distance(a, b), metrics.mmd(a, b),
                      metrics.parzen_log_likelihood(a, b, size), metrics.parzen_curve(a, b, [size])):
            assert np.isfinite(found).all()
    for call in (metrics.two_sample_accuracy, metrics.nearest_distance, metrics.mmd, metrics.parzen_curve):
        with pytest.raises(ValueError, match="the squares of their distances are no numbers in float64: divide"):
            call(1.001 * bound * x, y)
