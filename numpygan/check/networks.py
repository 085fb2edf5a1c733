"""check.network: a stack of layers, dx and the gradient of every parameter in the flat vector."""
import functools
import math

import numpy as np

from .. import engine as engines
from ..checks import whole
from ..network import Network
from .comparison import Gradient, compare
from .contract import Untouched, draw, nearby, same, tensor
from .derivative import EPS, EPS32, at_smooth_points, relative
from .layers import layer as check_layer
from .report import GradientError, Report, Row
from .trial import size_of
from .twin import along, settle, shaken, stochastic, top_down, twin, widths

SAME_ROWS = 1e-9        # a row alone, beside the same row in a batch: much for roundings, little for mistakes


def network(net: Network, n: int = 5, *, engine: str | None = None, seed: int = 0) -> Report:
    """Is net.backward the derivative of net.forward, in x and in every parameter?

    Checked on n random rows, in float64, at parameters a little off those of the network (biases that start at 0 sit
    on kinks): x, dy, theta and tapes stay untouched; three tapes that live at once do not disturb each other; dx and
    g can be had alone; a row alone gives what it gives in a batch, unless layers draw or are batchwise; float32 stays
    float32 and agrees; every derivative, in evaluation and, where layers draw or are batchwise, in a training pass.
    When one is wrong, the layers are checked one by one to find the culprit.

    Tensors of more than 200 entries are checked along random directions. `engine` replaces that of the network,
    which is not changed. Returns a Report; raises GradientError with the reason.
    """
    if not isinstance(net, Network):
        raise TypeError(f"check.network takes a numpygan Network, got {type(net).__name__}; for one layer there is "
                        f"check.layer")
    for what, value, least in (("n", n, 1), ("seed", seed, 0)):
        whole(value, what, least)
    name = engines.name_of(engine or net.engine)
    report = Report(f"check.network: {len(net.layers)} layers, {net.theta.size:,} parameters, x ({n}, {net.d_in}), "
                    f"engine {name}")
    report.merge(at_smooth_points(functools.partial(_passes, net, n, name), seed))
    report.exact("shapes", "dtypes", "x, dy, theta and tapes untouched", "tapes apart")
    return report


def _passes(net, n, engine, rng):
    report = Report("")
    theta = nearby(net.theta, rng)
    for training in (False, True)[:1 + stochastic(net)]:
        x = draw(rng, n, net.d_in)
        other = twin(net, np.float64, engine, theta)
        settle(other, x)
        run = Pass(other, x, rng, training)
        run.tapes_apart()
        run.partial()
        if net.rowwise:
            run.rows_apart()
        _float32(run, report)
        _gradients(run, report, rng)
    return report


class Pass:
    """Forward and backward of a network at an input and an upstream gradient, given or drawn: y, dx, g."""

    def __init__(self, net: Network, x: np.ndarray, dy: np.ndarray | np.random.Generator, training: bool):
        self.net, self.x, self.training = net, x, training
        self.label = " (training)" if training else ""
        before = Untouched(x=x, theta=net.theta, state=net.state)
        self.y, tape = self.forward()
        self.dy = dy = draw(dy, len(self.y), net.d_out) if isinstance(dy, np.random.Generator) else dy
        upstream = Untouched(dy=dy)
        tensor(self.y, "y", dy.shape, net.dtype, "forward")
        caches = Untouched(y=self.y, tape=tape.caches)
        self.dx, self.g = net.backward(tape, dy)
        for kept, by in ((before, "the network"), (upstream, "backward"), (caches, "backward")):
            kept.verify(by)
        tensor(self.dx, "dx", x.shape, net.dtype, "backward")
        tensor(self.g, "g", net.theta.shape, net.dtype, "backward")

    def forward(self, x=None, theta=None, seed=1):
        rng = np.random.default_rng(seed) if self.training else None
        return self.net.forward(self.x if x is None else x, rng, theta)

    def outputs(self, theta):
        """y at other parameters."""
        return self.forward(theta=theta)[0]

    def outputs_at(self, delta):
        """y at another input."""
        return self.forward(self.x + delta)[0]

    def tapes_apart(self):
        """Three tapes, other passes between, then backward of all three."""
        inputs = (self.x, 1), (1 - self.x, 2), (-self.x, 3)                # and other random numbers for each
        tapes = [self.forward(x, seed=seed)[1] for x, seed in inputs]
        later = [self.net.backward(tape, self.dy) for tape in tapes]
        at_once = [self.net.backward(self.forward(x, seed=seed)[1], self.dy) for x, seed in inputs]
        if not same(later, at_once):
            raise GradientError("a later forward pass changes what backward of an earlier tape returns: does a layer "
                                "keep its cache on self, or reuse an array?", culprit(self.net))

    def partial(self):
        """dx alone, g alone."""
        tape = self.forward()[1]
        dx, g = (self.net.backward(tape, self.dy, want_g=False)[0], self.net.backward(tape, self.dy, want_dx=False)[1])
        for name, a, b in (("dx", dx, self.dx), ("g", g, self.g)):
            if not same(a, b):
                raise GradientError(f"{name} is another one when nothing else is asked for", culprit(self.net))

    def rows_apart(self):
        """The last minibatch may be one row: all such have the dx of the batch, and their gradients add up to its."""
        alone = [Pass(self.net, self.x[i:i + 1], self.dy[i:i + 1], self.training) for i in range(len(self.x))]
        for name, a, b in (("y", np.concatenate([one.y for one in alone]), self.y),
                           ("dx", np.concatenate([one.dx for one in alone]), self.dx),
                           ("g", sum(one.g for one in alone), self.g)):
            if not np.abs(a - b).max(initial=0) <= SAME_ROWS * size_of(self.dx, self.g, b):
                raise GradientError(f"{name} of rows alone is not that of the batch of {len(self.x)}",
                                    culprit(self.net))


def _gradients(run, report, rng):
    """Every parameter from the top down, then dx: the first that is wrong lies just below the mistake."""
    net, n = run.net, len(run.x)
    g = net.params(run.g)
    floor = 8 * EPS * max(np.abs(a).max() for a in (run.dx, run.g))
    tensors = [(f"d({name})", g[name], along(net, name, run.outputs)) for name in top_down(net)]
    for name, a, f in [*tensors, ("dx", run.dx, run.outputs_at)]:
        try:
            compare(Gradient(name + run.label, a, f, run.dy, "network", n), report, rng, floor)
        except GradientError as e:
            raise GradientError(e, culprit(net)) from None


def _float32(run, report):
    """The same point in float32."""
    net = run.net
    single = Pass(twin(net, np.float32), run.x.astype(np.float32), run.dy.astype(np.float32), run.training)
    widest = max(*widths(net), *run.x.shape, net.d_out)
    off = _distance(Pass(shaken(net), run.x, run.dy, run.training), run)
    row = Row(f"y, dx and g{run.label}", "float32 against float64", _distance(single, run),
              50 * max(EPS32, off) * math.sqrt(widest) * len(net.layers))
    if not row.error <= row.tolerance:
        raise GradientError(f"float32 gives other numbers than float64: off by {row.error:.2g} of the largest entry, "
                            f"allowed {row.tolerance:.1g}", culprit(net))
    report.add(row)


def _distance(one, other):
    return max(relative(a, b) for a, b in ((one.y, other.y), (one.dx, other.dx), (one.g, other.g)))


def culprit(net: Network) -> str:
    """Which layer fails by itself, as a sentence."""
    for i, (layer, d) in enumerate(zip(net.layers, widths(net), strict=True)):
        try:
            check_layer(layer, (5, d), engine=net.engine)
        except GradientError as e:
            return f"Layer {i} by itself: {e}"
        except ValueError:
            continue                                        # joins more rows than these
    return "Each layer passes by itself: does one object stand in the stack twice and keep something on self?"
