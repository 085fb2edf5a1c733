"""`numpygan evaluate`: the table that belongs to the data, its anchors, JSON, and what it refuses."""
import json

import numpy as np
import pytest

import numpygan as ng
from numpygan import cli, evaluate
from numpygan.app.options import Misuse
from numpygan.evaluate import board, images, points

SMALL = ["--hidden", "8", "--steps", "3", "--batch", "16", "--engine", "numpy", "--out", "r"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, undrawn):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMPYGAN_ENGINE", "numpy")
    return tmp_path


def train(*args):
    assert cli.main(["train", *args, *SMALL]) == 0


def values(found, name):
    return next(row["values"] for row in found["rows"] if row["samples"] == name)


# ------------------------------------------------------------------------------------------------- the board

def test_a_row_is_the_mean_over_draws_and_their_spread():
    table = board.Board("title", [board.Column("mean", ".1f", lambda x: float(x.mean())),
                                  board.Column("none", ".1f", lambda x: None)], ["said"])
    table.score("one", np.ones((2, 1)))
    table.score("two", np.zeros((2, 1)), 2 * np.ones((2, 1)))
    assert table.plain()["rows"] == [
        {"samples": "one", "values": {"mean": 1.0, "none": None}, "std": {}},
        {"samples": "two", "values": {"mean": 1.0, "none": None}, "std": {"mean": pytest.approx(2**0.5)}}]
    assert [line.split() for line in table.text().splitlines()] == [
        ["title"], [], ["mean", "none"], ["one", "1.0", "–"], ["two", "1.0", "–"], ["their", "spread", "1.4", "–"], [],
        ["-", "said"]]


# ---------------------------------------------------------------------------------------------------- points

def test_a_run_on_the_ring(capsys):
    train("ring")
    capsys.readouterr()
    assert cli.main(["evaluate", "r", "-n", "300", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(values(found, "this run")) == ["modes of 8", "quality %", "reverse KL", "in region %", "JSD", "W1",
                                               "MMD²", "1-NN"]
    perfect, copies = values(found, "perfect samples"), values(found, "the real rows again")
    assert perfect["modes of 8"] == 8
    assert abs(perfect["quality %"] - 98.89) < 2                             # 17 of 1,500 off, and 47 once in 10⁹ seeds
    assert abs(perfect["1-NN"] - 0.5) < 0.15                                 # six times the 0.024 of one draw of 300
    assert (copies["1-NN"], copies["JSD"], copies["W1"]) == (0, 0, 0)
    assert values(found, "this run")["1-NN"] > 0.8                           # three steps of training
    assert values(found, "50 k-means centroids")["1-NN"] > 0.75              # 0.86 ± 0.01 in seven seeds
    assert any("if perfect 98.89 %" in line for line in found["protocol"])
    x = ng.GAN.load("r/checkpoint.npz").sample(300, np.random.default_rng(0))
    assert values(found, "this run")["quality %"] == 100 * ng.metrics.modes(x, ng.data.ring()).quality


def test_the_same_seed_gives_the_same_table(capsys):
    train("gaussian")
    found = [evaluate.table("r", 100, seed).plain() for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert "modes of 1" not in values(found[0], "this run")
    assert cli.main(["evaluate", "r", "-n", "100"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert "100 samples after 3 steps, seed 0" in "\n".join(out)


def test_finite_points_are_compared_half_with_half(folder):
    np.save(folder / "own.npy", np.random.default_rng(0).standard_normal((60, 3)))
    train("own.npy")
    found = evaluate.table("r").plain()
    assert set(values(found, "this run")) == {"W1", "MMD²", "1-NN"}          # three dimensions, no density
    assert [row["samples"] for row in found["rows"]][1] == "the other half of the data"
    assert "30 rows of own" in found["protocol"][0]
    with pytest.raises(Misuse, match="has 60 rows.*-n 2 to 30"):
        evaluate.table("r", 31)


def test_the_halves_have_no_row_in_common():
    data = ng.data.array(np.arange(20.0).reshape(10, 2))
    real, other = points._real(data, 5, np.random.default_rng(0))
    assert not {tuple(row) for row in real} & {tuple(row) for row in other}


# ---------------------------------------------------------------------------------------------------- images

def test_a_run_on_the_digits(monkeypatch):
    from numpygan.classifier import train_classifier
    monkeypatch.setattr(images, "train_classifier", lambda x, y, rng: train_classifier(x, y, rng, steps=300))
    train("digits")
    found = evaluate.table("r", 200).plain()
    real, noise, run = (values(found, name) for name in ("training images", "noise, U(0, 1)", "this run"))
    assert set(real) == {"confident %", "rarest class %", "commonest %", "Fréchet", "Parzen", "nearest"}
    assert real["confident %"] > 75 > 20 > noise["confident %"]              # 87 ± 1.4 and 0.2 ± 0.4 in seven seeds
    assert real["Fréchet"] < run["Fréchet"]
    assert real["Parzen"] > 10 > -30 > noise["Parzen"]                       # 16 ± 0.6 and −41 ± 0.4
    assert real["nearest"] == 0 < run["nearest"]
    assert any("% right on the others" in line for line in found["protocol"])


def test_images_without_labels_and_outside_their_range(folder):
    """No classifier; a linear output leaves the range, is cut off, and the protocol says so."""
    np.save(folder / "own.npy", np.random.default_rng(0).random((80, 4, 4)))
    train("own.npy", "--output", "identity")
    found = evaluate.table("r").plain()
    assert set(values(found, "this run")) == {"Fréchet", "Parzen", "nearest"}
    assert any("cut off" in line for line in found["protocol"])
    with pytest.raises(Misuse, match="ask for -n 10 to 30"):
        evaluate.table("r", 31)


def test_labels_with_gaps_are_as_many_classes_as_there_are():
    """Numbers of persons as labels would be a classifier of a thousand million outputs, and a gap a class of 0 %."""
    x = np.random.default_rng(0).random((80, 4, 4))
    labels = np.arange(80) % 2 * 1_000_000_000
    parts, _ = images.split(ng.data.array(x, labels), None, None, np.random.default_rng(0))
    assert set(parts.labels) == set(parts.test_labels) == {0, 1}


def test_parts_do_not_overlap():
    x = np.arange(80.0)[:, None, None] / 80
    parts, n = images.split(ng.data.array(x, range=(0, 1)), None, None, np.random.default_rng(0))
    groups = [set(np.round(part[:, 0] * 80).astype(int)) for part in (parts.known, parts.valid, parts.test)]
    assert [len(g) for g in groups] == [30, 10, 40]
    assert len(set.union(*groups)) == 80
    assert n == 30
    with pytest.raises(Misuse, match="too few to evaluate"):
        images.split(ng.data.array(x[:8], range=(0, 1)), None, None, np.random.default_rng(0))


def test_pixels_are_brought_to_0_and_1():
    assert images.unit(np.array([[-1.0, 0.0, 1.0]]), (-1, 1)).tolist() == [[0, 0.5, 1]]


# ---------------------------------------------------------------------------------------------------- errors

@pytest.mark.parametrize("others", [0, 3])
def test_data_of_equal_rows_is_told_in_words_of_the_command_line(others, folder, rng, capsys):
    np.save("x.npy", np.concatenate([np.full((60 - others, 2), 3.0), rng.normal(size=(others, 2))]))
    train("x.npy")
    capsys.readouterr()
    assert cli.main(["evaluate", "r"]) == 2
    assert capsys.readouterr().err == (
        "numpygan: most rows of x.npy are equal, so no distance between them says how near samples are: look at "
        "samples instead, numpygan sample RUN --out samples.png\n")


def test_a_column_of_one_value_leaves_out_the_grid_alone(folder, rng, capsys):
    """It has no length to be cut into cells; all other numbers are there."""
    np.save("x.npy", np.c_[rng.normal(size=60), np.full(60, 3.0)])
    train("x.npy")
    capsys.readouterr()
    assert cli.main(["evaluate", "r"]) == 0
    out = capsys.readouterr().out
    assert "JSD" not in out
    assert "W1 sliced" in out


def test_errors_are_one_sentence(folder, capsys):
    assert cli.main(["evaluate", "nowhere"]) == 2
    assert "there is no folder nowhere" in capsys.readouterr().err
    np.save(folder / "own.npy", np.random.default_rng(0).standard_normal((60, 3)))
    train("own.npy")
    np.save(folder / "own.npy", np.random.default_rng(1).standard_normal((60, 3)))
    capsys.readouterr()
    assert cli.main(["evaluate", "r"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "is not that of r any more" in err
    assert err.count("\n") == 1
    np.save(folder / "one.npy", np.ones((1, 3)))
    train("one.npy", "--force")
    capsys.readouterr()
    assert cli.main(["evaluate", "r"]) == 2
    assert "one.npy has 1 row, and two halves of them are compared: too few to evaluate" in capsys.readouterr().err
