"""`numpygan train` and `numpygan resume`: from a recipe, or a run folder, to a run folder."""
import contextlib
import copy
import itertools
import shlex
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import data as datasets
from ..archive import CheckpointError
from ..averaging import Averaged
from ..divergence import Divergence
from ..feed import count_steps
from ..files import expanded
from ..gan import GAN, Snapshots, check_fit
from ..presets import PRESETS, Recipe, build, choose
from ..schedule import LinearDecay
from . import trainset
from .options import Misuse
from .outputs import locked
from .run import FILES, Run, State, environment, max_snapshots
from .terminal import Bar, Stop, Waiting, say, summary

FRAMES = 100                    # snapshots in a run; at most twice as many are kept, and of large images fewer


def train(name: str | None = None, preset: str | None = None, changes: dict[str, Any] | None = None, *, seed: int = 0,
          engine: str | None = None, root: str | None = None, out: str | None = None, force: bool = False,
          checkpoint_every: int | None = None, command: Sequence[str] = ()) -> int:
    """Train on data by name or path, in a new run folder; returns the exit status: 0, or 128 + a signal's number.

    The recipe is that of the `preset`, else of the data, with `changes` (see `numpygan.presets`).
    Misuse when the settings do not fit each other or the data, before anything is written; Divergence after the
    history has been written, with the last checkpoint left as it was.
    """
    if name is None:
        name = PRESETS[preset].data if preset else "digits"
    data, original = trainset.load(name, root)
    if name not in datasets.NAMES:                       # resume may be called from another folder
        name = str(expanded(name).absolute())
    root = None if root is None else str(expanded(root).absolute())
    changes = changes or {}
    recipe = choose(name, preset, data).changed(**{"data": name, **changes})
    for beta in ("beta1", "beta2"):
        if beta in changes and recipe.optimiser != "adam":
            raise Misuse(f"--{beta} belongs to adam, and the optimiser is {recipe.optimiser}: leave one of them out")
    rng = np.random.default_rng(seed)
    try:
        gan = build(recipe, data, rng, engine)
        check_fit(gan, data, recipe.batch, recipe.k)
        total = count_steps(data, recipe.batch, recipe.k, recipe.steps, recipe.epochs)
        average = Averaged(recipe.average) if recipe.average else None
    except (TypeError, ValueError) as error:
        raise Misuse(str(error)) from error
    every = max(1, total // 10) if checkpoint_every is None else checkpoint_every
    run = Run.create(out, preset or trainset.name_of(name), force)
    config = {"command": shlex.join(command), "status": "running", "recipe": recipe.to_dict(), "seed": seed,
              "engine": gan.G.engine, "root": root, "steps": total, "checkpoint_every": every, "steps_done": 0,
              "seconds": 0.0, "data": trainset.describe(data, original), **environment()}
    z = gan.draw(64 if len(data.shape) > 1 else 1000, np.random.default_rng([seed, 1]))
    if (data.source or {}).get("colours"):
        print(f"numpygan: {data.name} has images in colour, which are taken as grey: numpy.save them as one array "
              f"(n, h, w, 3) to keep the colours", file=sys.stderr)
    with locked(run.folder):
        run.clear()
        most = max_snapshots(z, gan.G)
        snapshots = Snapshots(z, max(1, total // min(FRAMES, most)), most)
        return _go(run, config, recipe, data, State(gan, rng, snapshots, average))


def resume(folder: str, steps: int | None = None) -> int:
    """Go on with the run in that folder, to the same bits as if it had never stopped; `steps`: to that many in all.

    Misuse when there is no such run, its data has changed, or another process writes there; CheckpointError when its
    files are damaged.
    """
    run = Run.open(folder)
    with locked(run.folder):
        return _resume(run, steps)


def _resume(run, steps):
    config = run.read_config()
    if config["status"] == "diverged":
        raise Misuse(f"{run.folder} diverged, and would again: train anew with a lower --lr or another recipe")
    recipe = Recipe.from_dict(config["recipe"])
    state = run.load()
    gan = state.gan
    if state.average is None and recipe.average:
        state = state._replace(average=Averaged(recipe.average))         # stopped before its first checkpoint had one
    data = trainset.load_of(run, config)
    run.sweep()
    _warn_of_other_versions(config)
    config["steps"] = config["steps"] if steps is None else steps
    if config["steps"] < len(gan.history):
        raise Misuse(f"{run.folder} has {len(gan.history)} steps already: give --steps a larger number")
    for opt, k in ((gan.opt_G, 1), (gan.opt_D, recipe.k)):
        if isinstance(opt.lr, LinearDecay):
            opt.lr.steps = k * config["steps"]           # a longer run lets its rates fall later
    if isinstance(gan.input_noise, LinearDecay):
        gan.input_noise.steps = config["steps"]          # and its noise
    try:
        check_fit(gan, data, recipe.batch, recipe.k)
    except ValueError as error:
        raise CheckpointError(f"{run['config.json']} and checkpoint.npz do not fit ({error}): train again, or restore "
                              f"them") from error
    return _go(run, config, recipe, data, state)


def _warn_of_other_versions(config):
    """The same bits are promised for the same versions alone: say what has changed, and note it in the config."""
    before, here = config["versions"], environment()
    now = here["versions"]
    changed = [f"{name} was {before[name]} and is {now[name]}" for name in now
               if name in before and before[name] != now[name]]
    if changed:
        print(f"numpygan: {', '.join(changed)}: from here on the bits may differ from those of an undisturbed run",
              file=sys.stderr)
    config |= here


# ------------------------------------------------------------------------------------------------------ a run

def _go(run, config, recipe, data, state):
    """Train what is missing, save all of it whatever happens, and tell; returns the exit status."""
    print(run.folder, flush=True)
    gan = state.gan
    total, done, start = config["steps"], len(gan.history), time.monotonic()
    problem = None
    with Stop() as stop, _with_advice(run), np.errstate(all="ignore"):         # `fit` looks for itself
        run.write_config(config)
        try:
            _fit(run, config, recipe, data, state, stop)
        except Divergence as error:
            problem = error
        status = "diverged" if problem else "finished" if len(gan.history) >= total else "interrupted"
        config |= {"status": status, "steps_done": len(gan.history),
                   "seconds": round(config["seconds"] + time.monotonic() - start, 2)}
        _finish(run, config, data, state)
    if problem:
        raise problem
    _tell(run, config, gan, done, time.monotonic() - start)
    if stop.signal is None:
        return 0
    if status == "finished":                             # the signal came with the last step, or during the drawing
        what = f"asked to stop when the run was finished: all of its {total:,} steps are there"
    else:
        what = f"stopped after step {len(gan.history):,} of {total:,}; numpygan resume {run.folder} goes on"
    print(f"numpygan: {what}", file=sys.stderr)
    return 128 + stop.signal


def _fit(run, config, recipe, data, state, stop):
    gan, rng, snapshots, average = state
    missing = config["steps"] - len(gan.history)
    if missing <= 0:
        return
    if config["checkpoint_every"] and not run["checkpoint.npz"].exists():
        run.save(state)                                  # of step 0: killed at any moment, it can be resumed
    compiles = gan.G.engine == "numba"
    waiting = Waiting("compiling the kernels; this takes some seconds the first time" if compiles else "")
    bar = Bar(config["steps"], len(gan.history))
    watchers = [waiting, *([] if average is None else [average]), snapshots, bar,
                Preview(run, data, snapshots.z, trainset.name_of(recipe.data)),
                Saver(run, state, config["checkpoint_every"]), stop]
    try:
        gan.fit(data, steps=missing, batch=recipe.batch, k=recipe.k, rng=rng, callbacks=watchers)
    finally:
        waiting.close()
        bar.close()


def _finish(run, config, data, state):
    """The state first, the pictures last: they can be drawn again. A run that diverged keeps its last checkpoint."""
    gan = state.gan
    if config["status"] != "diverged":
        run.save(state)
    gan.history.to_csv(run["history.csv"])
    run.write_config(config)
    say("drawing")
    frames = copy.copy(state.snapshots)                  # the last step is shown too, but no resumed run keeps it
    if len(gan.history) not in frames.steps:
        frames.steps = [*frames.steps, len(gan.history)]
        frames.samples = [*frames.samples, gan.G(frames.z)]
    good = [np.isfinite(x).all() for x in frames.samples]           # all of them, unless the run diverged
    frames.steps, frames.samples = (list(itertools.compress(v, good)) for v in (frames.steps, frames.samples))
    run.draw(state._replace(snapshots=frames), data, config["data"]["name"])


@contextlib.contextmanager
def _with_advice(run):
    """Add to an error of the system, such as a full disk, how to go on, if there is a checkpoint to go on from."""
    try:
        yield
    except OSError as error:
        if error.strerror and run["checkpoint.npz"].is_file():
            error.strerror += f"; the last checkpoint is whole: mend that, then numpygan resume {run.folder} goes on"
        raise


def _tell(run, config, gan, done, seconds):
    steps = len(gan.history)
    speed = f", {1000 * seconds / (steps - done):.2f} ms a step" if steps > done else ""
    print(f"{steps:,} of {config['steps']:,} steps in {seconds:.1f} s{speed}; over the last tenth: "
          f"{summary(gan, max(1, steps // 10))}")
    print(", ".join(name for name in FILES if run[name].exists()))


class Preview:
    """A callback that draws samples.png after a second, and again whenever twice the time has passed."""

    def __init__(self, run: Run, data: Any, z: np.ndarray, name: str):
        self.run, self.data, self.z, self.name = run, data, z, name
        self.start, self.next = time.monotonic(), 1.0

    def __call__(self, gan: GAN) -> None:
        if time.monotonic() - self.start >= self.next:
            self.run.draw_samples(gan, self.data, gan.G(self.z), self.name)
            self.next = 2 * (time.monotonic() - self.start)


class Saver:
    """A callback that writes the checkpoint every so many steps; 0: never."""

    def __init__(self, run: Run, state: State, every: int):
        self.run, self.state, self.every = run, state, every

    def __call__(self, gan: GAN) -> None:
        if self.every and len(gan.history) % self.every == 0:
            self.run.save(self.state)
