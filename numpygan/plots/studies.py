"""Pictures of studies: what each method's generator makes, beside the data."""
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .figure import DATA, FAKE, figure

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
