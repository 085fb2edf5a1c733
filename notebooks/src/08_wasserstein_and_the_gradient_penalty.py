# %% [markdown]
# # 8 · Wasserstein and the gradient penalty by hand

# %% [markdown]
# Where data and fakes do not meet, a discriminator (판별자) can be perfect, and then it tells the generator (생성자)
# nothing. The *critic* of a Wasserstein GAN is never perfect in that way: it measures how far the fakes have to
# travel. In this lesson you compute that distance, find the best critic, see what weight clipping does to it, and
# then derive, by hand, the gradient (기울기) of a gradient that replaced clipping. At the end four GANs run on a
# problem where the distance is known exactly.
#
# You need: the chain rule, distribution functions, and [lesson 7](07_the_zoo_of_losses.ipynb). The derivations
# stand in full in [docs/7-supports.md](../docs/7-supports.md#eq-7-8) and
# [docs/10-penalties.md](../docs/10-penalties.md).

# %%
import os

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment

import numpygan as ng
from numpygan import theory

FAST = "NUMPYGAN_FAST" in os.environ                   # the tests set it: fewer steps
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"  # from the palette of Okabe and Ito: told apart by every eye
PINK = "#CC79A7"

# %% [markdown]
# ## How far is it?
#
# In [lesson 5](05_why_gradients_vanish.ipynb) two boxes slid past each other. As soon as they did not overlap,
# JSD was $\log 2$, at any distance, and its slope 0. The earth mover's distance (바서슈타인 거리) $W_1$ kept its slope.
# It is the least mean distance by which mass has to be moved to turn one distribution into the other: over all
# *transport plans* (수송 계획), that is, all ways to pair an $x$ from $p$ with a $y$ from $q$,
#
# $$ W_1(p, q) = \min_{\text{plans}} \mathbb E\, |x - y|. $$
#
# ($\mathbb E$ is the mean; $\mathbb E_p f$ below is the mean of $f(x)$ over the data.)
#
# ### Exercise 1: the cheapest plan
#
# Take $n$ numbers $x_i$ and $n$ numbers $y_j$. A plan pairs each $x$ with one $y$. Which pairing is the cheapest
# on the line? (Try two and two: is it ever worth while that paths cross?)

# %%
def earth_movers(x, y):
    """W1 of two samples of n numbers each."""
    # --- solution: return W1, from x and y ---
    return np.abs(np.sort(x) - np.sort(y)).mean()
    # --- end ---


# %% [markdown]
# The check does not know which pairing it is. It looks for the cheapest of all $n!$, by the Hungarian method.

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
x, y = np.array([0.3, 4.0, -1.0, 1.2, 2.2]), np.array([2.5, 0.1, 3.4, -2.0, 3.0])
costs = np.abs(x[:, None] - y)
rows, columns = linear_sum_assignment(costs)
right = costs[rows, columns].mean()
feedback("W1", earth_movers(x, y), right, {
    "the pairs are those of the list, in the order in which they were drawn. Another pairing is cheaper": np.abs(
        x - y).mean(),
    "this is a sum. W1 is a mean, of mass 1": 5 * right,
    "this is the distance of the two means. Mass may have to travel both ways": abs(x.mean() - y.mean()),
    "only x is sorted": np.abs(np.sort(x) - y).mean(),
    "the absolute value is missing: ways to the two sides must not cancel": (np.sort(x) - np.sort(y)).mean(),
    "this is the mean distance of all pairs, the plan that pairs at random": costs.mean(),
    "this is W2: the root of the mean square": np.sqrt(((np.sort(x) - np.sort(y))**2).mean())})
assert np.isclose(theory.wasserstein1(x, y), right, rtol=1e-12)              # the package: any two sizes, Eq. (7.5)

# %% [markdown]
# In order: paths that cross can be uncrossed, and become no longer. In terms of the distribution functions $F(t)
# = P(x \le t)$ and $G(t) = P(y \le t)$ (this G is no generator) the same number is the area between two stairs
# ([Eq. (7.4)](../docs/7-supports.md#eq-7-4)): at each $t$, $|F - G|$ is the mass that has to cross $t$.

# %%
t = np.sort(np.concatenate([x, y]))
F, G = ((np.sort(v) <= t[:-1, None]).mean(axis=1) for v in (x, y))           # constant between two points
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
for i, (a, b) in enumerate(zip(np.sort(x), np.sort(y), strict=True)):
    axes[0].plot([a, b], [1, 0], color="black", lw=1, label="the cheapest plan" if i == 0 else None)
axes[0].plot(x, np.ones(5), "o", color=BLUE, label="x")
axes[0].plot(y, np.zeros(5), "s", color=ORANGE, label="y")
for values, colour, style, name in [(F, BLUE, "-", "F, of x"), (G, ORANGE, "--", "G, of y")]:
    axes[1].step(t, np.append(values, 1), where="post", color=colour, ls=style, lw=2, label=name)
axes[1].fill_between(t[:-1], F, G, step="post", color=GREEN, alpha=0.25, lw=0, label="area = W1")
axes[1].fill_between(t[-2:], [F[-1]] * 2, [G[-1]] * 2, color=GREEN, alpha=0.25, lw=0)
axes[0].set(title="In order, no two paths cross", xlabel="place", ylabel="y below, x above", yticks=[0, 1])
axes[1].set(title="The same number as an area", xlabel="t", ylabel="share at or below t")
handles = [sum(both, []) for both in zip(*(ax.get_legend_handles_labels() for ax in axes), strict=True)]
fig.legend(*handles, loc="outside lower center", ncols=6, frameon=False)
plt.show()
area = np.abs(F - G) @ np.diff(t)
print(f"the plan {earth_movers(x, y):.6f}, the area {area:.6f}")
assert np.isclose(area, earth_movers(x, y), rtol=1e-12)

# %% [markdown]
# ## The other side: a critic
#
# A plan in many dimensions is hard to find. There is another way to the same number. Take any function $f$ whose
# slope is nowhere more than 1 (1-Lipschitz, 립시츠): $|f(x) - f(y)| \le |x - y|$. Then for *every* plan
#
# $$ \mathbb E_p f - \mathbb E_q f = \mathbb E\,[f(x) - f(y)] \le \mathbb E\, |x - y|, $$
#
# so the left side is at most $W_1$, whatever $f$ is. Kantorovich and Rubinstein: the best $f$ reaches it ([Eq.
# (7.8)](../docs/7-supports.md#eq-7-8)),
#
# $$ W_1(p, q) = \max_{\text{slope} \le 1} \mathbb E_p f - \mathbb E_q f. $$
#
# Minimising over plans has become maximising over functions, and a function can be a network: this is the loss of
# the Wasserstein GAN, $L_D = -\mathbb E_p D + \mathbb E_q D$.
#
# ### Exercise 2: the best critic
#
# On the line one can write it down. Between two neighbours of the ten points above let $f$ have a constant slope
# $f'$. Integrating by parts (부분적분),
#
# $$ \mathbb E_p f - \mathbb E_q f = -\sum_{\text{intervals}} f' \cdot (F - G) \cdot \text{length}. $$
#
# Which slopes, none beyond ±1, make this as large as possible?

# %%
def best_slopes(F, G):
    """The slope of the best critic on each interval, from F and G there. (Where F = G any will do; say 0.)"""
    # --- solution: return the slopes, from F and G ---
    return -np.sign(F - G)
    # --- end ---


# %% [markdown]
# The check knows no formula, either: on each interval it tries the slopes $-1, -0.99, \dots, 1$ and keeps the
# best.

# %% [check]
F_4, G_4 = np.array([0.2, 0.5, 0.6, 0.9]), np.array([0.1, 0.7, 0.9, 0.75])
tried = np.linspace(-1, 1, 201)
right = tried[(-tried * (F_4 - G_4)[:, None]).argmax(axis=1)]
feedback("slopes", ask(best_slopes, F_4, G_4), right, {
    "the sign is wrong. Where F > G the data lie left of the fakes, and f must fall": -right,
    "as steep as allowed: ±1, however small the gap is": -(F_4 - G_4),
    "this is the gap itself, and its sign": F_4 - G_4,
    "where F < G mass travels, too, in the other direction: the slope is +1 there, not 0": np.where(F_4 > G_4, -1, 0),
    "-1 everywhere is right if all fakes lie to the right of the data. Here they lie on both sides": -np.ones(4)})

# %%
p, q = ng.data.mixture([-2, 2.5], 0.5, [0.6, 0.4]), ng.data.gaussian(0.5, 0.6)
t = np.linspace(-4, 5, 901)
F, G = theory.cdf(p)(t), theory.cdf(q)(t)
f = np.concatenate([[0], np.cumsum(best_slopes(F, G)[:-1] * np.diff(t))])
D_star = theory.optimal_discriminator(p, q)
fig, axes = plt.subplots(1, 3, figsize=(13, 3.7), layout="constrained")
axes[0].plot(t, p.density(t[:, None]), color=BLUE, lw=2, label="data, p")
axes[0].plot(t, q.density(t[:, None]), color=ORANGE, ls="--", lw=2, label="fakes, q")
axes[1].plot(t, F - G, color="black", lw=2, label="F − G")
axes[1].axhline(0, color="black", lw=0.5)
axes[2].plot(t, f, color=GREEN, lw=2, label="the best critic f")
axes[2].plot(t, D_star(t), color=PINK, ls="-.", lw=2, label="for comparison: D* = p/(p + q)")
axes[0].set(title="Data on both sides of the fakes", xlabel="x", ylabel="density")
axes[1].set(title="Which way must mass travel?", xlabel="x", ylabel="F − G")
axes[2].set(title="The critic has slope ±1, D* is flat", xlabel="x", ylabel="f(x), D*(x)")
handles = [sum(both, []) for both in zip(*(ax.get_legend_handles_labels() for ax in axes), strict=True)]
fig.legend(*handles, loc="outside lower center", ncols=5, frameon=False)
plt.show()
reached = np.sum(f * (p.density(t[:, None]) - q.density(t[:, None]))) * (t[1] - t[0])
print(f"E f(data) − E f(fakes) = {reached:.4f}, W1 = {theory.wasserstein1(p, q):.4f}")
assert abs(reached - theory.wasserstein1(p, q)) < 1e-3

# %% [markdown]
# That is why people want this critic. $D^*$ says which side of the border a point lies on, and far from the
# border it is flat. The critic says *which way*, with slope 1, wherever there is a way to go.
#
# ## A bound on the slope: clipping
#
# A network does not keep its slope below 1 by itself ([lesson 7](07_the_zoo_of_losses.ipynb) has let it run). The
# first Wasserstein GAN put every weight back into $[-c, c]$ after each step. That bounds the slope by *some*
# number $K$, and then $-L_D$ is at most $K \cdot W_1$. What is $K$?
#
# A problem whose $W_1$ is known: all data are the point 0, the fakes lie on a circle of radius 2. Everything has
# to travel 2, so $W_1 = 2$, and the best critic is the cone $f(x) = -\lVert x \rVert$.

# %%
STEPS = 20 if FAST else 600


def circle(n, rng):
    angle = rng.uniform(0, 2 * np.pi, n)
    return 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def train_critic(opt, penalty=None):
    """A critic of two hidden layers on the point and the circle, and -L_D over the last 50 steps."""
    rng, values = np.random.default_rng(0), []
    D = ng.MLP([2, 64, 64, 1], hidden="leaky_relu", output="identity", rng=rng, dtype=np.float64)
    for _ in range(STEPS):
        x, x_fake = np.zeros((128, 2)), circle(128, rng)
        L, g = ng.discriminator_gradient(D, ng.losses.Wasserstein(), x, x_fake)
        if penalty:
            g = g + penalty(D, x, x_fake, rng)[1]
        opt.step(D, g)
        values.append(-L)
    return D, np.mean(values[-50:])


critics = {f"clipped at {c}": train_critic(ng.optim.RMSProp(rate, clip=c))
           for c, rate in [(0.01, 2e-4), (0.1, 1e-3), (1.0, 1e-3)]}
for name, (D, value) in critics.items():
    c = float(name.split()[-1])
    at_the_bound = np.mean(np.abs(D.theta) > 0.99 * c)
    print(f"{name:<16} -L_D = {value:8.3f} = {value / 2:8.4f} · W1,   {at_the_bound:4.0%} of the weights at ±c")

# %%
line = np.linspace(-3, 3, 121)
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
axes[0].hist(critics["clipped at 0.01"][0].theta, bins=40, color=BLUE)
for (name, (D, _)), colour, style in zip(critics.items(), [BLUE, ORANGE, PINK], ["-", "--", "-."], strict=True):
    s = D(np.stack([line, 0 * line], axis=1))[:, 0]
    axes[1].plot(line, s - s.max(), color=colour, ls=style, lw=2, label=f"D, {name}")
axes[1].plot(line, -np.abs(line), color="black", ls=":", lw=2, label="the best critic, −‖x‖")
axes[0].set(title="Where the weights went, c = 0.01", xlabel="weight", ylabel="how many", xticks=[-0.01, 0, 0.01])
axes[1].set(title="Three clipped critics on a line through the middle", xlabel="x1 (and x2 = 0)",
            ylabel="D(x), its top at 0", ylim=(-6, 0.5))
fig.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
plt.show()

# %% [markdown]
# The weights gather at the two ends, because every one of them wants to be larger: a network of numbers $\pm c$ is
# what is left. (At $c = 1$ they are still on their way.) And $K$ is anything: a thousandth for one $c$, hundreds for
# another, and it changes with the width and the depth. G's gradient is proportional to it. The authors themselves
# wrote that clipping is "a clearly terrible way" to do this.
#
# ## The gradient penalty
#
# Ask for the slope directly. Gulrajani et al. (2017) take random points $\hat x$ between a data point and a fake, and
# D pays for every slope there that is not 1. With $u_i = \nabla_x D(\hat x_i)$ ([Eq.
# (10.3)](../docs/10-penalties.md#eq-10-3)):
#
# $$ P = \frac{\lambda}{n} \sum_i \bigl( \lVert u_i \rVert - 1 \bigr)^2. $$
#
# D learns from $\partial P / \partial \theta$: the derivative, in the parameters, of a derivative in the input.
# Frameworks differentiate their own backward pass. You do it by hand, for the critic with one hidden layer
#
# $$ a = x W + b, \qquad h = \tanh a, \qquad D(x) = h\, w. $$
#
# Backpropagation gives its slope: $u = \bigl( (1 - h^2) \odot w^{\top} \bigr) W^{\top}$, one row for each $x$ ($\odot$
# multiplies entry by entry).

# %%
def critic(W, b, w, x):
    return np.tanh(x @ W + b) @ w


def slope(W, b, w, x):
    """u: the gradient of D in x, row by row. (n, 2)"""
    h = np.tanh(x @ W + b)
    return ((1 - h**2) * w.T) @ W.T


def penalty_of(u, weight=10.0):
    return weight * np.mean((np.sqrt(np.sum(u**2, axis=1)) - 1)**2)


# %% [markdown]
# ### Exercise 3: first step, the derivative in $u$
#
# $P$ is a function of the slopes $u_1, \dots, u_n$. Find $v_i = \partial P / \partial u_i$. No $u_i$ is 0 here.

# %%
def direction(u, weight=10.0):
    """v = ∂P/∂u, of the shape of u, (n, 2)."""
    # --- solution: return v, from u and weight; one norm for each row (keepdims=True keeps them in a column) ---
    norm = np.sqrt(np.sum(u**2, axis=1, keepdims=True))
    return 2 * weight / len(u) * (norm - 1) * u / norm
    # --- end ---


# %%
def differences(f, x, h=1e-6):
    """df/dx for every entry of x, f a number: (f(x + h) - f(x - h)) / 2h."""
    steps = np.eye(x.size).reshape(x.size, *x.shape) * h
    return np.array([(f(x + e) - f(x - e)) / (2 * h) for e in steps]).reshape(x.shape)


# %% [check]
u = np.array([[3.0, 0.0], [0.3, 0.4], [-1.0, 2.0]])
right = differences(penalty_of, u)
n = np.sqrt(np.sum(u**2, axis=1, keepdims=True))
whole = np.sqrt(np.sum(u**2))
feedback("v", direction(u), right, {
    "the 2 of the square is missing": right / 2,
    "the 1/n of the mean is missing": 3 * right,
    "the sign is wrong. Too steep a slope, ‖u‖ > 1, makes P rise with u": -right,
    "u still has its length. The derivative of ‖u‖ is u/‖u‖": 20 / 3 * (n - 1) * u,
    "the factor ‖u‖ - 1 is missing": 20 / 3 * u / n,
    "the -1 is missing. That is the penalty of R1, which wants slope 0": 20 / 3 * u,
    "this is one norm for the whole batch. Each row has a slope of its own": 20 / 3 * (whole - 1) * u / whole},
    tolerance=1e-5)

# %% [markdown]
# ## Backpropagation through backpropagation
#
# Now the chain rule: $\frac{\partial P}{\partial \theta} = \sum_i v_i \cdot \frac{\partial u_i}{\partial
# \theta}$. In it the $v_i$ are plain numbers. So we may differentiate
#
# $$ S = \sum_i v_i \cdot \nabla_x D(\hat x_i), \qquad v_i \text{ held fixed.} $$
#
# And $v \cdot \nabla_x D(x)$ is the rate at which $D(x)$ changes when $x$ moves along $v$. That can be computed
# *forwards*. Give every number a partner, marked by a dot, its rate of change. $x$ moves with $\dot x = v$, and
#
# $$ \dot a = v W, \qquad \dot h = f'(a) \odot \dot a \quad\text{with } f'(a) = 1 - h^2, \qquad S = \sum \dot h\, w. $$
#
# This is an ordinary network, only with two streams, and through an ordinary network one goes back. From the top:
#
# - $S$ contains $\dot h$ and $w$: so $d\dot h = \mathbb 1 w^{\top}$ (every row is $w^{\top}$), and
#   $dw = \sum_i \dot h_i$.
# - $\dot h = f'(a) \odot \dot a$ contains *both* $\dot a$ and $a$. So both get a gradient. With
#   $f'' = (1 - h^2)' = -2h\,(1 - h^2)$:
#
# $$ d\dot a = f'(a) \odot d\dot h, \qquad da = f''(a) \odot \dot a \odot d\dot h. $$
#
# - $\dot a = v W$ and $a = x W + b$ share $W$.
#
# ### Exercise 4: the gradient of the penalty
#
# Put it together.

# %%
def penalty_gradient(W, b, w, x, v):
    """dW (2, k), db (k,), dw (k, 1): the gradient of S = Σ v·∇ₓD(x), v (n, 2) held fixed."""
    h = np.tanh(x @ W + b)                             # up: the values …
    f1 = 1 - h**2
    a_dot = v @ W                                      # … and their rates of change
    h_dot = f1 * a_dot
    dh_dot = np.ones((len(x), 1)) @ w.T                # down
    dw = h_dot.sum(axis=0)[:, None]
    # --- solution: da_dot, da, dW and db ---
    da_dot = f1 * dh_dot
    da = -2 * h * f1 * a_dot * dh_dot
    dW = x.T @ da + v.T @ da_dot
    db = da.sum(axis=0)
    # --- end ---
    return dW, db, dw


# %% [markdown]
# The check holds nothing fixed. It takes the penalty as a whole, $P(\theta)$, at a complex parameter: the complex
# step (복소 스텝 미분) of [lesson 2](02_layers_derived_and_checked.ipynb), exact to the last digits.

# %% [check]
def whole_penalty(W, b, w, x):
    u = slope(W, b, w, x)
    return 10 * np.mean((np.sqrt(np.sum(u * u, axis=1)) - 1)**2)


def complex_step(W, b, w, x):
    """∂P/∂W, ∂P/∂b, ∂P/∂w: one complex step for every entry."""
    found = []
    for i, theta in enumerate((W, b, w)):
        steps = 1e-20j * np.eye(theta.size).reshape(theta.size, *theta.shape)
        moved = [[(W, b, w)[j] + (e if i == j else 0) for j in range(3)] for e in steps]
        found.append(np.array([whole_penalty(*parts, x).imag / 1e-20 for parts in moved]).reshape(theta.shape))
    return found


rng = np.random.default_rng(0)
W, b, w = rng.normal(size=(2, 5)), rng.normal(size=5), rng.normal(size=(5, 1))
x = rng.normal(size=(6, 2))
v = direction(slope(W, b, w, x))
yours, right = penalty_gradient(W, b, w, x, v), complex_step(W, b, w, x)
h = np.tanh(x @ W + b)
bent = -2 * h * (1 - h**2) * (v @ W) * w.T             # da, the part with f''
straight = v.T @ ((1 - h**2) * w.T)
feedback("dW", yours[0], right[0], {
    "the f'' part is missing: a stands in h_dot = f'(a) · a_dot, too, and has x below it": straight,
    "the part along v is missing: W stands in a_dot = v W, too": x.T @ bent,
    "the sign of f'' is wrong. tanh bends down where h > 0": straight - x.T @ bent,
    "the 2 of f'' = -2h (1 - h²) is missing": straight + x.T @ bent / 2,
    "the factor h of f'' = -2h (1 - h²) is missing": straight + x.T @ (bent / h),
    "x and v are swapped: a = x W + b, and its rate is v W": v.T @ bent + x.T @ ((1 - h**2) * w.T),
    "the sign is wrong": -right[0]}, tolerance=1e-9)
feedback("db", yours[1], right[1], {
    "b does act: it moves a, and f'(a) with it. Only a_dot does not contain b": np.zeros(5),
    "this is the sum of da_dot. b stands in a, not in its rate": ((1 - h**2) * w.T).sum(axis=0),
    "this is a mean over the rows. The 1/n is in v already": right[1] / 6,
    "one row for each x is left: b is shared, so sum over the rows": bent}, tolerance=1e-9)
feedback("dw", yours[2], right[2], {}, tolerance=1e-9)

# %% [markdown]
# Three referees: the complex step, finite differences of $P$, and the package, which does the same layer by layer
# ([Eqs. (10.9) and (10.11)](../docs/10-penalties.md#eq-10-9)) for any stack.

# %%
net = ng.Network([ng.Dense(5), ng.Tanh(), ng.Dense(1, bias=False)], 2, rng=rng, dtype=np.float64)
net.theta = mine = np.concatenate([part.ravel() for part in (W, b, w)])


def P_at(theta):
    return whole_penalty(theta[:10].reshape(2, 5), theta[10:15], theta[15:].reshape(5, 1), x)


def off(a, b):
    return np.abs(a - b).max() / np.abs(b).max()


g = np.concatenate([part.ravel() for part in yours])
from_tape = ng.penalties.by_jvp(net, net.forward(x)[1], v)
for name, other, limit in [("the complex step", np.concatenate([part.ravel() for part in right]), 1e-13),
                           ("finite differences", differences(P_at, mine), 1e-7), ("numpygan", from_tape, 1e-13)]:
    print(f"{name:<20} agrees to {limit:g}: {off(g, other) < limit}")
    assert off(g, other) < limit

# %% [markdown]
# ## What is lost without f″
#
# Take $f'(a)$ for a constant in the last step, and $da = 0$. With ReLU that is right: straight pieces do not bend.
# So a test with ReLU finds nothing. With tanh it is another vector, and training goes on quietly, to another place.
# Watch your gradient and the mutilated one train the critic on the point and the circle. Both see the same batches.
# What they are to minimise is $L_D + P$; the best cone, the dotted line on the left, has $-2.1$ (you will see why).

# %%
def train_by_hand(curvature, seed, steps=40 if FAST else 1000, k=32):
    """L_D and P at every step of Adam on your gradient, or on the one without f''; and the critic."""
    rng = np.random.default_rng(seed)
    parts = [rng.normal(size=(2, k)) / np.sqrt(2), 0.5 * rng.normal(size=k), rng.normal(size=(k, 1)) / np.sqrt(k)]
    m, s, rows = [0, 0, 0], [0, 0, 0], []
    for t in range(1, steps + 1):
        x, x_fake, e = np.zeros((128, 2)), circle(128, rng), rng.random((128, 1))
        x_hat = e * x + (1 - e) * x_fake
        v = direction(slope(*parts, x_hat))
        g = list(penalty_gradient(*parts, x_hat, v))
        if not curvature:                              # only what goes through the slopes is left
            f1 = 1 - np.tanh(x_hat @ parts[0] + parts[1])**2
            g[:2] = v.T @ (f1 * parts[2].T), np.zeros(k)
        for batch, sign in ((x, -1), (x_fake, 1)):     # and L_D, by ordinary backpropagation
            h = np.tanh(batch @ parts[0] + parts[1])
            da = sign / 128 * (1 - h**2) * parts[2].T
            g_L = batch.T @ da, da.sum(axis=0), sign / 128 * h.sum(axis=0)[:, None]
            g = [a + b for a, b in zip(g, g_L, strict=True)]
        rows.append([(critic(*parts, x_fake) - critic(*parts, x)).mean(), penalty_of(slope(*parts, x_hat))])
        for i, d in enumerate(g):                      # Adam, its rate falling to 0
            m[i], s[i] = 0.5 * m[i] + 0.5 * d, 0.99 * s[i] + 0.01 * d**2
            parts[i] = parts[i] - 3e-3 * (1 - t / steps) * m[i] / (1 - 0.5**t) / (np.sqrt(s[i] / (1 - 0.99**t)) + 1e-8)
    return np.array(rows), parts


SEEDS = 1 if FAST else 3
kinds = {"with f″": (True, BLUE, "-"), "without f″": (False, ORANGE, "--")}
fig, axes = plt.subplots(1, 2, figsize=(11, 3.9), layout="constrained")
ends = {}
for name, (curvature, colour, style) in kinds.items():
    runs = [train_by_hand(curvature, seed) for seed in range(SEEDS)]
    total = np.array([rows.sum(axis=1) for rows, _ in runs])
    tail = np.array([rows[-len(rows) // 10:].mean(axis=0) for rows, _ in runs])
    ends[name] = tail.sum(axis=1)
    for i, run in enumerate(total):
        axes[0].plot(run, color=colour, ls=style, lw=1, label=name if i == 0 else None)
    u = slope(*runs[0][1], np.stack([line, 0 * line], axis=1))
    axes[1].plot(line, np.linalg.norm(u, axis=1), color=colour, ls=style, lw=2)
    print(f"{name:<11} " + "   ".join(f"-L_D {-L:.1f}, P {P:.1f}, L_D + P {L + P:.1f}" for L, P in tail))
axes[0].axhline(-2.1, color="black", lw=1, ls=":", label="the best cone, −2.1")
axes[1].axhline(1, color="black", lw=1, ls="-.", label="slope 1")
axes[0].set(title="L_D + P, which both should make small", xlabel="step", ylabel="L_D + P", ylim=(-2.3, 2))
axes[1].set(title="Slope on a line through the middle, seed 0", xlabel="x1 (and x2 = 0)", ylabel="‖∇D‖")
handles = [sum(both, []) for both in zip(*(ax.get_legend_handles_labels() for ax in axes), strict=True)]
fig.legend(*handles, loc="outside lower center", ncols=4, frameon=False)
plt.show()
assert FAST or ends["with f″"].max() < ends["without f″"].min() - 0.2

# %% [markdown]
# The mutilated gradient does not diverge, and its loss curve looks like a loss curve. It ends where the true
# objective could still fall a lot. No plot of a loss would have told you; a gradient check tells at once. (The true
# gradient is not at the cone yet, either: with more units and more steps it comes nearer. And on data where the best
# critic is a plane, say two clouds side by side, you would hardly see a difference: there nothing needs to bend.)
#
# One more thing to know about $-L_D$. Let the critic have slope $k$ along the way: $-L_D = k W_1$, and $P =
# \lambda (k - 1)^2$. The sum $-k W_1 + \lambda (k - 1)^2$ is least at
#
# $$ k = 1 + \frac{W_1}{2 \lambda}, $$
#
# here 1.1: a penalty is not a wall. So $-L_D$ overshoots, to $2.2$ for a critic that can be a cone:

# %%
D, value = train_critic(ng.optim.Adam(2e-3, beta1=0.5, beta2=0.9), ng.penalties.GradientPenalty(10))
print(f"two hidden layers, leaky ReLU: -L_D = {value:.1f}, expected {2 * (1 + 2 / 20):.1f}")
assert FAST or abs(value - 2.2) < 0.1

# %% [markdown]
# ## Four games, and the exact distance
#
# Finally a generator that learns. The data are a round Gaussian at 0. G shifts such a Gaussian by a vector
# $\beta$, its only parameters, and starts at $\beta = (3, 2)$. A cloud that is shifted has to travel the length
# of the shift, so $W_1 = \lVert \beta \rVert$ *exactly*, at every step. The games differ in the loss and in what
# bounds the slope of D.

# %%
class Shift(ng.Layer):
    """G(z) = 0.3 z + β"""

    def shapes(self, d_in):
        return {"beta": (d_in,)}, d_in

    def forward(self, p, x, c):
        return 0.3 * x + p["beta"], None

    def backward(self, p, cache, dy, c):
        return 0.3 * dy, {"beta": dy.sum(axis=0)}


GAMES = {"minimax": {"loss": ng.losses.Minimax()},
         "non-saturating": {"loss": ng.losses.NonSaturating()},
         "Wasserstein, clipped": {"loss": ng.losses.Wasserstein(), "opt_D": ng.optim.RMSProp(5e-4, clip=0.05)},
         "Wasserstein, gradient penalty": {"loss": ng.losses.Wasserstein(),
                                           "penalties": [ng.penalties.GradientPenalty(10)]}}


def play(options, steps=6 if FAST else 300):
    """W1 and E D(x) - E D(G(z)) after every step of G."""
    rng = np.random.default_rng(0)
    G = ng.Network([Shift()], 2, rng=rng, dtype=np.float64)
    D = ng.MLP([2, 32, 32, 1], hidden="tanh", output="identity", rng=rng, dtype=np.float64)
    G.theta = [3, 2]
    data, rows, eye = ng.data.gaussian([0, 0], 0.3), [], np.random.default_rng(1)
    x, z = data.sample(500, eye), eye.normal(size=(500, 2))
    gan = ng.GAN(G, D, opt_G=ng.optim.SGD(0.02), **{"opt_D": ng.optim.Adam(3e-3, beta1=0.5, beta2=0.9), **options})
    gan.fit(data, steps=steps, batch=64, k=5, rng=rng, callbacks=[
        lambda gan: rows.append([np.hypot(*gan.G.theta), gan.D(x).mean() - gan.D(gan.G(z)).mean()])])
    return np.array(rows)


games = {name: play(options) for name, options in GAMES.items()}
fig, axes = plt.subplots(1, 2, figsize=(11.5, 4), layout="constrained")
looks = [("black", ":"), (PINK, "-."), (ORANGE, "--"), (BLUE, "-")]
for (name, rows), (colour, style) in zip(games.items(), looks, strict=True):
    axes[0].plot(rows[:, 0], color=colour, ls=style, lw=2, label=name)
    if name.startswith("W"):
        axes[1].plot(rows[:, 1], color=colour, ls=style, lw=2)
    print(f"{name:<31} W1 at the start {rows[0, 0]:.1f}, half-way {rows[len(rows) // 2, 0]:.1f}, "
          f"at the end {rows[-1, 0]:.1f}")
axes[1].plot(games["Wasserstein, gradient penalty"][:, 0], color=GREEN, lw=1,
             label="W1 of the game with the penalty: exact")
axes[0].set(title="How far the fakes still have to go", xlabel="step of G", ylabel="W1 = ‖β‖", ylim=(-0.1, 4))
axes[1].set(title="What the critics say: E D(x) − E D(G(z))", xlabel="step of G", ylabel="difference of the means")
handles = [sum(both, []) for both in zip(*(ax.get_legend_handles_labels() for ax in axes), strict=True)]
fig.legend(*handles, loc="outside lower center", ncols=3, frameon=False)
plt.show()
if not FAST:
    reached = games["Wasserstein, gradient penalty"]
    assert reached[-1, 0] < 0.5
    assert games["minimax"][-1, 0] > 3.5
    early = reached[20:120]
    print(f"the critic with the penalty says {np.median(early[:, 1] / early[:, 0]):.1f} · W1 on the way")

# %% [markdown]
# Read the left picture.
#
# - *Minimax* does not move: D is sure, and its gradient has vanished.
# - *Clipped*, G crawls: its gradient is the slope of D, and that is a $K$ that nobody chose.
# - With the *gradient penalty* G comes in at an even pace, a straight line: the pull is near 1 at every distance. At
#   the end it swings, as a game does whose D comes a little late ([lesson 6](06_a_game_not_a_minimum.ipynb)).
# - And the *non-saturating* loss is the fastest of all. Nothing bounds the slope of D there; here that slope is large
#   and points the right way, and so it wins. Wasserstein is no magic.
#
# What the others do not have is the right picture: the critic with the penalty *says how far it is*, from the first
# few steps to the arrival, to within the overshoot that you computed. A loss curve that means something is the reason
# to pay for the second derivative.
#
# **You have seen** the cheapest plan, the best critic and why the two give one number, what clipping does, a
# penalty on a slope and its gradient by hand, and what it costs to forget $f''$. More:
# [docs/10-penalties.md](../docs/10-penalties.md), layer by layer; [docs/11-tricks.md](../docs/11-tricks.md) has a
# third way to bound the slope, spectral normalisation. **Before**: [7 · The zoo of
# losses](07_the_zoo_of_losses.ipynb). **Next**: [9 · From three loops to the speed of
# BLAS](09_from_three_loops_to_the_speed_of_blas.ipynb).
