# %% [markdown]
# # 10 · Mode collapse

# %% [markdown]
# A *mode* (모드, 최빈값) is a peak of the density of the data: one of eight blobs, or the sevens among the digits. A
# generator that makes only some of them has *collapsed* (모드 붕괴), however good each sample looks. In this lesson you
# write the numbers that show it, find out on paper why a generator that trains alone must fall into one point,
# watch it happen to handwritten digits, and watch what D does about it.
#
# You need: [lesson 3](03_the_optimal_discriminator.ipynb) for $D^*$. The numbers are derived in
# [docs/13-metrics.md](../docs/13-metrics.md).

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

import numpygan as ng
from numpygan.functional import sigmoid
from numpygan.plots import tiles
from numpygan.study import collapse

FAST = "NUMPYGAN_FAST" in os.environ                   # the tests set it: fewer steps
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"  # from the palette of Okabe and Ito: told apart by every eye

# %% [markdown]
# ## Three sets of samples
#
# The data: eight round Gaussians of standard deviation $\sigma = 0.1$ on a circle of radius 2. And three sets of
# 1,000 samples that someone's generators have made. The first is perfect. The second is sharp and has lost modes.
# The third has every mode, and half of its samples lie between them.

# %%
ring = ng.data.ring(8, radius=2.0, std=0.1)
rng = np.random.default_rng(0)
x, k = ring.draw(1000, rng)
between = ring.modes[k] + rng.random((1000, 1)) * (np.roll(ring.modes, 1, axis=0)[k] - ring.modes[k])
sets = {"perfect": x,
        "three modes lost": ring.modes[k % 5] + 0.1 * rng.standard_normal((1000, 2)),
        "half in between": np.where(rng.random((1000, 1)) < 0.5, x, between)}
fig, axes = plt.subplots(1, 3, figsize=(10.5, 3.9), layout="constrained")
for ax, (name, samples) in zip(axes, sets.items(), strict=True):
    ax.plot(*samples.T, ".", ms=2, color=ORANGE, label="1,000 samples")
    ax.plot(*ring.modes.T, "o", ms=14, mfc="none", color=BLUE, label="modes")
    ax.set(title=name, xlabel="x₁", ylabel="x₂", aspect="equal", xlim=(-2.6, 2.6), ylim=(-2.6, 2.6))
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
plt.show()

# %% [markdown]
# ### Exercise 1: modes covered, and the share of good samples
#
# A sample is *good* if it lies within $3 \sigma$ of the mode nearest to it (Euclidean distance in the plane). A
# mode is *covered* if it is the nearest mode of at least one good sample. The *quality* is the share of all samples
# that are good.

# %%
def coverage(x, modes, std):
    """(modes covered, share of good samples) of x (n, 2), modes (K, 2)."""
    distance = np.linalg.norm(x[:, None] - modes, axis=2)              # (n, K)
    nearest = distance.argmin(axis=1)
    # --- solution: return how many modes are covered, and the share of good samples ---
    good = distance.min(axis=1) <= 3 * std
    return len(np.unique(nearest[good])), np.mean(good)
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


def ask(f, *args):
    """f(*args). An `if` that meets an array is told in one line."""
    try:
        return f(*args)
    except ValueError as error:
        if "truth value" not in str(error):
            raise
    raise NotYet("if, min and max take one number, and here they get an array. Use np.where, np.minimum or np.maximum.")


# %% [check]
tried = [*sets.values(), np.array([[2.0, 0.1], [0.0, 2.5], [0.1, 2.6]])]      # the last: only bad samples at one mode
right = [(m.covered, m.quality) for m in (ng.metrics.modes(x, ring) for x in tried)]
distances = [np.linalg.norm(x[:, None] - ring.modes, axis=2) for x in tried]
closest = [d.min(axis=1) for d in distances]
one = [(len(np.unique(d.argmin(1)[c <= 0.1])), np.mean(c <= 0.1)) for d, c in zip(distances, closest, strict=True)]
feedback("coverage", [coverage(x, ring.modes, 0.1) for x in tried], right, {
    "quality is a share, between 0 and 1: divide by the number of samples":
        [(a, len(x) * b) for x, (a, b) in zip(tried, right, strict=True)],
    "quality is a share between 0 and 1 here, not per cent": [(a, 100 * b) for a, b in right],
    "this is the share of all n times K distances. Count samples": [(a, b / 8) for a, b in right],
    "the radius is three standard deviations, not one": one,
    "a mode is covered by good samples only. You count every sample to its nearest mode":
        [(len(np.unique(d.argmin(1))), q) for d, (_, q) in zip(distances, right, strict=True)],
    "covered is a number of modes, not a share of them": [(a / 8, b) for a, b in right],
    "these are the bad samples. Good is inside the radius": [
        (len(np.unique(d.argmin(1)[c > 0.3])), np.mean(c > 0.3)) for d, c in zip(distances, closest, strict=True)]})

# %%
for name, samples in sets.items():
    covered, quality = coverage(samples, ring.modes, 0.1)
    print(f"{name:<18} covered {covered} of 8, quality {quality:.3f}")

# %% [markdown]
# Neither number alone tells the three apart: the collapsed set has the best quality there is. Even perfect samples
# have no more than $1 - e^{-9/2} = 0.989$ on average, since in the plane that much of a Gaussian lies within $3\sigma$.
#
# ### Exercise 2: are the modes equally frequent?
#
# A generator can cover all modes and make one of them a hundred times more often than the others. Let $p_k$ be the
# share of samples whose nearest mode is $k$, and $w_k$ that of the data, here $\frac18$. The *reverse* KL
# divergence
#
# $$ \mathrm{KL}(p, w) = \sum_k p_k \log \frac{p_k}{w_k} $$
#
# compares them, with $0 \log 0 = 0$ for a mode without samples. It is called reverse because the generator stands
# first.

# %%
def reverse_kl(p, w):
    """Σ p log(p/w), natural logarithm, for shares p (K,) that may be 0 and w (K,) that are not."""
    # --- solution: return the divergence, with 0 log 0 = 0 ---
    some = p > 0
    return np.sum(p[some] * np.log(p[some] / w[some]))
    # --- end ---


# %% [check]
w = np.array([0.1, 0.2, 0.3, 0.4])
shares = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.2, 0.2, 0.1], [0.0, 0.5, 0.5, 0.0], [1.0, 0.0, 0.0, 0.0]])
with np.errstate(all="ignore"):
    term = np.where(shares > 0, shares * np.log(shares / w), 0)
    forward = np.sum(w * np.log(w / shares), axis=1)
    yours = [ask(reverse_kl, p, w) for p in shares]
    if any(np.ndim(y) for y in yours):
        raise NotYet("reverse_kl returns one number, Σ over all modes. Is the sum missing?")
    yours = [y if y is None else np.nan_to_num(y, nan=-99, posinf=99) for y in yours]
    feedback("reverse_kl", yours, term.sum(axis=1), {
        "NaN is 0 · log 0 of a mode without samples. Leave those modes out":
            np.where((shares > 0).all(axis=1), term.sum(axis=1), -99),
        "p and w are swapped: this is w log(w/p), which is infinite for a lost mode":
            np.nan_to_num(forward, posinf=99),
        "this is log2. The natural logarithm is meant": term.sum(axis=1) / np.log(2),
        "the sign is wrong: a divergence is not negative": -term.sum(axis=1),
        "it is a sum over the modes, weighted by p, not a mean": term.mean(axis=1),
        "the weights p in front of the logarithm are missing":
            np.where(shares > 0, np.log(shares / w), 0).sum(axis=1)})

# %%
eighth = np.full(8, 1 / 8)
for name, samples in sets.items():
    print(f"{name:<18} reverse KL {reverse_kl(ng.metrics.modes(samples, ring).shares, eighth):.4f}")
print(f"one mode of eight lost, the others equal: log(8/7) = {np.log(8 / 7):.4f}")
print(f"all but one lost: log 8 = {np.log(8):.4f}")

# %% [markdown]
# Perfect samples do not score 0: with $n$ samples and $K$ modes chance alone gives about $(K-1)/2n$, here 0.0035.
# Nothing below that means anything.
#
# ## Why a generator that trains alone collapses
#
# Let the world have $K$ points, let $D_k$ be what a *frozen* discriminator says at point $k$, and let the generator
# choose the shares $q_k$ freely. Its non-saturating loss is
#
# $$ L(q) = -\sum_k q_k \log D_k . $$
#
# Linear in $q$! So its minimum lies in a corner.
#
# ### Exercise 3: G's best answer to a frozen D
#
# Return the shares $q$ with the smallest $L(q)$. (Where several are equally good, take the first.)

# %%
def best_answer(D):
    """The shares q (K,), q ≥ 0 with sum 1, that minimise −Σ q log D; D (K,) in (0, 1]."""
    # --- solution: return q ---
    q = np.zeros(len(D))
    q[np.argmax(D)] = 1
    return q
    # --- end ---


# %% [check]
answers = np.array([[0.2, 0.5, 0.4, 0.1], [0.9, 0.3, 0.3, 0.8], [0.5, 0.5, 0.6, 0.5]])
corner = np.eye(4)
feedback("best_answer", [best_answer(D) for D in answers], corner[[1, 0, 2]], {
    "this makes L as large as possible. G wants D to be large": corner[answers.argmin(1)],
    "shares in proportion to D are not the minimum: moving mass from a lower D to the highest always helps":
        answers / answers.sum(1, keepdims=True),
    "a softmax of D spreads the mass. L is linear in q, so its minimum is a corner":
        np.exp(answers) / np.exp(answers).sum(1, keepdims=True),
    "equal shares ignore D": np.full((3, 4), 1 / 4),
    "this is D at its best point. Return shares, which add up to 1": corner[[1, 0, 2]] * answers,
    "this is the number of the point. Return the shares, 1 there and 0 elsewhere": answers.argmax(1)})

# %% [markdown]
# One point, whatever the data: that is *collapse*, and no fault of optimisation. Now D wakes up. Its best answer to
# $q$ is $D^* = w/(w + q)$: at the crowded point $\frac18 / (\frac18 + 1) = \frac19$, and at the seven empty ones 1.
# G's best answer to *that* is another point. Let both answer in turn:

# %%
q, visited = eighth, []
for _ in range(12):
    D = eighth / (eighth + q)
    q = best_answer(D + 1e-9 * np.arange(8)[::-1])                     # ties go to the first
    visited.append(int(q.argmax()))
print("G visits", visited)
assert len(set(visited)) > 1

# %% [markdown]
# It hops to and fro and never covers two modes at once, though $q = w$ is the equilibrium, where $D = \frac12$
# everywhere and G has no wish to move. Whether training ends like this or near the equilibrium depends on *who is
# how far ahead*: each player should answer in small steps to a partner who keeps up. In words of games: collapse is
# an answer to $\max_D \min_G$, and the paper wants $\min_G \max_D$.
#
# ## With handwritten digits
#
# Now networks. Both train together; then D is frozen and G trains alone; then D is released. Two numbers beside the
# images: the *spread* of the samples (root mean square distance from their mean, relative to that of the data) and
# the *sensitivity* $\|dG/dz\|$ (the root of the sum of the squares of the derivatives of all pixels in all entries of
# $z$, on average). Where all noise gives one image, both are 0.

# %%
digits = ng.data.digits()
rng = np.random.default_rng(0)
WIDTH, TOGETHER, ALONE, AGAIN = (32, 150, 100, 50) if FAST else (128, 1500, 2000, 500)
EVERY = 50
G = ng.MLP([16, WIDTH, WIDTH, 64], hidden="relu", output="tanh", rng=rng)
D = ng.MLP([64, WIDTH, WIDTH, 1], rng=rng)
lr = 2e-3 if FAST else 5e-4
gan = ng.GAN(G, D, opt_G=ng.optim.Adam(lr, beta1=0.5), opt_D=ng.optim.Adam(lr, beta1=0.5))
z, real = gan.draw(300, np.random.default_rng(1)), collapse.spread(digits.x)


def look():
    fake = G(z)
    return collapse.spread(fake) / real, collapse.sensitivity(G, z), float(sigmoid(D(fake)).mean())


def together(steps):
    gan.fit(digits, steps=steps, batch=64, rng=rng)


def alone(steps):
    for _ in range(steps):
        L, g = ng.generator_gradient(G, D, gan.loss, gan.draw(64, rng), rng)
        gan.opt_G.step(G, g)                                           # and D stays as it is


seen, images, edges = [look()], [], [0]
for part, steps in ((together, TOGETHER), (alone, ALONE), (together, AGAIN)):
    for _ in range(steps // EVERY):
        part(EVERY)
        seen.append(look())
    images.append(G(z[:16]))
    edges.append(edges[-1] + steps)
    g = ng.generator_gradient(G, D, gan.loss, z)[1]
    print(f"after {edges[-1]:5d} steps: spread {seen[-1][0]:.2f}, ‖dG/dz‖ {seen[-1][1]:.2f}, D(G(z)) {seen[-1][2]:.2f}"
          f", norm of G's gradient {np.linalg.norm(g):.3f}")
spread_before, spread_alone = seen[TOGETHER // EVERY][0], seen[(TOGETHER + ALONE) // EVERY][0]
assert spread_alone < (0.95 if FAST else 0.6) * spread_before          # it falls together
assert seen[-1][0] > spread_alone                                      # and is driven apart again

# %%
fig, axes = plt.subplots(1, 3, figsize=(10, 3.9), layout="constrained")
titles = ("trained together", "then G alone", "then D released")
for ax, part, title in zip(axes, images, titles, strict=True):
    ax.imshow(tiles(part, (8, 8)), interpolation="nearest")
    ax.set(title=title, xlabel="16 samples G(z)", ylabel="the same 16 z each time", xticks=[], yticks=[])
plt.show()
steps, curves = EVERY * np.arange(len(seen)), np.array(seen).T
fig, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
names = {"Alone, samples fall together": "spread, data = 1", "Noise has less and less effect": "‖dG/dz‖",
         "And the sleeping D believes them": "mean D(G(z))"}
for ax, curve, (title, name) in zip(axes, curves, names.items(), strict=True):
    ax.plot(steps, curve, color=ORANGE, lw=2)
    for edge in edges[1:3]:
        ax.axvline(edge, color="black", ls=":", lw=1)
    ax.set(title=title, xlabel="steps: together | G alone | together", ylabel=name)
plt.show()

# %% [markdown]
# While D sleeps, $D(G(z))$ climbs and everything becomes nearly one image. It need not look like a digit: D was only
# ever asked about data and about the fakes of its time, and G walks to where D is wrong. Note what has vanished. The
# gradient, for the moment: a fake that D believes is pushed with the strength $1 - D$. It is back as soon as D wakes
# up. And the difference between samples: rows that are alike get gradients that are alike, so G cannot find its way
# out *by itself*. Released, D rejects the one image within a few dozen steps, and the samples fly apart.
#
# With data in the plane the same experiment ends otherwise, because there G is not bounded by a tanh: against a D
# frozen early the samples run away towards infinity, where D's logit grows for ever; against one frozen late, which
# is nearly flat, hardly anything moves for thousands of steps. `numpygan study collapse` measures all three, and
# [docs/results-collapse.md](../docs/results-collapse.md) has the table.
#
# ## What to do
#
# The first help is a D that keeps up: one step of D for one of G, at the same rate. The next are rates that fall to
# 0 and an averaged G, then another loss (hinge) or a penalty on the slope of D (R1 and R2):
# [docs/results-modes.md](../docs/results-modes.md) measures ten methods on eight and on twenty-five modes. And look
# at samples, not at losses: of what a training records by itself only $D(G(z))$ near 1 betrays that G is alone, and
# it looks like a victory.
#
# **You have seen** how collapse is counted, why a G that is free to choose falls into one point when D is frozen, and
# what releasing D does.
# **Before**: [9 · From three loops to the speed of BLAS](09_from_three_loops_to_the_speed_of_blas.ipynb). **Next**:
# [11 · Training tricks, measured](11_training_tricks_measured.ipynb).
