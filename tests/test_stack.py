"""The doors of a stack of dense layers: odd arguments, wrong ones, several threads at once."""
import contextlib
import itertools
import threading
import traceback
from pathlib import Path

import numpy as np
import pytest
from stacks import (
    COMPILED,
    KERNELS,
    MIXED,
    NARROW,
    THIN,
    TILES,
    arrays,
    backward,
    compile_all,
    parameters,
    rotated,
    signatures,
    tangents,
)

import numpygan as ng
from numpygan.kernels import dense, passes, rows, stack, support, team, tiles


@pytest.fixture
def warm(rng):
    compile_all(rng)


# -------------------------------------------------------------------------------------------------- odd arguments

def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def unaligned(a):
    copy = np.empty(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    copy[...] = a
    return copy


RIGHT = {"unaligned": unaligned, "read-only": read_only, "Fortran": np.asfortranarray, "a subclass": np.ma.array,
         "every other column": lambda a: np.repeat(a, 2, -1)[..., ::2], "backwards": lambda a: a[::-1].copy()[::-1],
         "every other row": lambda a: np.repeat(a, 2, 0)[::2]}
REFUSED = {"whole": lambda a: a.astype(np.int64),
           "bool": lambda a: a > 0, "half": lambda a: a.astype(np.float16), "complex": lambda a: a.astype(complex),
           "long": lambda a: a.astype(np.longdouble), "object": lambda a: a.astype(object), "text": lambda a: "x",
           "None": lambda a: None, "strings": lambda a: a.astype("S4"), "a number": lambda a: a.dtype.type(1),
           "list of text": lambda a: ["x"], "ragged": lambda a: [[1.0], [1.0, 2.0]], "empty list": lambda a: [],
           "no rows": lambda a: a[:0],
           "flat": lambda a: a.ravel() if a.ndim > 1 else a[None], "stack": lambda a: a[None]}
OTHER = {"the other precision": lambda a: a.astype("fd"["df".index(a.dtype.char)]),
         "a row more": lambda a: np.concatenate([a, a[:1]]), "a row less": lambda a: a[:-1].copy(),
         "a column more": lambda a: np.concatenate([a, a[..., :1]], -1), "a column less": lambda a: a[..., :-1].copy()}


def answer(call):
    """What a call returns, as bytes, or None if it is refused: in one line, by a check of ours."""
    try:
        return [a.tobytes() for a in call()]
    except (TypeError, ValueError) as e:
        refused = e
    assert Path(traceback.extract_tb(refused.__traceback__)[-1].filename).parent.name == "kernels", refused
    assert str(refused)
    assert "\n" not in str(refused)
    assert not any(theirs in str(refused) for theirs in ("atching definition", "fingerprint", "umba"))
    return None


def bytes_of(a):
    return repr(a) if isinstance(a, list) else np.asarray(a).tobytes()


def tried(function, args, at, change):
    """The answer with those of the arguments changed; nothing that is read may change."""
    args = [a.copy() for a in args]
    for i in at:
        args[i] = change(args[i])
    before = [bytes_of(a) for a in args[:6 if len(args) == 7 else 5]]
    result = answer(lambda: function(*args))
    assert [bytes_of(a) for a in args[:len(before)]] == before
    return result


@pytest.fixture(params=[THIN, NARROW, TILES, MIXED], ids=["thin", "narrow", "tiles", "a stack"])
def calls(request, dtype, rng, warm):
    """(function, arguments, how many of them are only read): the passes up and down, and along a direction."""
    sizes, slopes = request.param, rotated(request.param, 1)
    x, hidden, y, dy, theta = arrays(rng, 9, sizes, dtype)

    def up(x, theta):
        return stack.mlp(x, theta, sizes, slopes)

    def down(x, hidden, y, dy, theta, g):
        return stack.mlp_backward(x, hidden, y, dy, theta, sizes, slopes, g, True), g

    def along(x_dot, hidden, y, theta):
        return stack.mlp_jvp(x_dot, hidden, y, theta, sizes, slopes)

    def back(x_dot, dots, hidden, y, dy_dot, theta, g):
        return stack.mlp_jvp_backward(x_dot, dots, hidden, y, dy_dot, theta, sizes, slopes, g, True), g
    g = np.full_like(theta, 7)
    return [(up, [x, theta], 2), (down, [x, hidden, y, dy, theta, g], 5), (along, [x, hidden, y, theta], 4),
            (back, [x, hidden[::-1].copy(), hidden, y, dy, theta, g], 6)]


def test_arrays_that_lie_otherwise_give_the_same_bytes(calls):
    known = signatures()
    for function, args, read in calls:
        expected = tried(function, args, [], None)
        assert expected is not None
        for name, change in RIGHT.items():
            for at in [*([i] for i in range(read)), range(read)]:
                assert tried(function, args, at, change) == expected, (name, list(at))
            for i in range(read, len(args)):                          # g: never anything else than right
                kept = [expected] if name in ("Fortran", "a subclass") else [expected, None]
                assert tried(function, args, [i], change) in kept, (name, i)
    assert signatures() == known


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_what_is_no_array_of_floats_is_refused_in_one_sentence(calls):
    known = signatures()
    for function, args, read in calls:
        for (name, change), i in itertools.product((REFUSED | OTHER).items(), range(len(args))):
            fine = ((name == "no rows" and i == read)                                      # g: it is not wanted
                    or (name in ("a row more", "a row less") and read == 2 and i == 0)
                    or args[i].size == 0)                                                  # there is nothing in it
            assert fine or tried(function, args, [i], change) is None, (name, i)
        for name, change in REFUSED.items():
            assert tried(function, args, range(len(args)), change) is None, name
        for (name, change), at in itertools.product(OTHER.items(), [(2, 3), (1, 2, 3), (0, 1, 2, 3)]):
            if read == 5 and not (name.startswith("a row") and len(at) == 4 and args[1].size == 0):
                assert tried(function, args, at, change) is None, (name, at)
    assert signatures() == known


def test_a_refusal_says_what_does_not_fit():
    x, theta, y = np.ones((4, 3)), np.ones(8), np.ones((4, 2))
    layers = (3, 2), (0.2,)
    for args in [(x[:, :2], theta), (x, theta[:7]), (x.astype(np.float32), theta), (x[0], theta), (x, theta[None])]:
        with pytest.raises(ValueError, match=r"dense layers of \(3, 2\) map rows of 3 by 8 parameters"):
            stack.mlp(*args, *layers)
        with pytest.raises(ValueError, match="map rows of 3 by 8 parameters"):
            stack.mlp_backward(args[0], x[:0, 0], y, y, args[1], *layers, np.empty(0), True)
    for args in [(x, x[:0, 0], y[:3], y[:3]), (x, x[:0, 0], y.astype("f"), y.astype("f")), (x, x[:0, 0], x, x)]:
        with pytest.raises(ValueError, match=r"layers of \(3, 2\) cannot have mapped \(4, 3\) float64 to 0 numbers"):
            stack.mlp_backward(*args, theta, *layers, np.empty(0), True)
    with pytest.raises(ValueError, match="to 7 numbers float64 between them"):
        stack.mlp_backward(x, np.ones(7), y, y, np.ones(14), (3, 2, 2), (0.2, 0.2), np.empty(0), True)
    with pytest.raises(ValueError, match="shapes and dtypes must agree"):
        stack.mlp_backward(x, x[:0, 0], y, y[:3], theta, *layers, np.empty(0), True)
    for g in (np.ones(7), np.ones((1, 8)), np.ones(8, "f"), np.ones(16)[::2], read_only(theta)):
        with pytest.raises(ValueError, match=r"goes into a vector like theta, \(8,\) float64, to write to"):
            stack.mlp_backward(x, x[:0, 0], y, y, theta, *layers, g, True)
    for g in (None, [0.0] * 8, "x"):
        with pytest.raises(TypeError, match="g is a vector that the gradient is written into"):
            stack.mlp_backward(x, x[:0, 0], y, y, theta, *layers, g, True)


@pytest.mark.parametrize(("sizes", "slopes"), [((3, 2, 2), (0.2,)), ((3, 2), (0.2, 0.3)), ((3,), ()), ((3, 2), ())])
def test_every_layer_has_a_slope(sizes, slopes):
    """Arrays that fit as many layers as there are slopes are none for these sizes."""
    n, pairs = 4, list(zip(sizes, sizes[1:], slopes, strict=False))
    x, y, theta = np.ones((n, 3)), np.ones((n, sizes[-1])), np.ones(sum((k + 1) * m for k, m, _ in pairs))
    hidden = np.ones(n * sum(sizes[1:-1]))
    with pytest.raises(ValueError, match=r"every layer has a slope|batch is empty"):
        stack.mlp(x, theta, sizes, slopes)
    with pytest.raises(ValueError, match=r"every layer has a slope|batch is empty"):
        stack.mlp_backward(x, hidden, y, y, theta, sizes, slopes, np.empty(0), True)


@pytest.mark.parametrize("sizes", [(3, 0), (3, 0, 7), (3, 0, 2), (3, -1, 7)])
def test_a_layer_without_columns_is_refused(sizes, dtype):
    """Compiled code would divide by the depth of a product."""
    x, y = np.ones((4, 3), dtype), np.ones((4, sizes[-1]), dtype)
    theta, slopes = np.ones(max(parameters(sizes), 0), dtype), (0.2,) * (len(sizes) - 1)
    with pytest.raises(ValueError, match=r"at least one input and one output, got sizes \(3, |batch is empty"):
        stack.mlp(x, theta, sizes, slopes)
    with pytest.raises(ValueError, match=r"at least one input and one output, got sizes \(3, |batch is empty"):
        stack.mlp_backward(x, theta[:0], y, y, theta, sizes, slopes, np.empty_like(theta), True)


def test_the_order_of_bytes(engine, calls):
    """A network turns it round, where compiled code would take any for the CPU's; `functional` is not concerned.

    Numba mistakes one for the other once it has seen arrays that are not aligned.
    """
    function, args, read = calls[1]
    tried(function, args, range(read), unaligned)
    x, _, y, dy, _, _ = args
    k, m = x.shape[1], y.shape[1]
    net = ng.Network([ng.Dense(4), ng.ReLU(), ng.Dense(m), ng.LeakyReLU(0.2)], k, rng=np.random.default_rng(0),
                     dtype=x.dtype, engine=engine)
    order, found = x.dtype.newbyteorder(">"), []
    for change in (lambda a: a, lambda a: a.astype(order)):
        net.theta = change(net.theta)
        out, tape = net.forward(change(x))
        other, _ = net.forward(x, theta=change(net.theta))
        found.append([a.tobytes() for a in (out, *net.backward(tape, change(dy)), other)])
    assert found[0] == found[1]
    with pytest.raises(TypeError, match="got >f"):
        support.floats(x.astype(order))
    with pytest.raises((TypeError, ValueError), match="float64"):
        ng.Network([ng.Dense(m)], k, rng=np.random.default_rng(0), dtype=order)


def test_a_gradient_goes_into_a_vector_that_can_hold_it(calls):
    function, args, _ = calls[1]
    for change in (read_only, lambda a: np.repeat(a, 2)[::2], lambda a: a[::-1], lambda a: a[:-1], lambda a: a[None]):
        assert tried(function, args, [5], change) is None


def test_a_gradient_that_nobody_wants_may_be_any_empty_array(calls):
    known = signatures()
    function, args, _ = calls[1]
    expected = tried(function, args, [], None)[0]
    for g in (np.empty((0, 0)), np.empty(0), np.empty(0, "f"), np.empty((3, 0), "i"), np.empty(0, complex),
              np.empty((2, 0), "U3")):
        assert tried(function, args, [5], lambda _, g=g: g) == [expected, b""]
    assert signatures() == known


def test_lists_are_float64(calls):
    for function, args, read in calls:
        if args[0].dtype == np.float64:
            expected = tried(function, args, [], None)
            for at in [*([i] for i in range(read)), range(read)]:
                assert tried(function, args, at, np.ndarray.tolist) == expected


# ------------------------------------------------------------------------------- what compiled code looks at itself

def misfits(given, named):
    """These arrays with one of them an entry, a row or a column short or long, in turn."""
    for name in named:
        a = given[name]
        for wrong in (a[1:], np.concatenate([a, a[:1]]), a[..., 1:].copy(), np.concatenate([a, a[..., :1]], -1)):
            if a.size:
                yield given | {name: wrong}


@COMPILED
@pytest.mark.parametrize("sizes", [THIN, NARROW, TILES, MIXED], ids=str)
def test_compiled_code_looks_at_all_shapes(warm, sizes, dtype, rng):
    """At those too that Python makes for it: no mistake there may read or write other memory."""
    x, hidden, y, dy, theta = arrays(rng, 9, sizes, dtype)
    crew, least = team.Team(1), rows.BLOCKS * rows.ROOM * max(sizes)
    given = dict(x=x, theta=theta, hidden=hidden, y=y, dy=dy, g=theta.copy(), dx=x.copy(),
                 room=np.empty(2 * 9 * max(sizes[1:]) + least, dtype), between=hidden.copy(), dots=hidden.copy(),
                 y_dot=y.copy(), product=np.empty(9 * max(sizes[1:]), dtype))
    for kernel, way, names in (
            (passes._forward, "up", ["x", "theta", "hidden", "y"]),
            (passes._backward, "down", ["x", "between", "theta", "hidden", "y", "dy", "g", "dx", "room"]),
            (passes._tangent, "along", ["x", "theta", "hidden", "y", "dots", "y_dot", "product"])):
        plan = stack._plan(sizes, rotated(sizes), x.dtype.char, way)

        def asked(arrays, kernel=kernel, names=names, plan=plan):
            return kernel(*(arrays[name] for name in names), plan.address, crew.address, 0)
        assert asked(given) == 0
        for wrong in misfits(given, names):
            assert asked(wrong) == passes.MISFIT, {name: wrong[name].shape for name in names}
        without = {name: a if name in ("theta", "g", "room") else a[:0] for name, a in given.items()}
        assert asked(without | dict(room=np.empty(least, dtype))) == passes.MISFIT
        for name in {"g", "dx"} & set(names):
            assert asked(given | {name: given[name][:0]}) == 0


@COMPILED
def test_the_plan_of_a_stack_says_how_each_layer_is_made(warm, dtype):
    char, slopes = np.dtype(dtype).char, (0.0, 0.2, 1.0, 0.5)
    sizes = (8, 7, 2, 5, rows.THIN)
    size = np.dtype(dtype).itemsize
    head, layers = {}, {}
    for way in ("up", "down", "along"):
        plan = stack._plan(sizes, slopes, char, way)
        assert (plan.hidden, plan.widest, plan.widest_of_all, plan.address) == (14, 7, 8, plan.words.ctypes.data)
        first = len(passes.HEAD)
        head[way] = dict(zip(passes.HEAD, plan.words[:first].tolist(), strict=True))
        layers[way] = [dict(zip(passes.LAYER, words, strict=True))
                        for words in plan.words[first:].reshape(-1, len(passes.LAYER)).tolist()]
        for k, m, slope, layer in zip(sizes[:-1], sizes[1:], slopes, layers[way], strict=True):
            assert (layer["depth"], layer["cols"]) == (k, m)
            assert layer["slope"].to_bytes(8, "little")[:size] == dtype(slope).tobytes()
    for h in head.values():
        expected = dict(layers=4, d_in=8, d_out=4, parameters=parameters(sizes), hidden=14, widest=7, widest_of_all=8)
        assert {name: h[name] for name in expected} == expected
        assert h["one"].to_bytes(8, "little")[:size] == dtype(1).tobytes()
    of = {f: support.piece_of(f, char) for f in (rows._thin, rows._thin_backward, rows._narrow_backward,
                                                 rows._activation_backward, tiles._work)}
    up, bent = (tiles._work, rows._thin, tiles._work, rows._thin), rows._activation_backward
    for name, way, pieces in (("forward", "up", up), ("forward", "along", up),
                              ("backward", "down", (bent, rows._thin_backward, rows._narrow_backward,
                                                    rows._thin_backward))):
        assert [layer[name] for layer in layers[way]] == [of[f] for f in pieces]
    assert [layer["backward"] for layer in layers["along"]] == [of[bent], of[bent], 0, of[bent]]
    assert head["down"]["tiles"] == of[tiles._work]
    assert [rows.thin(*pair) for pair in ((rows.LONGEST, 4), (rows.LONGEST + 1, 4), (1, 5))] == [True, False, False]
    for k, f in ((rows.LONGEST, rows._thin), (rows.LONGEST + 1, tiles._work)):
        plan = stack._plan((k, 2), (0.2,), char, "up")
        assert plan.words[len(passes.HEAD) + passes.LAYER.index("forward")] == of[f]


# ------------------------------------------------------------------------------------------ threads at the door

@COMPILED
def test_nobody_else_comes_through_the_open_door(warm, dtype, rng):
    """While one thread compiles, another brings arrays that are not contiguous: no kernel is compiled for them."""
    for sizes in (THIN, NARROW, TILES, MIXED):
        args, slopes = arrays(rng, 9, sizes, dtype), rotated(sizes)
        x, hidden, y, dy, theta = args

        def both(x, y, of=(hidden, dy, theta, sizes, slopes)):
            hidden, dy, theta, *layers = of
            return [a.tobytes() for a in (*stack.mlp(x, theta, *layers), *backward(x, hidden, y, dy, theta, *layers),
                                          *tangents(x, hidden, y, dy, theta, *layers))]
        expected, known, got = both(x, y), signatures(), []
        odd = [np.repeat(a, 2, 1)[:, ::2] for a in (x, y)]
        other = threading.Thread(target=lambda of=odd, to=got, call=both: to.append(call(*of)))
        with support.opened(*KERNELS):
            other.start()
            other.join(0.2)
        other.join()
        assert got == [expected]
        assert signatures() == known
    assert not any(kernel._can_compile for kernel in KERNELS)


def test_an_error_closes_the_door():
    kernel = support.closed_jit(lambda x: x)
    if dense.OURS:
        with contextlib.suppress(KeyError), support.opened(kernel):
            assert kernel._can_compile
            raise KeyError
        assert not kernel._can_compile
        with pytest.raises(TypeError):
            kernel(1.0)


AT_ONCE = """
import threading
import numpy as np
from numpygan.kernels import dense, passes, stack

def passes_of(dtype, *sizes):
    rng, n = np.random.default_rng(sizes[0]), 300
    shapes = (n, sizes[0]), (n, sizes[-1]), (sum((k + 1) * m for k, m in zip(sizes, sizes[1:])),)
    x, dy, theta = (rng.standard_normal(s).astype(dtype) for s in shapes)
    layers, g = (sizes, (.2,) * (len(sizes) - 1)), np.empty_like(theta)
    y, hidden = stack.mlp(x, theta, *layers)
    dx = stack.mlp_backward(x, hidden, y, dy, theta, *layers, g, True)
    y_dot, dots = stack.mlp_jvp(x, hidden, y, theta, *layers)
    dx_dot = stack.mlp_jvp_backward(x, dots, hidden, y, dy, theta, *layers, g_dot := np.empty_like(g), True)
    W = theta[:sizes[0] * sizes[1]].reshape(sizes[:2])
    found = y, hidden, dx, g, y_dot, dots, dx_dot, g_dot, dense.affine(x, W, theta[-sizes[1]:])
    return tuple(a.tobytes() for a in found)

jobs = [("f", 6, 2), ("d", 6, 2), ("f", 2, 60), ("d", 2, 60), ("f", 70, 60, 3), ("d", 70, 60, 3)]
found, errors, start = {job: set() for job in jobs}, [], threading.Barrier(6)

def call(first):
    start.wait()
    for job in jobs[first:] + jobs[:first]:
        try:
            found[job].add(passes_of(*job))
        except BaseException as e:
            errors.append(repr(e))

threads = [threading.Thread(target=call, args=(i // 2 * 2 + i % 2,)) for i in range(6)]
for t in threads:
    t.start()
for t in threads:
    t.join()
assert not errors, errors
assert all(results == {passes_of(*job)} for job, results in found.items())
print([len(c.signatures) for c in (passes._product, passes._forward, passes._backward, passes._tangent)])
"""


@COMPILED
def test_the_first_calls_of_several_threads_come_at_the_same_time(python, warm):
    assert python(AT_ONCE).strip() == str([2] * len(KERNELS))
