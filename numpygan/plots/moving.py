"""Pictures as files: small PNGs, and films, Axes of which some artists change from frame to frame, as GIFs."""
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from ..files import atomic


class Film(NamedTuple):
    """`count` frames of the figure of `ax`: `change(i)` puts frame i into the `artists`, lowest first."""
    ax: Axes
    artists: Sequence[Any]
    change: Callable[[int], Any]
    count: int                                           # type: ignore[assignment]  # tuples have a method count

    def frames(self) -> list[Image.Image]:
        """All frames as images. What never changes is drawn once, and kept."""
        for artist in self.artists:
            artist.set_animated(True)                    # leave it out of the drawing that is kept
        fig = cast(Any, self.ax.get_figure(root=True))
        canvas = FigureCanvasAgg(fig)
        canvas.draw()
        still = canvas.copy_from_bbox(fig.bbox)
        images = []
        for i in range(self.count):
            self.change(i)
            canvas.restore_region(still)
            for artist in self.artists:
                artist.axes.draw_artist(artist)
            images.append(_image(canvas))
        return images


def write_gif(film: Film, path: str | os.PathLike, seconds: float = 0.1) -> Path:
    """The film as a GIF (see `save_gif`), in 48 colours of its last frame: else they would flicker."""
    frames = film.frames()
    palette = _reduced(frames[-1], 48)
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    return save_gif(frames, path, seconds)


def save_gif(frames: Sequence[Image.Image], path: str | os.PathLike, seconds: float) -> Path:
    """Frames as a GIF without end, whole or not at all; each is shown `seconds`, the last two seconds longer."""
    times = [round(1000 * seconds)] * (len(frames) - 1) + [round(1000 * (seconds + 2))]
    with atomic(path) as file:
        frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=False)
    return Path(path)


def write_png(ax: Axes, path: str | os.PathLike) -> Path:
    """The figure of these Axes as a PNG of 256 colours, a third of the usual bytes; whole or not at all."""
    canvas = FigureCanvasAgg(cast(Any, ax.get_figure(root=True)))
    canvas.draw()
    with atomic(path) as file:
        _reduced(_image(canvas), 256).save(file, "PNG", optimize=True)
    return Path(path)


def _image(canvas: FigureCanvasAgg) -> Image.Image:
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _reduced(image: Image.Image, colours: int) -> Image.Image:
    """With a palette of that many colours that spans them all: white stays white, and a thin line keeps its colour."""
    return image.quantize(colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
