"""Every public parameter with values of the wrong type, out of range, of the wrong shape and NaN, from the signatures.

CALLS has one valid call of each public callable. Each of its parameters in turn is replaced by what its kind calls
bad; the answer must be a TypeError or ValueError, raised by us, of one line that says what it is about.
"""
import inspect
import math
import traceback
from pathlib import Path

import numpy as np
import pytest
from cases import CASES, IN_PLACE

import numpygan as ng
from numpygan import functional, kernels

PACKAGE = str(Path(ng.__file__).parent)
NAN, INF = math.nan, math.inf


def rng():
    return np.random.default_rng(0)


def net(*sizes):
    return ng.MLP(sizes or [2, 3, 1], rng=rng(), engine="numpy", dtype=np.float64)


def gan():
    return ng.GAN(net(2, 3, 2), net(2, 3, 1))


def points(n=12, d=2):
    return rng().standard_normal((n, d))


def tape(D):
    return D.forward(points())[1]


def average():
    mean = ng.Averaged(0.9)
    mean(gan())
    return mean


# What is bad for each kind of parameter. None is left out where it is the default.
BAD = {
    "count": ["2", 1.5, 0, -1, NAN, [3], None, True],
    "length": ["2", 1.5, 0, -1, NAN, [3], True],
    "positive": ["1", 0.0, -1.0, NAN, INF, [1.0], None],
    "at least 0": ["1", -1.0, NAN, INF, [1.0], None],
    "share": ["0.5", -0.1, 1.5, NAN, [0.5], None],
    "finite": ["1", NAN, INF, None, [[1.0], [2.0, 3.0]]],
    "rows": ["x", NAN, None, np.ones((2, 3, 4, 5, 6)), np.array([[1.0, NAN]] * 12), np.array([[1.0, INF]] * 12),
             np.zeros((0, 2)), np.array([["a", "b"]] * 12), np.array([[object(), 1]] * 12)],
    "batch": ["x", None, np.ones(3), np.ones((12, 7)), np.ones((0, 2)), np.array([["a", "b"]] * 12)],
    "logits": ["x", None, np.ones(3), np.ones((3, 2)), np.ones((0, 1))],
    "vector": ["x", None, np.ones(3), np.ones((12, 7)), np.array(["a"] * 13)],
    "rng": [0, "x", np.random.RandomState(0)],
    "draws": [0, "x", np.random.RandomState(0), None],
    "network": ["x", 3, np.ones((2, 2)), None],
    "dtype": ["float16", int, np.complex128, "x"],
    "engine": ["torch", 3],
    "name": ["nope", 3, None],
    "path": [3, None],
    "data": ["x", None, np.ones(3), np.array([[1.0, NAN]] * 12), [["a", "b"]], 7],
    "function": ["x", 3],
    "loss": ["x", 3],
    "density": ["x", None, 3],
    "support": ["x", (1, 0), (NAN, 1), 3, (0, 1, 2, 3, 4)],
    "bool": ["yes", 2, None],
    "flag": ["yes", 2],
}

X, UNIT, G2 = points(), (lambda x: np.ones_like(x)), net(2, 3, 2)
NORMAL = ng.data.gaussian(0.0, 1.0)
# name -> (callable, valid arguments, kind of each parameter that is tried)
CALLS = {
    "MLP": (ng.MLP, {"sizes": [2, 3, 1], "rng": rng()},
            {"sizes": [[2], [], 3, "x", [2, 0], [2, -1], [2, 1.5], [2, "a"], [0, 2], [NAN, 2], None],
             "hidden": "name", "output": "name", "rng": "draws", "dtype": "dtype", "engine": "engine"}),
    "Network": (ng.Network, {"layers": [ng.Dense(2)], "d_in": 3, "rng": rng()},
                {"layers": [[], [3], "x", ng.Dense(2), [ng.Dense], None], "d_in": "count", "rng": "draws",
                 "dtype": "dtype", "engine": "engine"}),
    "Dense": (ng.Dense, {"width": 2}, {"width": "count", "init": ["he", 3, None], "bias": "bool"}),
    "SpectralDense": (ng.SpectralDense, {"width": 2}, {"width": "count", "init": ["he", 3, None], "bias": "bool"}),
    "LeakyReLU": (ng.LeakyReLU, {}, {"slope": "share"}),
    "Dropout": (ng.Dropout, {}, {"rate": "share"}),
    "Maxout": (ng.Maxout, {"k": 2}, {"k": "count"}),
    "Pack": (ng.Pack, {"m": 2}, {"m": "count"}),
    "BatchNorm": (ng.BatchNorm, {}, {"momentum": "share", "eps": "positive"}),
    "MinibatchStd": (ng.MinibatchStd, {}, {"eps": "positive"}),
    "Averaged": (ng.Averaged, {}, {"beta": "share"}),
    "Averaged.sample": (lambda gan, n, rng: average().sample(gan, n, rng), {"gan": gan(), "n": 3, "rng": rng()},
                        {"n": "count", "rng": "draws", "gan": "network"}),
    "Snapshots": (ng.Snapshots, {"z": X}, {"z": ["x", None, np.ones(3), np.ones((0, 2))], "every": "count",
                                            "most": "count"}),
    "GAN": (ng.GAN, {"G": net(2, 3, 2), "D": net()},
            {"G": "network", "D": "network", "loss": "loss", "opt_G": "loss", "opt_D": "loss", "noise": "name",
             "penalties": ["x", 3, [3], [None], ng.penalties.R1(1.0), None],
             "input_noise": "at least 0", "simultaneous": "bool"}),
    "GAN.fit": (lambda **a: gan().fit(**a), {"data": X, "rng": rng(), "steps": 1, "batch": 4},
                {"data": "data", "rng": "draws", "steps": "length", "batch": "count", "k": "count",
                 "callbacks": ["x", 3, [3], None, print]}),
    "GAN.fit epochs": (lambda **a: gan().fit(**a), {"data": X, "rng": rng(), "epochs": 1, "batch": 4},
                       {"epochs": "length"}),
    "GAN.sample": (lambda n, rng: gan().sample(n, rng), {"n": 3, "rng": rng()}, {"n": "count", "rng": "draws"}),
    "GAN.draw": (lambda n, rng: gan().draw(n, rng), {"n": 3, "rng": rng()}, {"n": "count", "rng": "draws"}),
    "GAN.load": (ng.GAN.load, {"path": "x"}, {"path": "path"}),
    "GAN.save": (lambda path, rng: gan().save(path, rng), {"path": "x", "rng": None}, {"path": "path", "rng": "rng"}),
    "Network.forward": (lambda x, rng=None, theta=None: net().forward(x, rng, theta), {"x": X},
                        {"x": "batch", "rng": "rng",
                         "theta": ["x", np.ones(3), np.ones((2, 2)), np.array(["a"] * 13)]}),
    "Network.backward": (lambda dy: (lambda D: D.backward(tape(D), dy))(net()), {"dy": np.ones((12, 1))},
                         {"dy": ["x", None, np.ones(12), np.ones((12, 2)), np.array([["a"]] * 12)]}),
    "Network.jvp": (lambda x_dot: (lambda D: D.jvp(tape(D), x_dot))(net()), {"x_dot": X}, {"x_dot": "batch"}),
    "Network.params": (lambda theta: net().params(theta), {"theta": np.ones(13)},
                       {"theta": ["x", np.ones(3), np.array(["a"] * 13)]}),
    "Network.theta": (lambda theta: setattr(net(), "theta", theta), {"theta": np.ones(13)}, {"theta": "vector"}),
    "discriminator_gradient": (ng.discriminator_gradient,
                               {"D": net(), "loss": ng.losses.Minimax(), "x": X, "x_fake": X},
                               {"D": "network", "loss": "loss", "x": "batch", "x_fake": "batch", "rng": "rng"}),
    "generator_gradient": (ng.generator_gradient,
                           {"G": net(2, 3, 2), "D": net(), "loss": ng.losses.Minimax(), "z": X, "rng": rng()},
                           {"G": "network", "D": "network", "loss": "loss", "z": "batch", "rng": "rng",
                            "input_noise": "at least 0"}),
    **{f"losses.{name}": (getattr(ng.losses, name), {},
                          {"real_label": ["1", -1.0, 2.0, NAN, None, 0.0], "fake_label": ["0", -0.1, 1.0, NAN, None],
                           "flip": ["0", -0.1, 0.5, NAN, None], "label_noise": ["0", -0.1, 1.5, NAN, None]})
       for name in ("Minimax", "NonSaturating")},
    **{f"losses.{name}.{side}": (getattr(getattr(ng.losses, name)(), side), dict.fromkeys(given, np.ones((3, 1))),
                                 dict.fromkeys(given, "logits"))
       for name in ("Minimax", "NonSaturating", "LeastSquares", "Hinge", "Wasserstein")
       for side, given in (("discriminator", ("logit_real", "logit_fake")), ("generator", ("logit_fake",)))},
    "penalties.R1": (ng.penalties.R1, {"gamma": 1.0}, {"gamma": "at least 0"}),
    "penalties.R2": (ng.penalties.R2, {"gamma": 1.0}, {"gamma": "at least 0"}),
    "penalties.GradientPenalty": (ng.penalties.GradientPenalty, {}, {"weight": "at least 0"}),
    **{f"penalties.{p}()": (p, {"D": net(), "x": X, "x_fake": X, "rng": rng()},
                            {"D": "network", "x_fake" if isinstance(p, ng.penalties.R2) else "x": "batch"})
       for p in (ng.penalties.R1(1.0), ng.penalties.R2(1.0), ng.penalties.GradientPenalty())},
    **{f"optim.{name}": (getattr(ng.optim, name), {"lr": 0.1},
                         {"lr": "at least 0", "clip": ["x", 0.0, -1.0, NAN, INF], "momentum": "share", "rho": "share",
                          "beta1": "share", "beta2": "share", "eps": "positive"})
       for name in ("SGD", "Momentum", "RMSProp", "Adam")},
    "optim.step": (lambda net, g: ng.optim.SGD(0.1).step(net, g), {"net": net(), "g": np.ones(13)},
                   {"net": "network", "g": "vector"}),
    "init.normal": (ng.init.normal, {"std": 1.0}, {"std": "at least 0"}),
    "init.uniform": (ng.init.uniform, {"a": 1.0}, {"a": "at least 0"}),
    "data.array": (ng.data.array, {"x": X}, {
        "x": ["x", None, 3, np.ones(3), np.array([[1.0, NAN]]), np.zeros((0, 2)), [["a"]], [[1], [2, 3]]],
        "labels": ["x", 3, np.ones(5), np.full(12, -1), np.full(12, 0.5), np.full(12, NAN), ["a"] * 12],
        "range": ["x", 3, (1, 0), (0, 0.001), (NAN, 1), (1, 2, 3)], "dtype": "dtype"}),
    "data.as_data": (ng.data.as_data, {"x": X}, {"x": "data"}),
    "data.digits": (ng.data.digits, {}, {"dtype": "dtype"}),
    "data.gaussian": (ng.data.gaussian, {}, {"mean": "finite", "std": "positive", "d": "length", "dtype": "dtype",
                                             "cov": ["x", -np.eye(1), [[NAN]], np.ones((2, 3))]}),
    "data.grid": (ng.data.grid, {}, {"k": "count", "spacing": "positive", "std": "positive", "dtype": "dtype"}),
    "data.ring": (ng.data.ring, {}, {"m": "count", "radius": "positive", "std": "positive", "dtype": "dtype"}),
    "data.mixture": (ng.data.mixture, {"means": X}, {"means": ["x", None, NAN, np.array([[1.0, NAN]])],
                                                     "stds": "positive", "dtype": "dtype",
                                                     "weights": ["x", 3.0, -np.ones(12), np.ones(3), np.zeros(12)]}),
    "data.moons": (ng.data.moons, {}, {"noise": "at least 0", "dtype": "dtype"}),
    "data.swiss_roll": (ng.data.swiss_roll, {}, {"noise": "at least 0", "dtype": "dtype"}),
    "data.uniform": (ng.data.uniform, {}, {"lo": ["x", NAN, INF, 2.0, None], "hi": ["x", NAN, INF, -1.0, None],
                                           "d": "length", "dtype": "dtype"}),
    "data.load": (ng.data.load, {"name_or_path": "ring"}, {"name_or_path": ["rnig", 3, None],
                                                           "dtype": "dtype"}),
    "data.mnist": (ng.data.mnist, {"root": "nowhere"}, {"root": ["nowhere", 3], "part": "name"}),
    "data.images": (ng.data.images, {"folder": "nowhere"}, {"folder": ["nowhere", 3, None], "mode": "name"}),
    "data.npy": (ng.data.npy, {"path": "nowhere.npy"}, {"path": ["nowhere.npy", 3, None]}),
    "data.npz": (ng.data.npz, {"path": "nowhere.npz"}, {"path": ["nowhere.npz", 3, None]}),
    **{f"data.{name}.sample": (lambda n, rng, d=d: d.sample(n, rng), {"n": 3, "rng": rng()},
                               {"n": "count", "rng": "draws"})
       for name, d in (("ring", ng.data.ring()), ("array", ng.data.array(X)), ("moons", ng.data.moons()))},
    "data.array.batches": (lambda n, rng: ng.data.array(X).batches(n, rng), {"n": 3, "rng": rng()},
                           {"n": "count", "rng": "draws"}),
    "data.array.split": (lambda fraction, rng: ng.data.array(X).split(fraction, rng), {"fraction": 0.5, "rng": rng()},
                         {"fraction": ["x", None, 0.0, 1.0, -1.0, NAN, 0.01], "rng": "draws"}),
    "data.ring.density": (ng.data.ring().density, {"x": X}, {"x": ["x", None, np.ones((12, 7)), [["a", "b"]]]}),
    **{f"theory.{name}": (getattr(ng.theory, name), {"p": UNIT, "q": UNIT, "support": (0, 1)},
                          {"p": "density", "q": "density", "support": "support",
                           "tol": ["x", -1.0, NAN, 0.0]})
       for name in ("kl", "jsd", "jsd_distance", "total_variation", "value", "cross_entropy", "criterion",
                    "minimax_generator_value", "non_saturating_generator_value", "wasserstein1", "kantorovich")},
    "theory.entropy": (ng.theory.entropy, {"p": UNIT, "support": (0, 1)}, {"p": "density", "support": "support"}),
    "theory.expectation": (ng.theory.expectation, {"f": UNIT, "p": UNIT, "support": (0, 1)},
                           {"f": "function", "p": "density", "support": "support"}),
    "theory.optimal_discriminator": (ng.theory.optimal_discriminator, {"p": UNIT, "q": UNIT}, {
        "p": "density", "q": "density", "real_label": ["1", 2.0, NAN], "fake_label": ["0", -1.0, NAN],
        "flip": ["0", 1.5, -1.0, NAN]}),
    "theory.gaussian_kl": (ng.theory.gaussian_kl, {"mean_p": 0.0, "spread_p": 1.0, "mean_q": 1.0, "spread_q": 2.0},
                           {"mean_p": "finite", "spread_p": "positive", "mean_q": "finite", "spread_q": "positive"}),
    "theory.gaussian_entropy": (ng.theory.gaussian_entropy, {"spread": 1.0}, {"spread": ["x", None, 0.0, -1.0, NAN]}),
    "theory.gaussian_wasserstein1": (ng.theory.gaussian_wasserstein1,
                                     {"mean_p": 0.0, "std_p": 1.0, "mean_q": 1.0, "std_q": 2.0},
                                     {"mean_p": "finite", "std_p": "at least 0", "mean_q": "finite",
                                      "std_q": "at least 0"}),
    "theory.uniform_wasserstein1": (ng.theory.uniform_wasserstein1, {"p": (0, 1), "q": (1, 2)},
                                    {"p": ["x", 3, (1, 0), (NAN, 1), (0, 1, 2), None],
                                     "q": ["x", 3, (1, 0), (NAN, 1), (0, 1, 2), None]}),
    "theory.sliced_wasserstein1": (ng.theory.sliced_wasserstein1, {"x": X, "y": X, "rng": rng()},
                                   {"x": "rows", "y": "rows", "directions": "count", "rng": "draws"}),
    "theory.monte_carlo": (ng.theory.monte_carlo, {"quantity": "kl", "p": NORMAL, "q": NORMAL, "n": 9, "rng": rng()},
                           {"quantity": "name", "p": "density", "n": "count", "rng": "draws"}),
    "theory.smoothed": (ng.theory.smoothed, {"p": UNIT, "std": 0.1, "support": (0, 1)},
                        {"p": "density", "std": "positive", "support": "support"}),
    "theory.generated_density": (ng.theory.generated_density, {"G": net(1, 3, 1), "x": np.linspace(-1, 1, 5)},
                                 {"G": "network", "noise": "name", "m": "count"}),
    "metrics.modes": (ng.metrics.modes, {"x": X, "mixture": ng.data.ring()}, {"x": "rows", "mixture": "network"}),
    "metrics.perfect_modes": (ng.metrics.perfect_modes, {"mixture": ng.data.ring(), "n": 9},
                              {"mixture": "network", "n": "count"}),
    "metrics.frechet_distance": (ng.metrics.frechet_distance, {"x": X, "y": X}, {"x": "rows", "y": "rows"}),
    "metrics.nearest": (ng.metrics.nearest, {"x": X, "reference": X}, {"x": "rows"}),
    "metrics.two_sample_accuracy": (ng.metrics.two_sample_accuracy, {"x": X, "y": X}, {"x": "rows", "y": "rows"}),
    "metrics.mmd": (ng.metrics.mmd, {"x": X, "y": X}, {"x": "rows", "y": "rows",
                                                       "bandwidth": ["x", 0.0, -1.0, NAN, INF]}),
    "metrics.jsd_on_grid": (ng.metrics.jsd_on_grid, {"x": X, "y": X}, {"x": "rows", "y": "rows", "bins": "count"}),
    "metrics.parzen_log_likelihood": (ng.metrics.parzen_log_likelihood, {"x": X, "x_fake": X, "sigma": 0.5},
                                      {"x": "rows", "x_fake": "rows", "sigma": "positive"}),
    "metrics.centroids": (ng.metrics.centroids, {"x": X, "k": 2, "rng": rng()},
                          {"x": "rows", "k": "count", "rng": "draws", "rounds": "count"}),
    "weights.state_dict": (ng.weights.state_dict, {"net": net()}, {"net": "network"}),
    "weights.sequential": (ng.weights.sequential, {"net": net()}, {"net": "network"}),
    "weights.load_state_dict": (ng.weights.load_state_dict, {"net": net(), "arrays": ng.weights.state_dict(net())},
                                {"net": "network", "arrays": ["x", None, 3, {}, {"0.weight": "x"}]}),
}
# Values that one of these kinds calls bad and that mean something here.
FINE = {("data.gaussian", "std"): [[1.0]], ("data.gaussian", "mean"): [],
        ("Dense", "bias"): [], ("data.mixture", "stds"): [[1.0]], ("theory.gaussian_kl", "spread_p"): [[1.0]],
        ("theory.gaussian_kl", "spread_q"): [[1.0]]}


def tries():
    for name, (call, valid, kinds) in CALLS.items():
        signature = inspect.signature(call)
        for parameter, kind in kinds.items():
            if parameter not in signature.parameters and not any(
                    p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
                continue
            for value in BAD[kind] if isinstance(kind, str) else kind:
                if not any(value is fine or (type(value) is type(fine) and np.array_equal(value, fine))
                           for fine in FINE.get((name, parameter), [])):
                    yield name, call, valid, parameter, value


def shown(value):
    return f"array {value.dtype} {value.shape}" if isinstance(value, np.ndarray) else repr(value)[:40]


def fault(call, arguments):
    """What is wrong with the answer to a bad call; None if it is as it should be."""
    try:
        with np.errstate(all="ignore"):
            call(**arguments)
    except (TypeError, ValueError) as error:
        place = traceback.extract_tb(error.__traceback__)[-1].filename
        text = str(error)
        if not place.startswith(PACKAGE) and "os.PathLike object, not" not in text:      # pathlib's sentence is good
            return f"raised in {Path(place).name}, not by a check: {type(error).__name__}: {text[:90]}"
        return "more than one line" if "\n" in text else "no sentence" if len(text) < 20 else None
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:90]}"
    return "accepted"


@pytest.mark.parametrize("name", CALLS)
def test_bad_values_are_refused_in_one_sentence(name):
    found = []
    for which, call, valid, parameter, value in tries():
        if which == name:
            wrong = fault(call, {**valid, parameter: value})
            found += [f"{parameter} = {shown(value)}: {wrong}"] if wrong else []
    assert found == [], "\n".join(["", *found])


# ------------------------------------------------------------------------------------- shapes, in both engines

def reshaped(x):
    """Arrays of other shapes: a row more, one row alone, a column more, one column alone, an axis more, no axis."""
    yield np.concatenate([x, x[:1]])
    yield x[:1]
    if x.ndim == 2:
        yield np.concatenate([x, x[:, :1]], axis=1)
        yield x[:, :1]
    yield x[None]
    yield x.ravel()[0]


ONE_FOR_ALL = {(f"{name}_backward", "dy") for name in ("softplus", "log_sigmoid", "bce_with_logits")} | {
    ("bce_with_logits", "target"), ("bce_with_logits_backward", "target")}      # 1/n, or a label, is one for all rows


def refuses(call, arguments):
    try:
        with np.errstate(all="ignore"):
            call(**{k: v.copy() if isinstance(v, np.ndarray) else v for k, v in arguments.items()})
    except (ValueError, TypeError, IndexError):
        return True
    return False


@pytest.mark.parametrize("name", CASES)
def test_functional_refuses_the_shapes_that_the_kernels_refuse(name):
    """What one engine calls an error the other must not broadcast in silence."""
    draws = rng()
    arguments, _ = CASES[name](lambda *shape, to=lambda x: x: to(draws.standard_normal(shape)), 4, 3, 5)
    silent = []
    for parameter, value in arguments.items():
        if isinstance(value, np.ndarray) and not (name in IN_PLACE and parameter == "theta"):
            for other in reshaped(value):
                bad = arguments | {parameter: other}
                if np.shape(other) == () and (name, parameter) in ONE_FOR_ALL:
                    continue
                if np.shape(other) != value.shape and refuses(getattr(kernels, name), bad) and not refuses(
                        getattr(functional, name), bad):
                    silent.append(f"{parameter} {value.shape} -> {np.shape(other)}")
    assert silent == []
