"""The equations in NumPy: pure functions on plain arrays, one line of mathematics each.

This file is the statement of the mathematics. `tests/naive.py` says the same with loops over scalars,
`numpygan/kernels/` says it fast; all three are compared function by function.

Conventions: `dname` is ∂L/∂name and has the shape of `name`; `dy` comes from above, `dx` goes down.
float32 stays float32 and float64 stays float64; whole numbers become float64. complex128 is accepted wherever the
function is analytic, so that derivatives can be checked by the complex step: every branch goes by the real part, and
|x| is `x` or `-x` by its sign.
What stands above each function is all that is asked of its arrays. An empty batch is a ValueError everywhere: its mean
would be NaN, and NaN is never silent.
"""
import numpy as np

from . import checks


def _abs(x):
    """|x| by the sign of the real part: analytic away from 0, where np.abs would drop the imaginary part.

    A function that adds its own branch to this one must turn at the same place, `x.real < 0`: then it is analytic
    at 0 too.
    """
    return np.where(x.real < 0, -x, x)


# ---------------------------------------------------------------------------------------------- affine maps

@checks.arrays(x="n d", W="d m", b="m")
def affine(x, W, b):
    """y = x W + b                                                                              Eq. (2.1)

    x (n, d_in), W (d_in, d_out), b (d_out,) -> y (n, d_out). One row of x is one example.
    """
    return x @ W + b


@checks.arrays(x="n d", W="d m")
def matmul(x, W):
    """y = x W: Eq. (2.1) without the bias.   x (n, d_in), W (d_in, d_out) -> y (n, d_out)."""
    return x @ W


@checks.arrays(dy="n m", W="d m")
def affine_dx(dy, W):
    """dx = dy Wᵀ                                                                               Eq. (2.2)

    dy (n, d_out), W (d_in, d_out) -> dx (n, d_in).
    """
    return dy @ W.T


@checks.arrays(x="n d", dy="n m")
def affine_dW(x, dy):
    """dW = xᵀ dy                                                                               Eq. (2.3)

    x (n, d_in), dy (n, d_out) -> dW (d_in, d_out): a sum over the batch; the 1/n of a mean is already in dy.
    """
    return x.T @ dy


@checks.arrays(dy="n m")
def affine_db(dy):
    """db = Σᵢ dyᵢ                                                                              Eq. (2.4)

    dy (n, d_out) -> db (d_out,).
    """
    return dy.sum(axis=0)


# ---------------------------------------------------------------------------------------------- activations

@checks.arrays(x="...")
def sigmoid(x):
    """y = σ(x) = 1 / (1 + e⁻ˣ)                                                                 Eq. (2.5)

    Any shape. Only e^−|x| is ever computed, so that no finite x overflows.
    """
    e = np.exp(-_abs(x))
    return np.where(x.real < 0, e, 1) / (1 + e)


@checks.arrays(dy="...", y="...")
def sigmoid_backward(dy, y):
    """dx = dy · y (1 − y)                                                                      Eq. (2.6)

    From the output y = σ(x), which the forward pass has at hand.
    """
    return dy * y * (1 - y)


@checks.arrays(x="...")
def tanh(x):
    """y = tanh x                                                                               Eq. (2.7)"""
    return np.tanh(x)


@checks.arrays(dy="...", y="...")
def tanh_backward(dy, y):
    """dx = dy · (1 − y²)   from the output y = tanh x                                          Eq. (2.8)"""
    return dy * (1 - y * y)


@checks.arrays(x="...")
def relu(x):
    """y = max(x, 0)                                                                            Eq. (2.9)"""
    return np.where(x.real <= 0, 0, x)             # written so that NaN stays NaN


@checks.arrays(dy="...", y="...")
def relu_backward(dy, y):
    """dx = dy where y > 0, else 0   (at the kink, 0: the choice of every framework)           Eq. (2.10)"""
    return np.where(y.real > 0, dy, 0)


@checks.arrays(x="...")
def leaky_relu(x, slope):
    """y = x where x > 0, else slope · x                                                       Eq. (2.11)

    0 <= slope <= 1; Maas, Hannun & Ng 2013, section 2.
    """
    return np.where(x.real > 0, x, slope * x)


@checks.arrays(dy="...", y="...")
def leaky_relu_backward(dy, y, slope):
    """dx = dy where y > 0, else slope · dy                                                    Eq. (2.12)

    From the output: with slope >= 0, y > 0 exactly where x > 0.
    """
    return np.where(y.real > 0, dy, slope * dy)


@checks.arrays(x="n kd")
def maxout(x, k):
    """yⱼ = max of the k inputs jk, …, jk + k − 1 of unit j                                    Eq. (2.16)

    x (n, m·k) -> y (n, m) and index (n, m), the piece that won; the first one on a tie.
    Goodfellow et al. 2013, section 3.
    """
    n, d = x.shape
    if k < 1 or d % k:
        raise ValueError(f"maxout: {d} inputs cannot be shared out to units of k = {k} pieces each: "
                         f"make the layer below a multiple of k wide")
    pieces = x.reshape(n, d // k, k)
    index = pieces.real.argmax(axis=2)
    return np.take_along_axis(pieces, index[:, :, None], axis=2)[:, :, 0], index


@checks.arrays(dy="n d", index="whole n d")
def maxout_backward(dy, index, k):
    """dx = dy at the piece that won, 0 at the others                                          Eq. (2.17)

    dy (n, m), index (n, m) from `maxout` -> dx (n, m·k).
    """
    n, m = dy.shape
    dx = np.zeros((n, m, k), dy.dtype)
    np.put_along_axis(dx, _winners(index, k), dy[:, :, None], axis=2)
    return dx.reshape(n, m * k)


def _winners(index, k):
    """index (n, m) as (n, m, 1); NumPy would take −1 for the last piece."""
    if index.dtype.kind != "i" or index.min() < 0 or index.max() >= k:
        raise ValueError(f"index must hold the winning piece 0 … {k - 1} of every unit")
    return index[:, :, None]


def dropout_mask(shape, rate, rng, dtype):
    """mask = 0 with probability `rate`, else 1 / (1 − rate), so that E[mask] = 1.

    The draw is apart from the function, because a function that draws cannot be differentiated or repeated.
    float32 uniforms for every dtype: the same seed drops the same units.
    """
    keep = rng.random(shape, dtype=np.float32) >= rate
    return keep.astype(dtype) / (1 - rate)


@checks.arrays(x="...", mask="...")
def dropout(x, mask):
    """y = x · mask                                                                            Eq. (2.18)

    Srivastava et al. 2014, section 4, in the inverted form: evaluation needs no rescaling.
    """
    return x * mask


@checks.arrays(dy="...", mask="...")
def dropout_backward(dy, mask):
    """dx = dy · mask                                                                          Eq. (2.19)"""
    return dy * mask


# ---------------------------------------------------------------------------------------- losses on logits

@checks.arrays(x="...")
def softplus(x):
    """y = log(1 + eˣ) = max(x, 0) + log1p(e^−|x|)                                              Eq. (4.1)

    The second form never overflows and keeps its relative precision in both tails.
    """
    return np.where(x.real < 0, 0, x) + np.log1p(np.exp(-_abs(x)))


@checks.arrays(dy="...?", x="...")
def softplus_backward(dy, x):
    """dx = dy · σ(x)                                                                           Eq. (4.2)"""
    return dy * sigmoid(x)


@checks.arrays(x="...")
def log_sigmoid(x):
    """y = log σ(x) = −softplus(−x)                                                             Eq. (4.3)

    No epsilon inside a log, ever: log(σ(x) + ε) has gradient −0.17 instead of −1 at x = −20 for ε = 1e-8.
    """
    return -softplus(-x)


@checks.arrays(dy="...?", x="...")
def log_sigmoid_backward(dy, x):
    """dx = dy · σ(−x)                                                                          Eq. (4.4)"""
    return dy * sigmoid(-x)


@checks.arrays(logit="...", target="...?")
def bce_with_logits(logit, target):
    """ℓ(s, t) = −t log σ(s) − (1 − t) log σ(−s) = softplus(s) − t s                            Eq. (4.5)

    One value per logit; target t in [0, 1]. Written as a sum of two terms >= 0, where softplus(s) − t s would
    cancel for s >> 0 and t = 1. A target that is met at an infinite logit costs nothing.
    """
    linear = np.where(logit.real < 0, _part(target, -logit), _part(1 - target, logit))
    return linear + np.log1p(np.exp(-_abs(logit)))


def _part(t, s):
    """t s, and 0 where t = 0, also of an infinite s."""
    return t * np.where(np.equal(t, 0), 0, s)


@checks.arrays(dy="...?", logit="...", target="...?")
def bce_with_logits_backward(dy, logit, target):
    """ds = dy · (σ(s) − t) = dy · ((1 − t) σ(s) − t σ(−s))                                     Eq. (4.6)

    The second form is the one computed: 1 − σ(s) would cancel for s >> 0.
    """
    return dy * ((1 - target) * sigmoid(logit) - target * sigmoid(-logit))


@checks.arrays(logit_real="...n", logit_fake="...m")
def bce_discriminator(logit_real, logit_fake, alpha, beta=0):
    """L_D = (1/n) Σ ℓ(s_real, α) + (1/m) Σ ℓ(s_fake, β),  which is −V for α = 1, β = 0          Eq. (4.7)
    d_real = ((1 − α) σ(s_real) − α σ(−s_real)) / n,   d_fake likewise with β and m            Eq. (4.8)

    logit_real (n, 1), logit_fake (m, 1); α, β numbers in [0, 1], or one per row -> L_D, d_real (n, 1), d_fake (m, 1).
    Goodfellow et al. 2014, Eq. 1; α < 1 is the one-sided label smoothing of Salimans et al. 2016, section 3.4.
    """
    L = bce_with_logits(logit_real, alpha).mean() + bce_with_logits(logit_fake, beta).mean()
    d_real = bce_with_logits_backward(1 / logit_real.size, logit_real, alpha)
    d_fake = bce_with_logits_backward(1 / logit_fake.size, logit_fake, beta)
    return L, d_real, d_fake


@checks.arrays(logit="...")
def mean_sigmoid(logit):
    """(1/n) Σ σ(sᵢ), accumulated in float64, as a float: what D answers on average.   logit: any shape."""
    return float(np.mean(np.positive(sigmoid(logit), dtype=np.float64)))


@checks.arrays(logit_fake="...")
def minimax_generator(logit_fake):
    """L_G = (1/m) Σ log(1 − σ(s)) = −(1/m) Σ softplus(s)                                       Eq. (4.9)
    d_fake = −σ(s) / m                                                                         Eq. (4.10)

    logit_fake (m, 1) -> L_G, d_fake (m, 1). Vanishes where D is sure (s << 0): the game saturates.
    """
    return -softplus(logit_fake).mean(), -sigmoid(logit_fake) / logit_fake.size


@checks.arrays(logit_fake="...")
def non_saturating_generator(logit_fake):
    """L_G = −(1/m) Σ log σ(s) = (1/m) Σ softplus(−s)                                          Eq. (4.11)
    d_fake = −σ(−s) / m                                                                        Eq. (4.12)

    logit_fake (m, 1) -> L_G, d_fake (m, 1). Bounded: every entry lies in (−1/m, 0).
    """
    return -log_sigmoid(logit_fake).mean(), -sigmoid(-logit_fake) / logit_fake.size


@checks.arrays(logits="n c", labels="whole n")
def softmax_cross_entropy(logits, labels):
    """L = −(1/n) Σᵢ log softmax(sᵢ)[yᵢ] = (1/n) Σᵢ (log Σⱼ e^sᵢⱼ − sᵢ,yᵢ)                       Eq. (4.14)
    ds = (softmax(s) − onehot(y)) / n                                                          Eq. (4.15)

    logits (n, K), labels (n,) whole numbers 0 … K − 1 -> L, ds (n, K). K classes, where `bce_with_logits` has two.
    """
    n, classes = logits.shape
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels must hold {n} whole numbers 0 … {classes - 1}, one for each row of logits")
    rows = np.arange(n)
    s = logits - logits.real.max(axis=1, keepdims=True)
    e = np.exp(s)
    total = e.sum(axis=1, keepdims=True)
    L, softmax = (np.log(total[:, 0]) - s[rows, labels]).mean(), e / total
    softmax[rows, labels] -= 1
    return L, softmax / n


@checks.arrays(logit_real="...n", logit_fake="...m")
def least_squares_discriminator(logit_real, logit_fake):
    """L_D = (1/2n) Σ (s_real − 1)² + (1/2m) Σ s_fake²                                          Eq. (9.1)
    d_real = (s_real − 1) / n,   d_fake = s_fake / m                                            Eq. (9.2)

    logit_real (n, 1), logit_fake (m, 1) -> L_D, d_real, d_fake. Mao et al. 2017, Eq. 9 with a = 0, b = c = 1.
    """
    r, f = logit_real - 1, logit_fake
    return (r * r).mean() / 2 + (f * f).mean() / 2, r / r.size, f / f.size


@checks.arrays(logit_fake="...")
def least_squares_generator(logit_fake):
    """L_G = (1/2m) Σ (s_fake − 1)²                                                             Eq. (9.3)
    d_fake = (s_fake − 1) / m                                                                   Eq. (9.4)

    logit_fake (m, 1) -> L_G, d_fake.
    """
    f = logit_fake - 1
    return (f * f).mean() / 2, f / f.size


@checks.arrays(logit_real="...n", logit_fake="...m")
def hinge_discriminator(logit_real, logit_fake):
    """L_D = (1/n) Σ max(0, 1 − s_real) + (1/m) Σ max(0, 1 + s_fake)                            Eq. (9.5)
    d_real = −1/n where s_real < 1, else 0;   d_fake = 1/m where s_fake > −1, else 0            Eq. (9.6)

    logit_real (n, 1), logit_fake (m, 1) -> L_D, d_real, d_fake. Lim & Ye 2017; Miyato et al. 2018, Eq. 16.
    """
    r, f = 1 - logit_real, 1 + logit_fake
    return (relu(r).mean() + relu(f).mean(),
            relu_backward(np.full_like(r, -1 / r.size), r), relu_backward(np.full_like(f, 1 / f.size), f))


@checks.arrays(logit_real="...n", logit_fake="...m")
def wasserstein_discriminator(logit_real, logit_fake):
    """L_D = −(1/n) Σ s_real + (1/m) Σ s_fake                                                   Eq. (9.7)
    d_real = −1/n,   d_fake = 1/m                                                               Eq. (9.8)

    logit_real (n, 1), logit_fake (m, 1) -> L_D, d_real, d_fake. Arjovsky, Chintala & Bottou 2017, Eq. 3.
    """
    d_real, d_fake = np.full_like(logit_real, -1 / logit_real.size), np.full_like(logit_fake, 1 / logit_fake.size)
    return logit_fake.mean() - logit_real.mean(), d_real, d_fake


@checks.arrays(logit_fake="...")
def wasserstein_generator(logit_fake):
    """L_G = −(1/m) Σ s_fake                                                                    Eq. (9.9)
    d_fake = −1/m                                                                              Eq. (9.10)

    logit_fake (m, 1) -> L_G, d_fake. G's side of the Wasserstein and of the hinge loss.
    """
    return -logit_fake.mean(), np.full_like(logit_fake, -1 / logit_fake.size)


# ---------------------------------------------------------- batches whose rows see each other, bounded weights

def _column_means(x):
    """(1/n) Σᵢ xᵢ, accumulated in float64: NumPy adds up a column row by row, and far from 0 each row rounds."""
    return x.mean(axis=0, dtype=np.result_type(x, np.float64)).astype(x.dtype)


@checks.arrays(x="n d", gamma="d", beta="d")
def batch_norm(x, gamma, beta, eps):
    """x̂ = (x − μ) / √(σ² + eps),   y = γ x̂ + β                                                Eq. (11.2)

    x (n, d), γ (d,), β (d,) -> y (n, d), x̂ (n, d), and the moments of each column of the batch: the mean μ (d,) and
    the variance σ² = (1/n) Σᵢ (xᵢ − μ)² (d,). Ioffe & Szegedy 2015, Algorithm 1.
    """
    mean = _column_means(x)
    centred = x - mean
    var = _column_means(centred * centred)
    x_hat = centred / np.sqrt(var + eps)
    return gamma * x_hat + beta, x_hat, mean, var


@checks.arrays(dy="n d", x_hat="n d", var="d", gamma="d")
def batch_norm_backward(dy, x_hat, var, gamma, eps):
    """dx = γ / √(σ² + eps) · (dy − mean dy − x̂ mean(dy x̂)),   dγ = Σᵢ dyᵢ x̂ᵢ,   dβ = Σᵢ dyᵢ      Eq. (11.3)

    The means are those of the columns: every row moves μ and σ², and so every other row.
    dy (n, d), x̂ and σ² from `batch_norm` -> dx (n, d), dγ (d,), dβ (d,). Ioffe & Szegedy 2015, section 3.
    """
    n = len(dy)
    dgamma, dbeta = (dy * x_hat).sum(axis=0), dy.sum(axis=0)
    return gamma / np.sqrt(var + eps) * (dy - dbeta / n - x_hat * (dgamma / n)), dgamma, dbeta


@checks.arrays(x="n d")
def minibatch_std(x, eps):
    """s = (1/d) Σⱼ √((1/n) Σᵢ (xᵢⱼ − μⱼ)² + eps),   y = x with s as one more column              Eq. (11.5)

    x (n, d) -> y (n, d + 1), and slope (n, d) = ∂s/∂x = (x − μ) / (n d σ), σ the root. Karras et al. 2018, section 3.
    """
    n, d = x.shape
    centred = x - _column_means(x)
    sigma = np.sqrt(_column_means(centred * centred) + eps)
    s = np.full((n, 1), sigma.mean(), sigma.dtype)
    return np.concatenate([x, s], axis=1), centred / (n * d * sigma)


@checks.arrays(dy="n d1", slope="n d")
def minibatch_std_backward(dy, slope):
    """dxᵢⱼ = dyᵢⱼ + ∂s/∂xᵢⱼ · Σₖ dy of the added column                                          Eq. (11.6)

    dy (n, d + 1), slope (n, d) from `minibatch_std` -> dx (n, d). The gradient of every row reaches every row.
    """
    if dy.shape[1] != slope.shape[1] + 1:
        raise ValueError(f"dy has one column more than slope, got {dy.shape} and {slope.shape}")
    return dy[:, :-1] + slope * dy[:, -1].sum()


@checks.arrays(W="d m", v="m")
def power_iteration(W, v):
    """u ← W v / ‖W v‖,   v ← Wᵀ u / ‖Wᵀ u‖                                                      Eq. (11.9)

    W (d_in, d_out), v (d_out,) not 0 -> u (d_in,), v (d_out,), both of length 1: one step towards the singular
    vectors of the largest singular value. Miyato et al. 2018, Algorithm 1. ValueError where W v = 0.
    """
    u = _unit(W @ v)
    return u, _unit(W.T @ u)


def _unit(x):
    """x / ‖x‖, whose squares may be no numbers of that dtype."""
    largest = np.abs(x.real).max()
    if largest == 0:
        raise ValueError("the power iteration met W v = 0, and W / σ(W) is not defined for W = 0: start W at other "
                         "values than zeros")
    x = x / largest
    return x / np.sqrt(np.sum(x * x))


@checks.arrays(W="d m", u="d", v="m")
def spectral_norm(W, u, v):
    """σ = uᵀ W v,   W̄ = W / σ                                                                 Eq. (11.8)

    W (d_in, d_out), u (d_in,), v (d_out,) from `power_iteration` -> W̄ (d_in, d_out), σ. With the singular vectors
    themselves σ is the largest singular value, and x -> x W̄ stretches nothing. Miyato et al. 2018, Eq. 8.
    """
    sigma = u @ W @ v
    return W / sigma, sigma


@checks.arrays(dW_bar="d m", W_bar="d m", u="d", v="m")
def spectral_norm_backward(dW_bar, W_bar, u, v, sigma):
    """dW = (dW̄ − ⟨dW̄, W̄⟩ u vᵀ) / σ,   u and v held fixed                                      Eq. (11.10)

    All from `spectral_norm`; dW̄ (d_in, d_out) -> dW (d_in, d_out). Miyato et al. 2018, Eqs. 9 to 12: at the singular
    vectors σ is stationary in u and v, so nothing is lost by holding them.
    """
    return (dW_bar - np.sum(dW_bar * W_bar) * np.outer(u, v)) / sigma


@checks.arrays(old="...", new="...")
def average(old, new, beta):
    """β · old + (1 − β) · new                                                        Eqs. (11.4), (11.13)

    Any shape. One step of a running mean: of the moments of a batch, or of the parameters of a generator.
    """
    return beta * old + (1 - beta) * new


# ------------------------------------------------------------------------- derivatives of derivatives

@checks.arrays(dy_dot="...", x_dot="...", y="...")
def sigmoid_curvature(dy_dot, x_dot, y):
    """f″(x) ẋ dẏ with σ″ = y (1 − y)(1 − 2y)   from the output y = σ(x)                       Eq. (10.12)"""
    return dy_dot * x_dot * (y * (1 - y) * (1 - 2 * y))


@checks.arrays(dy_dot="...", x_dot="...", y="...")
def tanh_curvature(dy_dot, x_dot, y):
    """f″(x) ẋ dẏ with tanh″ = −2y (1 − y²)   from the output y = tanh x                       Eq. (10.13)"""
    return dy_dot * x_dot * (-2 * y * (1 - y * y))


@checks.arrays(x_dot="n kd", index="whole n d")
def maxout_jvp(x_dot, index, k):
    """ẏⱼ = ẋ at the piece that won: Eq. (10.10) for maxout

    x_dot (n, m·k), index (n, m) from `maxout` -> y_dot (n, m).
    """
    n, m = index.shape
    return np.take_along_axis(x_dot.reshape(n, m, k), _winners(index, k), axis=2)[:, :, 0]


@checks.arrays(u="n d")
def square_penalty(u, gamma):
    """P = (γ/2)(1/n) Σᵢ ‖uᵢ‖²                                                           Eqs. (10.1), (10.2)
    v = ∂P/∂u = (γ/n) u                                                                         Eq. (10.4)

    u (n, d), the gradients of D in its inputs -> P, v (n, d). Mescheder, Geiger & Nowozin 2018, Eqs. 9 and 10.
    """
    n = len(u)
    return (gamma / 2) * np.sum(u * u) / n, (gamma / n) * u


@checks.arrays(u="n d")
def norm_penalty(u, weight):
    """P = λ (1/n) Σᵢ (‖uᵢ‖ − 1)²                                                               Eq. (10.3)
    vᵢ = ∂P/∂uᵢ = (2λ/n)(‖uᵢ‖ − 1) uᵢ / ‖uᵢ‖,   0 where uᵢ = 0                                  Eq. (10.5)

    u (n, d), one norm per row -> P, v (n, d). Gulrajani et al. 2017, Eq. 3.
    """
    n = len(u)
    size = np.sqrt(np.sum(u * u, axis=1, keepdims=True))
    direction = np.divide(u, size, out=np.zeros_like(u), where=size.real > 0)
    return weight * np.sum((size - 1) ** 2) / n, (2 * weight / n) * (size - 1) * direction


# ----------------------------------------------------------------------------------------------- optimisers

@checks.arrays(theta="p", g="p")
def sgd(theta, g, lr):
    """θ ← θ − lr · g                                                                           Eq. (5.1)

    Flat vectors of one length -> theta.
    """
    return theta - lr * g


@checks.arrays(theta="p", g="p", v="p")
def momentum(theta, g, v, lr, mu):
    """v ← μ v + g,   θ ← θ − lr · v                                                            Eq. (5.2)

    Polyak's heavy ball as PyTorch writes it -> theta, v.
    """
    v = mu * v + g
    return theta - lr * v, v


@checks.arrays(theta="p", g="p", s="p")
def rmsprop(theta, g, s, lr, rho, eps):
    """s ← ρ s + (1 − ρ) g²                                                                     Eq. (5.3)
    θ ← θ − lr · g / (√s + eps)                                                                 Eq. (5.4)

    Tieleman & Hinton 2012, lecture 6.5 -> theta, s.
    """
    s = rho * s + (1 - rho) * (g * g)
    return theta - lr * g / (np.sqrt(s) + eps), s


@checks.arrays(theta="p", g="p", m="p", v="p")
def adam(theta, g, m, v, t, lr, beta1, beta2, eps):
    """m ← β₁ m + (1 − β₁) g                                                                    Eq. (5.5)
    v ← β₂ v + (1 − β₂) g²                                                                      Eq. (5.6)
    m̂ = m / (1 − β₁ᵗ),   v̂ = v / (1 − β₂ᵗ)                                                     Eq. (5.7)
    θ ← θ − lr · m̂ / (√v̂ + eps)                                                                 Eq. (5.8)

    Flat vectors of one length; t = 1 at the first step -> theta, m, v. Kingma & Ba 2015, Algorithm 1.
    """
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * (g * g)
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return theta - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


@checks.arrays(theta="p")
def clip(theta, bound):
    """θ ← min(max(θ, −c), c)                                                                  Eq. (11.12)

    A flat vector, c = bound > 0 -> theta. Arjovsky, Chintala & Bottou 2017, Algorithm 1.
    """
    return np.where(theta.real > bound, bound, np.where(theta.real < -bound, -bound, theta))


@checks.arrays(g="p")
def norm(g):
    """‖g‖ = √Σ gᵢ², accumulated in float64, as a float.   g: a flat vector."""
    return float(np.sqrt(np.sum(np.square(g, dtype=np.float64))))
