"""What functions of arrays make of what they are given: lists, subclasses, masks, objects, NumPy's own numbers."""
import numpy as np
import pytest
from cases import CASES, as_tuple, drawer

import numpygan as ng
from numpygan import functional, kernels


class Odd(np.ndarray):
    """Its arithmetic is its own affair."""

    def __array_ufunc__(self, *args, **kwargs):
        raise AssertionError("a subclass was not made an array")


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def masked(x):
    return np.ma.masked_array(x, np.zeros(x.shape, bool))


KINDS = {"list": np.ndarray.tolist, "subclass": lambda x: x.view(Odd), "read-only": read_only,
         "matrix": lambda x: x.view(np.matrix) if x.ndim == 2 else x,
         "bytes": lambda x: x.astype(x.dtype.newbyteorder())}


def arrays(name, dtype):
    """Valid arguments, square where they may be, and the names of those that are arrays."""
    arguments, _ = CASES[name](drawer(dtype, ["C"]), 4, 4, 4)
    return arguments, [key for key, value in arguments.items() if isinstance(value, np.ndarray)]


def call(name, arguments):
    return [np.asarray(r) for r in as_tuple(getattr(functional, name)(**arguments))]


@pytest.mark.parametrize("name", CASES)
def test_what_can_be_an_array_is_taken_for_one(name):
    """A matrix once multiplied as matrices do, which for a square one is another number and no error."""
    arguments, keys = arrays(name, np.float64)
    right, others = call(name, arguments), []
    for key in keys:
        for kind, made in KINDS.items():
            answer = as_tuple(getattr(functional, name)(**arguments | {key: made(arguments[key])}))
            if not all(type(a) in (np.ndarray, np.float64, float) and np.asarray(a).dtype == b.dtype
                       and np.array_equal(a, b) for a, b in zip(answer, right, strict=True)):
                others.append(f"{key} as {kind}")
    assert others == []


@pytest.mark.parametrize("name", CASES)
def test_what_is_no_array_of_numbers_is_refused(name):
    """A mask would be dropped or passed on, and objects would be slow and have gradients of any kind."""
    arguments, keys = arrays(name, np.float64)
    for key in keys:
        x = arguments[key]
        for other, says in ((masked(x), "a plain array, and this one is masked"), (x.astype(str), "numbers, got <U"),
                            (x.astype(object), "numbers, got .* objects"), (None, "numbers, got .* objects")):
            with pytest.raises(TypeError, match=f"^{key} must be {says}"):
                getattr(functional, name)(**arguments | {key: other})


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("engine", [functional, kernels], ids=lambda engine: engine.__name__.split(".")[1])
def test_numbers_of_numpy_promote_nothing(name, engine):
    """float32 times np.float64(0.1) is float64 to NumPy, and so is float32 times np.array(0.1)."""
    arguments, keys = arrays(name, np.float32)
    promoted = []
    for key in arguments.keys() - set(keys):
        for other in (np.float64, np.array) if isinstance(arguments[key], float) else (np.int64,):
            fresh = {k: v.copy() if k in keys else v for k, v in arguments.items()}      # the kernels update in place
            answer = as_tuple(getattr(engine, name)(**fresh | {key: other(arguments[key])}))
            if {np.asarray(a).dtype for a in answer if type(a) is not float} - {np.dtype("f"), np.dtype("p")}:
                promoted.append(f"{key} as {other.__name__}")
    assert promoted == []


def test_winners_in_another_order_of_bytes_are_read_right():
    """Numba takes any order for the CPU's once it has met a subclass: 1 was 2⁵⁶, a place far outside."""
    dy, index = np.ones((2, 3)), np.ones((2, 3), np.int64)
    for other in (index.view(Odd), index.astype(index.dtype.newbyteorder())):
        assert np.array_equal(kernels.maxout_backward(dy, other, 3), kernels.maxout_backward(dy, index, 3))
        assert np.array_equal(kernels.maxout_jvp(np.eye(2, 9), other, 3), kernels.maxout_jvp(np.eye(2, 9), index, 3))


def test_networks_and_optimisers_refuse_a_mask_wherever_it_comes_in():
    """dy, theta, a gradient and the state once went on with what lay behind it."""
    rng = np.random.default_rng(0)
    D = ng.Network([ng.Dense(4), ng.BatchNorm(), ng.Dense(1)], 2, rng=rng)
    y, tape = D.forward(rng.standard_normal((5, 2)))
    for name, use in {"dy": lambda: D.backward(tape, masked(y)), "theta": lambda: D.params(masked(D.theta)),
                      "theta ": lambda: setattr(D, "theta", masked(D.theta)),
                      "state": lambda: setattr(D, "state", masked(D.state)),
                      "the gradient": lambda: ng.optim.SGD(0.1).step(D, masked(D.theta)),
                      "x": lambda: ng.gan.instance_noise(masked(y), 0.1, rng)}.items():
        with pytest.raises(TypeError, match=f"^{name.strip()} must be a plain array, and this one is masked"):
            use()
