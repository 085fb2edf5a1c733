# %% [markdown]
# # 5 · Why gradients vanish

# %% [markdown]
# A discriminator (판별자) that is right about everything teaches the generator (생성자) nothing: this is the first
# thing one hears about GANs, and it is half true. In this lesson you find out which gradient (기울기) vanishes and
# which does not, see it happen to a frozen generator, look for the reason in the supports, and meet two ways
# out.
#
# You need: the chain rule, and [lesson 3](03_the_optimal_discriminator.ipynb). The derivations stand in full in
# [docs/7-supports.md](../docs/7-supports.md).

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

import numpygan as ng
from numpygan import theory

FAST = "NUMPYGAN_FAST" in os.environ                   # the tests set it: fewer steps
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"  # from the palette of Okabe and Ito: told apart by every eye
PINK = "#CC79A7"


def softplus(s):
    return np.logaddexp(0, s)                          # log(1 + e^s) without overflow


def sigmoid(s):
    return np.exp(-softplus(-s))                       # 1 / (1 + e^-s) without overflow


# %% [markdown]
# ## Two losses, two variables
#
# For one fake $x = G(z)$ the generator can minimise
#
# $$ \log (1 - D(x)) \quad\text{(minimax)} \qquad\text{or}\qquad -\log D(x) \quad\text{(non-saturating, 비포화)}. $$
#
# Early in training D is sure that a fake is a fake, $D(x) \approx 0$. How much does G learn then? Notes
# disagree, because they differentiate in different variables: in the probability $D$, or in the logit (로짓) $s$,
# where
# $D = \sigma(s)$ and $dD/ds = D (1 - D)$. In $D$ it is easy:
#
# $$ \frac{d}{dD} \log (1 - D) = -\frac{1}{1 - D}, \qquad \frac{d}{dD} (-\log D) = -\frac1D. $$
#
# ### Exercise 1: the slopes in the logit
#
# Backpropagation (역전파) enters D through its logit. So find both derivatives again, now with respect to $s$.

# %%
def slopes_in_the_logit(s):
    """The derivatives in s of log(1 - σ(s)) and of -log σ(s)."""
    # --- solution: minimax and non_saturating, the two derivatives, from s ---
    minimax = -sigmoid(s)
    non_saturating = -sigmoid(-s)
    # --- end ---
    return minimax, non_saturating


# %% [markdown]
# The check does not know the formulas. It moves $s$ a little, up and down.

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


def ask(f, *args):
    """f(*args). An `if` that meets an array is told in one line."""
    try:
        return f(*args)
    except ValueError as error:
        if "truth value" not in str(error):
            raise
    raise NotYet("if, min and max take one number, and here they get an array. Use np.where, np.minimum or np.maximum.")


def differences(f, x, h=1e-5):
    """df/dx for a function of one number, at each entry of x: (f(x + h) - f(x - h)) / 2h."""
    return (f(x + h) - f(x - h)) / (2 * h)


# %% [check]
s = np.array([-6.0, -1.5, 0.4, 3.0])
minimax, non_saturating = slopes_in_the_logit(s)
right_minimax = differences(lambda s: -softplus(s), s)
right_other = differences(lambda s: softplus(-s), s)
between = sigmoid(s) * sigmoid(-s)
feedback("minimax", minimax, right_minimax, {
    "the sign is wrong. Both losses fall when the logit rises": -right_minimax,
    "this is the derivative in D. One factor is left, dD/ds = D (1 - D)": right_minimax / between,
    "this is the slope of the other loss, -log D": right_other,
    "this is -dD/ds. The factor 1/(1 - D) of the logarithm is missing": -between,
    "this is the loss itself. Wanted is its slope": -softplus(s)}, tolerance=1e-5)
feedback("non_saturating", non_saturating, right_other, {
    "the sign is wrong. Both losses fall when the logit rises": -right_other,
    "this is the derivative in D. One factor is left, dD/ds = D (1 - D)": right_other / between,
    "this is the slope of the other loss, log(1 - D)": right_minimax,
    "this is -dD/ds. The factor 1/D of the logarithm is missing": -between,
    "this is the loss itself. Wanted is its slope": softplus(-s)}, tolerance=1e-5)

# %%
D, s = np.linspace(0.01, 0.99, 197), np.linspace(-8, 8, 201)
in_logit = slopes_in_the_logit(s)
fig, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
axes[0].plot(D, -1 / (1 - D), color=BLUE, label="minimax, log(1 − D)")
axes[0].plot(D, -1 / D, color=ORANGE, ls="--", label="non-saturating, −log D")
axes[1].plot(s, in_logit[0], color=BLUE)
axes[1].plot(s, in_logit[1], color=ORANGE, ls="--")
axes[0].set(title="In D: without bound", xlabel="D(G(z))", ylabel="slope of the loss in D", ylim=(-20, 1))
axes[1].set(title="In the logit: between −1 and 0", xlabel="logit s of the fake", ylabel="slope of the loss in s")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
plt.show()

# %% [markdown]
# The left ends of both pictures show the same fake, rejected by D.
#
# - In $D$ the minimax loss has the slope −1 there: not flat at all. And $-\log D$ is infinitely steep.
# - In the logit the minimax loss has the slope 0: it *saturates* (포화). And $-\log D$ has the slope −1: it does
#   not, and it does not explode either.
#
# The right picture is what G feels, because the parameters of D's last layer make the logit, not the
# probability. The package's losses work on logits and say the same:

# %%
s = np.array([[-10.0]])
for loss, by_hand in zip((ng.losses.Minimax(), ng.losses.NonSaturating()), slopes_in_the_logit(s), strict=True):
    slope = loss.generator(s)[1]
    print(f"{type(loss).__name__:<14} slope in the logit at s = -10: {slope.item():.6f}")
    np.testing.assert_allclose(slope, by_hand, rtol=1e-12)

# %% [markdown]
# ## Freeze G, train D on
#
# Now the whole chain, from the loss to G's parameters $\theta$: the gradient $\nabla_\theta L_G$, the vector of all
# derivatives in them, is the mean of (slope in $s$) · $\nabla_\theta s(G_\theta(z))$ over the batch. Its length is the
# *norm* $\lVert \nabla_\theta L_G \rVert$. The experiment is that of Arjovsky and Bottou (2017). An untrained
# generator does not move. D is trained on, and every few steps we ask both losses for the gradient that G
# *would* get.
#
# The setting, before we look: data on a circle of radius 2; G a network of one noise variable, so its fakes lie
# on a curve; D with two hidden layers of 64, Adam with rate 0.001, 128 samples a step; five seeds, that is, five runs
# with other random numbers.

# %%
STEPS, EVERY, SEEDS = (30, 10, 2) if FAST else (300, 10, 5)


def circle(n, rng):
    angle = rng.uniform(0, 2 * np.pi, (n, 1))
    return 2 * np.hstack([np.cos(angle), np.sin(angle)])


def freeze(seed):
    """Train D against a G that stands still. Rows: mean D of the fakes, the norms of both gradients of G."""
    rng = np.random.default_rng(seed)
    G = ng.MLP([1, 32, 2], hidden="tanh", output="identity", rng=rng, dtype=np.float64)
    D = ng.MLP([2, 64, 64, 1], hidden="leaky_relu", output="identity", rng=rng, dtype=np.float64)
    opt, losses = ng.optim.Adam(1e-3, beta1=0.5), (ng.losses.Minimax(), ng.losses.NonSaturating())
    z, rows = rng.normal(size=(256, 1)), []
    for step in range(STEPS + 1):
        if step % EVERY == 0:
            norms = [np.linalg.norm(ng.generator_gradient(G, D, loss, z, rng)[1]) for loss in losses]
            rows.append([sigmoid(D(G(z))).mean(), *norms])
        _, g_D = ng.discriminator_gradient(D, losses[0], circle(128, rng), G(rng.normal(size=(128, 1))), rng)
        opt.step(D, g_D)
    return np.array(rows), G, D


runs = [freeze(seed) for seed in range(SEEDS)]
rows = np.array([run[0] for run in runs])              # (seed, time, column)
time = np.arange(rows.shape[1]) * EVERY

# %%
_, G, D = runs[0]
rng = np.random.default_rng(0)
x, x_fake = circle(300, rng), G(rng.normal(size=(300, 1)))
fig, axes = plt.subplots(1, 3, figsize=(12.5, 3.8), layout="constrained")
axes[0].plot(*x.T, ".", ms=3, color=BLUE, label="data")
axes[0].plot(*x_fake.T, ".", ms=3, color=ORANGE, label="fakes of the frozen G, seed 0")


def median_and_range(ax, values, colour, style, name):
    ax.fill_between(time, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.2, lw=0)
    ax.plot(time, np.median(values, axis=0), color=colour, ls=style, lw=2, label=name)


median_and_range(axes[1], rows[:, :, 0], GREEN, "-", "D of the fakes: median and range of the seeds")
median_and_range(axes[2], rows[:, :, 1], BLUE, "-", "gradient of the minimax loss")
median_and_range(axes[2], rows[:, :, 2], ORANGE, "--", "gradient of the non-saturating loss")
axes[0].set(title="Two curves in the plane", xlabel="x1", ylabel="x2", aspect="equal")
axes[1].set(title="D rejects the fakes …", xlabel="step of D", ylabel="mean of D(G(z))", yscale="log")
axes[2].set(title="… and one gradient vanishes", xlabel="step of D", ylabel="‖∇θ L_G‖", yscale="log")
handles = [sum(both, []) for both in zip(*(ax.get_legend_handles_labels() for ax in axes), strict=True)]
fig.legend(*handles, loc="outside lower center", ncols=3, frameon=False)
plt.show()
first, last = np.median(rows[:, 0], axis=0), np.median(rows[:, -1], axis=0)
print(f"after {STEPS} steps of D: minimax x {last[1] / first[1]:.2f}, non-saturating x {last[2] / first[2]:.2f}")

# %% [markdown]
# D has done nothing wrong: it became *better*, and the minimax gradient fell with $D(G(z))$. The other gradient
# grew, because D became steeper, and its slope $-\sigma(-s)$ went to −1 on top of that. So "the gradient
# vanishes" is true for the minimax loss. (What this experiment does not show is that the surviving gradient
# points anywhere useful. It is the slope of a network in a place where no data are.)
#
# One thing is guaranteed, by the formulas of exercise 1: for *one* sample the two gradients have the same
# direction, and their lengths are in the ratio $\sigma(s) : \sigma(-s) = e^s$.

# %%
for z in np.array([[[-1.0]], [[0.0]], [[1.0]]]):
    g_minimax, g_other = (ng.generator_gradient(G, D, loss, z, rng)[1]
                          for loss in (ng.losses.Minimax(), ng.losses.NonSaturating()))
    s = D(G(z)).item()
    print(f"s = {s:6.2f}: ratio of the lengths {np.linalg.norm(g_minimax) / np.linalg.norm(g_other):.6f}, "
          f"e^s = {np.exp(s):.6f}")
    np.testing.assert_allclose(g_minimax, np.exp(s) * g_other, rtol=1e-9, atol=1e-12)

# %% [markdown]
# ## Why can D be so good?
#
# Because data and fakes do not meet. The *support* (지지집합) of a distribution is the set where it lives. Two
# curves in the plane, as a rule, cross in a few points; in a space of many dimensions they do not even do that.
# Then there is a D that is right about every sample.
#
# The simplest case is in one dimension: two boxes, data uniform on $[0, 1]$ (density 1 there, 0 elsewhere) and fakes on
# $[t, t + 1]$. By
# [Eq. (6.11)](../docs/6-theory.md#eq-6-11), with $m = (p + q)/2$,
#
# $$ \mathrm{JSD}(p, q) = \tfrac12 \int p \log \frac pm \, dx + \tfrac12 \int q \log \frac qm \, dx. $$
#
# ### Exercise 2: JSD of two boxes
#
# Cut the line into the piece where both live, and those where only one of them lives. What is $p/m$ on each,
# and how much mass is there? The shift $t$ may be negative, and larger than 1.

# %%
def jsd_of_boxes(t):
    """JSD of the uniform distributions on [0, 1] and [t, t + 1], for an array t of real numbers."""
    # --- solution: return JSD, from t ---
    return np.log(2) * np.minimum(np.abs(t), 1)
    # --- end ---


# %% [check]
t = np.array([0.0, 0.25, 0.7, 1.0, 2.5, -0.5])
box = ng.data.uniform(0, 1)
right = np.array([theory.jsd(box, ng.data.uniform(a, a + 1)) for a in t])     # by adaptive quadrature
feedback("JSD", ask(jsd_of_boxes, t), right, {
    "it never exceeds log 2. From |t| = 1 on nothing is left to lose": np.log(2) * np.abs(t),
    "this is W1, the distance of the boxes. JSD counts the mass that is not shared": np.abs(t),
    "this is the mass that both share. JSD counts what is not shared": np.log(2) - right,
    "the log 2 is missing. Where only p lives, p/m = 2": right / np.log(2),
    "each of the two pieces has the mass |t| and the factor ½ log 2; together log 2, not 2 log 2": 2 * right,
    "this is one of the two pieces. The fakes that are alone count as well": right / 2,
    "this is C(G) = -log 4 + 2 JSD": -np.log(4) + 2 * right,
    "a box can move to the left, too: take |t|": np.log(2) * np.minimum(t, 1)})

# %% [markdown]
# Now a distance that knows how *far* the mass is: the earth mover's distance ([Eq.
# (7.2)](../docs/7-supports.md#eq-7-2), 바서슈타인 거리), the least mean distance by which mass has to be moved to turn
# $q$ into $p$. Here every grain moves by $|t|$, so $W_1 = |t|$.

# %%
t = np.linspace(-4, 4, 161)
w1 = np.array([theory.uniform_wasserstein1((0, 1), (a, a + 1)) for a in t])       # Eq. (7.7)
jsd = jsd_of_boxes(t)
fig, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
axes[0].plot(t, w1, color=ORANGE, ls="--", lw=2, label="W1")
axes[0].plot(t, jsd, color=BLUE, lw=2, label="JSD")
axes[0].axhline(np.log(2), color="black", ls=":", lw=1, label="log 2")
middle = (t[1:] + t[:-1]) / 2
axes[1].plot(middle, np.diff(w1) / np.diff(t), color=ORANGE, ls="--", lw=2)
axes[1].plot(middle, np.diff(jsd) / np.diff(t), color=BLUE, lw=2)
axes[0].set(title="The box of the fakes slides past that of the data", xlabel="shift t", ylabel="distance")
axes[1].set(title="What G could learn from it", xlabel="shift t", ylabel="derivative in t")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
plt.show()
assert abs(theory.wasserstein1(box, ng.data.uniform(2.5, 3.5)) - 2.5) < 1e-9      # by quadrature

# %% [markdown]
# Where the boxes do not overlap, JSD is log 2, whether they are one apart or a thousand. Its gradient is not
# "impossible to compute": it is **zero**. $W_1$ has the slope ±1 at every distance. That is the first way out, another
# distance (WGAN; [lesson 8](08_wasserstein_and_the_gradient_penalty.ipynb) trains a D that computes it).
#
# ## The other way out: instance noise
#
# Keep the game, but add Gaussian noise of standard deviation $\tau$ to everything that D sees, data and fakes.
# D then compares two *smoothed* densities ([Eq. (7.11)](../docs/7-supports.md#eq-7-11)), and those live
# everywhere.

# %%
shifts = np.linspace(0, 4, 5 if FAST else 33)
noises = {0.25: (ORANGE, "--"), 0.5: (GREEN, "-."), 1.0: (PINK, "-")}
fig, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
axes[0].plot(shifts, jsd_of_boxes(shifts), color=BLUE, lw=2, label="no noise")
x = np.linspace(-3, 6, 400)
axes[1].plot(x, box.density(x[:, None]), color=BLUE, lw=2)
axes[1].plot(x, ng.data.uniform(2.5, 3.5).density(x[:, None]), color=BLUE, lw=2)
smooth = {}
for tau, (colour, style) in noises.items():
    p_s = theory.smoothed(box, tau)
    smooth[tau] = np.array([theory.jsd(p_s, theory.smoothed(ng.data.uniform(a, a + 1), tau), tol=1e-9) for a in shifts])
    axes[0].plot(shifts, smooth[tau], color=colour, ls=style, lw=2, label=f"noise τ = {tau}")
    axes[1].plot(x, p_s(x), color=colour, ls=style, lw=1)
    axes[1].plot(x, theory.smoothed(ng.data.uniform(2.5, 3.5), tau)(x), color=colour, ls=style, lw=1)
axes[0].set(title="With noise, JSD has a slope again", xlabel="shift t", ylabel="JSD of what D sees")
axes[1].set(title="What D sees for t = 2.5", xlabel="x", ylabel="density")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
plt.show()
assert all(np.all(np.diff(values) > 0) for values in smooth.values())         # a slope everywhere, if a small one

# %% [markdown]
# More noise, more slope far away, and less sharpness near by. All curves have their only minimum at $t = 0$, so
# the goal has not moved. That is why one begins with much noise and takes it back slowly.
#
# ### Exercise 3: the slope that noise gives
#
# Take away even the boxes: all data are the one point 0, all fakes the one point $t$. Without noise there is a
# perfect D with any slope you like. With noise D sees $p = N(0, \tau^2)$ and $q = N(t, \tau^2)$, and its best
# logit is
# $s^*(x) = \log p(x) - \log q(x)$. Find $ds^*/dx$.

# %%
def slope_of_best_logit(x, t, tau):
    """d/dx of log p(x) - log q(x) for p = N(0, τ²), q = N(t, τ²); an array like x."""
    # --- solution: return the slope, from x, t and tau ---
    return 0 * x - t / tau**2
    # --- end ---


# %% [check]
x, t, tau = np.array([-1.0, 0.3, 2.0]), 1.6, 0.7
best = theory.optimal_discriminator(ng.data.gaussian(0, tau), ng.data.gaussian(t, tau))
right = differences(best.logit, x, h=1e-2)             # the logit is a straight line, and a wide step is exact
feedback("slope", slope_of_best_logit(x, t, tau), right, {
    "the sign is wrong. The logit falls from the data at 0 to the fakes at t > 0": -right,
    "the variance is the square of τ": right * tau,
    "the ½ of the exponent goes away: the derivative of x² is 2x": right / 2,
    "this is the slope of log p alone. That of -log q belongs to it": -x / tau**2,
    "this is the slope of -log q alone. That of log p belongs to it": (x - t) / tau**2,
    "a minus in log p - log q is lost: this is the slope of log p + log q": -(2 * x - t) / tau**2,
    "this is the logit itself. Differentiate it": (t**2 - 2 * t * x) / (2 * tau**2)}, tolerance=1e-5)

# %% [markdown]
# The slope is the same at every $x$, it points to the data, and it is in proportion to the distance $t$: far
# fakes are pulled harder. The gradient of G's loss is this slope times that of exercise 1, at the point that D sees,
# $x = t + \text{noise}$, and its mean over the noise:

# %%
tau, points = 1.0, np.linspace(0, 5, 101)
noise = np.linspace(-8, 8, 401) * tau                  # a fine grid, and the share of each of its points
share = np.exp(-noise**2 / (2 * tau**2)) / np.sum(np.exp(-noise**2 / (2 * tau**2)))
logits = -points[:, None] * (points[:, None] + 2 * noise) / (2 * tau**2)     # s*(x) = (t² − 2tx) / 2τ²
pull = slope_of_best_logit(points, points, tau)
fig, ax = plt.subplots(figsize=(7, 3.4))
for name, slopes, colour, style in zip(["minimax", "non-saturating"], slopes_in_the_logit(logits),
                                       [BLUE, ORANGE], ["-", "--"], strict=True):
    ax.plot(points, slopes @ share * pull, color=colour, ls=style, lw=2, label=name)
    print(f"{name:<14} pull at distance 5: {slopes[-1] @ share * pull[-1]:.2f}")
ax.set(title="The pull on a fake at t, with the best D and noise τ = 1", xlabel="distance t of the fake from the data",
       ylabel="derivative of the loss in t")
ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
plt.show()

# %% [markdown]
# Two remedies for two diseases. Noise gives the *logit* a slope; the non-saturating loss keeps the slope of the
# *loss* in the logit. With the minimax loss a fake at distance 5 feels next to nothing, noise or not; with the other
# it is pulled hardest. (To be fair: more noise brings the minimax loss back, too.)
#
# **You have seen** which gradient vanishes and in which variable, that a frozen G feels it, that disjoint
# supports are the reason, and two ways out. More: [docs/7-supports.md](../docs/7-supports.md); what people
# often write instead: [common mistakes](../docs/common-mistakes.md). **Before**:
# [4 · Figure 1](04_figure_1.ipynb). **Next**: [6 · A game, not a minimum](06_a_game_not_a_minimum.ipynb), where no
# gradient vanishes and still nobody arrives.
