"""Two commands in one run folder: the second is told who writes there; one that was killed stands in nobody's way."""
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest
from commands import UNDRAWN, start, wait_for

import numpygan as ng
from numpygan import cli
from numpygan.app import lock

TRAIN = ["train", "ring", "--hidden", "8", "--batch", "16", "--engine", "numpy", "--steps"]


@pytest.fixture
def running(tmp_path, undrawn, monkeypatch):
    """A process that trains in the folder r for as long as one lets it, after its first checkpoint."""
    monkeypatch.chdir(tmp_path)
    process = start(*TRAIN, "1000000", "--checkpoint-every", "20", "--out", "r", code=UNDRAWN)
    wait_for(Path("r/checkpoint.npz").exists, process)
    yield process
    process.kill()
    process.communicate()


def test_a_second_command_is_refused_and_a_killed_one_is_not_in_the_way(running, capsys):
    os.kill(running.pid, signal.SIGSTOP)             # else the files change under the comparison
    before = {path.name: path.read_bytes() for path in Path("r").iterdir()}
    for argv in (["resume", "r", "--steps", "1"], ["resume", "r"], [*TRAIN, "3", "--out", "r", "--force"]):
        assert cli.main(argv) == 2
        out, err = capsys.readouterr()
        assert (out, err) == ("", f"numpygan: r is being written by another numpygan (process {running.pid}): wait "
                                  f"until it has ended, or stop it\n")
    assert {path.name: path.read_bytes() for path in Path("r").iterdir()} == before
    assert cli.main(["sample", "r", "-n", "3", "--out", "s.npz"]) == 0             # reading disturbs nobody
    running.kill()
    running.wait()
    assert (Path("r") / ".lock").exists()
    done = len(ng.GAN.load("r/checkpoint.npz").history)
    assert cli.main(["resume", "r", "--steps", str(done + 3)]) == 0
    assert len(ng.GAN.load("r/checkpoint.npz").history) == done + 3
    assert not (Path("r") / ".lock").exists()
    capsys.readouterr()


def test_a_folder_with_nothing_but_the_lock_of_a_killed_command_is_empty(tmp_path, undrawn, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("r").mkdir()
    Path("r/.lock").write_text("123")
    assert cli.main([*TRAIN, "2", "--out", "r"]) == 0
    assert re.match("r\n2 of 2 steps", capsys.readouterr().out)


def test_the_lock_is_one_threads_at_a_time_and_opened_by_an_error(tmp_path):
    """The file is removed while others wait for it: nobody may hold a lock on what has gone."""
    path, inside, worst = tmp_path / ".lock", [0], [0]

    def work():
        times = 0
        while times < 40:
            try:
                with lock.held(path):
                    inside[0] += 1
                    times, worst[0] = times + 1, max(worst[0], inside[0])
                    time.sleep(0)
                    inside[0] -= 1
            except lock.Held as other:
                assert other.process in (0, os.getpid())                           # noqa: PT017
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worst == [1]
    with pytest.raises(KeyError), lock.held(path):
        raise KeyError
    with lock.held(path):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="a folder in use is not moved there")
def test_the_lock_of_a_folder_made_anew_is_left_to_its_holder(tmp_path):
    place = tmp_path / "r"
    place.mkdir()
    with lock.held(place / ".lock"):
        place.rename(tmp_path / "moved")
        place.mkdir()
        (place / ".lock").write_text("of another process")
    assert (place / ".lock").read_text() == "of another process"


def test_where_no_lock_can_be_made_the_block_runs_without(tmp_path):
    with lock.held(tmp_path / "gone" / ".lock"):
        pass
