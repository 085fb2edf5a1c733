# %% [markdown]
# # 3 · The optimal discriminator

# %% [markdown]
# Fix the generator, and ask: how good can a discriminator (판별자) be? The answer is a formula,
# $D^* = p/(p+q)$, and the number that belongs to it is $-\log 4 + 2\,\mathrm{JSD}$. In this lesson you derive
# both, compute them in several ways that must agree, and watch a trained network find the formula from samples
# alone.
#
# You need: the derivative of the logarithm, integrals, and [lesson 1](01_gan_on_one_page.ipynb). The
# derivations stand in full in [docs/6-theory.md](../docs/6-theory.md).

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
# ## The best answer at one point
#
# Let $p$ be the density (밀도) of the data and $q$ that of the fakes $G(z)$. The value function (가치 함수) is
# one integral ([Eq. (6.3)](../docs/6-theory.md#eq-6-3)):
#
# $$ V(D, G) = \int \bigl[\, p(x) \log D(x) + q(x) \log (1 - D(x)) \,\bigr]\, dx. $$
#
# D may choose its value at each $x$ by itself. So stay at one point and write $a = p(x)$, $b = q(x)$, and $y$
# for the answer $D(x)$. D has to maximise ([Eq. (6.4)](../docs/6-theory.md#eq-6-4))
#
# $$ f(y) = a \log y + b \log (1 - y), \qquad 0 \le y \le 1. $$

# %%
y = np.linspace(0.001, 0.999, 999)
fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.6), sharey=True, layout="constrained")
for a, b, colour in [(3, 1, BLUE), (1, 1, ORANGE), (1, 2, GREEN)]:
    f = theory.pointwise_value(y, a, b)
    axes[0].plot(y, f, color=colour, label=f"a = {a}, b = {b}")
    axes[0].plot(y[f.argmax()], f.max(), "o", color=colour)
for a, b, colour in [(2, 0, BLUE), (0, 1, ORANGE), (0, 0, GREEN)]:
    axes[1].plot(y, theory.pointwise_value(y, a, b), color=colour, ls="--", label=f"a = {a}, b = {b}")
axes[0].set(title="Data and fakes live here", xlabel="answer y", ylabel="a log y + b log(1 − y)", ylim=(-5, 0.3))
axes[1].set(title="The edges: one of them, or neither", xlabel="answer y", ylabel="a log y + b log(1 − y)")
for ax in axes:
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, frameon=False)
plt.show()

# %% [markdown]
# Every curve on the left goes up, then down. In fact it bends down everywhere:
#
# $$ f'(y) = \frac{a}{y} - \frac{b}{1 - y}, \qquad f''(y) = -\frac{a}{y^2} - \frac{b}{(1 - y)^2} < 0. $$
#
# Such a function is *strictly concave* (위로 볼록): it has at most one place where $f' = 0$, and there its maximum.
# (Notes sometimes say *convex*. A convex function would have a minimum there.)
#
# ### Exercise 1: the best answer
#
# Solve $f'(y) = 0$. Then look at the edges, on the right: does your formula hold when $a = 0$ or $b = 0$? When
# both are 0, any answer is as good as any other; return ½, and not the NaN that 0/0 would be.

# %%
def best_answer(a, b):
    """The y in [0, 1] with the largest a log y + b log(1 - y), for arrays a, b >= 0; ½ where both are 0."""
    # --- solution: return y, from a and b ---
    both = a + b
    return np.where(both > 0, a / np.where(both > 0, both, 1), 0.5)
    # --- end ---


# %% [markdown]
# The check does not know the formula. It tries 100,001 values of $y$ and takes the best.

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


def search(a, b):
    """The best of many answers, for every pair (a, b)."""
    y = np.linspace(0, 1, 100_001)
    return np.array([y[theory.pointwise_value(y, *pair).argmax()] for pair in zip(a, b, strict=True)])


# %% [check]
a, b = np.array([3.0, 1.0, 1.0, 0.2]), np.array([1.0, 1.0, 2.0, 0.05])
feedback("best_answer", ask(best_answer, a, b), search(a, b), {
    "a and b are swapped. a = p(x) belongs to log D, and D says 1 to data": b / (a + b),
    "this is y / (1 - y), the odds. Solve for y": a / b,
    "mind the brackets: a / (a + b) is not a / a + b": a / a + b,
    "without the weights a and b the best answer would be ½": np.full(4, 0.5),
    "the sign of f' is lost: a / y - b / (1 - y) = 0, so a (1 - y) = b y": a / np.where(a == b, np.inf, a - b)},
    tolerance=1e-4)
a, b = np.array([2.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
with np.errstate(all="ignore"):
    yours = np.nan_to_num(ask(best_answer, a, b), nan=-1.0)
feedback("best_answer at the edges", yours, np.array([1.0, 0.0, 0.5]), {
    "0 / 0 is NaN. Where a = b = 0, return ½": np.array([1.0, 0.0, -1.0]),
    "right, except where a = b = 0: there, return ½": np.array([1.0, 0.0, 0.0])}, tolerance=1e-4)

# %% [markdown]
# ## From a point to a function
#
# The best answer at every single point is the best function. So, with $a = p(x)$ and $b = q(x)$
# ([Eq. (1.3)](../docs/1-game.md#eq-1-3)),
#
# $$ D^*(x) = \frac{p(x)}{p(x) + q(x)}, \qquad
#    s^*(x) = \log \frac{D^*(x)}{1 - D^*(x)} = \log \frac{p(x)}{q(x)}. $$
#
# The second formula is the logit (로짓) of the first: $1 - D^* = q/(p+q)$, and $p + q$ cancels. To train D is to
# estimate the logarithm of a *ratio of densities*, without knowing either.
#
# From here on the data are a mixture of two Gaussians, and the fakes one Gaussian between them.

# %%
p, q = ng.data.mixture([-1.5, 1.5], 0.5, [0.3, 0.7]), ng.data.gaussian(0, 0.8)
D_best = theory.optimal_discriminator(p, q)

x = np.linspace(-5, 5, 601)
fig, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
axes[0].plot(x, p.density(x[:, None]), color="black", ls=":", lw=2, label="density of the data, p")
axes[0].plot(x, q.density(x[:, None]), color=GREEN, label="density of the fakes, q")
axes[0].plot(x, best_answer(p.density(x[:, None]), q.density(x[:, None])), color=BLUE, ls="--", label="D* = p/(p + q)")
axes[0].axhline(0.5, color="black", lw=0.5)
axes[0].set(title="Where p = q, D* = ½", xlabel="x", ylabel="density, or D*(x)")
axes[1].plot(x, D_best.logit(x), color=BLUE, ls="--")
axes[1].axhline(0, color="black", lw=0.5)
axes[1].set(title="The logit of D*", xlabel="x", ylabel="log p(x) − log q(x)")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
plt.show()
assert np.allclose(best_answer(p.density(x[:, None]), q.density(x[:, None])), D_best(x), rtol=0, atol=1e-12)

# %% [markdown]
# Two things to see. D\* is no density: it compares two. And it says nothing about *how many* data are at $x$:
# at $x = -2$ and $x = 2$ it answers "data" almost as surely, though the right bump has more than twice the mass.
# (Beyond $|x| = 4$ D\* falls towards 0 again: nearly nothing lives there, and of that, far out, nearly all is
# fake.)
#
# ## The value function of any D
#
# ### Exercise 2: V as an integral
#
# Write $V(D, G)$ for densities and a D that are given on a fine grid of $x$ with spacing `dx`. An integral is
# the sum over the grid, times `dx`. D may be *any* discriminator here, so do not put $D^*$ in.

# %%
def value_on_grid(p, q, D, dx):
    """V(D, G) = ∫ p log D + q log(1 - D) dx. p, q, D: their values on the grid."""
    # --- solution: return V, from p, q, D and dx ---
    return np.sum(p * np.log(D) + q * np.log(1 - D)) * dx
    # --- end ---


# %% [check]
x, dx = np.linspace(-15, 15, 6001, retstep=True)
p_x, q_x, D_x = p.density(x[:, None]), q.density(x[:, None]), sigmoid(0.6 * x - 0.2)
with np.errstate(all="ignore"):
    yours = value_on_grid(p_x, q_x, D_x, dx)
    best = np.sum(p_x * np.log(p_x / (p_x + q_x)) + q_x * np.log(q_x / (p_x + q_x))) * dx
right = theory.value_of(lambda x: sigmoid(0.6 * x - 0.2), p, q)              # by adaptive quadrature
log_D, log_not = np.log(D_x), np.log(1 - D_x)
feedback("V", yours, right, {
    "the weights p and q are missing. An expectation weighs log D by the density": np.sum(log_D + log_not) * dx,
    "the sign is wrong. This is D's loss, -V": -right,
    "dx is missing. A sum over the grid is no integral yet": right / dx,
    "a mean over the grid weighs all x the same; the weights are p and q": np.mean(log_D + log_not),
    "the second logarithm is that of 1 - D": np.sum(p_x * log_D + q_x * log_D) * dx,
    "the second expectation is over the fakes, with the weight q": np.sum(p_x * (log_D + log_not)) * dx,
    "the second logarithm is missing. The term is q log(1 - D)": np.sum(p_x * log_D + q_x * (1 - D_x)) * dx,
    "the densities are weights in front of the logarithms, not inside them": np.sum(
        np.log(p_x * D_x) + np.log(q_x * (1 - D_x))) * dx,
    "p and q are swapped. The data, p, belong to log D": np.sum(q_x * log_D + p_x * log_not) * dx,
    "that is V of D*. This function is for the D that it is given": best})

# %% [markdown]
# Is D\* really the best? Make it a little less or a little more sure of itself: multiply its logit by $c$. With
# $c = 0$ it says ½ everywhere, and with $c > 1$ it pretends to know more than there is to know.

# %%
sureness = np.linspace(0, 3, 61)
values = [value_on_grid(p_x, q_x, np.clip(sigmoid(c * D_best.logit(x)), 1e-300, 1 - 1e-16), dx) for c in sureness]
fig, ax = plt.subplots(figsize=(6.5, 3.2))
ax.plot(sureness, values, color=BLUE, label="V of D = σ(c s*)")
ax.axvline(1, color="black", ls=":", lw=1, label="c = 1: D*")
ax.axhline(theory.criterion(p, q), color=ORANGE, ls="--", lw=1, label="−log 4 + 2 JSD")
ax.axhline(-np.log(4), color=GREEN, ls="--", lw=1, label="−log 4: D = ½")
ax.set(title="No other sureness does better", xlabel="c", ylabel="V")
ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
plt.show()

# %% [markdown]
# The top of the curve is far below 0. "The maximum of $V$ is 0" is true only where data and fakes never meet.
#
# ## From D\* to −log 4
#
# What is the height of that top? Put $D^*$ into $V$, and keep the densities in front of the logarithms:
#
# $$ V(D^*, G) = \int \Bigl[\, p \log \frac{p}{p+q} + q \log \frac{q}{p+q} \,\Bigr]\, dx. $$
#
# Compare with the mean of the two, $m = (p+q)/2$. Since $p + q = 2m$, we have
# $\log \frac{p}{p+q} = \log \frac{p}{m} - \log 2$, and likewise for $q$:
#
# $$ V(D^*, G) = -\log 2 \int (p + q)\, dx + \int p \log \frac{p}{m}\, dx + \int q \log \frac{q}{m}\, dx. $$
#
# The first integral is $1 + 1$, because both are densities: $-2 \log 2 = -\log 4$. The other two are Kullback-Leibler
# divergences (쿨백-라이블러 발산), $\mathrm{KL}(p \Vert m) = \int p \log \frac pm \, dx$, which are 0 for $p = m$ and
# positive otherwise. Half their sum is the *Jensen-Shannon divergence* (젠슨-섀넌 발산), [Eq.
# (6.11)](../docs/6-theory.md#eq-6-11):
#
# $$ \mathrm{JSD}(p, q) = \tfrac12 \mathrm{KL}(p \Vert m) + \tfrac12 \mathrm{KL}(q \Vert m), \qquad
#    C(G) = \max_D V(D, G) = -\log 4 + 2\,\mathrm{JSD}(p, q). $$
#
# ### Exercise 3: C(G) by way of JSD
#
# For probabilities instead of densities the integrals are sums. Write $C(G)$ by way of $m$ and the two KL. All
# entries are positive.

# %%
def criterion(p, q):
    """C(G) = -log 4 + 2 JSD(p, q) of two arrays of probabilities, all positive."""
    # --- solution: return C, by way of m and the two KL ---
    m = (p + q) / 2
    jsd = np.sum(p * np.log(p / m)) / 2 + np.sum(q * np.log(q / m)) / 2
    return -np.log(4) + 2 * jsd
    # --- end ---


# %% [markdown]
# The check goes the other way: it computes $V(D^*)$ with your `best_answer`, and never hears of JSD.

# %% [check]
p_k, q_k = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.1, 0.2, 0.3, 0.4])
D_k = best_answer(p_k, q_k)
right = np.sum(p_k * np.log(D_k) + q_k * np.log(1 - D_k))
two_jsd = right + np.log(4)
jeffreys = np.sum((p_k - q_k) * np.log(p_k / q_k))
feedback("C(G)", criterion(p_k, q_k), right, {
    "log 2 instead of log 4. Each of the two terms gives a log 2": right + np.log(2),
    "it is twice the JSD. V contains both KL in full": -np.log(4) + two_jsd / 2,
    "JSD has a ½ before each KL": -np.log(4) + 2 * two_jsd,
    "m is the mean of p and q: the ½ is missing": right - np.log(4),
    "m = p + q / 2 halves q alone. Brackets: (p + q) / 2": -np.log(4) + np.sum(
        p_k * np.log(p_k / (p_k + q_k / 2)) + q_k * np.log(q_k / (p_k + q_k / 2))),
    "the sign of log 4 is wrong. V is negative": two_jsd + np.log(4),
    "this is 2 JSD alone. The -log 4 is missing": two_jsd,
    "both KL are from the mean m, not from each other": -np.log(4) + jeffreys,
    "log(m/p) is upside down: KL(p, m) is the sum of p log(p/m)": -np.log(4) - two_jsd,
    "the logarithm must be the natural one in both terms": -np.log(4) + two_jsd / np.log(2)})

# %% [markdown]
# Now the densities from above, in four ways. `theory.value` goes by D\*, `theory.criterion` by JSD, both by
# adaptive quadrature (구적법), a sum whose grid is made finer until the digits stand; the third is the sum of exercise
# 2; and the last is a mean over random samples (Monte Carlo), the only one that a GAN has, with its standard error, the
# usual size of what chance adds ([Eq. (6.20)](../docs/6-theory.md#eq-6-20)).

# %%
s_x = D_best.logit(x)
print(f"V(D*), quadrature        {theory.value(p, q):.10f}")
print(f"-log 4 + 2 JSD           {theory.criterion(p, q):.10f}")
print(f"V(D*), sum over a grid   {-np.sum(p_x * softplus(-s_x) + q_x * softplus(s_x)) * dx:.10f}")
for n in (100, 10_000, 1_000_000):
    estimate = theory.monte_carlo(theory.value, p, q, n=n, rng=np.random.default_rng(0))
    print(f"V(D*), {n:>9,} samples  {estimate.value:.4f} ± {estimate.error:.4f}")
assert abs(theory.value(p, q) - theory.criterion(p, q)) <= 1e-10

# %% [markdown]
# The first three agree to the last digit shown. The means need a hundred times the samples for one digit more.
#
# What does $C(G)$ look like when the fakes come nearer? Let $p = N(0, 1)$ and $q = N(d, 1)$:

# %%
distances = np.linspace(-8, 8, 65)
normal = ng.data.gaussian(0, 1)
by_value = [theory.value(normal, ng.data.gaussian(d, 1), tol=1e-9) for d in distances]
by_jsd = [theory.criterion(normal, ng.data.gaussian(d, 1), tol=1e-9) for d in distances]
fig, ax = plt.subplots(figsize=(6.5, 3.2))
ax.plot(distances, by_jsd, color=ORANGE, lw=3, label="−log 4 + 2 JSD")
ax.plot(distances, by_value, "o", ms=4, color=BLUE, label="V of D*")
ax.axhline(-np.log(4), color="black", ls="--", lw=1, label="−log 4: q = p")
ax.axhline(0, color="black", ls=":", lw=1, label="0: they never meet")
ax.set(title="What is left for G, once D has answered", xlabel="distance d of the fakes", ylabel="C(G)")
ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
plt.show()
np.testing.assert_allclose(by_value, by_jsd, rtol=0, atol=1e-8)

# %% [markdown]
# The lowest point is $q = p$, and it is the only one: that is the theorem of the paper. But far from it the
# curve is flat. A generator (생성자) out there gets next to no gradient (기울기) from it;
# [chapter 7](../docs/7-supports.md) is about that.
#
# ## Other labels, another D\*
#
# In practice D is often trained with the target $\alpha = 0.9$ on data, not 1 (*label smoothing*, 레이블 평활화), or
# with a few labels swapped. Sort its loss by $\log D$ and $\log(1 - D)$: it is $f(y)$ again, with other
# weights. For targets $\alpha$ on data and $\beta$ on fakes ([Eq. (6.5)](../docs/6-theory.md#eq-6-5)),
#
# $$ D^*(x) = \frac{\alpha\, p(x) + \beta\, q(x)}{p(x) + q(x)}. $$
#
# A share $\varepsilon$ of flipped labels has the mean targets $\alpha = 1 - \varepsilon$, $\beta = \varepsilon$.

# %%
tricks = {"plain labels": ({}, "black", "-"), "one-sided, α = 0.9": ({"real_label": 0.9}, BLUE, "--"),
          "both sides, α = 0.9, β = 0.2": ({"real_label": 0.9, "fake_label": 0.2}, ORANGE, "-."),
          "10 % flipped": ({"flip": 0.1}, GREEN, ":")}
near, far = ng.data.gaussian(2, 1), ng.data.gaussian(-2, 1)
t = np.linspace(-6, 6, 301)
fig, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
for name, (options, colour, style) in tricks.items():
    D = theory.optimal_discriminator(near, far, **options)
    axes[0].plot(t, D(t), color=colour, ls=style, lw=2, label=name)
    axes[1].plot(t, D.logit(t), color=colour, ls=style, lw=2)
axes[0].set(title="D* for data at 2 and fakes at −2", xlabel="x", ylabel="D*(x)")
axes[1].set(title="Its logit", xlabel="x", ylabel="s*(x)", ylim=(-8, 8))
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
plt.show()

# %% [markdown]
# One-sided smoothing caps D's sureness on data and leaves its slope on the fakes, on the left, alone. With
# $\beta > 0$, or flips, the logit is flat on the left, too: G has nothing to climb. And the numerator contains
# $q$, so D rewards G for the places where it already is. That is why one smooths the *real* side.
#
# ## The package's own gradient vanishes at D\*
#
# A D without any limits is a *table*: one logit for each outcome. Take three outcomes that appear $a$ times among
# the data and $b$ times among the fakes. At $s_i = \log(a_i/b_i)$ the gradient of D's loss must be 0, to
# rounding: that is $f' = 0$, in the package's own code.

# %%
a, b = np.array([5, 2, 1]), np.array([1, 2, 5])
table = np.eye(3)                                      # outcome i is row i, and a layer without bias is the table
D = ng.Network([ng.Dense(1, bias=False)], 3, rng=np.random.default_rng(0), dtype=np.float64)
loss = ng.losses.Minimax()
for name, logits in {"log(a/b)": np.log(a / b), "log(b/a)": np.log(b / a), "all 0": np.zeros(3)}.items():
    D.theta = logits
    L_D, g_D = ng.discriminator_gradient(D, loss, np.repeat(table, a, axis=0), np.repeat(table, b, axis=0))
    print(f"{name:<9} V = {-L_D:.4f}, largest gradient " + ("0, to 1e-15" if np.abs(g_D).max() < 1e-15
                                                           else f"{np.abs(g_D).max():.3f}"))
    if name == "log(a/b)":
        assert np.abs(g_D).max() < 1e-15

# %% [markdown]
# ## A network finds D\* from samples
#
# A real D is no table, and nobody tells it $p$ and $q$. It gets minibatches (미니배치) of samples and follows
# `ng.discriminator_gradient`. G does not move. How near to D\* does it come?

# %%
STEPS = 100 if FAST else 700
rng = np.random.default_rng(1)
D = ng.Network([ng.Dense(16, ng.init.glorot), ng.Tanh(), ng.Dense(16, ng.init.glorot), ng.Tanh(),
                ng.Dense(1, ng.init.normal(0.01))], 1, rng=rng, dtype=np.float64)       # begins near D = ½
opt = ng.optim.Adam(lambda step: 0.01 * (1 + np.cos(np.pi * step / STEPS)), beta1=0.9, beta2=0.99)
x = np.linspace(-5, 5, 601)
shown, reached = {0: D(x[:, None])[:, 0]}, [theory.value_of(D, p, q, tol=1e-7)]
for step in range(1, STEPS + 1):
    _, g_D = ng.discriminator_gradient(D, loss, p.sample(1024, rng), q.sample(1024, rng))
    opt.step(D, g_D)
    if step in (STEPS // 10, STEPS):
        shown[step] = D(x[:, None])[:, 0]
    if step % (STEPS // 20) == 0:
        reached.append(theory.value_of(D, p, q, tol=1e-7))

# %%
fig, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
for (step, s), colour, style in zip(shown.items(), [GREEN, ORANGE, BLUE], [":", "-.", "-"], strict=True):
    axes[0].plot(x, sigmoid(s), color=colour, ls=style, lw=2, label=f"D after {step} steps")
    axes[1].plot(x, s, color=colour, ls=style, lw=2)
axes[0].plot(x, D_best(x), color="black", ls="--", lw=1, label="D*")
axes[1].plot(x, D_best.logit(x), color="black", ls="--", lw=1)
axes[2].plot(np.arange(len(reached)) * (STEPS // 20), reached, "o-", ms=3, color=BLUE)
axes[2].axhline(theory.criterion(p, q), color=PINK, lw=1, label="−log 4 + 2 JSD")
axes[0].set(title="What D says", xlabel="x", ylabel="D(x)")
axes[1].set(title="Its logit", xlabel="x", ylabel="s(x)", ylim=(-8, 7))
axes[2].set(title="V climbs to its limit, not beyond", xlabel="step of D", ylabel="V, by quadrature")
handles = [sum(both, []) for both in zip(*(ax.get_legend_handles_labels() for ax in (axes[0], axes[2])), strict=True)]
fig.legend(*handles, loc="outside lower center", ncols=5, frameon=False)
plt.show()

both = p.density(x[:, None]) + q.density(x[:, None])
gap = np.abs(sigmoid(shown[STEPS]) - D_best(x))
if not FAST:
    assert gap[both > 0.05 * both.max()].max() <= 0.03
assert max(reached) <= theory.criterion(p, q) + 1e-6
print(f"largest |D - D*| where there are samples: {gap[both > 0.05 * both.max()].max():.2f}; V falls short of its "
      f"limit by {theory.criterion(p, q) - reached[-1]:.4f}")

# %% [markdown]
# The dashed line was never shown to it. Where samples are, D agrees with it; in the logit, you see where they
# are not: beyond $|x| \approx 3$ nothing tells D to follow, and it does not. In a GAN that is where a bad G has
# its samples. And our D had hundreds of steps with a G that stood still; in Algorithm 1 it has one step, and
# then G moves.
#
# **You have seen** the best discriminator, what it is worth, and that a network finds it. More, with all the
# zeros and infinities: [docs/6-theory.md](../docs/6-theory.md); what people often write instead:
# [common mistakes](../docs/common-mistakes.md). **Before**:
# [2 · Layers, derived and checked](02_layers_derived_and_checked.ipynb). **Next**: [4 · Figure 1](04_figure_1.ipynb).
