"""Disjoint supports: two boxes that slide apart, in the eyes of JSD, of W1, and of JSD through instance noise."""
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import data as datasets
from .. import theory
from ..plots import supports as plots
from ..plots.moving import write_gif, write_png

STDS = (0.5, 1.0)                       # of the instance noise
T = np.linspace(-4, 4, 65)              # where the second box begins, the first at 0
H = 1e-3                                # of the central differences


class Sliding(NamedTuple):
    """Distances between U(0, 1) and U(t, t + 1), and their derivatives in t, each at every t of `T`; {std: …}."""
    jsd: dict[float, np.ndarray]            # of the densities smoothed by noise of that standard deviation; 0: none
    jsd_slope: dict[float, np.ndarray]
    w1: np.ndarray
    w1_slope: np.ndarray


def box(t: float, std: float = 0.0) -> Any:
    """U(t, t + 1), plus noise."""
    p = datasets.uniform(t, t + 1, dtype=np.float64)
    return theory.smoothed(p, std) if std else p


def sliding(t: np.ndarray = T) -> Sliding:
    """By quadrature; both distances are even in t, so that only |t| is computed, and the slopes are differences.

    At the kinks (t = 0; JSD without noise also at ±1) there is no slope: NaN.
    """
    value, slope = {}, {}
    ahead, where = np.unique(np.abs(t), return_inverse=True)
    for std in (0.0, *STDS):
        value[std] = np.array([_jsd(v, std) for v in ahead])[where]
        differences = np.array([(_jsd(v + H, std) - _jsd(v - H, std)) / (2 * H) for v in ahead])
        slope[std] = np.sign(t) * differences[where]
    slope[0.0][np.isin(t, (-1, 0, 1))] = np.nan
    w1 = np.array([theory.wasserstein1(box(0), box(v)) for v in ahead])[where]
    w1_slope = np.array([(theory.wasserstein1(box(0), box(v + H)) - theory.wasserstein1(box(0), box(v - H))) / (2 * H)
                         if v > 0 else np.nan for v in ahead])[where]
    return Sliding(value, slope, w1, np.sign(t) * w1_slope)


def _jsd(t: float, std: float) -> float:
    return theory.jsd(box(0, std), box(t, std))


def densities(std: float, x: np.ndarray) -> np.ndarray:
    """The density of the box at 0, seen through the noise, at points x (n,)."""
    p = box(0, std)
    return np.asarray(p(x[:, None]) if std else p.density(x[:, None]))


def draw(folder: Path) -> list[Path]:
    """supports.png: the distances and their slopes; supports.gif: the boxes sliding."""
    found = sliding()
    film = plots.sliding_film(T, found, densities, STDS[0])
    return [write_png(plots.sliding(T, found), folder / "supports.png"), write_gif(film, folder / "supports.gif", 0.12)]
