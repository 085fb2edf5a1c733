"""The studies of collapse and balance: their measures by hand, and tiny tables from end to end."""
from dataclasses import replace

import numpy as np
import pytest

import numpygan as ng
from numpygan.classifier import train_classifier
from numpygan.study import balance, collapse, runner


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setenv("NUMPYGAN_ENGINE", "numpy")


def linear(W, rng):
    net = ng.MLP(np.shape(W), rng=rng, dtype=np.float64)
    net.theta = np.concatenate([np.ravel(W), np.zeros(np.shape(W)[1])])
    return net


def test_sensitivity_of_a_linear_generator_is_the_norm_of_its_matrix(rng):
    G = linear([[3.0, 0.0, 4.0], [0.0, 12.0, 0.0]], rng)
    assert collapse.sensitivity(G, rng.standard_normal((5, 2))) == pytest.approx(13, rel=1e-15)
    G.theta = 0 * G.theta
    assert collapse.sensitivity(G, rng.standard_normal((5, 2))) == 0


def test_spread_by_hand():
    assert collapse.spread(np.array([[0.0, 0.0], [6.0, 8.0]])) == 5
    assert collapse.spread(np.ones((4, 3))) == 0


def test_g_alone_leaves_d_as_it_is(rng):
    gan = ng.GAN(ng.MLP([2, 4, 2], rng=rng), ng.MLP([2, 4, 1], rng=rng))
    before = gan.G.theta.copy(), gan.D.theta.copy()
    collapse.train_generator(gan, 2, 8, rng)
    assert (gan.D.theta == before[1]).all()
    assert (gan.G.theta != before[0]).any()


def test_a_look_at_a_linear_game_by_hand(rng):
    """D = σ(3 x₁ + 4 x₂): right on all data and half of the fakes; pushes of 5 D and 5 (1 − D), which add up to 5."""
    gan = ng.GAN(linear([[1.0, 0.0], [0.0, 1.0]], rng), linear([[3.0], [4.0]], rng))
    seen = balance.look(gan, ng.data.gaussian([9.0, 9.0], 0.1, dtype=np.float64), 64, rng)
    assert seen["push, minimax"] + seen["push, non-sat."] == pytest.approx(5, rel=1e-12)
    assert seen["D right"] == pytest.approx(0.75, abs=6 * 0.5 / np.sqrt(500) / 2)
    assert 0.8 < seen["agreement"] <= 1


def test_a_quarter_of_the_rate_that_the_cause_makes():
    assert balance.recipe("rate of D × 10", "rate of D / 4").lr_D == pytest.approx(2.5e-3)
    assert balance.recipe("k = 10", "rate of D / 4").lr_D == pytest.approx(2.5e-4)
    assert balance.recipe("as usual", "nothing") == balance.BASE


def small(study, steps):
    recipe = {"hidden_G": [8], "hidden_D": [8], "batch": 16}
    return replace(study, cells=[c._replace(settings=c.settings | steps | {
        "recipe": c.settings["recipe"] | recipe | ({} if steps else {"steps": 50})}) for c in study.cells])


@pytest.mark.parametrize(("study", "steps"), [
    (collapse, {"steps": {"together": 50, "alone": 50, "released": 50}}), (balance, {})],
    ids=["collapse", "balance"])
def test_tiny_tables_are_whole(study, steps, tmp_path, capsys, monkeypatch):
    for module in (collapse, balance):
        monkeypatch.setattr(module, "train_classifier", lambda x, y, rng, steps: train_classifier(x, y, rng, 5))
    tiny = small(study.study(quick=True), steps)
    some = [cell for cell in tiny.cells if cell.method in ("no penalty", "spectral") and "k = 10" not in cell.group]
    tiny = replace(tiny, cells=some)
    assert runner.main(tiny, str(tmp_path), jobs=1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("| ") for line in lines) == 1 + len({(c.group, c.method) for c in tiny.cells})
    assert (tmp_path / f"{tiny.name}.png").stat().st_size > 10_000


def test_the_whole_studies_have_their_seeds():
    assert len(collapse.study().cells) == 3 * 2 * 5
    assert len(balance.study().cells) == 2 * 4 * 7 * 3
