"""The command line: `numpygan train`, `numpygan sample`, …

Each command is one function below, which adds its arguments to a parser and returns the function that carries it out;
what that needs is imported inside, so that one command never waits for the libraries of another.

Exit status: 0 done; 1 failed; 2 the command cannot be carried out as given; 129, 130 and 143 stopped by SIGHUP, as
a terminal sends that is closed, by Ctrl-C and by SIGTERM.
"""
import argparse
import contextlib
import errno
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Sequence

from . import __version__
from .app.options import Misuse, Parser, number, one_of, unknown, whole, widths
from .app.terminal import TO_END

Carry = Callable[[argparse.Namespace], int]
COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], Carry]]] = {}


def command(summary: str) -> Callable:
    """Make the decorated function a command of its name."""
    def register(function):
        COMMANDS[function.__name__] = (summary, function)
        return function
    return register


# -------------------------------------------------------------------------------------------------- commands

@command("train a GAN; without anything else, on the handwritten digits that come with the package")
def train(parser: argparse.ArgumentParser) -> Carry:
    from .data import NAMES
    from .presets import PRESETS
    parser.epilog = ("Every data set has a recipe of its own (see numpygan/presets.py); the options change it. "
                     "--hidden, --activation and --lr set both networks; with -G or -D at their end, one of them.")
    parser.add_argument("data", nargs="?", metavar="DATA", help=f"{', '.join(NAMES)}, or the path of a .npy or .npz "
                        "file or of a folder of images (default: digits)")
    parser.add_argument("--preset", choices=PRESETS, help="another recipe than that of the data")
    _recipe_options(parser.add_argument_group("recipe", argument_default=argparse.SUPPRESS))
    add = parser.add_argument_group("run").add_argument
    add("--seed", type=whole(0), default=0, metavar="N")
    add("--engine", choices=("numba", "numpy"), help="default: NUMPYGAN_ENGINE, else numba")
    add("--root", metavar="FOLDER", help="where the files of mnist and fashion_mnist are looked for first")
    add("--out", metavar="FOLDER", help="the run folder (default: runs/NAME-1, runs/NAME-2, …)")
    add("--force", action="store_true", help="replace the files of an earlier run in it")
    add("--checkpoint-every", type=whole(0), metavar="N",
        help="in steps (default: a tenth of the run; 0: only at the end)")

    def carry(args):
        from .app.train import train
        return train(args.data, args.preset, _changes(args), seed=args.seed, engine=args.engine, root=args.root,
                     out=args.out, force=args.force, checkpoint_every=args.checkpoint_every, command=args.command_line)
    return carry


def _recipe_options(group):
    from .gan import NOISE
    from .network import ACTIVATIONS
    from .presets import INITS, LOSSES, OPTIMISERS
    add = group.add_argument
    add("--loss", choices=LOSSES)
    add("--real-label", type=number(0, 1), metavar="α", help="D's target on data; below 1: one-sided label smoothing")
    add("--fake-label", type=number(0, 1), metavar="β", help="D's target on fakes")
    add("--flip", type=number(0, 1), metavar="ε", help="the share of D's labels turned round")
    add("--label-noise", type=number(0, 1), metavar="W", help="the width of noise on D's labels")
    add("--z", type=whole(1), metavar="D", help="columns of noise")
    add("--noise", choices=NOISE, help="its distribution, of variance 1")
    _for_both(group, "--hidden", widths, "128,128", "widths of the hidden layers")
    _for_both(group, "--activation", one_of(ACTIVATIONS), "NAME", f"of the hidden layers: {', '.join(ACTIVATIONS)}")
    add("--output", type=one_of([*ACTIVATIONS, "identity"]), metavar="NAME", help="last layer of G")
    add("--init", choices=INITS, help="initial weights: He and Glorot, or those of PyTorch's Linear")
    add("--dropout", type=number(0, 1), metavar="RATE", help="in D, after each hidden layer")
    add("--batch-norm", choices=("G", "D", "GD"), help="batch normalisation in the hidden layers of G, D or both")
    add("--spectral", action="store_true", help="spectral normalisation of D's layers")
    add("--minibatch-std", action="store_true", help="show D the spread of each batch")
    add("--pack", type=whole(1), metavar="M", help="rows that D judges together")
    add("--r1", type=number(0), metavar="γ", help="weight of the R1 penalty")
    add("--r2", type=number(0), metavar="γ", help="weight of the R2 penalty")
    add("--gradient-penalty", type=number(0), metavar="λ", help="weight of the gradient penalty of WGAN-GP")
    add("--input-noise", type=number(0), metavar="STD", help="instance noise on D's inputs")
    add("--anneal", type=number(0, 1), metavar="SHARE",
        help="the last share of the steps, in which that noise falls to 0")
    add("--optimiser", choices=OPTIMISERS)
    _for_both(group, "--lr", number(0), "RATE", "learning rate")
    add("--beta1", type=number(0, 1), metavar="β", help="of Adam")
    add("--beta2", type=number(0, 1), metavar="β", help="of Adam")
    add("--decay", type=number(0, 1), metavar="SHARE", help="the last share of the steps, in which the rates fall to 0")
    add("--clip", type=number(0), metavar="C", help="bound of D's weights, as in the first Wasserstein GAN")
    add("--simultaneous", action="store_true", help="both gradients before both steps, instead of taking turns")
    add("--k", type=whole(1), metavar="K", help="steps of D for one of G")
    add("--average", type=number(0, 1), metavar="β", help="draw samples from the running mean of G's parameters")
    add("--batch", type=whole(1), metavar="N", help="rows in a minibatch")
    length = group.add_mutually_exclusive_group()
    for flag, text in (("--steps", "steps of G"), ("--epochs", "passes through finite data, instead of --steps")):
        length.add_argument(flag, type=whole(1), metavar="N", default=argparse.SUPPRESS, help=text)


def _for_both(group, flag, kind, metavar, text):
    """--x for both networks, --x-G and --x-D for one."""
    group.add_argument(flag, type=kind, metavar=metavar, help=text)
    for net in "GD":
        group.add_argument(f"{flag}-{net}", type=kind, metavar=metavar, help=argparse.SUPPRESS)


def _changes(args):
    """The settings of the recipe that were given: field of `Recipe` -> value."""
    from dataclasses import fields

    from .presets import Recipe
    given = vars(args)
    changes = {f"{name}_{net}": given[name] for name in ("hidden", "activation", "lr") if name in given for net in "GD"}
    return changes | {f.name: given[f.name] for f in fields(Recipe) if f.name in given and f.name != "data"}


@command("go on with a run that was stopped or killed, to the same bits as if it had not been")
def resume(parser: argparse.ArgumentParser) -> Carry:
    parser.add_argument("run", metavar="RUN", help="the folder of the run")
    parser.add_argument("--steps", type=whole(1), metavar="N", help="train to that many steps in all")

    def carry(args):
        from .app.train import resume
        return resume(args.run, args.steps)
    return carry


@command("draw new samples from a trained generator")
def sample(parser: argparse.ArgumentParser) -> Carry:
    parser.add_argument("run", metavar="RUN", help="the folder of the run")
    parser.add_argument("-n", type=whole(1), default=64, metavar="N", help="how many (default: 64)")
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N")
    parser.add_argument("--out", required=True, metavar="FILE", help=".png for a picture, .npz for the numbers")

    def carry(args):
        from .app.sample import sample
        return sample(args.run, args.n, args.seed, args.out)
    return carry


@command("print numbers about the samples of a run, beside anchors: perfect samples, training data, k-means, noise")
def evaluate(parser: argparse.ArgumentParser) -> Carry:
    parser.add_argument("run", metavar="RUN", help="the folder of the run")
    parser.add_argument("-n", type=whole(2), metavar="N", help="samples in each row (default: 2,500 of points, of "
                        "images as many as the data has, up to 10,000)")
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N")
    parser.add_argument("--json", action="store_true", help="for machines")

    def carry(args):
        from .evaluate import evaluate
        return evaluate(args.run, args.n, args.seed, args.json)
    return carry


@command("write the weights of a trained network as PyTorch names and lays them out")
def export(parser: argparse.ArgumentParser) -> Carry:
    parser.add_argument("run", metavar="RUN", help="the folder of the run")
    parser.add_argument("--network", choices=("G", "D"), default="G", help="which of the two (default: G)")
    parser.add_argument("--out", required=True, metavar="FILE", help="a .npz file")

    def carry(args):
        from .app.export import export
        return export(args.run, args.network, args.out)
    return carry


@command("draw the figures of the theory: Figure 1 of the paper, vanishing gradients, the Dirac-GAN, …")
def figures(parser: argparse.ArgumentParser) -> Carry:
    from .figures import FIGURES
    parser.epilog = "; ".join(f"{name}: {figure.shows}" for name, figure in FIGURES.items())
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(FIGURES)} (default: all)")
    parser.add_argument("--out", default="figures", metavar="DIR",
                        help="the folder they go to, in place of older ones (default: figures)")

    def carry(args):
        from .figures import main
        _check(args.names, FIGURES)
        return main(dict.fromkeys(args.names) or FIGURES, args.out)
    return carry


@command("measure methods over seeds in parallel: a table with standard errors, beside anchors and protocol")
def study(parser: argparse.ArgumentParser) -> Carry:
    from .study import STUDIES
    lines = "; ".join(f"{name}: {what}" for name, what in STUDIES.items())
    parser.epilog = f"{lines}. A study that was stopped goes on where it was when it is started again."
    parser.add_argument("name", type=one_of(STUDIES), metavar="NAME", help=", ".join(STUDIES))
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs: at most three minutes")
    parser.add_argument("--seeds", type=whole(1), metavar="N", help="the first N seeds of each method (default: all)")
    parser.add_argument("--jobs", type=whole(1), metavar="N", help="runs at the same time (default: one for each core)")
    parser.add_argument("--out", metavar="FOLDER", help="of table, picture and cells (default: runs/study-NAME)")

    def carry(args):
        from .study import main
        return main(args.name, args.seeds, args.quick, args.jobs, args.out)
    return carry


@command("time a training step beside PyTorch and JAX, where they are installed, and beside the bare products")
def bench(parser: argparse.ArgumentParser) -> Carry:
    from .bench.workloads import ALL, FAMILY, WORKLOADS
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help=f"{', '.join(WORKLOADS)} (default: these), or one of them and a part of the family, -"
                             f"{', -'.join(FAMILY)}: digits-gp")
    parser.epilog = "Without names: also how time grows with batch and width, memory, and how long a start takes."
    parser.add_argument("--rounds", type=whole(1), default=9, metavar="N", help="in turns (default: 9)")
    parser.add_argument("--threads", type=whole(1), metavar="N", help="of every contestant (default: all)")
    parser.add_argument("--json", metavar="FILE", help="write all figures to it")
    parser.add_argument("--out", metavar="FILE", help="draw them into this PNG file")

    def carry(args):
        from .bench import main
        _check(args.names, ALL)
        return main(args.names, args.rounds, args.threads, args.json, args.out)
    return carry


def _check(names, known):
    """Misuse for an unknown name. Not by argparse, which would blame the value of a misspelt option, not the option."""
    for name in names:
        if name not in known:
            raise Misuse(unknown(name, known))


# ------------------------------------------------------------------------------------------------------- main

def parser() -> tuple[Parser, dict[str, Parser]]:
    """The parser of the whole command line, and that of each command."""
    debug = Parser(add_help=False)
    debug.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error")
    top: Parser = Parser("numpygan", description="Generative adversarial networks you can read.", allow_abbrev=False,
                         parents=[debug])
    top.add_argument("--version", action="version", version=f"numpygan {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    parts = {}
    for name, (summary, fill) in COMMANDS.items():
        parts[name] = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".",
                                          allow_abbrev=False, parents=[debug])
        parts[name].set_defaults(carry=fill(parts[name]), command=name)
    return top, parts


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a command line, by default that of this process; returns the exit status."""
    if argv is None:                               # called from a program or a notebook, it changes no settings
        _set_up()
        argv = sys.argv[1:]
    if "--debug" in argv:
        return _carry_out(argv)
    try:
        with _terminable(), _heard():
            return _carry_out(argv)
    except KeyboardInterrupt as stop:
        status = 128 + (stop.number if isinstance(stop, Terminated) else signal.SIGINT)
        return _fail("stopped at once; what was saved before is whole", status)
    except BrokenPipeError:                       # whoever read our output is gone, as in numpygan … | head
        return 1
    except Exception as error:
        return _fail(*_explained(error))


def _set_up():
    """Settings of a process that runs this one command."""
    if isinstance(sys.stdout, io.TextIOWrapper):   # print ? for what the terminal cannot encode
        sys.stdout.reconfigure(errors="replace")
    os.environ["MPLBACKEND"] = "agg"               # no command opens a window
    warnings.filterwarnings("ignore", r"Glyph \d")   # boxes in place of a Korean title need no warning


class Terminated(KeyboardInterrupt):
    """A signal to end has come, of that number."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def _terminable():
    """SIGTERM and SIGHUP end the block as Ctrl-C does: half-written files go, and so do the workers of a study."""
    def end(number, frame):
        signal.signal(number, signal.SIG_IGN)      # a shell repeats SIGHUP, and what clears up should not be disturbed
        raise Terminated(number)

    ours = [which for which in TO_END if signal.getsignal(which) is signal.SIG_DFL
            and threading.current_thread() is threading.main_thread()]
    for which in ours:
        signal.signal(which, end)
    try:
        yield
    finally:
        for which in ours:
            signal.signal(which, signal.SIG_DFL)


@contextlib.contextmanager
def _heard():
    """Flush what the block printed: left to the end of Python, a failure there would be told in Python's words."""
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:             # None where it is closed
                sys.stdout.flush()
    except OSError as error:
        if error.errno == errno.EPIPE or _unheard(error):
            with contextlib.suppress(OSError):     # Python would try to print it once more
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def _unheard(error: OSError) -> bool:
    """Did printing fail, and not the writing of a file? The errors of our files name them."""
    return error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT) and not error.filename


def _carry_out(argv):
    top, parts = parser()
    args, rest = top.parse_known_args(argv)
    if rest:
        options = [option for action in parts[args.command]._actions for option in action.option_strings]
        option = rest[0].startswith("-") and "--" not in argv           # behind -- there are none
        what = unknown(rest[0].split("=")[0], options) if option else f"{rest[0]!r} is one too many"
        raise Misuse(f"{what} (see numpygan {args.command} --help)")
    args.command_line = ["numpygan", *argv]
    return args.carry(args)


def _explained(error: Exception) -> tuple[str, int]:
    """One sentence and the exit status for an error."""
    if isinstance(error, Misuse):
        return str(error), 2
    if isinstance(error, OSError) and _unheard(error):
        return f"what it prints cannot be written ({error.strerror}): print to a terminal, or where there is room", 1
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror, 1
    if isinstance(error, ValueError | OSError | ImportError | FloatingPointError):
        return str(error), 1
    if isinstance(error, MemoryError):
        return f"there is not enough memory ({error}): ask for fewer samples, smaller batches or smaller networks", 1
    return f"an error in numpygan itself ({type(error).__name__}: {error}): --debug shows where", 1


def _fail(message: str, status: int) -> int:
    with contextlib.suppress(OSError):             # with stderr closed the status has to do
        print(f"numpygan: {' '.join(message.split())}", file=sys.stderr, flush=True)
    return status
