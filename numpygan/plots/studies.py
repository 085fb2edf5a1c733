"""Pictures of studies: what each method's generator makes, and how its numbers go over the steps."""
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from .figure import D_COLOUR, DATA, FAKE, figure
from .images import tiles

COLOURS = (FAKE, DATA, D_COLOUR, "#E69F00", "#CC79A7", "#56B4E9", "black")             # Okabe & Ito
STYLES = ("-", "--", "-.", ":", "-", "--", "-.")
ACROSS = 5                              # panels beside each other


def clouds(rows: Sequence[Any], data: Mapping[str, Any]) -> Axes:
    """Samples of the first seed of each method (result "samples"), one panel each; rings where a sample counts as good.

    rows as `study.Row`, their groups the names of `data`, mixtures in the plane.
    """
    down = {name: -(-sum(row.group == name for row in rows) // ACROSS) for name in data}
    fig = figure(2.0 * ACROSS, 2.25 * sum(down.values()) + 0.5)
    panels = np.atleast_2d(fig.subplots(sum(down.values()), ACROSS, squeeze=False))
    for ax in panels.flat:
        ax.set_axis_off()
    top = 0
    for name, mixture in data.items():
        for ax, row in zip(panels[top:top + down[name]].flat, (row for row in rows if row.group == name), strict=False):
            _cloud(ax, row, mixture)
        top += down[name]
    handles, labels = panels.flat[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, markerscale=3)
    fig.suptitle("400 samples of the first seed of each method, and the modes of the data")
    return panels.flat[0]


def _cloud(ax, row, mixture):
    modes, reach = np.asarray(mixture.modes), float(np.abs(mixture.modes).max())
    x = np.asarray(row.results[0]["samples"])
    ax.set_axis_on()
    ax.scatter(*modes.T, s=26, facecolors="none", edgecolors=DATA, linewidths=1.0, label="modes")
    ax.scatter(*x.T, s=1.5, color=FAKE, linewidths=0, label="samples G(z)")
    ax.set_title(f"{row.group}: {row.method}", fontsize=9)
    ax.set(xlim=(-1.3 * reach, 1.3 * reach), ylim=(-1.3 * reach, 1.3 * reach), aspect="equal", xticks=[], yticks=[])
    ax.set_xlabel("$x_1$", fontsize=7, labelpad=1)
    ax.set_ylabel("$x_2$", fontsize=7, labelpad=1)


def collapse(rows: Sequence[Any]) -> Axes:
    """Spread, ‖dG/dz‖ and D(G(z)) before, while and after D is frozen: the mean over the seeds of each method.

    Above them 16 images G(z) of the first row's first seed at the end of each part, the same z in all.
    """
    fig = figure(9.6, 9.0)
    top, bottom = cast(Any, fig.subfigures(2, 1, height_ratios=(1, 2.2)))
    parts = ("at the end of training together", "then G alone, D frozen", "then both again")
    for ax, images, part in zip(top.subplots(1, 3), rows[0].results[0]["pictures"], parts, strict=True):
        images = np.asarray(images)
        ax.set_axis_off()
        ax.set_title(part, fontsize=10, loc="left")
        if images.shape[1] == 64:
            ax.imshow(tiles(images, (8, 8)), interpolation="nearest")
    top.suptitle(f"{rows[0].group}, {rows[0].method}, seed {rows[0].seeds[0]}: 16 samples, of the same z each time")
    _courses(bottom, rows)
    return ax


def _courses(fig, rows):
    panels = fig.subplots(3, 1, sharex=True)
    for ax, key in zip(panels, ("spread", "‖dG/dz‖", "D(G(z))"), strict=True):
        for row, colour, style in zip(rows, COLOURS, STYLES, strict=False):
            course = np.mean([result["course"][key] for result in row.results], axis=0)
            since = np.array(row.results[0]["course"]["step"]) - row.results[0]["frozen at"]
            ax.plot(since, course, style, color=colour, linewidth=1.8, label=f"{row.group}: {row.method}")
            after = since == row.results[0]["released at"] - row.results[0]["frozen at"]
            ax.plot(since[after], course[after], "o", color=colour, markersize=5)
        ax.axvline(0, color="black", linewidth=0.8, linestyle=":")
        ax.set_ylabel("spread, data = 1" if key == "spread" else key)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in panels[:2]:
        ax.set_yscale("log")
        ax.yaxis.set_minor_formatter("")
    panels[0].set_title("mean over the seeds; D is frozen at the dotted line and released at the dot", loc="left",
                        fontsize=10)
    panels[-1].set_xlabel("steps of G since D was frozen")
    panels[-1].set_xlim(-500, None)
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)


def balance(rows: Sequence[Any], remedies: Sequence[str]) -> Axes:
    """For each remedy and each cause of a strong D: how often D is right, the push on a fake, agreement, quality.

    Means over the seeds, ± standard error. Left the rows whose group has no comma, right the others.
    """
    sides = [[row for row in rows if ("," in row.group) == right] for right in (False, True)]
    sides = [side for side in sides if side]
    names = {"D right": "D right", "push, non-sat.": "push (hollow: minimax)", "agreement": "agreement",
             "quality": "quality, %"}
    fig = figure(5.3 * len(sides), 10.0)
    panels = fig.subplots(len(names), len(sides), sharex=True, squeeze=False)
    for column, side in zip(panels.T, sides, strict=True):
        causes = list(dict.fromkeys(row.group for row in side))
        for ax, (key, label) in zip(column, names.items(), strict=True):
            ax.set_ylabel(label)
            ax.spines[["top", "right"]].set_visible(False)
            for i, cause in enumerate(causes):
                _balance(ax, [row for row in side if row.group == cause], key, i, len(causes), remedies)
            if key.startswith("push"):
                ax.set_yscale("log")
                ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                ax.yaxis.set_major_formatter("{x:g}")
                ax.yaxis.set_minor_formatter("")
        column[0].set_title(causes[0].partition(",")[0] if "," in causes[0] else "ring", loc="left")
        column[-1].set_xticks(range(len(remedies)), remedies, rotation=30, ha="right")
        column[-1].set_xlabel("remedy")
    fig.suptitle("What each remedy does against a D that is too strong (± standard error over the seeds)")
    fig.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return panels[0, 0]


def _balance(ax, rows, key, i, of, remedies):
    """The rows of cause number i, each at its remedy, ± standard error; hollow beside a push: that of minimax."""
    at = np.array([remedies.index(row.method) for row in rows]) + 0.16 * (i - (of - 1) / 2)
    mark = {"fmt": "osD^"[i % 4], "color": COLOURS[i], "markersize": 5, "elinewidth": 1.0}

    def draw(key, **more):
        mean, error = np.transpose([row.mean(key) for row in rows])
        ax.errorbar(at, mean, np.nan_to_num(error), **mark, **more)
    draw(key, label=rows[0].group.rpartition(", ")[2])
    if key.startswith("push"):
        draw("push, minimax", markerfacecolor="none")
