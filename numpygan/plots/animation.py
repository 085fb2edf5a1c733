"""A training run as a moving picture (GIF): the same noise at every step, so that each sample can be followed."""
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..checks import generator, told
from ..gan import Snapshots
from .images import sample_grid, tiles
from .moving import Film, save_gif
from .points import check_data, principal_plane, samples, samples_2d

MAX_FRAMES = 60
SECONDS = 0.09                  # that each frame is shown


def animation(snapshots: Any, data: Any, path: str | os.PathLike, rng: np.random.Generator, *,
              title: str = "G(z)") -> Path:
    """Write the samples of `snapshots` (`numpygan.Snapshots`) as a GIF, whole or not at all, and return its path.

    At most 60 frames, the first and the last among them, closer together at the start where more happens. `rng` draws
    the real points beside which generated ones are shown.
    """
    if not isinstance(snapshots, Snapshots):
        raise TypeError(f"snapshots must be Snapshots, which fit was given as a callback, got {told(snapshots)}")
    check_data(data)
    generator(rng)
    if not snapshots.steps:
        raise ValueError("there are no snapshots to animate: pass callbacks=[snapshots] to fit")
    film = _film(snapshots, data, rng, title, spread(len(snapshots.steps), MAX_FRAMES))
    return save_gif(_reduced(film.frames(), grey=len(data.shape) == 2), path, SECONDS)


def spread(n: int, most: int) -> np.ndarray:
    """At most `most` indices of n, rising from 0 to n − 1, denser at the start."""
    if n <= most:
        return np.arange(n)
    return np.unique(np.round((n - 1) * np.linspace(0, 1, most) ** 1.5).astype(int))


def _reduced(frames: list[Image.Image], grey: bool) -> list[Image.Image]:
    """The frames with at most 256 colours, the same for all of them: else colours would flicker."""
    if grey:
        return [frame.convert("L") for frame in frames]
    palette = frames[-1].quantize(128, method=Image.Quantize.FASTOCTREE)
    return [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]


def _film(snapshots: Any, data: Any, rng: np.random.Generator, title: str, shown: np.ndarray) -> Film:
    """The snapshots of these indices, one after the other."""
    ax, fakes = _scene(snapshots.samples, data, rng)
    put, artists = _moving(ax, data)
    heading = ax.set_title(" ", loc="center" if len(data.shape) > 1 else "left")

    def change(i):
        put(fakes[shown[i]])
        heading.set_text(f"{title}, step {snapshots.steps[shown[i]]:,}")

    return Film(ax, [*artists, heading], change, len(shown))


def _scene(fakes: list[np.ndarray], data: Any, rng: np.random.Generator) -> tuple[Any, list[np.ndarray]]:
    """Axes with the first samples in the picture that fits the data, and all of them as that picture shows them."""
    if len(data.shape) > 1:
        return sample_grid(fakes[0], data.shape, data.range, dots=420), fakes
    if fakes[0].shape[1] <= 2:
        return samples(fakes[0], data, rng), fakes
    x_real = data.sample(1000, rng)
    project = principal_plane(x_real)
    ax = samples_2d(project(fakes[0]), project(x_real))
    ax.set(xlabel="first principal direction of the data", ylabel="second")
    return ax, [project(x) for x in fakes]


def _moving(ax: Any, data: Any) -> tuple[Callable[[np.ndarray], Any], list[Any]]:
    """What puts other samples into those Axes, and the artists to draw again, lowest first."""
    if len(data.shape) > 1:
        return lambda x: ax.images[0].set_data(tiles(x, data.shape, data.range)), [ax.images[0]]
    if not ax.patches:
        cloud = next(line for line in ax.lines if line.get_label() == "samples")
        return lambda x: cloud.set_data(x.T), [cloud]
    histogram, *others = ax.patches                      # under the line of p_data, or the histogram of the data
    others = [*others, *ax.lines]
    tops = [line.get_ydata().max() for line in ax.lines] or [patch.get_data().values.max() for patch in others]
    ax.set_ylim(0, 1.6 * max(tops))
    edges = histogram.get_data().edges
    return lambda x: histogram.set_data(np.histogram(x, edges, density=True)[0]), [histogram, *others]
