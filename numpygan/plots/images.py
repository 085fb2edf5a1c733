"""Generated images, as a grid of tiles."""
import math

import numpy as np
from matplotlib.axes import Axes

from ..checks import image, real, samples, told, whole
from .figure import DPI, check_axes, figure


def tiles(x: np.ndarray, shape: tuple[int, ...], value_range: tuple[float, float] = (-1.0, 1.0)) -> np.ndarray:
    """Images x (n, d), each of `shape` (h, w) or (h, w, 3), side by side: one (H, W, 3) of values in [0, 1].

    `value_range` goes to black and white; a white line of one pixel lies between the tiles, about √n in a row.
    """
    x, (low, high) = _images(x, shape), _range(value_range)
    n, (h, w) = len(x), shape[:2]
    columns = math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    grey = np.clip((x.astype(float).reshape(n, h, w, -1) - low) / ((high - low) or 1.0), 0, 1)
    sheet = np.ones((rows * (h + 1) - 1, columns * (w + 1) - 1, 3))
    for i, tile in enumerate(grey):
        top, left = i // columns * (h + 1), i % columns * (w + 1)
        sheet[top:top + h, left:left + w] = tile
    return sheet


def sample_grid(x: np.ndarray, shape: tuple[int, ...], value_range: tuple[float, float] = (-1.0, 1.0), *,
                title: str = "Samples G(z)", dots: int = 640, ax: Axes | None = None) -> Axes:
    """Images x (n, d) as a grid of `tiles`; in a figure of its own, about `dots` wide, enlarged evenly."""
    sheet = tiles(x, shape, value_range)
    whole(dots, "dots")
    ax = _fitting(sheet.shape[0], sheet.shape[1], dots) if ax is None else check_axes(ax)
    ax.imshow(sheet, interpolation="nearest")
    ax.set_axis_off()
    ax.set_title(title, fontsize=11)
    return ax


def _images(x, shape):
    if not isinstance(shape, tuple | list) or not image(tuple(shape)):
        raise ValueError(f"shape must be that of one image, (h, w) or (h, w, 3), got {told(shape)}")
    d = math.prod(whole(side, "each side of shape") for side in shape)
    if samples(x).shape[1] != d:
        raise ValueError(f"images of shape {tuple(shape)} have {d} columns, and x has {np.shape(x)[1]}")
    return samples(x)


def _range(value_range):
    if not (isinstance(value_range, tuple | list) and len(value_range) == 2 and all(map(real, value_range))
            and value_range[0] <= value_range[1]):
        raise ValueError(f"value_range must be (low, high), what is black and what is white, got {told(value_range)}")
    return value_range


def _fitting(height, width, dots):
    """Axes for a sheet of that many pixels, enlarged by a whole number, with room for a title above."""
    scale = max(1, dots // max(height, width))
    margin, head = 12, 36
    w, h = max(scale * width, 400) + 2 * margin, scale * height + head + margin
    left = (w - scale * width) // 2
    fig = figure(w / DPI, h / DPI, constrained=False)
    return fig.add_axes((left / w, margin / h, scale * width / w, scale * height / h))
