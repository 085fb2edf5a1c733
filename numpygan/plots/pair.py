"""A pair (G, D) in one dimension, as in Figure 1 of Goodfellow et al. (2014): densities, D, and the map z -> x."""
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from .figure import D_COLOUR, DATA, axes, figure
from .moving import Film

P_G, D_LINE, BEST = D_COLOUR, DATA, "#E69F00"          # as in the paper: p_g green, D blue; D* of Okabe & Ito's orange
X_LINE, Z_LINE = -0.1, -0.42                           # heights of the two axes below the curves
EXTENT = (-3.5, 3.5)                                   # of both axes


class Pair:
    """The curves of one pair in Axes, which `show` moves to another moment.

    x (k,) the points of all curves, p_data (k,), z (m,) where arrows start. D and the densities share one scale.
    `judged`: where D is compared with D*, shaded.
    """

    def __init__(self, ax: Axes | None, x: np.ndarray, p_data: np.ndarray, z: np.ndarray, title: str = "",
                 judged: tuple[float, float] | None = None):
        self.ax, self.x, self.z = axes(ax, title, "", "density, or $D(x)$", 6, 4.4), x, z
        if judged is not None:
            self.ax.fill_between(judged, 0, 1, color="black", alpha=0.06, linewidth=0,
                                 label="$p_{data}$ > 5 % of its peak")
        self.ax.axhline(0.5, color="black", linewidth=0.5, alpha=0.4)
        self.ax.plot(x, p_data, color="black", linestyle=":", linewidth=2.2, label="$p_{data}$")
        self.p_g, = self.ax.plot(x, 0 * x, color=P_G, linewidth=2, label="$p_g$, exact")
        self.best, = self.ax.plot(x, 0 * x, color=BEST, linewidth=1.2, label="$D^*$ of this $p_g$")
        self.D, = self.ax.plot(x, 0 * x, color=D_LINE, linestyle="--", linewidth=1.8, label="$D$, learned")
        self.arrows = LineCollection([], colors="black", linewidths=0.6)
        self.ax.add_collection(self.arrows)
        self.heads, = self.ax.plot([], [], "^", color="black", markersize=3.5, markeredgewidth=0)
        self._lines()

    def _lines(self) -> None:
        """The two axes x and z below the curves."""
        for name, y in (("x", X_LINE), ("z", Z_LINE)):
            self.ax.plot(EXTENT, (y, y), color="black", linewidth=0.8)
            self.ax.annotate(f"${name}$", (0, y), (-6, 0), xycoords=("axes fraction", "data"),
                             textcoords="offset points", ha="right", va="center")
        self.ax.set(xlim=EXTENT, ylim=(Z_LINE - 0.04, 1.05), yticks=[0, 0.5, 1])
        self.ax.spines[["left", "bottom"]].set_visible(False)
        self.ax.tick_params(bottom=False, left=False, pad=1)

    def show(self, p_g: np.ndarray, D: np.ndarray, best: np.ndarray, heads: np.ndarray) -> None:
        """p_g, D and best (k,) at x; heads (m,) = G(z)."""
        for line, y in ((self.p_g, p_g), (self.D, D), (self.best, best)):
            line.set_ydata(y)
        self.arrows.set_segments([*np.stack([np.stack([self.z, np.full_like(self.z, Z_LINE)], 1),
                                             np.stack([heads, np.full_like(heads, X_LINE - 0.03)], 1)], 1)])
        self.heads.set_data(heads, np.full_like(heads, X_LINE - 0.025))

    @property
    def artists(self) -> list[Any]:
        """What `show` moves, lowest first."""
        return [self.p_g, self.best, self.D, self.arrows, self.heads]


def figure1(moments: Sequence[Any], x: np.ndarray, p_data: np.ndarray, z: np.ndarray, titles: Sequence[str],
            judged: tuple[float, float]) -> Axes:
    """Four moments of a run, panels (a) to (d); each has p_g, D, best and arrows = G(z)."""
    fig = figure(9.2, 8)
    panels = fig.subplots(2, 2, sharex=True, sharey=True)
    for i, (ax, moment, title) in enumerate(zip(panels.flat, moments, titles, strict=True)):
        pair = Pair(ax, x, p_data, z, title, judged)
        ax.set_ylabel(ax.get_ylabel() if i % 2 == 0 else "")
        ax.set_xlabel("$x$, and $z$ below it" if i > 1 else "")
        pair.show(moment.p_g, moment.D, moment.best, moment.arrows)
        if i == 2:
            ax.plot(x, moments[1].p_g, color=P_G, linewidth=1, linestyle="-.", label="$p_g$ before, in (b)")
    handles, names = panels.flat[2].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside lower center", ncols=3, frameon=False)
    return panels.flat[0]


def pair_film(moments: Sequence[Any], x: np.ndarray, p_data: np.ndarray, z: np.ndarray, titles: Sequence[str]) -> Film:
    """The same curves, moving: one frame for each moment and title."""
    pair = Pair(None, x, p_data, z, " ")
    pair.ax.set_xlabel("$x$, and $z$ below it")
    fig: Any = pair.ax.get_figure(root=True)
    fig.legend(*pair.ax.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    title = pair.ax.set_title(" ", loc="left")

    def change(i):
        title.set_text(titles[i])
        pair.show(moments[i].p_g, moments[i].D, moments[i].best, moments[i].arrows)

    return Film(pair.ax, [*pair.artists, title], change, len(moments))
