"""Derivatives of every analytic function of `functional`, by the complex step and by hand: f(x + ihv) = f + ih f'v.

The backward functions are functions too: penalties differentiate them once more, so they stand here as well.
"""
import numpy as np
import pytest
from cases import CASES, DRAWS, PUBLIC, as_tuple, drawer
from close import error

from numpygan import functional

H = 1e-20


def _s(x):
    return 1 / (1 + np.exp(-x))


def _winner(x, k):
    """1 at the piece of each unit that is largest, as a matrix of x's shape."""
    pieces = x.reshape(len(x), -1, k)
    return (pieces == pieces.max(axis=2, keepdims=True)).reshape(x.shape)


def _spread(dy, index, k):
    """dy at the winning piece, by a comparison in place of an assignment."""
    return (np.reshape(dy, (*np.shape(dy), 1)) * (index[:, :, None] == np.arange(k))).reshape(len(index), -1)


def _rms(theta, g, s, lr, rho, eps, dg=0, ds=0):
    dg, ds = dg + 0 * g, ds + 0 * g
    s_new = rho * s + (1 - rho) * g * g
    ds_new = rho * ds + 2 * (1 - rho) * g * dg
    root = np.sqrt(s_new)
    return -lr * (dg / (root + eps) - g * ds_new / (2 * root * (root + eps)**2)), ds_new


def _adam(theta, g, m, v, t, lr, beta1, beta2, eps, dg=0, dm=0, dv=0):
    dg, dm, dv = dg + 0 * g, dm + 0 * g, dv + 0 * g
    m_hat, root = ((beta1 * m + (1 - beta1) * g) / (1 - beta1**t),
                   np.sqrt((beta2 * v + (1 - beta2) * g * g) / (1 - beta2**t)))
    dm, dv = beta1 * dm + (1 - beta1) * dg, beta2 * dv + 2 * (1 - beta2) * g * dg
    return -lr * (dm / (1 - beta1**t) / (root + eps)
                  - m_hat * dv / (1 - beta2**t) / (2 * root * (root + eps)**2)), dm, dv


def _softmax(v, s, labels):
    p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
    onehot = labels[:, None] == np.arange(s.shape[1])
    return ((p - onehot) * v).sum() / len(s), p * (v - (p * v).sum(axis=1, keepdims=True)) / len(s)


def _norm_penalty(v, u, weight):
    size = np.sqrt((u * u).sum(axis=1, keepdims=True))
    along = (u * v).sum(axis=1, keepdims=True) / size                      # how the norm of each row changes
    return (2 * weight * ((size - 1) * along).mean(),
            2 * weight / len(u) * (v - v / size + u * along / size**2))


def _column_mean(x, v):
    """The derivative of a mean of f(s), given f', along v."""
    return (x * v).mean()


def _batch_norm(v, x, gamma, beta, eps):
    c, dmean = x - x.mean(axis=0), v.mean(axis=0)
    root = np.sqrt((c * c).mean(axis=0) + eps)
    dvar = 2 * (c * v).mean(axis=0)
    dx_hat = (v - dmean) / root - c * dvar / (2 * root**3)
    return gamma * dx_hat, dx_hat, dmean, dvar


def _batch_norm_backward(dy, x_hat, var, gamma, eps, ddy=0, dx_hat=0, dvar=0, dgamma=0):
    """The product rule over dx = gamma / root · (dy − mean dy − x_hat mean(dy x_hat)), and the two sums."""
    root = np.sqrt(var + eps)
    product = ddy * x_hat + dy * dx_hat
    inner = dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0)
    ddy = ddy + 0 * dy
    dinner = ddy - ddy.mean(axis=0) - dx_hat * (dy * x_hat).mean(axis=0) - x_hat * (product + 0 * dy).mean(axis=0)
    return (dgamma / root * inner - gamma * dvar / (2 * root**3) * inner + gamma / root * dinner,
            (product + 0 * dy).sum(axis=0), ddy.sum(axis=0))


def _minibatch_std(v, x, eps):
    n, d = x.shape
    c, w = x - x.mean(axis=0), v - v.mean(axis=0)
    sigma = np.sqrt((c * c).mean(axis=0) + eps)
    dsigma = (c * v).mean(axis=0) / sigma
    return np.column_stack([v, np.full(n, dsigma.mean())]), (w / sigma - c * dsigma / sigma**2) / (n * d)


def _turn(x, dx):
    """How x / ‖x‖ moves with x."""
    size = np.sqrt(x @ x)
    return dx / size - x * (x @ dx) / size**3


def _power_iteration(W, v, dW, dv):
    a, da = W @ v, dW @ v + W @ dv
    u, du = a / np.sqrt(a @ a), _turn(a, da)
    return du, _turn(W.T @ u, dW.T @ u + W.T @ du)


def _spectral_norm(W, u, v, dsigma, dW=0):
    sigma = u @ W @ v
    return dW / sigma - W * dsigma / sigma**2, dsigma


# (name, argument) -> the derivative by hand along v in that argument, of every result.
DERIVATIVES = {
    ("affine", "x"): lambda v, x, W, b: v @ W,
    ("affine", "W"): lambda v, x, W, b: x @ v,
    ("affine", "b"): lambda v, x, W, b: np.ones((len(x), 1)) * v,
    ("matmul", "x"): lambda v, x, W: v @ W,
    ("matmul", "W"): lambda v, x, W: x @ v,
    ("affine_dx", "dy"): lambda v, dy, W: v @ W.T,
    ("affine_dx", "W"): lambda v, dy, W: dy @ v.T,
    ("affine_dW", "x"): lambda v, x, dy: v.T @ dy,
    ("affine_dW", "dy"): lambda v, x, dy: x.T @ v,
    ("affine_db", "dy"): lambda v, dy: v.sum(axis=0),
    ("sigmoid", "x"): lambda v, x: v * _s(x) * _s(-x),
    ("sigmoid_backward", "dy"): lambda v, dy, y: v * y * (1 - y),
    ("sigmoid_backward", "y"): lambda v, dy, y: v * dy * (1 - 2 * y),
    ("tanh", "x"): lambda v, x: v / np.cosh(x)**2,
    ("tanh_backward", "dy"): lambda v, dy, y: v * (1 - y**2),
    ("tanh_backward", "y"): lambda v, dy, y: -2 * v * dy * y,
    ("relu", "x"): lambda v, x: v * (x > 0),
    ("relu_backward", "dy"): lambda v, dy, y: v * (y > 0),
    ("relu_backward", "y"): lambda v, dy, y: 0 * v,
    ("leaky_relu", "x"): lambda v, x, slope: v * (0.2 + 0.8 * (x > 0)),
    ("leaky_relu_backward", "dy"): lambda v, dy, y, slope: v * (0.2 + 0.8 * (y > 0)),
    ("leaky_relu_backward", "y"): lambda v, dy, y, slope: 0 * v,
    ("maxout", "x"): lambda v, x, k: (v[_winner(x, k)].reshape(len(x), -1), None),
    ("maxout_backward", "dy"): lambda v, dy, index, k: _spread(v, index, k),
    ("dropout", "x"): lambda v, x, mask: v * mask,
    ("dropout_backward", "dy"): lambda v, dy, mask: v * mask,
    ("softplus", "x"): lambda v, x: v * _s(x),
    ("softplus_backward", "dy"): lambda v, dy, x: v * _s(x),
    ("softplus_backward", "x"): lambda v, dy, x: v * dy * _s(x) * _s(-x),
    ("log_sigmoid", "x"): lambda v, x: v * _s(-x),
    ("log_sigmoid_backward", "dy"): lambda v, dy, x: v * _s(-x),
    ("log_sigmoid_backward", "x"): lambda v, dy, x: -v * dy * _s(x) * _s(-x),
    ("bce_with_logits", "logit"): lambda v, logit, target: v * (_s(logit) - target),
    ("bce_with_logits_backward", "dy"): lambda v, dy, logit, target: v * (_s(logit) - target),
    ("bce_with_logits_backward", "logit"): lambda v, dy, logit, target: v * dy * _s(logit) * _s(-logit),
    ("bce_discriminator", "logit_real"): lambda v, logit_real, logit_fake, alpha: (
        _column_mean(_s(logit_real) - alpha, v), v * _s(logit_real) * _s(-logit_real) / len(v), 0 * logit_fake),
    ("bce_discriminator", "logit_fake"): lambda v, logit_real, logit_fake, alpha: (
        _column_mean(_s(logit_fake), v), 0 * logit_real, v * _s(logit_fake) * _s(-logit_fake) / len(v)),
    ("minimax_generator", "logit_fake"): lambda v, logit_fake: (
        -_column_mean(_s(logit_fake), v), -v * _s(logit_fake) * _s(-logit_fake) / len(v)),
    ("non_saturating_generator", "logit_fake"): lambda v, logit_fake: (
        -_column_mean(_s(-logit_fake), v), v * _s(logit_fake) * _s(-logit_fake) / len(v)),
    ("softmax_cross_entropy", "logits"): lambda v, logits, labels: _softmax(v, logits, labels),
    ("least_squares_discriminator", "logit_real"): lambda v, logit_real, logit_fake: (
        _column_mean(logit_real - 1, v), v / len(v), 0 * logit_fake),
    ("least_squares_discriminator", "logit_fake"): lambda v, logit_real, logit_fake: (
        _column_mean(logit_fake, v), 0 * logit_real, v / len(v)),
    ("least_squares_generator", "logit_fake"): lambda v, logit_fake: (_column_mean(logit_fake - 1, v), v / len(v)),
    ("hinge_discriminator", "logit_real"): lambda v, logit_real, logit_fake: (
        _column_mean(-1.0 * (logit_real < 1), v), 0 * logit_real, 0 * logit_fake),
    ("hinge_discriminator", "logit_fake"): lambda v, logit_real, logit_fake: (
        _column_mean(1.0 * (logit_fake > -1), v), 0 * logit_real, 0 * logit_fake),
    ("wasserstein_discriminator", "logit_real"): lambda v, logit_real, logit_fake: (
        -v.mean(), 0 * logit_real, 0 * logit_fake),
    ("wasserstein_discriminator", "logit_fake"): lambda v, logit_real, logit_fake: (
        v.mean(), 0 * logit_real, 0 * logit_fake),
    ("wasserstein_generator", "logit_fake"): lambda v, logit_fake: (-v.mean(), 0 * v),
    ("sigmoid_curvature", "dy_dot"): lambda v, dy_dot, x_dot, y: v * x_dot * (y - 3 * y**2 + 2 * y**3),
    ("sigmoid_curvature", "x_dot"): lambda v, dy_dot, x_dot, y: v * dy_dot * (y - 3 * y**2 + 2 * y**3),
    ("sigmoid_curvature", "y"): lambda v, dy_dot, x_dot, y: v * dy_dot * x_dot * (1 - 6 * y + 6 * y**2),
    ("tanh_curvature", "dy_dot"): lambda v, dy_dot, x_dot, y: v * x_dot * (2 * y**3 - 2 * y),
    ("tanh_curvature", "x_dot"): lambda v, dy_dot, x_dot, y: v * dy_dot * (2 * y**3 - 2 * y),
    ("tanh_curvature", "y"): lambda v, dy_dot, x_dot, y: v * dy_dot * x_dot * (6 * y**2 - 2),
    ("maxout_jvp", "x_dot"): lambda v, x_dot, index, k: v[_spread(1, index, k) == 1].reshape(index.shape),
    ("square_penalty", "u"): lambda v, u, gamma: (gamma * (u * v).sum() / len(u), gamma * v / len(u)),
    ("norm_penalty", "u"): lambda v, u, weight: _norm_penalty(v, u, weight),
    ("batch_norm", "x"): lambda v, **args: _batch_norm(v, **args),
    ("batch_norm", "gamma"): lambda v, x, **args: (v * functional.batch_norm(x, **args)[1], 0 * x, 0 * v, 0 * v),
    ("batch_norm", "beta"): lambda v, x, **args: (v + 0 * x, 0 * x, 0 * v, 0 * v),
    ("batch_norm_backward", "dy"): lambda v, **args: _batch_norm_backward(ddy=v, **args),
    ("batch_norm_backward", "x_hat"): lambda v, **args: _batch_norm_backward(dx_hat=v, **args),
    ("batch_norm_backward", "var"): lambda v, **args: _batch_norm_backward(dvar=v, **args),
    ("batch_norm_backward", "gamma"): lambda v, **args: _batch_norm_backward(dgamma=v, **args),
    ("minibatch_std", "x"): lambda v, x, eps: _minibatch_std(v, x, eps),
    ("minibatch_std_backward", "dy"): lambda v, dy, slope: v[:, :-1] + slope * v[:, -1].sum(),
    ("minibatch_std_backward", "slope"): lambda v, dy, slope: v * dy[:, -1].sum(),
    ("power_iteration", "W"): lambda d, W, v: _power_iteration(W, v, d, 0 * v),
    ("power_iteration", "v"): lambda d, W, v: _power_iteration(W, v, 0 * W, d),
    ("spectral_norm", "W"): lambda d, W, u, v: _spectral_norm(W, u, v, u @ d @ v, d),
    ("spectral_norm", "u"): lambda d, W, u, v: _spectral_norm(W, u, v, d @ W @ v),
    ("spectral_norm", "v"): lambda d, W, u, v: _spectral_norm(W, u, v, u @ W @ d),
    ("spectral_norm_backward", "dW_bar"): lambda d, dW_bar, W_bar, u, v, sigma: (
        d - np.sum(d * W_bar) * np.outer(u, v)) / sigma,
    ("spectral_norm_backward", "W_bar"): lambda d, dW_bar, W_bar, u, v, sigma: (
        -np.sum(dW_bar * d) * np.outer(u, v) / sigma),
    ("spectral_norm_backward", "u"): lambda d, dW_bar, W_bar, u, v, sigma: (
        -np.sum(dW_bar * W_bar) * np.outer(d, v) / sigma),
    ("spectral_norm_backward", "v"): lambda d, dW_bar, W_bar, u, v, sigma: (
        -np.sum(dW_bar * W_bar) * np.outer(u, d) / sigma),
    ("average", "old"): lambda v, old, new, beta: beta * v,
    ("average", "new"): lambda v, old, new, beta: (1 - beta) * v,
    ("clip", "theta"): lambda v, theta, bound: np.where(abs(theta) < bound, v, 0),
    ("sgd", "theta"): lambda v, theta, g, lr: v,
    ("sgd", "g"): lambda v, theta, g, lr: -lr * v,
    ("momentum", "theta"): lambda d, theta, g, v, lr, mu: (d, 0 * d),
    ("momentum", "g"): lambda d, theta, g, v, lr, mu: (-lr * d, d),
    ("momentum", "v"): lambda d, theta, g, v, lr, mu: (-lr * mu * d, mu * d),
    ("rmsprop", "theta"): lambda d, theta, g, s, lr, rho, eps: (d, 0 * d),
    ("rmsprop", "g"): lambda d, **args: _rms(dg=d, **args),
    ("rmsprop", "s"): lambda d, **args: _rms(ds=d, **args),
    ("adam", "theta"): lambda d, **args: (d, 0 * d, 0 * d),
    ("adam", "g"): lambda d, **args: _adam(dg=d, **args),
    ("adam", "m"): lambda d, **args: _adam(dm=d, **args),
    ("adam", "v"): lambda d, **args: _adam(dv=d, **args),
}
REAL_ONLY = {"norm", "mean_sigmoid", DRAWS}                                # floats, and a draw


def _away_from_kinks(args, name):
    """No entry within 0.05 of 0, no two pieces of a unit that tie; the signs stay."""
    rng = np.random.default_rng(3)
    for key, value in args.items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and key != "mask":
            value[...] = np.where(value < 0, -1, 1) * (np.abs(value) + 0.05)
            if name == "maxout":
                value[...] += 0.04 * rng.permutation(value.size).reshape(value.shape) / value.size
    return args


def test_every_function_has_its_derivatives_here():
    assert {name for name, _ in DERIVATIVES} == set(PUBLIC) - REAL_ONLY


@pytest.mark.parametrize(("name", "key"), DERIVATIVES, ids="-".join)
def test_the_complex_step_gives_the_derivative(name, key):
    args, _ = CASES[name](drawer(np.float64, ["C"], seed=2), 4, 3, 2)
    args = _away_from_kinks(args, name)
    v = np.random.default_rng(4).standard_normal(args[key].shape)
    expected = as_tuple(DERIVATIVES[name, key](v, **args))
    real = as_tuple(getattr(functional, name)(**args))
    shifted = as_tuple(getattr(functional, name)(**(args | {key: args[key] + 1j * H * v})))
    assert len(shifted) == len(expected)
    for z, r, d in zip(shifted, real, expected, strict=True):
        assert error(np.real(z), r) <= 8 * np.finfo(float).eps           # the value is that of the real argument
        if d is not None:
            assert error(np.imag(z) / H, d) <= 1e-13


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "log_sigmoid", "leaky_relu"])
def test_complex_input_far_out(name):
    """Where e^x would overflow, the branch goes by the real part and the derivative is 0 or the slope at infinity."""
    slopes = {"sigmoid": (0, 0), "tanh": (0, 0), "softplus": (0, 1), "log_sigmoid": (1, 0), "leaky_relu": (0.2, 1)}
    x = np.array([[-1e3, 1e3]])
    args = {"slope": 0.2} if name == "leaky_relu" else {}
    z = getattr(functional, name)(x + 1j * H, **args)
    assert np.isfinite(z).all()
    assert error(z.imag / H, [slopes[name]]) <= 1e-13


@pytest.mark.parametrize("h", [H, -H])
def test_complex_input_at_zero(h):
    """Smooth functions written with two branches have a derivative where the branches meet, and logits are often 0."""
    z, zeros = np.full((2, 1), 1j * h), np.zeros((3, 1))
    slopes = {"sigmoid": (1 / 4,), "tanh": (1,), "softplus": (1 / 2,), "log_sigmoid": (1 / 2,),
              "bce_with_logits": (1 / 2 - 0.9, 0.9), "minimax_generator": (-1 / 2,),
              "non_saturating_generator": (-1 / 2,), "bce_discriminator": (1 / 2 - 0.9, zeros, 0.9)}
    for name, (slope, *others) in slopes.items():
        first = as_tuple(getattr(functional, name)(z, *others))[0]
        assert error(np.mean(first).imag / h, slope) <= 1e-13, name


@pytest.mark.parametrize("h", [H, -H])
def test_complex_input_at_a_kink_goes_by_the_real_part(h):
    """NumPy orders complex numbers by the imaginary part where the real parts tie; that must not choose the side."""
    z, one = np.array([[1j * h]]), np.ones((1, 1))
    assert functional.relu(z).imag == 0                                    # as backward chooses: 0 and the slope
    assert functional.leaky_relu(z, 0.25).imag == 0.25 * h
    assert functional.relu_backward(one, z) == 0
    assert functional.leaky_relu_backward(one, z, 0.25) == 0.25
    y, index = functional.maxout(np.array([[2, 2 + 1j * h, 2 - 1j * h]]), 3)
    assert y == 2
    assert index == 0                                                      # the first of equals


@pytest.mark.parametrize("function", [functional.norm, functional.mean_sigmoid])
def test_what_returns_a_float_refuses_complex_numbers_rather_than_drop_their_imaginary_part(function):
    with pytest.raises(TypeError):
        function(np.array([1 + 1j]))
