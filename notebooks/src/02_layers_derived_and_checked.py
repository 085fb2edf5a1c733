# %% [markdown]
# # 2 · Layers, derived and checked

# %% [markdown]
# A network is a stack of *layers* (층), and each layer is two functions: one that goes forward and one that
# brings the gradient (기울기) back. In this lesson you derive the second from the first, check it to the last
# digit that the computer has, write a layer of your own, and watch the chain rule (연쇄법칙) run through a
# whole stack.
#
# You need: the chain rule for several variables, and `x @ W`. The derivations stand in full in
# [docs/2-layers.md](../docs/2-layers.md).

# %%
import matplotlib.pyplot as plt
import numpy as np

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"  # from the palette of Okabe and Ito: told apart by every eye
rng = np.random.default_rng(0)

# %% [markdown]
# ## How do you know that a derivative is right?
#
# You compute it in a second way, and compare. Here are two ways that need nothing but the function itself,
# tried on the sigmoid $\sigma(x) = 1 / (1 + e^{-x})$, whose derivative we know:
# $\sigma' = \sigma (1 - \sigma)$.
#
# **Central differences** (중심 차분), [Eq. (2.23)](../docs/2-layers.md#eq-2-23). Step a little to both sides:
#
# $$ f'(x) \approx \frac{f(x + h) - f(x - h)}{2h}. $$
#
# **The complex step** (복소 스텝 미분), [Eq. (2.22)](../docs/2-layers.md#eq-2-22). Step a little in the imaginary
# direction:
#
# $$ f'(x) \approx \frac{\operatorname{Im} f(x + i h)}{h}. $$

# %%
def sigmoid(x):
    return 1 / (1 + np.exp(-x))                        # also for complex x


x = 1.0
f = sigmoid(x)
df, d3f = f * (1 - f), f * (1 - f) * (1 - 6 * f + 6 * f**2)      # first and third derivative
steps = np.logspace(-20, 0, 81)
central = np.abs((sigmoid(x + steps) - sigmoid(x - steps)) / (2 * steps) - df) / df
imaginary = np.abs(sigmoid(x + 1j * steps).imag / steps - df) / df

eps = np.finfo(float).eps                              # 2.2e-16: the distance from 1 to the next number
fig, ax = plt.subplots(figsize=(7, 3.8))
ax.loglog(steps, np.maximum(central, eps / 10), color=ORANGE, lw=5, label="central differences")
ax.loglog(steps, np.maximum(imaginary, eps / 10), color=BLUE, lw=2, label="complex step")
ax.loglog(steps, eps * f / steps / df, ":", color="black", lw=1, label="rounding, ε |f| / h")
ax.loglog(steps, steps**2 * abs(d3f) / 6 / df, "--", color="black", lw=1, label="truncation, h² |f‴| / 6")
ax.axhline(eps, color=GREEN, lw=1, label="ε, the last digit")
ax.set(title="Two derivatives of σ at x = 1, from the function alone", xlabel="step h", ylabel="relative error",
       ylim=(1e-18, 10))
ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
plt.show()

# %% [markdown]
# Both errors come from Taylor's series. For real steps,
# $f(x \pm h) = f \pm h f' + \tfrac12 h^2 f'' \pm \tfrac16 h^3 f''' + \dots$, so the difference of the two is
# $2h f' + \tfrac13 h^3 f'''$: the *truncation error* falls like $h^2$ (dashed line). But $f(x+h)$ and $f(x-h)$
# agree in more and more digits, and their difference keeps what is left of them: the *rounding error* grows
# like $1/h$ (dotted). The best compromise lies near $h = \varepsilon^{1/3}$, and it costs you a third of all
# digits. That is the V.
#
# With $ih$ for $h$ the series is $f + i h f' - \tfrac12 h^2 f'' - \tfrac{i}{6} h^3 f''' + \dots$: the
# derivative is alone in the imaginary part. **Nothing is subtracted**, so $h$ may be as small as you like. We
# take $10^{-20}$, and $h^2$ is gone.

# %%
best = steps[central.argmin()]
print(f"central differences: the best h is {best:.0e}, and leaves an error of about 1e{np.log10(central.min()):.0f}")
print(f"complex step: for every h below 1e-8 the error is at most {imaginary[steps < 1e-8].max() / eps:.0f} ε")
assert imaginary[steps < 1e-8].max() <= 4 * eps
assert central.min() > 4 * eps

# %% [markdown]
# Now for arrays: one entry at a time. A layer's output is an array, but a gradient belongs to *one number* $L$.
# So we choose random weights $dy$ and take $L = \sum_{ij} dy_{ij}\, y_{ij}$. Then $\partial L / \partial y$ is
# $dy$, and a layer that gets this $dy$ from above must hand down $\partial L/\partial x$.
#
# **One convention for all that follows**: `dname` is $\partial L/\partial\,$`name`, and has the shape of
# `name`.

# %%
def complex_step(f, x, h=1e-20):
    """∂f/∂x for a number f(x), one entry of x at a time."""
    g = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[i] += 1j * h
        g[i] = f(moved).imag / h
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


# %% [markdown]
# ## The affine layer
#
# A row of $x$ is one example; $W$ has one column per output ([Eq. (2.1)](../docs/2-layers.md#eq-2-1)):
#
# $$ y = x W + b, \qquad y_{ij} = \sum_k x_{ik} W_{kj} + b_j. $$
#
# The derivation is bookkeeping. Take one entry of the input, ask where it goes, and add up over all these
# places. $x_{ik}$ enters $y_{i1}, y_{i2}, \dots$, each with the weight $W_{kj}$:
#
# $$ \frac{\partial L}{\partial x_{ik}}
#    = \sum_j \frac{\partial L}{\partial y_{ij}} \frac{\partial y_{ij}}{\partial x_{ik}}
#    = \sum_j dy_{ij} W_{kj} = (dy\, W^\top)_{ik}. $$
#
# ### Exercise 1: the three gradients of an affine layer
#
# That was $dx$ ([Eq. (2.2)](../docs/2-layers.md#eq-2-2)). In the same way find $dW$ and $db$
# ([Eqs. (2.3) and (2.4)](../docs/2-layers.md#eq-2-3)): where does $W_{kj}$ go? Where does $b_j$ go? Then write
# all three.

# %%
def affine(x, W, b):
    return x @ W + b


def affine_backward(x, W, dy):
    """dx, dW and db of y = x W + b, for dy = ∂L/∂y."""
    # --- solution: dx, dW and db, each with the shape of its namesake ---
    dx = dy @ W.T
    dW = x.T @ dy
    db = dy.sum(axis=0)
    # --- end ---
    return dx, dW, db


# %% [check]
x, W, b, dy = rng.normal(size=(4, 3)), rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=(4, 3))
dx, dW, db = affine_backward(x, W, dy)
right = complex_step(lambda x: np.sum(dy * affine(x, W, b)), x)
feedback("dx", dx, right, {
    "W is not transposed. dx_ik sums over the outputs j, the second index of W": dy @ W,
    "the sign is wrong": -right})
right = complex_step(lambda W: np.sum(dy * affine(x, W, b)), W)
feedback("dW", dW, right, {
    "this is the transposed gradient. The rows of dW belong to the inputs, as those of W do": right.T,
    "this is a mean over the batch. The 1/n of a mean loss is already in dy, so dW is a sum": right / len(x),
    "the sign is wrong": -right})
right = complex_step(lambda b: np.sum(dy * affine(x, W, b)), b)
feedback("db", db, right, {
    "b_j goes into every row i, so db_j is a sum over the rows": dy,
    "you sum over the outputs. b_j goes into every row i: sum over the rows": dy.sum(axis=1),
    "this is a mean over the batch. The 1/n of a mean loss is already in dy, so db is a sum": right / len(x),
    "shape (1, 3) is not that of b, which is (3,)": right[None],
    "the sign is wrong": -right})

# %% [markdown]
# People often find $dW$ by trying transposes until the shapes fit. Here $W$ is square, on purpose: then every
# wrong transpose fits, too, and only the numbers tell.
#
# ## Activations
#
# Between the affine maps stands a function of one variable, applied to each entry: the *activation function*
# (활성화 함수). Each $x_{ij}$ goes into one $y_{ij}$ only, so the chain rule has one term:
# $dx = dy \cdot f'(x)$.
#
# ### Exercise 2: the sigmoid, from its output
#
# Show that $\sigma'(x) = \sigma(x)\,(1 - \sigma(x))$ ([Eq. (2.6)](../docs/2-layers.md#eq-2-6)). It needs the
# *output* $y = \sigma(x)$ only, which the forward pass has at hand. So the function gets `y`, not `x`.

# %%
def sigmoid_backward(dy, y):
    """dx for y = σ(x), from dy and the output y."""
    # --- solution: return dx, from dy and y ---
    return dy * y * (1 - y)
    # --- end ---


# %% [check]
inputs, dy = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
y = sigmoid(inputs)
right = complex_step(lambda x: np.sum(dy * sigmoid(x)), inputs)
feedback("dx", sigmoid_backward(dy, y), right, {
    "this function is given no x: yours comes from a cell further up. Use y": dy * sigmoid(x) * (1 - sigmoid(x)),
    "y is the output already. You have put it through σ once more": dy * sigmoid(y) * (1 - sigmoid(y)),
    "dy is missing. This is σ', and the chain rule multiplies by what comes from above": right / dy,
    "the factor 1 - y is missing": dy * y,
    "the factor y is missing": dy * (1 - y),
    "the sign is wrong: y (1 - y) is positive": -right,
    "1 - y² belongs to tanh": dy * (1 - y**2)})

# %% [markdown]
# **Leaky ReLU** ([Eqs. (2.11) and (2.12)](../docs/2-layers.md#eq-2-11)) is two straight lines: slope 1 for
# $x > 0$, a small slope $a$ elsewhere. So $dx = dy$ or $a \cdot dy$. The sign of $y$ is that of $x$, and again
# the output is enough.

# %%
def leaky_relu(x, slope=0.2):
    return np.where(x.real > 0, x, slope * x)


def leaky_relu_backward(dy, y, slope=0.2):
    return np.where(y > 0, dy, slope * dy)


# %% [markdown]
# Two things can go wrong in *checking* it, and it is good to have seen them once.

# %%
at_kink, h = np.array([2e-6]), 1e-5
difference = (leaky_relu(at_kink + h) - leaky_relu(at_kink - h)) / (2 * h)
print("1. A kink within reach of h.")
print(f"   The derivative of leaky ReLU at 2e-6 is 1; central differences with h = 1e-5 say {difference[0]:.2f}.")

x = np.array([-2.0])
dropped = complex_step(lambda x: np.sum(np.abs(x)), x)
kept = complex_step(lambda x: np.sum(np.where(x.real < 0, -x, x)), x)
print("2. A function that drops the imaginary part.")
print(f"   The derivative of |x| at -2 is -1; the complex step through np.abs says {dropped[0]:.0f}, and through")
print(f"   np.where(x.real < 0, -x, x) it says {kept[0]:.0f}.")

# %% [markdown]
# So: keep away from kinks, and where a function has branches let the *real part* choose the branch. Everything
# in `numpygan.functional` is written like that.
#
# Lines are the derivatives as we wrote them, dots are the complex step:

# %%
x = np.linspace(-5, 5, 200)[None]                      # 200 points, none of them on the kink
dots = x[:, ::8]
ones = np.ones_like(x)
curves = {"sigmoid": (sigmoid, sigmoid_backward, BLUE),
          "leaky ReLU, slope 0.2": (leaky_relu, leaky_relu_backward, ORANGE)}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for name, (forward, backward, colour) in curves.items():
    axes[0].plot(x[0], forward(x)[0], color=colour, label=name)
    axes[1].plot(x[0], backward(ones, forward(x))[0], color=colour)
    axes[1].plot(dots[0], complex_step(lambda x, f=forward: np.sum(f(x)), dots)[0], "o", ms=4, color=colour)
axes[0].set(title="The functions", xlabel="x", ylabel="y")
axes[1].set(title="Their derivatives, and the complex step", xlabel="x", ylabel="dy/dx")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
plt.show()

# %% [markdown]
# Remember the right-hand picture: the derivative of the sigmoid is never more than ¼.
#
# ## A layer of your own
#
# *Swish* is $y = x\,\sigma(x)$ ([Eq. (2.14)](../docs/2-layers.md#eq-2-14)): a smooth relative of ReLU. In
# `numpygan` a layer is a class with two methods. `forward` returns the output and a *cache*, whatever
# `backward` will need. `backward` returns `dx` and a dictionary with the gradients of the layer's parameters,
# here none. `p` has the layer's parameters, and `c.ops` the functions of the *engine*, which does the arithmetic: plain
# NumPy, or code compiled by Numba.
#
# Note what is not there: `self.x = x`. A layer remembers nothing. We shall see why.
#
# ### Exercise 3: the derivative of Swish
#
# Find $y'$ with the product rule ([Eq. (2.15)](../docs/2-layers.md#eq-2-15)).

# %%
import numpygan as ng


class Swish(ng.Layer):
    """y = x σ(x)"""

    def forward(self, p, x, c):
        s = c.ops.sigmoid(x)
        return x * s, (x, s)

    def backward(self, p, cache, dy, c):
        x, s = cache
        # --- solution: return dx and {}, with dx from dy, x and s = σ(x) ---
        return dy * (s + x * s * (1 - s)), {}
        # --- end ---


# %% [check]
x, dy = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
c = ng.Context(ops=ng.functional)
s = sigmoid(x)
right = complex_step(lambda x: np.sum(dy * Swish().forward({}, x, c)[0]), x)
yours = Swish().backward({}, (x, s), dy, c)
feedback("dx", None if yours is None else yours[0], right, {
    "half of the product rule is missing: σ depends on x, too": dy * s,
    "half of the product rule is missing: the x in front has derivative 1": dy * x * s * (1 - s),
    "dy is missing. The chain rule multiplies by what comes from above": right / dy,
    "backward returns two things, dx and {}, with a comma between": right[0],
    "the derivative of σ is s (1 - s), not y (1 - y)": dy * (s + x * s * (1 - x * s)),
    "the factor x of the second term is missing": dy * (s + s * (1 - s)),
    "this dx comes from exercise 1, further up. Compute it here, from dy, x and s": dx,
    "the sign is wrong": -right})

# %% [markdown]
# `ng.check.layer` does all this, and more, for any layer: both methods, `dx` and every parameter, both engines,
# shapes, number types, and whether you changed your inputs by accident. It returns a table:

# %%
ng.check.layer(Swish(), x_shape=(5, 3))

# %% [markdown]
# And it must be able to fail. Here is the most common wrong derivative, and one that is right except that it
# works on its input in place:

# %%
class HalfSwish(Swish):
    def backward(self, p, cache, dy, c):
        x, s = cache
        return dy * s, {}                              # σ depends on x, too


class InPlaceSwish(Swish):
    def backward(self, p, cache, dy, c):
        x, s = cache
        dy *= s + x * s * (1 - s)                      # overwrites what belongs to the layer above
        return dy, {}


for layer in (HalfSwish(), InPlaceSwish()):
    try:
        ng.check.layer(layer, x_shape=(5, 3))
    except ng.check.GradientError as e:
        print(e, end="\n\n")
    else:
        raise AssertionError("a wrong layer has passed")

# %% [markdown]
# ## The chain through a stack
#
# A network is $y = f_L(\dots f_2(f_1(x)))$. Going back ([Eq. (2.13)](../docs/2-layers.md#eq-2-13)), the $dx$ of
# each layer is the $dy$ of the one below. That is *all* of backpropagation (역전파). By hand, for a small
# discriminator (판별자) with the non-saturating loss of lesson 1:

# %%
x = rng.normal(size=(6, 2))
W1, b1, W2, b2 = rng.normal(size=(2, 4)), rng.normal(size=4), rng.normal(size=(4, 1)), rng.normal(size=1)
swish = Swish()

h = affine(x, W1, b1)                                  # forward, and keep what the way back needs
y, cache = swish.forward({}, h, c)
logit = affine(y, W2, b2)
L = np.log1p(np.exp(-logit)).mean()

d_logit = -sigmoid(-logit) / len(x)                    # backward: the same lines from below
dy, dW2, db2 = affine_backward(y, W2, d_logit)
dh, _ = swish.backward({}, cache, dy, c)
dx, dW1, db1 = affine_backward(x, W1, dh)
print(f"L = {L:.4f}; the gradients have the shapes {dx.shape}, {dW1.shape}, {db1.shape}, {dW2.shape}, {db2.shape}")

# %% [markdown]
# `ng.Network` does the same with any list of layers. All its parameters lie in one vector `theta`, layer by
# layer; so their gradient is one vector, too. `forward` returns the output and a *tape* with the caches of all
# layers, and `backward` plays it back.

# %%
net = ng.Network([ng.Dense(4), Swish(), ng.Dense(1)], 2, rng=rng, dtype=np.float64, engine="numpy")
net.theta = np.concatenate([W1.ravel(), b1, W2.ravel(), b2])
print(net)

logit_net, tape = net.forward(x)
dx_net, g = net.backward(tape, d_logit)
by_hand = np.concatenate([dW1.ravel(), db1, dW2.ravel(), db2])
assert np.abs(logit_net - logit).max() <= 1e-14
assert np.abs(dx_net - dx).max() <= 1e-14
assert np.abs(g - by_hand).max() <= 1e-14

# %% [markdown]
# The same to the last digit. And both against the complex step: `theta=` runs the network at other parameters,
# complex ones included, so that we can move each of the 17 parameters in turn.

# %%
def loss_at(theta):
    s = net.forward(x, theta=theta)[0]
    return np.log1p(np.exp(-s)).mean()


numeric = complex_step(loss_at, net.theta)
error = np.abs(g - numeric).max() / np.abs(numeric).max()
print(f"{g.size} parameters, largest error 1e{np.log10(max(error, eps / 10)):.0f} of the largest gradient")
assert error <= 1e-13

# %% [markdown]
# ## Why a layer remembers nothing
#
# In a GAN the discriminator runs on real *and* on fake samples before either gradient is taken, and the
# generator's (생성자) gradient goes through it, too. If a layer kept its cache on `self`, the second pass would
# overwrite the first. No error, no warning: the gradient is just wrong. How wrong? Use the fakes' tape for both
# halves, and see:

# %%
x_real, x_fake = rng.normal(1, 1, (64, 2)), rng.normal(-1, 1, (64, 2))
logit_real, tape_real = net.forward(x_real)
logit_fake, tape_fake = net.forward(x_fake)
_, d_real, d_fake = ng.losses.NonSaturating().discriminator(logit_real, logit_fake)

g_right = net.backward(tape_real, d_real)[1] + net.backward(tape_fake, d_fake)[1]
g_overwritten = net.backward(tape_fake, d_real)[1] + net.backward(tape_fake, d_fake)[1]
cosine = g_right @ g_overwritten / np.linalg.norm(g_right) / np.linalg.norm(g_overwritten)
print(f"cosine of the angle between the right gradient and the overwritten one: {cosine:.2f}")

# %% [markdown]
# 1 would be the right direction; below 0 the step even leads away from it. It is not always that bad: many GANs that
# people write in NumPy have this fault, and still learn a little, which is why it stays unnoticed. So in `numpygan` a
# tape is a value: you can hold as many as you like.
#
# ## What depth does to a gradient
#
# In the chain through 20 layers there are 20 factors $f'$. For the sigmoid each is at most ¼ (the picture
# above). Here is the length $\lVert dx \rVert$ (root of the sum of squares) on its way down through 20 layers of width
# 64, for three activations, each with the
# initial weights that are usual for it ([Eqs. (2.20) and (2.21)](../docs/2-layers.md#eq-2-20)):

# %%
DEPTH, WIDTH = 20, 64
stacks = {"leaky ReLU": (ng.LeakyReLU(), ng.init.he, BLUE), "Swish": (Swish(), ng.init.he, ORANGE),
          "sigmoid": (ng.Sigmoid(), ng.init.glorot, GREEN)}
fig, ax = plt.subplots(figsize=(7, 3.6))
for name, (activation, init, colour) in stacks.items():
    draw = np.random.default_rng(1)
    layers = []
    for _ in range(DEPTH):
        layers += [ng.Dense(WIDTH, init=init), activation]
    deep = ng.Network(layers, WIDTH, rng=draw, dtype=np.float64, engine="numpy")
    views = deep.params()
    y, tape = deep.forward(draw.normal(size=(32, WIDTH)))
    dx = draw.normal(size=y.shape)
    norms = [np.linalg.norm(dx)]
    for i in reversed(range(len(layers))):             # Network.backward, one layer at a time
        p = {key.split(".")[1]: value for key, value in views.items() if key.split(".")[0] == str(i)}
        dx, _ = layers[i].backward(p, tape.caches[i], dx, c)
        if i % 2 == 0:
            norms.append(np.linalg.norm(dx))
    ax.semilogy(np.arange(DEPTH, -1, -1), np.array(norms) / norms[0], "o-", ms=4, color=colour, label=name)
ax.set(title="The gradient on its way down", xlabel="layers below (20: the output, 0: the input)",
       ylabel="‖dx‖ / ‖dy at the output‖", xlim=(DEPTH + 0.5, -0.5), xticks=range(0, DEPTH + 1, 5))
ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
plt.show()

# %% [markdown]
# Through 20 sigmoids next to nothing arrives at the lowest layer. That is why hidden layers are leaky ReLUs (or
# their like), and why the sigmoid has one place only: at the very end of D, inside the loss.
#
# **You have seen** all derivatives that a network of this package needs; `numpygan/functional.py` has them in
# this form, and [docs/2-layers.md](../docs/2-layers.md) derives the rest. **Before**:
# [1 · A GAN on one page](01_gan_on_one_page.ipynb). **Next**:
# [3 · The optimal discriminator](03_the_optimal_discriminator.ipynb).
