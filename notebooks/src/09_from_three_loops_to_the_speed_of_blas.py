# %% [markdown]
# # 9 · From three loops to the speed of BLAS

# %% [markdown]
# Nearly all the time of training goes into matrix products. Three loops say what a product is; BLAS, the library
# behind NumPy's `@`, does the same sums about a hundred times as fast, even when a compiler has translated the loops.
# Nothing about it is secret: in this lesson the loops are reordered, unrolled, cut into tiles and written in vectors,
# one step at a time, and each step is explained by what the machine does. The last step is the package's own product,
# which is written in Python, too.
#
# You need: what a matrix product is, and patience with indices. The derivations stand in full in
# [docs/12-kernels.md](../docs/12-kernels.md). Times are those of the machine that ran the notebook; run it on yours.

# %%
import os
import time

import matplotlib.pyplot as plt
import numpy as np
from numba import njit
from threadpoolctl import threadpool_limits

from numpygan.kernels import matmul, team

FAST = "NUMPYGAN_FAST" in os.environ                   # the tests set it: smaller matrices
BLUE, ORANGE, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
N = 128 if FAST else 384                               # the matrices are N by N

# %% [markdown]
# ## What the machine can do
#
# A product of $(n, k)$ by $(k, m)$ multiplies and adds once for every triple of indices, and must at least read both
# factors and write the result ([Eq. (12.1)](../docs/12-kernels.md#eq-12-1)). In float32 a number has four bytes:
#
# $$ F = 2 n k m \text{ operations}, \qquad Q = 4 \thinspace (n k + k m + n m) \text{ bytes}. $$
#
# The cores make at most `peak` operations a second, and memory delivers at most `bandwidth` bytes a second. Whichever
# runs out first sets the limit, the *roofline* (루프라인, [Eq. (12.2)](../docs/12-kernels.md#eq-12-2)).
#
# ### Exercise 1: the roofline
#
# At which speed, in operations a second, can a product run at most?

# %%
def attainable(n, k, m, peak, bandwidth):
    """The highest speed of a float32 product (n, k) by (k, m), in operations a second."""
    # --- solution: return the smaller of two speeds, from the operations and the bytes ---
    operations = 2 * n * k * m
    moved = 4 * (n * k + k * m + n * m)
    return min(peak, bandwidth * operations / moved)
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
shapes = [(1, 1, 1), (1, 100, 50), (7, 3, 2), (300, 200, 100)]
F = np.array([2.0 * n * k * m for n, k, m in shapes])
Q = np.array([4.0 * (n * k + k * m + n * m) for n, k, m in shapes])
read = np.array([4.0 * (n * k + k * m) for n, k, m in shapes])
feedback("attainable", [attainable(*shape, 100.0, 5.0) for shape in shapes], np.minimum(100, 5 * F / Q), {
    "an operation is a multiplication or an addition: there are two for each triple of indices": np.minimum(
        100, 5 * F / 2 / Q),
    "that counts numbers, not bytes: a float32 has four": np.minimum(100, 5 * F * 4 / Q),
    "the result has to be written, too": np.minimum(100, 5 * F / read),
    "the limit is the smaller of the two: the other one is not reached": np.maximum(100, 5 * F / Q),
    "this is the limit of memory alone: the cores have one, too": 5 * F / Q,
    "bytes over operations is the intensity upside down": np.minimum(100, 5 * Q / F)})

# %% [markdown]
# ## Three loops
#
# The definition, $c_{ij} = \sum_k a_{ik} b_{kj}$, compiled. `njit` turns it into machine code; the order of the loops
# stays ours.

# %%
@njit
def three_loops(a, b, c):
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            total = np.float32(0)
            for k in range(a.shape[1]):
                total += a[i, k] * b[k, j]
            c[i, j] = total


# %% [markdown]
# Two things are wrong with it. Each addition waits for the one before, some four cycles (ticks of the core's clock),
# because all go into one `total`. And the innermost loop goes *down* a column of b: numbers that are neighbours there
# lie a whole row apart in memory. Memory is slow, so a core keeps what it has just read in *caches*, small and fast
# memories beside it, the nearest the smallest. A read brings a whole line of sixteen numbers into them, fifteen for
# nothing, unless the line is still there when j comes to them.
#
# ### Exercise 2: another order
#
# The three loops may stand in any order. Which one goes along the rows of b *and* c in its innermost loop? The
# sums are then collected in c itself, so c must start from zero.

# %%
def reordered(a, b, c):
    """c ← a b, with an innermost loop that walks along rows."""
    # --- solution: write the three loops in the order i, k, j; c holds anything when you get it ---
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            c[i, j] = 0
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                c[i, j] += a[i, k] * b[k, j]
    # --- end ---


# %% [check]
class Watched:
    """A matrix that writes down where it is read."""

    def __init__(self, x):
        self.x, self.shape, self.reads = x, x.shape, []

    def __getitem__(self, at):
        self.reads.append(at[0] * self.shape[1] + at[1])
        return self.x[at]

    __array_ufunc__ = None

    def __rmatmul__(self, a):
        raise NotYet("write the loops: `@` is what they are to explain.")


a, b, c = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4), np.full((2, 4), 7.0)
watched = Watched(b)
reordered(a, watched, c)
feedback("c", c, a @ b, {
    "c is as it was. Write into the c that you get, do not make a new one": np.full((2, 4), 7.0),
    "c is not set to 0 before the sums": 7 + a @ b,
    "only the last product is left: set c to 0 once, and add with +=": a[:, -1:] * b[-1],
    "the factor b is missing": np.tile(a.sum(axis=1, keepdims=True), 4)})
along, i, j, k = np.arange(12.0), *np.meshgrid(range(2), range(4), range(3), indexing="ij")
feedback("the places of b that are read", watched.reads, np.tile(along, 2), {
    "that is the order i, j, k: the innermost loop goes down a column of b": (4 * k + j).ravel(),
    "that is the order j, i, k or worse: the innermost loop goes down a column of b": (
        4 * k + j).transpose(1, 0, 2).ravel(),
    "that is the order k, i, j: rows of b, and for each k all of c comes by. Let i be outermost": np.concatenate(
        [along[:4], along[:4], along[4:8], along[4:8], along[8:], along[8:]]),
    "that is the order k, j, i: the innermost loop goes down the columns of a and c": np.repeat(along, 2),
    "that is the order j, k, i: the innermost loop goes down the columns of a and c": np.repeat(
        along.reshape(3, 4).T.ravel(), 2)})

# %% [markdown]
# Now neighbours in the loop are neighbours in memory and do not wait for each other: the compiler turns eight of
# them (sixteen on some machines, four on others) into one *vector instruction*, which does the same to all of them at
# once.
#
# ## Unrolled
#
# What is left? For each multiplication and addition, `reordered` reads a number of c and writes it back. Four values
# of k at a time, and c is read and written a quarter as often.

# %%
@njit(fastmath={"contract"})                            # a * b + c may become one instruction, an FMA
def unrolled(a, b, c):
    c[:] = 0
    for i in range(a.shape[0]):
        for k in range(0, a.shape[1], 4):               # the lesson's sizes are multiples of 4
            a0, a1, a2, a3 = a[i, k], a[i, k + 1], a[i, k + 2], a[i, k + 3]
            for j in range(b.shape[1]):
                c[i, j] += a0 * b[k, j] + a1 * b[k + 1, j] + a2 * b[k + 2, j] + a3 * b[k + 3, j]


# %% [markdown]
# ## Tiled
#
# And b? Every row of c reads all of it, from wherever it fits. A strip of b that is 64 columns wide, copied to a place
# of its own, stays in a near cache while all the rows of a go by, and 64 sums stay in the nearest one.

# %%
@njit(fastmath={"contract"})
def tiled(a, b, c):
    strip = np.empty((a.shape[1], 64), np.float32)
    for left in range(0, b.shape[1], 64):
        strip[:] = b[:, left:left + 64]
        for i in range(a.shape[0]):
            sums = np.zeros(64, np.float32)
            for k in range(0, a.shape[1], 4):
                a0, a1, a2, a3 = a[i, k], a[i, k + 1], a[i, k + 2], a[i, k + 3]
                for j in range(64):
                    sums[j] += a0 * strip[k, j] + a1 * strip[k + 1, j] + a2 * strip[k + 2, j] + a3 * strip[k + 3, j]
            c[i, left:left + 64] = sums


# %% [markdown]
# ## In registers
#
# The last step is to keep the sums out of memory altogether. A core has a few vector *registers*, the places that its
# instructions work on: 16 on most laptops and 32 on some. A tile of c, `r` rows by `v` vectors, is held in them from
# the first k to the last. Each k reads `v` vectors of b, and then one number of a after the other, spread over a
# vector and used for the `v` sums of its row.
#
# ### Exercise 3: how large a tile?
#
# How many registers does the tile need? And how many reads are there for each multiplication-and-addition of vectors
# (an *FMA*, fused multiply-add), if a number of a counts as much as a vector of b ([Eq.
# (12.4)](../docs/12-kernels.md#eq-12-4))?

# %%
def tile(r, v):
    """(registers, reads for each FMA) of a tile of r rows by v vectors."""
    # --- solution: count the sums, the row of b, and one number of a; then divide the reads of one k by its FMAs ---
    registers = r * v + v + 1
    reads = (r + v) / (r * v)
    return registers, reads
    # --- end ---


# %% [check]
r, v = np.array([1, 3, 4, 6, 12, 5]), np.array([1, 3, 3, 2, 2, 1])
yours = np.array([tile(*pair) for pair in zip(r, v, strict=True)], dtype=float)
if yours.shape != (6, 2):
    raise NotYet("tile returns two numbers: registers, reads.")
feedback("registers", yours[:, 0], r * v + v + 1, {
    "the numbers of a come one after the other, in one register": r * v + v + r,
    "the row of b needs registers, too": r * v + 1,
    "the spread number of a needs one, too": r * v + v,
    "these are the factors. The sums need a register each, r times v": r + v})
feedback("reads", yours[:, 1], (r + v) / (r * v), {
    "this is upside down": r * v / (r + v),
    "the vectors of b are read, too: v of them for each k": 1 / v,
    "the numbers of a are read, too: r of them for each k": 1 / r,
    "these are the reads of one k. Divide by its FMAs": r + v})
assert tile(6, 2)[0] <= 16 < tile(7, 2)[0]             # 6 by 2 is what the package takes where there are 16

# %% [markdown]
# No compiler can be relied on to find that tile in three loops. `numpygan/kernels/tiles.py` writes it down, in
# Python, as vectors: it is one loop of twelve FMAs (twenty-four with AVX-512 and its 32 registers), around it the
# strips and the caches.
# `matmul` is the door to it.
#
# ## The race
#
# All of them on the same matrices, on one core each; the last bar is the package's product with all cores. Each is run
# several times in turns, and the fastest run counts: the others were disturbed.

# %%
def vectors(a, b, c):
    with team.limited(1):
        c[:] = matmul(a, b)


def blas(a, b, c):
    np.dot(a, b, out=c)


def all_cores(a, b, c):
    c[:] = matmul(a, b)


CONTESTANTS = {"three loops": three_loops, "reordered": njit(reordered), "unrolled": unrolled, "tiled": tiled,
               "vectors in registers": vectors, "BLAS": blas, "vectors, all cores": all_cores}
rng = np.random.default_rng(0)
a, b = rng.standard_normal((N, N), dtype=np.float32), rng.standard_normal((N, N), dtype=np.float32)
best = dict.fromkeys(CONTESTANTS, np.inf)
with threadpool_limits(1, user_api="blas"):
    for _ in range(3 if FAST else 15):
        for name, product in CONTESTANTS.items():
            c = np.full((N, N), np.nan, np.float32)
            product(a, b, c)                            # the first time it is compiled; and memory is awake
            start = time.perf_counter()
            product(a, b, c)
            best[name] = min(best[name], time.perf_counter() - start)
            off = np.abs(c - a.astype(float) @ b)
            assert np.all(off <= (N + 2) * np.finfo(np.float32).eps * (np.abs(a) @ np.abs(b)))          # Eq. (12.5)
speed = {name: 2 * N**3 / t / 1e9 for name, t in best.items()}

# %% [markdown]
# Python itself, without a compiler, is a race of its own: it is timed on a product of 24 by 24. And the roof: its slope
# is how fast a large array is copied, its top the fastest product of one thread.

# %%
small, wide = np.ones((24, 24), np.float32), np.ones(2_000_000 if FAST else 16_000_000, np.float32)
start = time.perf_counter()
three_loops.py_func(small, small, np.empty_like(small))
speed = {"Python": 2 * 24**3 / (time.perf_counter() - start) / 1e9} | speed
copy, bandwidth = np.empty_like(wide), 0.0
for _ in range(5):
    start = time.perf_counter()
    copy[:] = wide
    bandwidth = max(bandwidth, 2 * wide.nbytes / (time.perf_counter() - start) / 1e9)

fig, (left, right) = plt.subplots(1, 2, figsize=(13, 4.2), layout="constrained")
names = list(speed)
colours = [BLACK if n == "BLAS" else ORANGE if "vectors" in n else BLUE for n in names]
left.barh(names, [speed[n] / speed["three loops"] for n in names], color=colours)
for i, n in enumerate(names):
    ratio = speed[n] / speed["three loops"]
    left.text(ratio * 1.15, i, f"{ratio:.3g} x", va="center")
left.set(xscale="log", xlabel="speed, as a multiple of three compiled loops", ylabel="how it is written",
         title=f"The same product, {N} by {N}, float32")
left.set_xlim(right=max(speed.values()) / speed["three loops"] * 8)
left.invert_yaxis()

top = max(speed["BLAS"], speed["vectors in registers"])
x = np.logspace(-1, 3, 200)
right.plot(x, np.minimum(top, bandwidth * x), color=BLACK, lw=2, label="roof of one core: memory, then arithmetic")
for n, marker, colour in [("three loops", "v", BLUE), ("reordered", "s", BLUE), ("tiled", "D", BLUE),
                          ("vectors in registers", "o", ORANGE)]:
    right.plot(N / 6, speed[n], marker, ms=8, color=colour, label=n, ls="none")
for n, k, m, marker in [(256, 16, 16, "1"), (1024, 128, 128, "2"), (200, 1200, 1200, "3")]:
    limit = attainable(n, k, m, top, bandwidth)
    right.plot(n * k * m / 2 / (n * k + k * m + n * m), limit, marker, ms=14, mew=2, color=GREEN, ls="none",
               label=f"limit of a layer {k} → {m}, batch {n}")
right.set(xscale="log", yscale="log", xlabel="intensity: operations for each byte of memory",
          ylabel="10⁹ operations a second", title="The roofline, and the steps under it")
handles, labels = right.get_legend_handles_labels()
fig.legend(handles, labels, loc="outside right center", frameon=False)
plt.show()

# %% [markdown]
# Read the pictures from above.
#
# - **Python → three loops.** The same order of the same sums; the interpreter is gone.
# - **→ reordered.** Nothing but the order: rows instead of columns, and so vectors.
# - **→ unrolled, tiled.** The same vectors, less traffic to the cache. What it gains depends on the machine and on
#   how much of the matrices fits where: b is 0.6 MB here, and where a near cache holds all of it, tiling may even lose.
# - **→ in registers.** What is left of the traffic stops. From here to the top of the roof there is little to
#   win on one core; BLAS, which was written by hand over decades, stands there, too.
# - **All cores** only help if they are free, and the product is long enough to be shared.
#
# And the roof: the layers of a GAN lie under its flat part, except the smallest. There, and in everything that is not a
# product (activations, losses, Adam), memory is the limit, and the way to be fast is to pass over it less often. That
# is why the package applies the bias and the activation to the sums while they are still in registers, and updates
# all parameters in one pass.
#
# **You have seen** that one product has many orders, that the order decides what the machine waits for, how large
# a tile the registers allow, and how to see from two numbers what is worth improving. More:
# [docs/12-kernels.md](../docs/12-kernels.md), with how threads share a product, and how to add a kernel of your own.
# **Before**: [8 · Wasserstein and the gradient penalty](08_wasserstein_and_the_gradient_penalty.ipynb). **Next**:
# [10 · Mode collapse](10_mode_collapse.ipynb).
