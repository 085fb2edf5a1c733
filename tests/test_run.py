"""The run folder: what is in it, never overwritten, whole or not at all, and gone on with to the last bit."""
import copy
import functools
import json
import operator
import os
import sys
import time

import numpy as np
import pytest
from PIL import Image

import numpygan as ng
from numpygan import checkpoint
from numpygan.app import trainset
from numpygan.app.export import export
from numpygan.app.options import Misuse
from numpygan.app.run import FILES, Run, max_snapshots
from numpygan.app.sample import sample
from numpygan.app.scale import scaled, unscaled
from numpygan.app.train import resume, train
from numpygan.archive import CheckpointError
from numpygan.evaluate import evaluate
from numpygan.files import atomic, sweep, write_json
from numpygan.presets import PRESETS, Recipe, build, choose

SMALL = {"hidden_G": (8,), "hidden_D": (8,), "steps": 12, "batch": 16}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, request):
    """Everything happens in an empty folder, on the engine that compiles nothing, and pictures are not drawn.

    A test that asks for `pictures` has them.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMPYGAN_ENGINE", "numpy")
    if "pictures" not in request.fixturenames:
        monkeypatch.setattr(Run, "draw_samples", lambda self, *_: self["samples.png"].write_text("not drawn"))
        monkeypatch.setattr(Run, "draw", lambda self, *_: [self[name].write_text("not drawn") for name in FILES[:3]])
    return tmp_path


@pytest.fixture
def pictures():
    """The pictures of this test are drawn."""


def results(folder):
    """What must not depend on how often a run was stopped: every array and every file but the config."""
    with np.load(folder / "checkpoint.npz") as file:
        held = {k: file[k].tobytes() for k in file.files}
    return held, [(folder / name).read_bytes() for name in FILES if name != "config.json"]


# ----------------------------------------------------------------------------------------------------- files

def test_an_atomic_file_is_the_old_one_until_it_is_whole(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with atomic(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    with pytest.raises(TypeError), atomic(path) as file:
        file.write("half")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a"]


def test_an_atomic_file_is_synced_before_it_is_renamed(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda f: (order.append("fsync"), fsync(f)))
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append("replace"), replace(a, b)))
    with atomic(tmp_path / "a") as file:
        file.write(b"x")
    assert order == ["fsync", "replace", "fsync"]           # the file, then its name in the folder


def test_json_has_no_nan_and_sweep_removes_only_what_is_half_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "config.json", {"x": float("nan")})
    assert os.listdir(tmp_path) == []
    for name in (".config.json.1f.part", ".other.json.1f.part", "config.json", "x.part"):
        (tmp_path / name).write_text("")
    sweep(tmp_path, ("config.json",))
    assert sorted(os.listdir(tmp_path)) == [".other.json.1f.part", "config.json", "x.part"]


# ---------------------------------------------------------------------------------------------------- folders

def test_runs_are_numbered_and_never_share_a_folder(folder):
    made = [Run.create(None, "digits").folder for _ in range(3)]
    assert [str(p) for p in made] == [os.path.join("runs", f"digits-{i}") for i in (1, 2, 3)]
    os.rmdir(made[1])
    assert Run.create(None, "digits").folder == made[1]


def test_a_folder_that_is_not_empty_is_refused_and_force_replaces_the_files_of_a_run_only(folder):
    (folder / "out").mkdir()
    assert Run.create("out", "x").folder.name == "out"                      # empty: taken as it is
    for name in (*FILES, "notes.txt", ".checkpoint.npz.ab.part"):
        (folder / "out" / name).write_text("old")
    with pytest.raises(Misuse, match="not empty.*--force"):
        Run.create("out", "x")
    assert len(os.listdir("out")) == 8
    Run.create("out", "x", force=True).clear()
    assert os.listdir("out") == ["notes.txt"]
    with pytest.raises(Misuse, match="is a file"):
        Run.create("out/notes.txt", "x", force=True)


def test_what_cannot_be_trained_leaves_no_folder(folder):
    for changes in ({"batch": 0}, {"k": 0}, {"z": 0}, {"epochs": 2}, {"loss": "hings"}, {"optimiser": "adan"},
                    {"activation_G": "softmax"}, {"init": "zero"}, {"loss": "hinge", "real_label": 0.9},
                    {"optimiser": "sgd", "beta1": 0.3}, {"dropout": 1.0}, {"lr_G": -1.0}, {"output": "relu"}):
        with pytest.raises(Misuse):
            train("ring", changes=SMALL | changes)
    with pytest.raises(Misuse, match="rng.*did you mean ring"):
        train("rng")
    with pytest.raises(Misuse, match="cannot reach the data"):
        train("digits", changes=SMALL | {"output": "sigmoid"})
    with pytest.raises(Misuse, match="--root"):
        train("mnist", root="nowhere")
    assert os.listdir(folder) == []


def test_a_run_holds_its_six_files_and_the_config_tells_everything(folder, pictures, capsys):
    assert train("digits", changes=SMALL | {"dropout": 0.2}, seed=3, command=["numpygan", "train", "a b"]) == 0
    run = folder / "runs" / "digits-1"
    assert sorted(os.listdir(run)) == sorted(FILES)
    config = json.loads((run / "config.json").read_text())
    assert config["status"] == "finished"
    assert (config["seed"], config["engine"], config["steps"], config["steps_done"]) == (3, "numpy", 12, 12)
    assert config["command"] == "numpygan train 'a b'"
    assert config["recipe"]["hidden_G"] == [8]
    assert Recipe.from_dict(config["recipe"]) == PRESETS["digits"].changed(**SMALL, dropout=0.2)
    assert config["data"]["source"]["known"] is True
    assert config["data"]["source"]["files"][0]["sha256"] == ng.data.digits().source["files"][0]["sha256"]
    assert set(config["versions"]) >= {"python", "numpygan", "numpy", "numba", "scipy"}
    rows = (run / "history.csv").read_text().splitlines()
    assert len(rows) == 13
    assert capsys.readouterr().err == ""                                    # nobody watches: nothing moves


def test_the_same_seed_gives_the_same_bits_and_python_can_repeat_it(folder):
    train("ring", changes=SMALL, seed=5, out="a")
    train("ring", changes=SMALL, seed=5, out="b")
    assert results(folder / "a") == results(folder / "b")
    rng = np.random.default_rng(5)
    data = ng.data.ring()
    gan = build(PRESETS["ring"].changed(**SMALL), data, rng)
    gan.fit(data, steps=12, batch=16, rng=rng)
    assert gan.G.theta.tobytes() == ng.GAN.load("a/checkpoint.npz").G.theta.tobytes()
    train("ring", changes=SMALL, seed=6, out="c")
    assert results(folder / "a") != results(folder / "c")


def test_a_picture_appears_soon_and_is_replaced(folder, monkeypatch):
    """With a clock that moves half a second per look, samples.png is there long before the end."""
    clock = iter(np.arange(0, 1e6, 0.5))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    seen = []
    monkeypatch.setattr(Run, "draw_samples", lambda self, gan, *a: seen.append(len(gan.history)))
    train("ring", changes=SMALL | {"steps": 40}, out="a")
    assert seen[0] < 5
    assert 3 <= len(seen) <= 6                                              # after 1, 2, 4, … times as long


# ------------------------------------------------------------------------------------------------------ resume

class Killed(BaseException):
    """The process is gone: nothing after it runs."""


@pytest.mark.parametrize(("name", "recipe"), [
    ("digits", {"dropout": 0.3, "batch": 500, "k": 2}), ("ring", {"optimiser": "rmsprop"}),
    ("gaussian", {"noise": "uniform"}),
    ("ring", {"average": 0.9, "input_noise": 0.3, "anneal": 1.0, "flip": 0.1, "spectral": True, "decay": 0.5,
              "loss": "non-saturating"}),
    ("ring", {"average": 0.9, "batch_norm": "G"}),
    ("digits", {"r1": 0.0, "batch": 500, "batch_norm": "GD", "minibatch_std": True, "pack": 2})])
@pytest.mark.parametrize("when", [5, 9])
def test_a_run_that_dies_and_is_resumed_ends_with_the_same_bits(name, recipe, when, folder, monkeypatch):
    recipe = SMALL | {"steps": 14} | recipe
    train(name, changes=recipe, out="whole", checkpoint_every=4)
    with monkeypatch.context() as patch:
        patch.setattr("numpygan.app.train.Preview.__call__", lambda self, gan: _die_at(gan, when))
        patch.setattr("numpygan.app.train._finish", lambda *_: None)
        with pytest.raises(Killed):
            train(name, changes=recipe, out="part", checkpoint_every=4)
    assert len(ng.GAN.load("part/checkpoint.npz").history) == when // 4 * 4
    assert json.loads((folder / "part" / "config.json").read_text())["status"] == "running"
    assert resume("part") == 0
    assert results(folder / "part") == results(folder / "whole")
    assert json.loads((folder / "part" / "config.json").read_text())["status"] == "finished"


def _die_at(gan, step):
    if len(gan.history) == step:
        raise Killed


def test_a_run_that_dies_before_its_first_checkpoint_is_resumed_too(folder, monkeypatch):
    train("ring", changes=SMALL, out="whole", checkpoint_every=10)
    with monkeypatch.context() as patch:
        patch.setattr("numpygan.app.train.Preview.__call__", lambda self, gan: _die_at(gan, 3))
        patch.setattr("numpygan.app.train._finish", lambda *_: None)
        with pytest.raises(Killed):
            train("ring", changes=SMALL, out="part", checkpoint_every=10)
    assert len(ng.GAN.load("part/checkpoint.npz").history) == 0
    assert resume("part") == 0
    assert results(folder / "part") == results(folder / "whole")


def test_a_resumed_run_says_that_other_versions_run_now(folder, capsys):
    train("ring", changes=SMALL, out="a")
    config = json.loads((folder / "a" / "config.json").read_text())
    resume("a")
    assert capsys.readouterr().err == ""
    write_json("a/config.json", config | {"versions": config["versions"] | {"numpy": "1.0"}})
    resume("a")
    assert f"numpy was 1.0 and is {np.__version__}: from here on the bits may differ" in capsys.readouterr().err
    assert json.loads((folder / "a" / "config.json").read_text())["versions"] == config["versions"]


def test_resume_draws_again_what_is_finished(folder, pictures):
    train("digits", changes=SMALL, out="a")
    before = results(folder / "a")
    for name in ("samples.png", "curves.png", "training.gif"):
        (folder / "a" / name).unlink()
    assert resume("a") == 0
    assert results(folder / "a") == before


def test_resume_trains_longer_when_asked(folder):
    constant = SMALL | {"decay": 0.0}                   # rates that fall would fall later in the longer run
    train("ring", changes=constant, out="a")
    assert resume("a", steps=20) == 0
    train("ring", changes=constant | {"steps": 20}, out="b")
    assert ng.GAN.load("a/checkpoint.npz").G.theta.tobytes() == ng.GAN.load("b/checkpoint.npz").G.theta.tobytes()
    with pytest.raises(Misuse, match="20 steps already"):
        resume("a", steps=10)


@pytest.mark.parametrize(("side", "most"), [(28, 200), (64, 128), (512, 2)])
def test_large_images_have_fewer_snapshots(side, most):
    G = ng.MLP([16, side * side], rng=np.random.default_rng(0), engine="numpy")
    assert max_snapshots(np.zeros((64, 16), np.float32), G) == most


def test_images_in_colour_are_told(folder, capsys):
    (folder / "red").mkdir()
    for name in "ab":
        Image.new("RGB", (4, 4), (255, 0, 0)).save(folder / "red" / f"{name}.png")
    train("red", changes=SMALL | {"batch": 2}, out="a")
    assert "red has images in colour, which are taken as grey" in capsys.readouterr().err


def test_resume_refuses_what_is_no_run(folder):
    for name, words in (("nothing", "there is no folder nothing"), (".", "holds no config.json")):
        with pytest.raises(Misuse, match=words):
            resume(name)
    train("ring", changes=SMALL)
    with pytest.raises(Misuse, match="no folder ring-1: name one that numpygan train made, such as runs/ring-1"):
        resume("ring-1")
    train("ring", changes=SMALL, out="a")
    (folder / "a" / "checkpoint.npz").unlink()
    with pytest.raises(Misuse, match=r"no checkpoint\.npz: the run ended before"):
        resume("a")


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"recipe": 3}', "[" * 100_000])
def test_a_damaged_config_is_one_sentence(text, folder):
    train("ring", changes=SMALL, out="a")
    (folder / "a" / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        resume("a")


WRONG = {str: (None, 1.5, []), bool: (None, 1.5, "x"), int: (None, 1.5, "x", [], True, -1),
         list: (1.5, "x", {}, [None]),
         float: (None, "x", [], True, float("nan"), 10**400), dict: (1.5, "x", []), type(None): (1.5, [])}


def test_every_key_of_a_config_is_looked_at_before_any_work(folder, rng):
    """Missing, or of a wrong type: all four commands say the file and the key, and write nothing."""
    np.save("x.npy", rng.normal(size=(40, 2)))
    train("x.npy", changes=SMALL, out="a")
    whole = json.loads((folder / "a" / "config.json").read_text())
    commands = (lambda: resume("a", 20), lambda: sample("a", 3, 0, "s.npz"), lambda: evaluate("a"),
                lambda: export("a", "G", "g.npz"))
    ignored, or_null = {"command", "steps_done", "platform", "cpus"}, (["recipe", "steps"], ["data", "n"])
    keys = [*([key] for key in whole if key not in ignored),
            *([outer, key] for outer in ("recipe", "data") for key in whole[outer]), ["data", "source", "files"]]
    for path in keys:
        for value in ("missing", *WRONG[type(functools.reduce(operator.getitem, path, whole))]):
            if value is None and path in or_null:
                continue
            config = copy.deepcopy(whole)
            holder = functools.reduce(operator.getitem, path[:-1], config)
            holder |= {path[-1]: value}
            if value == "missing":
                del holder[path[-1]]
            (folder / "a" / "config.json").write_text(json.dumps(config))
            before = {file: (folder / "a" / file).read_bytes() for file in os.listdir("a")}
            for command in commands:
                with pytest.raises(CheckpointError, match=rf"config\.json has no '{'.'.join(path[:2])}'.*restore it"):
                    command()
            assert {file: (folder / "a" / file).read_bytes() for file in os.listdir("a")} == before
    assert sorted(os.listdir(folder)) == ["a", "x.npy"]


def test_a_config_that_does_not_fit_its_checkpoint_is_one_sentence(folder):
    train("ring", changes=SMALL | {"simultaneous": True}, out="a")
    config = json.loads((folder / "a" / "config.json").read_text())
    write_json("a/config.json", config | {"recipe": config["recipe"] | {"k": 2}})
    with pytest.raises(CheckpointError, match=r"config\.json and checkpoint\.npz do not fit \(simultaneous"):
        resume("a", steps=20)
    write_json("a/config.json", config | {"data": config["data"] | {"shape": [3]}})
    with pytest.raises(CheckpointError, match=r"config\.json tells of items of shape \(3,\), and G makes 2"):
        sample("a", 3, 0, "x.npz")
    assert sorted(os.listdir(folder)) == ["a"]
    assert json.loads((folder / "a" / "config.json").read_text())["status"] == "finished"


def test_a_config_or_checkpoint_of_something_else_is_one_sentence(folder):
    train("ring", changes=SMALL, out="a")
    config = json.loads((folder / "a" / "config.json").read_text())
    write_json("a/config.json", config | {"recipe": config["recipe"] | {"no": 1}})
    with pytest.raises(CheckpointError, match="a recipe with the unknown key 'no'"):
        resume("a")
    write_json("a/config.json", config)
    ng.GAN.load("a/checkpoint.npz").save("a/checkpoint.npz")
    with pytest.raises(CheckpointError, match="no checkpoint of a run folder"):
        resume("a")


@pytest.mark.parametrize(("name", "change", "words"), [
    ("average.beta", lambda x: x * [1, np.inf], "average"),
    ("average.beta", lambda x: x * [1, -1], "average"),
    ("snapshots.steps", lambda x: x * np.inf, "infinity"),
    ("average.theta", lambda x: x * np.float32(np.nan), "average"),
    ("snapshots.z", lambda x: x * np.float32(np.nan), "snapshots"),
    ("snapshots.z", lambda x: np.hstack([x, x]), "snapshots"),
    ("snapshots.samples", lambda x: np.dstack([x, x]), "snapshots"),
    ("snapshots.samples", lambda x: x[:, 1:], "snapshots"),
    ("snapshots.samples", lambda x: x * np.float32(np.inf), "snapshots"),
])
def test_a_checkpoint_whose_frames_or_average_do_not_fit_is_one_sentence(name, change, words, folder):
    train("ring", changes=SMALL | {"average": 0.9}, out="a")
    gan, rng, extra, _ = checkpoint.load("a/checkpoint.npz", ng.GAN)
    checkpoint.save("a/checkpoint.npz", gan, rng, extra | {name: change(extra[name])})
    with pytest.raises(CheckpointError, match=rf"a/checkpoint\.npz is no checkpoint of a run folder.*{words}"):
        resume("a", steps=20)


def test_resume_refuses_data_that_has_changed(folder, rng):
    x = rng.normal(size=(40, 2))
    np.save("x.npy", x)
    train("x.npy", changes=SMALL, out="a")
    np.save("x.npy", x + 1)
    with pytest.raises(Misuse, match=r"is not that of a any more"):
        resume("a", steps=20)
    np.save("x.npy", x)
    assert resume("a", steps=20) == 0


def test_a_diverged_run_keeps_its_last_checkpoint_and_is_not_resumed(folder, pictures, monkeypatch):
    """G is spoiled after step 9: the checkpoint of step 8 stays as it was, and can be sampled from."""
    def spoil(self, gan):
        if len(gan.history) == 9:
            held.append((folder / "a" / "checkpoint.npz").read_bytes())
            gan.G.theta = np.full_like(gan.G.theta, np.nan)
    held = []
    monkeypatch.setattr("numpygan.app.train.Preview.__call__", spoil)
    with pytest.raises(ng.Divergence, match="diverged in step 10: .* of G"):
        train("ring", changes=SMALL | {"steps": 50}, out="a", checkpoint_every=4)
    config = json.loads((folder / "a" / "config.json").read_text())
    assert (config["status"], config["steps_done"]) == ("diverged", 9)
    assert (folder / "a" / "checkpoint.npz").read_bytes() == held[0]
    assert len(ng.GAN.load("a/checkpoint.npz").history) == 8
    assert len((folder / "a" / "history.csv").read_text().splitlines()) == 10
    assert (folder / "a" / "training.gif").exists()
    sample("a", 5, 0, "s.npz")
    with pytest.raises(Misuse, match="diverged, and would again"):
        resume("a")


@pytest.mark.parametrize("rate", [1e308, sys.float_info.max])
def test_a_run_with_the_largest_of_rates_diverges_and_says_so_again(rate, folder):
    with pytest.raises(ng.Divergence):
        train("ring", changes=SMALL | {"lr_G": rate, "lr_D": rate}, out="a")
    with pytest.raises(Misuse, match="diverged, and would again"):
        resume("a")


# -------------------------------------------------------------------------------------- data of the user's own

def test_scaling_by_hand_and_back():
    x = np.array([[0, 255], [51, 127.5]], np.float32)
    data, original = scaled(ng.data.array(x))
    assert original == (0.0, 255.0)
    assert data.range == (-1.0, 1.0)
    np.testing.assert_allclose(data.x, [[-1, 1], [-0.6, 0]], rtol=0, atol=4 * np.finfo(np.float32).eps)
    np.testing.assert_allclose(unscaled(data.x, original), x, rtol=4 * np.finfo(np.float32).eps, atol=1e-5)
    assert scaled(ng.data.digits())[1] is None
    assert scaled(ng.data.ring())[1] is None
    constant, _ = scaled(ng.data.array(np.full((3, 2), 7.0)))
    assert np.isfinite(constant.x).all()
    assert unscaled(x, None) is x


@pytest.mark.parametrize("offset", [0.0, 1e8, -1e12])
def test_data_far_from_0_is_learned_as_data_around_0(offset, folder, rng):
    """Rounded to float32 before the scaling, all rows around 1e8 would be a few points, around 1e12 one."""
    x = offset + np.ldexp(rng.integers(-9000, 9000, (50, 2)), -12)                  # sums without rounding
    np.save("x.npy", x)
    np.save("near.npy", x - offset)
    data, (low, high) = trainset.load("x.npy")
    assert data.x.tobytes() == trainset.load("near.npy")[0].x.tobytes()
    assert data.dtype == np.float32
    assert (low, high) == (x.min(), x.max())
    back = unscaled(data.x, (low, high))
    assert back.dtype == np.float64
    np.testing.assert_allclose(back, x, rtol=0, atol=2 * np.finfo(np.float32).eps * (high - low) + np.spacing(1e12))
    train("x.npy", changes=SMALL, out="a")
    sample("a", 50, 0, "s.npz")
    with np.load("s.npz") as file:
        assert len(np.unique(file["samples"])) > 90


@pytest.mark.parametrize("x", [np.arange(256).astype(np.uint8), np.linspace(-1, 1, 256), np.arange(256.0) - 7,
                               np.linspace(0, 1, 256).astype(np.float32)])
def test_scaling_in_float64_leaves_the_bytes_of_other_data_as_they_were(x, folder):
    np.save("x.npy", x.reshape(64, 2, 2))
    data, _ = trainset.load("x.npy")
    assert data.x.tobytes() == scaled(ng.data.array(x.reshape(64, 2, 2)))[0].x.tobytes()


def test_columns_that_scaling_would_round_away_are_refused(folder, rng, capsys):
    np.save("x.npy", np.c_[1e9 * rng.random(50), rng.normal(size=50)])
    np.save("far.npy", np.array([[-1.7e308, 0], [1.7e308, 0]]))
    for name, words in (("x", r"x\.npy scaled to \[-1, 1\]: .*column 1 goes from .*subtract x\.mean\(axis=0\) first"),
                        ("far", r"far\.npy goes from -1\.7e\+308 to 1\.7e\+308, too far .*divide it by 2")):
        with pytest.raises(ng.data.DataError, match=words):
            train(f"{name}.npy", changes=SMALL)
    assert sorted(os.listdir(folder)) == ["far.npy", "x.npy"]


def test_samples_that_are_no_numbers_are_refused_before_a_file_is_written(folder, rng):
    np.save("x.npy", rng.uniform(-3e38, 3e38, (50, 2)).astype(np.float32))
    train("x.npy", changes=SMALL, out="a")
    sample("a", 500, 0, "s.npz")                             # wider than float32 can hold
    with np.load("s.npz") as file:
        assert np.isfinite(file["samples"]).all()
    config = json.loads((folder / "a" / "config.json").read_text())
    write_json("a/config.json", config | {"data": config["data"] | {"range_before_scaling": [-8e307, 8e307]}})
    with pytest.raises(FloatingPointError, match=r"leave the range of the data, -8e\+307 to 8e\+307.*divide the data"):
        sample("a", 500, 0, "t.npz")
    state = Run("a").load()
    state.gan.G.theta = np.full_like(state.gan.G.theta, 1e38)
    Run("a").save(state)
    for name in ("t.npz", "t.png"):
        with pytest.raises(FloatingPointError, match=r"G\(z\) holds NaN or infinity.*lower --lr-G"):
            sample("a", 5, 0, name)
    assert sorted(os.listdir(folder)) == ["a", "s.npz", "x.npy"]


def test_an_exported_generator_comes_with_the_way_back_to_the_range_of_the_data(folder, rng, capsys):
    np.save("x.npy", np.array([[1e8, 1e8 + 3], [1e8 + 1, 1e8 + 2]]))
    train("x.npy", changes=SMALL | {"batch": 2}, out="a")
    capsys.readouterr()
    export("a", "G", "g.npz")
    assert "\n100000000.0 + (G(z).double() + 1) / 2 * 3.0 brings its samples" in capsys.readouterr().out
    export("a", "D", "d.npz")
    assert "brings" not in capsys.readouterr().out


def test_images_of_any_range_are_learned_and_sampled_in_their_own_range(folder, rng):
    x = rng.integers(0, 256, (30, 4, 5))
    x[0, 0, :2] = 0, 255
    np.savez("faces.npz", x=x, labels=np.arange(30) % 3)
    assert train("faces.npz", changes=SMALL) == 0
    run = folder / "runs" / "faces-1"
    assert json.loads((run / "config.json").read_text())["data"]["range_before_scaling"] == [0.0, 255.0]
    assert json.loads((run / "config.json").read_text())["data"]["source"]["known"] is False
    sample(str(run), 50, 1, "s.npz")
    with np.load("s.npz") as file:
        x = file["samples"]
        assert file.files == ["samples"]
    assert x.shape == (50, 20)
    assert x.min() >= 0
    assert x.max() <= 255
    assert x.max() > 2
    sample(str(run), 9, 1, "s.png")


@pytest.mark.parametrize(("shape", "like"), [((2,), "moons"), ((16,), "moons"), ((8, 8), "digits"), ((100,), "digits"),
                                             ((28, 28), "mnist"), ((20, 20, 3), "mnist")])
def test_data_of_ones_own_gets_the_recipe_of_what_it_resembles(shape, like):
    data = ng.data.array(np.random.default_rng(0).normal(size=(3, *shape)))
    recipe = choose("x.npy", None, data)
    assert recipe.data == "x.npy"
    assert (recipe.hidden_G, recipe.z, recipe.batch) == \
           (PRESETS[like].hidden_G, PRESETS[like].z, PRESETS[like].batch)


@pytest.mark.parametrize("d", [1, 3])
def test_points_in_other_dimensions_are_trained_and_drawn(d, folder, pictures, rng):
    np.save("x.npy", rng.normal(size=(40, d)))
    assert train("x.npy", changes=SMALL, out="a") == 0
    sample("a", 20, 0, "x.png")


# ----------------------------------------------------------------------------------------------------- samples

def test_samples_are_those_of_the_generator_and_the_seed(folder):
    train("digits", changes=SMALL, out="a")
    sample("a", 100, 7, "x.npz")
    gan = ng.GAN.load("a/checkpoint.npz")
    with np.load("x.npz") as file:
        assert file["samples"].tobytes() == gan.sample(100, np.random.default_rng(7)).tobytes()
    assert ng.data.load("x.npz").d == 64                                     # what we write, we can train on


def test_many_samples_are_drawn_in_parts(folder, monkeypatch):
    train("ring", changes=SMALL, out="a")
    sample("a", 10, 7, "x.npz")
    monkeypatch.setattr("numpygan.app.sample.CHUNK", 4)
    sample("a", 10, 7, "y.npz")
    with np.load("x.npz") as x, np.load("y.npz") as y:
        np.testing.assert_allclose(x["samples"], y["samples"], rtol=1e-5)


def test_sample_refuses_other_files_and_too_many_tiles(folder):
    with pytest.raises(Misuse, match=r"neither a \.png nor a \.npz"):
        sample("a", 3, 0, "x.jpg")
    train("digits", changes=SMALL, out="a")
    with pytest.raises(Misuse, match="at most 10,000 images"):
        sample("a", 20_000, 0, "x.png")
    assert not os.path.exists("x.png")


# ----------------------------------------------------------------------------------------------------- recipes

def test_every_preset_makes_a_gan_that_fits_its_data(monkeypatch):
    shapes = {"mnist": (28, 28), "fashion_mnist": (28, 28)}
    for recipe in PRESETS.values():
        rng = np.random.default_rng(0)
        data = ng.data.array(rng.uniform(-1, 1, (200, 28, 28)), range=(-1, 1)) if recipe.data in shapes \
            else ng.data.load(recipe.data)
        gan = build(recipe, data, rng)
        gan.fit(data, steps=1, batch=recipe.batch, k=recipe.k, rng=rng)
        assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
        assert (recipe.steps is None) != (recipe.epochs is None)


def test_the_pytorch_tutorial_is_what_it_says():
    data = ng.data.array(np.zeros((2, 28, 28)), range=(-1, 1))
    recipe = PRESETS["pytorch-tutorial"]
    gan = build(recipe, data, np.random.default_rng(0))
    def dense(width):
        return f"Dense(width={width}, weights=linear, bias=True)"
    assert [repr(layer) for layer in gan.G.layers] == [dense(256), "ReLU()", dense(256), "ReLU()", dense(784), "Tanh()"]
    assert [repr(layer) for layer in gan.D.layers] == [
        dense(256), "LeakyReLU(slope=0.2)", dense(256), "LeakyReLU(slope=0.2)", dense(1)]
    assert (gan.G.d_in, recipe.batch, recipe.data) == (64, 100, "mnist")
    assert repr(gan.opt_G) == repr(gan.opt_D) == "Adam(lr=0.0002, beta1=0.9, beta2=0.999, eps=1e-08)"
    assert repr(gan.loss).startswith("NonSaturating(real_label=1.0")
    W = gan.D.params()["0.W"]                                    # U(−1/28, 1/28): standard deviation 1/(28 √3)
    assert np.abs(W).max() <= 1 / 28
    assert W.std() == pytest.approx(1 / (28 * np.sqrt(3)), rel=0.01)


def test_steps_and_epochs_replace_each_other():
    assert PRESETS["digits"].changed(epochs=3).steps is None
    assert PRESETS["mnist"].changed(steps=3).epochs is None
    both = PRESETS["mnist"].changed(steps=3, epochs=2)
    assert (both.steps, both.epochs) == (3, 2)                   # and `fit` refuses both


def test_terms_of_the_recipe_reach_the_gan():
    data = ng.data.ring()
    recipe = Recipe().changed(loss="wasserstein", r1=0.5, gradient_penalty=10.0, input_noise=0.1, clip=0.01, steps=9,
                              optimiser="rmsprop", lr_G=1e-3, lr_D=2e-3, simultaneous=True, dropout=0.1)
    gan = build(recipe, data, np.random.default_rng(0))
    assert repr(gan.penalties) == "(R1(gamma=0.5), GradientPenalty(weight=10.0))"
    assert repr(gan.opt_D) == "RMSProp(lr=0.002, clip=0.01, rho=0.9, eps=1e-08)"
    assert repr(gan.opt_G) == "RMSProp(lr=0.001, rho=0.9, eps=1e-08)"
    assert (gan.input_noise, gan.simultaneous, repr(gan.loss)) == (0.1, True, "Wasserstein()")
    assert sum(isinstance(layer, ng.Dropout) for layer in gan.D.layers) == 2
    assert not any(isinstance(layer, ng.Dropout) for layer in gan.G.layers)


def test_tricks_of_the_recipe_reach_the_gan():
    data = ng.data.array(np.zeros((70, 3)), range=(-1, 1))
    recipe = Recipe().changed(hidden_G=(5,), hidden_D=(6, 7), steps=10, batch=8, input_noise=0.4, anneal=0.5,
                              real_label=0.9, fake_label=0.1, flip=0.2, label_noise=0.3, dropout=0.2,
                              batch_norm="G", spectral=True, minibatch_std=True, pack=2)
    gan = build(recipe, data, np.random.default_rng(0))
    kinds = [[type(layer).__name__ for layer in net.layers] for net in (gan.G, gan.D)]
    assert kinds[0] == ["Dense", "BatchNorm", "ReLU", "Dense"]
    assert kinds[1] == ["Pack", *["SpectralDense", "LeakyReLU", "Dropout"] * 2, "MinibatchStd", "SpectralDense"]
    assert repr(gan.loss) == "NonSaturating(real_label=0.9, fake_label=0.1, flip=0.2, label_noise=0.3)"
    assert [gan.input_noise(step) for step in (0, 5, 10)] == [0.4, 0.4, 0]
    assert gan.D(np.zeros((6, 3))).shape == (3, 1)
    gan = build(Recipe().changed(r1=1.0, r2=2.0, gradient_penalty=3.0, steps=9), data, np.random.default_rng(0))
    assert repr(gan.penalties) == "(R1(gamma=1.0), R2(gamma=2.0), GradientPenalty(weight=3.0))"
    gan = build(Recipe().changed(batch_norm="D", steps=9), data, np.random.default_rng(0))
    kinds = [type(layer).__name__ for layer in gan.D.layers]
    assert kinds == [*["Dense", "BatchNorm", "LeakyReLU"] * 2, "Dense"]


def test_batch_norm_in_g_sees_rows_and_not_packs():
    """Five rows are one pack of three, which D's BatchNorm could not use; that of G has five."""
    recipe = PRESETS["ring"].changed(hidden_G=(4,), hidden_D=(4,), steps=2, batch=5, pack=3, batch_norm="G")
    gan = build(recipe, ng.data.ring(), np.random.default_rng(0))
    assert len(gan.fit(ng.data.ring(), steps=2, batch=5, rng=np.random.default_rng(0))) == 2


def test_the_averaged_generator_makes_the_samples(folder, monkeypatch, pictures):
    drawn = []
    monkeypatch.setattr(Run, "draw_samples", lambda self, gan, data, x_fake, name: drawn.append((x_fake, name)))
    train("ring", changes=SMALL | {"average": 0.9}, out="a")
    gan, _, snapshots, mean = Run.open("a").load()
    assert mean.t == 12
    assert not np.array_equal(mean.theta, gan.G.theta)
    x_fake, name = drawn[-1]
    np.testing.assert_array_equal(x_fake, gan.G.forward(snapshots.z, theta=mean.theta)[0])
    assert name == "ring, averaged G"
    sample("a", 5, 3, "s.npz")
    z = gan.draw(5, np.random.default_rng(3))
    np.testing.assert_array_equal(np.load("s.npz")["samples"], gan.G.forward(z, theta=mean.theta)[0])
    resume("a", steps=15)
    assert Run.open("a").load().average.t == 15
    with np.load("a/checkpoint.npz") as file:
        broken = {name[6:]: file[name] for name in file.files if name.startswith("extra.")}
    checkpoint.save("a/checkpoint.npz", gan, np.random.default_rng(0), broken | {"average.theta": np.zeros(3)})
    with pytest.raises(CheckpointError, match="no checkpoint of a run folder"):
        Run.open("a").load()


def test_a_longer_run_lets_the_noise_fall_later(folder):
    train("ring", changes=SMALL | {"input_noise": 0.5, "anneal": 1.0}, out="a")
    assert ng.GAN.load("a/checkpoint.npz").input_noise(12) == 0
    resume("a", steps=24)
    assert ng.GAN.load("a/checkpoint.npz").input_noise(12) == 0.25


def test_a_d_that_judges_batches_is_not_drawn_point_by_point(folder, pictures, monkeypatch):
    from numpygan import plots
    shown, real = [], plots.samples
    monkeypatch.setattr(plots, "samples", lambda *args, D, **more: shown.append(D) or real(*args, D=D, **more))
    for changes in ({"pack": 2}, {}):
        train("ring", changes=SMALL | changes)
    assert shown[0] is None
    assert shown[-1] is not None
    sample("runs/ring-1", 9, 0, "s.png")
    assert shown[-1] is None


def test_both_rates_fall_to_zero_with_the_last_step_also_where_D_takes_several(folder):
    train("ring", changes=SMALL | {"k": 3, "decay": 0.5, "lr_G": 1e-3, "lr_D": 1e-3}, out="a")
    gan = ng.GAN.load("a/checkpoint.npz")
    for opt, steps in ((gan.opt_G, 12), (gan.opt_D, 36)):
        assert opt.t == steps
        assert opt.lr(steps // 2) == pytest.approx(1e-3)
        assert opt.lr(steps) == 0
    resume("a", steps=20)
    gan = ng.GAN.load("a/checkpoint.npz")
    assert (gan.opt_G.lr(20), gan.opt_D.lr(60)) == (0, 0)
    assert gan.opt_D.lr(59) > 0


def test_a_run_checkpoint_is_a_checkpoint(folder):
    train("ring", changes=SMALL, out="a")
    gan, rng, extra, *_ = checkpoint.load("a/checkpoint.npz", ng.GAN)
    assert rng is not None
    assert extra["snapshots.samples"].shape == (12, 1000, 2)
    np.testing.assert_array_equal(extra["snapshots.samples"][-1], gan.G(extra["snapshots.z"]))


def test_an_average_of_format_1_that_lacks_the_state_of_g_is_refused_with_both_formats(folder, monkeypatch):
    train("ring", changes=SMALL | {"average": 0.9, "batch_norm": "G"}, out="a")
    gan, rng, extra, *_ = checkpoint.load("a/checkpoint.npz", ng.GAN)
    extra.pop("average.state")
    with monkeypatch.context() as older:
        older.setattr(checkpoint, "FORMAT", 1)
        checkpoint.save("a/checkpoint.npz", gan, rng, extra)
    words = f"has format 1, which kept .* format 2, that of numpygan {ng.__version__}, needs both: train again"
    with pytest.raises(CheckpointError, match=words):
        Run.open("a").load()
