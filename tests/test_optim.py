"""The optimisers: steps by hand, schedules, PyTorch's numbers, manners."""
import copy
import itertools
import math
import pickle
import re

import numpy as np
import pytest

import numpygan as ng
from numpygan import kernels
from numpygan.kernels import intrinsics, optim, team
from numpygan.optim import SGD, Adam, Momentum, Optimiser, RMSProp

EPS = np.finfo(float).eps
ALL = [SGD(.1), Momentum(.1), Momentum(.1, momentum=0), RMSProp(.1), Adam(.1), Adam(.1, beta1=.5)]


def network(theta, engine="numpy", dtype=np.float64):
    """A network whose flat vector is `theta`: one column out, no bias."""
    net = ng.Network([ng.Dense(1, bias=False)], len(theta), rng=np.random.default_rng(0), dtype=dtype, engine=engine)
    net.theta = theta
    return net


def after(opt, engine, *gradients, start=1.0):
    """θ after each of the steps along the given gradients, one parameter."""
    net, thetas = network([start], engine), []
    for g in gradients:
        opt.step(net, np.array([g], float))
        thetas.append(net.theta[0])
    return thetas


def same(a, b, ulps=8):
    return np.allclose(a, b, rtol=ulps * EPS, atol=0)


# ------------------------------------------------------------------------------------------------ steps by hand


def test_sgd(engine):
    """1 − .1·2 = .8, .8 + .1·1 = .9                                                             Eq. (5.1)"""
    assert same(after(SGD(.1), engine, 2, -1), [.8, .9])


def test_momentum(engine):
    """v = 2, .9·2 − 1 = .8: θ = 1 − .2 = .8, .8 − .08 = .72                                       Eq. (5.2)"""
    assert same(after(Momentum(.1, .9), engine, 2, -1), [.8, .72])


def test_rmsprop(engine):
    """ρ = ¾: s = ¼·4 = 1, then ¾ + ¼·5 = 2: θ = 1 − .1·2/(1 + 1) = .9, then −.1·√5/(√2 + 1)      Eqs. (5.3), (5.4)"""
    first = 1 - .1 * 2 / (1 + 1)
    second = first - .1 * math.sqrt(5) / (math.sqrt(2) + 1)
    assert same(after(RMSProp(.1, rho=.75, eps=1), engine, 2, math.sqrt(5)), [first, second])


def test_adam(engine):
    """β₁ = ½, β₂ = ¾, g = 2, 4: m = 1, 2.5 → m̂ = 2, 10/3; v = 1, 4.75 → v̂ = 4, 76/7             Eqs. (5.5) to (5.8)"""
    first = 1 - .1 * 2 / (2 + 1)
    second = first - .1 * (2.5 / .75) / (math.sqrt(4.75 / (1 - .5625)) + 1)
    assert same(after(Adam(.1, beta1=.5, beta2=.75, eps=1), engine, 2, 4), [first, second])


def test_adams_first_step_is_lr_against_the_sign(engine):
    net = network([1., 1., 1.], engine)
    Adam(.01).step(net, np.array([1e-3, -1e3, 0.]))
    assert np.allclose(net.theta, [.99, 1.01, 1], rtol=1e-5)
    assert net.theta[2] == 1                                       # no gradient, no step


def test_every_update_ends_within_the_clipping_bound(engine):
    """1 + .5·2 = 2 → ¾, ¾ − .5·½ = ½, ½ − .5·6 = −2½ → −¾                                        Eq. (11.12)"""
    assert after(SGD(.5, clip=.75), engine, -2, .5, 6) == [.75, .5, -.75]


@pytest.mark.parametrize("opt", ALL, ids=repr)
def test_all_go_downhill_to_the_minimum_of_a_bowl(opt, engine):
    """f(θ) = Σ cᵢ (θᵢ − i)²/2, from 5: the rate shrinks, so that even steps of fixed length arrive."""
    opt, c = copy.deepcopy(opt), np.array([1., 3.])
    opt.lr = lambda t: .1 * .995**t
    net = network([5., 5.], engine)
    for _ in range(1200):
        opt.step(net, c * (net.theta - [0, 1]))
    assert np.abs(net.theta - [0, 1]).max() < .02


# ----------------------------------------------------------------------------------------------------- schedules


@pytest.mark.parametrize("make", [SGD, Momentum, RMSProp, Adam])
def test_lr_as_a_function_of_the_step_is_asked_for_0_1_2(make, engine):
    asked = []

    def lr(t):
        asked.append(t)
        return [.5, 0, .25][t]

    opt, net = make(lr), network([1.], engine)
    moves = []
    for t in range(3):
        before = net.theta[0]
        opt.step(net, np.array([1.]))
        moves.append(before - net.theta[0])
        assert opt.t == t + 1
    assert asked == [0, 1, 2]
    assert moves[1] == 0 != moves[0]
    fixed = make(.25)
    net = network([1.], engine)
    for _ in range(2):
        fixed.step(net, np.array([1.]))
    before = net.theta[0]
    fixed.step(net, np.array([1.]))                                # the moments saw the same gradients either way
    assert same(moves[2], before - net.theta[0], 50)


def test_momentum_as_a_function_of_the_step(engine):
    """μ = 0, ½, 1/4 on g = 1: v = 1, 1.5, 1.375."""
    asked = []

    def mu(t):
        asked.append(t)
        return [0, .5, .25][t]

    assert same(after(Momentum(1, momentum=mu), engine, 1, 1, 1, start=0.), [-1, -2.5, -3.875])
    assert asked == [0, 1, 2]


# --------------------------------------------------------------------------------------------- beside PyTorch


@pytest.mark.parametrize("name", ["SGD", "Momentum", "RMSProp", "Adam", "Adam for GANs"])
def test_twenty_steps_are_pytorchs(name, engine):
    torch = pytest.importorskip("torch", exc_type=ImportError)
    ours, theirs = {
        "SGD": (SGD(.1), lambda p: torch.optim.SGD(p, lr=.1)),
        "Momentum": (Momentum(.1, .8), lambda p: torch.optim.SGD(p, lr=.1, momentum=.8)),
        "RMSProp": (RMSProp(.01, rho=.95, eps=1e-6), lambda p: torch.optim.RMSprop(p, lr=.01, alpha=.95, eps=1e-6)),
        "Adam": (Adam(.01), lambda p: torch.optim.Adam(p, lr=.01)),
        "Adam for GANs": (Adam(2e-4, beta1=.5), lambda p: torch.optim.Adam(p, lr=2e-4, betas=(.5, .999))),
    }[name]
    rng = np.random.default_rng(3)
    start = rng.standard_normal(7)
    net, p = network(start, engine), torch.nn.Parameter(torch.tensor(start))
    opt = theirs([p])
    for _ in range(20):
        g = rng.standard_normal(7)
        ours.step(net, g)
        p.grad = torch.tensor(g)
        opt.step()
    assert np.abs(net.theta - p.detach().numpy()).max() <= 1e-12


# ------------------------------------------------------------------------------------------------------- manners


@pytest.mark.parametrize("opt", ALL, ids=repr)
def test_a_step_keeps_dtypes_memory_and_the_gradient(opt, engine, dtype):
    opt = copy.deepcopy(opt)
    net = network([1., 2., 3.], engine, dtype)
    vector, version, g = net.theta, net.version, np.array([1., -1., 0.])       # float64 on a float32 network too
    moments = None
    for i in range(3):
        opt.step(net, g)
        assert net.theta is vector
        assert net.version == version + i + 1
        assert {a.dtype for a in (net.theta, *opt.moments.values())} == {np.dtype(dtype)}
        assert all(a is not g and not np.shares_memory(a, net.theta) for a in opt.moments.values())
        moments = opt.moments
    assert set(moments) == set(opt.vectors)
    assert g.tolist() == [1, -1, 0]
    assert (vector != [1, 2, 3]).tolist() == [True, True, False]


@pytest.mark.parametrize("opt", ALL, ids=repr)
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))], ids=["deepcopy", "pickle"])
def test_copies_go_on_alike_and_are_detached(opt, clone, engine, rng):
    opt, net = copy.deepcopy(opt), network([1., 2., 3.], engine)
    for _ in range(3):
        opt.step(net, rng.standard_normal(3))
    twin, other = clone(opt), clone(net)
    g = rng.standard_normal(3)
    opt.step(net, g)
    assert not np.array_equal(net.theta, other.theta)
    twin.step(other, g)
    assert other.theta.tobytes() == net.theta.tobytes()
    assert (repr(twin), twin.t) == (repr(opt), 4)


def test_the_printed_form():
    assert repr(Adam(2e-4, beta1=.5)) == "Adam(lr=0.0002, beta1=0.5, beta2=0.999, eps=1e-08)"
    assert repr(Momentum(.1)) == "Momentum(lr=0.1, momentum=0.9)"
    assert repr(RMSProp(.1)) == "RMSProp(lr=0.1, rho=0.9, eps=1e-08)"


@pytest.mark.parametrize(("make", "kind", "sentence"), [
    (lambda: SGD(-1), ValueError, "lr must lie in [0, inf), got -1"),
    (lambda: SGD(math.nan), ValueError, "lr must lie in [0, inf), got nan"),
    (lambda: SGD(math.inf), ValueError, "lr must lie in [0, inf), got inf"),
    (lambda: SGD("fast"), TypeError, "lr must be a number, got 'fast'"),
    (lambda: SGD(True), TypeError, "lr must be a number, got True"),
    (lambda: Momentum(.1, 1), ValueError, "momentum must lie in [0, 1), got 1"),
    (lambda: RMSProp(.1, rho=1.5), ValueError, "rho must lie in [0, 1), got 1.5"),
    (lambda: RMSProp(.1, eps=0), ValueError, "eps must be positive: it keeps 0 / 0 out of the update"),
    (lambda: Adam(.1, beta1=1), ValueError, "beta1 must lie in [0, 1), got 1"),
    (lambda: Adam(.1, beta2=-.1), ValueError, "beta2 must lie in [0, 1), got -0.1"),
    (lambda: Adam(.1, eps=0), ValueError, "eps must be positive"),
    (lambda: Adam(.1, eps=-1), ValueError, "eps must lie in [0, inf), got -1"),
])
def test_impossible_settings_say_why(make, kind, sentence):
    with pytest.raises(kind, match=re.escape(sentence)):
        make()


@pytest.mark.parametrize(("opt", "kind", "sentence"), [
    (SGD(lambda t: -1.0), ValueError, "lr must lie in [0, inf), got -1.0"),
    (SGD(lambda t: math.nan), ValueError, "lr must lie in [0, inf), got nan"),
    (Momentum(.1, lambda t: 2.0), ValueError, "momentum must lie in [0, 1), got 2.0"),
])
def test_impossible_values_of_a_schedule_stop_the_step(opt, kind, sentence, engine):
    net = network([1.], engine)
    with pytest.raises(kind, match=re.escape(sentence)):
        opt.step(net, np.ones(1))
    assert (net.theta.tolist(), opt.t) == ([1], 0)               # the step that was refused is not one that was taken


def test_a_gradient_of_another_shape_is_refused(engine):
    net = network([1., 2.], engine)
    for g in (np.ones(3), np.ones((2, 1)), 1.0):
        with pytest.raises(ValueError, match=re.escape("the gradient must have the shape of theta, (2,), got")):
            Adam(.1).step(net, g)


def test_an_optimiser_belongs_to_one_network(engine):
    opt = Adam(.1)
    opt.step(network([1., 2.], engine), np.ones(2))
    with pytest.raises(ValueError, match="this optimiser has stepped another network: make one optimiser for each"):
        opt.step(network([1., 2., 3.], engine), np.ones(3))


def test_the_base_class_takes_no_step():
    with pytest.raises(NotImplementedError):
        Optimiser(.1).step(network([1.]), np.ones(1))


@pytest.mark.parametrize("kind", [int, np.float32, np.float64])
def test_compiled_code_gets_numbers_of_one_type(monkeypatch, kind):
    """Closed, it turns what comes later into the type that came first: after an eps of 1 one of 1e-8 was 0."""
    seen = []
    monkeypatch.setattr(optim, "_adam_at_once", lambda *args: not seen.append(args[4:]))
    theta, g, m, v = np.ones((4, 2))
    kernels.adam(theta, g, m, v, 1, kind(1), kind(0), kind(0), kind(1))
    assert [[type(x) for x in numbers] for numbers in seen] == [[float] * 7]


NUMBERS = {"sgd": (2, 0.1), "momentum": (3, 0.1, 0.9), "rmsprop": (3, 0.1, 0.9, 1e-8),
           "adam": (4, 3, 0.1, 0.5, 0.9, 1e-8)}                       # how many vectors, and what follows them


@pytest.mark.parametrize(("name", "n"), [*zip(NUMBERS, [3] * 4, strict=True),
                                         ("adam", optim.LONG if optim.COMPILED else 4)])
def test_vectors_that_do_not_fit_each_other_are_refused_untouched(name, n, dtype):
    """Compiled code, which `adam` asks first, would read and write behind the shorter one."""
    update, (count, *numbers) = getattr(kernels, name), NUMBERS[name]
    update(*np.ones((count, n), dtype), *numbers)                               # compiled for such vectors
    for which, other in itertools.product(range(count), (n - 1, n + 1, 0)):
        vectors = [np.ones(other if i == which else n, dtype) for i in range(count)]
        with pytest.raises(ValueError, match="an update in place needs contiguous float vectors of one length"):
            update(*vectors, *numbers)
        assert all(np.all(v == 1) for v in vectors)
    with pytest.raises(ValueError, match="nothing to update"):
        update(*np.ones((count, 0), dtype), *numbers)


OTHER = {"a row": lambda a: a[None], "a column": lambda a: a.reshape(-1, 1), "a number": lambda a: a[:1].reshape(()),
         "another order of bytes": lambda a: a.astype(a.dtype.newbyteorder("S"))}


@pytest.mark.parametrize(("name", "other"), [pair for pair in itertools.product(NUMBERS, OTHER)  # see ODD_ARGUMENTS
                                             if pair != ("adam", "another order of bytes")])
def test_what_is_no_vector_of_floats_is_refused(name, other, dtype):
    """In one sentence, though Numba, once it has seen a subclass, takes every order of bytes for the CPU's."""
    update, (count, *numbers) = getattr(kernels, name), NUMBERS[name]
    update(*(np.ones(4, dtype).view(np.recarray) for _ in range(count)), *numbers)
    with pytest.raises(ValueError, match="^an update in place needs contiguous float vectors of one length[^\n]*$"):
        update(*(OTHER[other](np.ones(4, dtype)) for _ in range(count)), *numbers)


@pytest.mark.skipif(not optim.COMPILED, reason="compiled code alone is shared")
@pytest.mark.parametrize(("n", "pieces"), [(optim.LONG - 1, 0), (optim.LONG, 8)])
def test_long_vectors_come_in_pieces(n, pieces, dtype):
    """And short ones in one, off the board. (By a team of one, of which nobody is ever put aside.)"""
    theta, g, m, v = np.ones((4, n), dtype)
    with team.limited(1):
        board = team._team.board
        kernels.adam(theta, g, m, v, 1, 0.1, 0.5, 0.9, 1e-8)
        assert board[team.COUNT] == pieces
        board[team.COUNT] = 0
        kernels.norm(g)
        assert board[team.COUNT] == pieces


@pytest.mark.skipif(not (optim.COMPILED and intrinsics.TRIPLE.startswith("x86_64")), reason="compiled for x86 alone")
@pytest.mark.parametrize("n", [100, 3 * optim.LONG])
def test_moments_that_have_shrunk_away_are_zero(n, dtype):
    """Where no gradient comes any more: denormal numbers would stay, and make the CPU slow for ever."""
    tiny = np.finfo(dtype).tiny * dtype(0.9)
    moment, nothing = np.full(n, tiny), np.zeros(n, dtype)
    for found in (kernels.momentum(nothing.copy(), nothing, moment.copy(), 0.1, 0.9)[1],
                  kernels.rmsprop(nothing.copy(), nothing, moment.copy(), 0.1, 0.9, 1e-8)[1],
                  *kernels.adam(nothing.copy(), nothing, moment.copy(), moment.copy(), 3, 0.1, 0.9, 0.999, 1e-8)[1:]):
        assert not found.any()
    assert tiny * dtype(1) != 0


@pytest.mark.skipif(not optim.COMPILED, reason="compiled code alone is shared")
def test_long_vectors_are_shared_with_the_same_result(dtype, rng):
    n = optim.LONG + 17                                 # the last piece is short
    theta, g, m = (rng.standard_normal(n).astype(dtype) for _ in range(3))
    v, results = m * m, []
    for size in (1, 3):
        with team.limited(size):
            results.append([a.copy() for a in kernels.adam(*(a.copy() for a in (theta, g, m, v)), 3, 0.1, 0.5, 0.9,
                                                           1e-8)] + [kernels.norm(g)])
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))
    exact = naive_adam(theta, g, m, v)
    for ours, theirs in zip(results[0][:3], exact, strict=True):
        assert np.allclose(ours, theirs, rtol=0, atol=8 * np.finfo(dtype).eps * np.abs(theirs).max())
    assert results[0][3] == pytest.approx(np.linalg.norm(g.astype(np.longdouble)), rel=1e-13)
    g[-1] = np.nan
    assert np.isnan(kernels.norm(g))


def naive_adam(theta, g, m, v):
    """Eqs. (5.5) to (5.8) for step 3, in double precision."""
    theta, g, m, v = (a.astype(float) for a in (theta, g, m, v))
    m, v = 0.5 * m + 0.5 * g, 0.9 * v + 0.1 * g * g
    return theta - 0.1 * (m / (1 - 0.5**3)) / (np.sqrt(v / (1 - 0.9**3)) + 1e-8), m, v
