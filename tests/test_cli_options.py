"""Every option of every command, as the parsers themselves list them, with all that its kind calls bad.

2 for a command that cannot be carried out as given, 1 for one that failed, one sentence on the error output, no
traceback, and nothing written.
"""
import argparse
import inspect
import os
import re
from pathlib import Path

import pytest

from numpygan import cli

PARSERS = cli.parser()[1]
REQUIRED = {"sample": ["r", "--out", "s.npz"], "export": ["r", "--out", "s.npz"], "resume": ["r"], "evaluate": ["r"],
            "study": ["modes"]}                                       # what a command needs beside the option


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NUMPYGAN_DATA", raising=False)
    return tmp_path


def actions(command):
    return [a for a in PARSERS[command]._actions if not isinstance(a, argparse._HelpAction)]


def bad(action):
    """The texts that this option must refuse, from the type that its parser gave it; None where it takes any text."""
    if action.nargs == 0:
        return ["=3"]
    if action.choices:
        return ["qqq", *([] if len(min(action.choices)) < 3 else [min(action.choices) + "x"]), ""]
    if action.type is None:
        return None
    kind, bounds = action.type.__qualname__.split(".")[0], inspect.getclosurevars(action.type).nonlocals
    numbers = ["x", "nan", "inf", "", "1e999", "[1]"]
    if kind == "whole":
        return [*numbers, "1.5", str(bounds["least"] - 1), "9" * 30]
    if kind == "number":
        return [*numbers, str(bounds["least"] - 1), *([] if bounds["most"] == float("inf") else [bounds["most"] + 1])]
    if kind == "widths":
        return [*(n for n in numbers if n), "1.5", "0", "-1", "12,0", "12x", "1,,2"]
    assert kind == "one_of"
    return ["qqq", next(iter(bounds["names"])) + "x", ""]


def tree():
    return sorted((str(p), p.read_bytes() if p.is_file() else b"") for p in Path().rglob("*"))


def answer(argv, capsys, status=(2,)):
    """The sentence that a bad command line gets."""
    before = tree()
    assert cli.main(argv) in status, argv
    out, err = capsys.readouterr()
    assert out == "", argv
    assert re.fullmatch(r"numpygan: [^\n]{10,400}\n", err), (argv, err)
    assert "Traceback" not in err
    assert "error in numpygan itself" not in err
    assert tree() == before, argv
    return err


def given(action, text):
    """How the option is written with that value: --out=x, -n x, or x alone."""
    if not action.option_strings:
        return [str(text)]
    option = action.option_strings[-1]
    if not option.startswith("--"):
        return [option, str(text)]
    return [f"{option}{text}" if action.nargs == 0 else f"{option}={text}"]


def beside(command, action):
    """What the command needs beside that option."""
    rest = REQUIRED.get(command, [])
    if not action.option_strings:
        return rest[1:] if rest else []
    return rest[:1] if action.option_strings[-1] in rest else rest


@pytest.mark.parametrize("command", PARSERS)
def test_every_option_refuses_what_it_does_not_take(command, capsys):
    for action in actions(command):
        for text in bad(action) or []:
            err = answer([command, *beside(command, action), *given(action, text)], capsys)
            name = action.option_strings[-1] if action.option_strings else ""
            assert name in err, err
            if action.choices and text == min(action.choices) + "x":
                assert f"did you mean {min(action.choices)}?" in err
        if action.nargs != 0 and action.option_strings and not action.required:
            err = answer([command, *beside(command, action), action.option_strings[-1]], capsys)
            assert "expected one argument" in err


@pytest.mark.parametrize("command", PARSERS)
def test_every_option_that_is_misspelt_is_suggested(command, capsys):
    for action in actions(command):
        for option in action.option_strings:
            if option.startswith("--"):
                err = answer([command, *REQUIRED.get(command, []), option + option[-1], "3"], capsys)
                assert f"{option + option[-1]!r} is unknown: did you mean {option}?" in err
    assert "too many" in answer([command, *REQUIRED.get(command, []), *["x"] * 3], capsys) or command in (
        "figures", "bench")                                                                # which take any number


@pytest.mark.parametrize("command", PARSERS)
def test_with_debug_a_bad_option_raises(command):
    with pytest.raises(cli.Misuse):
        cli.main([command, "--qqq", "--debug", *REQUIRED.get(command, [])])


# ------------------------------------------------------------------------------------------------ files and folders

@pytest.fixture
def places(folder, undrawn, capsys):
    """A run r, an empty folder, a text file, and folders whose names end like files."""
    assert cli.main(["train", "ring", "--hidden", "4", "--steps", "2", "--engine", "numpy", "--out", "r"]) == 0
    capsys.readouterr()
    Path("text").write_text("no data")
    for name in ("empty", "d.npz", "d.png", "d.json"):
        Path(name).mkdir()


PLACES = {                                              # (command, option): the arguments that are bad, the status
    ("train", "data"): [("nowhere.npy", 2), ("text", 1), ("empty", 1), ("d.npz", 1), ("", 2)],
    ("train", "--root"): [("nowhere", 2), ("text", 2)],
    ("train", "--out"): [("text", 2), ("text/in", 1), ("r", 2)],
    **{(command, "run"): [("nowhere", 2), ("text", 2), ("empty", 2)]
       for command in ("resume", "sample", "evaluate", "export")},
    ("sample", "--out"): [("d.npz", 2), ("d.png", 2), ("nowhere/s.npz", 2), ("text/s.npz", 2), ("s.txt", 2), ("", 2)],
    ("export", "--out"): [("d.npz", 2), ("nowhere/s.npz", 2), ("text/s.npz", 2), ("s.txt", 2), ("", 2)],
    ("figures", "names"): [("figure2", 2), ("", 2)],
    ("figures", "--out"): [("text", 2), ("", 2)],
    ("study", "--out"): [("text", 2), ("text/in", 1)],
    ("bench", "names"): [("ringg", 2), ("", 2)],
    ("bench", "--json"): [("d.json", 2), ("nowhere/b.json", 2), ("text/b.json", 2)],
    ("bench", "--out"): [("d.png", 2), ("nowhere/b.png", 2), ("text/b.png", 2)],
}


def test_every_option_that_takes_any_text_is_among_the_places():
    free = {(command, action.option_strings[-1] if action.option_strings else action.dest)
            for command in PARSERS for action in actions(command) if bad(action) is None}
    assert free == set(PLACES)


@pytest.mark.parametrize("where", PLACES, ids=" ".join)
def test_files_that_are_missing_and_folders_in_their_place(where, places, capsys):
    command, option = where
    action = next(a for a in actions(command) if option in (*a.option_strings, a.dest))
    rest = ["ring"] if where in (("train", "--root"), ("train", "--out")) else beside(command, action)
    for text, status in PLACES[where]:
        assert text in answer([command, *rest, *given(action, text)], capsys, (status,))


def test_a_misspelt_command_is_suggested(capsys):
    for command in PARSERS:
        assert f"did you mean {command}?" in answer([command + command[-1]], capsys)
    assert "required: COMMAND" in answer([], capsys)
    assert os.listdir() == []
