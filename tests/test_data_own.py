"""Your own data: arrays, .npy, .npz, folders of images, names; and what is refused, in one sentence each."""

import io
import os
import struct
import threading
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from numpygan import data

X = np.arange(12.0).reshape(4, 3)


# --- arrays -----------------------------------------------------------------------------------------------

def test_an_array_is_copied_cast_and_measured():
    x = np.asfortranarray([[1, 2], [3, -4]])
    d = data.array(x)
    x[0] = 99
    assert d.x.tolist() == [[1, 2], [3, -4]]
    assert (d.x.dtype, d.range, d.shape, d.labels, d.source) == (np.float32, (-4.0, 3.0), (2,), None, None)
    assert d.x.flags.c_contiguous


def test_the_callers_array_stays_his_own():
    x = np.ones((3, 2), np.float32)
    d = data.array(x)
    x[0] = 5                                                      # neither frozen nor shared
    assert d.x.tolist() == [[1, 1]] * 3


@pytest.mark.parametrize("x", [
    [[0, 1], [1, 0]], np.array([[0, 1], [1, 0]], bool), np.array([[0, 1], [1, 0]], np.uint8),
    np.array([[0, 1], [1, 0]], np.float16), np.array([[0, 1], [1, 0]], ">f8"),
    np.array([[0, 1], [1, 0]], np.longdouble)])
def test_any_real_numbers_will_do(x):
    d = data.array(x)
    assert d.x.dtype == np.dtype(np.float32)
    assert d.x.tolist() == [[0, 1], [1, 0]]


def test_images_are_flattened_in_c_order():
    x = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    d = data.array(x)
    assert d.shape == (3, 4)
    np.testing.assert_array_equal(d.x.reshape(-1, *d.shape), x)


def test_range_may_be_given_and_labels_too():
    d = data.array(X, labels=[0.0, 2.0, 1.0, 1.0], range=(0, 20))
    assert d.range == (0.0, 20.0)
    assert d.labels.tolist() == [0, 2, 1, 1]
    assert d.labels.dtype == np.int64
    assert data.array([[0.7], [0.8]], range=(0.7, 0.8)).range == (0.7, 0.8)      # float32(.7) < .7, float32(.8) > .8


BAD = np.array([[0, 1], [np.nan, 0]])


@pytest.mark.parametrize(("make", "error", "says"), [
    (lambda: data.array([1.0, 2.0]), data.DataError, r"not the shape \(2,\): write x\[:, None\] for n numbers"),
    (lambda: data.array(3.0), data.DataError, r"not the shape \(\)"),
    (lambda: data.array(np.zeros((0, 3))), data.DataError, r"at least one row and one column, not the shape \(0, 3\)"),
    (lambda: data.array(np.zeros((3, 0))), data.DataError, "at least one row and one column"),
    (lambda: data.array(BAD), data.DataError, "row 1 holds NaN or infinity"),
    (lambda: data.array([[np.inf]]), data.DataError, "row 0 holds NaN or infinity"),
    (lambda: data.array([[1e39]]), data.DataError, "too large for float32"),
    (lambda: data.array([[1, 2], [3]]), data.DataError, "must be one array, and this is none .*rows of equal length"),
    (lambda: data.array([[1j]]), TypeError, "data must be real numbers, not an array of complex128"),
    (lambda: data.array([["a"]]), TypeError, "data must be real numbers, not an array of <U1"),
    (lambda: data.array([[object()]]), TypeError, "data must be real numbers, not an array of object"),
    (lambda: data.array(np.ma.masked_array([[1.0]], [[True]])), TypeError, "this one is masked"),
    (lambda: data.array(X, range=(0, 5)), data.DataError, r"lie in the range \[0, 5\], but goes from 0 to 11: scale"),
    (lambda: data.array(X, range=(5, 0)), data.DataError, r"lo < hi, not \(5, 0\)"),
    (lambda: data.array(X, range=(0, np.nan)), data.DataError, "lo < hi"),
    (lambda: data.array(np.ones((2, 1)), range=(1, 1)), data.DataError, "lo < hi"),
    (lambda: data.array(X, range=3), TypeError, r"range must be two numbers \(lo, hi\), not 3"),
    (lambda: data.array(X, range=(1, 2, 3)), TypeError, "range must be two numbers"),
    (lambda: data.array(X, [0, 1]), data.DataError, r"labels must be 4 integers, .*not an array of shape \(2,\)"),
    (lambda: data.array(X, np.eye(4)), data.DataError, r"for one-hot labels write labels.argmax\(axis=1\)"),
    (lambda: data.array(X, [0, 1, 1.5, 2]), data.DataError, "labels must be whole numbers, not float64"),
    (lambda: data.array(X, [0, 1, np.nan, 2]), data.DataError, "labels must be whole numbers"),
    (lambda: data.array(X, list("abca")), data.DataError, "must be whole numbers, not <U1 .*numbers the classes"),
    (lambda: data.array(X, [0, 1, -1, 2]), data.DataError, "labels must be 0 or greater, but the least is -1"),
])
def test_arrays_that_cannot_be_data(make, error, says):
    with pytest.raises(error, match=says) as caught:
        make()
    assert "\n" not in str(caught.value)


NEAR = np.array([[0, 0.5], [1, 2], [2, -1], [3, 0.25]])


@pytest.mark.parametrize(("x", "dtype", "says"), [
    (NEAR + 1e8, np.float32, r"float32, but column 0 goes from 100000000\.0 to 100000003\.0.*subtract x\.mean"),
    (NEAR * [1, 1e-6] + [0, 1], np.float32, r"column 1 goes from 0\.999999 to 1\.000002"),
    (NEAR * 1e-50, np.float32, r"column 0 goes from 0\.0 to 3e-50"),
    (NEAR.astype(int) + 2**40, np.float32, "column 0 goes from 1099511627776"),
    (NEAR.astype(int) + 2**60, np.float64, r"column 0 goes from 1152921504606846976 to \d*979.*subtract x\.min"),
    (np.array([[2**24], [2**24 + 1]]), np.float32, "column 0 goes from 16777216"),
    (NEAR.reshape(2, 2, 2) + 1e8, np.float32, "the images go from 99999999"),
])
def test_what_a_dtype_would_round_away_is_refused(x, dtype, says):
    with pytest.raises(data.DataError, match=says):
        data.array(x, dtype=dtype)
    if dtype == np.float32:
        data.array(x, dtype=np.float64)
        with pytest.raises(data.DataError, match=says):                     # of a network in float32, for instance
            data.as_data(data.array(x, dtype=np.float64), np.float32)


@pytest.mark.parametrize("x", [NEAR + 1e3, NEAR * 1e30, NEAR * 0 + 1e8, 1e8 * (1 + 1e-15 * NEAR),
                               NEAR.astype(int) + 2**23,
                               np.where(NEAR > 1, 1 - 1e-9, 1.0).reshape(2, 2, 2) * [[0, 1], [1, 1]]],
                         ids=["offset", "large", "constant", "noise", "exact", "one pixel"])
def test_rounding_that_loses_nothing_is_let_pass(x):
    data.as_data(data.array(x, dtype=np.float64), np.float32)
    assert data.array(x).dtype == np.float32


def test_as_data_takes_arrays_and_lets_data_pass():
    d = data.as_data(X)
    np.testing.assert_array_equal(d.x, X)
    assert data.as_data(d) is d
    ring = data.ring()
    assert data.as_data(ring) is ring

    class Mine:
        shape, range, n = (1,), (0.0, 1.0), None

        def sample(self, n, rng):
            return rng.random((n, 1))

    mine = Mine()
    assert data.as_data(mine) is mine
    mine.n = 10
    with pytest.raises(TypeError, match=r"data of n = 10 rows must have batches\(n, rng\)"):
        data.as_data(mine)
    for path in ("digits", Path("digits.npy"), b"digits"):
        with pytest.raises(TypeError, match=r"not .*digits.*: numpygan.data.load\(...\) takes names and paths"):
            data.as_data(path)


# --- .npy and .npz ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("x", [X, X.astype(np.float32), np.asfortranarray(X), X.astype(np.uint8), X.astype(">i4")])
def test_npy_round_trip(tmp_path, x):
    np.save(tmp_path / "x.npy", x)
    d = data.load(tmp_path / "x.npy")
    np.testing.assert_array_equal(d.x, x)
    assert d.x.dtype == np.float32
    assert d.name == "x.npy"
    assert d.source["known"] is False
    assert data.npy(str(tmp_path / "x.npy"), np.float64).x.dtype == np.float64


def test_source_tells_the_hash_of_the_file(tmp_path):
    import hashlib
    np.save(tmp_path / "x.npy", X)
    (file,) = data.npy(tmp_path / "x.npy").source["files"]
    assert file == {"path": str(tmp_path / "x.npy"), "known": False,
                    "sha256": hashlib.sha256((tmp_path / "x.npy").read_bytes()).hexdigest()}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("key", ["x", "samples", "anything"])
@pytest.mark.parametrize("label_key", ["labels", "y", None])
def test_npz_round_trip(tmp_path, save, key, label_key):
    y = np.array([3, 1, 0, 1])
    save(tmp_path / "x.npz", **({key: X} | ({} if label_key is None else {label_key: y})))
    d = data.load(tmp_path / "x.npz")
    np.testing.assert_array_equal(d.x, X)
    assert (None if d.labels is None else d.labels.tolist()) == (None if label_key is None else y.tolist())


def test_npz_takes_x_among_others_and_asks_when_it_cannot_tell(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, mean=X[0])
    np.testing.assert_array_equal(data.npz(tmp_path / "a.npz").x, X)
    np.savez(tmp_path / "b.npz", x_train=X, x_test=X, y=[1, 2, 3, 4])
    with pytest.raises(data.DataError, match="hold the array x or samples, .*but it holds x_test, x_train, y: save"):
        data.npz(tmp_path / "b.npz")
    with zipfile.ZipFile(tmp_path / "c.npz", "w"):
        pass
    with pytest.raises(data.DataError, match="but it holds nothing"):
        data.npz(tmp_path / "c.npz")


class Trap:
    """Unpickling this would fail the test."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was loaded",)


def test_pickles_are_never_loaded(tmp_path):
    bomb = np.array([[Trap()]], dtype=object)
    np.save(tmp_path / "x.npy", bomb, allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=bomb)
    for name in ("x.npy", "x.npz"):
        with pytest.raises(data.DataError, match="holds Python objects, which are never unpickled"):
            data.load(tmp_path / name)
    import pickle
    (tmp_path / "x.npy").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(data.DataError, match="does not begin like a NumPy array"):
        data.load(tmp_path / "x.npy")


def header(text, version=b"\x01\x00"):
    text = text.encode("latin1") + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H" if version == b"\x01\x00" else "<I", len(text)) + text


def claim(shape, descr="'<f8'"):
    return header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}")


def saved(x):
    file = io.BytesIO()
    np.save(file, x)
    return file.getvalue()


HOSTILE = [
    (claim("(100000000000, 1)") + bytes(800), r"shape \(100000000000, 1\), 800000000000 bytes, but holds 800"),
    (claim("(1000000, 1000000, 1000000)") + bytes(8), "but holds 8: it is truncated or damaged"),
    (claim("(-2, -4)") + bytes(64), r"shape \(-2, -4\)"),
    (claim("(2, 2)") + bytes(31), "32 bytes, but holds 31"),
    (claim("(2, 2)") + bytes(33), "32 bytes, but holds 33"),
    (claim("(1000000000000, 2)", "'|V0'"), "holds .*, not numbers"),
    (claim("(1, 2)", "'<U1000000'"), "holds .*, not numbers"),
    (claim("(1, 2)", "[('a', '<f8')]") + bytes(16), "holds .*, not numbers"),
    (claim("(1, 2)", "'<c16'") + bytes(32), "data must be real numbers, not an array of complex128"),
    (claim("(True, 1)") + bytes(8), "is damaged or not a NumPy file .*integer"),
    (claim(f"({'1, ' * 900})") + bytes(9), r"shape \((1, ){26}1, 8 bytes, but holds 9"),
    (claim("'no'"), "does not begin like a NumPy array"),
    (claim("(" * 5000), "does not begin like a NumPy array"),
    (claim("(1," + " " * 20_000 + ")"), "does not begin like a NumPy array"),
    (header("nonsense"), "does not begin like a NumPy array"),
    (header("{}", b"\x02\x00"), "does not begin like a NumPy array"),
    (header("{}", b"\x09\x00"), "does not begin like a NumPy array"),
    (saved(X)[:-1], "96 bytes, but holds 95"),
    (saved(X)[:30], "does not begin like a NumPy array"),
    (saved(X)[:4], "does not begin like a NumPy array"),
    (b"", "does not begin like a NumPy array"),
    (b"\x93NUMPZ" + bytes(100), "does not begin like a NumPy array"),
    (saved(np.array([[1.0, np.nan]])), "is not usable as data: data must be finite"),
    (saved(np.arange(3.0)), r"is not usable as data: .* write x\[:, None\]"),
]


@pytest.mark.parametrize(("content", "says"), HOSTILE)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_hostile_files_are_refused_in_one_sentence(tmp_path, content, says, suffix):
    path = tmp_path / f"x{suffix}"
    if suffix == ".npy":
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("x.npy", content)
    with pytest.raises(data.DataError, match=says) as error:
        data.load(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def zipped(content, method=zipfile.ZIP_DEFLATED, claimed=None):
    """A .npz with one array; `claimed` overwrites its unpacked size wherever the file states it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as z:
        z.writestr("x.npy", content)
    raw = bytearray(file.getvalue())
    if claimed is not None:
        raw[22:26] = struct.pack("<I", claimed)                   # in the local header
        central = raw.index(b"PK\x01\x02")
        raw[central + 24:central + 28] = struct.pack("<I", claimed)
    return bytes(raw)


def flipped(raw, at):
    return raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1:]


def locked():
    raw = bytearray(zipped(saved(X)))
    raw[6] |= 1                                                   # the flag for encryption, in both headers
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    return bytes(raw)


@pytest.mark.parametrize(("content", "says"), [
    (b"not a zip", "is damaged or not a NumPy file"),
    (zipped(saved(X))[:-30], "is damaged or not a NumPy file"),
    (flipped(zipped(saved(X), zipfile.ZIP_STORED), 220), "is damaged or not a NumPy file .*CRC"),
    (flipped(zipped(saved(np.zeros((500, 100))), zipfile.ZIP_STORED), 390_000), "is damaged or not a NumPy file .*CRC"),
    (flipped(zipped(saved(X)), 45), "is damaged|does not begin|claims an array"),
    (locked(), "is damaged or not a NumPy file .*encrypted"),
    (zipped(saved(X), zipfile.ZIP_BZIP2), "is packed in a way that NumPy does not use"),
    # 500,000,000 × 8 bytes cannot come out of a few hundred
    (zipped(claim("(500000000, 1)"), claimed=len(claim("(500000000, 1)")) + 4_000_000_000), "which cannot be"),
    (zipped(saved(X), claimed=len(saved(X)) - 8), "96 bytes, but holds 88|is damaged"),
    (zipped(saved(np.zeros((9, 9)))[:-400], claimed=len(saved(np.zeros((9, 9))))), "is damaged or not a NumPy file"),
])
def test_damaged_npz_files_are_refused(tmp_path, content, says):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(data.DataError, match=says):
        data.npz(tmp_path / "x.npz")


def test_no_memory_is_taken_for_what_a_header_claims(tmp_path):
    import tracemalloc
    (tmp_path / "x.npy").write_bytes(claim("(20000000, 1)") + bytes(80))          # 160 MB would be there to have
    tracemalloc.start()
    with pytest.raises(data.DataError, match="160000000 bytes, but holds 80"):
        data.npy(tmp_path / "x.npy")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of another kind")
@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
def test_a_pipe_is_not_waited_for(name, tmp_path):
    os.mkfifo(tmp_path / name)
    writer = os.open(tmp_path / name, os.O_RDWR)                  # else the test would wait, too
    threading.Timer(5, os.close, [writer]).start()
    with pytest.raises(data.DataError, match=f"{name} is not data that can be read: give a"):
        data.load(tmp_path / name)


def test_long_names_in_an_archive_are_cut(tmp_path):
    np.savez(tmp_path / "x.npz", **{"q" * 60_000: X, "r" * 60_000: X})
    with pytest.raises(data.DataError, match="but it holds q{80}, r{80}: save it"):
        data.load(tmp_path / "x.npz")


@pytest.mark.parametrize("read", [data.npy, data.npz])
def test_a_file_that_cannot_be_opened_is_named(tmp_path, read):
    with pytest.raises(data.DataError, match=r"none cannot be read \(No such file or directory\): check the path"):
        read(tmp_path / "none")


# --- images -------------------------------------------------------------------------------------------------

GREY = np.array([[0, 255, 51], [102, 204, 153]], np.uint8)


def picture(path, pixels=GREY, mode=None):
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path)


def test_a_folder_of_images_in_the_order_of_names(tmp_path):
    picture(tmp_path / "b.PNG", 255 - GREY)
    picture(tmp_path / "a.png")
    picture(tmp_path / "c.bmp")
    (tmp_path / ".hidden.png").write_text("not an image")
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "more.png").mkdir()
    d = data.load(tmp_path)
    assert (d.n, d.shape, d.range, d.labels) == (3, (2, 3), (-1.0, 1.0), None)
    np.testing.assert_allclose(d.x[0], [-1, 1, -0.6, -0.2, 0.6, 0.2], rtol=8 * np.finfo(np.float32).eps)
    np.testing.assert_allclose(d.x[1], -d.x[0], rtol=8 * np.finfo(np.float32).eps)
    assert (d.x.min(), d.x.max(), d.x.dtype) == (-1, 1, np.float32)
    assert d.source["files"][0]["known"] is False
    picture(tmp_path / "c.bmp", 255 - GREY)
    assert data.load(tmp_path).source["files"][0]["sha256"] != d.source["files"][0]["sha256"]


def test_colour_is_kept_or_made_grey(tmp_path):
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 255
    picture(tmp_path / "red.png", red)
    d = data.images(tmp_path, "RGB", np.float64)
    assert d.shape == (2, 2, 3)
    np.testing.assert_array_equal(d.x.reshape(2, 2, 3)[0, 0], [1, -1, -1])
    grey = data.images(tmp_path)
    assert (grey.shape, grey.source["colours"]) == ((2, 2), "dropped")
    assert "colours" not in d.source
    np.testing.assert_allclose(grey.x, 76 / 127.5 - 1, rtol=1e-6)          # ITU-R 601: 0.299 · 255 = 76
    with pytest.raises(ValueError, match=r"mode must be 'L' \(grey\) or 'RGB', not 'CMYK'"):
        data.images(tmp_path, "CMYK")


@pytest.mark.parametrize("mode", ["1", "P", "RGBA", "LA"])
def test_other_kinds_of_images_are_converted(tmp_path, mode):
    picture(tmp_path / "a.png", np.array([[0, 255], [255, 0]], np.uint8), mode)
    d = data.images(tmp_path)
    assert d.x.tolist() == [[-1, 1, 1, -1]]
    assert "colours" not in d.source                               # three equal channels are grey


def test_palettes_with_transparency_raise_no_warning(tmp_path):
    image = Image.fromarray(np.array([[0, 255]], np.uint8)).convert("P")
    image.save(tmp_path / "a.png", transparency=bytes([0, 255] * 128))
    assert data.images(tmp_path).shape == (1, 2)


def broken(tmp_path):
    whole = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)).save(whole, "PNG")
    (tmp_path / "b.png").write_bytes(whole.getvalue()[:500])


def no_image(tmp_path):
    (tmp_path / "b.png").write_text("hello")


def large(tmp_path):
    Image.new("1", (1025, 1024)).save(tmp_path / "b.png")


def bomb(tmp_path):
    """A small image whose header claims 400 million pixels, with the right checksum."""
    picture(tmp_path / "b.png")
    raw = bytearray((tmp_path / "b.png").read_bytes())
    raw[16:24] = struct.pack(">II", 20_000, 20_000)
    raw[29:33] = struct.pack(">I", zlib.crc32(raw[12:29]))
    (tmp_path / "b.png").write_bytes(raw)


def other_size(tmp_path):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png", GREY.T.copy())


def deep(tmp_path):
    Image.fromarray(np.full((2, 2), 40_000, np.uint16)).save(tmp_path / "b.png")


def real_numbers(tmp_path):
    Image.fromarray(np.zeros((2, 2), np.float32)).save(tmp_path / "b.tif")


@pytest.mark.parametrize(("make", "says"), [
    (broken, "b.png is not a whole image .*: repair or remove it"),
    (no_image, "b.png is not a whole image"),
    (large, "b.png has 1025 by 1024 pixels, and at most 1048576 can be used"),
    (bomb, "b.png is not a whole image .*400000000 pixels.* decompression bomb"),
    (other_size, "b.png is 2 by 3 pixels, but the images before it are 3 by 2: bring all of them to one size, "
     r"such as with PIL.Image.open\(path\).resize\(\(3, 2\)\)"),
    (deep, "b.png has more than 8 bits for each pixel"),
    (real_numbers, "b.tif has more than 8 bits for each pixel"),
    (lambda folder: None, "holds no image .*: put the images directly into it"),
])
def test_folders_that_cannot_be_data(tmp_path, make, says):
    make(tmp_path)
    with pytest.raises(data.DataError, match=says) as error:
        data.load(tmp_path)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_none_is_named(tmp_path):
    with pytest.raises(data.DataError, match=r"none cannot be read as a folder \(No such file or directory\)"):
        data.images(tmp_path / "none")


# --- names ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("name", "shape"), [("digits", (8, 8)), ("ring", (2,)), ("grid", (2,)), ("gaussian", (1,)),
                                             ("moons", (2,)), ("swiss_roll", (2,)), ("uniform", (1,))])
def test_names_are_loaded(name, shape):
    d = data.load(name, dtype=np.float64)
    assert (d.name, d.shape) == (name, shape)
    assert d.sample(2, np.random.default_rng(0)).dtype == np.float64


def test_names_take_options_and_the_gaussian_is_not_the_noise():
    assert len(data.load("ring", m=5).modes) == 5
    g = data.load("gaussian")
    assert (g.mean.tolist(), g.std) == ([4.0], 1.25)
    assert data.load("gaussian", mean=0.0).mean.tolist() == [0.0]


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_root_reaches_the_sets_that_need_it(tmp_path, name):
    with pytest.raises(data.DataError, match="root names .*none, which is not a folder"):
        data.load(name, root=tmp_path / "none")


@pytest.mark.parametrize(("name", "meant"), [
    ("mnst", "mnist"), ("Digits", "digits"), ("fashion-mnist", "fashion_mnist"), ("swissroll", "swiss_roll"),
    ("rings", "ring"), ("moon", "moons")])
def test_an_unknown_name_suggests_the_nearest(name, meant):
    with pytest.raises(data.DataError, match=f"'{name}' is neither a data set.*: did you mean {meant}\\?"):
        data.load(name)


def test_what_is_neither_name_nor_data_is_refused(tmp_path):
    with pytest.raises(data.DataError, match="'qqqqqq' is neither .*: choose from digits, mnist, .*, or give a path"):
        data.load("qqqqqq")
    (tmp_path / "x.csv").write_text("1,2")
    with pytest.raises(data.DataError, match="x.csv is not data that can be read: give a .npy or .npz file.*loadtxt"):
        data.load(tmp_path / "x.csv")
    with pytest.raises(data.DataError, match="neither a data set, nor"):
        data.load(tmp_path / "x.npy")
    np.save(tmp_path / "x.npy", X)
    with pytest.raises(TypeError, match="mode"):
        data.load(tmp_path / "x.npy", mode="RGB")


@pytest.mark.parametrize(("labels", "error", "words"), [
    (np.array([1, 2**63], np.uint64), data.DataError, "labels must be less than .*the largest is 92233720368547758"),
    ([0, 1e30], data.DataError, "labels must be less than 2\\*\\*63, but the largest is 1e.30"),
    (np.ma.masked_array([0, 99], [False, True]), TypeError, "labels must be a plain array, and this one is masked"),
    ([[0], [1, 2]], data.DataError, "labels must be 2 integers, one for each row, not rows of different lengths"),
])
def test_labels_that_would_become_others_are_refused(labels, error, words):
    with pytest.raises(error, match=words):
        data.array(np.zeros((2, 2)), labels)


def test_an_archive_with_one_name_twice_is_refused(tmp_path):
    """NumPy takes the last of them, in silence."""
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 2)))
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("x.npy", file.read("x.npy"))
    with pytest.raises(data.DataError, match="a.npz holds x more than once: save it with numpy.savez"):
        data.npz(tmp_path / "a.npz")
