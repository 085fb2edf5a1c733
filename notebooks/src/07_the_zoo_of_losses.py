# %% [markdown]
# # 7 · The zoo of losses

# %% [markdown]
# Minimax, non-saturating, least squares, hinge, Wasserstein: every new GAN seems to bring a loss (손실) of its own.
# All of them answer the same three questions. What is the best discriminator (판별자)? What does one logit (로짓)
# feel? And what does the generator (생성자) go down, when it follows? You answer the three, one after the other, and
# at the end four games with the same networks and the same start end in different places: those that you
# predicted.
#
# You need: derivatives, and [lesson 3](03_the_optimal_discriminator.ipynb) and [lesson
# 5](05_why_gradients_vanish.ipynb). The derivations stand in full in [docs/9-family.md](../docs/9-family.md).

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
# ## What a loss is
#
# D answers with a number $s$ for each row that it sees. A loss says what $s$ costs: $a(s)$ for D on a real row,
# $b(s)$ for D on a fake, and $\ell(s)$ for G on a fake. Everybody pays the mean over the batch:
#
# $$ L_D = \tfrac1n \sum_i a(s_i^{\mathrm{real}}) + \tfrac1m \sum_j b(s_j^{\mathrm{fake}}), \qquad
#    L_G = \tfrac1m \sum_j \ell(s_j^{\mathrm{fake}}). $$
#
# Here are all five. For the first two, softplus is minus the logarithm of a probability: $-\log \sigma(s) =
# \mathrm{softplus}(-s)$ and $-\log (1 - \sigma(s)) = \mathrm{softplus}(s)$.

# %%
COSTS = {                # a: D on a real row       b: D on a fake               ℓ: G on a fake
    "minimax": (lambda s: softplus(-s), softplus, lambda s: -softplus(s)),
    "non-saturating": (lambda s: softplus(-s), softplus, lambda s: softplus(-s)),
    "least squares": (lambda s: (s - 1)**2 / 2, lambda s: s**2 / 2, lambda s: (s - 1)**2 / 2),
    "hinge": (lambda s: np.maximum(0, 1 - s), lambda s: np.maximum(0, 1 + s), lambda s: -s),
    "Wasserstein": (lambda s: -s, lambda s: s, lambda s: -s)}
LOSSES = dict(zip(COSTS, [ng.losses.Minimax(), ng.losses.NonSaturating(), ng.losses.LeastSquares(), ng.losses.Hinge(),
                          ng.losses.Wasserstein()], strict=True))
LOOKS = {"minimax": (BLUE, "-"), "non-saturating": (ORANGE, "--"), "least squares": (GREEN, "-."),
         "hinge": (PINK, "-"), "Wasserstein": ("black", ":")}

s_real, s_fake = np.array([[0.3], [-1.2], [2.0]]), np.array([[-0.7], [1.5]])
for name, (a, b, cost) in COSTS.items():                                      # the package charges the same
    assert np.isclose(LOSSES[name].discriminator(s_real, s_fake)[0], a(s_real).mean() + b(s_fake).mean(), rtol=1e-12)
    assert np.isclose(LOSSES[name].generator(s_fake)[0], cost(s_fake).mean(), rtol=1e-12)

s = np.linspace(-3, 3, 301)
fig, axes = plt.subplots(1, 3, figsize=(12, 3.8), sharey=True, layout="constrained")
for name, costs in COSTS.items():
    for ax, cost in zip(axes, costs, strict=True):
        ax.plot(s, cost(s), color=LOOKS[name][0], ls=LOOKS[name][1], lw=2, label=name)
for ax, who in zip(axes, ["D, on a real row: a(s)", "D, on a fake: b(s)", "G, on a fake: ℓ(s)"], strict=True):
    ax.set(title=f"What is paid by {who}", xlabel="D's answer s", ylabel="cost", ylim=(-3.1, 4.2))
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
plt.show()

# %% [markdown]
# All agree on the direction: D wants $s$ high on real rows and low on fakes, G wants it high on fakes. They
# differ in *when it is enough*. Cross-entropy (the first two) is never quite satisfied. Least squares wants
# exactly 1 and 0, and "more than right" costs again. The hinge is satisfied at a margin. Wasserstein knows no
# "enough" at all.
#
# ## Question 1: what is the best D?
#
# Let $p$ be the density of the data and $q$ that of the fakes. At each $x$ D may choose its answer by itself, so
# at each $x$ it minimises
#
# $$ p\, a(s) + q\, b(s). $$
#
# For cross-entropy that is lesson 3: $\sigma(s^*) = p/(p+q)$, so $s^* = \log(p/q)$. Now the next two.
#
# ### Exercise 1: two best answers
#
# For least squares a derivative in $s$ is enough. The hinge consists of straight pieces: in which places can its
# minimum be?

# %%
def best_answers(p, q):
    """The best s for least squares and for the hinge, for arrays of positive densities p and q, nowhere equal."""
    # --- solution: least_squares and hinge, from p and q ---
    least_squares = p / (p + q)
    hinge = np.sign(p - q)
    # --- end ---
    return least_squares, hinge


# %% [markdown]
# The check knows no formula. It tries 60,001 answers at each point and takes the cheapest.

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


def cheapest(name, p, q):
    """The best of many answers, for every pair of p and q."""
    s = np.linspace(-3, 3, 60_001)
    a, b, _ = COSTS[name]
    return np.array([s[np.argmin(pi * a(s) + qi * b(s))] for pi, qi in zip(p, q, strict=True)])


# %% [check]
p, q = np.array([3.0, 1.0, 0.2, 0.7]), np.array([1.0, 2.0, 0.3, 0.1])
least_squares, hinge = ask(best_answers, p, q)
feedback("least squares", least_squares, cheapest("least squares", p, q), {
    "p and q are swapped. D wants 1 on real rows, and p counts those": q / (p + q),
    "this is the logit of p/(p+q), the answer for cross-entropy. Here D has no sigmoid": np.log(p / q),
    "this belongs to the labels 1 and -1. Here the label of a fake is 0": (p - q) / (p + q),
    "solve p (s - 1) + q s = 0 once more: s stands in both terms": p / q,
    "without the weights p and q the best answer would be ½": np.full(4, 0.5)}, tolerance=2e-4)
feedback("hinge", hinge, cheapest("hinge", p, q), {
    "the sign is wrong. Where p is larger, D should say real, +1": np.sign(q - p),
    "a minimum of straight pieces lies at a corner, not between": (p - q) / (p + q),
    "a minimum of straight pieces lies at a corner, and this is none": p - q,
    "the corner on the side of the fakes is -1, not 0": np.where(p > q, 1.0, 0.0),
    "this is the answer for cross-entropy. The hinge does not ask by how much p is larger": np.log(p / q)},
    tolerance=2e-4)

# %% [markdown]
# Both answers, and that of lesson 3, contain the same comparison of $p$ with $q$. Cross-entropy returns its
# logarithm, least squares the fraction $p/(p+q)$, and the hinge only *which is larger*. Does a network that sees
# nothing but samples find them?

# %%
P, Q = ng.data.mixture([-1.5, 1.5], 0.6, [0.4, 0.6]), ng.data.gaussian(0.3, 1.0)
STEPS = 20 if FAST else 1500


def train_D(loss, steps=STEPS):
    """A discriminator trained on samples of P and Q, and -L_D at every step."""
    rng = np.random.default_rng(0)
    D = ng.MLP([1, 32, 32, 1], hidden="tanh", output="identity", rng=rng, dtype=np.float64)
    opt, values = ng.optim.Adam(lambda step: 1e-2 * (1 - step / steps), beta1=0.5), []
    for _ in range(steps):
        L, g = ng.discriminator_gradient(D, loss, P.sample(256, rng), Q.sample(256, rng))
        opt.step(D, g)
        values.append(-L)
    return D, values


x = np.linspace(-3.5, 3.5, 351)
p_x, q_x = P.density(x[:, None]), Q.density(x[:, None])
least_squares, hinge = best_answers(p_x, q_x)
best = {"non-saturating": np.log(p_x / q_x), "least squares": least_squares, "hinge": hinge}
fig, axes = plt.subplots(1, 4, figsize=(13.5, 3.6), layout="constrained")
axes[0].plot(x, p_x, color="black", ls=":", lw=2, label="density of the data, p")
axes[0].plot(x, q_x, color="black", lw=1, label="density of the fakes, q")
axes[0].set(title="Two densities", xlabel="x", ylabel="density")
for ax, (name, s_best) in zip(axes[1:], best.items(), strict=True):
    D, _ = train_D(LOSSES[name])
    ax.plot(x, s_best, color=BLUE, lw=2, label="the best s*, by your formulas")
    ax.plot(x, D(x[:, None]), color=ORANGE, ls="--", lw=2, label="a network, from samples")
    ax.axhline(0, color="black", lw=0.5)
    ax.set(title="cross-entropy" if name == "non-saturating" else name, xlabel="x", ylabel="s(x)")
    near = p_x + q_x > 0.05
    off = np.abs(D(x[:, None])[:, 0] - s_best)[near].mean()
    print(f"{ax.get_title():<14} mean distance of the network from s*: {off:.2f}")
handles = [sum(both, []) for both in zip(*(ax.get_legend_handles_labels() for ax in axes[:2]), strict=True)]
fig.legend(*handles, loc="outside lower center", ncols=4, frameon=False)
plt.show()

# %% [markdown]
# It does, where there are samples, and as well as a smooth function can: the hinge's cliffs become slopes.
# Remember these slopes. A D that is flat at ±1 teaches G nothing; what G gets in practice comes from the cliffs
# that the network could not make steep.
#
# And the fifth? $p \cdot (-s) + q \cdot s = (q - p) s$ is a straight line in $s$. It has no minimum: where $p >
# q$, any larger $s$ is better. Such a D does not arrive; it only becomes steeper:

# %%
W1 = theory.wasserstein1(P, Q)
_, values = train_D(LOSSES["Wasserstein"])
for step in (STEPS // 10, STEPS // 3, STEPS - 1):
    print(f"step {step:>5}: -L_D = {values[step]:6.1f}      (the earth mover's distance of P and Q is {W1:.2f})")

# %% [markdown]
# The Wasserstein loss needs a bound on the slope of D, which is the subject of the [next
# lesson](08_wasserstein_and_the_gradient_penalty.ipynb). Until then it stays in its cage.
#
# ## Question 2: what does one logit feel?
#
# Backpropagation (역전파) begins with the derivatives of the loss in the logits. In lesson 5 you found those of the
# first two. Least squares is a square. The hinge is the one where implementations go wrong.
#
# ### Exercise 2: the hinge of D
#
# $$ L_D = \tfrac1n \sum_i \max(0, 1 - s_i^{\mathrm{real}}) + \tfrac1m \sum_j \max(0, 1 + s_j^{\mathrm{fake}}) $$
#
# Write its gradient (기울기) in the logits of the real rows and in those of the fakes.

# %%
def hinge_gradient(s_real, s_fake):
    """dL_D/ds_real (n, 1) and dL_D/ds_fake (m, 1); no entry lies exactly on a corner."""
    # --- solution: d_real and d_fake, from s_real and s_fake ---
    d_real = np.where(s_real < 1, -1.0, 0.0) / len(s_real)
    d_fake = np.where(s_fake > -1, 1.0, 0.0) / len(s_fake)
    # --- end ---
    return d_real, d_fake


# %%
def differences(f, x, h=1e-6):
    """df/dx for every entry of x, f a number: (f(x + h) - f(x - h)) / 2h."""
    steps = np.eye(x.size).reshape(x.size, *x.shape) * h
    return np.array([(f(x + e) - f(x - e)) / (2 * h) for e in steps]).reshape(x.shape)


# %% [check]
s_real = np.array([[-2.0], [-0.5], [0.5], [1.7], [3.0]])
s_fake = np.array([[-2.5], [-0.5], [0.4]])
a, b, _ = COSTS["hinge"]
right_real = differences(lambda s: a(s).mean() + b(s_fake).mean(), s_real)
right_fake = differences(lambda s: a(s_real).mean() + b(s).mean(), s_fake)
d_real, d_fake = ask(hinge_gradient, s_real, s_fake)
feedback("d_real", d_real, right_real, {
    "the sign is wrong. D's cost falls when a real logit rises": -right_real,
    "the 1/n of the mean is missing": 5 * right_real,
    "the flat side is the other one: a real row beyond 1 costs nothing any more": np.where(s_real > 1, -1, 0) / 5,
    "it is never flat. Beyond the margin the max is 0, and so is its slope": np.full((5, 1), -1 / 5),
    "this margin is at 0. A real row counts until it is beyond 1": np.where(s_real < 0, -1, 0) / 5,
    "this margin is at -1, that of the fakes": np.where(s_real < -1, -1, 0) / 5,
    "this is the cost, not its slope": a(s_real) / 5})
feedback("d_fake", d_fake, right_fake, {
    "the sign is wrong. D's cost rises when a fake's logit rises": -right_fake,
    "the 1/m of the mean is missing": 3 * right_fake,
    "divide by the number of fakes, m": 3 * right_fake / 5,
    "the flat side is the other one: a fake below -1 costs nothing any more": np.where(s_fake < -1, 1, 0) / 3,
    "it is never flat. Beyond the margin the max is 0, and so is its slope": np.full((3, 1), 1 / 3),
    "this margin is at 0. A fake counts until it is below -1": np.where(s_fake > 0, 1, 0) / 3,
    "this margin is at +1, that of the real rows": np.where(s_fake > 1, 1, 0) / 3})

# %%
mine, package = hinge_gradient(s_real, s_fake), LOSSES["hinge"].discriminator(s_real, s_fake)[1:]
assert all(np.allclose(a, b, rtol=1e-12) for a, b in zip(mine, package, strict=True))      # the package agrees

s = np.linspace(-4, 4, 401)
one = s[:, None, None]                                  # each logit a batch of its own: no mean
fig, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for name, loss in LOSSES.items():
    colour, style = LOOKS[name]
    axes[0].plot(s, [loss.discriminator(v, v)[2].item() for v in one], color=colour, ls=style, lw=2, label=name)
    axes[1].plot(s, [loss.generator(v)[1].item() for v in one], color=colour, ls=style, lw=2)
axes[0].set(title="D on a fake: positive pushes s down", xlabel="logit s of the fake", ylabel="db/ds", ylim=(-1.6, 1.6))
axes[1].set(title="G: negative pushes s up", xlabel="logit s of the fake", ylabel="dℓ/ds", ylim=(-3.2, 1.6))
for ax in axes:
    ax.axhline(0, color="black", lw=0.5)
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
plt.show()

# %% [markdown]
# Look at the right picture from the left, where D is sure. Minimax is flat there; non-saturating, hinge and
# Wasserstein pull with strength 1, and least squares the harder, the worse the fake is. Then from the right: a
# fake that fools D "too well", $s > 1$, is pulled *back* by least squares.
#
# ## Question 3: what does G go down?
#
# In G's step D stands still. Suppose that it stands at its best, $s^*$. It depends on $p$ and $q$ only by their
# ratio
#
# $$ t = \frac{q(x)}{p(x)}, $$
#
# how much too often G makes this $x$. G is perfect where $t = 1$. So what G pays at $x$ is a function of $t$
# alone, $\ell(s^*(t))$, and all that is to know about a loss for G is in that function.
#
# ### Exercise 3: G's price
#
# Write it for the four losses that have a best D. Begin with $D^* = p/(p+q)$ by way of $t$.

# %%
def price(t):
    """ℓ(s*) for t = q/p, an array: minimax, non-saturating, least squares, hinge."""
    # --- solution: the four prices, from t ---
    D = 1 / (1 + t)
    minimax = np.log(1 - D)
    non_saturating = -np.log(D)
    least_squares = (D - 1)**2 / 2
    hinge = np.sign(t - 1)
    # --- end ---
    return minimax, non_saturating, least_squares, hinge


# %% [check]
t = np.array([0.25, 0.6, 1.8, 5.0])
right = {name: COSTS[name][2](cheapest(name, np.ones(4), t)) for name in list(COSTS)[:4]}    # no formula here, either
yours = ask(price, t)
feedback("minimax", yours[0], right["minimax"], {
    "D* is 1/(1 + t): t is q/p, and D is sure of data where t is small": -np.log(1 + t),
    "the sign is wrong. G minimises log(1 - D)": -np.log(t / (1 + t)),
    "this is D* itself put in for s. ℓ takes the logit": -softplus(1 / (1 + t)),
    "this is -s*, the logit. G pays log(1 - D*)": np.log(t)}, tolerance=1e-3)
feedback("non_saturating", yours[1], right["non-saturating"], {
    "the sign is wrong. G minimises -log D": -np.log(1 + t),
    "this is the price of minimax, log(1 - D*)": np.log(t / (1 + t)),
    "this is -log(1 - D*). G pays -log D*": -np.log(t / (1 + t)),
    "this is -s*, the logit. G pays -log D*": np.log(t)}, tolerance=1e-3)
feedback("least_squares", yours[2], right["least squares"], {
    "G wants 1, not 0: the price is ½ (s* - 1)²": (1 / (1 + t))**2 / 2,
    "the ½ is missing": (t / (1 + t))**2,
    "the square is missing": t / (1 + t) / 2,
    "this puts the logit in. With least squares s* is the fraction itself": (np.log(t) + 1)**2 / 2}, tolerance=1e-3)
feedback("hinge", yours[3], right["hinge"], {
    "the sign is wrong. G pays -s*, and s* = -1 where G makes too much": np.sign(1 - t),
    "this is D's cost. G pays -s*, also beyond the margin": np.maximum(0, np.sign(t - 1)),
    "the best D says only which is larger: ±1": t - 1}, tolerance=1e-3)

# %% [markdown]
# Where G makes too much, the price is high; where too little, low: in all four it rises with $t$. So G moves mass
# from where $t$ is large to where it is small, until $t = 1$. How much is that worth? Let $h$ be the
# antiderivative of the price, $h'(t) = \ell(s^*(t))$. When $q$ moves by $q'$, $L_G$ changes by
#
# $$ \int q'\, \ell(s^*)\, dx = \int p\, h'\!\Bigl(\frac qp\Bigr) \frac{q'}{p}\, dx
#    = \text{the change of } \int p\, h\Bigl(\frac qp\Bigr)\, dx. $$
#
# **With D at its best and held fixed, G goes down the divergence** $\int p\, h(q/p)\, dx$. The price is its slope. (A
# *divergence* is a number that is least where $q = p$, as JSD and KL are.)

# %%
t = np.exp(np.linspace(np.log(1e-3), np.log(8), 2001))
fig, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
print(f"{'':<16}{'left out, t = 0':>18}{'five times too much':>22}{'ratio':>8}")
for name, cost, slope in zip(list(COSTS)[:4], price(t), price(np.ones(1)), strict=True):
    colour, style = LOOKS[name]
    scale = 4 if name == "least squares" else 1        # then it bends at t = 1 as the first two do
    h = np.concatenate([[0], np.cumsum((cost[1:] + cost[:-1]) / 2 * np.diff(t))])
    above = scale * (h - np.interp(1, t, h) - slope * (t - 1))       # less its tangent, as no mass comes or goes
    axes[0].plot(t, scale * cost, color=colour, ls=style, lw=2, label=name + (" (× 4)" if scale == 4 else ""))
    axes[1].plot(t, above, color=colour, ls=style, lw=2)
    print(f"{name:<16}{above[0]:>18.2f}{np.interp(5, t, above):>22.2f}{np.interp(5, t, above) / above[0]:>8.1f}")
axes[0].set(title="The price: ℓ(s*)", xlabel="t = q/p", ylabel="what G pays", ylim=(-3, 3))
axes[1].set(title="What a wrong t costs: h above its tangent at 1", xlabel="t = q/p", ylabel="cost per mass of data",
            ylim=(0, 5))
for ax in axes:
    ax.axvline(1, color="black", lw=0.5)
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
plt.show()

# %% [markdown]
# All are 0 at $t = 1$ and positive elsewhere: whoever can make $q = p$, should, with any of them. The losses
# differ for a G that *cannot*. Read the left end: what it costs to leave data out. And the right one: what it
# costs to make up samples where there are few data. "Five times too much" is four units of mass too many for one
# of data. So a surplus unit costs the non-saturating loss and least squares about twice what a missing one costs:
# leaving out is cheap. For the hinge both cost the same, and for minimax the missing one costs twice as much.
#
# ## One Gaussian for two modes
#
# So give G a task that it cannot solve. The data are the mixture from above, two modes of 40 and 60 percent. G
# makes one Gaussian, $G(z) = b + a z$, two numbers. It has to choose: stand on one mode, or lie across both. Each
# divergence is now a landscape over $(b, a)$, by your prices, and has its own opinion on where the valley is.

# %%
grid = np.linspace(-8, 8, 401)
dx, p_grid = grid[1] - grid[0], P.density(grid[:, None])
NAMES = list(COSTS)[:4]


def divergence(name, b, a):
    """∫ p h(q/p) dx for q = N(b, a²), with the h of your prices; b and a may be arrays of one shape."""
    b, a = np.asarray(b)[..., None], np.asarray(a)[..., None]
    q = np.maximum(np.exp(-((grid - b) / a)**2 / 2) / a / np.sqrt(2 * np.pi), 1e-300)
    p, m = p_grid, (p_grid + q) / 2
    f = {"minimax": lambda: p * np.log(p / m) + q * np.log(q / m),                              # 2 JSD
         "non-saturating": lambda: 2 * m * np.log(m / p),                                       # 2 KL(m, p)
         "least squares": lambda: (q - 2 * p * np.log((p + q) / p) - p**2 / (p + q)) / 2,       # Mao et al.
         "hinge": lambda: np.abs(p - q)}[name]()                                                # 2 TV
    return f.sum(axis=-1) * dx


b, a, e = 0.7, 0.9, 1e-4                                # do the formulas belong to the prices? Move b and a a little
q = np.exp(-((grid - b) / a)**2 / 2) / a / np.sqrt(2 * np.pi)
dq = q * (grid - b) / a**2, q * (((grid - b) / a)**2 - 1) / a                   # dq/db, dq/da
for name, cost in zip(NAMES, price(q / p_grid), strict=True):
    G_feels = [np.sum(d * cost) * dx for d in dq]                               # the change of L_G, D held fixed
    slope = [(divergence(name, b + h, a + k) - divergence(name, b - h, a - k)) / (2 * e) for h, k in [(e, 0), (0, e)]]
    print(f"{name:<15} G feels {G_feels[0]:8.5f} {G_feels[1]:8.5f}"
          f"    slope of the divergence {slope[0]:8.5f} {slope[1]:8.5f}")
    np.testing.assert_allclose(G_feels, slope, atol=2e-2 if name == "hinge" else 1e-6)     # the grid blurs its jumps

# %% [markdown]
# Now the real thing. `ng.GAN` with that G, a discriminator with two hidden layers, five steps of D for one of G,
# and four losses. All start at $b = 1$, $a = 0.7$, on the slope of the right mode. Nobody tells them of $p$, $q$ or
# $t$.

# %%
class Line(ng.Layer):
    """G(z) = b + a z"""

    def shapes(self, d_in):
        return {"b": (1,), "a": (1,)}, 1

    def forward(self, p, x, c):
        return p["b"] + p["a"] * x, x

    def backward(self, p, x, dy, c):
        return dy * p["a"], {"b": dy.sum(axis=0), "a": (dy * x).sum(axis=0)}


def play(name, steps=8 if FAST else 300):
    """(b, a) before and after every step of G."""
    rng = np.random.default_rng(0)
    G = ng.Network([Line()], 1, rng=rng, dtype=np.float64)
    D = ng.MLP([1, 16, 16, 1], hidden="tanh", output="identity", rng=rng, dtype=np.float64)
    G.theta = [1.0, 0.7]
    path, rate = [G.theta.copy()], 0.4 if name == "least squares" else 0.1     # its prices are a fourth as steep
    gan = ng.GAN(G, D, LOSSES[name], ng.optim.SGD(rate), ng.optim.Adam(1e-2, beta1=0.5))
    gan.fit(P, steps=steps, batch=128, k=5, rng=rng, callbacks=[lambda gan: path.append(gan.G.theta.copy())])
    return np.array(path)


B, A = np.meshgrid(np.linspace(-0.6, 2.2, 8 if FAST else 113), np.linspace(0.3, 2.1, 8 if FAST else 73))
paths, found = {}, {}
fig, axes = plt.subplots(2, 2, figsize=(10.5, 8), sharex=True, sharey=True, layout="constrained")
for ax, name in zip(axes.flat, NAMES, strict=True):
    height = divergence(name, B, A)
    height -= height.min()
    found[name] = np.array([B.flat[height.argmin()], A.flat[height.argmin()]])
    paths[name] = play(name)
    ax.contour(B, A, np.sqrt(height), 14, colors="black", alpha=0.25, linewidths=0.8)
    ax.plot(*paths[name].T, ".-", ms=3, lw=0.8, color=ORANGE, label="the GAN: 300 steps of G")
    ax.plot(1.0, 0.7, "s", ms=7, color=GREEN, label="start")
    ax.plot(*found[name], "*", ms=15, color=BLUE, label="lowest point of the divergence")
    ax.set(title=name, xlabel="b, the mean of the fakes", ylabel="a, their standard deviation")
fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
plt.show()
print(f"{'':<16}{'lowest point (b, a)':>22}{'the GAN, last 100 steps':>27}")
for name in NAMES:
    end = paths[name][-100:].mean(axis=0)
    print(f"{name:<16}{found[name][0]:>15.2f} {found[name][1]:.2f}{end[0]:>22.1f} {end[1]:.1f}")
    assert FAST or np.abs(end - found[name]).max() < 0.2

# %%
fig, ax = plt.subplots(figsize=(8, 3.6))
ax.plot(x, p_x, color="black", ls=":", lw=2, label="data")
for name in NAMES:
    end = paths[name][-100:].mean(axis=0)
    q_x = ng.data.gaussian(end[0], abs(end[1])).density(x[:, None])
    ax.plot(x, q_x, color=LOOKS[name][0], ls=LOOKS[name][1], lw=2, label=name)
ax.set(title="What each of the four games left behind", xlabel="x", ylabel="density")
ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
plt.show()

# %% [markdown]
# Same networks, same data, same start. Two of the games lie across both modes, the other two have *chosen* one.
# Nothing went wrong in those two: they found the minimum of what they minimise. This is one source of mode
# collapse (모드 붕괴), and the table above has predicted it: where leaving out is cheap, a G that cannot have
# everything leaves out.
#
# Four cautions. In a network that can make $q = p$ this choice does not exist; there collapse comes from the game
# ([lesson 6](06_a_game_not_a_minimum.ipynb)). The landscapes of those two losses have another, higher valley across
# both modes, and a game that starts near it (from $b = a = 0.8$, say) mostly ends there. All of this holds for a D at
# its best; with one step of D for one of G it is a tendency. And minimax, which looks good here, is the loss whose
# gradient vanishes when D is sure (lesson 5): G began close to the data.
#
# **You have seen** that a loss is three functions, and what they decide: the best D, the slope in the logit, and
# the divergence that G goes down. More: [docs/9-family.md](../docs/9-family.md), with Pearson's χ², which least
# squares is said to minimise, and does not. **Before**: [6 · A game, not a
# minimum](06_a_game_not_a_minimum.ipynb). **Next**: [8 · Wasserstein and the gradient penalty by
# hand](08_wasserstein_and_the_gradient_penalty.ipynb), the loss that had to stay in its cage.
