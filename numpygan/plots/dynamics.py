"""Games of two numbers: paths on the plane, the distances they end at, eigenvalues, and the same moving."""
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .figure import D_COLOUR, DATA, FAKE, axes, figure
from .moving import Film

COLOURS = (FAKE, DATA, D_COLOUR)                        # of the ways to take a step
BILINEAR = ("black", FAKE, DATA)                        # of those in V = xy, continuous time first
REACH = 3.4                                             # of the plane, in every direction
TAIL = 40                                               # steps that a moving point leaves visible
Game = tuple[Callable, Sequence[np.ndarray]]            # a vector field, and paths (steps + 1, 2) in it


def paths(games: Mapping[str, Game], titles: Sequence[str]) -> Axes:
    """One panel for each method: its field as arrows of one length, its paths from (1, 1); `titles` name the paths."""
    fig = figure(11, 6.5)
    panels = fig.subplots(2, -(-len(games) // 2), sharex=True, sharey=True)
    for i, (ax, (name, (field, of_method))) in enumerate(zip(panels.flat, games.items(), strict=True)):
        plane(ax, field, name, "$\\theta$, where $G$'s point is" if i >= panels.shape[1] else "",
              "$\\psi$, the slope of $D$" if i % panels.shape[1] == 0 else "")
        for path, colour, title in zip(of_method, COLOURS, titles, strict=True):
            ax.plot(*path.T, color=colour, linewidth=1, alpha=0.8, label=title)
        ax.plot(1, 1, "o", color="black", markersize=5, label="start")
        ax.plot(0, 0, "+", color="black", markersize=9, markeredgewidth=1.5, label="equilibrium")
    handles, names = panels.flat[0].get_legend_handles_labels()
    legend = fig.legend(handles, names, loc="outside lower center", ncols=5, frameon=False, borderpad=0)
    for line in legend.get_lines():
        line.set(alpha=1, linewidth=2)
    fig.suptitle("The Dirac-GAN: 500 steps of $G$, $h = 0.2$")
    return panels.flat[0]


def plane(ax: Axes, field: Callable, title: str, x: str, y: str, reach: float = REACH) -> None:
    """The field (a, b) -> (da, db) on a square around 0, as grey arrows of one length."""
    axes(ax, title, x, y).set(xlim=(-reach, reach), ylim=(-reach, reach), box_aspect=1)
    a, b = np.meshgrid(*2 * [np.linspace(-0.92 * reach, 0.92 * reach, 14)])
    da, db = field(a, b)
    length = np.hypot(da, db)
    ax.quiver(a, b, da / length, db / length, color="0.78", pivot="middle", angles="xy", scale=26, width=0.004)


def norms(found: Mapping[str, Sequence[float]], known: Mapping[str, Sequence[str]], titles: Sequence[str]) -> Axes:
    """A table: for each method and way to take a step, the distance found, and in small print the one known."""
    fig = figure(9.2, 5.4)
    ax = axes(fig.add_subplot(), "Distance from the equilibrium after 500 steps; it was 1.414. Below it: the known "
              "value", "", "")
    for i, (name, row) in enumerate(found.items()):
        for j, (norm, text) in enumerate(zip(row, known[name], strict=True)):
            near = float(np.clip(-np.log10(max(norm, 1e-40)) / 10, 0, 1))             # 0: no nearer than 1
            colour, alpha = (DATA, 0.12 + 0.3 * near) if norm < 0.1 else (FAKE, 0.3) if norm > 1.5 else ("0.5", 0.12)
            ax.fill_between((j - 0.49, j + 0.49), i - 0.47, i + 0.47, color=colour, alpha=alpha, linewidth=0)
            ax.annotate(f"{norm:.3f}" if norm > 0.01 else f"{norm:.2e}", (j, i), (0, 5), textcoords="offset points",
                        ha="center", va="center", fontsize=11)
            ax.annotate(text, (j, i), (0, -9), textcoords="offset points", ha="center", va="center", fontsize=9,
                        color="0.35")
    ax.set(xlim=(-0.5, len(titles) - 0.5), ylim=(len(found) - 0.5, -0.5))
    ax.set_xticks(range(len(titles)), titles)
    ax.set_yticks(range(len(found)), list(found))
    ax.tick_params(length=0)
    ax.xaxis.tick_top()
    ax.spines[:].set_visible(False)
    ax.set_xlabel("blue: arrived or on its way;  grey: within about the start's distance;  orange: farther out")
    return ax


def eigenvalues(found: Mapping[str, Sequence[Any]], titles: Sequence[str]) -> Axes:
    """Eigenvalues of a step, by hand and measured, beside the circle of modulus 1; the moduli as numbers.

    found {method: for each of `titles`, values with `step`, `measured` (2,) and `package`}
    """
    fig = figure(11, 5.4)
    panels = fig.subplots(1, len(titles) + 1, width_ratios=[1] * len(titles) + [1.15])
    angle = np.linspace(-0.4, 0.4, 200)
    for j, (ax, title) in enumerate(zip(panels, titles, strict=False)):
        axes(ax, f"A step, {title}", "real part", "imaginary part" if j == 0 else "")
        ax.plot(np.cos(angle), np.sin(angle), color="black", linewidth=1, label="modulus 1")
        for i, of_method in enumerate(found.values()):
            values = of_method[j]
            ax.plot(values.step.real, values.step.imag, "o", color=DATA, markersize=11, fillstyle="none",
                    markeredgewidth=1.5, label="by hand" if i == 0 else None)
            ax.plot(values.measured.real, values.measured.imag, "x", color=FAKE, markersize=6, markeredgewidth=1.5,
                    label="measured" if i == 0 else None)
        ax.set(xlim=(0.85, 1.03), ylim=(-0.25, 0.25))
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    _moduli(panels[-1], found, titles)
    return panels[0]


def _moduli(ax: Axes, found: Mapping[str, Sequence[Any]], titles: Sequence[str]) -> None:
    """The larger modulus of each pair, as lines of text."""
    ax.set_axis_off()
    ax.set_title("Larger modulus: by hand, measured", loc="left")
    ax.set(xlim=(0, 1), ylim=(len(found) + 1.5, -0.6))
    for j, title in enumerate(titles):
        ax.text(0.62 + 0.4 * j, 0, title, ha="center", fontsize=9, color="0.35")
    for i, (name, of_method) in enumerate(found.items()):
        ax.text(0, i + 1, name if of_method[0].package else f"{name} *", va="center", fontsize=9)
        for j, values in enumerate(of_method):
            by_hand, measured = (np.abs(v).max() for v in (values.step, values.measured))
            ax.text(0.62 + 0.4 * j, i + 1, f"{by_hand:.6f}\n{measured:.6f}", ha="center", va="center", fontsize=9)
    ax.text(0, len(found) + 1, "measured: of the package's own training step\n* of the step of theory.dirac",
            va="center", fontsize=9, color="0.35")


def paths_film(games: Mapping[str, Game], titles: Sequence[str], steps: int = 120) -> Film:
    """Moving points with tails, a panel for each of four methods; every second step is a frame."""
    fig = figure(6.4, 6.8)
    panels = fig.subplots(2, 2, sharex=True, sharey=True)
    moving: list[tuple[Any, Any, np.ndarray]] = []
    for i, (ax, (name, (field, of_method))) in enumerate(zip(panels.flat, games.items(), strict=True)):
        plane(ax, field, name, "$\\theta$" if i > 1 else "", "$\\psi$" if i % 2 == 0 else "", 2.4)
        ax.plot(0, 0, "+", color="black", markersize=9, markeredgewidth=1.5)
        for path, colour, title in zip(of_method, COLOURS, titles, strict=False):
            tail, = ax.plot([], [], color=colour, linewidth=1.5, alpha=0.7)
            point, = ax.plot([], [], "o", color=colour, markersize=7, label=title)
            moving.append((tail, point, path))
    fig.legend(*panels.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    text = fig.suptitle("The Dirac-GAN after 000 steps")
    text.axes = panels.flat[0]                          # where `Film` draws it

    def change(i):
        text.set_text(f"The Dirac-GAN after {2 * i} steps")
        _move(moving, 2 * i)

    return Film(panels.flat[0], [a for tail, point, _ in moving for a in (tail, point)] + [text], change,
                steps // 2 + 1)


def _move(moving: Sequence[tuple[Any, Any, np.ndarray]], step: int) -> None:
    for tail, point, path in moving:
        tail.set_data(*path[max(0, step - TAIL):step + 1].T)
        point.set_data(*path[step:step + 1].T)


def bilinear(shown: Mapping[str, np.ndarray], field: Callable) -> Axes:
    """V = xy: the paths on the plane, and the distance of each from the equilibrium; shown {name: path}."""
    left, right, _ = _bilinear(shown, field)
    for path, colour in zip(shown.values(), BILINEAR, strict=True):
        left.plot(*path.T, color=colour, linewidth=1.5)
        right.plot(np.hypot(*path.T), color=colour, linewidth=1.8)
    return left


def _bilinear(shown, field):
    fig = figure(9.2, 5)
    left, right = fig.subplots(1, 2)
    reach = 1.1 * max(np.abs(path).max() for path in shown.values())
    plane(left, field, "$V = xy$: $x$ goes down, $y$ goes up", "$x$", "$y$", reach)
    left.plot(0, 0, "+", color="black", markersize=9, markeredgewidth=1.5)
    left.plot(1, 1, "o", color="black", markersize=5, zorder=3)
    axes(right, "distance from the equilibrium", "step", "$\\sqrt{x^2 + y^2}$")
    count = max(len(path) for path in shown.values())
    right.set(xlim=(0, count - 1), ylim=(0, 1.05 * max(np.hypot(*path.T).max() for path in shown.values())))
    for name, colour in zip(shown, BILINEAR, strict=True):
        left.plot([], [], color=colour, linewidth=2, label=name)
    fig.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return left, right, count


def bilinear_film(shown: Mapping[str, np.ndarray], field: Callable) -> Film:
    """The same, moving."""
    left, right, count = _bilinear(shown, field)
    moving, curves = [], []
    for path, colour in zip(shown.values(), BILINEAR, strict=True):
        tail, = left.plot([], [], color=colour, linewidth=1.5)
        point, = left.plot([], [], "o", color=colour, markersize=7)
        curve, = right.plot([], [], color=colour, linewidth=1.8)
        moving.append((tail, point, path))
        curves.append((curve, np.hypot(*path.T)))

    def change(i):
        _move(moving, i)
        for curve, norm in curves:
            curve.set_data(np.arange(i + 1), norm[:i + 1])

    artists = [a for (tail, point, _), (curve, _) in zip(moving, curves, strict=True) for a in (tail, point, curve)]
    return Film(left, artists, change, count)
