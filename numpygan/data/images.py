"""Your own data as a folder of images."""
import hashlib
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import precision
from ..files import expanded
from .protocol import DataError
from .rows import Rows, from_bytes, read_bounded, source_of

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
MAX_PIXELS = 1 << 20                    # networks here are fully connected: a megapixel is far beyond them
MAX_BYTES = 1 << 24                     # of one file: more than a megapixel needs in any of these formats


def images(folder: Any, mode: str = "L", dtype: Any = np.float32) -> Rows:
    """The images in a folder, in order of their names, as data in [−1, 1] (0 is −1, 255 is 1).

    mode "L": grey, shape (h, w), colours weighed as in ITU-R 601; "RGB": shape (h, w, 3). All must have the
    same size. Hidden files, files without the suffix of an image and subfolders are passed over; of an
    animation the first frame is taken, and transparency is dropped. `source` tells where colours were
    dropped, too. DataError names the image that cannot be used.
    """
    if mode not in ("L", "RGB"):
        raise ValueError(f"mode must be 'L' (grey) or 'RGB', not {mode!r}: choose one of them")
    dtype = precision(dtype)
    folder = expanded(folder)
    digest = hashlib.sha256()
    pixels: list[np.ndarray] = []
    lost = False
    for path in _image_files(folder):
        packed = read_bounded(path, MAX_BYTES, ": make it smaller, such as 28 by 28 pixels")
        digest.update(path.name.encode() + b"\0" + packed)
        one, coloured = _pixels(path, packed, mode)
        pixels.append(one)
        lost |= coloured and mode == "L"
        if one.shape != pixels[0].shape:
            (h, w), (h0, w0) = one.shape[:2], pixels[0].shape[:2]
            raise DataError(f"{path} is {w} by {h} pixels, but the images before it are {w0} by {h0}: bring all of "
                            f"them to one size, such as with PIL.Image.open(path).resize(({w0}, {h0})).save(path)")
    x = from_bytes(np.stack(pixels), dtype)
    source = source_of(folder.name, (folder, digest.hexdigest(), False), **({"colours": "dropped"} if lost else {}))
    return Rows(x, pixels[0].shape, (-1.0, 1.0), None, folder.name, source)


def _image_files(folder: Path) -> list[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder} cannot be read as a folder ({error.strerror}): "
                        "give the path of a folder of images") from error
    found = [p for p in paths if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and p.is_file()]
    if not found:
        raise DataError(f"{folder} holds no image ({', '.join(SUFFIXES)}): put the images directly into it, not into "
                        f"subfolders")
    return found


def _pixels(path: Path, packed: bytes, mode: str) -> tuple[np.ndarray, bool]:
    """One image as uint8, (h, w) or (h, w, 3), and whether it has colours; its size is looked at before its pixels are
    unpacked."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")      # of large images (the limit below is lower), odd palettes, …
            image = Image.open(io.BytesIO(packed))
            _refuse(image, path)
            return np.asarray(image.convert(mode)), _coloured(image)
    except DataError:
        raise
    except UnidentifiedImageError as error:
        raise DataError(f"{path} is not a whole image (no format that Pillow knows): repair or remove it") from error
    except Exception as error:           # Pillow's decoders raise whatever their format calls for
        raise DataError(f"{path} is not a whole image ({str(error)[:120]}): repair or remove it") from error


def _coloured(image: Any) -> bool:
    """Are red, green and blue not the same everywhere? Many grey images are stored as three equal channels."""
    if image.mode in ("1", "L", "LA", "La"):
        return False
    rgb = np.asarray(image.convert("RGB"))
    return bool((rgb != rgb[..., :1]).any())


def _refuse(image: Any, path: Path) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise DataError(f"{path} has {width} by {height} pixels, and at most {MAX_PIXELS} can "
                        "be used: make it smaller, such as 28 by 28")
    if image.mode[0] in "IF":            # more than 8 bits: the conversion would cut the values off
        raise DataError(f"{path} has more than 8 bits for each pixel: convert it to 8 bits, or save all images as one "
                        f"array with numpy.save, which is taken as it is")
