"""Training that stopped being numbers: where that began, and what usually causes it with that loss."""
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np

from . import functional
from .layers import Context
from .network import Network, by_layer

# What drives each loss out of the numbers, by its class; of a loss of one's own nothing is known.
CAUSES = {
    "Minimax": "L_G falls without bound while D is sure, which D becomes where it can tell all fakes from the data: "
               "slow D down, or give it a penalty such as penalties.R1(1.0)",
    "NonSaturating": "its gradient in a logit is bounded, so it is the weights that grew, as D's do without end where "
                     "it can tell all fakes from the data: give D a penalty such as penalties.R1(1.0)",
    "LeastSquares": "its gradient grows with the logit, so that one step too long makes the next one longer: begin "
                    "with smaller weights or logits",
    "Hinge": "L_G falls without bound as the logits grow, and nothing in the loss holds D's weights: use SpectralDense "
             "layers or a penalty",
    "Wasserstein": "both losses are linear in the logits, without bound unless D is kept Lipschitz: use "
                   "penalties.GradientPenalty(10.0), or clip=0.01 in D's optimiser",
}


class Divergence(FloatingPointError):
    """A loss, a gradient or a parameter stopped being a number; the message says where, and what may be the cause."""


def divergence(gan: Any, name: str, x: np.ndarray, z: np.ndarray, L: float = 0.0,
               g: np.ndarray | None = None) -> Divergence:
    """The error for network `name` ("G" or "D") in the step under way: from its loss and gradient, or its update.

    x, z: the minibatches. Looks at everything again, in the order in which it was made, for the first that is not
    finite; changes nothing.
    """
    with np.errstate(all="ignore"):
        place = next(_places(gan, name, x, z, L, g), f"the gradient of {name}, which is too large to be squared")
    kept = f"The update of {name} was not made" if g is not None else f"{name} is lost: go back to a checkpoint"
    return Divergence(f"training diverged in step {len(gan.history) + 1}: not finite was first {place}. {kept}. "
                      f"The last finite step: {gan.history!r}. Likely causes: {_causes(gan, x)}")


def _places(gan, name, x, z, L, g) -> Iterator[str]:
    """What is not finite, in the order in which a step makes it."""
    bad = np.flatnonzero(~np.isfinite(x).all(axis=1))
    if bad.size:
        yield f"the data, in row {bad[0]} of this minibatch"
    for which, net in (("G", gan.G), ("D", gan.D)):
        for p in _unfinite(net.params()):
            yield f"the parameter {p} of {which}, {_layer(net, p)}"
        if not np.isfinite(net.state).all():
            yield f"the state of {which}, what its layers remember"
    x_fake = yield from _outputs("G", gan.G, z, "z")
    yield from _outputs("D", gan.D, x, "x")
    yield from _outputs("D", gan.D, x_fake, "G(z)")
    if not np.isfinite(L):
        terms = "".join(f" + {p!r}" for p in (gan.penalties if name == "D" else ()))
        yield f"the loss of {name}, {gan.loss!r}{terms} = {float(L)}"
    if g is not None:
        net = getattr(gan, name)
        for p in reversed(list(_unfinite(net.params(g)))):             # backwards: the last layer is the first
            yield f"the gradient of the parameter {p} of {name}, {_layer(net, p)}"


def _unfinite(tensors) -> Iterator[str]:
    return (p for p, values in tensors.items() if not np.isfinite(values).all())


def _layer(net: Network, parameter: str) -> str:
    i = int(parameter.split(".")[0])
    return f"layer {i}, {net.layers[i]!r}"


def _outputs(name: str, net: Network, y: np.ndarray, rows: str) -> Generator[str, None, np.ndarray]:
    """The layers whose output is not finite, in an evaluation by `functional`; returns that of the last."""
    for i, (layer, p, s) in enumerate(by_layer(net, state=net.state)):        # a layer must not write it
        y, _ = layer.forward(p, y, Context(functional, None, state=s))
        if not np.isfinite(y).all():
            yield f"the output of layer {i}, {layer!r}, of {name} on {rows}"
    return y


def _causes(gan: Any, x: np.ndarray) -> str:
    """What to try, likeliest first."""
    if not np.isfinite(x).all():
        return "NaN or infinity in the data, or in what makes it"
    largest = {name: _largest(net.theta) for name, net in (("G", gan.G), ("D", gan.D))}
    name = max(largest, key=lambda which: largest[which])
    opt = gan.opt_G if name == "G" else gan.opt_D
    causes = [f"the learning rate of {name}, whose largest parameter is {largest[name]:.3g}, is too high ({opt!r}): "
              f"lower it"]
    causes += [f"the weight of {p!r} is too high for that rate: lower one of them" for p in gan.penalties]
    loss = type(gan.loss).__name__
    held = gan.penalties or getattr(gan.opt_D, "clip", None) is not None
    if loss in CAUSES and not (held and loss == "Wasserstein"):
        causes.append(f"with {loss}, {CAUSES[loss]}")
    return "; ".join(causes)


def _largest(theta: np.ndarray) -> float:
    """max |θ|; infinity where it is no number."""
    return float(np.abs(theta).max(initial=0.0)) if np.isfinite(theta).all() else float("inf")
