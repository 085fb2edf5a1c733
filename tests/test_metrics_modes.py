"""Modes covered, share of high quality, reverse KL: by hand, and against perfect samples."""
import numpy as np
import pytest

import numpygan as ng
from numpygan import metrics

PAIR = ng.data.mixture([[0.0, 0.0], [10.0, 0.0]], 1.0)


def test_modes_by_hand():
    """Eqs. (13.1), (13.2), (13.3): three of four samples at mode 0, one of them 3.5 σ out; the fourth 4 σ from 1."""
    x = np.array([[0., 0.], [0., 3.0], [3.5, 0.], [10., 4.]])
    m = metrics.modes(x, PAIR)
    assert (m.covered, m.of, m.quality) == (1, 2, 0.5)
    assert m.shares.tolist() == [0.75, 0.25]
    assert m.reverse_kl == pytest.approx(0.75 * np.log(1.5) + 0.25 * np.log(0.5), rel=1e-15)
    assert metrics.modes(np.array([[5.0, 7.0]]), PAIR).shares.tolist() == [1, 0]                  # argmin: the first
    assert metrics.modes(np.zeros((5, 2)), PAIR).reverse_kl == pytest.approx(np.log(2), rel=1e-15)      # 0 log 0 = 0


def test_a_mode_is_near_in_units_of_its_own_width_and_weighs_what_it_weighs():
    """Halfway in inches is nearer to the wider mode; shares equal to unequal weights have no divergence."""
    wide = ng.data.mixture([[0.0], [10.0]], [1.0, 4.0], [0.25, 0.75])
    m = metrics.modes(np.array([[0.], [4.], [10.], [30.]]), wide)      # 4 is 4 σ from 0 and 1.5 σ from 10
    assert m.shares.tolist() == [0.25, 0.75]
    assert m.reverse_kl == 0
    assert m.quality == 0.75                                           # 30 is 5 σ out
    one = metrics.modes(np.array([[0.]]), wide)
    assert one.reverse_kl == pytest.approx(np.log(4), rel=1e-15)       # from the weights, not from 1/K


def test_modes_do_not_depend_on_order_or_origin():
    rng = np.random.default_rng(0)
    x, shift = 3 * rng.standard_normal((400, 2)), np.array([5.0, -2.0])
    there = metrics.modes(x + shift, ng.data.mixture(PAIR.modes + shift, 1.0))
    for m in (metrics.modes(x[rng.permutation(400)], PAIR), there):
        assert m[:3] == metrics.modes(x, PAIR)[:3]
        assert m.shares.tolist() == metrics.modes(x, PAIR).shares.tolist()


@pytest.mark.parametrize("mixture", [ng.data.ring(radius=1.0, std=0.01), ng.data.grid()], ids=lambda m: m.name)
def test_perfect_samples_score_what_theory_says(mixture):
    """Eq. (13.4): 98.89 % and (K − 1)/2n, within 6 standard errors of 100 draws of 2,500."""
    n, K = 2500, len(mixture.modes)
    expected = metrics.perfect_modes(mixture, n)
    assert expected.quality == pytest.approx(1 - np.exp(-4.5), rel=1e-14)
    assert expected.reverse_kl == {8: 0.0014, 25: 0.0048}[K]
    found = [metrics.modes(mixture.sample(n, np.random.default_rng(seed)), mixture) for seed in range(100)]
    assert all(m.covered == K for m in found)
    assert expected.covered == pytest.approx(K, abs=1e-9)
    error = np.sqrt(expected.quality * (1 - expected.quality) / (100 * n))
    assert abs(np.mean([m.quality for m in found]) - expected.quality) <= 6 * error
    kl = [m.reverse_kl for m in found]
    assert abs(np.mean(kl) - expected.reverse_kl) <= 6 * np.sqrt(2 * (K - 1)) / (2 * n) / 10
    assert metrics.perfect_modes(mixture, 1).covered == pytest.approx(expected.quality)         # one sample, one mode


@pytest.mark.parametrize(("x", "sentence"), [
    (np.zeros(4), r"samples \(n, d\).*write x\[:, None\]"),
    (np.zeros((0, 2)), "0 rows, and at least 1"),
    (np.array([[0.0, 0.0], [np.nan, 0.0]]), "NaN or infinity, first in row 1"),
    (np.zeros((3, 1)), "1 columns and mixture 2 dimensions"),
    ])
def test_bad_samples_get_a_sentence(x, sentence):
    with pytest.raises(ValueError, match=sentence):
        metrics.modes(x, PAIR)


def test_text_is_no_sample():
    with pytest.raises(TypeError, match="real numbers"):
        metrics.modes(np.array([["a"]]), PAIR)
