"""What all pictures share: colours, figures without pyplot, legends off the data, files."""
import os
from pathlib import Path
from typing import Any, cast

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..checks import told
from ..files import atomic

DATA, FAKE, D_COLOUR = "#0072B2", "#D55E00", "#009E73"          # Okabe & Ito: blue, vermillion, bluish green
DPI = 100                                                       # of every figure


def figure(width: float, height: float, constrained: bool = True) -> Figure:
    """An empty figure of that size in inches. It belongs to its Axes alone: nothing to close, nothing leaks."""
    fig = Figure(figsize=(width, height), dpi=DPI, layout="constrained" if constrained else None)
    FigureCanvasAgg(fig)
    return fig


def axes(ax: Axes | None, title: str, x: str, y: str, width: float = 8.0, height: float = 3.6) -> Axes:
    """`ax`, or Axes of a new figure, with its title and the names of its axes."""
    ax = figure(width, height).add_subplot() if ax is None else check_axes(ax)
    ax.set_title(title, loc="left")
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def check_axes(ax: Any) -> Axes:
    """`ax` itself; TypeError unless it is Matplotlib's Axes."""
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be Matplotlib Axes, such as figure.add_subplot() makes, got {told(ax)}")
    return ax


def literal(text: str) -> str:
    """That text for a title, where two $ would begin and end a formula: a file may be called anything."""
    return text.replace("$", r"\$")


def legend_above(ax: Axes) -> Axes:
    """The legend in one line above the Axes, at the right of a short title: never on the data."""
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, frameon=False, borderaxespad=0.2)
    return ax


def legend_below(ax: Axes) -> Axes:
    """The legend in one line below the Axes and the name of the x axis."""
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=4, frameon=False, borderaxespad=3.4, markerscale=2,
              columnspacing=1.2)
    return ax


def save(ax: Axes, path: str | os.PathLike) -> Path:
    """Write the figure of these Axes as PNG, whole or not at all."""
    fig = cast(Figure, check_axes(ax).get_figure(root=True))
    with atomic(path) as file:
        fig.savefig(file, format="png", dpi=DPI)
    return Path(path)
