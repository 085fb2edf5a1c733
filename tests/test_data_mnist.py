"""MNIST's loader: IDX files that lie, folders that are searched, mirrors that fail. A small set stands for MNIST."""

import errno
import gzip
import hashlib
import http.server
import importlib
import os
import pathlib
import socket
import struct
import sys
import threading
import tracemalloc

import numpy as np
import pytest

from numpygan import data
from numpygan.data.idx import read_idx

mnist = importlib.import_module("numpygan.data.mnist")           # numpygan.data.mnist itself is the function
net = importlib.import_module("numpygan.data.download")

REAL = pathlib.Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
SHAPE = (30, 4, 3)
IMAGES = np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)
IMAGES[0, 0, :2] = 0, 255
LABELS = (np.arange(30) % 10).astype(np.uint8)


def idx(array, magic=None, counts=None):
    """An IDX file of bytes, as Yann LeCun's page defines it: magic, counts (both high byte first), entries."""
    magic = 0x0800 + array.ndim if magic is None else magic
    counts = array.shape if counts is None else counts
    return struct.pack(f">I{len(counts)}I", magic, *counts) + array.tobytes()


def packed(raw):
    return gzip.compress(raw, mtime=0)


FILES = {"images.gz": packed(idx(IMAGES)), "labels.gz": packed(idx(LABELS))}


def entry(name, shape):
    return mnist.IdxFile(name, shape, len(FILES[name]), hashlib.sha256(FILES[name]).hexdigest())


SMALL = mnist.IdxSet("small", {"train": (entry("images.gz", SHAPE), entry("labels.gz", (30,)))}, ())


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder of this test's own, and no NUMPYGAN_DATA, proxy or long wait."""
    for name in ("NUMPYGAN_DATA", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(net, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(net, "TIMEOUT", 0.5)
    monkeypatch.setattr(net, "PATIENCE", 2.0)
    return tmp_path / "cache"


def put(folder, files=FILES):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def load(root=None, mirrors=(), **options):
    return mnist.load_idx_set(SMALL, root, "train", mirrors=mirrors, **options)


def left_over(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def assert_small(d):
    np.testing.assert_array_equal(np.round((d.x.astype(float) + 1) * 127.5), IMAGES.reshape(30, 12))
    np.testing.assert_array_equal(d.labels, LABELS)
    assert (d.shape, d.range, d.n) == ((4, 3), (-1.0, 1.0), 30)


# --- where files are looked for -------------------------------------------------------------------------

def test_files_are_found_in_root_itself_and_in_a_folder_of_it(tmp_path):
    assert_small(load(put(tmp_path / "direct")))
    put(tmp_path / "above" / "small")
    d = load(str(tmp_path / "above"), dtype=np.float64)
    assert_small(d)
    assert d.x.dtype == np.float64
    assert {d.x.min(), d.x.max()} == {-1.0, 1.0}                  # 0 and 255 are among the pixels
    assert d.source["known"] is True
    assert [file["path"] for file in d.source["files"]] == [
        str(tmp_path / "above" / "small" / name) for name in ("images.gz", "labels.gz")]


def test_the_order_is_root_then_the_variable_then_the_cache(tmp_path, cache, monkeypatch):
    def where(root=None):
        return pathlib.Path(load(root).source["files"][0]["path"]).parent

    put(cache / "small")
    assert where() == cache / "small"
    put(tmp_path / "variable" / "small")
    monkeypatch.setenv("NUMPYGAN_DATA", str(tmp_path / "variable"))
    assert where() == tmp_path / "variable" / "small"
    put(tmp_path / "root" / "small")
    assert where(tmp_path / "root") == tmp_path / "root" / "small"
    (tmp_path / "empty").mkdir()
    assert where(tmp_path / "empty") == tmp_path / "variable" / "small"


def test_the_variable_names_the_folder_above(tmp_path, monkeypatch):
    """Both sets use the same file names, so files directly in it could be either's."""
    put(tmp_path / "variable")
    monkeypatch.setenv("NUMPYGAN_DATA", str(tmp_path / "variable"))
    with pytest.raises(data.DataError, match="small is not on this machine"):
        load()


def test_folders_that_do_not_exist_are_named(tmp_path, monkeypatch):
    with pytest.raises(data.DataError, match="root names .*nowhere, which is not a folder: correct it"):
        load(tmp_path / "nowhere")
    monkeypatch.setenv("NUMPYGAN_DATA", str(tmp_path / "lost"))
    with pytest.raises(data.DataError, match="NUMPYGAN_DATA names .*lost, which is not a folder"):
        load()


def test_half_a_pair_is_an_error(tmp_path):
    put(tmp_path / "root", {"images.gz": FILES["images.gz"]})
    with pytest.raises(data.DataError, match="labels.gz is missing in .*root, where the other file of the pair lies"):
        load(tmp_path / "root")


def test_part_must_be_one_that_there_is():
    with pytest.raises(ValueError, match="part must be 'train' or 'test', not 'dev'"):
        data.mnist(part="dev")


def test_loading_from_a_folder_opens_no_socket(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    assert_small(load(put(tmp_path / "root")))


def test_other_bytes_of_the_user_are_taken_and_their_hash_is_told(tmp_path):
    other = IMAGES.copy()
    other[0, 0, 0] ^= 1
    content = packed(idx(other))
    d = load(put(tmp_path / "root", {**FILES, "images.gz": content}))
    images, labels = d.source["files"]
    assert (images["known"], labels["known"], d.source["known"]) == (False, True, False)
    assert images["sha256"] == hashlib.sha256(content).hexdigest()


def test_files_of_another_published_set_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "MNIST", SMALL)
    fashion = mnist.IdxSet("fashion_mnist", SMALL.parts, ())
    with pytest.raises(data.DataError, match="images.gz is a file of small, not of fashion_mnist: give the folder"):
        mnist.load_idx_set(fashion, put(tmp_path / "root"), "train")


def test_labels_beyond_nine_are_refused(tmp_path):
    labels = LABELS.copy()
    labels[3] = 10
    with pytest.raises(data.DataError, match="labels.gz holds the label 10, but the classes are 0 to 9"):
        load(put(tmp_path / "root", {**FILES, "labels.gz": packed(idx(labels))}))


# --- IDX files that are not what they should be -----------------------------------------------------------

RIGHT = idx(IMAGES)


@pytest.mark.parametrize(("content", "says"), [
    (packed(RIGHT)[:-20], "is not a whole gzip file .*replace it by the original"),
    (packed(RIGHT)[:-2], "is not a whole gzip file"),             # only the length at the very end is cut
    (packed(RIGHT)[:5], "is not a whole gzip file"),
    (packed(RIGHT) + b"tail", "is not a whole gzip file"),
    (packed(RIGHT)[:40] + b"\xff\xff\xff" + packed(RIGHT)[43:], "is not a whole gzip file"),
    (RIGHT, r"is not a whole gzip file \(Not a gzipped file"),
    (b"", "begins with the magic number 0, not 2051"),
    (packed(idx(IMAGES, magic=2049)), "begins with the magic number 2049, not 2051"),
    (packed(idx(LABELS)), "begins with the magic number 2049, not 2051"),
    (packed(idx(IMAGES, magic=0x0D03)), "magic number 3331, not 2051"),     # the same shape, but floats
    (packed(idx(IMAGES, counts=(31, 4, 3))), r"says that it holds an array of shape \(31, 4, 3\), not \(30, 4, 3\)"),
    (packed(idx(IMAGES, counts=(30, 3, 4))), r"of shape \(30, 3, 4\), not \(30, 4, 3\)"),
    (packed(idx(IMAGES, counts=(2**32 - 1,) * 3)), r"of shape \(4294967295, 4294967295, 4294967295\)"),
    (packed(RIGHT[:10]), r"of shape \(30, 0, 0\), not"),
    (packed(RIGHT[:-1]), "unpacks to 375 bytes, not exactly 376"),
    (packed(RIGHT + b"\0"), "unpacks to more bytes, not exactly 376"),
    (packed(RIGHT + b"\0" * 4_000_000), "unpacks to more bytes, not exactly 376"),
    (b"\0" * 100_000, "has more than 4475 bytes, although it should unpack to 376"),
])
def test_files_that_lie_are_refused_in_one_sentence(tmp_path, content, says):
    (tmp_path / "images.gz").write_bytes(content)
    with pytest.raises(data.DataError, match=says) as error:
        read_idx(tmp_path / "images.gz", SHAPE)
    assert str(tmp_path / "images.gz") in str(error.value)
    assert "\n" not in str(error.value)


def test_the_right_file_is_read(tmp_path):
    (tmp_path / "images.gz").write_bytes(packed(RIGHT))
    x, digest = read_idx(tmp_path / "images.gz", SHAPE)
    np.testing.assert_array_equal(x, IMAGES)
    assert digest == hashlib.sha256(packed(RIGHT)).hexdigest()


def test_a_file_that_unpacks_without_end_takes_no_memory(tmp_path):
    (tmp_path / "images.gz").write_bytes(packed(RIGHT + b"\0" * 4_000_000))
    tracemalloc.start()
    with pytest.raises(data.DataError, match="unpacks to more bytes"):
        read_idx(tmp_path / "images.gz", SHAPE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(data.DataError, match=r"none.gz cannot be read \(No such file or directory\): check"):
        read_idx(tmp_path / "none.gz", SHAPE)


# --- mirrors ----------------------------------------------------------------------------------------------

class Handler(http.server.BaseHTTPRequestHandler):
    """The first part of the path says how the file is served."""

    def do_GET(self):
        how, name = self.path.strip("/").split("/")
        self.server.asked.append(how)
        right = FILES[name]
        wrong = bytes([right[-1] ^ 1])
        status, body, length = {
            "good": (200, right, len(right)), "missing": (404, b"not here", 8), "half": (200, right[:30], len(right)),
            "quiet": (200, right[:30], None), "other": (200, right[:-1] + wrong, len(right)),
            "page": (200, b"<html>please log in</html>", 26), "endless": (200, right + b"x" * 2_000_000, None),
            "hang": (200, b"", len(right)), "drip": (200, b"", len(right)), "once": (200, right, len(right)),
        }[how]
        if how == "once" and self.server.asked.count("once") > 1:
            status, body, length = 503, b"busy", 4
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        try:
            self.wfile.write(body)
            self.wfile.flush()
            if how == "hang":
                self.server.over.wait(5)
            while how == "drip" and not self.server.over.wait(0.1):       # each byte in time, and no end of them
                self.wfile.write(b"x")
        except OSError:
            pass                                                  # the client has gone, as it should
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.asked, running.over = [], threading.Event()
        running.url = f"http://127.0.0.1:{running.server_port}/"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.over.set()
        running.shutdown()
        thread.join()


def nobody():
    """The address of a port where nobody listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{s.getsockname()[1]}/nobody/"


def test_files_are_downloaded_into_the_cache_once(server, cache):
    heard = []
    d = load(mirrors=[server.url + "good/"], progress=lambda *args: heard.append(args))
    assert_small(d)
    assert d.source["known"] is True
    assert left_over(cache) == ["small/images.gz", "small/labels.gz"]
    for name, content in FILES.items():
        assert (cache / "small" / name).read_bytes() == content
        assert (name, len(content), len(content)) in heard
    assert_small(load(mirrors=[server.url + "good/"]))
    assert server.asked == ["good", "good"]                       # the second time from the cache


FAULTS = {
    "missing": "404 Not Found", "half": "it stopped half-way", "quiet": "it stopped half-way, after 30 of",
    "other": "it sends other bytes than the published ones", "page": "it stopped half-way, after 26 of",
    "endless": "it sends more than the", "hang": "no answer", "drip": "too slow: no 64 KB in 2 s",
}


@pytest.mark.parametrize("how", FAULTS)
def test_a_mirror_that_fails_leaves_nothing_behind(server, cache, how):
    with pytest.raises(data.DataError, match=FAULTS[how]) as error:
        load(mirrors=[server.url + how])
    text = str(error.value)
    assert left_over(cache) == []
    assert text.startswith("small is not on this machine and could not be downloaded (127.0.0.1:")
    assert text.endswith("): put images.gz and labels.gz into a folder small "
                         "and set NUMPYGAN_DATA to the folder it is in")
    assert "\n" not in text


@pytest.mark.parametrize("how", [*FAULTS, "nobody"])
def test_the_next_mirror_is_tried(server, cache, how):
    first = nobody() if how == "nobody" else server.url + how
    assert_small(load(mirrors=[first, server.url + "good"]))
    assert server.asked == (["good"] * 2 if how == "nobody" else [how, "good"] * 2)
    assert left_over(cache) == ["small/images.gz", "small/labels.gz"]


def test_without_a_network_one_sentence_says_what_to_do(cache):
    both = r"\(127.0.0.1:\d+: no connection; 127.0.0.1:\d+: no connection\): put images"
    with pytest.raises(data.DataError, match=both):
        load(mirrors=[nobody(), nobody()])
    assert left_over(cache) == []
    with pytest.raises(data.DataError, match=r"could not be downloaded \(there is no mirror\)"):
        load(mirrors=[])


def test_what_came_whole_is_kept_when_the_second_file_fails(server, cache):
    with pytest.raises(data.DataError, match="503 Service Unavailable"):
        load(mirrors=[server.url + "once"])
    assert left_over(cache) == ["small/images.gz"]
    assert_small(load(mirrors=[server.url + "good"]))
    assert server.asked == ["once", "once", "good"]


def test_an_interrupted_download_leaves_nothing_behind(server, cache):
    def interrupt(*args):
        assert left_over(cache)                                   # the temporary file is there now
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(mirrors=[server.url + "good"], progress=interrupt)
    assert left_over(cache) == []


def test_the_file_never_shows_half_written_under_its_name(server, cache):
    def look(name, done, total):
        assert not (cache / "small" / name).exists()

    load(mirrors=[server.url + "good"], progress=look)


def test_a_cache_that_cannot_be_written_is_named(cache, server):
    cache.parent.mkdir(exist_ok=True)
    cache.write_text("a file where the folder should be")
    with pytest.raises(data.DataError, match=r"the folder .*small cannot be written .*put images.gz and labels.gz"):
        load(mirrors=[server.url + "good"])


def test_a_full_disk_is_the_folders_fault_and_no_mirrors(server, cache):
    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(data.DataError, match=r"the folder .*small cannot be written \(No space left on device\)"):
        load(mirrors=[server.url + "good", server.url + "good"], progress=full)
    assert server.asked == ["good"]
    assert left_over(cache) == []


def test_a_damaged_file_in_the_cache_is_an_error(cache):
    put(cache / "small", {**FILES, "images.gz": FILES["images.gz"][:60]})
    with pytest.raises(data.DataError, match="images.gz is not a whole gzip file"):
        load()


def test_the_cache_folder_is_the_users(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert net.cache_folder().name == "numpygan"


def test_to_look_for_the_cache_folder_warns_of_nothing(monkeypatch, tmp_path):
    """pooch imports a progress bar, which asks for ipywidgets where it is in a notebook without them."""
    monkeypatch.undo()
    (tmp_path / "pooch.py").write_text("import warnings\nwarnings.warn('IProgress not found')\nos_cache = str\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "pooch", None)
    del sys.modules["pooch"]                                # the stub is imported, and gone after the test
    assert net.cache_folder() == pathlib.Path("numpygan")   # warnings are errors here


def test_mirrors_and_hashes_are_those_published():
    assert mnist.MNIST.mirrors == ("https://storage.googleapis.com/cvdf-datasets/mnist/",
                                   "https://ossci-datasets.s3.amazonaws.com/mnist/")
    for published in (mnist.MNIST, mnist.FASHION_MNIST):
        assert all(mirror.endswith("/") for mirror in published.mirrors)
        files = [file for pair in published.parts.values() for file in pair]
        assert [file.shape for file in files] == [(60000, 28, 28), (60000,), (10000, 28, 28), (10000,)]
        assert len({file.sha256 for file in files}) == 4
        assert all(len(bytes.fromhex(file.sha256)) == 32 for file in files)


# --- the real one -------------------------------------------------------------------------------------------

TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.skipif(not (REAL / "mnist").is_dir(), reason="MNIST is not on this machine")
@pytest.mark.parametrize(("part", "counts", "first"),
                         [("train", TRAIN, [5, 0, 4, 1, 9]), ("test", TEST, [7, 2, 1, 0, 4])])
def test_real_mnist(part, counts, first, monkeypatch):
    monkeypatch.setenv("NUMPYGAN_DATA", str(REAL))
    monkeypatch.setattr(socket, "socket", None)
    d = data.mnist(part=part)
    assert (d.n, d.shape, d.range) == (sum(counts), (28, 28), (-1.0, 1.0))
    assert np.bincount(d.labels).tolist() == counts
    assert d.labels[:5].tolist() == first
    assert abs(float(d.x.mean(dtype=float)) / 2 + 0.5 - 0.1307) < 3e-3          # the mean pixel that everyone quotes
    assert d.source["part"] == part
    assert d.source["files"][1]["known"] is True
    with pytest.raises(data.DataError, match="is a file of mnist, not of fashion_mnist"):
        data.fashion_mnist(root=REAL / "mnist", part="test")
