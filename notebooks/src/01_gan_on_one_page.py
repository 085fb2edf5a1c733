# %% [markdown]
# # 1 · A GAN on one page

# %% [markdown]
# A *generative adversarial network* (GAN, 생성적 적대 신경망) is two functions that train each other. Here is
# the smallest one that deserves the name: five numbers, plain NumPy, every derivative by hand, and a right
# answer that we know in advance. At the end the package `numpygan` runs the same game and must give the same
# numbers.
#
# You need: derivatives, the chain rule, and NumPy arrays. $N(m, s^2)$ is the normal distribution (정규분포), the bell
# curve, with mean $m$ and standard deviation $s$.

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

FAST = "NUMPYGAN_FAST" in os.environ                   # the tests set it: fewer steps
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"  # from the palette of Okabe and Ito: told apart by every eye
mu, sigma = 2.0, 0.5                                   # the data; the generator does not know these two numbers


def draw_data(n, rng):
    return mu + sigma * rng.standard_normal((n, 1))


def draw_noise(n, rng):
    return rng.standard_normal((n, 1))


def generate(theta_G, z):
    a, b = theta_G
    return a * z + b


rng = np.random.default_rng(0)
bins = np.linspace(-4, 4, 81)
fig, ax = plt.subplots(figsize=(7, 2.6))
ax.hist(draw_data(2000, rng)[:, 0], bins, color=BLUE, alpha=0.8, label="data x")
ax.hist(generate([1.0, 0.0], draw_noise(2000, rng))[:, 0], bins, color=ORANGE, alpha=0.8, label="G(z), untrained")
ax.set(title="Where we start: 2000 samples of each", xlabel="x", ylabel="samples per bin")
ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
plt.show()

# %% [markdown]
# ## The two players
#
# The **generator** (생성자) turns noise (잡음) into samples. Ours is a straight line with the parameters
# $\theta_G = (a, b)$:
#
# $$ G(z) = a z + b, \qquad z \sim N(0, 1). $$
#
# A line keeps a Gaussian Gaussian: $G(z) \sim N(b, a^2)$. So the right answer is $b = \mu = 2$ and
# $|a| = \sigma = 0.5$. The sign of $a$ is free, because $z$ and $-z$ have the same distribution.
#
# The **discriminator** (판별자) gets one $x$ and says how likely it is to be data. It computes a *logit* (로짓)
# $s$, any real number, and from it a probability ([Eq. (1.2)](../docs/1-game.md#eq-1-2)):
#
# $$ D(x) = \sigma(s(x)) = \frac{1}{1 + e^{-s(x)}}, \qquad s = \log \frac{D}{1 - D}. $$
#
# Between two Gaussians the best possible logit is a quadratic (exercise 3). So a quadratic is what we give it,
# with the parameters $\theta_D = (w_1, w_2, c)$:
#
# $$ s(x) = w_1 x + w_2 x^2 + c. $$

# %%
def logit(theta_D, x):
    w1, w2, c = theta_D
    return w1 * x + w2 * x**2 + c


def softplus(s):
    return np.logaddexp(0, s)                          # log(1 + e^s) without overflow


def sigmoid(s):
    return np.exp(-softplus(-s))                       # 1 / (1 + e^-s) without overflow


# %% [markdown]
# ## What D wants
#
# D should say *data* to data and *fake* to fakes. Both in one number: the **value function** (가치 함수), [Eq.
# (1.1)](../docs/1-game.md#eq-1-1), which D makes large. ($\mathbb{E}_x$ is the mean over the data, $\mathbb{E}_z$ the
# mean over the noise: expectation, 기댓값.)
#
# $$ V(D, G) = \mathbb{E}_x \log D(x) + \mathbb{E}_z \log (1 - D(G(z))). $$
#
# We always minimise, so D's loss (손실) is $L_D = -V$, averaged over a minibatch (미니배치) of $n$ real and $m$ fake
# samples. With $\mathrm{softplus}(s) = \log(1 + e^s)$, $\log \sigma(s) = -\mathrm{softplus}(-s)$ and $\log(1 -
# \sigma(s)) = -\mathrm{softplus}(s)$ it becomes [Eq. (4.7)](../docs/4-losses.md#eq-4-7):
#
# $$ L_D = \frac1n \sum_{i=1}^{n} \mathrm{softplus}(-s^{\text{real}}_i)
#        + \frac1m \sum_{j=1}^{m} \mathrm{softplus}(s^{\text{fake}}_j). $$
#
# This is the sum of two binary cross-entropies (이진 교차 엔트로피): target 1 on the data, target 0 on the
# fakes.
#
# ### Exercise 1: the gradient of D's loss
#
# Find $\partial L_D / \partial s$ for every real and every fake logit
# ([Eq. (4.8)](../docs/4-losses.md#eq-4-8)). You need only one fact:
# $\frac{d}{ds}\,\mathrm{softplus}(s) = \sigma(s)$.

# %%
def discriminator_loss(s_real, s_fake):
    """L_D = -V, and its gradients d_real, d_fake, shaped like the logits."""
    L_D = softplus(-s_real).mean() + softplus(s_fake).mean()
    # --- solution: d_real and d_fake, the derivatives of L_D with respect to each logit ---
    d_real = -sigmoid(-s_real) / len(s_real)
    d_fake = sigmoid(s_fake) / len(s_fake)
    # --- end ---
    return L_D, d_real, d_fake


# %% [markdown]
# How do we know that it is right? By *differences*: move one number a little, up and down, and watch the loss
# ([Eq. (2.23)](../docs/2-layers.md#eq-2-23)). `feedback` compares, and knows a few wrong answers that many
# people give. You need not read its code.

# %%
def differences(f, x, h=1e-5):
    """∂f/∂x for a number f(x), one entry of x at a time: (f(x + h) - f(x - h)) / 2h."""
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += h
        down[i] -= h
        g[i] = (f(up) - f(down)) / (2 * h)
    return g


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
s_real, s_fake = rng.normal(1, 2, (5, 1)), rng.normal(-1, 2, (4, 1))
_, d_real, d_fake = discriminator_loss(s_real, s_fake)
right = differences(lambda s: discriminator_loss(s, s_fake)[0], s_real)
feedback("d_real", d_real, right, {
    "the sign is wrong. D minimises L_D = -V; is yours the gradient of V": -right,
    "the 1/n is missing. L_D is a mean over the batch": right * len(s_real),
    "1/n is there twice": right / len(s_real),
    "this is the derivative with respect to D(x). One factor is left, dD/ds = D (1 - D)": right / (
        sigmoid(s_real) * sigmoid(-s_real)),
    "this is -dD/ds. The factor 1/D of the logarithm is missing": right * sigmoid(s_real),
    "this is the gradient for target 0. Real samples have target 1": right + 1 / len(s_real)})
right = differences(lambda s: discriminator_loss(s_real, s)[0], s_fake)
feedback("d_fake", d_fake, right, {
    "the sign is wrong. D minimises L_D = -V; is yours the gradient of V": -right,
    "the 1/m is missing. L_D is a mean over the batch": right * len(s_fake),
    "1/m is there twice": right / len(s_fake),
    "divide by the number of fakes, not by that of the real samples": right * len(s_fake) / len(s_real),
    "this is the derivative with respect to D(x). One factor is left, dD/ds = D (1 - D)": right / (
        sigmoid(s_fake) * sigmoid(-s_fake)),
    "this is dD/ds. The factor 1/(1 - D) of the logarithm is missing": right * sigmoid(-s_fake),
    "this is the gradient for target 1. Fakes have target 0": right - 1 / len(s_fake)})

# %% [markdown]
# Look at the size of $\partial L_D/\partial s$: it never exceeds $1/n$. That is why we work on logits. With
# probabilities there would be a $1/D$ in it, and sooner or later a division by zero.
#
# One more step down the chain rule (연쇄법칙) and we have D's gradient (기울기). Real and fake samples each
# give a part, and the two parts add up ([Eq. (3.3)](../docs/3-algorithm.md#eq-3-3)).

# %%
def through_logit(x, ds):
    """From the logits to the parameters: ∂s/∂w1 = x, ∂s/∂w2 = x², ∂s/∂c = 1, summed over the batch."""
    return np.array([np.sum(ds * x), np.sum(ds * x**2), np.sum(ds)])


def discriminator_gradient(theta_D, x, x_fake):
    L_D, d_real, d_fake = discriminator_loss(logit(theta_D, x), logit(theta_D, x_fake))
    return L_D, through_logit(x, d_real) + through_logit(x_fake, d_fake)


# %% [markdown]
# ## What G wants
#
# G wants its fakes to be taken for data, that is $D(G(z))$ near 1. It sees no data at all; everything it learns
# comes through D. Its loss is the *non-saturating* one, [Eq. (4.11)](../docs/4-losses.md#eq-4-11):
#
# $$ L_G = -\frac1m \sum_j \log D(G(z_j)) = \frac1m \sum_j \mathrm{softplus}(-s_j), \qquad
#    \frac{\partial L_G}{\partial s_j} = -\frac{\sigma(-s_j)}{m}. $$
#
# (Minimising $V$ itself would be the *minimax* game. It has the same goal but a weaker gradient where D is sure
# of itself: $-\sigma(s)/m$, nearly 0 for $s \ll 0$.)
#
# ### Exercise 2: G's gradient, through D
#
# The chain has three links: $L_G \to s \to x_{\text{fake}} \to (a, b)$. The first derivative is given. Write
# the other two ([Eq. (3.6)](../docs/3-algorithm.md#eq-3-6)). D's parameters appear in it, but they do not
# change.

# %%
def generator_loss(s_fake):
    """L_G = -mean log D, and its gradient d_fake."""
    return softplus(-s_fake).mean(), -sigmoid(-s_fake) / len(s_fake)


def generator_gradient(theta_G, theta_D, z):
    """L_G and g_G = (∂L_G/∂a, ∂L_G/∂b)."""
    w1, w2, c = theta_D
    x_fake = generate(theta_G, z)
    L_G, d_fake = generator_loss(logit(theta_D, x_fake))
    # --- solution: dx_fake from d_fake, then da and db from dx_fake, then g_G = np.array([da, db]) ---
    dx_fake = d_fake * (w1 + 2 * w2 * x_fake)
    g_G = np.array([np.sum(dx_fake * z), np.sum(dx_fake)])
    # --- end ---
    return L_G, g_G


# %% [check]
theta_G, theta_D, z = np.array([0.8, 1.5]), np.array([0.7, -0.4, 0.3]), draw_noise(6, rng)
right = differences(lambda theta: generator_gradient(theta, theta_D, z)[0], theta_G)
x_fake = generate(theta_G, z)
ds, (w1, w2, c) = generator_loss(logit(theta_D, x_fake))[1], theta_D


def if_dx_were(dx):
    return np.array([np.sum(dx * z), np.sum(dx)])


feedback("g_G", generator_gradient(theta_G, theta_D, z)[1], right, {
    "the sign is wrong. G minimises L_G, and the given d_fake has its sign already": -right,
    "the mean is taken twice. d_fake has the 1/m already, so sum over the batch": right / len(z),
    "the step through D is missing. dx_fake = d_fake · ∂s/∂x": if_dx_were(ds),
    "d_fake, the first link of the chain, is missing": if_dx_were(w1 + 2 * w2 * x_fake),
    "the derivative of w2 x² is 2 w2 x": if_dx_were(ds * (w1 + w2 * x_fake)),
    "brackets are missing: d_fake multiplies the whole slope w1 + 2 w2 x_fake": if_dx_were(ds * w1 + 2 * w2 * x_fake),
    "only g_G came back. Set g_G; the line that returns both, L_G and g_G, stands below": np.sum(
        ds * (w1 + 2 * w2 * x_fake)),
    "take ∂s/∂x where D looks, at x_fake, and not at z": if_dx_were(ds * (w1 + 2 * w2 * z)),
    "∂x_fake/∂a is z": right[[1, 1]],
    "a and b are in the wrong order": right[::-1]})

# %% [markdown]
# ## Algorithm 1
#
# Both gradients are there. What is left is the optimiser, the rule that makes a step out of a gradient, and the loop.
#
# **Adam** divides each gradient by its own recent size ([Eqs. (5.5) to (5.8)](../docs/5-optimisers.md#eq-5-5)): $m$,
# a running mean, follows the gradient, $v$ its square, `lr` is the learning rate (학습률), and the two divisions by
# $1 - \beta^t$ make up for their start at 0.

# %%
def adam(theta, g, state, lr, beta1=0.5, beta2=0.999, eps=1e-8):
    m, v, t = state
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    t = t + 1
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return theta - lr * m_hat / (np.sqrt(v_hat) + eps), (m, v, t)


# %% [markdown]
# **Algorithm 1** of the paper (Goodfellow et al. 2014) takes turns. D's turn: fresh data, fresh noise, one step
# of D. G's turn: fresh noise, one step of G. Here it is, whole.

# %%
def train(theta_G, theta_D, steps, lr_G, lr_D, seed, batch=256):
    rng = np.random.default_rng(seed)
    state_G, state_D = (0, 0, 0), (0, 0, 0)
    rows = []
    for _ in range(steps):
        x, x_fake = draw_data(batch, rng), generate(theta_G, draw_noise(batch, rng))
        L_D, g_D = discriminator_gradient(theta_D, x, x_fake)
        means = sigmoid(logit(theta_D, x)).mean(), sigmoid(logit(theta_D, x_fake)).mean()
        theta_D, state_D = adam(theta_D, g_D, state_D, lr_D)

        z = draw_noise(batch, rng)
        L_G, g_G = generator_gradient(theta_G, theta_D, z)
        theta_G, state_G = adam(theta_G, g_G, state_G, lr_G)
        rows.append([L_D, L_G, *means, *theta_G, *theta_D])
    return np.array(rows)


STEPS = 300 if FAST else 3000
start_G, start_D = np.array([1.0, 0.0]), np.zeros(3)
run = train(start_G, start_D, STEPS, lr_G=0.005, lr_D=0.05, seed=1)
loss_D, loss_G, D_real, D_fake, a, b = run.T[:6]
print(f"b = {b[-1]:.2f} (the mean of the data is {mu}),   |a| = {abs(a[-1]):.2f} (its standard deviation is {sigma})")

# %% [markdown]
# It worked: the line has found the mean and the standard deviation of data it has never seen.
#
# ## What should the curves look like?
#
# Not like those of a classifier, which fall. When G has won, data and fakes have the same distribution, and the
# best that D can do is to say ½ to everything. Put $D = \tfrac12$ into the losses and you get the dashed lines:
#
# $$ L_D = -\log\tfrac12 - \log\tfrac12 = \log 4 \approx 1.386, \qquad L_G = -\log\tfrac12 = \log 2 \approx 0.693. $$

# %%
steps = np.arange(1, STEPS + 1)
fig, axes = plt.subplots(3, 1, figsize=(7.5, 6.6), sharex=True, layout="constrained")


def panel(ax, title, ylabel, lines, goals):
    for colour, (name, values) in zip([BLUE, ORANGE], lines.items(), strict=True):
        ax.plot(steps, values, color=colour, lw=0.8, label=name)
    for name, goal in goals.items():
        ax.axhline(goal, color="black", ls="--", lw=1)
        ax.text(1.01, goal, name, transform=ax.get_yaxis_transform(), va="center")
    ax.set(title=title, xlabel="step of G", ylabel=ylabel)
    ax.legend(loc="center left", bbox_to_anchor=(1.08, 0.5), frameon=False)


panel(axes[0], "The losses end at log 4 and log 2", "loss",
      {"loss of D": loss_D, "loss of G": loss_G}, {"log 4": np.log(4), "log 2": np.log(2)})
panel(axes[1], "D can no longer tell them apart", "mean of D over the batch",
      {"D(x), data": D_real, "D(G(z)), fakes": D_fake}, {"½": 0.5})
panel(axes[2], "The generator has learned the data", "parameter of G",
      {"b": b, "|a|": np.abs(a)}, {"μ": mu, "σ": sigma})
plt.show()

# %% [markdown]
# Read the picture from left to right.
#
# - At the very first step the losses are log 4 and about log 2 *as well*: an untrained D says ½ to everything,
#   too. A loss of log 4 means "D sees no difference", and there are two reasons for that.
# - Then D learns, its loss falls, and G's loss rises. Bad for G? No: now G has something to learn from.
# - Then G moves, and both losses return to their lines.
# - But look at $|a|$ around step 500: almost 0. All fakes are nearly the same point, a *collapse* (붕괴), while
#   both losses are close to their lines! D is slow to notice: its parabola must first turn upwards around that
#   point ($w_2 > 0$). Once it does, its slopes push the fakes apart again.
#
# **So the loss of a GAN is no measure of its quality.** In this lesson $a$ and $b$ are one.

# %%
if not FAST:
    last = run[-500:].mean(axis=0)
    np.testing.assert_allclose(last[:2], [np.log(4), np.log(2)], atol=0.02)
    np.testing.assert_allclose(last[2:4], 0.5, atol=0.02)
    assert abs(last[5] - mu) < 0.05
    assert abs(abs(last[4]) - sigma) < 0.05

# %% [markdown]
# ## Is D as good as it can be?
#
# Let $p$ be the density (밀도) of the data: a value between $x$ and $x + dx$ has the probability $p(x)\,dx$. Let $q$ be
# that of the fakes. If both are known, so is the best D
# ([Eq. (1.3)](../docs/1-game.md#eq-1-3)):
#
# $$ D^*(x) = \frac{p(x)}{p(x) + q(x)}, \qquad \text{so its logit is} \quad s^*(x) = \log p(x) - \log q(x). $$
#
# ### Exercise 3: the optimal logit between two Gaussians
#
# Let $p = N(\mu, \sigma^2)$ and $q = N(b, a^2)$. Show that $s^*(x) = w_1 x + w_2 x^2 + c$, and find the three
# numbers. Start from $\log p(x) = -\dfrac{(x - \mu)^2}{2 \sigma^2} - \log \sigma - \tfrac12 \log 2\pi$.

# %%
def optimal_theta_D(mu, sigma, b, a):
    """(w1, w2, c) of the best D between data N(mu, sigma²) and fakes N(b, a²)."""
    # --- solution: w1, w2 and c, and return np.array([w1, w2, c]) ---
    w1 = mu / sigma**2 - b / a**2
    w2 = 1 / (2 * a**2) - 1 / (2 * sigma**2)
    c = b**2 / (2 * a**2) - mu**2 / (2 * sigma**2) + np.log(abs(a) / sigma)
    return np.array([w1, w2, c])
    # --- end ---


# %% [check]
def density(x, mean, std):
    return np.exp(-0.5 * ((x - mean) / std) ** 2) / (std * np.sqrt(2 * np.pi))


def parabola(s):
    """(w1, w2, c) of the parabola through s at three points."""
    x = np.array([0.0, 1.0, 2.0])
    return np.linalg.solve(np.stack([x, x**2, np.ones(3)], axis=1), s(x))


right, log_ratio = parabola(lambda x: np.log(density(x, 2, 0.5) / density(x, 1, 0.8))), np.log(0.8 / 0.5)
feedback("optimal_theta_D", optimal_theta_D(2, 0.5, 1, 0.8), right, {
    "the sign is wrong. It is log p - log q, with p the data: D says 1 to data": -right,
    "the ½ of the exponent is missing": 2 * right - [0, 0, log_ratio],
    "c lacks log(|a| / σ), which comes from the factors 1/σ and 1/|a| of the densities": right - [0, 0, log_ratio],
    "log(|a| / σ) is upside down": right - [0, 0, 2 * log_ratio],
    "the variance is the square of the standard deviation": parabola(
        lambda x: np.log(density(x, 2, 0.5**0.5) / density(x, 1, 0.8**0.5))) + [0, 0, log_ratio / 2]})
np.testing.assert_allclose(optimal_theta_D(2, 0.5, 2, -0.5), 0, atol=1e-12)    # G has won: D* = ½ for either sign of a

# %% [markdown]
# Now look at three moments of the run, in the colours of the paper's Figure 1: the data dotted, the fakes
# green, D dashed. The thin line is D\*, the best answer to the G *of that moment*.

# %%
x = np.linspace(-3, 4.5, 301)
moments = [20, 60, STEPS] if FAST else [20, 150, STEPS]
fig, axes = plt.subplots(1, 3, figsize=(10, 3.4), sharey=True, layout="constrained")
for ax, step in zip(axes, moments, strict=True):
    a_t, b_t = run[step - 1, 4:6]
    ax.plot(x, density(x, mu, sigma), color="black", ls=":", lw=2, label="density of the data, p")
    ax.plot(x, density(x, b_t, abs(a_t)), color=GREEN, label="density of the fakes, q")
    ax.plot(x, sigmoid(logit(run[step - 1, 6:9], x)), color=BLUE, ls="--", label="D, learned")
    ax.plot(x, sigmoid(logit(optimal_theta_D(mu, sigma, b_t, a_t), x)), color=ORANGE, lw=1, label="D*, the best")
    ax.set(title=f"After {step} steps", xlabel="x", ylabel="density, or D(x)", ylim=(0, 1.1))
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
plt.show()

# %% [markdown]
# G never sees the dotted curve. It sees only the slope of the dashed one at its own samples, and walks uphill.
# Far outside, where neither data nor fakes are, D has no reason to follow D\*, and at the end it does not.
#
# ## A game, not a minimum
#
# We gave D a learning rate ten times that of G. Why? Here are two runs in the plane of $(b, |a|)$: one with
# equal rates, one with ours.

# %%
paths = {"Equal rates: round and round": train(start_G, start_D, STEPS, lr_G=0.005, lr_D=0.005, seed=1),
         "D ten times faster: into the answer": run}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharex=True, sharey=True, layout="constrained")
for ax, (title, path) in zip(axes, paths.items(), strict=True):
    ax.plot(path[:, 5], np.abs(path[:, 4]), color=BLUE, lw=0.8, label="path of G")
    ax.plot(start_G[1], start_G[0], "o", color=ORANGE, label="start")
    ax.plot(mu, sigma, "*", ms=13, color="black", label="right answer (μ, σ)")
    ax.set(title=title, xlabel="b", ylabel="|a|")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
plt.show()

# %% [markdown]
# A single network rolls down into a minimum. Two players who answer each other look for an equilibrium (균형),
# and may circle it: G runs from where D *was* looking. The paper says it in one condition: D must stay near its
# optimum, "so long as G changes slowly enough". A faster D is one way to have that.
#
# ## The package gives the same numbers
#
# `numpygan` has these functions for networks of any size. Our D is a small network: a layer that makes
# $(x, x^2)$ of $x$, and a linear one on top. (The next lesson explains how to write such a layer.) Layer by
# layer, the parameters lie in one vector `theta`: here $(a, b)$ and $(w_1, w_2, c)$, as above.

# %%
import numpygan as ng


class Powers(ng.Layer):
    """y = (x, x²)"""

    def shapes(self, d_in):
        return {}, 2

    def forward(self, p, x, c):
        return np.concatenate([x, x**2], axis=1), x

    def backward(self, p, x, dy, c):
        return dy[:, :1] + 2 * x * dy[:, 1:], {}


def networks(theta_G, theta_D):
    rng = np.random.default_rng(0)                     # draws initial values, which we replace by ours
    G = ng.Network([ng.Dense(1)], 1, rng=rng, dtype=np.float64, engine="numpy")
    D = ng.Network([Powers(), ng.Dense(1)], 1, rng=rng, dtype=np.float64, engine="numpy")
    G.theta, D.theta = theta_G, theta_D
    return G, D


G, D = networks(theta_G, theta_D)
print(D)

# %% [markdown]
# **One gradient of each**, same parameters, same minibatch, same noise:

# %%
loss = ng.losses.NonSaturating()
x, z = draw_data(256, rng), draw_noise(256, rng)
pairs = [
    ("D", discriminator_gradient(theta_D, x, generate(theta_G, z)), ng.discriminator_gradient(D, loss, x, G(z))),
    ("G", generator_gradient(theta_G, theta_D, z), ng.generator_gradient(G, D, loss, z))]
for name, (ours_L, ours_g), (L, g) in pairs:
    assert abs(ours_L - L) <= 1e-12
    assert np.abs(ours_g - g).max() <= 1e-12
    print(f"{name}: loss {L:.6f}, gradient {np.round(g, 6)}: the same, to 1e-12")

# %% [markdown]
# **The whole training**, in one call. Same seed, so the same data and noise; after 20 rounds of Algorithm 1 the
# parameters agree to 1e-12.

# %%
def fit(steps):
    G, D = networks(start_G, start_D)
    gan = ng.GAN(G, D, loss, opt_G=ng.optim.Adam(0.005, beta1=0.5), opt_D=ng.optim.Adam(0.05, beta1=0.5))
    data = ng.data.gaussian(mu, sigma, dtype=np.float64)
    history = gan.fit(data, steps=steps, batch=256, rng=np.random.default_rng(1))
    return gan, history


gan, history = fit(20)
np.testing.assert_allclose(np.concatenate([gan.G.theta, gan.D.theta]), run[19, 4:], rtol=0, atol=1e-12)
for column, name in enumerate(["loss_D", "loss_G", "D_real", "D_fake"]):
    np.testing.assert_allclose(history[name], run[:20, column], rtol=0, atol=1e-12)
print(f"after 20 steps: a, b = {gan.G.theta.round(4)}, w1, w2, c = {gan.D.theta.round(4)}: the same, to 1e-12")

# %%
gan, history = fit(STEPS)
np.testing.assert_allclose(gan.G.theta, run[-1, 4:6], rtol=0, atol=1e-9)
print(f"after {STEPS} steps: b = {gan.G.theta[1]:.2f}, |a| = {abs(gan.G.theta[0]):.2f}: the same, to 1e-9")

# %% [markdown]
# That is the whole of it. Images need larger networks in the place of the line and the parabola; the two
# gradients, the optimiser and the loop stay as they are. Open `numpygan/gan.py` and you will recognise them.
#
# **Next**: [2 · Layers, derived and checked](02_layers_derived_and_checked.ipynb).
