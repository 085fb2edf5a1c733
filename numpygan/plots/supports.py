"""Distances between two boxes that slide apart, and how well D tells thin and thick distributions apart."""
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from .figure import DATA, FAKE, axes, figure
from .moving import Film

ORANGE, PURPLE = "#E69F00", "#CC79A7"                   # Okabe & Ito, for the third and fourth curve


def sliding(t: np.ndarray, found: Any) -> Axes:
    """JSD without and with instance noise and W₁ (above) and their slopes in t (below); `found` as `Sliding`."""
    fig = figure(9.2, 6.6)
    (a, b), (c, d) = fig.subplots(2, 2, sharex=True)
    axes(a, "JSD stops at log 2", "", "JSD")
    axes(b, "$W_1$ goes on", "", "$W_1$")
    axes(c, "its slope: 0 beyond $|t| = 1$", "$t$: the boxes are $[0, 1]$ and $[t, t+1]$", "dJSD / d$t$")
    axes(d, "its slope: ±1, however far", "$t$", "d$W_1$ / d$t$")
    for std, colour in zip(found.jsd, (FAKE, ORANGE, PURPLE), strict=True):
        label = f"JSD, instance noise of std {std:g}" if std else "JSD"
        a.plot(t, found.jsd[std], color=colour, linewidth=2, label=label)
        c.plot(t, found.jsd_slope[std], color=colour, linewidth=2)
    a.axhline(np.log(2), color="black", linewidth=0.8, linestyle="--")
    a.annotate("log 2", (1, np.log(2)), (0, 4), xycoords=("axes fraction", "data"), textcoords="offset points",
               ha="right")
    b.plot(t, found.w1, color=DATA, linewidth=2, label="$W_1$")
    d.plot(t, found.w1_slope, color=DATA, linewidth=2)
    for ax, limits in ((a, (0, 0.8)), (b, (-0.2, 4.2)), (c, (-0.8, 0.8)), (d, (-1.3, 1.3))):
        ax.axvspan(-1, 1, color="black", alpha=0.06, linewidth=0)
        ax.set(ylim=limits, xlim=(t[0], t[-1]))
    handles, names = (x + y for x, y in zip(a.get_legend_handles_labels(), b.get_legend_handles_labels(), strict=True))
    fig.legend([*handles, Patch(color="black", alpha=0.06)], [*names, "the boxes overlap"], loc="outside lower center",
               ncols=3, frameon=False)
    return a


def sliding_film(t: np.ndarray, found: Any, density: Callable[[float, np.ndarray], np.ndarray], std: float) -> Film:
    """The boxes, sharp and through noise, and a dot on each distance; density (std, x) of the box at 0."""
    fig = figure(7.2, 5.6)
    panels: dict[str, Axes] = fig.subplot_mosaic([["boxes", "boxes"], ["JSD", "W"]])
    above, left, right = panels["boxes"], panels["JSD"], panels["W"]
    x = np.linspace(-6, 7, 1301)
    soft = density(std, x)
    axes(above, " ", "$x$", "density").set(xlim=(x[0], x[-1]), ylim=(0, 1.25), yticks=[0, 1])
    axes(left, "Jensen-Shannon", "$t$", "JSD").set(xlim=(t[0], t[-1]), ylim=(0, 0.75))
    axes(right, "earth mover's", "$t$", "$W_1$").set(xlim=(t[0], t[-1]), ylim=(0, 4.3))
    above.fill_between(x, density(0.0, x), color=DATA, alpha=0.25, linewidth=0, label="data")
    above.plot(x, soft, color=DATA, linestyle="--", linewidth=1.5, label=f"data, noise {std:g}")
    box = above.axvspan(0, 1, 0, 1 / 1.25, color=FAKE, alpha=0.35, linewidth=0, label="samples")
    moving, = above.plot(x, soft, color=FAKE, linestyle="--", linewidth=1.5, label=f"samples, noise {std:g}")
    curves = [(right, found.w1, DATA, "$W_1$"), (left, found.jsd[0.0], FAKE, "JSD"),
              (left, found.jsd[std], ORANGE, f"JSD, noise {std:g}")]
    dots: list[Any] = []
    for ax, y, colour, label in curves:
        ax.plot(t, y, color=colour, linewidth=1.5, label=label)
        dots += ax.plot([0], [0], "o", color=colour, markersize=8)
    handles, names = (a + b + c for a, b, c in zip(*(ax.get_legend_handles_labels() for ax in panels.values()),
                                                   strict=True))
    fig.legend(handles, names, loc="outside lower center", ncols=4, frameon=False)
    title = above.set_title(" ", loc="left")
    order = np.r_[len(t) - 1:-1:-2, 1:len(t) - 1:2]                       # there and back

    def change(i):
        k = order[i]
        box.set_x(t[k])
        moving.set_ydata(np.interp(x, x + t[k], soft))
        title.set_text(f"$t$ = {t[k]:+.2f}:  JSD {found.jsd[0.0][k]:.2f},  through noise {found.jsd[std][k]:.2f};  "
                       f"$W_1$ {found.w1[k]:.2f}")
        for dot, (_, y, _, _) in zip(dots, curves, strict=True):
            dot.set_data([t[k]], [y[k]])

    return Film(above, [box, moving, *dots, title], change, len(order))


def dimension(dimensions: Sequence[int], thin: Any, noisy: Any, thick: Any, std: float, setting: str) -> Axes:
    """Accuracy of D over the dimension: two planes, the same with noise `std`, two Gaussians; each as `Accuracy`."""
    fig = figure(9.2, 4.4)
    left, right = fig.subplots(1, 2, sharex=True, sharey=True)
    axes(left, "Thin: N(0, I) on two random planes", "dimension of the space", "share of right answers")
    axes(right, "Thick: N(0, I) and N(0, 1.2² I)", "dimension of the space", "")
    _accuracies(left, dimensions, thin, FAKE, "o", "trained D")
    _accuracies(left, dimensions, noisy, DATA, "s", f"trained D, planes with noise of std {std:g}")
    _accuracies(right, dimensions, thick, FAKE, "o", "trained D")
    for ax in (left, right):
        ax.axhline(0.5, color="black", linewidth=0.5)
    left.plot([], [], color="black", linestyle="--", linewidth=1.2, label="$D^*$, the best there is")
    left.set(xscale="log", ylim=(0.45, 1.03))
    left.set_xticks(dimensions, [str(d) for d in dimensions])
    left.minorticks_off()
    fig.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    fig.suptitle(setting, fontsize=9)
    return left


def _accuracies(ax: Axes, x: Sequence[int], found: Any, colour: str, marker: str, label: str) -> None:
    """Medians over the seeds, bars over their range, and the median of D* dashed."""
    ax.plot(x, np.median(found.trained, 0), marker + "-", color=colour, linewidth=1.8, markersize=5, label=label)
    ax.vlines(x, found.trained.min(0), found.trained.max(0), color=colour, linewidth=3, alpha=0.4)
    ax.plot(x, np.median(found.best, 0), color=colour, linestyle="--", linewidth=1.4)
