"""Numbers about samples, by hand; the study of the digits and the race, small."""
import dataclasses
import json

import numpy as np
import pytest

import numpygan as ng
from numpygan import metrics
from numpygan.bench import workloads
from numpygan.classifier import train_classifier
from numpygan.presets import PRESETS
from numpygan.study import digits


class Judge:
    """Probabilities that are the rows themselves."""
    def probabilities(self, x):
        return x


def test_shares_by_hand():
    x = np.array([[.95, .05], [.6, .4], [.1, .9], [.2, .8]])
    assert metrics.confident_share(Judge(), x) == 0.5
    assert [metrics.confident_share(Judge(), x, level) for level in (0, 0.95, 1)] == [1, 0.25, 0]     # at least
    assert metrics.class_shares(Judge(), x).tolist() == [0.5, 0.5]


def test_distances_by_hand():
    x = np.array([[0.], [2.], [10.], [11.], [50.]])
    assert metrics.within_class_distance(x, np.array([0, 0, 1, 1, 2])) == 1.5        # means 2 and 1; one row has none
    with pytest.raises(ValueError, match="at least two rows"):
        metrics.within_class_distance(x[:2], np.array([0, 1]))
    assert metrics.nearest_distance(np.array([[0.], [1.], [5.]]), np.array([[0.], [3.]])) == 1.0


def test_the_classifier_is_right_on_held_out_digits(monkeypatch):
    monkeypatch.setenv("NUMPYGAN_ENGINE", "numpy")
    rng = np.random.default_rng(0)
    known, held_out = ng.data.digits().split(2 / 3, rng)
    judge = train_classifier(known.x, np.asarray(known.labels), rng, steps=600)
    assert judge.accuracy(held_out.x, np.asarray(held_out.labels)) > 0.93
    p, hidden = judge.net.params(), judge.features(held_out.x)
    assert hidden.shape == (held_out.n, 256)
    assert (hidden >= 0).all()
    assert np.allclose(hidden @ p["3.W"] + p["3.b"], judge.net(held_out.x), atol=1e-4)       # the last layer reads them
    assert np.abs(judge.probabilities(held_out.x).sum(axis=1) - 1).max() < 8 * np.finfo(np.float32).eps * 10


def test_the_study_prints_anchors_and_runs(monkeypatch, capsys):
    monkeypatch.setenv("NUMPYGAN_ENGINE", "numpy")
    monkeypatch.setitem(PRESETS, "digits", dataclasses.replace(PRESETS["digits"], steps=2))
    monkeypatch.setattr(digits, "train_classifier", lambda x, y, rng: train_classifier(x, y, rng, steps=300))
    assert digits.main(1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["held-out", "training", "a", "noise,", "numpygan"]
    assert lines[2].split()[-2] == "0.00"                       # training digits lie on training digits


def test_the_race_is_run_in_turns(monkeypatch, capsys, tmp_path):
    """Each contestant in a process of its own; tables, JSON and a chart; one that fails is told and left out."""
    from numpygan.bench import race, report
    monkeypatch.setitem(workloads.ALL, "tiny", workloads.Workload(1, (3,), 2, 4, "identity", 1))
    monkeypatch.setattr(report, "installed", lambda: ["nobody"])
    monkeypatch.setitem(race.PEERS, "nobody", "nothing")
    assert report.main(["tiny"], 2, 1, str(tmp_path / "a.json"), str(tmp_path / "a.png")) == 0
    out = capsys.readouterr().out
    assert "numpygan (numpy)" in out
    assert "nobody has failed: KeyError: 'nobody'" in out
    assert "not installed: jax and torch; pip install 'numpygan[bench]'" in out
    found = json.loads((tmp_path / "a.json").read_text())["workloads"]["tiny"]
    assert {who: len(t) for who, t in found["ms"].items()} == {"numpygan": 2, "numpygan (numpy)": 2, "floor": 2}
    assert all(10 < mb < 2000 for mb in found["peak"].values())
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert race.ratio({"ms": {"a": [1, 9, 4], "b": [1, 3, 2]}}, "a", "b") == 2
    # by hand, batch 4: D's step G 9, D 9 + 9 + 3 on 8 rows; G's step 9 + 9 + 9 + 9 + 6 on 4 rows; 2 operations each
    assert workloads.megaflops(workloads.ALL["tiny"]) == pytest.approx(2 * 4 * (9 + 2 * 21 + 42) / 1e6)
