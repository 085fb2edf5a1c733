# %% [markdown]
# # 4 · Figure 1

# %% [markdown]
# The first figure of the GAN paper (Goodfellow et al. 2014) shows the whole idea in four small panels: data
# dotted, fakes solid, D dashed, and arrows from $z$ to $x$ below. It is a drawing. Here you make it from a real
# training run, compute the solid curve exactly, lay the best possible D over the learned one, and read what each
# panel says, and what it does not.
#
# You need: lessons [1](01_gan_on_one_page.ipynb) and [3](03_the_optimal_discriminator.ipynb), and the
# substitution rule for integrals.

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

import numpygan as ng
from numpygan import theory

FAST = "NUMPYGAN_FAST" in os.environ                   # the tests set it: fewer steps
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"  # from the palette of Okabe and Ito: told apart by every eye


def softplus(s):
    return np.logaddexp(0, s)                          # log(1 + e^s) without overflow


def sigmoid(s):
    return np.exp(-softplus(-s))                       # 1 / (1 + e^-s) without overflow


# %% [markdown]
# ## A generator whose density we can compute
#
# The data are two bumps, and the noise (잡음) is one, $z \sim N(0, 1)$. So the generator (생성자) must pull the
# middle apart. Ours has three numbers:
#
# $$ G(z) = a z + t \tanh(2.5 z) + b. $$
#
# In the package that is one layer of our own, which makes $(z, \tanh 2.5 z)$, and a linear one on top
# ([lesson 2](02_layers_derived_and_checked.ipynb) explains how to write a layer).

# %%
class Bend(ng.Layer):
    """y = (x, tanh 2.5 x)"""

    def shapes(self, d_in):
        return {}, 2

    def forward(self, p, x, c):
        y = c.ops.tanh(2.5 * x)
        return np.concatenate([x, y], axis=1), y

    def backward(self, p, y, dy, c):
        return dy[:, :1] + 2.5 * (1 - y**2) * dy[:, 1:], {}


def generator(a, t, b):
    G = ng.Network([Bend(), ng.Dense(1)], 1, rng=np.random.default_rng(0), dtype=np.float64, engine="numpy")
    G.theta = np.array([a, t, b])
    return G


data = ng.data.mixture([-1, 1], 0.6, dtype=np.float64)
z = np.linspace(-7, 7, 2801)                           # a fine grid of noise, and its density
p_z = np.exp(-z**2 / 2) / np.sqrt(2 * np.pi)
x = np.linspace(-4, 4, 801)                            # a fine grid of data, and its density
p_x = data.density(x[:, None])

# %% [markdown]
# For every $z$ on the grid we need $x = G(z)$ and the slope $G'(z)$. The second is what a backward pass
# computes, with $dy = 1$:

# %%
def push_grid(G):
    """x = G(z) and the slope dx/dz = G'(z), for every z on the grid."""
    x, tape = G.forward(z[:, None])
    slope, _ = G.backward(tape, np.ones_like(x), want_g=False)
    return x[:, 0], slope[:, 0]


# %% [markdown]
# ### Exercise 1: the density of the fakes
#
# How dense are the fakes at $x = G(z)$? A short piece $dz$ of noise has the probability $p_z(z)\,dz$. G carries
# it to a piece of the length $|G'(z)|\,dz$, and no probability is lost on the way. So what is $q(x)$? This is the
# *change of variables* (변수 변환), [Eq. (6.2)](../docs/6-theory.md#eq-6-2), for an increasing or a decreasing G.

# %%
def density_of_fakes(p_z, slope):
    """q at x = G(z), from the density of the noise at z and the slope G'(z)."""
    # --- solution: return q, from p_z and slope ---
    return p_z / np.abs(slope)
    # --- end ---


# %% [markdown]
# The check uses a G whose density you can look up: $G(z) = e^{-z}$, which makes the *log-normal* distribution.

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
x_log, slope_log = np.exp(-z), -np.exp(-z)
right = np.exp(-0.5 * np.log(x_log) ** 2) / (x_log * np.sqrt(2 * np.pi))
feedback("q", density_of_fakes(p_z, slope_log), right, {
    "this is the density of z. Where G stretches, the fakes are thinner: |G'| is missing": p_z,
    "|G'| is upside down. Where G stretches, the fakes are thinner": p_z * np.abs(slope_log),
    "a density is not negative. This G decreases: take |G'|": -right,
    "|G'| is upside down, and its absolute value is missing": p_z * slope_log,
    "one division by |G'| is enough": p_z / slope_log**2,
    "the root belongs to something else: divide by |G'| itself": p_z / np.sqrt(np.abs(slope_log))})

# %% [markdown]
# Here it is for a G that pulls the middle apart. The arrows start at noise with equal probability between each
# two neighbours. So where their heads are close together, the fakes are dense.

# %%
def arrows(ax, G, below, n=25):
    """From z, on the lower line, to x = G(z), on the upper one; equal probability between neighbours."""
    shares = (np.arange(n) + 0.5) / n
    tails = np.interp(shares, np.cumsum(p_z) / np.sum(p_z), z)
    heads = G(tails[:, None])[:, 0]
    for tail, head in zip(tails, heads, strict=True):
        ax.plot([tail, head], [below, below / 5], color="black", lw=0.6)
    ax.plot(heads, np.full(n, below / 5), "^", color="black", ms=3)
    ax.plot(x[[0, -1]], [below, below], color="black", lw=0.8)
    ax.plot(x[[0, -1]], [below / 5, below / 5], color="black", lw=0.8)


G = generator(0.72, 0.57, 0.0)
x_z, slope = push_grid(G)
q = density_of_fakes(p_z, slope)
samples = G(np.random.default_rng(0).standard_normal((100_000, 1)))[:, 0]
heights, edges = np.histogram(samples, np.linspace(-4, 4, 81), density=True)
fig, ax = plt.subplots(figsize=(7.5, 4))
ax.stairs(heights, edges, color=BLUE, fill=True, alpha=0.4, label="100,000 samples")
ax.plot(x_z, q, color=GREEN, lw=2, label="q = p_z / |G'|")
ax.plot(x_z, p_z, color=ORANGE, ls="--", label="without |G'|")
arrows(ax, G, below=-0.15)
ax.set(title="A stretched middle is a thin middle", xlabel="x (upper line), z (lowest line)", ylabel="density",
       xlim=(-4, 4), yticks=[0, 0.2, 0.4])
ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
plt.show()
area, without = (np.sum((y[1:] + y[:-1]) / 2 * np.diff(x_z)) for y in (q, p_z))
print(f"area under q: {area:.4f};   without |G'|: {without:.4f}")

# %% [markdown]
# Without $|G'|$ the curve has one bump too few and an area that is not 1. (G here has a known slope everywhere and
# increases. Nobody computes $q$ for a GAN that makes images; nobody needs it, to train. We need it, to look.)
#
# ## What D tells G
#
# G sees no data. A fake at $x$ has the non-saturating loss $\mathrm{softplus}(-s(x)) = -\log D(x)$, with $s$ the
# logit (로짓) of D, and moves against the gradient (기울기) of it.
#
# ### Exercise 2: the push
#
# How strongly, and in which direction, is a fake at $x$ pushed? Write $-\frac{d}{dx}\,\mathrm{softplus}(-s(x))$
# by means of $s$ and its slope $s'$ ([Eq. (4.12)](../docs/4-losses.md#eq-4-12) has half of it).

# %%
def push(s, ds):
    """-d/dx softplus(-s(x)), from the logit s(x) and its slope ds = s'(x)."""
    # --- solution: return the push, from s and ds ---
    return sigmoid(-s) * ds
    # --- end ---


# %% [check]
at, h = np.linspace(-3, 3, 13), 1e-5
s, ds = np.sin(at) + at / 2, np.cos(at) + 0.5
right = -(softplus(-np.sin(at + h) - (at + h) / 2) - softplus(-np.sin(at - h) - (at - h) / 2)) / (2 * h)
feedback("push", push(s, ds), right, {
    "the sign is wrong. G goes down its loss, so the push is minus the gradient": -right,
    "this is the push of the minimax loss, which is weak where D is sure of itself": sigmoid(s) * ds,
    "this is the slope of D. The loss is the logarithm of D, so divide by D": sigmoid(s) * sigmoid(-s) * ds,
    "this is the slope of the logit. The derivative of softplus is missing": ds,
    "softplus itself stands there. The chain rule wants its derivative": softplus(-s) * ds,
    "the slope of the logit is missing: chain rule": sigmoid(-s)})

# %% [markdown]
# So it has the direction of D's slope, *uphill*, and a strength of $1 - D$: fakes that D has recognised are pushed
# the most.
#
# ## The run
#
# The paper's panel (a) is "an adversarial pair near convergence". So G begins with about the right shape, in the
# wrong place, and D with nothing. Then:
#
# - **(a)** 40 rounds of Algorithm 1;
# - **(b)** G stands still, D trains on: the inner loop of Algorithm 1, as long as D gains from it;
# - **(c)** D stands still, G takes four steps, plain gradient descent (경사 하강법);
# - **(d)** Algorithm 1 again, to the end, with learning rates that fall to 0.

# %%
ROUNDS, INNER, LAST = (40, 60, 60) if FAST else (40, 300, 400)
rng = np.random.default_rng(1)
G = generator(0.8, 0.4, -1.0)
D = ng.Network([ng.Dense(16, ng.init.glorot), ng.Tanh(), ng.Dense(16, ng.init.glorot), ng.Tanh(),
                ng.Dense(1, ng.init.normal(0.01))], 1, rng=rng, dtype=np.float64)
loss = ng.losses.NonSaturating()
rate = {"G": 0.005, "D": 0.02}
opt_G = ng.optim.Adam(lambda step: rate["G"], beta1=0, beta2=0.99)
opt_D = ng.optim.Adam(lambda step: rate["D"], beta1=0, beta2=0.99)


def noise(n):
    return rng.standard_normal((n, 1))


def step_D(n=256):
    _, g_D = ng.discriminator_gradient(D, loss, data.sample(n, rng), G(noise(n)))
    opt_D.step(D, g_D)


def step_G(opt, n=256):
    _, g_G = ng.generator_gradient(G, D, loss, noise(n))
    opt.step(G, g_G)


def falling(step, steps):
    """From 1 to 0, as a cosine."""
    return 0.5 * (1 + np.cos(np.pi * step / steps))


panels = {}


def keep(name):
    panels[name] = G.theta.copy(), D.theta.copy()


for _ in range(ROUNDS):
    step_D()
    step_G(opt_G)
keep("a")
for step in range(INNER):
    rate["D"] = 0.02 * falling(step, INNER)
    step_D(512)
keep("b")
plain = ng.optim.SGD(0.1)
for _ in range(4):
    step_G(plain)
keep("c")
for step in range(LAST):
    rate["G"], rate["D"] = 0.005 * falling(step, LAST), 0.02 * falling(step, LAST)
    step_D()
    step_G(opt_G)
keep("d")

# %% [markdown]
# ## The figure
#
# For each panel: the exact $q$ of the G of that moment, the D of that moment, and the best D for that G,
# $D^* = p/(p+q)$ ([Eq. (1.3)](../docs/1-game.md#eq-1-3)).

# %%
def curves(name):
    """q, D and D* on the grid of x, with the networks as they were in that panel."""
    G.theta, D.theta = panels[name]
    x_z, slope = push_grid(G)
    assert slope.min() > 0                             # G increases, as our formula for q wants it
    q = np.interp(x, x_z, density_of_fakes(p_z, slope), left=0, right=0)
    with np.errstate(divide="ignore"):
        return q, sigmoid(D(x[:, None])[:, 0]), p_x / (p_x + q)


titles = {"a": "(a) Near convergence; D is not there yet", "b": "(b) D has caught up: D ≈ D*",
          "c": "(c) G has gone up D's slope", "d": "(d) q ≈ p, and D ≈ ½"}
fig, axes = plt.subplots(2, 2, figsize=(11, 8.5), sharex=True, sharey=True, layout="constrained")
for ax, (name, title) in zip(axes.flat, titles.items(), strict=True):
    q, D_x, D_best = curves(name)
    ax.plot(x, p_x, color="black", ls=":", lw=2, label="data, p")
    ax.plot(x, q, color=GREEN, lw=2, label="fakes, q (exact)")
    ax.plot(x, D_x, color=BLUE, ls="--", lw=1.8, label="D, learned")
    ax.plot(x, D_best, color=ORANGE, lw=1, label="D* of this q")
    if name == "c":
        ax.plot(x, curves("b")[0], color=GREEN, lw=0.8, ls="-.", label="fakes before, in (b)")
        G.theta, D.theta = panels[name]
    arrows(ax, G, below=-0.3)
    ax.set(title=title, xlabel="x (upper line), z (lowest line)", ylabel="density, or D(x)", xlim=(-4, 4),
           ylim=(-0.35, 1.05), yticks=[0, 0.5, 1])
fig.legend(*axes[1, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
plt.show()

# %% [markdown]
# The same in numbers. Where $p$ exceeds 5 % of its peak: how far is D from D\*, and how far from ½? And how far
# are the fakes from the data, as a Jensen-Shannon divergence (젠슨-섀넌 발산)?

# %%
inside = p_x > 0.05 * p_x.max()
numbers = {}
for name in panels:
    q, D_x, D_best = curves(name)
    numbers[name] = (theory.jsd(p_x / p_x.sum(), q / q.sum()), np.abs(D_x - D_best)[inside].max(),
                     np.abs(D_x - 0.5)[inside].max())
    print("({})  JSD {:.3f},   largest |D - D*| {:.2f},   largest |D - ½| {:.2f}".format(name, *numbers[name]))
assert numbers["b"][0] == numbers["a"][0]              # G did not move
if not FAST:
    assert numbers["b"][1] <= 0.05 < numbers["a"][1]
    assert numbers["c"][0] < numbers["b"][0]
    assert numbers["d"][0] <= 0.01
    assert numbers["d"][2] <= 0.1

# %% [markdown]
# ## What the panels say
#
# - **(a) is not the start of training.** It is a pair *near convergence*: $q$ resembles $p$, and D is "a
#   partially accurate classifier". Notes often call it "the initial state". At the start nothing would resemble
#   anything.
# - **(b) is D at its best for this G**, $D^* = p/(p+q)$: the dashed curve lies on the orange one. It is not 1
#   on all data and 0 on all fakes, because both live in the same places.
# - **(c) is a step of G.** D is the same as in (b), so the dashed curve has not moved, but the orange one has: D is out
#   of date as soon as G moves. G got nothing from the dotted curve; only D's slope.
# - **(d) is where it should end:** $q = p$, and $D = \tfrac12$. Not "D fails": ½ is the best answer there is. Far out,
#   the two curves part: hardly a sample is there, and nothing tells D what to say.
# - **The arrows are the map** $x = G(z)$, not a path of training and no measure of quality. Where they crowd
#   together, the fakes are dense.
# - **D is no density**, though it shares the axes. It is a probability of "data" at each $x$.
#
# ## What G was told in (b)
#
# The push of exercise 2 for the D of panel (b), at the fakes of panel (b):

# %%
q, D_x, _ = curves("b")
fakes = G(np.interp((np.arange(25) + 0.5) / 25, np.cumsum(p_z) / np.sum(p_z), z)[:, None])
s, tape = D.forward(fakes)
ds, _ = D.backward(tape, np.ones_like(s), want_g=False)
fig, ax = plt.subplots(figsize=(7.5, 3.6))
ax.plot(x, p_x, color="black", ls=":", lw=2, label="data, p")
ax.plot(x, q, color=GREEN, lw=2, label="fakes, q")
ax.plot(x, D_x, color=BLUE, ls="--", lw=1.8, label="D")
ax.quiver(fakes[:, 0], np.interp(fakes[:, 0], x, q), push(s, ds)[:, 0], 0 * s[:, 0], angles="xy", scale_units="xy",
          scale=2.5, width=0.004, color=ORANGE, label="push on a fake")
ax.set(title="Every fake is pushed up D's slope", xlabel="x", ylabel="density, or D(x)", xlim=(-4, 4))
ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
plt.show()

# %% [markdown]
# Right of the valley of D the fakes are pushed to the right, to the bump that they lack. Left of it they are pushed to
# the top of D over the bump that they have, from both sides. Is it good to go on like that? Two ways from (b): G goes
# on with the D of (b), or D answers every step of G with five of its own.

# %%
def climb(answers, steps):
    """JSD after each step of G from panel (b), with `answers` steps of D between."""
    G.theta, D.theta = panels["b"]
    rate["D"], path = 0.005, []
    for step in range(steps + 1):
        if step:
            step_G(plain)
            for _ in range(answers):
                step_D()
        x_z, slope = push_grid(G)
        q = np.interp(x, x_z, density_of_fakes(p_z, slope), left=0, right=0)
        path.append(theory.jsd(p_x / p_x.sum(), q / q.sum()))
    return path


steps = 10 if FAST else 40
frozen, answered = climb(0, steps), climb(5, steps)
fig, ax = plt.subplots(figsize=(6.5, 3.2))
ax.plot(frozen, "o--", ms=3, color=ORANGE, label="D stays as in (b)")
ax.plot(answered, "o-", ms=3, color=BLUE, label="D answers each step")
ax.set(title="With an old D, G runs past the data", xlabel="step of G, from (b) on", ylabel="JSD(p, q)", ylim=(0, None))
ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
plt.show()
if not FAST:
    assert frozen[-1] > 3 * min(frozen)                # it has been nearer
    assert answered[-1] <= 0.01

# %% [markdown]
# At first the two ways are alike: one slope is good for several steps. Then the G with the old D runs *past* the
# data, on to where that D says "data" the loudest, at the far right, where no data are. The other one arrives.
# That is why Algorithm 1 goes back and forth between (b) and (c), and why the paper asks that D stay near its optimum
# while G changes slowly.
#
# **You have seen** all four panels come out of one run. **Before**:
# [3 · The optimal discriminator](03_the_optimal_discriminator.ipynb). **Next**:
# [5 · Why gradients vanish](05_why_gradients_vanish.ipynb). The algebra behind it:
# [docs/6-theory.md](../docs/6-theory.md).
