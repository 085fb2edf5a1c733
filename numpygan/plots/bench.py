"""The chart of `numpygan bench`: bars for each workload, lines for how time grows."""
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .figure import D_COLOUR, DATA, FAKE, figure

COLOURS = {"numpygan": FAKE, "numpygan (numpy)": "#E69F00", "floor": "#000000", "PyTorch eager": "#56B4E9",
           "PyTorch tuned": DATA, "torch.compile": "#CC79A7", "JAX jit": D_COLOUR}
CAPTIONS = {"batch": "rows in a minibatch (2-128-128-2)", "width": "h (2-h-h-2, batch 128)"}
MARKS = {"numpygan": "o", "PyTorch tuned": "s", "JAX jit": "^", "floor": "_"}


def bench(results: Mapping[str, Any]) -> Axes:
    """A panel of bars for each workload, the floor as a line, and where growth was measured two panels of lines.

    results as `numpygan.bench.report.main` collects them.
    """
    workloads, growth = results["workloads"], results.get("growth", {})
    fig = figure(10, 1.9 * len(workloads) + (3.6 if growth else 0) + 0.6)
    rows, *below = fig.subfigures(2 if growth else 1, 1, height_ratios=[1.9 * len(workloads), 3.6][:1 + bool(growth)],
                                  squeeze=False).flat
    panels = rows.subplots(len(workloads), 1, squeeze=False)[:, 0]
    for ax, (name, result) in zip(panels, workloads.items(), strict=True):
        _bars(ax, f"{name}: {result['shape']}", result["ms"])
    panels[-1].set_xlabel("ms per iteration (D's step and G's): median, and the middle half of the rounds")
    floor = "; the dotted line is the floor: bare products and Adam"
    fig.suptitle(f"One training iteration, {results['threads']} threads"
                 + floor * any("floor" in result["ms"] for result in workloads.values()), fontsize=11)
    for part in below:
        for ax, (axis, points) in zip(part.subplots(1, len(growth), squeeze=False)[0], growth.items(), strict=True):
            _lines(ax, axis, points)
    return panels[0]


def _bars(ax, title, times):
    names = [who for who in times if who != "floor"][::-1]
    for y, who in enumerate(names):
        low, middle, high = np.quantile(times[who], (0.25, 0.5, 0.75))
        ax.barh(y, middle, color=COLOURS.get(who, "0.5"), height=0.7)
        ax.plot([low, high], [y, y], color="0.3", linewidth=1)
        ax.annotate(f"{middle:.3g}", (high, y), xytext=(4, 0), textcoords="offset points", va="center",
                    fontsize=8)
    if "floor" in times:
        ax.axvline(np.median(times["floor"]), color=COLOURS["floor"], linestyle=":", linewidth=1.5)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.set_xlim(0, 1.12 * max(np.quantile(t, 0.75) for t in times.values()))
    ax.set_title(title, loc="left", fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)


def _lines(ax, axis, points):
    for who, mark in MARKS.items():
        found = {int(n): np.median(result["ms"][who]) for n, result in points.items() if who in result["ms"]}
        ax.plot(list(found), list(found.values()), marker=mark, color=COLOURS[who], label=who,
                linestyle=":" if who == "floor" else "-")
    ax.set(xscale="log", yscale="log", xlabel=CAPTIONS[axis], ylabel="ms per iteration")
    ax.set_xticks([int(n) for n in points], [str(n) for n in points])
    ax.minorticks_off()
    ax.set_title(f"as the {axis} grows", loc="left", fontsize=9)
    ax.legend(frameon=False, fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
