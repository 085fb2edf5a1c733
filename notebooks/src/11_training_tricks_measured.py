# %% [markdown]
# # 11 · Training tricks, measured

# %% [markdown]
# Every list of GAN tricks says what helps; hardly one says how much, against what, and over how many seeds. In this
# lesson you put an error bar on a mean, work out what two well-known tricks do to the best discriminator $D^*$ on
# paper, and then let three tricks compete against a discriminator that is too strong, with the machinery of
# `numpygan study`.
#
# You need: [lesson 3](03_the_optimal_discriminator.ipynb) for $D^*$ and [lesson 5](05_why_gradients_vanish.ipynb) for
# vanishing gradients. The derivations are in [docs/11-tricks.md](../docs/11-tricks.md).

# %%
import os
import tempfile
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from numpygan.study import Cell, Study, balance, run
from numpygan.study.table import markdown

FAST = "NUMPYGAN_FAST" in os.environ                   # the tests set it: fewer steps
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"  # from the palette of Okabe and Ito: told apart by every eye

# %% [markdown]
# ## One run is no result
#
# A method $M$ was run with ten seeds (씨앗값) and covered these numbers of 25 modes. How good is it? Give the mean and
# its *standard error* (표준오차): the spread that the mean of ten such runs would have, if one did it all again. With
# $\bar v$ the mean of $v_1, \dots, v_n$,
#
# $$ s^2 = \frac{1}{n-1} \sum_i (v_i - \bar v)^2, \qquad \text{standard error} = \frac{s}{\sqrt n}. $$
#
# ### Exercise 1: mean and standard error

# %%
M = np.array([24.0, 25, 19, 25, 23, 25, 17, 25, 24, 25])


def mean_and_error(v):
    """(mean, standard error of the mean) of the values v (n,)."""
    # --- solution: return both ---
    return v.mean(), v.std(ddof=1) / np.sqrt(len(v))
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
n, mean, s = len(M), M.mean(), M.std(ddof=1)
feedback("mean_and_error", mean_and_error(M), (mean, s / np.sqrt(n)), {
    "this is s, the spread of one run. That of a mean of n runs is smaller by √n": (mean, s),
    "divide by n - 1, not by n: the mean was taken from the same values (ddof=1)": (mean, M.std() / np.sqrt(n)),
    "that is the variance over n. The root is missing": (mean, s**2 / n),
    "divide by √n, not by n": (mean, s / n),
    "the median is not the mean": (np.median(M), s / np.sqrt(n)),
    "first the mean, then the error": (s / np.sqrt(n), mean)})

# %% [markdown]
# A second method, $N$, was run with the same seeds. On the first seed it wins by one mode, on the third by six. Is it
# better? Two means are told apart when they differ by more than two or three times the error of their difference,
# $\sqrt{e_M^2 + e_N^2}$.

# %%
N = np.array([25.0, 25, 25, 24, 22, 25, 25, 24, 18, 25])
(m, e_m), (n_mean, e_n) = mean_and_error(M), mean_and_error(N)
error = np.hypot(e_m, e_n)
print(f"M {m:.1f} ± {e_m:.1f}, N {n_mean:.1f} ± {e_n:.1f}: difference {n_mean - m:.1f} ± {error:.1f}")
print(f"that is {abs(n_mean - m) / error:.1f} standard errors: not told apart")
assert abs(n_mean - m) / error < 2

# %% [markdown]
# To halve an error takes four times as many seeds. So before a claim: the same number of steps for both, the same
# time spent on *tuning* both, on other seeds than those that are reported, and both columns printed with ±.
#
# ## What a trick does to D*
#
# Some tricks change what G is asked for. If the targets of D are $\alpha$ for real rows and $\beta$ for fakes, D
# minimises, at every point $x$,
#
# $$ p \, \ell(\alpha, y) + q \, \ell(\beta, y), \qquad \ell(t, y) = -t \log y - (1 - t) \log (1 - y), $$
#
# with $p = p_{data}(x)$, $q = p_g(x)$ and $y = D(x)$.
#
# ### Exercise 2: the best D with soft labels
#
# Set the derivative in $y$ to zero.

# %%
def best_D(p, q, alpha, beta):
    """D*(x) for targets alpha (real) and beta (fake); p and q the densities at x."""
    # --- solution: return the best y, from p, q, alpha and beta ---
    return (alpha * p + beta * q) / (p + q)
    # --- end ---


# %% [check]
# no formula: the smallest value of the loss over a fine grid of y, made finer around it
def entropy(t, y):
    return -t * np.log(y) - (1 - t) * np.log1p(-y)


def by_search(p, q, alpha, beta, low=1e-9, high=1 - 1e-9):
    while high - low > 1e-7:
        y = np.linspace(low, high, 41)
        i = int(np.clip((p * entropy(alpha, y) + q * entropy(beta, y)).argmin(), 1, 39))
        low, high = y[i - 1], y[i + 1]
    return (low + high) / 2


points = [(0.6, 0.2, 0.9, 0.0), (0.1, 0.7, 0.9, 0.0), (0.3, 0.3, 1.0, 0.0), (0.2, 0.6, 0.9, 0.1)]
p, q, a, b = np.array(points).T
feedback("best_D", [best_D(*at) for at in points], np.array([by_search(*at) for at in points]), {
    "labels do not weigh the densities below the line: there stands p + q": (a * p + b * q) / (a * p + (1 - b) * q),
    "this is D* of hard labels": p / (p + q),
    "beta, the target of the fakes, belongs to q": (a * p) / (p + q),
    "alpha and beta are swapped": (b * p + a * q) / (p + q),
    "p and q are swapped": (a * q + b * p) / (p + q),
    "the densities are missing: more fakes at x lower D(x)": (a + b) / 2 + 0 * p}, tolerance=1e-4)

# %%
x = np.linspace(-4, 6, 400)
p, q = (np.exp(-((x - at) ** 2) / 2) / np.sqrt(2 * np.pi) for at in (0.0, 2.0))
fig, axes = plt.subplots(1, 2, figsize=(10.5, 3.7), layout="constrained")
axes[0].plot(x, p, color=BLUE, label="p, data")
axes[0].plot(x, q, color=ORANGE, ls="--", label="q, fakes")
for (alpha, beta), colour, style in zip([(1, 0), (0.9, 0), (0.9, 0.1)], ["black", GREEN, "#CC79A7"], ["-", "--", ":"],
                                        strict=True):
    axes[1].plot(x, best_D(p, q, alpha, beta), color=colour, ls=style, lw=2, label=f"D*, labels {alpha:g} and {beta:g}")
axes[0].set(title="Two densities", xlabel="x", ylabel="density")
axes[1].set(title="The best D for three pairs of labels", xlabel="x", ylabel="D*(x)", ylim=(0, 1))
handles = [sum(both, []) for both in zip(*(ax.get_legend_handles_labels() for ax in axes), strict=True)]
fig.legend(*handles, loc="outside lower center", ncols=5, frameon=False)
plt.show()

# %% [markdown]
# One-sided smoothing scales $D^*$ by $\alpha$ and leaves its order alone: where D was larger, it still is. But far
# to the right, where there are only fakes, $D^*$ tends to $\beta$, and with $\beta > 0$ D says of a fake that is
# nowhere near the data "one in ten": the second label rewards fakes for being where they are.
#
# Other tricks leave the labels and blur the densities. *Instance noise* adds $\mathcal N(0, \sigma^2)$ to what D
# sees, real and fake. Let all data be the point 0 and all fakes the point $t$: without noise D is perfect, and
# flat. With it D compares $\mathcal N(0, \sigma^2)$ with $\mathcal N(t, \sigma^2)$.
#
# ### Exercise 3: the slope that noise gives to D
#
# The logit (로짓) of $D^*$ is $s(x) = \log \frac{p(x)}{q(x)}$. What is its derivative in $x$?

# %%
def slope(t, sigma):
    """d/dx log N(x; 0, σ²) / N(x; t, σ²): the same at every x."""
    # --- solution: return the slope, from t and sigma ---
    return -t / sigma**2
    # --- end ---


# %% [check]
at, h = np.array([[1.0, 0.5], [2.0, 0.5], [-1.5, 2.0], [0.3, 0.1]]), 1e-3


def logit(x, t, sigma):
    return (-(x**2) + (x - t) ** 2) / (2 * sigma**2)


t, sigma = at.T
right = (logit(0.7 + h, t, sigma) - logit(0.7 - h, t, sigma)) / (2 * h)
feedback("slope", slope(t, sigma), right, {
    "the sign is wrong: at the data, 0, the logit must be larger than at the fakes": t / sigma**2,
    "the variance is the square of sigma": -t / sigma,
    "t is missing: the farther apart, the steeper": -1 / sigma**2 + 0 * t,
    "the ½ of the exponent cancels against the derivative of the square": -t / (2 * sigma**2),
    "that is the logit at 0. Its derivative in x is meant": t**2 / (2 * sigma**2),
    "upside down: less noise makes D steeper": -(sigma**2) / t})

# %% [markdown]
# The push on a fake is $|t| / \sigma^2$, at every distance: it points to the data and does not vanish. But a small
# $\sigma$ makes it huge, and a large one makes D blind for what is smaller than $\sigma$. Hence the advice to begin
# with much and to anneal.
#
# ## Now measure
#
# Eight modes on a ring, and a D that is too strong: ten times the rate of G. Three remedies and none, every run
# looked at as it goes: labels of 0.9, instance noise, and R1, a penalty on the slope of D
# ([Eq. (10.1)](../docs/10-penalties.md#eq-10-1)). *D right* is the share of rows, data and fakes, that D puts on the
# right side of ½. *push* is the slope of G's loss at a fake, for the minimax and for the non-saturating loss;
# *agreement* is the cosine between two gradients of G from two minibatches, 1 where they agree and 0 where they are
# noise. *modes* and *quality*, here in per cent, are those of [lesson 10](10_mode_collapse.ipynb), at the end.

# %%
STEPS, SEEDS = (50, 2) if FAST else (600, 3)
small = {"hidden_G": (32, 32), "hidden_D": (32, 32), "batch": 64} if FAST else {}
remedies = ["nothing", "labels 0.9", "instance noise 0.2", "R1, 0.1"]
cells = [Cell("", remedy, seed, {"recipe": replace(balance.recipe("rate of D × 10", remedy, STEPS), **small).to_dict()})
         for remedy in remedies for seed in range(SEEDS)]
study = Study("tricks", "A D that learns ten times faster", cells, balance.measure, balance.COLUMNS)
with tempfile.TemporaryDirectory() as folder:
    rows, failed = run(study, folder, jobs=1)
print(markdown(study, rows))
assert failed == []

# %%
fig, axes = plt.subplots(1, 3, figsize=(11, 3.9), layout="constrained")
for ax, key in zip(axes, ("D right", "push, minimax", "push, non-sat."), strict=True):
    values = [row.values(key) for row in rows]
    for at, v in enumerate(values):
        mean, error = mean_and_error(v)
        ax.errorbar(at, mean, error, fmt="o", color=ORANGE, capsize=4)
    ax.set(title=key, xlabel="remedy", ylabel="mean ± standard error", xlim=(-0.5, 3.5))
    ax.set_xticks(range(4), remedies, rotation=30, ha="right")
plt.show()

# %% [markdown]
# Read it as a sceptic. This D learns ten times as fast as G and is still right only about seven times in ten: in
# the plane the two distributions overlap early, and nobody wins for long. So the minimax push is smaller than the
# non-saturating one, but it has not vanished; for that, fakes and data must be apart, as in [lesson
# 5](05_why_gradients_vanish.ipynb) or with images.
#
# Instance noise and R1 halve the push, by far more than the errors, and noise lowers *D right*, too. Soft labels leave
# the non-saturating push as it is, just as exercise 2 says: $-\log (\alpha D)$ is $-\log D$ and a constant. And the
# quality of the samples? Ten per cent or less, with errors up to half as large: few pairs are told apart, and whoever
# had run one seed would have had a winner. A run this short does not say who is good in the end; quality comes late,
# when the rates fall.
#
# The whole table, four causes times seven remedies, is `numpygan study balance`, and ten methods to the end are
# `numpygan study modes`: [docs/14-what-to-do.md](../docs/14-what-to-do.md) turns both into advice.
#
# **You have seen** an error bar decide, what labels and noise do to $D^*$, and how to let tricks compete.
# **Before**: [10 · Mode collapse](10_mode_collapse.ipynb). **Next**:
# [12 · MNIST, step by step](12_mnist_step_by_step.ipynb).
