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
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    tanh,
    tanh_backward,
)
from .losses import (
    bce_discriminator,
    bce_with_logits,
    bce_with_logits_backward,
    log_sigmoid,
    log_sigmoid_backward,
    minimax_generator,
    non_saturating_generator,
    softplus,
    softplus_backward,
)
from .optim import adam, momentum, norm, rmsprop, sgd

__all__ = [
    "adam", "affine", "affine_dW", "affine_db", "affine_dx", "bce_discriminator", "bce_with_logits",
    "bce_with_logits_backward", "dropout", "dropout_backward", "dropout_mask", "leaky_relu", "leaky_relu_backward",
    "log_sigmoid", "log_sigmoid_backward", "matmul", "maxout", "maxout_backward", "minimax_generator", "momentum",
    "non_saturating_generator", "norm", "relu", "relu_backward", "rmsprop", "sgd", "sigmoid", "sigmoid_backward",
    "softplus", "softplus_backward", "tanh", "tanh_backward",
]
