"""One valid call of every public function, and what is bad for each of its parameters: the table of test_bad_input."""
import importlib
import inspect
import math
import types
from pathlib import Path

import matplotlib.figure
import numpy as np
from conftest import SCRATCH
from PIL import Image

import numpygan as ng
from numpygan import checkpoint, schedule
from numpygan.theory import dirac

NAN, INF = math.nan, math.inf


# ------------------------------------------------------------------------------------------ what is public

MODULES = ["", *sorted(n for n in ng.__all__ if isinstance(getattr(ng, n), types.ModuleType)), "schedule", "checkpoint"]


def public():
    """{name: callable} of all that a user can reach: functions, classes, and the public methods of these."""
    found = {}
    for name in MODULES:
        found |= _of(importlib.import_module(f"numpygan.{name}".rstrip(".")), f"{name}." if name else "")
    return found


def _of(module, prefix):
    """What a module shows: `__all__`, or what it defines without an underscore; modules in it likewise."""
    names = getattr(module, "__all__", None) or [
        n for n, v in vars(module).items() if not n.startswith("_") and getattr(v, "__module__", "") == module.__name__]
    found = {}
    for name in names:
        thing = getattr(module, name)
        if isinstance(thing, types.ModuleType):
            found |= _of(thing, f"{prefix}{name}.") if prefix else {}
        elif isinstance(thing, type) and (issubclass(thing, BaseException | ng.Layer) or hasattr(thing, "_fields")):
            # Errors and results are made by the package, and the methods of a layer are called by its network.
            found |= {prefix + name: thing} if issubclass(thing, ng.Layer) else {}
        elif callable(thing):
            found[prefix + name] = thing
            found |= {f"{prefix}{name}.{n}": getattr(thing, n) for n, f in vars(thing).items()
                      if (n == "__call__" or not n.startswith("_")) and callable(getattr(thing, n))
                      } if isinstance(thing, type) else {}
    return found


def parameters(call):
    return [name for name in inspect.signature(call).parameters if name != "self"]


# Parameters that nothing is tried on, and why. "module.*" is all that begins so, "*: name" that parameter anywhere.
EXCEPTIONS = {
    "functional.*": "the equations: their shapes are compared with those that the kernels take, below",
    "plots.dynamics.*": "drawn by numpygan.figures from its own numbers",
    "plots.moving.*": "drawn by numpygan.figures from its own numbers",
    "plots.pair.*": "drawn by numpygan.figures from its own numbers",
    "plots.supports.*": "drawn by numpygan.figures from its own numbers",
    "plots.theory.*": "drawn by numpygan.figures from its own numbers",
    "check.Report*": "made by the checks",
    "data.Data*": "a protocol: what data must have, not a class that anybody calls",
    "theory.OptimalDiscriminator": "made by theory.optimal_discriminator",
    "Averaged.of: *": "what a checkpoint held, see test_checkpoint",
    "History.of: *": "what a checkpoint held, see test_checkpoint",
    "History.record: *": "called by fit in every step",
    "*: title": "Matplotlib writes whatever it is given",
    "Network.backward: want_*": "taken by their truth in every step",
    "optim.Optimiser: *": "SGD and its like, which derive from it, are in the table",
    "schedule.*.__call__: step": "called by the optimisers in every step",
    "check.gan: *_gradient": "a function of the reader's, see below",
    "check.gan: *_step": "a function of the reader's",
}


# ------------------------------------------------------------------------------------------------- material

def rng():
    return np.random.default_rng(0)


def net(*sizes):
    return ng.MLP(sizes or [2, 3, 1], rng=rng(), engine="numpy", dtype=np.float64)


def gan():
    return ng.GAN(net(2, 3, 2), net(2, 3, 1))


def points(n=12, d=2):
    return rng().standard_normal((n, d))


def average():
    mean = ng.Averaged(0.9)
    mean(gan())
    return mean


def run_backward(**given):
    D = net()
    return D.backward(**{"tape": D.forward(X)[1], "dy": np.ones((12, 1)), **given})


def run_jvp(**given):
    D = net()
    return D.jvp(**{"tape": D.forward(X)[1], "x_dot": X, **given})


def run_jvp_backward(**given):
    D = net()
    tape = D.forward(X)[1]
    return D.jvp_backward(**{"tape": tape, "dots": D.jvp(tape, X)[1], "dy_dot": np.ones((12, 1)), **given})


def by_jvp(**given):
    D = net()
    return ng.penalties.by_jvp(**{"D": D, "tape": D.forward(X)[1], "v": X, **given})


def files():
    """A folder with a file of every kind that is read."""
    folder = Path(SCRATCH) / "calls"
    (folder / "images").mkdir(parents=True, exist_ok=True)
    np.save(folder / "x.npy", points())
    np.savez(folder / "x.npz", x=points())
    gan().save(folder / "gan.npz", rng())
    ng.weights.export(net(), folder / "net.npz")
    Image.new("L", (4, 4)).save(folder / "images" / "a.png")
    return folder


class Sure:
    """A judge of two classes."""

    def probabilities(self, x):
        return np.full((len(x), 2), 0.5)


X, U, UNIT = points(), rng().random((12, 2)), (lambda x: np.ones_like(x))
NORMAL = ng.data.gaussian(0.0, 1.0)
FILES = files()
HISTORY = ng.History()
HISTORY.record(loss_D=1.0, loss_G=1.0, D_real=0.5, D_fake=0.5, norm_g_D=1.0, norm_g_G=1.0)
SNAPSHOTS = ng.Snapshots(X)
SNAPSHOTS(gan())
NET, HALF = net(), ng.theory.optimal_discriminator(UNIT, UNIT)
AX = matplotlib.figure.Figure().add_subplot()

# What is bad for each kind of parameter. None is left out where it is the default.
BAD = {
    "count": ["2", 1.5, 0, -1, NAN, [3], None, True],
    "two": ["2", 1.5, 1, -1, NAN, [3], None, True],
    "length": ["2", 1.5, 0, -1, NAN, [3], True],
    "seed": ["2", 1.5, -1, NAN, [3], None, True],
    "positive": ["1", 0.0, -1.0, NAN, INF, [1.0], None],
    "at least 0": ["1", -1.0, NAN, INF, [1.0], None],
    "share": ["0.5", -0.1, 1.5, NAN, [0.5], None],
    "inside": ["0.5", 0.0, 1.0, NAN, [0.5], None],
    "finite": ["1", NAN, INF, None, [[1.0], [2.0, 3.0]]],
    "number": ["1", NAN, INF, None, [1.0]],
    "rows": ["x", NAN, None, np.ones((2, 3, 4, 5, 6)), np.array([[1.0, NAN]] * 12), np.array([[1.0, INF]] * 12),
             np.zeros((0, 2)), np.array([["a", "b"]] * 12), np.array([[object(), 1]] * 12)],
    "other rows": ["x", np.ones((2, 3, 4, 5, 6)), np.array([[1.0, NAN]] * 12), np.zeros((0, 2)), np.ones((12, 7))],
    "batch": ["x", None, np.ones(3), np.ones((12, 7)), np.ones((0, 2)), np.array([["a", "b"]] * 12)],
    "logits": ["x", None, np.ones(3), np.ones((3, 2)), np.ones((0, 1)), np.array([["a"]])],
    "vector": ["x", None, np.ones(3), np.ones((12, 7)), np.array(["a"] * 13)],
    "upstream": ["x", None, np.ones(12), np.ones((12, 2)), np.array([["a"]] * 12)],
    "noise": ["x", None, np.ones(3), np.ones((0, 2)), np.ones((3, 7))],
    "weights": ["x", None, 3.0, np.ones(3), np.array([["a"]])],
    "numbers": ["x", None, NAN, ["a"]],
    "rng": [0, "x", np.random.RandomState(0)],
    "draws": [0, "x", np.random.RandomState(0), None],
    "network": ["x", 3, np.ones((2, 2)), None],
    "network or none": ["x", 3, np.ones((2, 2))],
    "tape": ["x", 3, None],
    "dtype": ["float16", int, np.complex128, "x", 3, None],
    "engine": ["torch", 3],
    "name": ["nope", 3, None],
    "path": [3, None],
    "root": ["nowhere", 3],
    "data": ["x", None, np.ones(3), np.array([[1.0, NAN]] * 12), [["a", "b"]], 7],
    "data object": ["x", None, X, 7],
    "function": ["x", 3, None],
    "function or none": ["x", 3],
    "loss": ["x", 3],
    "density": ["x", None, 3],
    "support": ["x", (1, 0), (NAN, 1), 3, (0, 1, 2, 3, 4)],
    "tolerance": ["x", -1.0, NAN, 0.0, [1e-3]],
    "classes": ["x", 3, [3], None],
    "bool": ["yes", 2, None],
    "text": [3, [3]],
    "log": ["x", 3, [1]],
    "history": ["x", 3, None, []],
    "axes": ["x", 3],
    "sigmas": ["x", 3, [], [0.0], ["1"], [NAN], None],
    "images": [3, "x", (2,), (2, 2, 2, 2), (0, 2), (1.5, 2), (5, 5), None],
    "value range": [3, "x", (1,), (1, 0), (NAN, 1), None],
    "square": ["x", None, 3.0, np.ones((2, 3)), [[NAN, 0], [0, 1]], [["a", "b"], ["c", "d"]]],
}
# The kind of a parameter of that name, where an entry does not say otherwise.
NAMED = {"rng": "draws", "n": "count", "dtype": "dtype", "engine": "engine", "tol": "tolerance", "support": "support",
         "seed": "seed", "limit": "count", "progress": "function or none", "own": "classes", "name": "text",
         "ax": "axes", "tape": "tape", "gan": "network", "net": "network", "G": "network", "D": "network"}

LABELS = {"real_label": ["1", -1.0, 2.0, NAN, None, 0.0], "fake_label": ["0", -0.1, 1.0, NAN, None],
          "flip": ["0", -0.1, 0.5, NAN, None], "label_noise": ["0", -0.1, 1.5, NAN, None]}
PAIR = {"p": "density", "q": "density"}
ROOTS = {"root": "root", "part": "name", "mirrors": ["x", 3, [3]]}
POINTS = {"x_fake": "rows", "x_real": "rows", "density": "function or none", "D": "network or none"}
PLAYERS = {"theta": "numbers", "psi": "numbers"}
ORDER = {"order": "name", "k": "count"}
TWO = {"theta": 1.0, "psi": 1.0}

# name -> (callable, valid arguments, kind of each parameter that NAMED does not tell)
CALLS = {
    "MLP": (ng.MLP, {"sizes": [2, 3, 1], "rng": rng()},
            {"sizes": [[2], [], 3, "x", [2, 0], [2, -1], [2, 1.5], [2, "a"], [0, 2], [NAN, 2], None],
             "hidden": "name", "output": "name"}),
    "Network": (ng.Network, {"layers": [ng.Dense(2)], "d_in": 3, "rng": rng()},
                {"layers": [[], [3], "x", ng.Dense(2), [ng.Dense], None, 3], "d_in": "count"}),
    "Network.__call__": (net().__call__, {"x": X}, {"x": "batch", "rng": "rng"}),
    "Network.forward": (net().forward, {"x": X},
                        {"x": "batch", "rng": "rng",
                         "theta": ["x", np.ones(3), np.ones((2, 2)), np.array(["a"] * 13)]}),
    "Network.backward": (run_backward, {}, {"tape": "tape", "dy": "upstream"}),
    "Network.jvp": (run_jvp, {}, {"tape": "tape", "x_dot": "batch"}),
    "Network.jvp_backward": (run_jvp_backward, {}, {"tape": "tape", "dy_dot": "upstream", "dots": ["x", 3, None, []]}),
    "Network.commit": (lambda tapes: NET.commit(tapes), {"tapes": NET.forward(X)[1]}, {"tapes": ["x", 3, None]}),
    "Network.params": (net().params, {"theta": np.ones(13)}, {"theta": ["x", np.ones(3), np.array(["a"] * 13)]}),
    "Network.theta": (lambda theta: setattr(net(), "theta", theta), {"theta": np.ones(13)}, {"theta": "vector"}),
    "Network.state": (lambda state: setattr(net(), "state", state), {"state": []}, {"state": "vector"}),
    "Layer": (ng.Layer, {}, {}), "ReLU": (ng.ReLU, {}, {}), "Tanh": (ng.Tanh, {}, {}), "Sigmoid": (ng.Sigmoid, {}, {}),
    "Dense": (ng.Dense, {"width": 2}, {"width": "count", "init": ["he", 3, None], "bias": "bool"}),
    "SpectralDense": (ng.SpectralDense, {"width": 2}, {"width": "count", "init": ["he", 3, None], "bias": "bool"}),
    "LeakyReLU": (ng.LeakyReLU, {}, {"slope": "share"}),
    "Dropout": (ng.Dropout, {}, {"rate": "share"}),
    "Maxout": (ng.Maxout, {"k": 2}, {"k": "count"}),
    "Pack": (ng.Pack, {"m": 2}, {"m": "count"}),
    "BatchNorm": (ng.BatchNorm, {}, {"momentum": "share", "eps": "positive"}),
    "MinibatchStd": (ng.MinibatchStd, {}, {"eps": "positive"}),
    "Averaged": (ng.Averaged, {}, {"beta": "share"}),
    "Averaged.__call__": (ng.Averaged().__call__, {"gan": gan()}, {}),
    "Averaged.sample": (average().sample, {"gan": gan(), "n": 3, "rng": rng()}, {}),
    "Averaged.generate": (average().generate, {"gan": gan(), "z": X}, {"z": "noise"}),
    "Averaged.network": (average().network, {"gan": gan()}, {}),
    "Averaged.arrays": (average().arrays, {}, {}),
    "History": (ng.History, {}, {}), "History.rows": (HISTORY.rows, {}, {}),
    "History.to_csv": (HISTORY.to_csv, {"path": FILES / "h.csv"}, {"path": "path"}),
    "Snapshots": (ng.Snapshots, {"z": X}, {"z": ["x", None, np.ones(3), np.ones((0, 2))], "every": "count",
                                            "most": "count"}),
    "Snapshots.__call__": (SNAPSHOTS.__call__, {"gan": gan()}, {}),
    "GAN": (ng.GAN, {"G": net(2, 3, 2), "D": net()},
            {"loss": "loss", "opt_G": "loss", "opt_D": "loss", "noise": "name",
             "penalties": ["x", 3, [3], [None], ng.penalties.R1(1.0), None],
             "input_noise": "at least 0", "simultaneous": "bool"}),
    "GAN.fit": (lambda **a: gan().fit(**a), {"data": X, "rng": rng(), "steps": 1, "batch": 4},
                {"data": "data", "steps": "length", "batch": "count", "k": "count",
                 "callbacks": ["x", 3, [3], None, print]}),
    "GAN.fit epochs": (lambda **a: gan().fit(**a), {"data": X, "rng": rng(), "epochs": 1, "batch": 4},
                       {"epochs": "length"}),
    "GAN.sample": (gan().sample, {"n": 3, "rng": rng()}, {}),
    "GAN.draw": (gan().draw, {"n": 3, "rng": rng()}, {}),
    "GAN.load": (ng.GAN.load, {"path": FILES / "gan.npz"}, {"path": "path", "rng": "rng"}),
    "GAN.save": (gan().save, {"path": FILES / "g.npz"}, {"path": "path", "rng": "rng"}),
    "checkpoint.load": (checkpoint.load, {"path": FILES / "gan.npz", "make": ng.GAN},
                        {"path": "path", "make": ["x", 3, None]}),
    "checkpoint.save": (checkpoint.save, {"path": FILES / "g.npz", "gan": gan()},
                        {"path": "path", "rng": "rng", "extra": ["x", 3, [3], {3: X}, {"a": "x"}]}),
    "checkpoint.set_state": (checkpoint.set_state, {"rng": rng(), "saved": rng(), "path": "x"},
                             {"saved": [0, "x", None], "path": []}),
    "discriminator_gradient": (ng.discriminator_gradient,
                               {"D": net(), "loss": ng.losses.Minimax(), "x": X, "x_fake": X},
                               {"loss": "loss", "x": "batch", "x_fake": "batch", "rng": "rng", "log": "log"}),
    "generator_gradient": (ng.generator_gradient,
                           {"G": net(2, 3, 2), "D": net(), "loss": ng.losses.Minimax(), "z": X, "rng": rng()},
                           {"loss": "loss", "z": "batch", "rng": "rng", "input_noise": "at least 0", "log": "log"}),
    **{f"losses.{name}": (getattr(ng.losses, name), {}, LABELS if name in ("Minimax", "NonSaturating") else {})
       for name in ("Loss", "Minimax", "NonSaturating", "LeastSquares", "Hinge", "Wasserstein")},
    "losses.Loss.using": (ng.losses.Hinge().using, {"engine": "numpy"}, {"engine": "engine"}),
    **{f"losses.{name}.{side}": (getattr(getattr(ng.losses, name)(), side), dict.fromkeys(given, np.ones((3, 1))),
                                 {**dict.fromkeys(given, "logits"), "rng": []})
       for name in ("Minimax", "NonSaturating", "LeastSquares", "Hinge", "Wasserstein")
       for side, given in (("discriminator", ("logit_real", "logit_fake")), ("generator", ("logit_fake",)))},
    "losses.Minimax.discriminator noisy": (ng.losses.Minimax(label_noise=0.1).discriminator,
                                           {"logit_real": np.ones((3, 1)), "logit_fake": np.ones((3, 1)), "rng": rng()},
                                           {}),
    "penalties.R1": (ng.penalties.R1, {"gamma": 1.0}, {"gamma": "at least 0"}),
    "penalties.R2": (ng.penalties.R2, {"gamma": 1.0}, {"gamma": "at least 0"}),
    "penalties.GradientPenalty": (ng.penalties.GradientPenalty, {}, {"weight": "at least 0"}),
    **{f"penalties.{type(p).__name__}.__call__": (
        p, {"D": net(), "x": X, "x_fake": X, "rng": rng()},
        {"x": [] if isinstance(p, ng.penalties.R2) else "batch",                 # each looks at one of the two alone
         "x_fake": [] if isinstance(p, ng.penalties.R1) else "batch",
         "rng": "draws" if isinstance(p, ng.penalties.GradientPenalty) else "rng"})
       for p in (ng.penalties.R1(1.0), ng.penalties.R2(1.0), ng.penalties.GradientPenalty())},
    "penalties.by_jvp": (by_jvp, {}, {"D": "network", "tape": "tape", "v": "batch"}),
    "penalties.by_complex_step": (ng.penalties.by_complex_step, {"D": net(), "x": X, "v": X, "u": None},
                                  {"x": "batch", "v": "batch", "rng": "rng",
                                   "u": ["x", np.ones(3), np.ones((12, 7)), [["a", "b"]] * 12]}),
    **{f"optim.{name}": (getattr(ng.optim, name), {"lr": 0.1},
                         {"lr": "at least 0", "clip": ["x", 0.0, -1.0, NAN, INF], "momentum": "share", "rho": "share",
                          "beta1": "share", "beta2": "share", "eps": "positive"})
       for name in ("SGD", "Momentum", "RMSProp", "Adam")},
    "optim.Optimiser.step": (lambda net, g: ng.optim.SGD(0.1).step(net, g), {"net": net(), "g": np.ones(13)},
                             {"g": "vector"}),
    "schedule.LinearDecay": (schedule.LinearDecay, {"lr": 0.1, "steps": 9},
                             {"lr": "at least 0", "steps": "count", "hold": "share"}),
    "schedule.Exponential": (schedule.Exponential, {"lr": 0.1, "factor": 1.1},
                             {"lr": "at least 0", "factor": ["1", 0.5, NAN, INF, None, [2.0]]}),
    "schedule.Ramp": (schedule.Ramp, {"first": 0.1, "last": 0.2, "steps": 9},
                      {"first": "number", "last": "number", "steps": "count"}),
    "init.normal": (ng.init.normal, {"std": 1.0}, {"std": "at least 0"}),
    "init.uniform": (ng.init.uniform, {"a": 1.0}, {"a": "at least 0"}),
    **{f"init.{name}.__call__": (getattr(ng.init, name)(0.1), {"W": np.ones((2, 3)), "rng": rng()}, {"W": "weights"})
       for name in ("normal", "uniform")},
    **{f"init.{name}": (getattr(ng.init, name), {"W": np.ones((2, 3)), "rng": rng()}, {"W": "weights"})
       for name in ("he", "glorot", "linear")},
    "data.array": (ng.data.array, {"x": X}, {
        "x": ["x", None, 3, np.ones(3), np.array([[1.0, NAN]]), np.zeros((0, 2)), [["a"]], [[1], [2, 3]]],
        "labels": ["x", 3, np.ones(5), np.full(12, -1), np.full(12, 0.5), np.full(12, NAN), ["a"] * 12],
        "range": ["x", 3, (1, 0), (0, 0.001), (NAN, 1), (1, 2, 3)], "source": ["x", 3]}),
    "data.as_data": (ng.data.as_data, {"x": X}, {"x": "data"}),
    "data.digits": (ng.data.digits, {}, {}),
    "data.gaussian": (ng.data.gaussian, {}, {"mean": "finite", "std": "positive", "d": "length",
                                             "cov": ["x", -np.eye(1), [[NAN]], np.ones((2, 3))]}),
    "data.grid": (ng.data.grid, {}, {"k": "count", "spacing": "positive", "std": "positive"}),
    "data.ring": (ng.data.ring, {}, {"m": "count", "radius": "positive", "std": "positive"}),
    "data.mixture": (ng.data.mixture, {"means": X}, {"means": ["x", None, NAN, np.array([[1.0, NAN]])],
                                                     "stds": "positive",
                                                     "weights": ["x", 3.0, -np.ones(12), np.ones(3), np.zeros(12)]}),
    "data.moons": (ng.data.moons, {}, {"noise": "at least 0"}),
    "data.swiss_roll": (ng.data.swiss_roll, {}, {"noise": "at least 0"}),
    "data.uniform": (ng.data.uniform, {}, {"lo": ["x", NAN, INF, 2.0, None], "hi": ["x", NAN, INF, -1.0, None],
                                           "d": "length"}),
    "data.load": (ng.data.load, {"name_or_path": "ring"}, {"name_or_path": ["rnig", 3, None], "root": [],
                                                           "options": []}),
    "data.load mnist": (ng.data.load, {"name_or_path": "mnist", "root": "nowhere"}, {"root": "root"}),
    "data.load options": (lambda m: ng.data.load("ring", m=m), {"m": 3}, {"m": "count"}),
    "data.load unknown options": (lambda **o: ng.data.load("ring", **o), {}, {"q": [3]}),
    "data.mnist": (ng.data.mnist, {"root": "nowhere"}, ROOTS),
    "data.fashion_mnist": (ng.data.fashion_mnist, {"root": "nowhere"}, ROOTS),
    "data.images": (ng.data.images, {"folder": FILES / "images"}, {"folder": ["nowhere", 3, None], "mode": "name"}),
    "data.npy": (ng.data.npy, {"path": FILES / "x.npy"}, {"path": ["nowhere.npy", 3, None]}),
    "data.npz": (ng.data.npz, {"path": FILES / "x.npz"}, {"path": ["nowhere.npz", 3, None]}),
    **{f"data.{name}.{way}": (getattr(d, way), {"n": 3, "rng": rng()}, {})
       for name, d in (("ring", ng.data.ring()), ("array", ng.data.array(X, np.zeros(12, int))),
                       ("moons", ng.data.moons()), ("gaussian", NORMAL), ("uniform", ng.data.uniform()))
       for way in ("sample", "sample_labelled", "batches") if hasattr(d, way)
       if way != "sample_labelled" or d.labels is not None or name in ("ring", "moons")},
    "data.array.split": (ng.data.array(X).split, {"fraction": 0.5, "rng": rng()},
                         {"fraction": ["x", None, 0.0, 1.0, -1.0, NAN, 0.01]}),
    "data.ring.density": (ng.data.ring().density, {"x": X}, {"x": ["x", None, np.ones((12, 7)), [["a", "b"]]]}),
    "check.layer": (ng.check.layer, {"layer": ng.Tanh(), "engine": "numpy"},
                    {"layer": ["x", 3, None, ng.Tanh], "x_shape": ["x", 3, None, (5,), (0, 3), (5, 1.5), (5, "3")]}),
    "check.loss": (ng.check.loss, {"loss": ng.losses.Hinge(), "engine": "numpy"},
                   {"loss": ["x", 3, None], "m": "count", "like": ["x", 3], "tails": "bool"}),
    "check.network": (ng.check.network, {"net": net(), "engine": "numpy"}, {}),
    "check.gan": (ng.check.gan, {"G": net(2, 2), "D": net(2, 1), "engine": "numpy"},
                  {"loss": "loss", "x": "other rows",
                   "n": ["5", 1.5, 2, NAN, None, [5], True]}),
    **{f"theory.{name}": (getattr(ng.theory, name), {"p": UNIT, "q": UNIT, "support": (0, 1)}, PAIR)
       for name in ("kl", "jsd", "jsd_distance", "total_variation", "value", "cross_entropy", "criterion",
                    "minimax_generator_value", "non_saturating_generator_value", "wasserstein1", "kantorovich")},
    "theory.entropy": (ng.theory.entropy, {"p": UNIT, "support": (0, 1)}, PAIR),
    "theory.cdf": (ng.theory.cdf, {"p": UNIT, "support": (0, 1)}, PAIR),
    "theory.expectation": (ng.theory.expectation, {"f": UNIT, "p": UNIT, "support": (0, 1)},
                           {"f": "function", "p": "density"}),
    "theory.change_of_variables": (ng.theory.change_of_variables,
                                   {"f": np.cos, "G": lambda z: z, "p_z": UNIT, "p_g": UNIT, "z_support": (0, 1),
                                    "support": (0, 1)},
                                   {"f": "function", "G": "function", "p_z": "density", "p_g": "density",
                                    "z_support": "support"}),
    "theory.pushforward": (ng.theory.pushforward,
                           {"p_z": UNIT, "inverse": UNIT, "abs_det": UNIT, "support": (0, 1), "G": UNIT},
                           {"p_z": "density", "inverse": "function", "abs_det": "function", "G": "function or none"}),
    "theory.value_of": (ng.theory.value_of, {"D": lambda x: 0.5 * np.ones_like(x), "p": UNIT, "q": UNIT,
                                             "support": (0, 1)},
                        {**PAIR, "D": "function", "logits": "bool"}),
    "theory.optimal_discriminator": (ng.theory.optimal_discriminator, {"p": UNIT, "q": UNIT}, {
        **PAIR, "real_label": ["1", 2.0, NAN], "fake_label": ["0", -1.0, NAN], "flip": ["0", 1.5, -1.0, NAN]}),
    "theory.OptimalDiscriminator.__call__": (HALF.__call__, {"x": [0.5]}, {"x": "numbers"}),
    "theory.OptimalDiscriminator.logit": (HALF.logit, {"x": [0.5]}, {"x": "numbers"}),
    "theory.Density": (ng.theory.Density, {"f": UNIT, "support": (0, 1)},
                       {"f": "function", "log_density": "function or none", "sample": "function or none",
                        "breaks": [3, "x", [NAN], ["a"], None]}),
    **{f"theory.Density.{method}": (getattr(ng.theory.Density(UNIT, (0, 1)), method), {"x": [0.5]}, {"x": "numbers"})
       for method in ("__call__", "log", "both")},
    "theory.Density.sample": (ng.theory.Density(UNIT, (0, 1), sample=lambda n, rng: rng.random(n)).sample,
                              {"n": 3, "rng": rng()}, {}),
    "theory.pointwise_value": (ng.theory.pointwise_value, {"y": 0.5, "a": 1.0, "b": 1.0},
                               {"y": ["x", None, NAN, -0.1, 1.1], "a": ["x", None, NAN, -1, INF],
                                "b": ["x", None, NAN, -1, INF]}),
    "theory.mean_and_error": (ng.theory.mean_and_error, {"values": [1.0, 2.0]},
                              {"values": ["x", None, [1.0], [1.0, NAN], ["a", "b"]]}),
    "theory.gaussian_kl": (ng.theory.gaussian_kl, {"mean_p": 0.0, "spread_p": 1.0, "mean_q": 1.0, "spread_q": 2.0},
                           {"mean_p": "finite", "spread_p": "positive", "mean_q": "finite", "spread_q": "positive"}),
    "theory.gaussian_entropy": (ng.theory.gaussian_entropy, {"spread": 1.0}, {"spread": ["x", None, 0.0, -1.0, NAN]}),
    "theory.gaussian_wasserstein1": (ng.theory.gaussian_wasserstein1,
                                     {"mean_p": 0.0, "std_p": 1.0, "mean_q": 1.0, "std_q": 2.0},
                                     {"mean_p": "finite", "std_p": "at least 0", "mean_q": "finite",
                                      "std_q": "at least 0"}),
    "theory.uniform_wasserstein1": (ng.theory.uniform_wasserstein1, {"p": (0, 1), "q": (1, 2)},
                                    dict.fromkeys("pq", ["x", 3, (1, 0), (NAN, 1), (0, 1, 2), None])),
    "theory.sliced_wasserstein1": (ng.theory.sliced_wasserstein1, {"x": X, "y": X, "rng": rng()},
                                   {"x": "rows", "y": "rows", "directions": "count"}),
    "theory.monte_carlo": (ng.theory.monte_carlo, {"quantity": "kl", "p": NORMAL, "q": NORMAL, "n": 9, "rng": rng()},
                           {"quantity": "name", **PAIR, "n": "two"}),
    "theory.smoothed": (ng.theory.smoothed, {"p": UNIT, "std": 0.1, "support": (0, 1)}, {**PAIR, "std": "positive"}),
    "theory.generated_density": (ng.theory.generated_density, {"G": net(1, 3, 1), "x": np.linspace(-1, 1, 5)},
                                 {"x": "numbers", "noise": "name", "m": "count"}),
    "theory.dirac.value": (dirac.value, TWO, PLAYERS),
    "theory.dirac.slope": (dirac.slope, {"t": 1.0}, {"t": "numbers"}),
    "theory.dirac.curvature": (dirac.curvature, {"t": 1.0}, {"t": "numbers"}),
    **{f"theory.dirac.{name}": (getattr(dirac, name), TWO | more, {**PLAYERS, **dict.fromkeys(more, "at least 0")})
       for name, more in (("gan", {}), ("nsgan", {}), ("wgan", {}), ("wgan_gp", {"weight": 0.3}),
                          ("r1", {"gamma": 1.0}), ("consensus", {"gamma": 1.0}), ("instance_noise", {"std": 0.5}))},
    "theory.dirac.bilinear": (dirac.bilinear, {"x": 1.0, "y": 1.0}, {"x": "numbers", "y": "numbers"}),
    "theory.dirac.step": (dirac.step, {"field": dirac.gan, **TWO, "h": 0.2, "order": "D first"},
                          {"field": "function", **PLAYERS, "h": "number", **ORDER, "clip": ["x", -1.0, NAN, [1.0]]}),
    "theory.dirac.trajectory": (dirac.trajectory, {"field": dirac.gan, "steps": 2, "order": "D first"},
                                {"field": "function", "steps": "seed", "h": "number", **ORDER,
                                 "clip": ["x", -1.0, NAN, [1.0]], "start": ["x", 3, (1,), (1, NAN), ("a", "b"), None]}),
    **{f"theory.dirac.{name}": (getattr(dirac, name), {"name": "r1", "gamma": 1.0},
                                {"name": "name", "gamma": "at least 0", "std": "at least 0"})
       for name in ("linearisation", "eigenvalues")},
    "theory.dirac.step_matrix": (dirac.step_matrix, {"J": np.eye(2), "h": 0.2, "order": "D first"},
                                 {"J": "square", "h": "number", **ORDER}),
    "theory.dirac.jacobian": (dirac.jacobian, {"f": lambda x: x},
                              {"f": "function", "at": ["x", 3, (1, NAN), None, ("a", "b")], "h": "positive"}),
    "metrics.modes": (ng.metrics.modes, {"x": X, "mixture": ng.data.ring()}, {"x": "rows", "mixture": "network"}),
    "metrics.perfect_modes": (ng.metrics.perfect_modes, {"mixture": ng.data.ring(), "n": 9}, {"mixture": "network"}),
    "metrics.frechet_distance": (ng.metrics.frechet_distance, {"x": X, "x_fake": X}, {"x": "rows", "x_fake": "rows"}),
    "metrics.frechet_gaussians": (ng.metrics.frechet_gaussians,
                                  {"mean_x": [0, 0], "cov_x": np.eye(2), "mean_y": [0, 0], "cov_y": np.eye(2)},
                                  {"mean_x": ["x", None, 3.0, [NAN, 0], ["a", "b"], [0, 0, 0]], "cov_x": "square",
                                   "mean_y": ["x", None, 3.0, [NAN, 0], ["a", "b"], [0, 0, 0]], "cov_y": "square"}),
    "metrics.frechet_floor": (ng.metrics.frechet_floor, {"cov": np.eye(2), "n": 9, "m": 9},
                              {"cov": "square", "m": "count"}),
    "metrics.gaussian_like": (ng.metrics.gaussian_like, {"x": X, "n": 3, "rng": rng()}, {"x": "rows"}),
    "metrics.nearest": (ng.metrics.nearest, {"x": X, "reference": X}, {"x": "rows", "reference": "other rows"}),
    "metrics.nearest_distance": (ng.metrics.nearest_distance, {"x": X, "reference": X},
                                 {"x": "rows", "reference": "other rows"}),
    "metrics.two_sample_accuracy": (ng.metrics.two_sample_accuracy, {"x": X, "x_fake": X},
                                    {"x": "rows", "x_fake": "rows"}),
    "metrics.sliced_wasserstein1": (ng.metrics.sliced_wasserstein1, {"x": X, "y": X, "rng": rng()},
                                    {"x": "rows", "y": "rows", "directions": "count"}),
    "metrics.mmd": (ng.metrics.mmd, {"x": X, "x_fake": X}, {"x": "rows", "x_fake": "rows",
                                                            "bandwidth": ["x", 0.0, -1.0, NAN, INF, [1.0]]}),
    "metrics.jsd_on_grid": (ng.metrics.jsd_on_grid, {"x": X, "x_fake": X},
                            {"x": "rows", "x_fake": "rows", "bins": "count",
                             "box": ["x", 3, (0, 1), ((0, 1),), ((1, 0), (0, 1)), ((0, NAN), (0, 1)),
                                     (("a", "b"), ("c", "d"))]}),
    "metrics.parzen": (ng.metrics.parzen, {"valid": U, "test": U, "x_fake": U},
                       {"valid": "rows", "test": "rows", "x_fake": "rows", "sigmas": "sigmas"}),
    "metrics.parzen_curve": (ng.metrics.parzen_curve, {"x": X, "x_fake": X},
                             {"x": "rows", "x_fake": "rows", "sigmas": "sigmas"}),
    "metrics.parzen_log_likelihood": (ng.metrics.parzen_log_likelihood, {"x": X, "x_fake": X, "sigma": 0.5},
                                      {"x": "rows", "x_fake": "rows", "sigma": "positive"}),
    "metrics.region_share": (ng.metrics.region_share, {"x": X, "data": ng.data.ring(), "rng": rng(), "draws": 99},
                             {"x": "rows", "data": "data object", "level": "inside", "draws": "count"}),
    "metrics.class_shares": (ng.metrics.class_shares, {"judge": Sure(), "x": X}, {"judge": "network", "x": "rows"}),
    "metrics.confident_share": (ng.metrics.confident_share, {"judge": Sure(), "x": X},
                                {"judge": "network", "x": "rows", "level": ["x", None, NAN, -0.1, 1.1, [0.5]]}),
    "metrics.within_class_distance": (ng.metrics.within_class_distance, {"x": X, "labels": np.zeros(12, int)},
                                      {"x": "rows", "labels": ["x", 3, None, np.zeros(5, int), np.full(12, NAN),
                                                               np.full((12, 2), 1), ["a"] * 12, np.arange(12)]}),
    "metrics.centroids": (ng.metrics.centroids, {"x": X, "k": 2, "rng": rng()},
                          {"x": "rows", "k": "count", "rounds": "count"}),
    "plots.animation": (ng.plots.animation,
                        {"snapshots": SNAPSHOTS, "data": ng.data.ring(), "path": FILES / "a.gif", "rng": rng()},
                        {"snapshots": ["x", 3, None, ng.Snapshots(X)], "data": "data object", "path": "path"}),
    **{f"plots.{name}": (getattr(ng.plots, name), {"history": HISTORY}, {"history": "history", "loss": "loss"})
       for name in ("curves", "discriminator", "losses")},
    "plots.equilibrium": (ng.plots.equilibrium, {}, {"loss": "loss"}),
    "plots.smooth": (ng.plots.smooth, {"y": [1.0, 2.0], "width": 2},
                     {"y": ["x", None, 3.0, np.ones((2, 2)), ["a"]], "width": "count"}),
    "plots.samples": (ng.plots.samples, {"x_fake": X, "data": ng.data.ring(), "rng": rng()},
                      POINTS | {"data": "data object"}),
    "plots.samples_1d": (ng.plots.samples_1d, {"x_fake": X[:, :1], "x_real": X[:, :1]}, POINTS),
    "plots.samples_2d": (ng.plots.samples_2d, {"x_fake": X, "x_real": X}, POINTS),
    "plots.principal": (ng.plots.principal, {"x_fake": points(12, 3), "x_real": points(12, 3)}, POINTS),
    **{f"plots.{name}": (getattr(ng.plots, name), {"x": points(12, 4), "shape": (2, 2)},
                         {"x": "rows", "shape": "images", "value_range": "value range", "dots": "count"})
       for name in ("tiles", "sample_grid")},
    "plots.save": (ng.plots.save, {"ax": AX, "path": FILES / "p.png"}, {"ax": ["x", 3, None], "path": "path"}),
    "weights.state_dict": (ng.weights.state_dict, {"net": net()}, {}),
    "weights.sequential": (ng.weights.sequential, {"net": net()}, {}),
    "weights.export": (ng.weights.export, {"net": net(), "path": FILES / "w.npz"}, {"path": "path"}),
    "weights.load": (ng.weights.load, {"net": net(), "path": FILES / "net.npz"}, {"path": "path"}),
    "weights.load_state_dict": (ng.weights.load_state_dict, {"net": net(), "arrays": ng.weights.state_dict(net())},
                                {"arrays": ["x", None, 3, {}, {"0.weight": "x"}]}),
}
# Calls that cannot be valid here: the data is somewhere else.
ABSENT = {"data.mnist", "data.fashion_mnist", "data.load mnist"}
# Values that one of these kinds calls bad and that mean something here.
FINE = {("data.gaussian", "std"): [[1.0]], ("data.gaussian", "mean"): [],
        ("data.mixture", "stds"): [[1.0]], ("theory.gaussian_kl", "spread_p"): [[1.0]],
        ("theory.gaussian_kl", "spread_q"): [[1.0]]}
