"""Files from strangers: changed, cut off and made up to do harm. Each is one clear error, or a correct load."""
import gzip
import io
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

import numpygan as ng
from numpygan import data, weights
from numpygan.archive import CheckpointError
from numpygan.data.idx import read_idx

X = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
PIXELS = np.random.default_rng(1).integers(0, 256, (9, 12, 5), np.uint8)
MB = 1 << 20


# ------------------------------------------------------------------------------- each kind: write one, read it back

def write_npy(path):
    np.save(path, X)


def write_npz(path):
    np.savez(path, x=X, labels=np.arange(40) % 3)


def write_packed(path):
    np.savez_compressed(path, x=X, labels=np.arange(40) % 3)


def write_idx(path):
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        file.write(struct.pack(">IIII", 0x0803, *PIXELS.shape) + PIXELS.tobytes())


def write_image(path):
    Image.fromarray(PIXELS[0]).save(path)


def write_weights(path):
    weights.export(network(), path)


def network():
    rng = np.random.default_rng(2)
    return ng.Network([ng.Dense(5), ng.BatchNorm(), ng.Dense(2)], 3, rng=rng, engine="numpy")


def load_weights(path):
    net = network()
    net.theta = np.zeros_like(net.theta)
    weights.load(net, path)
    return net.theta


def pixels(path):
    """The image alone in its folder, or the error of that."""
    return data.images(path.parent).x


KINDS = {"x.npy": (write_npy, lambda path: data.load(path).x), "x.npz": (write_npz, lambda path: data.load(path).x),
         "packed.npz": (write_packed, lambda path: data.load(path).x),
         "x.idx.gz": (write_idx, lambda path: read_idx(path, PIXELS.shape)[0]),
         "w.npz": (write_weights, load_weights),
         "i.png": (write_image, pixels), "i.bmp": (write_image, pixels), "i.gif": (write_image, pixels),
         "i.jpg": (write_image, pixels), "i.tif": (write_image, pixels), "i.webp": (write_image, pixels),
         "i.pgm": (write_image, pixels)}
CHECKED = ("x.npz", "packed.npz", "x.idx.gz", "w.npz")      # of these a checksum is compared, to the last byte


def changed(whole, rng):
    """The bytes with a few bits turned, cut off, a stretch overwritten, or a piece put in."""
    spoiled, how = bytearray(whole), rng.integers(4)
    at = int(rng.integers(len(whole)))
    if how == 0:
        for i in rng.integers(len(whole), size=rng.integers(1, 5)):
            spoiled[i] ^= 1 << rng.integers(8)
    elif how == 1:
        del spoiled[at:]
    elif how == 2:
        stretch = rng.integers(0, 256, rng.integers(1, 9), np.uint8).tobytes()
        spoiled[at:at + len(stretch)] = stretch
    else:
        spoiled[at:at] = rng.integers(0, 256, rng.integers(1, 9), np.uint8).tobytes()
    return bytes(spoiled)


def spoil(kind, folder, trials):
    """Every changed file gives an error of ours in one line, or numbers; never another error, never much memory."""
    write, read = KINDS[kind]
    path = folder / kind
    write(path)
    whole, right, rng = path.read_bytes(), read(path), np.random.default_rng(0)
    said: list[str] = []
    tracemalloc.start()
    try:
        for _ in range(trials):
            path.write_bytes(changed(whole, rng))
            try:
                found = read(path)
            except (data.DataError, CheckpointError) as error:
                said.append(str(error))
            else:
                assert np.isfinite(found).all()
                assert kind not in CHECKED or found.tobytes() == right.tobytes()
        assert tracemalloc.get_traced_memory()[1] < 64 * MB
    finally:
        tracemalloc.stop()
    assert len(said) > trials / 10
    assert all(str(path) in text and "\n" not in text for text in said)


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_file_is_refused_or_read(kind, tmp_path):
    spoil(kind, tmp_path, 50)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_file_is_refused_or_read_2000_times(kind, tmp_path):
    spoil(kind, tmp_path, 2000)


# -------------------------------------------------------------------------------------------------------- bombs

def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width, height, content=b"", more=b""):
    """A PNG that says it has this size, whatever its content is."""
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + more
            + chunk(b"IDAT", content) + chunk(b"IEND", b""))


def zipped_zeros(size, head):
    """A deflated .npz whose array is `size` zeros behind the header `head`: a thousandth of that on the disk."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as z, z.open("x.npy", "w", force_zip64=True) as member:
        member.write(head)
        for _ in range(size // MB):
            member.write(bytes(MB))
    return file.getvalue()


def npy_head(shape, version=(1, 0), pad=0):
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}".encode() + b" " * pad + b"\n"
    return (b"\x93NUMPY" + bytes(version) + struct.pack("<H" if version == (1, 0) else "<I", len(text)) + text)


BOMBS = {
    "packed.npz": (lambda: zipped_zeros(260 * MB, npy_head((260 * MB, 1))), "would unpack"),
    "head.npz": (lambda: zipped_zeros(64 * MB, npy_head((1, 1), (2, 0))[:8] + struct.pack("<I", 64 * MB)),
                 "a header of 67108864 bytes"),
    "head.npy": (lambda: npy_head((1, 1), (2, 0))[:8] + struct.pack("<I", 2**32 - 1) + bytes(MB),
                 "a header of 4294967295 bytes"),
    "wide.png": (lambda: png(2**31 - 1, 2**31 - 1), "has 2147483647 by 2147483647 pixels|Image size"),
    "tall.png": (lambda: png(1, 2**22, zlib.compress(bytes(2 * 2**22))), "has 1 by 4194304 pixels"),
    "text.png": (lambda: png(4, 4, zlib.compress(bytes(20)), chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(80 * MB)))),
                 "is not a whole image"),
    "more.png": (lambda: png(4, 4, zlib.compress(bytes(100 * MB))), None),        # only 20 bytes of it are wanted
    "large.bmp": (lambda: b"BM" + bytes(17 * MB), "has more than 16777216 bytes"),
    "x.idx.gz": (lambda: gzip.compress(bytes(100 * MB)), "more|magic"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_no_memory(name, tmp_path):
    make, says = BOMBS[name]
    path = tmp_path / name
    path.write_bytes(make())
    assert path.stat().st_size < 18 * MB
    read = KINDS["x.idx.gz"][1] if name.endswith("gz") else pixels if path.suffix in (".png", ".bmp") else data.load
    tracemalloc.start()
    try:
        if says is None:
            read(path)
        else:
            with pytest.raises(data.DataError, match=says):
                read(path)
        assert tracemalloc.get_traced_memory()[1] < 40 * MB
    finally:
        tracemalloc.stop()
