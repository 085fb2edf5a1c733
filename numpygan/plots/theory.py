"""The two slopes of the generator's losses, and what becomes of its gradient while D is trained on."""
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from .figure import DATA, FAKE, axes, figure

COLOURS = {"minimax": DATA, "non-saturating": FAKE}
LABELS = {"minimax": "minimax, $\\log(1-D)$", "non-saturating": "non-saturating, $-\\log D$"}


def slopes(s: np.ndarray, found: Mapping[str, tuple[np.ndarray, np.ndarray]], middle: np.ndarray) -> Axes:
    """Slope in D times dD/ds = slope in the logit, over logits s (n,); found {loss: (slope in D, slope in s)}."""
    fig = figure(9.4, 4.2)
    left, mid, right = fig.subplots(1, 3, sharex=True, sharey=True)
    axes(left, "slope in $D$: no bound", "", "absolute value")
    axes(mid, "× d$D$/d$s$ $= D(1-D)$", "logit $s$ of a fake, and $D = \\sigma(s)$", "")
    axes(right, "= slope in $s$: at most 1", "", "")
    for name, (in_D, in_s) in found.items():
        left.plot(s, in_D, color=COLOURS[name], linewidth=2, label=LABELS[name])
        right.plot(s, in_s, color=COLOURS[name], linewidth=2)
    mid.plot(s, middle, color="black", linewidth=2)
    for ax in (left, mid, right):
        ax.axhline(1, color="black", linewidth=0.8, linestyle="--")
        ax.axvspan(s[0], -4, color="black", alpha=0.06, linewidth=0)
    left.set(yscale="log", ylim=(1e-5, 1e5), xlim=(s[0], s[-1]))
    left.set_xticks([-8, -4, 0, 4, 8], ["−8\n.0003", "−4\n.018", "0\n.5", "4\n.982", "8\n.9997"])
    handles, names = left.get_legend_handles_labels()
    fig.legend([*handles, Patch(color="black", alpha=0.06)], [*names, "D is sure: a fake"],
               loc="outside lower center", ncols=3, frameon=False)
    return left


def frozen(steps: np.ndarray, shown: Mapping[str, Any], setting: str) -> Axes:
    """‖∇_θ L_G‖ against the steps of D alone: medians over the seeds, and their whole range as a band.

    shown {title of a panel: minimax, non_saturating and D_fake, each (seeds, steps)}; `setting` is written above.
    The last medians are written at the right.
    """
    fig = figure(9.8, 5)
    panels = fig.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for i, (ax, (title, found)) in enumerate(zip(panels, shown.items(), strict=True)):
        axes(ax, title, "steps of D since G stands still", "$\\Vert\\nabla_\\theta L_G\\Vert$, or mean $D(G(z))$"
             if i == 0 else "")
        _band(ax, steps, found.D_fake, "black", "mean $D(G(z))$", ":")
        _band(ax, steps, found.minimax, DATA, LABELS["minimax"])
        _band(ax, steps, found.non_saturating, FAKE, LABELS["non-saturating"])
        ax.set_xscale("symlog", linthresh=1, linscale=0.3)
        ax.set_xticks([0, 1, 10, 100, 1000], ["0", "1", "10", "100", "1000"])
        ax.set(yscale="log", xlim=(0, steps[-1]))
        ax.grid(alpha=0.25)
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    fig.suptitle(setting, fontsize=9)
    return panels[0]


def _band(ax: Axes, x: Any, rows: np.ndarray, colour: str, label: str, style: str = "-") -> None:
    """The median of the rows (seeds, n) as a line, from the least to the largest as a band."""
    ax.fill_between(x, rows.min(0), rows.max(0), color=colour, alpha=0.2, linewidth=0)
    middle = np.median(rows, 0)
    ax.plot(x, middle, color=colour, linewidth=2, linestyle=style, label=label)
    ax.annotate(f"{middle[-1]:.2g}", (x[-1], middle[-1]), (4, 0), textcoords="offset points", color=colour, va="center")
