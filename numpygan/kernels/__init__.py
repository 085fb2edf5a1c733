"""The equations compiled by Numba: the names and signatures of `functional`, the hot path of the "numba" engine."""
from ..functional import dropout_mask
from .dense import affine, affine_db, affine_dW, affine_dx, matmul
from .elementwise import (
    dropout,
    dropout_backward,
    leaky_relu,
    leaky_relu_backward,
    maxout,
    maxout_backward,
    maxout_jvp,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    sigmoid_curvature,
    tanh,
    tanh_backward,
    tanh_curvature,
)
from .losses import (
    bce_discriminator,
    bce_with_logits,
    bce_with_logits_backward,
    hinge_discriminator,
    least_squares_discriminator,
    least_squares_generator,
    log_sigmoid,
    log_sigmoid_backward,
    minimax_generator,
    non_saturating_generator,
    softmax_cross_entropy,
    softplus,
    softplus_backward,
    wasserstein_discriminator,
    wasserstein_generator,
)
from .optim import adam, momentum, norm, rmsprop, sgd
from .penalties import norm_penalty, square_penalty

__all__ = [
    "adam", "affine", "affine_dW", "affine_db", "affine_dx", "bce_discriminator", "bce_with_logits",
    "bce_with_logits_backward", "dropout", "dropout_backward", "dropout_mask", "hinge_discriminator", "leaky_relu",
    "leaky_relu_backward", "least_squares_discriminator", "least_squares_generator", "log_sigmoid",
    "log_sigmoid_backward", "matmul", "maxout", "maxout_backward", "maxout_jvp", "minimax_generator", "momentum",
    "non_saturating_generator", "norm", "norm_penalty", "relu", "relu_backward", "rmsprop", "sgd", "sigmoid",
    "sigmoid_backward", "sigmoid_curvature", "softmax_cross_entropy", "softplus", "softplus_backward",
    "square_penalty", "tanh", "tanh_backward", "tanh_curvature", "wasserstein_discriminator", "wasserstein_generator",
]
