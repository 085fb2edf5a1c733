"""The command line as a user meets it: what it prints, what it leaves, how it fails and how it is stopped."""
import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from commands import MAIN, UNDRAWN, environment, start, wait_for
from PIL import Image

import numpygan as ng
from numpygan import cli, presets
from numpygan.app import options
from numpygan.app.run import FILES
from numpygan.app.terminal import HANGUP, TO_END, Stop, interactive
from numpygan.network import ACTIVATIONS

SMALL = ["--hidden", "8", "--steps", "6", "--batch", "16", "--engine", "numpy"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def terminal():
    """Under nohup SIGHUP is ignored, here and in every command that is started, and runs leave it so."""
    before = signal.getsignal(HANGUP) if HANGUP else None
    if before is signal.SIG_IGN:
        signal.signal(HANGUP, signal.SIG_DFL)
    yield
    if before is signal.SIG_IGN:
        signal.signal(HANGUP, before)


def fails(argv, status, words, capsys):
    """The command ends with that status and one sentence, and leaves nothing."""
    assert cli.main(argv) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"numpygan: [^\n]+\n", err), err
    assert "Traceback" not in err
    assert re.search(words, err), err


# ------------------------------------------------------------------------------------------------- what is made

def test_train_without_anything_else_learns_digits(monkeypatch, folder, capsys):
    asked = {}
    monkeypatch.setattr("numpygan.app.train.train", lambda *args, **kwargs: asked.update(args=args, **kwargs) or 0)
    assert cli.main(["train"]) == 0
    assert asked["args"] == (None, None, {})
    assert (asked["seed"], asked["engine"], asked["out"], asked["force"]) == (0, None, None, False)
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert cli.main(["train", *SMALL]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == os.path.join("runs", "digits-1")
    assert re.fullmatch(r"6 of 6 steps in .* s, .* ms a step; over the last tenth: L_D .* D\(G\(z\)\) .*", lines[1])
    assert lines[2].split(", ") == list(FILES)
    run = folder / "runs" / "digits-1"
    assert json.loads((run / "config.json").read_text())["data"]["name"] == "digits"
    with Image.open(run / "samples.png") as image:
        assert image.size == (663, 687)              # 8 × 8 tiles, each pixel 9 × 9 dots
    with Image.open(run / "training.gif") as image:
        assert image.n_frames == 6
    assert (run / "curves.png").stat().st_size > 5000


def test_every_option_reaches_the_recipe(monkeypatch):
    asked = {}
    monkeypatch.setattr("numpygan.app.train.train", lambda *args, **kwargs: asked.update(args=args, **kwargs) or 0)
    line = ("train grid --preset ring --loss wasserstein --real-label .8 --fake-label .1 --flip .2 --label-noise .15 "
            "--batch-norm G --spectral --minibatch-std --pack 2 --r2 .6 --anneal .7 --average .99 "
            "--z 3 --noise uniform --hidden 5,6 "
            "--hidden-D 7 --activation relu --activation-G tanh --output tanh --init linear --dropout .1 --r1 .2 "
            "--gradient-penalty 9 --input-noise .3 --optimiser sgd --lr .01 --lr-D .02 --beta1 .4 "
            "--beta2 .5 --decay .25 --clip .5 "
            "--simultaneous --k 2 --batch 9 --steps 11 --seed 4 --engine numpy --root . --out o --force "
            "--checkpoint-every 5")
    assert cli.main(line.split()) == 0
    name, preset, changes = asked["args"]
    assert (name, preset) == ("grid", "ring")
    assert changes == {
        "loss": "wasserstein", "real_label": 0.8, "z": 3, "noise": "uniform", "hidden_G": (5, 6), "hidden_D": (7,),
        "activation_G": "tanh", "activation_D": "relu", "output": "tanh", "init": "linear", "dropout": 0.1, "r1": 0.2,
        "gradient_penalty": 9.0, "input_noise": 0.3, "optimiser": "sgd", "lr_G": 0.01, "lr_D": 0.02, "beta1": 0.4,
        "beta2": 0.5, "decay": 0.25, "fake_label": 0.1, "flip": 0.2, "label_noise": 0.15, "batch_norm": "G",
        "spectral": True, "minibatch_std": True, "pack": 2, "r2": 0.6, "anneal": 0.7, "average": 0.99,
        "clip": 0.5, "simultaneous": True, "k": 2, "batch": 9, "steps": 11}
    from dataclasses import fields

    from numpygan.presets import Recipe
    assert set(changes) | {"data", "epochs"} == {f.name for f in fields(Recipe)}
    rest = {k: asked[k] for k in ("seed", "engine", "root", "out", "force", "checkpoint_every", "command")}
    assert rest == {"seed": 4, "engine": "numpy", "root": ".", "out": "o", "force": True, "checkpoint_every": 5,
                    "command": ["numpygan", *line.split()]}


def test_sample_writes_a_picture_or_the_numbers(undrawn, folder, capsys):
    cli.main(["train", "ring", *SMALL, "--average", "0", "--out", "r"])
    assert cli.main(["sample", "r", "-n", "12", "--seed", "3", "--out", "s.npz"]) == 0
    assert cli.main(["sample", "r", "-n", "12", "--seed", "3", "--out", "s.png"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["s.npz", "s.png"]
    with np.load("s.npz") as file:
        assert file["samples"].shape == (12, 2)
        assert np.array_equal(file["samples"], ng.GAN.load("r/checkpoint.npz").sample(12, np.random.default_rng(3)))
    with Image.open("s.png") as image:
        assert image.size[0] == 640


def test_resume_goes_on(undrawn, capsys):
    cli.main(["train", "ring", *SMALL, "--out", "r"])
    assert cli.main(["resume", "r", "--steps", "9"]) == 0
    assert "9 of 9 steps" in capsys.readouterr().out
    assert len(ng.GAN.load("r/checkpoint.npz").history) == 9


def test_help_and_version(capsys):
    for argv in (["--help"], ["train", "--help"], ["sample", "-h"], ["resume", "-h"], ["--version"]):
        with pytest.raises(SystemExit) as end:
            cli.main(argv)
        assert end.value.code == 0
    out = capsys.readouterr().out
    assert f"numpygan {ng.__version__}" in out
    for word in ("train", "sample", "resume", "--real-label", "swiss_roll", "pytorch-tutorial"):
        assert word in out


# -------------------------------------------------------------------------------------------------- how it fails

@pytest.mark.parametrize(("argv", "words"), [
    ("", "required: COMMAND"),
    ("trian", "'trian' is unknown: did you mean train"),
    ("train rings", "did you mean ring"),
    ("train no/such/file.npy", "is neither a data set"),
    ("train --loss minmax", "--loss: 'minmax' is unknown: did you mean minimax"),
    ("train --loss qqq", "choose from minimax, non-saturating"),
    ("train --preset pytorch-tutorials", "did you mean pytorch-tutorial"),
    ("train --optimiser adan", "did you mean adam"),
    ("train --engine torch", "choose from numba, numpy"),
    ("train --activation leaky", "--activation: 'leaky' is unknown: did you mean leaky_relu"),
    ("train --output sofmax", "--output: 'sofmax' is unknown"),
    ("train --hiden 3", "'--hiden' is unknown: did you mean --hidden"),
    ("train --loss wgan", "--loss: 'wgan' is unknown: did you mean wasserstein?"),
    ("train --loss WGAN_GP", "did you mean wasserstein with --gradient-penalty 10?"),
    ("train --n-critic 5", "'--n-critic' is unknown: did you mean --k?"),
    ("train --hidden=12x", "widths from 1 to 999999999 with commas between them, such as 128,128, got '12x'"),
    ("train --hidden 12,0", "widths from 1"),
    ("train --steps 0", "--steps: takes a whole number of at least 1, got '0'"),
    ("train --steps 1.5", "whole number of at least 1, got '1.5'"),
    ("train --steps 9999999999999999999999", "whole number"),
    ("train --batch -1", "--batch: takes a whole number"),
    (f"train --seed {10**18}", "--seed: takes a whole number of at least 0 and at most 18 digits"),
    (f"train --hidden {10**9}", "--hidden: takes widths from 1 to 999999999 with commas"),
    ("train --seed x", "--seed: takes a whole number of at least 0"),
    ("train --lr nan", "--lr/--lr-G: takes a number|--lr: takes a number of at least 0, got 'nan'"),
    ("train --lr inf", "--lr: takes a number of at least 0, got 'inf'"),
    ("train --dropout 2", "--dropout: takes a number from 0 to 1, got '2'"),
    ("train --real-label 0", "real_label=0"),
    ("train --flip .5", "flip, the share of labels turned round, must lie in"),
    ("train ring --loss hinge --flip .1", "the loss hinge has no labels to smooth or flip: leave flip=0.1 out, or "
     "take the loss minimax or non-saturating"),
    ("train ring --average 1", "beta must lie in"),
    ("train ring --anneal 2", "--anneal: takes a number from 0 to 1"),
    ("train ring --anneal 1", "lets the instance noise fall, and there is none"),
    ("train ring --r1 1 --minibatch-std", r"R1\(gamma=1.0\) needs the slope of D row by row"),
    ("train digits --r1 0 --pack 6", "the smallest minibatch has 5 rows, too few for pack=6, which takes at least 6"),
    ("train digits --r1 0 --batch 1796 --batch-norm G", "has 1 row, too few for batch_norm=G, which takes at least 2"),
    ("train ring --batch 5 --pack 3 --batch-norm D", "pack=3 with batch_norm=D, which takes at least 6"),
    ("train --steps 3 --epochs 4", "not allowed with"),
    ("train ring --epochs 4", "endless data has no epochs"),
    ("train ring moons", "'moons' is one too many"),
    ("train -- ring --steps", "'--steps' is one too many"),
    ("train --root nowhere mnist", "--root names nowhere, which is not a folder"),
    ("train --out", "expected one argument"),
    ("sample", "required: RUN, --out"),
    ("sample r --out s.npz", "there is no folder r"),
    ("sample . --out s.npz", "holds no config.json"),
    ("sample r -n 0 --out s.npz", "-n: takes a whole number"),
    ("sample r --out s.gif", "neither a .png nor a .npz"),
    ("resume", "required: RUN"),
    ("resume r", "there is no folder r"),
    ("resume ~no-such-person/r", "there is no folder ~no-such-person/r"),       # of whom pathlib knows no home
    ("train ~no-such-person/x.npy", "'~no-such-person/x.npy' is neither a data set, nor"),
])
def test_misuse_is_one_sentence_status_2_and_leaves_nothing(argv, words, folder, capsys):
    fails(argv.split(), 2, words, capsys)
    assert os.listdir(folder) == []


def test_a_folder_that_is_not_empty_is_not_overwritten(undrawn, folder, capsys):
    assert cli.main(["train", "ring", *SMALL, "--out", "r"]) == 0
    before = {name: (folder / "r" / name).read_bytes() for name in os.listdir("r")}
    capsys.readouterr()
    fails(["train", "ring", *SMALL, "--out", "r"], 2, "r is not empty.*--force", capsys)
    assert {name: (folder / "r" / name).read_bytes() for name in os.listdir("r")} == before
    assert cli.main(["train", "ring", *SMALL, "--out", "r", "--seed", "1", "--force"]) == 0
    assert (folder / "r" / "checkpoint.npz").read_bytes() != before["checkpoint.npz"]


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_link_to_nowhere_is_said_before_the_work(undrawn, folder, capsys):
    cli.main(["train", "ring", *SMALL, "--out", "r"])
    capsys.readouterr()
    for name, target in {"lost": "gone", "loop": "loop", "lost.npz": "/gone/x.npz", "lost.png": "gone/x.png"}.items():
        os.symlink(target, name)
    for out in ("lost", "lost/deeper", "loop"):
        words = "l[os]+[tp] is a link to (gone|loop), which is not there: make that folder, or name another with --out"
        for argv in (["train", "ring", *SMALL], ["figures", "saturation"], ["study", "modes"]):
            fails([*argv, "--out", out], 2, words, capsys)
    for argv in (["sample", "r", "--out"], ["export", "r", "--out"], ["bench", "fig1", "--json"]):
        fails([*argv, "lost.npz"], 2, "lost.npz lies in no folder: make /gone first, or name another", capsys)
    fails(["bench", "fig1", "--out", "lost.png"], 2, "lost.png lies in no folder: make .*/gone first", capsys)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="devices of another kind")
def test_no_file_takes_the_place_of_a_device(folder, monkeypatch, capsys):
    os.mkfifo("p.png")
    monkeypatch.setattr("numpygan.bench.report.contestants", None)                 # nobody races before it is said
    for argv in (["bench", "fig1", "--json", "/dev/null"], ["bench", "fig1", "--out", "p.png"],
                 ["sample", "r", "--out", "p.png"]):
        fails(argv, 2, f"{argv[-1]} is a device or a pipe, whose place a file would take: name a file", capsys)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_folder_that_cannot_be_written_is_said_before_the_work(folder, monkeypatch, capsys):
    monkeypatch.setattr("numpygan.bench.report.contestants", None)
    monkeypatch.setattr(os, "access", lambda place, mode: not (mode & os.W_OK and str(place) == str(folder)))
    for argv in (["bench", "fig1", "--json", "x"], ["sample", "r", "--out", "x.png"],
                 ["export", "r", "--out", "x.npz"]):
        fails(argv, 2, f"{argv[-1]} lies in a folder that cannot be written: name another", capsys)


def test_failures_are_one_sentence_and_status_1(undrawn, folder, monkeypatch, capsys):
    (folder / "bad.npy").write_text("no array")
    fails(["train", "bad.npy"], 1, "bad.npy does not begin like a NumPy array", capsys)
    np.save("four.npy", np.zeros((9, 5, 4, 4)))
    fails(["train", "four.npy"], 1, r"four.npy holds items of shape \(5, 4, 4\), and images are", capsys)
    cli.main(["train", "ring", *SMALL, "--out", "r"])
    (folder / "r" / "checkpoint.npz").write_bytes(b"PK")
    capsys.readouterr()
    fails(["sample", "r", "--out", "s.npz"], 1, "checkpoint.npz is damaged", capsys)
    fails(["resume", "r"], 1, "checkpoint.npz is damaged", capsys)
    cli.main(["train", "ring", *SMALL, "--out", "whole"])
    capsys.readouterr()
    fails(["sample", "whole", "-n", "9" * 15, "--out", "s.npz"], 1, "not enough memory", capsys)     # at once
    monkeypatch.setattr("numpygan.app.sample.sample", lambda *_: (_ for _ in ()).throw(MemoryError("7 GB")))
    fails(["sample", "r", "--out", "s.npz"], 1, "not enough memory", capsys)
    monkeypatch.setattr("numpygan.app.sample.sample", lambda *_: (_ for _ in ()).throw(ZeroDivisionError("by 0")))
    fails(["sample", "r", "--out", "s.npz"], 1, r"in numpygan itself \(ZeroDivisionError: by 0\): --debug", capsys)
    with pytest.raises(ZeroDivisionError):
        cli.main(["sample", "r", "--out", "s.npz", "--debug"])
    with pytest.raises(ZeroDivisionError):
        cli.main(["--debug", "sample", "r", "--out", "s.npz"])


def obedient(argv, **kwargs):
    """A process for which a read-only folder is one: root, who may write everywhere, gives that right up."""
    root = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    return subprocess.run([*root, sys.executable, "-W", "error", "-c", UNDRAWN, *argv], env=environment(), text=True,
                          capture_output=True, timeout=120)


@pytest.mark.skipif(os.name == "nt" or (os.geteuid() == 0 and not shutil.which("setpriv")),
                    reason="nothing is read-only for this user")
def test_a_read_only_folder_is_one_sentence_and_the_checkpoint_stays(undrawn, folder):
    cli.main(["train", "ring", *SMALL, "--out", "r"])
    before = {path.name: path.read_bytes() for path in (folder / "r").iterdir()}
    (folder / "shut").mkdir(mode=0o555)
    (folder / "r").chmod(0o555)
    for argv, words in ((["train", "ring", *SMALL, "--out", "shut/r"], "shut/r: Permission denied"),
                        (["resume", "r", "--steps", "9"], "r/config.json: Permission denied; the last checkpoint is "
                                                          "whole: mend that, then numpygan resume r goes on")):
        done = obedient(argv)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert words in done.stderr
    (folder / "r").chmod(0o755)
    assert {path.name: path.read_bytes() for path in (folder / "r").iterdir()} == before
    assert os.listdir("shut") == []


BROKEN = {"vanished": "import shutil; shutil.rmtree('r')",
          "full": "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))"}


@pytest.mark.skipif(os.name == "nt", reason="no such limits there")
@pytest.mark.parametrize("how", BROKEN)
def test_a_disk_that_fills_up_or_a_folder_that_vanishes_is_one_sentence(how, folder):
    """In the middle of a run, between two of its checkpoints."""
    code = (UNDRAWN.replace("sys.exit", f"""
import numpygan.app.train
write = numpygan.app.train.Saver.__call__
def spoil(self, gan):
    if len(gan.history) == 30:
        {BROKEN[how]}
    write(self, gan)
numpygan.app.train.Saver.__call__ = spoil
sys.exit"""))
    process = start(*LONG, code=code)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(r"numpygan: [^\n]+\n", err), err
    if how == "vanished":
        assert "r/checkpoint.npz: No such file or directory" in err
        assert os.listdir(folder) == []
    else:
        assert "r/checkpoint.npz: File too large; the last checkpoint is whole: mend that, then numpygan" in err
        assert sorted(os.listdir("r")) == ["checkpoint.npz", "config.json"]
        assert len(ng.GAN.load("r/checkpoint.npz").history) == 20
        assert cli.main(["resume", "r", "--steps", "25"]) == 0


def test_divergence_is_said_and_everything_so_far_is_saved(folder, capsys):
    argv = ["train", "ring", *SMALL, "--out", "r", "--optimiser", "sgd", "--lr", "1e30", "--steps", "50"]
    assert cli.main(argv) == 1
    out, err = capsys.readouterr()
    assert re.fullmatch(r"numpygan: training diverged in step \d+: [^\n]*\n", err)
    assert (folder / "r" / "history.csv").exists()
    assert json.loads((folder / "r" / "config.json").read_text())["status"] == "diverged"


def test_the_reader_of_a_pipe_may_leave(folder):
    with subprocess.Popen([sys.executable, "-c", MAIN, "train", "ring", *SMALL, "--out", "r"], env=environment(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        err = process.stderr.read()
        process.wait(60)
    assert err == ""


@pytest.mark.parametrize("argv", [["--version"], ["sample", "r", "--out", "s.npz"], ["evaluate", "r", "-n", "9"]])
def test_the_reader_of_a_pipe_may_leave_before_the_last_word(argv, undrawn, folder):
    """Few words stay in Python's buffer until the end."""
    cli.main(["train", "ring", *SMALL, "--out", "r"])
    with subprocess.Popen([sys.executable, "-c", MAIN, *argv], env=environment(PYTHONUNBUFFERED=""),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == ("", 1)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_that_is_full_is_one_sentence(unbuffered, undrawn, folder):
    cli.main(["train", "ring", *SMALL, "--out", "r"])
    for argv in (["sample", "r", "--out", "s.npz"], ["train", "ring", *SMALL, "--out", "q"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([sys.executable, "-c", UNDRAWN, *argv], env=environment(PYTHONUNBUFFERED=unbuffered),
                                  stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (1, "numpygan: what it prints cannot be written (No space left on "
                                                     "device): print to a terminal, or where there is room\n")
    with open("/dev/full", "w") as full:
        assert subprocess.run([sys.executable, "-c", MAIN, "trian"], env=environment(), stderr=full).returncode == 2


def test_a_backend_for_windows_that_is_not_there_is_not_missed(folder):
    done = subprocess.run([sys.executable, "-c", MAIN, "train", "ring", *SMALL, "--out", "r"], capture_output=True,
                          env=environment(MPLBACKEND="nonsense"), text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(os.listdir("r")) == sorted(FILES)


@pytest.mark.parametrize("argv", [["--help"], ["train", "--help"], ["train", "ring", *SMALL, "--out", "한글"]])
def test_an_output_without_greek_or_korean_gets_question_marks(argv, folder):
    done = subprocess.run([sys.executable, "-c", UNDRAWN, *argv], env=environment(PYTHONIOENCODING="ascii"),
                          capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"?" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="a name of bytes that are no UTF-8")
def test_data_in_a_folder_whose_name_is_no_utf8_is_found_again(undrawn, folder, capsys):
    name = os.fsdecode(b"\xff.npy")
    os.mkdir(os.fsdecode(b"\xff"))
    os.chdir(os.fsdecode(b"\xff"))
    for path in ("x.npy", name):
        np.save(path, np.zeros((20, 2)))
    fails(["train", name], 2, r"the name \?.npy is not in UTF-8, and no picture", capsys)
    assert cli.main(["train", "x.npy", *SMALL, "--out", "r"]) == 0
    assert cli.main(["resume", "r", "--steps", "9"]) == 0
    assert "9 of 9 steps" in capsys.readouterr().out


def test_no_output_takes_the_place_of_a_checkpoint(undrawn, folder, capsys):
    assert cli.main(["train", "ring", *SMALL, "--out", "r"]) == 0
    capsys.readouterr()
    (folder / "link.npz").symlink_to("r/checkpoint.npz")
    before = {name: (folder / "r" / name).read_bytes() for name in os.listdir("r")}
    for argv, name in ((["sample", "r"], "r/checkpoint.npz"), (["export", "r"], "link.npz")):
        fails([*argv, "--out", name], 2, f"--out {name} is the checkpoint.npz of a run, which would be lost", capsys)
    fails(["bench", "fig1", "--json", "r/config.json"], 2, "r/config.json is the config.json of a run", capsys)
    assert {name: (folder / "r" / name).read_bytes() for name in os.listdir("r")} == before


@pytest.mark.parametrize("name", ["a$\\frac{x$.npy", "한글.npy"])
def test_data_whose_name_is_no_formula_or_not_in_the_font_is_trained_and_drawn(name, folder):
    np.save(name, np.random.default_rng(0).normal(size=(40, 2)))
    for argv in (["train", name, *SMALL, "--out", "r"], ["sample", "r", "--out", "s.png"]):
        process = start(*argv)
        assert (process.communicate(timeout=120)[1], process.returncode) == ("", 0)
    assert sorted(os.listdir("r")) == sorted(FILES)


def test_called_from_a_program_a_command_leaves_its_settings_alone(undrawn, monkeypatch, capsys):
    monkeypatch.delenv("MPLBACKEND")
    errors, filters = sys.stdout.errors, list(warnings.filters)
    assert cli.main(["train", "ring", *SMALL, "--out", "r"]) == 0
    assert "MPLBACKEND" not in os.environ
    assert (sys.stdout.errors, warnings.filters) == (errors, filters)


def test_a_closed_error_output_is_nobody_who_watches(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    assert not interactive()


# ------------------------------------------------------------------------------------- real processes, stopped

LONG = ["train", "ring", "--hidden", "8", "--batch", "16", "--steps", "100000", "--checkpoint-every", "20",
        "--out", "r"]


STOPS = [(signal.SIGINT, 130), *((number, 128 + number) for number in TO_END)]


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
@pytest.mark.parametrize(("number", "status"), STOPS)
def test_a_stopped_run_ends_with_everything_saved_and_can_go_on(number, status, folder):
    process = start(*LONG, code=UNDRAWN)
    wait_for((folder / "r" / "checkpoint.npz").exists, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == status
    steps = len(ng.GAN.load("r/checkpoint.npz").history)
    assert 0 <= steps < 100_000
    assert len((folder / "r" / "history.csv").read_text().splitlines()) == steps + 1
    assert f"stopped after step {steps:,} of 100,000; numpygan resume r goes on" in err
    assert "Traceback" not in err
    config = json.loads((folder / "r" / "config.json").read_text())
    assert (config["status"], config["steps_done"]) == ("interrupted", steps)


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
@pytest.mark.parametrize(("number", "status"), STOPS)
def test_other_commands_end_at_once_and_leave_nothing_half_written(number, status, folder):
    code = ("import sys, time; from numpygan.cli import main\n"
            "from numpygan.app import sample; from numpygan.files import atomic\n"
            "def slow(*_):\n"
            "    with atomic('s.npz') as file:\n"
            "        file.write(b'half'); file.flush(); time.sleep(60)\n"
            "sample.sample = slow; sys.exit(main(['sample', 'r', '--out', 's.npz']))")
    process = start(code=code)
    wait_for(lambda: any(part.stat().st_size for part in folder.glob(".s.npz.*.part")), process)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, os.listdir(folder)) == (status, [])
    assert err == "numpygan: stopped at once; what was saved before is whole\n"


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_twice_quits_at_once(number, status, folder):
    """A run whose saving never ends: the second Ctrl-C (or SIGTERM) gets out of it."""
    code = ("import sys, time; from numpygan.cli import main; from numpygan.app import train\n"
            "def never(*_):\n"
            "    open('saving', 'w').close()\n"
            "    time.sleep(60)\n"
            "train._finish = never\n"
            "sys.exit(main())")
    process = start(*LONG, code=code)
    wait_for((folder / "r" / "checkpoint.npz").exists, process)
    process.send_signal(number)
    wait_for((folder / "saving").exists, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == status
    assert err == "numpygan: stopped at once; what was saved before is whole\n"


@pytest.mark.skipif(HANGUP is None, reason="signals of another kind")
def test_a_shell_may_repeat_that_the_terminal_was_closed():
    with Stop() as stop:
        for _ in range(2):
            os.kill(os.getpid(), HANGUP)
        assert stop.signal == HANGUP
    code = ("import os, signal, sys; from numpygan.cli import main; from numpygan.app import sample\n"
            "def clear_up(*_):\n"
            "    try: os.kill(os.getpid(), signal.SIGHUP)\n"
            "    finally:\n"
            "        os.kill(os.getpid(), signal.SIGHUP); print('cleared up')\n"
            "sample.sample = clear_up; sys.exit(main())")
    out, err = (process := start("sample", "r", "--out", "s.npz", code=code)).communicate(timeout=60)
    assert (process.returncode, out) == (129, "cleared up\n")
    assert err == "numpygan: stopped at once; what was saved before is whole\n"


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
def test_ctrl_c_while_the_package_is_imported_is_a_sentence(folder):
    code = ("import os, signal, sys\n"
            "class Finder:\n"
            "    def find_spec(self, name, *_):\n"
            "        if name == 'numpygan.network':\n"
            "            os.kill(os.getpid(), signal.SIGINT)\n"
            "sys.meta_path.insert(0, Finder())\n"
            "from numpygan_command import main; sys.exit(main())")
    _, err = (process := start("train", code=code)).communicate(timeout=60)
    assert (process.returncode, err, os.listdir(folder)) == (130, "numpygan: stopped at once\n", [])


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
def test_a_signal_while_a_finished_run_is_drawn_does_not_say_that_steps_are_missing(folder, monkeypatch, capsys):
    monkeypatch.setattr("numpygan.app.run.Run.draw", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    assert cli.main(["train", "ring", *SMALL, "--out", "r"]) == 143
    err = capsys.readouterr().err
    assert err == "numpygan: asked to stop when the run was finished: all of its 6 steps are there\n"
    assert json.loads((folder / "r" / "config.json").read_text())["status"] == "finished"


def kill_and_resume(folder, times):
    """Kill a run at random moments until it has got to its end; what it made is what an undisturbed one makes."""
    argv = ["train", "digits", "--hidden", "8", "--batch", "100", "--steps", "180", "--dropout", ".2",
            "--checkpoint-every", "3", "--out"]
    whole = start(*argv, "whole", code=UNDRAWN)
    whole.communicate(timeout=120)
    rng = random.Random(times)
    process = start(*argv, "r", code=UNDRAWN)
    wait_for((folder / "r" / "checkpoint.npz").exists, process)
    for _ in range(times):
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        process.communicate(timeout=60)
        process = start("resume", "r", code=UNDRAWN)
        before = (folder / "r" / "config.json").stat().st_mtime_ns
        wait_for(lambda: (folder / "r" / "config.json").stat().st_mtime_ns > before, process)       # noqa: B023
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    for name in ("checkpoint.npz", "history.csv"):
        assert (folder / "r" / name).read_bytes() == (folder / "whole" / name).read_bytes()
    assert sorted(os.listdir("r")) == ["checkpoint.npz", "config.json", "history.csv"]      # and nothing half-written


def test_a_run_that_is_killed_three_times_ends_with_the_same_bytes(folder):
    kill_and_resume(folder, 3)


@pytest.mark.slow
def test_a_run_that_is_killed_thirty_times_ends_with_the_same_bytes(folder):
    kill_and_resume(folder, 30)


def test_digits_open_no_socket(folder):
    code = ("import socket, sys\n"
            "def refuse(*_, **__): raise AssertionError('a socket was opened')\n"
            "socket.socket.__init__ = socket.create_connection = socket.getaddrinfo = refuse\n"
            "from numpygan.cli import main\n"
            "sys.exit(main())")
    process = start("train", "--steps", "2", "--hidden", "8", code=code)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert sorted(os.listdir("runs/digits-1")) == sorted(FILES)


def test_stop_leaves_the_handlers_as_they_were():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Stop() as stop:
        assert stop(None) is False
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop(None) is True
        assert stop.signal == signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Stop() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.signal is None
    finally:
        signal.signal(signal.SIGINT, before)


# ----------------------------------------------------------------------------------------------- at a terminal

class Terminal:
    """A stderr that says it is a terminal."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


def test_at_a_terminal_there_is_a_word_about_compiling_and_a_bar(undrawn, monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    assert cli.main(["train", "ring", *SMALL, "--out", "r"]) == 0
    shown = sys.stderr.text
    assert "6/6" in shown
    assert "compiling" not in shown                      # the NumPy engine compiles nothing

    def slow(*args, **more):
        until = time.monotonic() + 30
        while "compiling the kernels" not in sys.stderr.text and time.monotonic() < until:
            time.sleep(0.01)
        raise RuntimeError("here")
    monkeypatch.setattr(ng.GAN, "fit", slow)
    assert cli.main(["train", "ring", *SMALL, "--engine", "numba", "--out", "q"]) == 1
    assert "compiling the kernels" in sys.stderr.text.removeprefix(shown)


def test_the_module_is_the_command(python):
    code = "import runpy, sys; sys.argv = ['numpygan', '--version']; runpy.run_module('numpygan', run_name='__main__')"
    assert python(code) == f"numpygan {ng.__version__}\n"


def test_values_of_options():
    assert options.widths("") == ()
    assert options.widths("1, 22") == (1, 22)
    assert options.whole(0)("0") == 0
    assert options.number(0, 1)("1e-3") == 0.001
    assert options.unknown("diggits", ["digits", "ring"]) == "'diggits' is unknown: did you mean digits?"


def test_what_others_call_it_leads_to_a_name_of_ours():
    names = {*presets.LOSSES, *ACTIVATIONS, "identity", *cli.COMMANDS,
             *(o for action in cli.parser()[1]["train"]._actions for o in action.option_strings)}
    assert {other.split()[0] for other in options.SYNONYMS.values()} <= names
    assert names.isdisjoint(options.SYNONYMS)
