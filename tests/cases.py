"""How to call every function of `functional`: arguments of any size, precision and memory layout.

A new public function needs one line in `CASES`, its twin in `naive.py` or `naive_family.py`, and its derivatives in
`test_complex_step.py`; the tests fail until it has them.
"""
import inspect

import numpy as np

from numpygan import functional

PUBLIC = sorted(name for name, f in vars(functional).items()
                if inspect.isfunction(f) and f.__module__ == functional.__name__ and not name.startswith("_"))
IN_PLACE = {"sgd": ("theta",), "momentum": ("theta", "v"), "rmsprop": ("theta", "s"), "adam": ("theta", "m", "v"),
            "clip": ("theta",)}
DRAWS = "dropout_mask"                                            # its argument is a generator; tested by itself


def between(x, low=0.0, high=1.0):
    """What an activation with outputs between low and high may have returned."""
    return low + (high - low) / (1 + np.exp(-x))


def _ties(x):
    return np.round(x)


def around(x):
    """What an activation with outputs between -1 and 1 may have returned."""
    return between(x, -1)


def _index(x):
    return (np.abs(np.round(x)) % 3).astype(np.intp)


def _centred(x):
    return x - x.mean(axis=0)


def _above(x):
    """Positive numbers: sums of their products do not cancel."""
    return np.abs(x) + 0.1


def _mask(x):
    return np.where(x < 0, 0, 1 / 0.7)


# name -> (the arguments by name, fan-in). a(shape) draws an array; n rows, d inputs, m outputs.
CASES = {
    "affine": lambda a, n, d, m: (dict(x=a(n, d), W=a(d, m), b=a(m)), d + 1),
    "matmul": lambda a, n, d, m: (dict(x=a(n, d), W=a(d, m)), d),
    "affine_dx": lambda a, n, d, m: (dict(dy=a(n, m), W=a(d, m)), m),
    "affine_dW": lambda a, n, d, m: (dict(x=a(n, d), dy=a(n, m)), n),
    "affine_db": lambda a, n, d, m: (dict(dy=a(n, m)), n),
    "sigmoid": lambda a, n, d, m: (dict(x=a(n, d)), 1),
    "sigmoid_backward": lambda a, n, d, m: (dict(dy=a(n, d), y=a(n, d, to=between)), 1),
    "tanh": lambda a, n, d, m: (dict(x=a(n, d)), 1),
    "tanh_backward": lambda a, n, d, m: (dict(dy=a(n, d), y=a(n, d, to=around)), 1),
    "relu": lambda a, n, d, m: (dict(x=a(n, d)), 1),
    "relu_backward": lambda a, n, d, m: (dict(dy=a(n, d), y=a(n, d, to=lambda x: np.maximum(x, 0))), 1),
    "leaky_relu": lambda a, n, d, m: (dict(x=a(n, d), slope=0.2), 1),
    "leaky_relu_backward": lambda a, n, d, m: (dict(dy=a(n, d), y=a(n, d), slope=0.2), 1),
    "maxout": lambda a, n, d, m: (dict(x=a(n, 3 * d, to=_ties), k=3), 1),
    "maxout_backward": lambda a, n, d, m: (dict(dy=a(n, d), index=a(n, d, to=_index), k=3), 1),
    "dropout": lambda a, n, d, m: (dict(x=a(n, d), mask=a(n, d, to=_mask)), 1),
    "dropout_backward": lambda a, n, d, m: (dict(dy=a(n, d), mask=a(n, d, to=_mask)), 1),
    "softplus": lambda a, n, d, m: (dict(x=a(n, d)), 1),
    "softplus_backward": lambda a, n, d, m: (dict(dy=a(n, d), x=a(n, d)), 1),
    "log_sigmoid": lambda a, n, d, m: (dict(x=a(n, d)), 1),
    "log_sigmoid_backward": lambda a, n, d, m: (dict(dy=a(n, d), x=a(n, d)), 1),
    "bce_with_logits": lambda a, n, d, m: (dict(logit=a(n, 1), target=a(n, 1, to=between)), 1),
    "bce_with_logits_backward": lambda a, n, d, m: (dict(dy=a(n, 1), logit=a(n, 1), target=a(n, 1, to=between)), 1),
    "bce_discriminator": lambda a, n, d, m: (dict(logit_real=a(n, 1), logit_fake=a(m, 1), alpha=0.9), n + m),
    "minimax_generator": lambda a, n, d, m: (dict(logit_fake=a(n, 1)), n),
    "non_saturating_generator": lambda a, n, d, m: (dict(logit_fake=a(n, 1)), n),
    "softmax_cross_entropy": lambda a, n, d, m: (dict(logits=a(n, d + 2), labels=a(n, to=_index)), n + d),
    "least_squares_discriminator": lambda a, n, d, m: (dict(logit_real=a(n, 1), logit_fake=a(m, 1)), n + m),
    "least_squares_generator": lambda a, n, d, m: (dict(logit_fake=a(n, 1)), n),
    "hinge_discriminator": lambda a, n, d, m: (dict(logit_real=a(n, 1), logit_fake=a(m, 1)), n + m),
    "wasserstein_discriminator": lambda a, n, d, m: (dict(logit_real=a(n, 1), logit_fake=a(m, 1)), n + m),
    "wasserstein_generator": lambda a, n, d, m: (dict(logit_fake=a(n, 1)), n),
    "sigmoid_curvature": lambda a, n, d, m: (dict(dy_dot=a(n, d), x_dot=a(n, d), y=a(n, d, to=between)), 1),
    "tanh_curvature": lambda a, n, d, m: (dict(dy_dot=a(n, d), x_dot=a(n, d), y=a(n, d, to=around)), 1),
    "maxout_jvp": lambda a, n, d, m: (dict(x_dot=a(n, 3 * d), index=a(n, d, to=_index), k=3), 1),
    "square_penalty": lambda a, n, d, m: (dict(u=a(n, d), gamma=0.7), n * d),
    "norm_penalty": lambda a, n, d, m: (dict(u=a(n, d), weight=10.0), n * d),
    "batch_norm": lambda a, n, d, m: (dict(x=a(n, d), gamma=a(d), beta=a(d), eps=1e-5), n),
    "batch_norm_backward": lambda a, n, d, m: (
        dict(dy=a(n, d), x_hat=a(n, d, to=_centred), var=a(d, to=np.square), gamma=a(d), eps=1e-5), n),
    "minibatch_std": lambda a, n, d, m: (dict(x=a(n, d), eps=1e-8), n * d),
    "minibatch_std_backward": lambda a, n, d, m: (dict(dy=a(n, d + 1), slope=a(n, d)), n),
    "power_iteration": lambda a, n, d, m: (dict(W=a(d, m, to=_above), v=a(m, to=_above)), d + m),
    "spectral_norm": lambda a, n, d, m: (dict(W=a(d, m, to=_above), u=a(d, to=_above), v=a(m, to=_above)), d * m),
    "spectral_norm_backward": lambda a, n, d, m: (
        dict(dW_bar=a(d, m), W_bar=a(d, m), u=a(d), v=a(m), sigma=2.5), d * m),
    "average": lambda a, n, d, m: (dict(old=a(n, d), new=a(n, d), beta=0.9), 1),
    "clip": lambda a, n, d, m: (dict(theta=a(d * m), bound=1.5), 1),
    "sgd": lambda a, n, d, m: (dict(theta=a(d * m), g=a(d * m), lr=0.1), 1),
    "momentum": lambda a, n, d, m: (dict(theta=a(d * m), g=a(d * m), v=a(d * m), lr=0.1, mu=0.9), 1),
    "rmsprop": lambda a, n, d, m: (
        dict(theta=a(d * m), g=a(d * m), s=a(d * m, to=np.square), lr=0.1, rho=0.9, eps=1e-8), 1),
    "adam": lambda a, n, d, m: (
        dict(theta=a(d * m), g=a(d * m), m=a(d * m), v=a(d * m, to=np.square), t=3, lr=0.1, beta1=0.5, beta2=0.999,
             eps=1e-8), 1),
    "mean_sigmoid": lambda a, n, d, m: (dict(logit=a(n, 1)), n),
    "norm": lambda a, n, d, m: (dict(g=a(d * m)), d * m),
}


# --------------------------------------------------------------------------------------- arrays in odd layouts

def _strided(x):
    """The same values as a view of every second row and every third column of something larger."""
    steps = (slice(1, None, 2), slice(2, None, 3))[:x.ndim]
    big = np.full([2 * x.shape[0] + 1] + [3 * s + 2 for s in x.shape[1:]], 77, x.dtype)
    view = big[steps][tuple(slice(s) for s in x.shape)]
    view[...] = x
    return view


def _reversed(x):
    """The same values, walked backwards through memory along every axis."""
    flip = (slice(None, None, -1),) * x.ndim
    return x[flip].copy()[flip]


LAYOUTS = {"C": lambda x: np.asarray(x, order="C"), "Fortran": lambda x: np.asarray(x, order="F"),
           "strided": _strided, "reversed": _reversed}
SHAPES = {"some rows": (5, 3, 4), "one row": (1, 3, 4), "one column": (5, 1, 4), "one output": (5, 3, 1),
          "one of each": (1, 1, 1), "many": (17, 33, 9)}              # 17 · 33: no multiple of a vector's width


def drawer(dtype, layouts, seed=0):
    """a(*shape): an array of standard normals times 2, one exact zero among them, the layouts in turn."""
    rng = np.random.default_rng(seed)
    turn = 0

    def a(*shape, to=lambda x: x):
        nonlocal turn
        x = 2 * rng.standard_normal(shape)
        x.flat[0] = 0 if x.size > 1 else x.flat[0]
        x = np.asarray(to(x.astype(dtype)))
        x = x if x.dtype.kind == "i" else x.astype(dtype)
        turn += 1
        return LAYOUTS[layouts[turn % len(layouts)]](x)
    return a


def as_tuple(result):
    """The results of a function that returns one or several."""
    return result if isinstance(result, tuple) else (result,)
