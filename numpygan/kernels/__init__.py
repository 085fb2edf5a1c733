"""The equations compiled by Numba: the names and signatures of `functional`, the hot path of the "numba" engine.

All of them, also the few that nothing of ours calls compiled (softplus, log σ, the two cross-entropies): a student's
layer or loss finds the same functions in `c.ops` with either engine.
"""
from .batch import batch_norm, batch_norm_backward, minibatch_std, minibatch_std_backward
from .dense import (
    affine,
    affine_db,
    affine_dW,
    affine_dx,
    matmul,
)
from .elementwise import (
    dropout,
    dropout_backward,
    dropout_mask,
    leaky_relu,
    leaky_relu_backward,
    maxout,
    maxout_backward,
    maxout_jvp,
    relu,
    relu_backward,
    sigmoid_backward,
    sigmoid_curvature,
    tanh_backward,
    tanh_curvature,
)
from .exponential import log_sigmoid, log_sigmoid_backward, sigmoid, softplus, softplus_backward, tanh
from .family import (
    hinge_discriminator,
    least_squares_discriminator,
    least_squares_generator,
    wasserstein_discriminator,
    wasserstein_generator,
)
from .losses import (
    bce_discriminator,
    bce_with_logits,
    bce_with_logits_backward,
    mean_sigmoid,
    minimax_generator,
    non_saturating_generator,
    softmax_cross_entropy,
)
from .optim import adam, average, clip, momentum, norm, rmsprop, sgd
from .penalties import norm_penalty, square_penalty
from .spectral import normalised, normalised_backward, power_iteration, spectral_norm, spectral_norm_backward
from .stack import mlp, mlp_backward, mlp_jvp, mlp_jvp_backward

# beyond the names of `functional`: dense layers fused with their activations, which `Network` alone asks for
FUSED = ("mlp", "mlp_backward", "mlp_jvp", "mlp_jvp_backward", "normalised", "normalised_backward")

__all__ = [
    "adam", "affine", "affine_dW", "affine_db", "affine_dx", "average", "batch_norm", "batch_norm_backward",
    "bce_discriminator", "bce_with_logits", "bce_with_logits_backward", "clip", "dropout", "dropout_backward",
    "dropout_mask", "hinge_discriminator", "leaky_relu", "leaky_relu_backward", "least_squares_discriminator",
    "least_squares_generator", "log_sigmoid", "log_sigmoid_backward", "matmul", "maxout", "maxout_backward",
    "maxout_jvp", "mean_sigmoid", "minibatch_std", "minibatch_std_backward", "minimax_generator", "mlp",
    "mlp_backward", "mlp_jvp", "mlp_jvp_backward", "momentum", "non_saturating_generator", "norm", "norm_penalty",
    "normalised", "normalised_backward", "power_iteration", "relu", "relu_backward", "rmsprop", "sgd", "sigmoid",
    "sigmoid_backward", "sigmoid_curvature", "softmax_cross_entropy", "softplus", "softplus_backward", "spectral_norm",
    "spectral_norm_backward", "square_penalty", "tanh", "tanh_backward", "tanh_curvature", "wasserstein_discriminator",
    "wasserstein_generator",
]
