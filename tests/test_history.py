"""The history: columns of equal length, read as arrays, written exactly."""
import copy
import csv
import pickle

import numpy as np
import pytest

from numpygan import History

COLUMNS = ("step", "loss_D", "loss_G", "D_real", "D_fake", "norm_g_D", "norm_g_G")


def row(x):
    return {name: x + i for i, name in enumerate(COLUMNS[1:])}


@pytest.fixture
def history():
    h = History()
    for x in (0.1, 1 / 3, 1e-300):
        h.record(**row(x))
    return h


def test_columns_are_arrays_of_one_row_per_step(history):
    assert history.columns == COLUMNS
    assert len(history) == 3
    assert history["step"].tolist() == [1, 2, 3]
    for i, name in enumerate(COLUMNS[1:]):
        assert isinstance(history[name], np.ndarray)
        assert history[name].tolist() == [0.1 + i, 1 / 3 + i, 1e-300 + i]


def test_what_is_read_is_a_copy(history):
    history["loss_D"][:] = 7
    before = history["loss_D"]
    history.record(**row(5))                    # an array that shared the buffer would forbid this
    assert before.tolist() == [0.1, 1 / 3, 1e-300]


def test_an_empty_history_has_empty_columns():
    assert len(History()) == 0
    assert all(History()[name].shape == (0,) for name in COLUMNS)
    assert repr(History()) == "History(no steps)"


def test_a_row_must_be_whole(history):
    with pytest.raises(KeyError, match="norm_g_G"):
        History().record(**{name: 0.0 for name in COLUMNS[1:-1]})


def test_an_unknown_column_is_answered_with_the_known_ones(history):
    with pytest.raises(KeyError, match="no column 'loss'; it has step, loss_D, loss_G, D_real"):
        history["loss"]


def test_the_printed_form_shows_the_last_row(history):
    history.record(**row(2))
    assert repr(history).startswith("History(4 steps; last: loss_D=2, loss_G=3, D_real=4,")
    assert repr(History.of(4, history.rows())) == repr(history)
    with pytest.raises(ValueError, match=r"hold 6 numbers each, got shape \(4, 5\)"):
        History.of(4, history.rows()[:, :5])


def test_a_row_that_is_refused_leaves_the_history_as_it_was(history):
    with pytest.raises(KeyError, match="D_real"):
        history.record(loss_D=1.0, loss_G=2.0)
    assert [len(history[name]) for name in COLUMNS] == [3] * 7
    assert len(history) == 3


def test_a_long_run_keeps_every_second_row_then_every_fourth(monkeypatch):
    monkeypatch.setattr("numpygan.history.MAX_ROWS", 4)
    h, kept = History(), {}
    for n in range(1, 20):
        h.record(**row(float(n)))
        kept[n] = h["step"].tolist()
        assert len(h) == n
        assert h["loss_D"].tolist() == kept[n]                         # the row of step n begins with n
        again = History.of(n, h.rows())                                # as from a file
        assert [again[c].tolist() for c in COLUMNS] == [h[c].tolist() for c in COLUMNS]
        again.record(**row(float(n + 1)))
        kept[n + 1] = again["step"].tolist()
    assert (kept[4], kept[5], kept[9], kept[10]) == ([1, 2, 3, 4], [2, 4], [2, 4, 6, 8], [4, 8])
    assert kept[19] == [4, 8, 12, 16]
    assert repr(h).startswith("History(19 steps; last: loss_D=19,")
    for wrong in (0, 3, 23, 10**9):
        with pytest.raises(ValueError, match="rows, and these are 4"):
            History.of(wrong, h.rows())


def test_a_hundred_thousand_rows_are_kept_and_one_more_is_not():
    assert History.of(100_000, np.zeros((100_000, 6)))["step"][:2].tolist() == [1, 2]
    assert History.of(100_001, np.zeros((50_000, 6)))["step"][:2].tolist() == [2, 4]


def test_csv_keeps_every_digit_and_leaves_one_file(history, tmp_path):
    path = history.to_csv(tmp_path / "h.csv")
    history.to_csv(str(path))                   # again, over the first
    assert [p.name for p in tmp_path.iterdir()] == ["h.csv"]
    with open(path, newline="") as f:
        header, *rows = csv.reader(f)
    assert tuple(header) == COLUMNS
    assert [r[0] for r in rows] == ["1", "2", "3"]
    for k, name in enumerate(COLUMNS[1:], start=1):
        assert [float(r[k]) for r in rows] == history[name].tolist()


def test_a_failed_csv_leaves_the_old_one(history, tmp_path, monkeypatch):
    path = history.to_csv(tmp_path / "h.csv")
    before = path.read_bytes()

    def full(*args):
        raise OSError("no space left")

    monkeypatch.setattr("numpygan.history.os.replace", full)
    with pytest.raises(OSError, match="no space left"):
        history.to_csv(path)
    assert [p.name for p in tmp_path.iterdir()] == ["h.csv"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))], ids=["deepcopy", "pickle"])
def test_copies_agree_and_are_detached(history, clone):
    twin = clone(history)
    history.record(**row(9))
    assert len(twin) == 3
    assert twin["loss_D"].tolist() == [0.1, 1 / 3, 1e-300]
