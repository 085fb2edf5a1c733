"""The machinery of studies: cells in files, a study that goes on, failures that are named, exact tables; and Dask."""
import csv
import importlib.util
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from numpygan import cli
from numpygan.plots.figure import axes
from numpygan.study import Cell, Row, Study, cells, main, run, workers
from numpygan.study.runner import limited

ROOT = Path(__file__).resolve().parents[1]
needs_joblib = pytest.mark.skipif(importlib.util.find_spec("joblib") is None, reason="joblib is an extra")

CALLS = []


def measure(settings, seed):
    """value = slope · seed + 0.1, unless the settings say that it goes wrong."""
    CALLS.append((settings["slope"], seed))
    if settings.get("fails") == seed:
        raise ValueError("the slope is\ntoo steep")
    if settings.get("stops") == seed:
        raise KeyboardInterrupt
    return {"value": settings["slope"] * seed + 0.1, "nan": float("nan") if settings.get("nan") else 0.0}


def measure_process(settings, seed):
    return {"value": os.getpid(), "nan": len(os.environ.get("OPENBLAS_NUM_THREADS", ""))}


def draw(rows):
    ax = axes(None, "values", "method", "value")
    ax.bar([row.method for row in rows], [row.values("value").mean() for row in rows])
    return ax


def study(seeds=3, measure=measure, **settings):
    all_of_them = [Cell("g", method, seed, {"slope": slope, **settings})
                   for method, slope in (("steep", 2), ("flat, of course", 0.5)) for seed in range(seeds)]
    return Study("tiny", "A tiny study", all_of_them, measure, {"value": ".2f"}, draw, ["slope times seed"])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMPYGAN_ENGINE", "numpy")
    CALLS.clear()
    return tmp_path / "runs" / "study-tiny"


def read(path):
    return list(csv.reader(path.read_text().splitlines()))


def test_a_mean_and_its_standard_error_by_hand():
    row = Row("g", "steep", [0, 1, 2], [{"value": 1.}, {"value": 2.}, {"value": 6.}])
    assert row.mean("value") == (3, pytest.approx(np.sqrt((4 + 1 + 9) / 2 / 3), rel=1e-15))
    mean, error = Row("g", "steep", [0], [{"value": 4.}]).mean("value")
    assert mean == 4
    assert np.isnan(error)


def test_the_tables_hold_every_digit(folder):
    table, failed = run(study(), jobs=1)
    assert failed == []
    assert [(row.group, row.method, row.seeds) for row in table] == [
        ("g", "steep", [0, 1, 2]), ("g", "flat, of course", [0, 1, 2])]
    header, *lines = read(folder / "cells.csv")
    assert header == ["group", "method", "seed", "value"]
    assert lines[:3] == [["g", "steep", "0", "0.1"], ["g", "steep", "1", "2.1"], ["g", "steep", "2", "4.1"]]
    assert float(lines[5][3]) == 0.5 * 2 + 0.1
    header, steep, flat = read(folder / "table.csv")
    assert header == ["group", "method", "seeds", "value", "value (standard error)"]
    assert steep[:3] == ["g", "steep", "3"]
    assert [float(v) for v in steep[3:]] == [np.mean([0.1, 2.1, 4.1]), np.std([0.1, 2.1, 4.1], ddof=1) / np.sqrt(3)]
    assert (folder / "tiny.png").stat().st_size > 1000


def test_a_stopped_study_goes_on_and_measures_nothing_twice(folder):
    stops = {"stops": 2}
    with pytest.raises(KeyboardInterrupt):
        run(study(**stops), jobs=1)
    assert CALLS == [(2, 0), (0.5, 0), (2, 1), (0.5, 1), (2, 2)]       # each method's first seed before a second one
    assert len(read(folder / "cells.csv")) == 5                        # the header and four cells
    CALLS.clear()
    with pytest.raises(KeyboardInterrupt):
        run(study(**stops), jobs=1)
    assert CALLS == [(2, 2)]


def test_a_killed_process_leaves_what_it_measured(folder, python):
    code = ("import os\nfrom numpygan.study import Cell, Study, run\n"
            "def measure(settings, seed):\n    return os._exit(9) if seed == 2 else {'value': seed}\n"
            "run(Study('tiny', '', [Cell('', 'm', s, {}) for s in range(4)], measure, {'value': '.1f'}), jobs=1)")
    python(code, fails=True, NUMPYGAN_ENGINE="numpy")
    python(code.replace("== 2", "== 7").replace("return os", "assert seed >= 2; return os"), NUMPYGAN_ENGINE="numpy")
    assert [line[2:] for line in read(folder / "cells.csv")[1:]] == [[str(s), str(s)] for s in range(4)]


def test_what_a_killed_study_left_half_written_goes_and_other_files_stay(folder):
    (folder / "cells").mkdir(parents=True)
    for name in (".cells.csv.01234567.part", "cells/.g-flat-0-89abcdef01.json.01234567.part", ".mine.mkv.part"):
        (folder / name).write_text("half")
    run(study(seeds=1), jobs=1)
    assert [path.name for path in folder.rglob(".*")] == [".mine.mkv.part"]


def test_a_second_study_in_a_folder_is_refused_while_the_first_is_there(folder, capsys, monkeypatch):
    """The second command comes in the middle of each cell of the first: it is told so, and changes nothing."""
    monkeypatch.setattr("numpygan.study.modes.study", lambda quick: study(seeds=7))

    def meanwhile(settings, seed):
        assert cli.main(["study", "modes", "--jobs", "1", "--out", str(folder)]) == 2
        return measure(settings, seed)
    _, failed = run(study(seeds=1, measure=meanwhile), folder, jobs=1)
    assert failed == []
    assert capsys.readouterr() == ("", f"numpygan: {folder} is being written by another numpygan (process {os.getpid()}"
                                       f"): wait until it has ended, or stop it\n" * 2)
    assert len(CALLS) == 2                                              # the first one's
    assert sorted(path.name for path in folder.iterdir()) == ["cells", "cells.csv", "table.csv", "tiny.png"]
    assert cli.main(["study", "modes", "--jobs", "1", "--out", str(folder)]) == 0        # the lock has gone with it


def test_a_file_is_no_folder_for_a_study(tmp_path):
    (tmp_path / "text").write_text("mine")
    with pytest.raises(ValueError, match="text is a file: name a folder with --out"):
        run(study(), tmp_path / "text", jobs=1)
    assert CALLS == []
    assert (tmp_path / "text").read_text() == "mine"


def test_a_changed_setting_or_engine_does_not_use_an_old_cell(folder, monkeypatch):
    run(study(), jobs=1)
    CALLS.clear()
    run(study(), jobs=1)
    assert CALLS == []
    run(study(width=8), jobs=1)
    assert len(CALLS) == 6
    with monkeypatch.context() as other:
        other.setattr(cells, "name_of", lambda engine: "numba")
        run(study(seeds=1, width=8), jobs=1)
    assert len(CALLS) == 8
    CALLS.clear()
    run(study(), jobs=1)                                                # the old ones are still there
    assert CALLS == []


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"cell": {}, "result": {}}', b"[" * 100_000])
def test_a_damaged_cell_is_measured_again(folder, damage):
    run(study(seeds=1), jobs=1)
    for path in (folder / "cells").iterdir():
        path.write_bytes(damage)
    CALLS.clear()
    table, _ = run(study(seeds=1), jobs=1)
    assert len(CALLS) == 2
    assert json.loads(next((folder / "cells").iterdir()).read_text())["result"]["nan"] == 0


@pytest.mark.parametrize("damage", [
    lambda result: 5, lambda result: [], lambda result: {}, lambda result: result | {"seconds": None},
    lambda result: result | {"seconds": "1"}, lambda result: result | {"value": np.nan},
    lambda result: result | {"value": 10**400}])
def test_a_cell_that_lost_a_number_is_measured_again(folder, damage):
    run(study(seeds=1), jobs=1)
    for path in (folder / "cells").iterdir():
        content = json.loads(path.read_text())
        path.write_text(json.dumps(content | {"result": damage(content["result"])}))
    CALLS.clear()
    run(study(seeds=1), jobs=1)
    assert len(CALLS) == 2


def test_the_files_are_named_where_they_are_also_below_a_home(folder, capsys, monkeypatch):
    from numpygan.study.runner import main as carry
    monkeypatch.setenv("HOME", str(folder))
    assert carry(study(seeds=1), "~/here", jobs=1) == 0
    files = [str(folder / "here" / name) for name in ("table.csv", "cells.csv", "tiny.png")]
    assert capsys.readouterr().out.splitlines()[-1] == ", ".join(files)


def test_a_failing_cell_is_named_and_the_others_go_on(folder, capsys):
    from numpygan.study.runner import main as carry
    assert carry(study(fails=1), jobs=1) == 1
    out, err = capsys.readouterr()
    assert "failed: g, steep, seed 1: ValueError: the slope is too steep" in err
    assert [line[2] for line in read(folder / "cells.csv")[1:]] == ["0", "2", "0", "2"]
    assert "| g     | steep           | 2     | 2.10 ± 2.00 |" in out
    assert carry(study(nan=True, seeds=1), jobs=1) == 1                 # a result that JSON does not know
    assert "cannot be kept" in capsys.readouterr().err


def test_the_seconds_of_a_cell_are_the_processors(monkeypatch):
    monkeypatch.setattr(cells.time, "thread_time", iter([5.0, 7.5]).__next__)
    assert cells.carry_out(measure, study().cells[0])[1]["seconds"] == 2.5


def test_the_first_seeds_of_each_method():
    both = Study("both", "", [*(Cell("", "a", s, {}) for s in (5, 6, 7)), *(Cell("", "b", s, {}) for s in (0, 1))],
                 measure, {})
    assert [(c.method, c.seed) for c in limited(both, 2).cells] == [("a", 5), ("a", 6), ("b", 0), ("b", 1)]
    assert limited(both, None).cells == both.cells


# --------------------------------------------------------------------------------------------------- processes

@needs_joblib
def test_workers_are_other_processes_with_the_same_results(folder):
    table, failed = run(study(seeds=2, measure=measure_process), jobs=2)
    assert failed == []
    pids = {int(v) for row in table for v in row.values("value")}
    assert os.getpid() not in pids
    parallel, _ = run(study(), "parallel", jobs=2)
    assert [row.values("value").tolist() for row in parallel] == [[0.1, 2.1, 4.1], [0.1, 0.6, 1.1]]
    assert [row.seeds for row in parallel] == [[0, 1, 2]] * 2           # in the order of the study


def test_without_joblib_one_process_does_it_and_says_so(folder, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "joblib", None)
    table, failed = run(study())
    assert (len(CALLS), failed) == (6, [])
    assert capsys.readouterr().err == workers.ALONE + "\n"


KILLED = """
import os, time
from numpygan.study import Cell, Study, run

def measure(settings, seed):
    os.write(1, b"at work\\n")                  # in one piece
    time.sleep(600)

run(Study("tiny", "", [Cell("", "m", seed, {}) for seed in range(2)], measure, {"value": ".1f"}), jobs=2)
"""


@needs_joblib
@pytest.mark.skipif(os.name == "nt", reason="a process does not learn there that its parent has gone")
def test_the_workers_of_a_killed_study_end(folder):
    """They hold its output open, so that it ends with the last of them."""
    process = subprocess.Popen([sys.executable, "-c", KILLED], env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert [process.stdout.readline() for _ in range(2)] == ["at work\n"] * 2
    process.kill()
    assert process.communicate(timeout=60) == ("", None)


@needs_joblib
def test_on_a_cluster_of_dask(folder):
    distributed = pytest.importorskip("distributed")
    import joblib
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with (distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as
              cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask")):
            table, failed = run(study(seeds=2))
    assert failed == []
    assert [row.values("value").tolist() for row in table] == [[0.1, 2.1], [0.1, 0.6]]


# --------------------------------------------------------------------------------------------- the command line

@pytest.mark.parametrize(("argv", "words"), [
    ("study digit", "'digit' is unknown: did you mean digits?"),
    ("study nothing-like-it", "choose from digits"),
    ("study digits --seeds 0", "--seeds: takes a whole number of at least 1"),
    ("study digits --jobs 2", "leave --jobs out"),
    ("study digits --out x", "leave --out out")])
def test_misuse_is_one_sentence(argv, words, capsys):
    assert cli.main(argv.split()) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_an_unknown_name_suggests_one():
    with pytest.raises(ValueError, match="did you mean digits"):
        main("digitz")
