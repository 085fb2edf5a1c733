"""The pictures of the chapters, drawn from the functions they show:   python docs/pictures.py"""
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyBboxPatch, Rectangle

import numpygan as ng
from numpygan import functional as F
from numpygan import losses as game

IMG = Path(__file__).with_name("img")
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#8c8c8c"


def players(ax):
    """The two networks, and what goes in and out of them."""
    ax.set(xlim=(0, 12), ylim=(0, 4))
    ax.axis("off")
    ax.text(0.2, 3.2, "data x", va="center")
    ax.text(0.2, 0.8, "noise z", va="center")
    _box(ax, 3.3, 0.8, "G", ORANGE)
    _box(ax, 7.4, 2, "D", BLUE)
    _arrow(ax, (1.5, 3.2), (6.8, 2.3))
    _arrow(ax, (1.5, 0.8), (2.8, 0.8))
    _arrow(ax, (3.8, 0.9), (6.8, 1.7))
    ax.text(4.5, 0.85, "fakes G(z)", va="top")
    _arrow(ax, (7.9, 2), (9.3, 2))
    ax.text(9.4, 2, "the probability\nof being data", va="center")
    for x, y, name in ((3.3, 0.05, "generator: the forger"), (7.4, 1.25, "discriminator:\nthe police")):
        ax.text(x, y, name, ha="center", va="top" if "\n" in name else "center", fontsize=9, color="#555555")


def pointwise(ax):
    """f(y) = a log y + b log(1 − y), what D maximises at one point, and its maximum D*          Eq. (1.3)"""
    y = np.linspace(0.002, 0.998, 499)
    for (a, b), colour in zip([(0.3, 0.9), (0.5, 0.5), (0.8, 0.2)], (BLUE, GREEN, ORANGE), strict=True):
        best = a / (a + b)
        ax.plot(y, a * np.log(y) + b * np.log(1 - y), color=colour, label=f"p = {a}, q = {b}:  D* = {best:.2f}")
        top = a * np.log(best) + b * np.log(1 - best)
        ax.plot([best, best], [-3, top], color=colour, lw=0.8, ls=":")
        ax.plot(best, top, "o", color=colour)
    ax.set(title="The best answer at one point", xlabel="y = D(x)", ylabel="p log y + q log(1 − y)", xlim=(0, 1),
           ylim=(-3, 0))
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))


def pushes(ax):
    """What G hears in the plane: D of a short run on four blobs, and -dx of each fake               Eq. (3.6)"""
    rng = np.random.default_rng(1)
    data = ng.data.ring(4, radius=1.5, std=0.15, dtype=np.float64)
    G, D = (ng.MLP([2, 32, 32, out], hidden="tanh", rng=rng, dtype=np.float64, engine="numpy") for out in (2, 1))
    gan = ng.GAN(G, D, opt_G=ng.optim.Adam(1e-3, beta1=0.5), opt_D=ng.optim.Adam(1e-2, beta1=0.5),
                 penalties=[ng.penalties.R1(0.05)])
    gan.fit(data, steps=120, batch=128, rng=rng)
    t = np.linspace(-2.4, 2.4, 121)
    plane = np.stack(np.meshgrid(t, t), axis=-1)
    drawn = ax.contourf(t, t, F.sigmoid(D(plane.reshape(-1, 2))).reshape(121, 121), np.linspace(0, 1, 11),
                        colors=plt.get_cmap("Greys_r")(np.linspace(0.45, 1, 10)))
    ax.figure.colorbar(drawn, ax=ax, label="D(x)")
    x, x_fake = data.sample(200, rng), gan.sample(60, rng)
    logit, tape = D.forward(x_fake)
    dx, _ = D.backward(tape, gan.loss.generator(logit)[1], want_g=False)
    ax.plot(*x.T, ".", ms=3, color=BLUE, label="data")
    ax.plot(*x_fake.T, "o", ms=3, color=ORANGE, label="fakes")
    ax.quiver(*x_fake.T, *-dx.T, color=ORANGE, width=0.004, label="push on a fake, −dx_fake")
    ax.set(title="D on the plane, and what it tells each fake", xlabel="x1", ylabel="x2", aspect="equal")
    ax.figure.legend(frameon=False, loc="outside lower center", ncols=3)


def generator_gradients(ax):
    """∂L_G/∂s of one fake: Eq. (4.10), Eq. (4.12), and the latter with an epsilon inside the log."""
    s = np.linspace(-30, 12, 421)
    D = F.sigmoid(s)
    ax.axvspan(-30, -5, color=GREY, alpha=0.12, lw=0)
    ax.text(-14.3, -0.06, "D is sure: a fake", va="top", color="#555555")
    ax.plot(s, -F.sigmoid(s), color=BLUE, label="minimax: −σ(s)")
    ax.plot(s, -F.sigmoid(-s), color=ORANGE, label="non-saturating: −σ(−s)")
    ax.plot(s, -D * (1 - D) / (D + 1e-8), color="black", ls="--", lw=1, label="−log(D + 1e-8)")
    ax.plot(-20, -0.1709, "o", color="black", ms=4)
    ax.annotate("−0.17 at s = −20", (-20, -0.1709), (-16, -0.26), arrowprops={"arrowstyle": "-", "lw": 0.6})
    ax.set(title="What G feels of one fake", xlabel="logit s of a fake", ylabel="∂L_G / ∂s", xlim=(-30, 12),
           ylim=(-1.05, 0.05))
    ax.figure.legend(frameon=False, loc="outside lower center", ncols=3)


def losses(ax):
    """Derivatives of the five losses in the logit: D on a fake row, and G                    Eqs. (9.1) to (9.10)"""
    s = np.linspace(-4, 4, 801)[:, None]
    left, right = _beside(ax)
    for loss, colour, of_D, of_G in [
            (game.Minimax(), BLUE, "minimax, non-saturating", "minimax"),
            (game.NonSaturating(), ORANGE, None, "non-saturating"),
            (game.LeastSquares(), GREEN, "least squares", "least squares"),
            (game.Wasserstein(), GREY, "Wasserstein", "Wasserstein, hinge"),
            (game.Hinge(), "black", "hinge", None)]:
        if of_D:
            left.plot(s, [loss.discriminator(one, one)[2][0, 0] for one in s[:, None]], color=colour, label=of_D,
                      ls="--" if colour == "black" else "-")
        if of_G:
            right.plot(s, [loss.generator(one)[1][0, 0] for one in s[:, None]], color=colour, label=of_G)
    left.set(title="D, on a fake: positive pushes s down", xlabel="logit s of a fake", ylim=(-1.6, 1.6))
    right.set(title="G: negative pushes s up", xlabel="logit s of a fake", ylim=(-3.1, 1.6))
    for side in (left, right):
        side.axhline(0, color="black", lw=0.5)
        side.set_xlim(-4, 4)
        side.legend(frameon=False, fontsize=9, loc="lower right")


def penalised(ax):
    """L_D + P of a critic of slope k with the gradient penalty; and what a dropped f″ costs              Eq. (10.11)"""
    left, right = _beside(ax)
    k = np.linspace(-1.6, 1.8, 341)
    left.plot(k, -2 * k, color=GREY, label="−2k: the loss alone, W₁ = 2")
    left.plot(k, -2 * k + 10 * (abs(k) - 1)**2, color=BLUE, label="with 10 (|k| − 1)²")
    for at, name in ((1.1, "k = 1.1"), (-0.9, "k = −0.9: stuck")):
        left.plot(at, -2 * at + 10 * (abs(at) - 1)**2, "o", color=ORANGE)
        left.annotate(name, (at, -2 * at + 10 * (abs(at) - 1)**2), (0, -22), textcoords="offset points", ha="center")
    left.set(title="A penalty is no wall", xlabel="slope k of the critic", ylabel="L_D + P", ylim=(-5, 15))
    scales = np.linspace(0.5, 4, 15)
    for hidden, colour, style in (("tanh", BLUE, "-"), ("sigmoid", ORANGE, "--"), ("leaky_relu", "black", ":")):
        right.plot(scales, [100 * _lost(hidden, scale) for scale in scales], color=colour, ls=style, label=hidden)
    right.set(title="R1 without f″: how much is wrong", xlabel="size of the weights, 1: initial values",
              ylabel="% of the gradient's length", ylim=(-3, 100))
    for side in (left, right):
        side.legend(frameon=False, fontsize=9, loc="upper center" if side is left else "upper left")


def _lost(hidden, scale):
    """The part of R1's gradient that is lost with f″, as a share of its length."""
    D = ng.MLP([2, 16, 16, 1], hidden=hidden, rng=np.random.default_rng(0), dtype=np.float64, engine="numpy")
    D.theta = scale * D.theta
    x, kept = np.random.default_rng(0).standard_normal((64, 2)), (F.tanh_curvature, F.sigmoid_curvature)
    g = ng.penalties.R1(2.0)(D, x, None)[1]
    F.tanh_curvature = F.sigmoid_curvature = lambda dy_dot, x_dot, y: np.zeros_like(y)
    try:
        return np.linalg.norm(g - ng.penalties.R1(2.0)(D, x, None)[1]) / np.linalg.norm(g)
    finally:
        F.tanh_curvature, F.sigmoid_curvature = kept


def tricks(ax):
    """D* where labels are smoothed or flipped, Eq. (11.1), and the best logit with instance noise, Eq. (11.7)"""
    left, right = _beside(ax)
    x = np.linspace(-4, 6, 401)
    p, q = (np.exp(-(x - mean)**2 / 2) for mean in (0, 2))
    kinds = [((1, 0), BLUE, "-", "labels 1 and 0"), ((0.9, 0), ORANGE, "--", "one side: 0.9"),
             ((0.9, 0.1), GREEN, "-.", "both sides, or flips: 0.9, 0.1")]
    for (a, b), colour, style, name in kinds:
        left.plot(x, (a * p + b * q) / (p + q), color=colour, ls=style, label=name)
    left.set(title="D* for data at 0 and fakes at 2", xlabel="x", ylabel="D*(x)", ylim=(-0.05, 1.05))
    x = np.linspace(-1, 2, 301)
    for sigma, colour, style in ((0.25, BLUE, "-"), (0.5, ORANGE, "--"), (1.0, GREEN, "-.")):
        right.plot(x, (1 - 2 * x) / (2 * sigma**2), color=colour, ls=style, label=f"noise σ = {sigma}")
    right.plot([-1, 0.5, 0.5, 2], [9, 9, -9, -9], color="black", ls=":", label="none: a cliff of any height")
    right.set(title="Best logit, data at 0, fakes at 1", xlabel="x", ylabel="s*(x)", ylim=(-10, 16))
    for side in (left, right):
        side.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, -0.18))


def _beside(ax):
    """Two axes in the place of one."""
    fig = ax.figure
    ax.remove()
    return fig.subplots(1, 2)


def passes(ax):
    """Forward (black) and backward (colour) in the two steps: Eq. (3.3) and Eq. (3.6)."""
    ax.set(xlim=(0, 12), ylim=(0.9, 6))
    ax.axis("off")
    _box(ax, 2, 4.6, "G", GREY)
    _box(ax, 5.6, 5.4, "D", ORANGE)
    _box(ax, 5.6, 4.0, "D", ORANGE)
    _box(ax, 9.2, 4.7, "L_D", "white")
    _arrow(ax, (0.3, 4.6), (1.5, 4.6), "z")
    _arrow(ax, (2.5, 4.5), (5.1, 4.0), "x_fake", below=True)
    _arrow(ax, (3.3, 5.4), (5.1, 5.4), "x")
    _arrow(ax, (6.1, 5.4), (8.7, 4.9), "s_real")
    _arrow(ax, (6.1, 4.0), (8.7, 4.5), "s_fake", below=True)
    _arrow(ax, (8.7, 4.72), (6.1, 5.2), colour=ORANGE)
    _arrow(ax, (8.7, 4.68), (6.1, 4.2), colour=ORANGE)
    ax.text(10, 4.7, "D's step:\ng_D = g_real + g_fake\nnothing reaches G", va="center")
    ax.plot([0.3, 11.7], [2.95, 2.95], color=GREY, lw=0.5)
    _box(ax, 2, 1.6, "G", ORANGE)
    _box(ax, 5.6, 1.6, "D", GREY)
    _box(ax, 9.2, 1.6, "L_G", "white")
    _arrow(ax, (0.3, 1.6), (1.5, 1.6), "z")
    _arrow(ax, (2.5, 1.7), (5.1, 1.7), "x_fake")
    _arrow(ax, (6.1, 1.7), (8.7, 1.7), "s_fake")
    _arrow(ax, (8.7, 1.5), (6.1, 1.5), "d_fake", below=True, colour=ORANGE)
    _arrow(ax, (5.1, 1.5), (2.5, 1.5), "dx_fake", below=True, colour=ORANGE)
    ax.text(10, 1.6, "G's step:\ng_G, through D\nD stays as it is", va="center")


def tile(ax):
    """A tile of C, six rows by two vectors, and what it is multiplied from: Eq. (12.4)."""
    ax.set(xlim=(-0.5, 50), ylim=(-2.5, 32.5), aspect="equal")
    ax.axis("off")
    for x, y, width, height, name in [(0, 0, 14, 16, "A"), (18, 18, 28, 12, "B"), (18, 0, 28, 16, "C = A B")]:
        ax.add_patch(Rectangle((x, y), width, height, facecolor="none", edgecolor="black"))
        ax.text(x + width / 2, y - 0.5 if name != "B" else y + height + 0.5, name, ha="center",
                va="top" if name != "B" else "bottom")
    ax.add_patch(Rectangle((0, 7), 14, 6, facecolor=ORANGE, alpha=0.25))
    ax.add_patch(Rectangle((26, 18), 8, 12, facecolor=BLUE, alpha=0.25))
    ax.add_patch(Rectangle((26, 7), 8, 6, facecolor=GREEN, alpha=0.5))
    ax.add_patch(Rectangle((5, 7), 1, 6, facecolor=ORANGE))
    ax.add_patch(Rectangle((26, 24), 8, 1, facecolor=BLUE))
    for i in range(1, 6):
        ax.plot([26, 34], [7 + i] * 2, color="white", lw=0.8)
    ax.plot([30, 30], [7, 13], color="white", lw=0.8)
    _arrow(ax, (6.3, 10), (25.7, 10))
    _arrow(ax, (30, 23.7), (30, 13.3))
    _arrow(ax, (36.5, 12), (36.5, 2))
    ax.text(37.2, 7, "next six rows,\nsame strip", va="center", fontsize=9)
    ax.text(34.5, 24.5, "strip of B: packed,\nstays in the cache", va="center", fontsize=9)
    ax.text(5.5, 16.5, "column k:\nsix numbers,\neach spread\nover a vector", ha="center", va="bottom", fontsize=9)
    ax.text(25.5, 24.5, "row k:\ntwo vectors", ha="right", va="center", fontsize=9)
    ax.text(26, 6.2, "twelve sums\nin registers", ha="left", va="top", fontsize=9)


def _box(ax, x, y, name, colour):
    ax.add_patch(FancyBboxPatch((x - 0.45, y - 0.35), 0.9, 0.7, boxstyle="round,pad=0.05", facecolor=colour,
                                edgecolor="black", alpha=0.35 if colour != "white" else 1))
    ax.text(x, y, name, ha="center", va="center")


def _arrow(ax, start, end, name="", below=False, colour="black"):
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": colour, "lw": 1.3})
    x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    ax.text(x, y - 0.12 if below else y + 0.1, name, ha="center", va="top" if below else "bottom", color=colour,
            fontsize=9)


PICTURES = {"1-players": (players, (7.6, 2.4)), "1-pointwise": (pointwise, (7.6, 3)),
            "3-passes": (passes, (8.4, 3)), "3-pushes": (pushes, (5.6, 4.7)),
            "4-generator-gradients": (generator_gradients, (7.2, 3.6)), "9-losses": (losses, (8.4, 3.4)),
            "10-penalties": (penalised, (7.6, 3.3)), "11-tricks": (tricks, (7.6, 4)),
            "12-tile": (tile, (7.6, 5))}


def draw(folder):
    """All pictures as PNG in `folder`; returns their paths."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    paths = []
    for name, (picture, size) in PICTURES.items():
        fig, ax = plt.subplots(figsize=size, layout="constrained")
        picture(ax)
        paths.append(folder / f"{name}.png")
        fig.savefig(paths[-1], dpi=100, pil_kwargs={"optimize": True})
        plt.close(fig)
    return paths


if __name__ == "__main__":
    print(*draw(IMG), sep="\n")
