# %% [markdown]
# # 6 · A game, not a minimum

# %% [markdown]
# Gradient descent rolls downhill into a minimum. Two players who answer each other have no hill to roll down:
# every step of one changes the landscape of the other. In this lesson the two networks are one number each, so
# that the whole of training is a path in the plane. You compute when that path goes round, when it runs away
# and when it comes in, and the package's own training step must give the same numbers.
#
# You need: eigenvalues (고윳값) of a 2 x 2 matrix, complex numbers, and [lesson 1](01_gan_on_one_page.ipynb). The
# derivations stand in full in [docs/8-dynamics.md](../docs/8-dynamics.md).

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

import numpygan as ng
from numpygan.theory import dirac

FAST = "NUMPYGAN_FAST" in os.environ                   # the tests set it: fewer steps
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"  # from the palette of Okabe and Ito: told apart by every eye

# %% [markdown]
# ## The smallest game
#
# Two players share one number, $V = xy$. The first owns $x$ and makes $V$ small; the second owns $y$ and makes
# $V$ large. Where each of them wants to go is a field of arrows ([Eq. (8.10)](../docs/8-dynamics.md#eq-8-10)):
#
# $$ v(x, y) = \Bigl( -\frac{\partial V}{\partial x}, +\frac{\partial V}{\partial y} \Bigr) = (-y, x). $$
#
# At $(0, 0)$ nobody wants to move: an *equilibrium* (균형). It is no minimum of anything. And the arrow is always
# at a right angle to the position: who follows the arrows exactly goes round in a circle for ever.
#
# Training takes finite steps, of size $h$, and there are two ways to take them
# ([Eqs. (8.11) and (8.12)](../docs/8-dynamics.md#eq-8-11)):
#
# - *simultaneously* (동시): both players look at the old point, then both move;
# - *alternating* (교대): the second player, $y$, moves first, as D does in Algorithm 1; then $x$ moves and already sees
#   the new $y$.
#
# ### Exercise 1: two kinds of step
#
# Write both.

# %%
def simultaneous(x, y, h):
    """One step of the game V = xy: both players look at the old point."""
    # --- solution: return the new x and the new y ---
    return x - h * y, y + h * x
    # --- end ---


def alternating(x, y, h):
    """One step of the game V = xy: y moves first, and x sees it."""
    # --- solution: return the new x and the new y, y first ---
    new_y = y + h * x
    return x - h * new_y, new_y
    # --- end ---


# %%
class NotYet(AssertionError):
    """A wrong answer. The notebook shows its one line and no traceback."""

    def _render_traceback_(self):
        return [f"Not yet. {self}"]


def feedback(name, yours, right, mistakes, tolerance=1e-6):
    """Is `yours` the same as `right`? If not: is it one of the `mistakes`, {what it looks like: its value}?"""
    if yours is None or (isinstance(yours, list) and any(y is None for y in yours)):
        raise NotYet(f"{name} is None: is a return missing?")
    yours, right = np.asarray(yours, dtype=float), np.asarray(right)

    def same(value):
        return yours.shape == np.shape(value) and np.abs(yours - value).max() <= tolerance * np.abs(value).max()

    if same(right):
        return print(f"{name}: right.")
    for mistake, value in mistakes.items():
        if same(value):
            raise NotYet(f"{name}: {mistake}.")
    if yours.shape != right.shape:
        was, wanted = (f"an array of shape {a.shape}" if a.ndim else "one number" for a in (yours, right))
        raise NotYet(f"{name} is {was}; it should be {wanted}.")
    i = np.unravel_index(np.abs(yours - right).argmax(), right.shape)
    raise NotYet(f"{name}{list(map(int, i)) or ''} is {yours[i]:.6g} and should be {right[i]:.6g}.")


# %% [check]
x, y, h = 0.9, -0.4, 0.3
right = dirac.step(dirac.bilinear, x, y, h, "simultaneous")
in_turn = dirac.step(dirac.bilinear, x, y, h, "D first")
x_first = dirac.step(dirac.bilinear, x, y, h, "G first")
feedback("simultaneous", simultaneous(x, y, h), right, {
    "both go down. y makes V large, so it goes up": (x - h * y, y - h * x),
    "both go up. x makes V small, so it goes down": (x + h * y, y + h * x),
    "both signs are wrong. x makes V small, y makes it large": (x + h * y, y - h * x),
    "the derivative of xy in x is y, and the other way round": (x - h * x, y + h * y),
    "the step size h is missing": (x - y, y + x),
    "this is the alternating step: x has already seen the new y": in_turn,
    "y has already seen the new x. Both look at the old point": x_first})
feedback("alternating", alternating(x, y, h), in_turn, {
    "this is the simultaneous step. x has to see the new y": right,
    "x went first. In Algorithm 1 D, here y, goes first": x_first,
    "both go down. y makes V large, so it goes up": (x - h * (y - h * x), y - h * x),
    "both signs are wrong. x makes V small, y makes it large": (x + h * (y - h * x), y - h * x),
    "the derivative of xy in x is y, and the other way round": (x - h * x, y + h * y),
    "the step size h is missing": (x - (y + x), y + x)})

# %%
def path(step, steps, start=(1.0, 0.0)):
    """The points before and after each step: (steps + 1, 2)."""
    points = [start]
    for _ in range(steps):
        points.append(step(*points[-1]))
    return np.array(points)


h = 0.2
runs = {"simultaneous": (path(lambda x, y: simultaneous(x, y, h), 60), ORANGE, "--"),
        "alternating": (path(lambda x, y: alternating(x, y, h), 60), BLUE, "-")}
grid = np.linspace(-3, 3, 13)
X, Y = np.meshgrid(grid, grid)
fig, axes = plt.subplots(1, 2, figsize=(10.5, 4.4), layout="constrained")
axes[0].quiver(X, Y, *dirac.bilinear(X, Y), color="black", alpha=0.3, width=0.004)
for name, (points, colour, style) in runs.items():
    axes[0].plot(*points.T, color=colour, ls=style, marker=".", ms=5, label=name)
    axes[1].plot(np.hypot(*points.T), color=colour, ls=style, lw=2)
axes[0].plot(0, 0, "+", ms=10, color="black", label="equilibrium")
axes[0].set(title="V = xy: the arrows, and 60 steps", xlabel="x, goes down", ylabel="y, goes up", aspect="equal")
axes[1].set(title="Distance from the equilibrium", xlabel="step", ylabel="√(x² + y²)", ylim=(0, None))
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
plt.show()

# %% [markdown]
# The simultaneous step leaves the circle along the tangent, so every step ends farther out, by Pythagoras
#
# $$ (x - hy)^2 + (y + hx)^2 = (1 + h^2) (x^2 + y^2). $$
#
# A smaller $h$ makes it slower, but not stable. The alternating step keeps another number *exactly*,
#
# $$ x^2 + y^2 + hxy, $$
#
# so for $h < 2$ it stays on an ellipse, for ever. The same arrows, the same step size, and another fate; all that
# changed is who sees what.

# %%
for name, (points, *_) in runs.items():
    x, y = points.T
    print(f"{name:<13} distance {np.hypot(x, y)[-1]:.4f}, x² + y² + hxy {(x**2 + y**2 + h * x * y)[-1]:.4f}")
x, y = runs["alternating"][0].T
np.testing.assert_allclose(x**2 + y**2 + h * x * y, 1, rtol=1e-13)
np.testing.assert_allclose(np.hypot(*runs["simultaneous"][0].T), (1 + h**2) ** (np.arange(61) / 2), rtol=1e-13)

# %% [markdown]
# ## The Dirac-GAN
#
# Now a true GAN of that size (Mescheder, Geiger and Nowozin 2018). All data are the one point 0. The generator
# (생성자) makes the one point $\theta$. The discriminator (판별자) has one weight $\psi$: its logit (로짓) of "fake" is
# $\psi x$. (That is the sign of the paper. The package's logits are those of "real", so there $-\psi$ is the
# weight.) The value function (가치 함수) is ([Eq. (8.2)](../docs/8-dynamics.md#eq-8-2))
#
# $$ V(\theta, \psi) = f(\psi \theta) + f(0), \qquad f(t) = \log \sigma(t), \qquad f'(t) = \sigma(-t). $$
#
# $\theta$ makes it small, $\psi$ makes it large, and the arrows are, by the chain rule,
#
# $$ v(\theta, \psi) = \bigl( -\psi f'(\psi \theta), \; \theta f'(\psi \theta) \bigr). $$
#
# The equilibrium is $(0, 0)$: the fake lies on the data, and D says ½ everywhere. For comparison two relatives:
# the *non-saturating* game, where $\theta$ makes $\log \sigma(-\psi \theta)$ large instead, and *R1*, where D
# pays
# $\frac\gamma2 \psi^2$ for its slope ([Eqs. (8.4) and (8.7)](../docs/8-dynamics.md#eq-8-4)).

# %%
def r1(theta, psi, gamma=0.3):
    return dirac.r1(theta, psi, gamma)


fields = {"GAN": dirac.gan, "Non-saturating GAN": dirac.nsgan, "GAN with R1, γ = 0.3": r1}
orders = {"simultaneous": (ORANGE, "--"), "D first": (BLUE, "-")}
grid = np.linspace(-2.4, 2.4, 13)
T, P = np.meshgrid(grid, grid)
fig, axes = plt.subplots(1, 3, figsize=(12.5, 4.7), layout="constrained")
for ax, (name, field) in zip(axes, fields.items(), strict=True):
    ax.quiver(T, P, *field(T, P), color="black", alpha=0.3, width=0.005)
    for order, (colour, style) in orders.items():
        points = dirac.trajectory(field, 150, 0.2, order)
        ax.plot(*points.T, color=colour, ls=style, lw=1.2, label=f"150 steps, {order}")
    ax.plot(1, 1, "o", color=GREEN, label="start (1, 1)")
    ax.plot(0, 0, "+", ms=10, color="black", label="equilibrium")
    ax.set(title=name, xlabel="θ, the fake", ylabel="ψ, the slope of D", aspect="equal", xlim=(-2.5, 2.5),
           ylim=(-2.5, 2.5))
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
plt.show()

# %% [markdown]
# Read the first picture as a story. The fake is at $\theta = 1$, right of the data. D learns to call the right
# side fake ($\psi$ rises); G runs to the left, through 0, for D still pushes; D turns its slope; G runs back.
# There is a gradient at every moment, nothing vanishes, and yet nobody arrives. The non-saturating game comes
# in, slower and slower (and with simultaneous steps not all the way, see below). R1 comes in fast.
#
# ## Eigenvalues decide
#
# Close to the equilibrium the arrows are linear, $v \approx J \cdot (\theta, \psi)$. In the first field $f'
# \approx f'(0) = \frac12$, and R1 adds $-\gamma \psi$ to the second row ([Eq.
# (8.13)](../docs/8-dynamics.md#eq-8-13)):
#
# $$ J = \begin{pmatrix} 0 & -\frac12 \\ \frac12 & -\gamma \end{pmatrix}. $$
#
# An eigenvalue $\lambda = \alpha + i \beta$ of $J$ stands for a motion that turns at the rate $\beta$ and grows
# like
# $e^{\alpha t}$: inwards for $\alpha < 0$, outwards for $\alpha > 0$, and a circle for $\alpha = 0$.
#
# ### Exercise 2: the eigenvalues with R1
#
# Find both eigenvalues of $J$. With $\gamma = 0$ you have the plain GAN. They may be complex;
# `np.sqrt(complex(-4))` is `2j`, but `np.sqrt(-4)` is NaN.

# %%
def eigenvalues(gamma):
    """The two eigenvalues of J, as an array of two complex numbers."""
    # --- solution: return np.array([first, second]), from gamma ---
    root = np.sqrt(complex(gamma**2 / 4 - 1 / 4))
    return np.array([-gamma / 2 + root, -gamma / 2 - root])
    # --- end ---


# %% [markdown]
# The check has no formula. It differentiates the field numerically ([Eq.
# (8.17)](../docs/8-dynamics.md#eq-8-17)) and asks NumPy.

# %% [check]
def parts(pairs):
    """Pairs of complex numbers, each in a fixed order, as rows (real parts, imaginary parts)."""
    pairs = np.array(pairs, dtype=complex)
    pairs = np.take_along_axis(pairs, np.argsort(pairs.real + pairs.imag, axis=1), axis=1)
    return np.nan_to_num(np.concatenate([pairs.real, pairs.imag], axis=1), nan=-99)


def roots(centre, square):
    """centre ± √square for every γ."""
    root = np.sqrt(np.array(square, dtype=complex))
    return parts(np.stack([centre + root, centre - root], axis=1))


gammas = np.array([0.0, 0.3, 1.5, 2.5])
centre, square = -gammas / 2, gammas**2 / 4 - 1 / 4
right = parts([np.linalg.eigvals(dirac.jacobian(lambda at, g=g: r1(*at, g))) for g in gammas])
with np.errstate(all="ignore"):
    yours = [eigenvalues(g) for g in gammas]
if np.shape(yours) != (4, 2):
    raise NotYet("eigenvalues returns an array of two numbers.")
yours = parts(yours)
nan = np.where(gammas[:, None] < 1, [[-99, -99, 0, 0]], right)
feedback("eigenvalues", yours, right, {
    "the sign of the real part is wrong. R1 damps, and their sum is the trace, -γ": roots(-centre, square),
    "the off-diagonal entries are ∓½, so their product is -¼": roots(centre, gammas**2 / 4 - 1),
    "everything is twice too large. Solve λ² + γλ + ¼ = 0, and divide by 2": 2 * right,
    "the real part is -γ/2: the sum of the two is the trace, -γ": roots(2 * centre, square),
    "the determinant is +¼: one ½ has a minus, and the formula has another": roots(centre, square + 1 / 2),
    "a root of a negative number is imaginary, not real": roots(centre, np.abs(square)),
    "NaN is the root of a negative number. Make it complex first": nan})

# %% [markdown]
# For the plain GAN $\lambda = \pm \frac i2$: no real part, a circle. R1 damps: up to
# $\gamma = 1$ the real part is $-\frac\gamma2$. From there on both eigenvalues are real, nothing turns any more, and
# a larger $\gamma$ makes one of them *slower*. The non-saturating game has the eigenvalues of the plain one: its way in
# is no linear effect, which is why it takes so long.
#
# ## From arrows to steps
#
# A simultaneous step multiplies a small $(\theta, \psi)$ by $I + hJ$, whose eigenvalues are $1 + h\lambda$
# ([Eq. (8.15)](../docs/8-dynamics.md#eq-8-15)). What counts now is their *modulus* (절댓값), the factor by which
# each step changes the distance: below 1 the path comes in, above 1 it runs away.
#
# ### Exercise 3: the modulus of a simultaneous step
#
# By what factor does each simultaneous step of the plain GAN, $\lambda = \pm \frac i2$, move the point away?

# %%
def modulus(h):
    """|1 + hλ| for the plain GAN, λ = ±i/2."""
    # --- solution: return the modulus, from h ---
    return np.sqrt(1 + h**2 / 4)
    # --- end ---


# %% [check]
steps = np.array([0.05, 0.2, 0.7, 2.0])
matrices = [dirac.jacobian(lambda at, h=h: dirac.step(dirac.gan, *at, h)) for h in steps]
right, yours = np.abs(np.linalg.eigvals(matrices)).max(axis=1), modulus(steps)
if np.iscomplexobj(yours):
    raise NotYet("this is 1 + hλ, a complex number. Its modulus is a real one: √(re² + im²), or np.abs.")
feedback("modulus", yours, right, {
    "this is the square of the modulus. The root is missing": 1 + steps**2 / 4,
    "the turning rate is f'(0) = ½. This belongs to V = xy": np.sqrt(1 + steps**2),
    "the i is lost. |1 + ib| is not 1 + b": 1 + steps / 2,
    "|1 + ib|² = 1 + b²; the minus belongs to (1 + ib)²": np.sqrt(np.maximum(1 - steps**2 / 4, 0)),
    "the square of h/2 is h²/4": np.sqrt(1 + steps**2 / 2),
    "1 is the modulus of the alternating step. This one runs away": np.ones(4)})

# %% [markdown]
# Above 1 for *every* $h$. With $h = 0.2$ it is 1.004988, which does not look like much: after 500 steps it
# would be a factor of 12. (The path in the picture grew less, because far from $(0, 0)$ the arrows are no
# longer linear.)
#
# Alternating, each player's step is a matrix of its own, and the two are multiplied ([Eq.
# (8.16)](../docs/8-dynamics.md#eq-8-16)). Without damping the product has determinant 1 and, for $h < 4$, a complex
# pair of eigenvalues, so their modulus is exactly 1.

# %%
gammas, angle = np.linspace(0, 2.5, 126), np.linspace(-0.3, 0.3, 100)
fig, axes = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
for order, (colour, style) in orders.items():
    found = np.array([np.linalg.eigvals(dirac.step_matrix(dirac.linearisation("r1", gamma=g), 0.2, order))
                      for g in gammas])
    axes[1].plot(gammas, np.abs(found).max(axis=1), color=colour, ls=style, lw=2, label=f"largest modulus, {order}")
    if order == "simultaneous":
        axes[0].plot(found.real.ravel(), found.imag.ravel(), ".", ms=4, color=ORANGE,
                     label="simultaneous, γ from 0 to 2.5")
        axes[0].plot(found[0].real, found[0].imag, "s", ms=6, color=GREEN, label="γ = 0, the plain GAN")
        axes[0].plot(found[15].real, found[15].imag, "^", ms=7, color=GREEN, label="γ = 0.3")
axes[0].plot(np.cos(angle), np.sin(angle), color="black", lw=1, label="modulus 1")
axes[1].axhline(1, color="black", lw=1)
axes[0].set(title="Eigenvalues of a step", xlabel="real part", ylabel="imaginary part", ylim=(-0.2, 0.2))
axes[1].set(title="Above 1 it runs away, below it comes in", xlabel="γ of R1", ylabel="factor per step")
handles = [sum(both, []) for both in zip(*(ax.get_legend_handles_labels() for ax in axes), strict=True)]
fig.legend(*handles, loc="outside lower center", ncols=3, frameon=False)
plt.show()
by_hand = 1 + 0.2 * eigenvalues(0.3)
assert np.isclose(np.abs(by_hand).max(), np.abs(np.linalg.eigvals(dirac.step_matrix(
    dirac.linearisation("r1", gamma=0.3), 0.2))).max(), rtol=1e-12)

# %% [markdown]
# At $\gamma = 0$ the simultaneous game lies outside the circle and the alternating one exactly on it. The best
# $\gamma$ is near 1, where the pair of eigenvalues meets on the real line. More is slower.
#
# ## The package plays it
#
# So far all was formulas. Now `ng.GAN` itself, with a generator of one parameter and a discriminator of one: a
# layer that gives the number $\theta$ whatever the noise is, and a `Dense` without bias. Backpropagation,
# losses, optimisers and the order of the steps are those of every other GAN of the package.

# %%
class Point(ng.Layer):
    """G(z) = θ, whatever z is."""

    def shapes(self, d_in):
        return {"b": (1,)}, 1

    def forward(self, p, x, c):
        return 0 * x + p["b"], None

    def backward(self, p, cache, dy, c):
        return 0 * dy, {"b": dy.sum(0)}


def play(start, steps, order, h=0.2, **options):
    """The points (θ, ψ) of a run of `ng.GAN`: (steps + 1, 2)."""
    rng = np.random.default_rng(0)
    G = ng.Network([Point()], 1, rng=rng, dtype=np.float64, engine="numpy")
    D = ng.Network([ng.Dense(1, bias=False)], 1, rng=rng, dtype=np.float64, engine="numpy")
    G.theta, D.theta = [start[0]], [-start[1]]         # the package's logits are those of "real"
    points = [tuple(start)]
    gan = ng.GAN(G, D, opt_G=ng.optim.SGD(h), opt_D=ng.optim.SGD(h), simultaneous=order == "simultaneous", **options)
    gan.fit(np.zeros((1, 1)), steps=steps, batch=1, rng=rng,
            callbacks=[lambda gan: points.append((gan.G.theta[0], -gan.D.theta[0]))])
    return np.array(points)


games = {"GAN": {"loss": ng.losses.Minimax()}, "NSGAN": {"loss": ng.losses.NonSaturating()},
         "R1 γ = .3": {"loss": ng.losses.Minimax(), "penalties": [ng.penalties.R1(0.3)]}}
STEPS = 100 if FAST else 500
print(f"{'':<11}{'':<14}{'modulus: formula':>18}{'measured':>11}{'distance after ' + str(STEPS) + ' steps':>27}")
runs = {}
for name, options in games.items():
    setting = dirac.SETTINGS[name]
    for order in orders:
        M = dirac.step_matrix(dirac.linearisation(setting.name, **setting.options), 0.2, order)
        J = dirac.jacobian(lambda at, order=order, options=options: play(at, 1, order, **options)[-1])
        formula, measured = (np.abs(np.linalg.eigvals(A)).max() for A in (M, J))
        runs[name, order] = play((1.0, 1.0), STEPS, order, **options)
        end = np.hypot(*runs[name, order][-1])
        print(f"{name:<11}{order:<14}{formula:>18.6f}{measured:>11.6f}{end:>27.3g}")
        np.testing.assert_allclose(J, M, rtol=0, atol=1e-9)
        np.testing.assert_allclose(runs[name, order], dirac.trajectory(setting.field, STEPS, 0.2, order), rtol=0,
                                   atol=1e-9)

# %% [markdown]
# *measured* is a derivative of the whole training step: start it at four points near $(0, 0)$ in each
# direction, and see where it lands. It has the matrix that you worked out by hand, and each of the six runs
# agrees with the formulas at every step.

# %%
fig, axes = plt.subplots(1, 2, figsize=(11, 4), sharey=True, layout="constrained")
for ax, order in zip(axes, orders, strict=True):
    for name, colour, style in zip(games, [ORANGE, BLUE, GREEN], ["--", "-.", "-"], strict=True):
        ax.plot(np.hypot(*runs[name, order].T), color=colour, ls=style, lw=1.5, label=name)
    ax.set(title=f"ng.GAN, {order}", xlabel="step", ylabel="distance from the equilibrium", yscale="log")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
plt.show()
if not FAST:
    ends = [np.hypot(*runs["GAN", order][-1]) for order in orders]
    np.testing.assert_allclose(ends, [3.097, 1.413], atol=0.0006)            # the numbers of the chapter

# %% [markdown]
# Straight lines on this axis are a constant factor per step: R1's is the modulus of its eigenvalues, 0.97, and
# a little penalty turns a game that goes round into one that comes in.
#
# And the non-saturating game? Simultaneous, its modulus at the equilibrium is that of the GAN, 1.005: close to
# it, the path runs *away*. Far from it the arrows pull inwards. It can only settle in between, on a circle that
# it reaches from both sides:

# %%
STEPS = 500 if FAST else 2000
for start in [(1.0, 1.0), (0.05, 0.0)]:
    for order in orders:
        distance = np.hypot(*dirac.trajectory(dirac.nsgan, STEPS, 0.2, order, start=start).T)
        print(f"{order:<13} from {distance[0]:.2f} to {distance[-1]:.2f} in {STEPS} steps")
        if order == "simultaneous" and not FAST:
            assert 0.6 < distance[-1] < 0.68

# %% [markdown]
# The alternating steps have modulus 1 there, and nothing pushes them out; they creep in.
#
# Two warnings. An eigenvalue speaks of a neighbourhood: what happens far from the equilibrium it does not know.
# And a loss that goes up and down is no sign of failure here, nor a flat one of success: on the circle both
# losses swing for ever.
#
# **You have seen** a game that goes round, why the order of the steps matters, what eigenvalues tell about it,
# and a penalty that helps. More, with five other methods: [docs/8-dynamics.md](../docs/8-dynamics.md).
# **Before**: [5 · Why gradients vanish](05_why_gradients_vanish.ipynb). **Next**:
# [7 · The zoo of losses](07_the_zoo_of_losses.ipynb).
