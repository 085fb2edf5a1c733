"""Every public parameter with values of the wrong type, out of range, of the wrong shape and NaN, from the signatures.

The table in `calls.py` has one valid call of each public callable. Each of its parameters in turn is replaced by what
its kind calls bad; the answer must be a TypeError or ValueError, raised by a check of ours, of one line.
"""
import fnmatch
import inspect
import traceback
import warnings
from pathlib import Path

import numpy as np
import pytest
from calls import ABSENT, BAD, CALLS, EXCEPTIONS, FINE, NAMED, parameters, public, rng
from cases import CASES, IN_PLACE

import numpygan as ng
from numpygan import functional, kernels

PACKAGE = str(Path(ng.__file__).parent)


def kinds(name):
    """{parameter: its bad values} of one entry: what it says itself, else what the parameter's name tells."""
    call, valid, said = CALLS[name]
    takes = inspect.signature(call).parameters
    everything = any(p.kind is p.VAR_KEYWORD for p in takes.values())
    by_name = {p: NAMED[p] for p in {**takes, **valid} if p in NAMED}
    return {p: BAD[kind] if isinstance(kind, str) else kind for p, kind in (by_name | said).items()
            if p in takes or everything}


def excepted(name, parameter):
    """The exceptions that cover a parameter."""
    return [e for e in EXCEPTIONS if fnmatch.fnmatchcase(f"{name}: {parameter}", e) or fnmatch.fnmatchcase(name, e)]


def test_every_public_parameter_is_in_the_table():
    """Whatever is added to the package one day must be tried, or be excepted for a reason."""
    missing, used = [], set()
    tried = {}
    for name in CALLS:
        tried.setdefault(name.split()[0], set()).update(kinds(name))
    for name, call in public().items():
        for parameter in parameters(call) or [None]:
            reasons = excepted(name, parameter)
            used.update(reasons)
            if not reasons and (name not in tried or parameter not in {None, *tried[name]}):
                missing.append(f"{name}: {parameter}")
    assert missing == []
    assert set(EXCEPTIONS) == used


@pytest.mark.parametrize("name", sorted(set(CALLS) - ABSENT))
def test_the_calls_of_the_table_are_valid(name):
    """Else a bad value would be refused for another reason than its own."""
    call, valid, _ = CALLS[name]
    call(**valid)


def shown(value):
    return f"array {value.dtype} {value.shape}" if isinstance(value, np.ndarray) else repr(value)[:40]


def fault(call, arguments):
    """What is wrong with the answer to a bad call; None if it is as it should be."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(**arguments)
    except (TypeError, ValueError) as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = str(error)
        if "os.PathLike object" in text:                                             # pathlib's sentence is good
            return None
        if not (place.filename.startswith(PACKAGE) and place.line.startswith("raise")):
            return f"raised in {Path(place.filename).name}, not by a check: {type(error).__name__}: {text[:90]}"
        return "more than one line" if "\n" in text else "no sentence" if len(text) < 20 else None
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:90]}"
    return "accepted"


def is_fine(name, parameter, value):
    return any(value is fine or (type(value) is type(fine) and np.array_equal(value, fine))
               for fine in FINE.get((name, parameter), []))


@pytest.mark.parametrize("name", CALLS)
def test_bad_values_are_refused_in_one_sentence(name):
    call, valid, _ = CALLS[name]
    found = []
    for parameter, values in kinds(name).items():
        for value in values:
            if not is_fine(name, parameter, value):
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


@pytest.mark.parametrize("name", sorted(set(CASES) - {"adam", "momentum", "rmsprop", "sgd"}))
def test_functional_takes_whole_numbers_for_numbers(name):
    """Hinge and Wasserstein once gave logits 1, 2 the gradient 0, and pixels of one byte overflowed in softplus."""
    draws = rng()
    arguments, _ = CASES[name](lambda *shape, to=lambda x: x: to(draws.integers(1, 4, shape).astype(float)), 4, 3, 5)
    others = []
    for parameter, value in arguments.items():
        if isinstance(value, np.ndarray) and value.dtype == float and (value == np.rint(value)).all():
            for dtype in (np.int64, np.uint8):
                with np.errstate(all="ignore"):
                    a, b = (flat(getattr(functional, name)(**arguments | {parameter: value.astype(d)}))
                            for d in (float, dtype))
                if not all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True)):
                    others.append(f"{parameter} of {np.dtype(dtype)}")
    assert others == []


def flat(answer):
    return [np.asarray(x) for x in (answer if isinstance(answer, tuple) else (answer,))]


def test_a_mask_is_refused_not_dropped():
    """NumPy drops it: what lies behind it went into the distance."""
    x = rng().normal(size=(8, 2))
    masked, G = np.ma.masked_array(np.where(x > 1, 999, x), x > 1), ng.MLP([2, 2], rng=rng())
    for call in (lambda: ng.metrics.frechet_distance(masked, x), lambda: G(masked), lambda: ng.data.array(masked)):
        with pytest.raises(TypeError, match="plain array, and this one is masked"):
            call()
