"""Density: a function p(x), with what integrating and sampling it need to know."""
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..checks import function, generator, no_nan, numbers, text, whole

SPREAD = 12.0                            # standard deviations from a mode: a Gaussian has 4e-33 of its mass outside
TINY = np.finfo(float).tiny
QUANTILES = np.array([1e-30, 1e-25, 1e-20, 1e-15, 1e-10, 1e-6, 1e-3, 0.02, 0.25, 0.5])
CUTS = np.array([-8.0, -2.0, 0.0, 2.0, 8.0])      # where the first boxes are cut, in standard deviations from a mode


class Density:
    """A density and its surroundings.

    f            x (n,) in one dimension or (n, d) -> p(x) (n,), at least 0
    support      (lo, hi), or ((lo, hi), (lo, hi)) in two dimensions: the integrals run over it,
                 and over the supports of the others: f must be right (usually 0) there too
    log_density  log p, where exp would underflow; default log(f(x))
    sample       (n, rng) -> x (n,) or (n, d); only Monte Carlo needs it
    breaks       points where f peaks or jumps, in two dimensions one list per axis

    Every function of `numpygan.theory` makes one from what it is given: from a plain function, from anything with
    `density` (and `log_density`, `sample`, `modes`, `std`), or from a frozen distribution of `scipy.stats`.
    """

    def __init__(self, f: Callable, support: Any = None, *, log_density: Callable | None = None,
                 sample: Callable | None = None, breaks: Sequence = (), name: str = "p"):
        if not callable(f):
            raise TypeError(f"the density {name} must be a function x -> p(x), got {type(f).__name__}")
        for other, value in (("log_density", log_density), ("sample", sample)):
            if value is not None:
                function(value, other, "lambda x: …")
        text(name, "name")
        self.f, self.name, self.exact_log = f, name, log_density is not None
        self.log_f, self.sampler = log_density, sample
        self.box = None if support is None else box_of(support)
        self.breaks = _per_axis(breaks, self.box)
        self.endless = False, False              # does it go on below, and above, its box?
        self._column: bool | None = None         # does f want (n, 1) in one dimension? asked at the first call

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """p(x) for x (n, d), or (n,) in one dimension -> (n,) float64, checked: finite and at least 0."""
        x = _rows(x)
        y = self._shaped(self.f, x)
        if not np.isfinite(y).all() or (y < 0).any():
            i = int(np.flatnonzero(~(np.isfinite(y) & (y >= 0)))[0])
            raise ValueError(f"{self.name} is {y[i]:g} at x = {_point(x[i])}: a density is finite and nowhere negative")
        return np.where(y < TINY, 0.0, y)                # subnormal numbers have lost their digits, and so their logs

    def log(self, x: np.ndarray) -> np.ndarray:
        """log p(x), −inf where p(x) = 0."""
        x = _rows(x)
        if self.log_f is None:
            with np.errstate(divide="ignore"):
                return np.log(self(x))
        y = self._shaped(self.log_f, x)
        if np.isnan(y).any() or (y == np.inf).any():
            i = int(np.flatnonzero(np.isnan(y) | (y == np.inf))[0])
            raise ValueError(f"log {self.name} is {y[i]:g} at x = {_point(x[i])}: a log-density is a number or -inf")
        return y

    def both(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """p(x) and log p(x), from one evaluation."""
        if self.exact_log:
            log_p = self.log(x)
            return np.exp(log_p), log_p
        p = self(x)
        with np.errstate(divide="ignore"):
            return p, np.log(p)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n draws (n, d) in float64."""
        generator(rng)
        if self.sampler is None:
            raise ValueError(f"{self.name} is a plain function and cannot be sampled: "
                             f"wrap it, theory.Density(f, support, sample=lambda n, rng: ...)")
        return _rows(self.sampler(whole(n, "n"), rng))

    def _shaped(self, f: Callable, x: np.ndarray) -> np.ndarray:
        """f at the rows of x, given as (n,) or as (n, 1): as f takes it."""
        if x.shape[1] == 1 and self._column is None:
            self._column = not _takes_flat(f, x)
        y = np.asarray(f(x[:, 0] if x.shape[1] == 1 and not self._column else x))
        if y.shape not in ((len(x),), (len(x), 1)) or y.dtype.kind not in "biuf":
            raise ValueError(f"{self.name} gives {y.dtype} of shape {y.shape} for {len(x)} points: "
                             f"a density takes x (n,) or (n, d) and gives n real numbers")
        return y.reshape(-1).astype(np.float64, copy=False)


def as_density(p: Any, name: str = "p") -> Density:
    """p as a `Density`; TypeError for what has none."""
    if isinstance(p, Density):
        return p
    if callable(getattr(p, "density", None)):
        box, breaks, endless = _surroundings(p)
        made = Density(p.density, None, log_density=getattr(p, "log_density", None),
                       sample=getattr(p, "sample", None), name=name)
        made.box, made.breaks, made.endless, made._column = box, breaks, endless, True
        return made
    if callable(getattr(p, "pdf", None)):
        return _from_scipy(p, name)
    if callable(p):
        return Density(p, name=name)
    raise TypeError(f"{name} must be a density, got {type(p).__name__}: pass a function x -> p(x), an object with "
                    f".density(x), or (for discrete distributions) an array of probabilities for both")


def box_of(support: Any) -> np.ndarray:
    """(lo, hi) or ((lo, hi), (lo, hi)) as an array (d, 2)."""
    try:
        box = np.atleast_2d(numbers(support, "support"))
    except TypeError:
        box = np.empty(0)
    if box.shape not in ((1, 2), (2, 2)) or not np.isfinite(box).all() or not (box[:, 0] < box[:, 1]).all():
        raise ValueError(f"support must be (lo, hi), or ((lo, hi), (lo, hi)) in two dimensions, with finite lo < hi; "
                         f"got {support!r}")
    return box


def common_box(densities: Sequence[Density], support: Any) -> tuple[np.ndarray, list[np.ndarray]]:
    """The box to integrate over (the `support` given, else the union of theirs) and all breaks, per axis."""
    own = [d.box for d in densities if d.box is not None]
    if support is None and len(own) < len(densities):
        which = next(d.name for d in densities if d.box is None)
        raise ValueError(f"where does {which} live? Pass support=(lo, hi), wide enough to hold all its mass, "
                         f"or ((lo, hi), (lo, hi)) in two dimensions")
    boxes = own if support is None else [box_of(support)]
    if len({len(b) for b in boxes + own}) > 1:
        raise ValueError("the densities (or the support) differ in dimension: pass all in one dimension or all in two")
    if len(boxes[0]) > 2:
        raise ValueError(f"integrals go up to two dimensions, and these have {len(boxes[0])}: use theory.monte_carlo")
    box = np.stack([np.min([b[:, 0] for b in boxes], 0), np.max([b[:, 1] for b in boxes], 0)], 1)
    breaks = [np.concatenate([*(d.breaks[j] for d in densities if len(d.breaks)),
                              *(b[j] for b in own)]) if own else np.empty(0)      # p may jump where its support ends
              for j in range(len(box))]
    return box, breaks


def _takes_flat(f: Callable, x: np.ndarray) -> bool:
    """Does f give n numbers for x (n,)? Tried with three points, so that no other shape passes for it."""
    try:
        return np.shape(f(np.resize(x[:, 0], 3))) in ((3,), (3, 1))
    except (IndexError, TypeError, ValueError):          # NumPy's AxisError is an IndexError and a ValueError
        return False


def _rows(x: Any) -> np.ndarray:
    x = no_nan(x, "x")
    return x.reshape(-1, 1) if x.ndim < 2 else x


def _point(x: np.ndarray) -> str:
    return f"{x[0]:g}" if len(x) == 1 else f"({', '.join(f'{v:g}' for v in x)})"


def _per_axis(breaks: Sequence, box: np.ndarray | None) -> list[np.ndarray]:
    if not isinstance(breaks, list | tuple | np.ndarray):
        raise TypeError(f"breaks must be a list of numbers, in two dimensions one per axis, got {breaks!r}")
    if box is None or len(breaks) == 0:
        return []
    axes = [breaks] if len(box) == 1 else breaks
    if len(axes) != len(box):
        raise ValueError(f"breaks must be one list of numbers per axis, got {len(axes)} for {len(box)} axes")
    return [no_nan(axis, "breaks").ravel() for axis in axes]


def _surroundings(p: Any) -> tuple[np.ndarray | None, list[np.ndarray], tuple[bool, bool]]:
    """Box, breaks and whether it goes on beyond the box, from the modes (k, d) and std (number, (d,) or (k, d)) of p,
    else from its finite range."""
    modes, std = getattr(p, "modes", None), getattr(p, "std", None)
    if modes is not None and std is not None:
        m = np.asarray(modes, float)
        s = np.broadcast_to(np.asarray(std, float), m.shape)
        box = np.stack([(m - SPREAD * s).min(0), (m + SPREAD * s).max(0)], 1)
        return box, [(m[:, j, None] + s[:, j, None] * CUTS).ravel() for j in range(m.shape[1])], (True, True)
    lo, hi = getattr(p, "range", (-np.inf, np.inf))
    if not np.isfinite([lo, hi]).all():
        return None, [], (False, False)
    d = int(np.prod(getattr(p, "shape", (1,))))
    lows, highs = (np.broadcast_to(np.asarray(getattr(p, side, end), float), d)
                   for side, end in (("lo", lo), ("hi", hi)))
    return np.stack([lows, highs], 1), [], (False, False)


def _from_scipy(p: Any, name: str) -> Density:
    """A frozen distribution of scipy.stats; in one dimension its quantiles say where it lives and where it peaks."""
    def draw(n, rng):
        return p.rvs(size=n, random_state=rng)
    made = Density(p.pdf, log_density=getattr(p, "logpdf", None), sample=draw, name=name)
    if callable(getattr(p, "ppf", None)):
        lo, hi = p.support()
        made.endless = bool(np.isneginf(lo)), bool(np.isposinf(hi))
        with np.errstate(all="ignore"):
            below, above = (v[np.isfinite(v)] for v in (p.ppf(QUANTILES), p.isf(QUANTILES)))   # some end earlier
        lo, hi = (lo if np.isfinite(lo) else below.min()), (hi if np.isfinite(hi) else above.max())
        made.box, made.breaks = box_of((lo, hi)), [np.concatenate([below, above])]
    return made
