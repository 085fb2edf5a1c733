"""The paper's table: its recipe as stated, the best generator kept, a run that goes on, and the flag."""
import numpy as np
import pytest

import numpygan as ng
from numpygan.archive import CheckpointError
from numpygan.averaging import Averaged
from numpygan.study import parzen
from numpygan.study.best import Best


@pytest.fixture(autouse=True)
def numpy_engine(monkeypatch):
    monkeypatch.setenv("NUMPYGAN_ENGINE", "numpy")
    monkeypatch.setattr("numpygan.study.best.SAMPLES", 50)


def tiny(seed=0, averaged=True):
    """A GAN on 40 points of the unit square, its generator in training."""
    rng = np.random.default_rng(seed)
    G = ng.Network([ng.Dense(8), ng.ReLU(), ng.Dense(2), ng.Sigmoid()], 2, rng=rng)
    D = ng.MLP([2, 8, 1], rng=rng)
    return Best(ng.GAN(G, D), Averaged(0.9) if averaged else None, np.random.default_rng(1))


DATA = ng.data.array(np.random.default_rng(0).random((40, 2)), range=(0, 1))
VALID = np.random.default_rng(1).random((10, 2)).astype(np.float32)


# ------------------------------------------------------------------------------------------------ the recipes

def test_the_recipe_of_the_paper_is_as_its_code_has_it():
    x = ng.data.array(np.tile(np.linspace(0, 1, 784, dtype=np.float32), (3, 1)), range=(0, 1))
    gan, mean, batch = parzen.paper(x, 0, 250)
    assert [type(layer).__name__ for layer in gan.G.layers] == ["Dense", "ReLU", "Dense", "ReLU", "Dense", "Sigmoid"]
    assert [type(layer).__name__ for layer in gan.D.layers] == ["Dropout", "Dense", "Maxout", "Dropout", "Dense",
                                                                "Maxout", "Dropout", "Dense"]
    assert [v.shape for n, v in gan.G.params().items() if n.endswith("W")] == [(100, 1200), (1200, 1200), (1200, 784)]
    assert [v.shape for n, v in gan.D.params().items() if n.endswith("W")] == [(784, 1200), (240, 1200), (240, 1)]
    for net, bound in ((gan.G, 0.05), (gan.D, 0.005)):
        widest = max(np.abs(v).max() for n, v in net.params().items() if n.endswith("W"))
        assert 0.99 * bound < widest <= bound
    assert [layer.rate for layer in gan.D.layers if isinstance(layer, ng.Dropout)] == [0.2, 0.5, 0.5]
    assert all(layer.k == 5 for layer in gan.D.layers if isinstance(layer, ng.Maxout))
    b = gan.G.params()["4.b"].astype(float)
    assert np.allclose(1 / (1 + np.exp(-b)), np.clip(x.x[0], 1e-7, 1 - 1e-7), atol=1e-6)
    assert (gan.noise, gan.simultaneous, type(gan.loss).__name__, mean, batch) == (
        "uniform", True, "NonSaturating", None, 100)
    for opt, rate in ((gan.opt_G, 0.1), (gan.opt_D, 0.05)):                  # ½ of the sum: half the rate
        assert opt.lr(1) == pytest.approx(rate / 1.000004, rel=1e-15)
        assert [opt.momentum(t) for t in (0, 62_500, 125_000, 10**6)] == pytest.approx([0.5, 0.6, 0.7, 0.7])


def test_half_the_rate_is_half_the_loss():
    """v ← μ v + g/2 and θ ← θ − lr v, beside v ← μ v + g and θ ← θ − (lr/2) v: the same path."""
    nets = [ng.MLP([2, 3, 1], rng=np.random.default_rng(0), dtype=np.float64) for _ in range(2)]
    opts = [ng.optim.Momentum(lr, 0.6) for lr in (0.1, 0.05)]
    for step in range(5):
        g = np.random.default_rng(step).standard_normal(nets[0].theta.shape)
        opts[0].step(nets[0], g / 2)
        opts[1].step(nets[1], g)
    assert np.abs(nets[0].theta - nets[1].theta).max() < 1e-15


# ----------------------------------------------------------------------------------------------------- the best

@pytest.mark.parametrize("averaged", [True, False])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path, averaged):
    whole = tiny(averaged=averaged)
    whole.train(DATA, VALID, 4, 10, 99, tmp_path / "a.npz")
    tiny(averaged=averaged).train(DATA, VALID, 2, 10, 99, tmp_path / "b.npz")
    back = Best.load(tmp_path / "b.npz")
    assert back.epochs == 2
    back.train(DATA, VALID, 4, 10, 99, tmp_path / "b.npz")
    assert back.curve == whole.curve
    assert back.gan.G.theta.tobytes() == whole.gan.G.theta.tobytes()
    assert back.theta.tobytes() == whole.theta.tobytes()
    assert back.sample(5, np.random.default_rng(0)).tobytes() == whole.sample(5, np.random.default_rng(0)).tobytes()


def test_the_best_generator_is_kept_and_patience_ends(tmp_path, monkeypatch):
    log_p = iter([1.0, 3.0, 2.0, 2.5, 9.0])
    monkeypatch.setattr("numpygan.study.best.parzen_curve", lambda valid, x: np.array([next(log_p)] * 10))
    run, thetas = tiny(averaged=False), []
    run.train(DATA, VALID, 5, 10, 2, tmp_path / "a.npz", lambda text: thetas.append(run.gan.G.theta.copy()))
    assert [row[:2] for row in run.curve] == [(1, 1.0), (2, 3.0), (3, 2.0), (4, 2.5)]        # two without a better one
    assert run.best_epoch == 2
    assert run.theta.tobytes() == thetas[1].tobytes()


def test_another_checkpoint_is_refused(tmp_path):
    tiny().gan.save(tmp_path / "gan.npz", np.random.default_rng(0))
    with pytest.raises(CheckpointError, match="no checkpoint of this study"):
        Best.load(tmp_path / "gan.npz")


# ----------------------------------------------------------------------------------------------------- the study

@pytest.fixture
def small(monkeypatch):
    """Random 28 × 28 images in place of MNIST, few samples, a GAN of few units in place of both recipes."""
    rng = np.random.default_rng(0)
    known, valid, test = (ng.data.array(rng.random((n, 784)) * rng.random((n, 1)), np.arange(n) % 10, range=(0, 1))
                          for n in (60, 30, 30))

    def recipe(x, seed, epochs):
        draw = np.random.default_rng(seed)
        G = ng.Network([ng.Dense(784), ng.Sigmoid()], 2, rng=draw)
        return ng.GAN(G, ng.MLP([784, 4, 1], rng=draw)), None, 20

    monkeypatch.setattr(parzen, "load", lambda: (known, valid, test))
    monkeypatch.setattr(parzen, "RECIPES", {"paper": recipe, "better": recipe})
    monkeypatch.setattr(parzen, "SAMPLES", 40)
    train = parzen.train_classifier
    monkeypatch.setattr(parzen, "train_classifier", lambda *args: train(*args, steps=20))
    return known


def test_the_study_prints_its_table_and_goes_on(small, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(parzen, "cells", lambda *_: [
        parzen.Cell("", "training images", 0, {"samples": "training images"}),
        parzen.Cell("", "10 k-means centroids", 0, {"samples": "centroids", "k": 10, "rounds": 2}),
        parzen.Cell("", "paper recipe", 0, {"samples": "paper", "epochs": 2})])
    assert parzen.main(jobs=1, out=str(tmp_path)) == 0
    out = capsys.readouterr().out
    assert "GAN 225 ± 2" in out
    assert out.count("\n| ") == 4                                             # heading and three rows
    assert {p.name for p in tmp_path.iterdir()} >= {"table.csv", "cells.csv", "parzen.png", "paper-0.png",
                                                    "paper-0-of-2.npz"}
    monkeypatch.setattr(Best, "train", lambda *_: pytest.fail("it was trained already"))
    assert parzen.main(jobs=1, out=str(tmp_path)) == 0                        # every cell is known
    assert capsys.readouterr().out.count("\n| ") == 4


def test_copies_of_the_training_images_are_seen(small):
    row = parzen.scores(small.x[:40], *parzen.load())
    assert row["nearest"] == 0
    assert row["rarest class %"] <= 10 <= row["commonest %"]
    assert 0 < parzen.scores(np.random.default_rng(3).random((40, 784), np.float32), *parzen.load())["nearest"]


def test_what_is_above_training_images_is_flagged():
    rows = [parzen.Row("", name, [0], [{"log-likelihood": v}]) for name, v in (
        ("training images", 241.0), ("blurred", 300.0), ("honest", 230.0))]
    said = parzen.flagged(rows)
    assert len(said) == 1
    assert said[0].startswith("blurred is above training images")


def test_the_better_recipe_has_three_seeds_and_the_papers_one():
    def seeds(quick):
        return [(cell.settings["samples"], cell.seed) for cell in parzen.cells(quick) if "epochs" in cell.settings]
    assert seeds(False) == [("paper", 0), ("better", 0), ("better", 1), ("better", 2)]
    assert seeds(True) == [("paper", 0), ("better", 0)]
    _, first, *others = [cell for cell in parzen.cells() if "epochs" in cell.settings]
    assert all(cell == first._replace(seed=cell.seed) for cell in others)          # nothing but the seed differs


def test_the_full_study_has_the_papers_epochs():
    named = {cell.method: cell.settings for cell in parzen.cells()}
    assert named["paper recipe"]["epochs"] == 250
    assert named["2,000 k-means centroids"]["k"] == 2000
    assert {cell.settings.get("epochs") for cell in parzen.cells(quick=True)} == {None, 1, 2}
