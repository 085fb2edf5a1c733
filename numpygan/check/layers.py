"""check.layer: one layer by itself, in both of its passes, with every engine."""
import functools

import numpy as np

from ..checks import whole
from ..layers import Layer, differentiates_twice
from .comparison import Gradient, compare
from .contract import draw, engine_names, named, same
from .derivative import EPS, EPS32, at_smooth_points, relative
from .report import GradientError, Report, Row
from .second import second_derivatives
from .trial import Trial, size_of

FAR = 2.0**30           # times dy' where backward must be linear; a power of 2, which rounds nothing
WIDE = 4.0              # times the inputs of the second point, where what is cut off far from 0 shows


def layer(layer: Layer, x_shape: tuple[int, int] = (5, 3), *, engine: str | None = None,
          seed: int = 0) -> Report:
    """Is backward the derivative of forward, and does the layer keep the contract of `numpygan.layers`?

    Checked at random x (n, d) and parameters: shapes; float32 and float64 stay what they are and agree; x, dy, the
    parameters and the cache stay untouched; backward can be repeated, asked for dx or for the gradients alone, and
    is linear in dy, and gives the same for one row alone; a second forward pass does not disturb the first; `draws`,
    `batchwise` and `range` tell the truth; dx and the gradient of every parameter, in evaluation and (where that
    differs) in a training pass; and, where the layer has them, `jvp` and `jvp_backward`, the derivatives of
    derivatives that penalties need. dx and the gradients are then compared once more, at other parameters and for
    inputs four times as large.

    Tensors of more than 200 entries are checked along random directions. `engine` is "numpy" or "numba"; by default
    every one that can be loaded. Returns a Report; raises GradientError with the reason.
    """
    if not isinstance(layer, Layer):
        raise TypeError(f"check.layer takes a numpygan Layer object, such as Tanh(), got {layer!r}")
    if not isinstance(x_shape, tuple | list) or len(x_shape) != 2:
        raise ValueError(f"x_shape must be (rows, columns), each at least 1, got {x_shape!r}")
    for size in x_shape:
        whole(size, "each of x_shape, (rows, columns),")
    whole(seed, "seed", 0)
    names = engine_names(engine)
    report = Report(f"check.layer: {named(layer)}, x {tuple(x_shape)}, engine {' and '.join(names)}")
    for name in names:
        report.merge(at_smooth_points(functools.partial(_passes, layer, tuple(x_shape), name), seed))
        at_smooth_points(functools.partial(_elsewhere, layer, tuple(x_shape), name), seed + 1)
    report.exact("shapes", "dtypes", "x, dy, parameters and cache untouched", "backward twice", "caches apart")
    return report


def _passes(layer, x_shape, engine, rng):
    """Evaluation, then a training pass where that is another function."""
    report = Report("")
    trial = Trial(layer, x_shape, engine, rng)
    _pass(trial, "", report, rng)
    training = trial.training()
    if not same(trial.y, training.y):
        if not (layer.draws or layer.batchwise):
            raise GradientError(f"{trial.who}: forward gives something else when c.rng is given: a layer that draws "
                                f"sets draws = True, one whose rows see each other batchwise = True")
        _pass(training, " (training)", report, rng)
    return report


def _pass(trial, label, report, rng):
    """Everything about one pass."""
    _repeatable(trial)
    _caches_apart(trial)
    _partial(trial)
    roundings = trial.roundings()
    alone = not (trial.layer.batchwise or label)
    if alone:
        _rows_apart(trial, roundings)
    _range(trial)
    _gradients(trial, label, report, rng, 8 * EPS * roundings * max(np.abs(g).max() for g in trial.gradients.values()))
    if alone:
        _one_row(trial, roundings)
    _linear(trial, label, report, rng, roundings)
    if differentiates_twice(trial.layer):
        second_derivatives(trial, label, report, rng, roundings)
    _float32(trial, label, report, roundings)
    if trial.engine != "numpy":
        _twins(trial, label, report, roundings)


def _gradients(trial, label, report, rng, floor):
    """dx and the gradient of every parameter against numeric ones."""
    for name, g in trial.gradients.items():
        mistakes = [("it is the gradient from above itself: was the derivative f′ forgotten?", trial.dy)]
        compare(Gradient(f"d{name}{label}", g, functools.partial(trial.moved, name), trial.dy, trial.who,
                         len(trial.x), mistakes, trial.x if name == "x" else None), report, rng, floor)


def _elsewhere(layer, x_shape, engine, rng):
    """The gradients at other parameters, which nothing kept on self fits, and for inputs that reach far from 0.

    There an activation is flat, and its derivative, from an output near its bound, is off by roundings of dy.
    """
    trial = Trial(layer, x_shape, engine, rng, WIDE)
    for one in (trial, trial.training())[:1 + (layer.draws or layer.batchwise)]:
        roundings, label = one.roundings(), " (training)" if one.seed else ""
        largest = max(np.abs(g).max() for g in (one.dy, *one.gradients.values()))
        try:
            _gradients(one, label, Report(""), rng, 8 * EPS * roundings * largest)
            _float32(one, label, Report(""), roundings)
        except GradientError as e:
            raise GradientError(e, "At other parameters, for smaller inputs, it is right: is something kept on self, "
                                   "or cut off?") from None


def _repeatable(trial):
    p, x, dy = trial.at()
    y, cache = trial.forward(p, x)
    if not same(y, trial.y):
        raise GradientError(f"{trial.who}: forward gives different outputs for the same input and the same seed: draw "
                            f"from c.rng only, and keep nothing on self")
    first = trial.backward(p, cache, dy)
    try:
        second = trial.backward(p, cache, dy)
    except Exception as e:
        raise GradientError(f"{trial.who}: backward works only once (then {type(e).__name__}: {e}): was the cache "
                            f"flushed? Return it from forward, and keep nothing on self") from e
    if not same(first, second):
        raise GradientError(f"{trial.who}: a second backward with the same cache gives another gradient: does it add "
                            f"to the first, flush the cache, or draw random numbers (a mask belongs in the cache)?")


def _caches_apart(trial):
    p, x, dy = trial.at()
    _, cache = trial.forward(p, x)
    trial.forward({name: v + 1 for name, v in p.items()}, 1 - x, later=1)
    if not same(trial.backward(p, cache, dy), (trial.dx, trial.grads)):
        raise GradientError(f"{trial.who}: a second forward pass changes what backward of the first returns. D runs on "
                            f"real and on fake before any gradient is taken: return the cache from forward, keep "
                            f"nothing on self, reuse no array")


def _partial(trial):
    """A network asks for dx alone or for the gradients alone where it needs no more."""
    p, x, dy = trial.at()
    _, cache = trial.forward(p, x)
    _, grads = trial.backward(p, cache, dy, want_dx=False)
    dx, _ = trial.backward(p, cache, dy, want_g=False)
    if not same(grads, trial.grads):
        raise GradientError(f"{trial.who}: with c.want_dx = False the gradients of the parameters are others")
    if not same(dx, trial.dx):
        raise GradientError(f"{trial.who}: with c.want_g = False dx is another one, but G learns through it")


def _rows_apart(trial, roundings):
    """Networks stack and split batches where every row passes through alone."""
    p, x, _ = trial.at()
    y = np.concatenate([trial.forward(p, x[i:i + 1])[0] for i in range(len(x))])
    if not _alike(y, trial.y, 50 * EPS * roundings * size_of(trial.y)):
        raise GradientError(f"{trial.who}: a row alone gives another y than the same row in a batch: set batchwise = "
                            f"True, or look for a sum or mean over the wrong axis")


def _one_row(trial, roundings):
    """The last minibatch may be one row: the dx of all such are that of the batch, their gradients add up to its."""
    p, x, dy = trial.at()
    back = [trial.backward(p, trial.forward(p, x[i:i + 1])[1], dy[i:i + 1]) for i in range(len(x))]
    allowed = 50 * EPS * roundings * trial.steepest()
    sums = [(f"d{name}", sum(grads[name] for _, grads in back), g) for name, g in trial.grads.items()]
    for name, alone, together in [("dx", np.concatenate([dx for dx, _ in back]), trial.dx), *sums]:
        if not _alike(np.asarray(alone), together, allowed):
            raise GradientError(f"{trial.who}: {name} is right in a batch of {len(dy)} rows, and wrong for one row "
                                f"alone: is an axis of length 1 dropped, or stretched?")


def _alike(a, b, allowed):
    return a.shape == b.shape and np.abs(a - b).max() <= allowed


def _range(trial):
    low, high = trial.layer.range
    least, most = trial.y.min(), trial.y.max()
    slack = 8 * EPS * max(1.0, abs(least), abs(most))
    if least < low - slack or most > high + slack:
        raise GradientError(f"{trial.who}: range = ({low:g}, {high:g}), but y reaches from {least:.3g} to {most:.3g}")


def _linear(trial, label, report, rng, roundings):
    """backward(dy − s dy') = backward(dy) − s backward(dy'),   s = 2³⁰: what clips dy must clip one so large.

    Both sides over s, so that gradients which are roundings alone stay as small as they are.
    """
    p, x, dy = trial.at()
    other = draw(rng, *trial.shape)
    _, cache = trial.forward(p, x)
    one, two = _flat(trial.backward(p, cache, dy)), _flat(trial.backward(p, cache, other))
    both = _flat(trial.backward(p, cache, dy - FAR * other))
    _enter(trial, report, Row(f"dx and all{label}", "linear in dy", relative(both / FAR, one / FAR - two),
                              max(1e-13, 50 * EPS * roundings)),
           "backward is not linear in dy: backward(dy − s dy') is not backward(dy) − s backward(dy') for s = 2³⁰")


def _float32(trial, label, report, roundings):
    """The same point, which float32 holds exactly, in float32."""
    tolerance = 50 * EPS32 * roundings
    error = trial.distance(*trial.run(np.float32))
    _enter(trial, report, Row(f"y, dx and all{label}", "float32 against float64", error, tolerance),
           "float32 gives other numbers than float64")


def _twins(trial, label, report, roundings):
    """The engine's forward against that of `functional`, which was differentiated."""
    p, x, _ = trial.at()
    error = relative(trial.y, trial.forward(p, x, "numpy")[0])
    tolerance = 50 * EPS * roundings
    _enter(trial, report, Row(f"y{label}", f"{trial.engine} against numpy", error, tolerance),
           f"forward gives other numbers with the engine {trial.engine} than with numpy")


def _enter(trial, report, row, sentence):
    if not row.error <= row.tolerance:
        raise GradientError(f"{trial.who}: {sentence} ({row.tensor}: off by {row.error:.2g} of the largest entry, "
                            f"allowed {row.tolerance:.1g})")
    report.add(row)


def _flat(result):
    dx, grads = result
    return np.concatenate([dx.reshape(-1), *(grads[name].reshape(-1) for name in sorted(grads))])
