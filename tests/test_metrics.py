"""Divergence on a grid, the region of the data, Fréchet distance, anchors: by hand, closed forms, and anchors."""
import inspect
import math
from pathlib import Path

import numpy as np
import pytest

import numpygan as ng
from numpygan import metrics

EPS = np.finfo(float).eps
LN2 = math.log(2)


@pytest.mark.parametrize("name", [n for n in metrics.__all__ if inspect.isfunction(getattr(metrics, n))])
def test_the_data_comes_before_the_fakes(name):
    """And each function in which a swap is silent is in the list of the chapter."""
    names = list(inspect.signature(getattr(metrics, name)).parameters)
    if "x_fake" in names:
        assert names[:names.index("x_fake")] in (["x"], ["valid", "test"])
    assert "y" not in names or name == "sliced_wasserstein1"
    if {"x_fake", "reference", "y"} & set(names):
        assert f"`{name}" in (Path(__file__).parents[1] / "docs" / "13-metrics.md").read_text("utf-8")


# ---------------------------------------------------------------------------------------------- on a grid

def test_eq_13_5_jsd_on_a_grid():
    """Two cells of the data's range [0, 2]: x half and half, fakes all in the first: ½ KL(x‖m) + ½ KL(fakes‖m) for
    m = (¾, ¼)."""
    x, fakes = np.array([[0.], [2.], [0.1], [1.9]]), np.array([[0.5], [0.5]])
    expected = 0.5 * (0.5 * math.log(2 / 3) + 0.5 * math.log(2)) + 0.5 * math.log(4 / 3)
    assert metrics.jsd_on_grid(x, fakes, bins=2) == pytest.approx(expected, rel=1e-13)
    assert metrics.jsd_on_grid(x, x, bins=2) == 0
    assert metrics.jsd_on_grid(x, fakes + 100, bins=2) == pytest.approx(math.log(2))      # all fakes outside: one cell
    half = np.array([[0.5], [100.0]])                                                     # half inside, half outside
    shared = metrics.jsd_on_grid(np.array([[0.5], [0.6]]), half, bins=1, box=[(0, 1)])
    expected = 0.5 * math.log(4 / 3) + 0.5 * (0.5 * math.log(2 / 3) + 0.5 * math.log(2))
    assert shared == pytest.approx(expected, rel=1e-13)


def test_the_data_sets_the_grid():
    """Data in both halves of [0, 1], fakes at 0 and 4. On the data's grid one of two fakes is outside: the shares are
    (½, ½, 0) and (½, 0, ½). On [0, 4], the fakes' own, they would be (1, 0, 0) and (½, ½, 0)."""
    x, x_fake = np.array([[0.], [1.]]), np.array([[0.], [4.]])
    right, swapped = LN2 / 2, 0.5 * math.log(4 / 3) + 0.25 * math.log(2 / 3) + 0.25 * LN2
    assert metrics.jsd_on_grid(x, x_fake, bins=2) == pytest.approx(right, rel=1e-13)
    assert metrics.jsd_on_grid(x_fake=x_fake, x=x, bins=2) == pytest.approx(right, rel=1e-13)
    assert metrics.jsd_on_grid(x_fake, x, bins=2) == pytest.approx(swapped, rel=1e-13)


def test_jsd_of_a_grid_has_the_floor_that_theory_says():
    """(B − 1)(1/n + 1/m)/8 for B cells with many rows each: uniform on a square, 4 × 4 cells; 60 draws."""
    rng, n, m = np.random.default_rng(0), 2000, 1000
    found = [metrics.jsd_on_grid(rng.random((n, 2)), rng.random((m, 2)), 4, [(0, 1)] * 2) for _ in range(60)]
    assert abs(np.mean(found) - 15 * (1 / n + 1 / m) / 8) <= 6 * np.std(found) / math.sqrt(60) + 2e-5


@pytest.mark.parametrize(("y", "options", "sentence"), [
    (np.zeros((3, 3)), {}, "3 dimensions.*sliced_wasserstein1"),
    (np.array([[0., 0.], [1., 1.]]), {"bins": 0}, "bins must be a whole number of at least 1"),
    (np.zeros((3, 2)), {}, "box must be"),
    ])
def test_the_grid_refuses_with_a_sentence(y, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        metrics.jsd_on_grid(y, y, **options)


# ---------------------------------------------------------------------------------------------- the region

def test_eq_13_8_the_region_of_a_gaussian_is_an_interval():
    """99 % of N(0, 1) lies in |x| ≤ 2.5758: 3 of these 4 do, and a G of one point scores 100 %."""
    data, rng = ng.data.gaussian(0.0, 1.0), np.random.default_rng(0)
    x = np.array([[0.0], [2.5], [-2.5], [2.65]])
    assert metrics.region_share(x, data, rng) == 0.75
    assert metrics.region_share(np.zeros((5, 1)), data, rng) == 1
    assert metrics.region_share(x, data, rng, level=0.6827) == 0.25                       # |x| ≤ 1


@pytest.mark.parametrize("name", ["ring", "gaussian", "uniform"])
def test_perfect_samples_lie_in_the_region_as_often_as_asked(name):
    data, rng = ng.data.load(name), np.random.default_rng(1)
    share = metrics.region_share(data.sample(20_000, rng), data, rng)
    expected = 1.0 if name == "uniform" else 0.99                                         # a flat density has no edge
    assert abs(share - expected) <= 6 * math.sqrt(0.0099 * (1 / 20_000 + 1 / 100_000))


def test_the_region_of_data_without_density_is_not_known():
    with pytest.raises(TypeError, match="no log_density"):
        metrics.region_share(np.zeros((2, 64)), ng.data.digits(), np.random.default_rng(0))
    with pytest.raises(ValueError, match="between 0 and 1"):
        metrics.region_share(np.zeros((2, 1)), ng.data.gaussian(), np.random.default_rng(0), level=1.0)


# ------------------------------------------------------------------------------------------------- Fréchet

def test_eq_13_14_frechet_of_two_gaussians():
    """Where the covariances commute it is ‖μ − ν‖² + Σ (√λ − √κ)²: 9 + 16 + (2 − 1)² + (3 − 5)² = 30."""
    F = metrics.frechet_gaussians([0, 0], np.diag([4, 9]), [3, 4], np.diag([1, 25]))
    assert F == pytest.approx(30, rel=1e-13)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    A, B = (turn @ np.diag(size) @ turn.T for size in ([4, 9], [1, 25]))
    assert metrics.frechet_gaussians([0, 0], A, [3, 4], B) == pytest.approx(30, rel=1e-13)
    assert metrics.frechet_gaussians([1], [[4]], [1], [[0]]) == pytest.approx(4, rel=1e-13)     # a point: σ²


def test_frechet_agrees_with_a_matrix_root_and_is_symmetric():
    linalg = pytest.importorskip("scipy.linalg")
    rng = np.random.default_rng(0)
    A, B = (m @ m.T for m in rng.standard_normal((2, 5, 5)))
    a, b = rng.standard_normal((2, 5))
    root = np.real(linalg.sqrtm(A @ B))
    expected = np.sum((a - b) ** 2) + np.trace(A + B - 2 * root)
    assert metrics.frechet_gaussians(a, A, b, B) == pytest.approx(expected, rel=1e-9)
    assert metrics.frechet_gaussians(b, B, a, A) == pytest.approx(expected, rel=1e-9)


def test_frechet_of_samples():
    """Means 1 and 3, variances 2 and 8 (n − 1): 4 + (√8 − √2)² = 6; order and origin do not matter."""
    x, y = np.array([[0.], [2.]]), np.array([[1.], [5.]])
    assert metrics.frechet_distance(x, y) == pytest.approx(4 + 2, rel=1e-13)
    assert metrics.frechet_distance(x[::-1] + 7, y + 7) == pytest.approx(6, rel=1e-12)
    assert metrics.frechet_distance(y, x) == pytest.approx(6, rel=1e-13)                  # symmetric
    same = np.random.default_rng(0).standard_normal((9, 20))                              # singular: n < d
    assert metrics.frechet_distance(same, same) <= 20 * math.sqrt(EPS) * np.trace(np.cov(same.T))


def test_eq_13_15_the_floor_of_frechet():
    """By hand for C = I in d = 3: d + d (d + 1)/4 = 6; and 40 pairs of samples of N(0, diag), within 7 errors:
    Student's t with 39 degrees of freedom is farther off once in 10⁷ seeds.
    """
    assert metrics.frechet_floor(np.eye(3), 10, 20) == pytest.approx(6 * 0.15, rel=1e-13)
    assert metrics.frechet_floor([[4.0]], 1, 1) == pytest.approx(2 * (5 + 1), rel=1e-13)  # 5/4 · 4 + ½ · 16/8
    assert metrics.frechet_floor(np.diag([0.25, 0]), 1, 1) == pytest.approx(2 * (5 / 16 + 1 / 16), rel=1e-13)   # ½ · ⅛
    rng, size = np.random.default_rng(0), np.array([3.0, 1.0, 0.5])
    found = [metrics.frechet_distance(*(size * rng.standard_normal((2, 800, 3)))) for _ in range(40)]
    expected = metrics.frechet_floor(np.diag(size**2), 800, 800)
    assert abs(np.mean(found) - expected) <= 7 * np.std(found) / math.sqrt(40)


def test_frechet_refuses_with_a_sentence():
    with pytest.raises(ValueError, match="x has 1 row, and at least 2"):
        metrics.frechet_distance(np.zeros((1, 2)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="x_fake has 3 columns and the other samples 2"):
        metrics.frechet_distance(np.zeros((3, 2)), np.zeros((3, 3)))
    two, means = np.eye(2), np.zeros(2)
    for a, A, b, B in (([0], two, [0], two), (two, two, two, two), (means, two, [0], two), (means, two, means, [[1]])):
        with pytest.raises(ValueError, match="go with covariances"):
            metrics.frechet_gaussians(a, A, b, B)
    for cov in (np.ones(3), np.ones((2, 3)), np.ones((2, 2, 2))):
        with pytest.raises(ValueError, match="cov must be a covariance"):
            metrics.frechet_floor(cov, 9, 9)


# ------------------------------------------------------------------------------------------------- anchors

def test_centroids_are_the_means_of_groups_that_lie_apart():
    x = np.array([[0.], [2.], [100.], [104.]])
    found = np.sort(metrics.centroids(x, 2, np.random.default_rng(0), rounds=20), axis=0)
    assert found.tolist() == [[1], [102]]
    with pytest.raises(ValueError, match="at least 5"):
        metrics.centroids(x, 5, np.random.default_rng(0))


def test_a_gaussian_like_the_data_has_its_moments():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 2)) @ np.array([[2.0, 1.0], [0.0, 0.5]]) + 3
    y = metrics.gaussian_like(x, 100_000, rng)
    var = np.cov(x.T).diagonal().max()                                                    # six standard errors:
    assert np.abs(y.mean(axis=0) - x.mean(axis=0)).max() < 6 * math.sqrt(var / 100_000)
    assert np.abs(np.cov(y.T) - np.cov(x.T)).max() < 6 * math.sqrt(2 * var**2 / 100_000)
    assert metrics.gaussian_like(x.astype(np.float32), 3, rng).dtype == np.float32
    line = metrics.gaussian_like(np.array([[0.0, 1.0], [2.0, 5.0]]), 9, rng)              # two rows have a covariance
    assert np.abs(line[:, 1] - 2 * line[:, 0] - 1).max() <= 20 * math.sqrt(EPS)        # roots of a variance of 0


def test_anchors_stand_in_the_order_that_they_should():
    """On the ring: perfect samples before a Gaussian of the right moments, and before a collapsed G."""
    data, rng = ng.data.ring(), np.random.default_rng(0)
    real = data.sample(600, rng)
    others = {"perfect": data.sample(600, rng), "gaussian": metrics.gaussian_like(real, 600, rng),
              "point": np.tile(data.modes[:1], (600, 1))}
    for metric in (lambda x: metrics.jsd_on_grid(real, x), lambda x: metrics.mmd(real, x, 0.3).squared,
                   lambda x: metrics.sliced_wasserstein1(real, x, rng=np.random.default_rng(1))):
        found = {name: metric(x) for name, x in others.items()}
        assert found["perfect"] < found["gaussian"]
        assert found["perfect"] < found["point"]
    assert metrics.two_sample_accuracy(real, others["gaussian"]).accuracy > 0.9
    # Neighbours of neighbours: 0.017 in 60 seeds where 1,200 independent answers would have 0.014. Six of them.
    assert abs(metrics.two_sample_accuracy(real, others["perfect"]).accuracy - 0.5) < 0.1


def test_mmd_with_the_median_bandwidth_cannot_tell_a_ring_from_a_gaussian():
    """As the chapter says: a kernel as wide as the ring sees little more than its first two moments."""
    data, rng = ng.data.ring(), np.random.default_rng(0)
    real = data.sample(600, rng)
    wide, narrow = (metrics.mmd(real, metrics.gaussian_like(real, 600, rng), h) for h in (None, 0.3))
    assert wide.bandwidth > 2
    assert wide.squared < 0.01 < 0.04 < narrow.squared
