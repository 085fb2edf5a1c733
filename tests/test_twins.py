"""naive = functional = kernels: every function, both precisions, odd shapes and memory layouts, and its edges."""
import inspect
import math

import naive
import naive_family
import numpy as np
import pytest
from cases import CASES, DRAWS, IN_PLACE, PUBLIC, SHAPES, as_tuple, between, drawer
from close import error

from numpygan import functional, kernels

ENGINES = {"numpy": functional, "numba": kernels}


def oracle(name):
    return getattr(naive, name, None) or getattr(naive_family, name)


def _copies(args):
    return {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in args.items()}


def _engine_results(engine, name, args):
    """The function's results; its arguments untouched to the byte, except what the compiled optimisers update."""
    before = _copies(args)
    results = as_tuple(getattr(ENGINES[engine], name)(**args))
    updated = IN_PLACE.get(name, ()) if engine == "numba" else ()
    for key, value in args.items():
        if isinstance(value, np.ndarray) and key not in updated:
            assert value.tobytes() == before[key].tobytes(), f"{engine}.{name} has changed its argument {key}"
    for key, result in zip(updated, results, strict=bool(updated)):
        assert result is args[key], f"{engine}.{name} must update {key} in place and return it"
    for result in results:
        shared = [k for k, v in args.items() if k not in updated and np.shares_memory(result, v)]
        assert not shared, f"{engine}.{name} returns memory of its argument {shared}"
    return results


def _agree(a, e, fan_in, dtype, what, reach=0.0):
    """One result beside the oracle's: its type, its shape, its values, which may be `reach` of themselves off."""
    if what.startswith(("norm,", "mean_sigmoid,")):
        assert isinstance(a, float), what
    else:
        assert a.dtype == (np.intp if e.dtype.kind == "i" else dtype), f"{what}: {a.dtype}"
    assert np.shape(a) == e.shape, f"{what}: shape {np.shape(a)}, not {e.shape}"
    assert error(a, e) <= (0 if e.dtype.kind == "i" else 50 * np.finfo(dtype).eps * math.sqrt(fan_in) + reach), what


def _reaches(name, lists, expected, dtype):
    """How far one rounding in every argument takes a result that is one number: far, if it is what two others leave.

    Times 50 as everywhere, and the farthest of four draws. Results of more than one number are not small all at once.
    """
    rng, eps, far = np.random.default_rng(2), np.finfo(dtype).eps, np.zeros(len(expected))
    for _ in range(4):
        moved = {k: (v * (1 + eps * rng.choice([-1, 1], np.shape(v)))).tolist()
                 if np.asarray(v).dtype.kind == "f" else v for k, v in lists.items()}
        pairs = zip(as_tuple(oracle(name)(**moved)), expected, strict=True)
        far = np.maximum(far, [error(a, e) if np.size(e) == 1 else 0 for a, e in pairs])
    return 50 * far


def _compare(name, args, fan_in, dtype, engines=tuple(ENGINES), drawn=True):
    """Of arguments that are all `drawn` a single result may happen to be small beside what it is made of."""
    lists = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in args.items()}      # float32 to float: exact
    expected = as_tuple(oracle(name)(**lists))
    reaches = _reaches(name, lists, expected, dtype) if drawn else [0] * len(expected)
    for engine in engines:
        got = _engine_results(engine, name, _copies(args) if engine == "numba" and name in IN_PLACE else args)
        assert len(got) == len(expected)
        for a, e, reach in zip(got, expected, reaches, strict=True):
            _agree(a, np.asarray(e), fan_in, dtype, f"{name}, engine {engine}", reach)


# ------------------------------------------------------------------------------------------------- the table

def test_every_function_is_covered_here():
    assert sorted([*CASES, DRAWS]) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_names_and_signatures_agree(name):
    twins = oracle(name), getattr(functional, name), getattr(kernels, name)
    signatures = {str(inspect.signature(twin)) for twin in twins}
    assert len(signatures) == 1


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", CASES)
def test_values_dtypes_and_untouched_inputs(name, shape, dtype):
    args, fan_in = CASES[name](drawer(dtype, ["C"]), *SHAPES[shape])
    _compare(name, args, fan_in, dtype)


@pytest.mark.parametrize("layouts", [["Fortran"], ["strided"], ["reversed"], ["C", "Fortran"], ["Fortran", "C"]],
                         ids="-".join)
@pytest.mark.parametrize("name", CASES)
def test_any_memory_layout(name, layouts, dtype):
    args, fan_in = CASES[name](drawer(dtype, layouts, seed=1), 5, 3, 4)
    contiguous = all(v.flags.c_contiguous for v in args.values() if isinstance(v, np.ndarray))
    if name in IN_PLACE and not contiguous:                # a copy would lose the update: it must not be made silently
        with pytest.raises(ValueError, match="contiguous"):
            getattr(kernels, name)(**args)
        _compare(name, args, fan_in, dtype, engines=["numpy"])
    else:
        _compare(name, args, fan_in, dtype)


ELEMENTWISE = ["sigmoid", "sigmoid_backward", "tanh", "tanh_backward", "relu", "relu_backward", "leaky_relu",
               "leaky_relu_backward", "dropout", "dropout_backward", "softplus", "softplus_backward", "log_sigmoid",
               "log_sigmoid_backward", "bce_with_logits", "bce_with_logits_backward", "sigmoid_curvature",
               "tanh_curvature"]


@pytest.mark.parametrize("shape", [(), (4,), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_functions_take_any_shape(name, shape):
    draw = drawer(np.float32, ["C"])
    args, _ = CASES[name](lambda *_, to=lambda x: x: draw(*shape, to=to), 1, 1, 1)
    _compare(name, args, 1, np.float32)


@pytest.mark.parametrize("target", [0, 1, 0.9])
def test_one_target_for_all_logits(target, dtype):
    """The functions take one number for all, or a target for each."""
    a = drawer(dtype, ["C"])
    _compare("bce_with_logits", dict(logit=a(5, 1), target=target), 1, dtype)
    _compare("bce_with_logits_backward", dict(dy=a(5, 1), logit=a(5, 1), target=target), 1, dtype)


def test_one_target_for_each_logit_of_the_discriminator(dtype):
    a = drawer(dtype, ["C"])
    args = dict(logit_real=a(5, 1), logit_fake=a(3, 1), alpha=a(5, 1, to=between), beta=a(3, 1, to=between))
    _compare("bce_discriminator", args, 8, dtype)
    _compare("bce_discriminator", args | {"alpha": 0.9, "beta": 0.1}, 8, dtype)


def test_a_target_is_any_number_or_one_for_each_of_a_flat_batch(engine, dtype):
    """A number of NumPy's, an array without axes, a whole one; and as many as there are logits in a vector."""
    of, rng = ENGINES[engine].bce_discriminator, np.random.default_rng(0)
    real, fake = (rng.standard_normal((n, 1)).astype(dtype) for n in (5, 3))
    for alpha, beta in ((0.75, 0.25), (1, 0)):
        expected = of(real, fake, float(alpha), float(beta))
        for kind in (int, np.int64, bool) if alpha == 1 else (np.float32, np.float64, np.array):
            for got, e in zip(of(real, fake, kind(alpha), kind(beta)), expected, strict=True):
                assert (got.dtype, got.tobytes()) == (dtype, e.tobytes()), kind
        each = of(real[:, 0], fake[:, 0], np.full(5, alpha, dtype), np.full(3, beta, dtype))
        for got, e in zip(each, expected, strict=True):
            assert (got.dtype, got.size) == (dtype, e.size)
            assert error(got, e.ravel() if e.ndim else e) <= 8 * np.finfo(dtype).eps


@pytest.mark.parametrize("name", ["affine", "affine_dW", "leaky_relu", "bce_discriminator"])
def test_read_only_inputs(name):
    args, fan_in = CASES[name](drawer(np.float32, ["C"]), 5, 3, 4)
    for value in args.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    _compare(name, args, fan_in, np.float32)


# ----------------------------------------------------------------------------------------------------- edges

LOGIT = {"x", "logit", "logits", "logit_real", "logit_fake"}                        # arguments that are logits
LOGITS = [1e4, -1e4, 88.8, -88.8, 710.0, -710.0, 20.0, -20.0, 1e-30, -1e-30, 0.0]
LINEAR = ("affine", "matmul", "dropout", "norm", "least_squares", "wasserstein")
NONLINEAR = [name for name in CASES if name not in IN_PLACE and not name.startswith(LINEAR)]


@pytest.mark.parametrize("name", NONLINEAR)
def test_finite_at_extreme_inputs(name, dtype):
    """Finite and right, one logit at a time: beside a loss of 1e4 an error in one of 1e-9 would not show."""
    for s in LOGITS:
        args, fan_in = CASES[name](drawer(dtype, ["C"]), 2, 3, 1)
        for key in LOGIT & set(args):
            args[key] = np.full_like(args[key], s)
        _compare(name, args, fan_in, dtype, drawn=False)


@pytest.mark.parametrize("name", NONLINEAR)
def test_finite_at_the_largest_numbers(engine, name, dtype):
    """A quarter of the largest: a loss adds two of them."""
    for s in (np.finfo(dtype).max / 4, -np.finfo(dtype).max / 4, np.finfo(dtype).smallest_subnormal):
        args, _ = CASES[name](drawer(dtype, ["C"]), 1, 3, 1)
        for key in LOGIT & set(args):
            args[key] = np.full_like(args[key], s)
        assert all(np.isfinite(r).all() for r in _engine_results(engine, name, args))


def test_activations_stay_in_their_range(engine, dtype):
    """A rational approximation that oversteps 1 by one bit makes 1 − y² negative."""
    x = np.concatenate([np.linspace(-30, 30, 60001), [1e4, -1e4]]).astype(dtype)
    y, s = ENGINES[engine].tanh(x), ENGINES[engine].sigmoid(x)
    assert np.all(np.abs(y) <= 1)
    assert np.all((s >= 0) & (s <= 1))
    exact = np.tanh(x.astype(np.float64))
    assert np.all(np.abs(y - exact) <= 8 * np.finfo(dtype).eps * np.abs(exact))        # entry by entry, near 0 too


def test_tanh_entry_by_entry(engine, dtype):
    """Odd to the bit, −0 too; in float64 down to the smallest number there is."""
    info = np.finfo(dtype)
    least = info.smallest_subnormal if dtype == np.float64 else 1e-30
    x = np.concatenate([np.geomspace(least, 1e-3, 9001), np.geomspace(1e-3, 40, 30001), [0, info.max, np.inf]])
    x = x.astype(dtype)
    y, mirrored = ENGINES[engine].tanh(x), ENGINES[engine].tanh(-x)
    exact = np.array([math.tanh(v) for v in x.tolist()])
    assert np.all(np.abs(y - exact) <= 4 * info.eps * exact)
    assert np.array_equal(mirrored, -y)
    assert np.signbit(mirrored).all()


def test_tanh_never_turns_back(engine):
    """From one number to the next, where the exponential changes its power of two and where tanh comes to 1."""
    for start in (np.log(2) / 4 - 1e-14, np.log(2) / 4 * 3 - 1e-13, 18, 19.06, 19.99999):
        y = ENGINES[engine].tanh(start + np.spacing(start) * np.arange(5000))
        assert np.all(np.diff(y) >= 0)
        assert y[-1] <= 1
    assert ENGINES[engine].tanh(np.array([20.]))[0] == 1


def _far(dtype):
    """Logits to and fro over all that has an exponential."""
    far = -1.01 * math.log(np.finfo(dtype).smallest_subnormal)
    return np.concatenate([np.linspace(-far, far, 60001), [-87.4, -88.8, -103.9, -1e4, 1e-30]]).astype(dtype)


def _sigma(x):
    """σ(x); SciPy's is 0 where e^−x has no float64."""
    return np.array([math.exp(min(v, 0)) / (1 + math.exp(-abs(v))) for v in x.tolist()])


def test_sigmoid_entry_by_entry(engine, dtype):
    """Its small values too: log D and a pixel near 0 live from them. Below the smallest normal number, one bit."""
    x, info = _far(dtype), np.finfo(dtype)
    y, exact = ENGINES[engine].sigmoid(x).astype(np.float64), _sigma(x)
    assert np.all(np.abs(y - exact) <= 4 * info.eps * exact + info.smallest_subnormal)
    assert np.all(np.abs(y + ENGINES[engine].sigmoid(-x) - 1) <= 2 * info.eps)


def test_softplus_entry_by_entry(engine, dtype):
    """And what is made of it, with either sign and for targets 0 and 1: where the loss is small, its digits count."""
    x, info, ops = _far(dtype), np.finfo(dtype), ENGINES[engine]
    exact = np.array([max(v, 0) + math.log1p(math.exp(-abs(v))) for v in x.tolist()])
    for y in (ops.softplus(x), -ops.log_sigmoid(-x), ops.bce_with_logits(x, 0), ops.bce_with_logits(-x, 1)):
        assert np.all(np.abs(y - exact) <= 6 * info.eps * exact + 2 * info.smallest_subnormal)


def test_slopes_of_softplus_entry_by_entry(engine, dtype):
    x, info, ops = _far(dtype), np.finfo(dtype), ENGINES[engine]
    one, exact = np.ones_like(x), _sigma(x)
    for y in (ops.softplus_backward(one, x), ops.log_sigmoid_backward(one, -x), ops.bce_with_logits_backward(one, x, 0),
              -ops.bce_with_logits_backward(one, -x, 1)):
        assert np.all(np.abs(y - exact) <= 6 * info.eps * exact + 2 * info.smallest_subnormal)


def test_infinity_and_nan_among_other_numbers(engine, dtype):
    """In a vector of the CPU each keeps its own meaning: NaN is NaN there alone, and infinite logits are certain."""
    x, near = np.linspace(-3, 3, 61).astype(dtype), 4 * float(np.finfo(dtype).eps)
    x[[7, 40]], x[11], x[32] = np.nan, np.inf, -np.inf
    for name, up, down in (("tanh", 1, -1), ("sigmoid", 1, 0), ("softplus", np.inf, 0), ("log_sigmoid", 0, -np.inf)):
        y = getattr(ENGINES[engine], name)(x)
        assert np.array_equal(np.isnan(y), np.isnan(x)), name
        assert y[11] == pytest.approx(up, rel=near), name
        assert y[32] == pytest.approx(down, rel=near), name


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "leaky_relu", "maxout", "softplus", "log_sigmoid",
                                  "bce_with_logits", "bce_discriminator", "minimax_generator",
                                  "non_saturating_generator", "softmax_cross_entropy",
                                  "least_squares_discriminator", "hinge_discriminator", "wasserstein_generator",
                                  "norm_penalty", "affine", "norm", "mean_sigmoid"])
def test_nan_is_never_swallowed(engine, name, dtype):
    args, _ = CASES[name](drawer(dtype, ["C"]), 4, 3, 2)
    first = next(iter(args))
    args[first].flat[1] = np.nan
    result = as_tuple(getattr(ENGINES[engine], name)(**args))[0]
    assert np.isnan(result).any()


INF = math.inf
AT_INFINITY = [                                 # of one logit: the limits of loss and derivative at −∞ and at ∞
    ("minimax_generator", {}, [(0, 0), (-INF, -1)]), ("non_saturating_generator", {}, [(INF, -1), (0, 0)]),
    ("least_squares_generator", {}, [(INF, -INF), (INF, INF)]), ("wasserstein_generator", {}, [(INF, -1), (-INF, -1)]),
    ("least_squares_discriminator", {"logit_real": 1}, [(INF, -INF), (INF, INF)]),
    ("hinge_discriminator", {"logit_real": 1}, [(0, 0), (INF, 1)]),
    ("hinge_discriminator", {"logit_fake": -1}, [(INF, -1), (0, 0)]),
    ("wasserstein_discriminator", {"logit_real": 0}, [(-INF, 1), (INF, 1)]),
    *[(name, {**other, key: target}, limits)
      for name, other, key in (("bce_with_logits", {}, "target"), ("bce_discriminator", {"logit_fake": -1e4}, "alpha"))
      for target, limits in ((0, [(0, 0), (INF, 1)]), (1, [(INF, -1), (0, 0)]), (0.75, [(INF, -0.75), (INF, 0.25)]))]]


def _loss_and_slope(ops, name, x, given):
    """Of a batch of logits: the mean and n times its gradient. `given`: the other batch, and targets."""
    if name == "bce_with_logits":
        return ops.bce_with_logits(x, **given).mean(), ops.bce_with_logits_backward(np.ones_like(x), x, **given)
    batches = [p for p in inspect.signature(getattr(ops, name)).parameters if p.startswith("logit")]
    mine, = set(batches) - set(given)
    L, *slopes = getattr(ops, name)(**{mine: x}, **given)
    return L, slopes[batches.index(mine)] * x.dtype.type(x.size)


@pytest.mark.parametrize("rows", [1, 64])                                      # one by one, and as vectors
@pytest.mark.parametrize("each", [False, True], ids=["one target", "a target each"])
@pytest.mark.parametrize(("name", "given", "limits"), AT_INFINITY, ids=str)
def test_a_loss_at_an_infinite_logit_is_its_limit(engine, name, given, limits, each, rows, dtype):
    """Nothing where the target is met: never 0 · ∞."""
    given = {k: np.full((rows, 1), v, dtype) if each or k.startswith("logit") else v for k, v in given.items()}
    for s, limit in zip((-INF, INF), limits, strict=True):
        got = _loss_and_slope(ENGINES[engine], name, np.full((rows, 1), s, dtype), given)
        for value, wanted in zip(got, limit, strict=True):
            assert np.allclose(value, wanted, rtol=8 * np.finfo(dtype).eps), s


def test_a_variance_too_large_for_its_type_is_infinite(dtype):
    """So wide that the loops are vectors: 1 / √∞ is 0, and the estimate of a CPU is NaN."""
    x, one = np.random.default_rng(0).standard_normal((6, 40)).astype(dtype), np.ones(40, dtype)
    x[2, ::3] = np.sqrt(np.finfo(dtype).max) * 10
    endless = one.copy()
    endless[::3] = np.inf
    with np.errstate(all="ignore"):
        for name, args in (("batch_norm", (x, one, one, 1e-5)), ("minibatch_std", (x, 1e-5)),
                           ("batch_norm_backward", (x[:2], x[:2], endless, one, 1e-5))):
            for wanted, got in zip(*(getattr(of, name)(*args) for of in ENGINES.values()), strict=True):
                assert np.array_equal(np.isfinite(got), np.isfinite(wanted)), name
                assert np.array_equal(np.isnan(got), np.isnan(wanted)), name


@pytest.mark.parametrize("name", [name for name in CASES if name not in IN_PLACE])
def test_an_empty_batch_is_an_error(engine, name):
    args, _ = CASES[name](drawer(np.float32, ["C"]), 4, 3, 2)
    arrays = {k for k, v in args.items() if isinstance(v, np.ndarray)} - {"W", "b"}
    rows = {k for k in arrays if len(args[k]) == 4} or arrays            # gamma of a batch without rows stays whole
    empty = {k: v[:0] if k in rows else v for k, v in args.items()}
    with pytest.raises(ValueError, match="empty"):
        getattr(ENGINES[engine], name)(**empty)


@pytest.mark.parametrize("which", ["logit_real", "logit_fake"])
@pytest.mark.parametrize("name", [name for name in CASES if name.endswith("_discriminator")])
def test_one_empty_batch_of_two_is_an_error(engine, name, which):
    args, _ = CASES[name](drawer(np.float64, ["C"]), 4, 3, 2)
    with pytest.raises(ValueError, match="empty"):
        getattr(ENGINES[engine], name)(**(args | {which: np.ones((0, 1))}))


def _other_shapes(value):
    """One more along an axis, one axis more, flat, one row."""
    longer = [np.concatenate([value, value.take([0], axis)], axis) for axis in range(value.ndim)]
    return [*longer, value[None], value[..., None], value.ravel(), value[0]]


@pytest.mark.parametrize("name", [name for name in CASES if name not in IN_PLACE])
def test_shapes_that_numpy_refuses_compiled_code_refuses_too(name):
    """In a sentence of ours: it would read behind the shorter of two arrays, or Numba would tell a story."""
    args, _ = CASES[name](drawer(np.float32, ["C"]), 5, 3, 4)
    for key, value in args.items():
        for other in _other_shapes(value) if isinstance(value, np.ndarray) else []:
            try:
                getattr(functional, name)(**args | {key: other})
            except ValueError:
                with pytest.raises(ValueError, match=r"^[^\n]*(shape|must|expected|needs|bias|matrix|cannot)[^\n]*$"):
                    getattr(kernels, name)(**args | {key: other})


@pytest.mark.parametrize(("name", "key"), [
    (name, key) for name in CASES if name not in IN_PLACE for key in CASES[name](drawer(np.float64, ["C"]), 1, 1, 1)[0]
    if (name, key) not in (("affine", "b"), ("maxout", "k"))])                        # None is no bias; whole numbers
def test_compiled_code_takes_neither_nothing_nor_text_for_numbers(name, key):
    """NumPy makes NaN of None, and 1 of "1.0"."""
    args, _ = CASES[name](drawer(np.float64, ["C"]), 4, 3, 2)
    for bad in (None, "1.0", np.full(np.shape(args[key]), None), np.full(np.shape(args[key]), "1.0")):
        with pytest.raises((TypeError, ValueError)):
            getattr(kernels, name)(**args | {key: bad})


SEVERAL = ["affine", "matmul", "affine_dx", "affine_dW", "sigmoid_backward", "tanh_backward", "relu_backward",
           "leaky_relu_backward", "dropout", "dropout_backward", "sigmoid_curvature", "tanh_curvature", "average",
           "batch_norm", "batch_norm_backward", "minibatch_std_backward", "power_iteration", "spectral_norm",
           "spectral_norm_backward"]


@pytest.mark.parametrize("name", SEVERAL)
def test_compiled_code_is_given_arrays_of_one_precision(name):
    args, _ = CASES[name](drawer(np.float32, ["C"]), 5, 3, 4)
    for key, value in args.items():
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match="dtype|bias"):
                getattr(kernels, name)(**args | {key: value.astype(np.float64)})


@pytest.mark.parametrize("name", [name for name in CASES if name not in IN_PLACE])
def test_compiled_code_takes_lists(name):
    """As arrays of float64; and so nothing reaches it as it came."""
    args, _ = CASES[name](drawer(np.float64, ["C"]), 5, 3, 4)
    lists = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in args.items()}
    expected = as_tuple(getattr(kernels, name)(**args))
    for got, e in zip(as_tuple(getattr(kernels, name)(**lists)), expected, strict=True):
        assert np.array_equal(got, e)


@pytest.mark.parametrize("k", [0, 4])
def test_maxout_refuses_pieces_that_do_not_fit(engine, k):
    with pytest.raises(ValueError, match="6 inputs cannot be shared out"):
        ENGINES[engine].maxout(np.ones((2, 6)), k)


@pytest.mark.parametrize("index", [-1, 3, 0.5])
def test_maxout_refuses_a_piece_that_is_none(engine, index):
    """Compiled code would write outside its unit; NumPy would take −1 for the last piece."""
    with pytest.raises(ValueError, match="winning piece 0 … 2"):
        ENGINES[engine].maxout_backward(np.ones((2, 2)), np.array([[0, 1], [2, index]]), 3)
    with pytest.raises(ValueError, match="winning piece 0 … 2"):
        ENGINES[engine].maxout_jvp(np.ones((2, 6)), np.array([[0, 1], [2, index]]), 3)


@pytest.mark.parametrize("kind", ["i1", "i2", ">i4", "<i8", ">i8"])
def test_the_winning_pieces_may_be_whole_numbers_of_any_kind(engine, kind):
    """Numba, once it has seen an array that is not aligned, takes every order of bytes for the CPU's: 1 is 2⁵⁶."""
    index = np.array([[0, 1], [2, 1]])
    unaligned = np.empty(index.nbytes + 1, np.uint8)[1:].view(index.dtype).reshape(2, 2)
    unaligned[...] = index
    for given in (unaligned, index.astype(kind)):
        assert ENGINES[engine].maxout_backward(np.ones((2, 2)), given, 3).nonzero()[1].tolist() == [0, 4, 2, 4]
        assert ENGINES[engine].maxout_jvp(np.arange(12.).reshape(2, 6), given, 3).tolist() == [[0, 4], [8, 10]]


@pytest.mark.parametrize("label", [-1, 2, 0.5])
def test_softmax_refuses_a_label_that_is_no_class(engine, label):
    """Compiled code would read outside its row; NumPy would take −1 for the last class."""
    with pytest.raises(ValueError, match="whole numbers 0 … 1"):
        ENGINES[engine].softmax_cross_entropy(np.ones((2, 2)), np.array([0, label]))


def test_the_power_iteration_refuses_what_it_cannot_normalise(engine, dtype):
    with pytest.raises(ValueError, match="W v = 0"):
        ENGINES[engine].power_iteration(np.zeros((3, 2), dtype), np.ones(2, dtype))


# --------------------------------------------------------------------------------------------------- dropout

@pytest.mark.parametrize("shape", [(5, 3), (1, 1), (7,), (2, 3, 4)], ids=str)
def test_dropout_mask_draws_unit_by_unit(engine, shape, dtype):
    mask = ENGINES[engine].dropout_mask(shape, 0.3, np.random.default_rng(5), dtype)
    assert mask.dtype == dtype
    assert error(mask, naive.dropout_mask(shape, 0.3, np.random.default_rng(5), dtype)) <= 2 * np.finfo(dtype).eps


def test_dropout_mask_has_mean_one_and_drops_its_share(engine):
    n, rate = 40_000, 0.3
    mask = ENGINES[engine].dropout_mask((n,), rate, np.random.default_rng(0), np.float64)
    assert set(np.unique(mask)) == {0, 1 / (1 - rate)}
    assert abs(np.mean(mask == 0) - rate) <= 6 * math.sqrt(rate * (1 - rate) / n)     # 6 standard deviations
