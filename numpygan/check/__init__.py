"""Gradient checks: is a hand-written derivative the derivative of what was written?

    check.layer(Swish(), x_shape=(5, 3))        one layer: shapes, dtypes, side effects, dx and every parameter
    check.loss(MyLoss())                        one loss on logits: its gradients, its mean, its tails
    check.network(net)                          a stack of layers: dx and every parameter
    check.gan(G, D, loss)                       L_D and L_G with respect to every parameter, and one step of each

Each returns a `Report`, whose repr is a table of what was compared, how, and how close it came; or raises a
`GradientError`, an AssertionError that says what is wrong in a sentence. Nothing that is passed in is changed.

Derivatives are taken by the complex step, Eq. (2.22), to 1e-13; where code drops the imaginary part, by central
differences, Eq. (2.23), to 1e-7; where there are many parameters, along random directions.
"""
from .gans import gan
from .layers import layer
from .losses import loss
from .networks import network
from .report import GradientError, Report, Row

__all__ = ["GradientError", "Report", "Row", "gan", "layer", "loss", "network"]
