"""The digits that come with the package: what is in the file, that it is checked, and that nothing else is needed."""

import hashlib
import importlib
import pathlib
import socket

import numpy as np
import pytest

from numpygan import data

# The test set of UCI data set 80, https://archive.ics.uci.edu/dataset/80, "Class Distribution".
PER_CLASS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
FOLDER = pathlib.Path(data.__file__).parent
module = importlib.import_module("numpygan.data.digits")       # numpygan.data.digits itself is the function


def test_there_are_1797_digits_of_known_classes():
    d = data.digits()
    assert (d.n, d.d, d.shape, d.range) == (1797, 64, (8, 8), (-1.0, 1.0))
    assert np.bincount(d.labels).tolist() == PER_CLASS
    assert d.x.dtype == np.float32
    assert d.x.flags.c_contiguous


def test_grey_values_run_from_minus_one_to_one_in_seventeen_steps():
    np.testing.assert_array_equal(np.unique(data.digits().x), np.arange(17) / 8 - 1)


def test_the_first_row_is_the_zero_that_uci_lists_first():
    # First line of optdigits.tes.
    line = ("0,0,5,13,9,1,0,0,0,0,13,15,10,15,5,0,0,3,15,2,0,11,8,0,0,4,12,0,0,8,8,0,0,5,8,0,0,9,8,0,0,4,11,0,1,12,7,0,"
            "0,2,14,5,10,12,0,0,0,0,6,13,10,0,0,0,0")
    *pixels, label = (int(v) for v in line.split(","))
    d = data.digits()
    np.testing.assert_array_equal((d.x[0] + 1) * 8, pixels)
    assert d.labels[0] == label


def test_the_file_is_small_attributed_and_hashed():
    packed = (FOLDER / "digits.npz").read_bytes()
    text = (FOLDER / "digits.md").read_text(encoding="utf-8")
    assert len(packed) <= 60_000
    assert hashlib.sha256(packed).hexdigest() == module.SHA256
    for needed in (module.SHA256, "CC BY 4.0", "Alpaydin", "Kaynak", "UCI", "10.24432/C50P49"):
        assert needed in text
    with np.load(FOLDER / "digits.npz") as file:
        for name in ("x", "labels"):
            assert hashlib.sha256(file[name].tobytes()).hexdigest() in text


def test_the_digits_are_those_of_scikit_learn():
    original = pytest.importorskip("sklearn.datasets").load_digits()
    d = data.digits(np.float64)
    np.testing.assert_array_equal((d.x + 1) * 8, original.data)
    np.testing.assert_array_equal(d.labels, original.target)


def test_a_damaged_or_missing_file_is_an_error(tmp_path, monkeypatch):
    packed = bytearray((FOLDER / "digits.npz").read_bytes())
    packed[20_000] ^= 1
    (tmp_path / "digits.npz").write_bytes(packed)
    monkeypatch.setattr(module, "PATH", tmp_path / "digits.npz")
    with pytest.raises(data.DataError, match=r"digits.npz is damaged \(sha256 .*, not eaa679c3aa72…\): install"):
        data.digits()
    (tmp_path / "digits.npz").unlink()
    with pytest.raises(data.DataError, match="digits.npz cannot be read .*: install numpygan again"):
        data.digits()


def test_no_socket_is_opened(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    for name in ("digits", "ring", "grid", "gaussian", "moons", "swiss_roll", "uniform"):
        data.load(name).sample(2, np.random.default_rng(0))


def test_source_is_for_the_record_of_a_run():
    import json
    source = data.digits().source
    assert json.loads(json.dumps(source)) == source
    assert source["known"] is True
    assert source["files"][0]["sha256"] == module.SHA256
