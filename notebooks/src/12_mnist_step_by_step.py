# %% [markdown]
# # 12 · MNIST, step by step

# %% [markdown]
# Handwritten digits were the first thing that GANs drew. In this lesson you make a generator (생성자) for them, in the
# spirit of the paper of 2014 but smaller; then you judge it as the paper did, with Parzen windows, and find out
# what such a number is worth.
#
# You need: [lesson 1](01_gan_on_one_page.ipynb) for Algorithm 1. The metrics are derived in
# [docs/13-metrics.md](../docs/13-metrics.md).

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

import numpygan as ng
from numpygan import metrics
from numpygan.classifier import train_classifier
from numpygan.data.mnist import MNIST, find

FAST = "NUMPYGAN_FAST" in os.environ                   # the tests set it: fewer steps
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"  # from the palette of Okabe and Ito: told apart by every eye

# %% [markdown]
# ## The data
#
# MNIST has 60,000 training and 10,000 test images of 28 × 28 pixels. If its files are not on your machine, the lesson
# goes on with the 8 × 8 digits that come with the package; everything works the same, only the pictures are coarser.
# (`ng.data.mnist()` downloads MNIST once, if you want it.)

# %%
if find(MNIST, "train") and find(MNIST, "test"):
    train, test = (ng.data.mnist(part=part) for part in ("train", "test"))
else:
    print("MNIST is not on this machine: these are the 8 × 8 digits of the package.")
    train, test = ng.data.digits().split(2 / 3, np.random.default_rng(0))
MOST = 2000 if FAST else 20_000
x, labels = (train.x[:-200][:MOST] + 1) / 2, train.labels[:-200][:MOST]      # pixels in [0, 1], as in the paper
x_test = (test.x[:1000] + 1) / 2
d, side = x.shape[1], train.shape[0]
classes = len(np.unique(labels))
print(f"{len(x):,} images of {side} x {side} pixels from {x.min():.0f} to {x.max():.0f}, {classes} classes")


def strips(rows, titles):
    """Images (n, d) side by side, a strip for each entry of `rows`."""
    fig, axes = plt.subplots(len(rows), 1, figsize=(8, 1.25 * len(rows)), layout="constrained", squeeze=False)
    for ax, images, title in zip(axes[:, 0], rows, titles, strict=True):
        ax.imshow(np.hstack([np.pad(image.reshape(side, side), 1) for image in images]), cmap="gray", vmin=0, vmax=1)
        ax.set_title(title, fontsize=10)
        ax.set_xlabel("pixels", fontsize=8)
        ax.set_ylabel("pixels", fontsize=8)
        ax.set(xticks=[], yticks=[])


mean = x.mean(axis=0, dtype=np.float64)
strips([x[:10], np.tile(mean, (10, 1))], ["The first ten images", "The mean of all of them, ten times"])
plt.show()

# %% [markdown]
# ## A generator that begins with the mean image
#
# G ends in a sigmoid, $G(z) = \sigma(h W + b)$, so that its pixels lie in $(0, 1)$. The paper's code gives the output
# bias $b$ a good start: with small weights $W$, an untrained G should make the *mean image*.
#
# ### Exercise 1: the output bias
#
# Which $b$ makes $\sigma(b)$ equal to a given mean $m$, pixel by pixel?

# %%
def output_bias(m):
    """b with σ(b) = m, for an array of means 0 < m < 1."""
    # --- solution: return b, from m ---
    return np.log(m / (1 - m))
    # --- end ---


# %% [markdown]
# The check puts your $b$ through the sigmoid.

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


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


# %% [check]
m = np.array([0.1, 0.5, 0.85])
yours = output_bias(m)
feedback("σ(b)", None if yours is None else sigmoid(np.asarray(yours, dtype=float)), m, {
    "this is the mean itself. It goes through σ once more": sigmoid(m),
    "the sign is wrong: dark pixels became bright": 1 - m,
    "log m is not enough. σ(b) = m means e^-b = 1/m - 1": m / (1 + m),
    "these are the odds m/(1 - m); b is their logarithm": sigmoid(m / (1 - m)),
    "the odds are m/(1 - m), with a minus": m / (1 + 2 * m),
    "this is the slope of b, 1/(m(1 - m))": sigmoid(1 / (m * (1 - m)))})

# %% [markdown]
# Now the two networks. A pixel that is black in every image has $m = 0$, and its bias would be $-\infty$: clip the mean
# first. D (판별자) is a plain stack that ends in a logit (로짓); R1, a penalty on its slope
# ([Eq. (10.1)](../docs/10-penalties.md#eq-10-1)), keeps it from learning the images by heart.

# %%
rng = np.random.default_rng(0)
WIDTH = 64 if FAST else 256
G = ng.Network([ng.Dense(WIDTH), ng.ReLU(), ng.Dense(WIDTH), ng.ReLU(), ng.Dense(d, init=ng.init.uniform(0.02)),
                ng.Sigmoid()], 16, rng=rng)
G.params()["4.b"][...] = output_bias(mean.clip(0.001, 0.999))          # a view of G's parameters: this sets them
D = ng.MLP([d, WIDTH, WIDTH, 1], rng=rng)
STEPS = 40 if FAST else 1200


def rate(step):
    return 1e-3 * min(1, 2 - 2 * step / STEPS)                          # falls to 0 over the second half


gan = ng.GAN(G, D, ng.losses.NonSaturating(), ng.optim.Adam(rate, beta1=0.0, beta2=0.99),
             ng.optim.Adam(rate, beta1=0.0, beta2=0.99), penalties=[ng.penalties.R1(0.1)])
z = gan.draw(10, np.random.default_rng(1))
strips([G(z)], ["Ten samples before training: the mean image, nearly"])
plt.show()

# %% [markdown]
# ## Training
#
# Algorithm 1 does the rest. Two *callbacks*, which `fit` calls after every step, watch: one keeps what G makes of the
# same ten $z$ on the way, the other the running mean of G's parameters ([Eq.
# (11.13)](../docs/11-tricks.md#eq-11-13)), which swings less than G itself.

# %%
snapshots, averaged = ng.Snapshots(z, every=STEPS // 4), ng.Averaged(0.995)
history = gan.fit(ng.data.array(x, range=(0, 1)), steps=STEPS, batch=100, rng=rng, callbacks=[snapshots, averaged])
strips([*snapshots.samples, averaged.generate(gan, z)],
     [*(f"after step {step:,}" for step in snapshots.steps), "the averaged generator"])
plt.show()

# %%
fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
width = STEPS // 20
for name, colour, style, label in (("D_real", BLUE, "-", "images"), ("D_fake", ORANGE, "--", "samples of G")):
    smooth = history[name][:len(history) // width * width].reshape(-1, width).mean(axis=1)
    ax.plot((np.arange(len(smooth)) + 0.5) * width, smooth, color=colour, ls=style, label=f"mean D of {label}")
ax.axhline(0.5, color="black", lw=1, ls=":", label="½: cannot tell")
ax.set(title="What D answers", xlabel="step", ylabel="D", ylim=(0, 1))
fig.legend(loc="outside lower center", ncols=3, frameon=False)
plt.show()

# %% [markdown]
# Each row is made of the same noise (잡음), so you can follow a digit as it takes shape. This is only the beginning of
# a training; full recipes go on many times as long. But is it *good*? Neither the losses nor D's answers say: both
# are measured with the opponent as a ruler.
#
# ## The paper's judge: Parzen windows
#
# The paper puts a Gaussian of width $\sigma$ on each of $m$ samples $y_j = G(z_j)$, and asks how likely *test* images
# are under this mixture ([Eq. (13.11)](../docs/13-metrics.md#eq-13-11)):
#
# $$ \log p_\sigma(x) = \log \frac1m \sum_{j=1}^m e^{-\lVert x - y_j \rVert^2 / 2\sigma^2}
# - d \log \bigl( \sigma \sqrt{2\pi} \bigr). $$
#
# ### Exercise 2: a log-likelihood that does not underflow
#
# Given the squared distances between test images and samples, compute $\log p_\sigma$ of each test image. Mind that
# $e^{-800}$ is 0 in floating point, and its logarithm $-\infty$: take the largest exponent out of the sum.

# %%
def parzen(square, sigma, d):
    """log p of n images in d dimensions, from their squared distances (n, m) to m samples."""
    # --- solution: return log p, of shape (n,) ---
    s = -square / (2 * sigma**2)
    top = s.max(axis=1)
    return top + np.log(np.mean(np.exp(s - top[:, None]), axis=1)) - d * np.log(sigma * np.sqrt(2 * np.pi))
    # --- end ---


# %% [check]
rows, centres = np.random.default_rng(2).random((3, 4)), np.random.default_rng(3).random((5, 4))
square = ((rows[:, None] - centres) ** 2).sum(axis=2)
densities = np.exp(-square / (2 * 0.3**2)) / (0.3 * np.sqrt(2 * np.pi)) ** 4      # of every Gaussian at every row
right = np.log(densities.mean(axis=1))
term = np.log(0.3 * np.sqrt(2 * np.pi))
with np.errstate(all="ignore"):
    yours, far = parzen(square, 0.3, 4), parzen(np.array([[900.0, 901.0]]), 0.5, 4)
feedback("log p", yours, right, {
    "the mean over the m samples became a sum: log m is too much": right + np.log(5),
    "the normalisation -d log(σ √2π) is missing": right + 4 * term,
    "the normalisation counts once for each of the d dimensions": right + 3 * term,
    "the sign of the normalisation is wrong": right + 8 * term,
    "the exponent is divided by 2σ², not by σ²": np.log((densities**2).mean(axis=1)) + 4 * term,
    "the mean is inside the logarithm: log of a mean, not mean of the logarithms": np.log(densities).mean(axis=1),
    "only the nearest sample counts here. The others have their share": right - np.log(densities.mean(axis=1))
    + np.log(densities.max(axis=1) / 5)})
if not np.isfinite(far).all():
    raise NotYet("log p of an image far from all samples is -inf: its exponentials are 0 in floating point. Take the "
                 "largest exponent out of the sum first, and add it to the logarithm.")
right = -1800 + np.log((1 + np.exp(-2)) / 2) - 4 * np.log(0.5 * np.sqrt(2 * np.pi))
feedback("log p, far away", far, np.array([right]), {})

# %% [markdown]
# σ is chosen on *validation* images, which are neither trained on nor tested on; here the last 200 of the training
# data, which were kept from G. The unit, *nats*, says that the logarithm is the natural one. `metrics.parzen` does
# all of it, in blocks, for 10,000 × 10,000 images.

# %%
M = 200 if FAST else 1000
samples = averaged.sample(gan, M, np.random.default_rng(2))
valid = (train.x[-200:] + 1) / 2
found = metrics.parzen(valid, x_test, x_fake=samples)
print(f"σ = {found.sigma:.3f}: log-likelihood {found.log_likelihood:.1f} ± {found.error:.1f} nats")
square = ((x_test[:20, None].astype(float) - samples[:100]) ** 2).sum(axis=2)
np.testing.assert_allclose(parzen(square, found.sigma, d),
                           metrics.parzen_log_likelihood(x_test[:20], samples[:100], found.sigma), rtol=1e-8)

# %% [markdown]
# ## A second judge: features
#
# A small classifier, trained on the labels, gives class probabilities and a hidden layer of features. The Fréchet
# distance compares the features of samples and images as if both were Gaussian
# ([Eq. (13.14)](../docs/13-metrics.md#eq-13-14)). If the features are uncorrelated, with means $\mu_k$, $\nu_k$ and
# *variances* $\lambda_k$, $\kappa_k$, it becomes
#
# $$ F = \sum_k (\mu_k - \nu_k)^2 + \sum_k \bigl( \lambda_k + \kappa_k - 2 \sqrt{\lambda_k \kappa_k} \bigr). $$
#
# ### Exercise 3: Fréchet, without correlations

# %%
def frechet_diagonal(a, b):
    """F of the rows a (n, k) and b (m, k), from the mean and the variance (over n, not n - 1) of each column."""
    # --- solution: return F, from a and b ---
    return np.sum((a.mean(axis=0) - b.mean(axis=0))**2) + np.sum((a.std(axis=0) - b.std(axis=0))**2)
    # --- end ---


# %% [check]
a, b = np.random.default_rng(4).normal(1, 2, (50, 3)), np.random.default_rng(5).normal(0, [1, 2, 3], (40, 3))
means, spreads = (a.mean(0) - b.mean(0))**2, (a.std(0) - b.std(0))**2
right = metrics.frechet_gaussians(a.mean(0), np.diag(a.var(0)), b.mean(0), np.diag(b.var(0)))
feedback("F", frechet_diagonal(a, b), right, {
    "the means are missing": spreads.sum(),
    "the variances are missing": means.sum(),
    "compare the standard deviations, not the variances": means.sum() + ((a.var(0) - b.var(0))**2).sum(),
    "the cross term -2 √(λκ) is missing": means.sum() + (a.var(0) + b.var(0)).sum(),
    "this is the mean over the features; F is the sum": right / 3,
    "no root at the end: F is the squared distance": np.sqrt(right)})

# %% [markdown]
# ## The table, with its anchors
#
# A number alone says nothing. So the same judges look at three sets that are *not* from a generator: training images,
# 50 centroids (means of 50 groups of similar training images, by k-means), and noise. *Confident* is the share of
# images of which the classifier is at least 90 % sure, *rarest class* the share of the class that it names least
# often, and *nearest* the median distance to the nearest training image: 0 for copies.

# %%
judge = train_classifier(2 * x - 1, labels, np.random.default_rng(6), steps=200 if FAST else 800)
real = judge.features(2 * x_test - 1)
others = np.random.default_rng(7).permutation(len(x))[:M]
sets = {"our G": samples, "training images": x[others],
        "50 centroids": metrics.centroids(x, 50, np.random.default_rng(8)).clip(0, 1),
        "noise": np.random.default_rng(9).random((M, d), dtype=np.float32)}
print(f"{'':<16} Parzen   confident   rarest class   Fréchet   nearest")
scores = {}
for name, images in sets.items():
    p = metrics.parzen(valid, x_test, x_fake=images)
    shares = metrics.class_shares(judge, 2 * images - 1)
    F = metrics.frechet_distance(real, judge.features(2 * images - 1))
    near = metrics.nearest_distance(images[:200], x)
    scores[name] = p.log_likelihood
    print(f"{name:<16} {p.log_likelihood:6.1f} {100 * metrics.confident_share(judge, 2 * images - 1):9.1f} % "
          f"{100 * shares.min():12.1f} % {F:10.1f} {near:9.2f}")
assert scores["noise"] < scores["training images"]

# %% [markdown]
# Read it line by line, and ask what each number does *not* see.
#
# - Training images are the best samples that there are, and copies: their last column is 0. No other number notices.
# - Fifty blurred means stand for all digits, and on MNIST the first column puts them ahead of a thousand real images.
#   In many dimensions Parzen asks how near the nearest sample is, and a mean is near to everything
#   ([chapter 13](../docs/13-metrics.md#eq-13-11)). A generator above the training images is blurred, not better. (In
#   the 64 dimensions of the 8 × 8 digits the real images are still ahead.)
# - Noise, too, can be spread over all classes: the judge must name one for anything. Read *rarest class* beside
#   *confident*.
# - Fréchet falls with the number of samples, even for perfect ones: compare only rows of one length.
#
# Last, look for copies with your own eyes. Below each sample stands the training image that is nearest to it.

# %%
index, _ = metrics.nearest(samples[:10], x)
strips([samples[:10], x[index]], ["Ten samples, not chosen", "The nearest training image of each"])
plt.show()

# %% [markdown]
# ## Where to go from here
#
# - `numpygan study parzen` trains the paper's own recipe (two hidden layers of 1200, maxout, dropout, 250 epochs) and
#   a better one, and scores both by the paper's protocol, with all anchors. It goes on where it was when you stop it.
# - `numpygan evaluate RUN` prints such a table for any run of `numpygan train`.
# - Try it: give G two columns of noise in place of 16. Which of the five numbers notices first?
# - Try it: leave R1 out. What does D answer on images and on samples after a few hundred steps?
#
# **You have seen** a generator of digits grow from the mean image, and five numbers about it, of which none says all,
# and the one of 2014 rewards blur. **Before**: [11 · Training tricks, measured](11_training_tricks_measured.ipynb).
