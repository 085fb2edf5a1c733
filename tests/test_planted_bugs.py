"""Every mistake that GAN code is known for, planted one at a time: the checks must fail, and say why."""
import copy
import functools

import numpy as np
import pytest

import numpygan as ng
from numpygan import check
from numpygan.functional import sigmoid, softplus


def caught(message, what, *args, **kwargs):
    """The error that a check raises, with a message that contains every given piece."""
    with pytest.raises(check.GradientError) as error:
        what(*args, **kwargs)
    for piece in (message,) if isinstance(message, str) else message:
        assert piece in str(error.value)
    return str(error.value)


def bad_layer(message, layer, x_shape=(5, 3), **kwargs):
    return caught(message, check.layer, layer, x_shape, **{"engine": "numpy"} | kwargs)


# ---------------------------------------------------------------------------------- layers: a wrong derivative

class Swish(ng.Layer):
    def forward(self, p, x, c):
        s = c.ops.sigmoid(x)
        return x * s, (x, s)

    def backward(self, p, cache, dy, c):
        return self.dx(*cache, dy), {}

    def dx(self, x, s, dy):
        return dy * (s + x * s * (1 - s))


class Changed(ng.Dense):
    """A Dense layer whose gradients pass through `change`, a dict of functions by name."""

    def __init__(self, width=4, **change):
        super().__init__(width)
        self.change = change

    def backward(self, p, x, dy, c):
        dx, g = super().backward(p, x, dy, c)
        grads = {"dx": dx, **{f"d{k}": v for k, v in g.items()}}
        grads = {k: self.change[k](v, x, dy) if k in self.change and v is not None else v for k, v in grads.items()}
        return grads.pop("dx"), {k[1:]: v for k, v in grads.items()}


@pytest.mark.parametrize("tensor", ["dx", "dW", "db"])
@pytest.mark.parametrize(("factor", "says"), [
    (-1, "the sign is flipped everywhere"),
    (2, "the ratio is 2 everywhere: a missing ½?"),
    (0.5, "the ratio is 0.5 everywhere: a ½ too much?"),
    (5, "the ratio is 5 everywhere: a mean taken as a sum (a missing 1/n, n = 5)?"),
    (1 / 5, "the ratio is 0.2 everywhere: 1/n applied twice, or a sum taken as a mean (n = 5)?"),
    (-2, "the sign is flipped everywhere and the ratio is 2 everywhere: a missing ½?"),
    (1.7, "the ratio is 1.7 everywhere: a constant factor too much or too little?"),
    (0, "is zero everywhere: was the cache flushed, or the gradient never passed on?"),
    (1 + 1e-9, "they agree to"),
])
def test_a_wrong_factor(tensor, factor, says):
    message = bad_layer([says, "numeric", "complex step"], Changed(**{tensor: lambda g, x, dy: factor * g}))
    assert f": {tensor}[" in message or f"{tensor} is zero" in message


def test_the_message_names_the_entry_and_both_numbers():
    message = bad_layer("the ratio is 2", Changed(dW=lambda g, x, dy: 2 * g))
    numbers = message.split("dW[")[1].split("; ")[0]
    entry, rest = numbers.split("]: analytic ")
    a, n = (float(text) for text in rest.removesuffix(" (complex step)").split(", numeric "))
    assert a == pytest.approx(2 * n, rel=1e-2)
    assert [int(k) for k in entry.split(", ")] < [3, 4]


def test_a_transposed_weight_gradient():
    bad_layer("it is the transpose of the right one: transposed?", Changed(3, dW=lambda g, x, dy: g.T.copy()))
    bad_layer("dW of shape (4, 3), expected (3, 4): transposed?", Changed(4, dW=lambda g, x, dy: g.T.copy()))
    bad_layer("reshaped where it should be transposed?", Changed(4, dW=lambda g, x, dy: g.T.reshape(g.shape)))
    bad_layer("it is the transpose of the right one", Changed(30, dW=lambda g, x, dy: g.T.copy()), (4, 30))


def test_a_sum_over_the_batch_that_is_not_there_or_a_mean():
    bad_layer("db of shape (5, 4), expected (4,): is the sum over the batch missing?",
              Changed(db=lambda g, x, dy: dy * 1))
    bad_layer("db of shape (1, 4), expected (4,): the same entries in another shape",
              Changed(db=lambda g, x, dy: dy.sum(axis=0, keepdims=True)))
    bad_layer("1/n applied twice, or a sum taken as a mean (n = 5)?", Changed(db=lambda g, x, dy: dy.mean(axis=0)))
    bad_layer("3 of 12 entries are wrong, all in column 2, the others are right",
              Changed(dW=lambda g, x, dy: g + (np.arange(4) == 2)))


def test_a_layer_that_forgets_its_derivative():
    class Plain(Swish):
        def dx(self, x, s, dy):
            return dy * 1

    class Half(Swish):
        def dx(self, x, s, dy):
            return dy * s

    class Sigmoid(ng.Sigmoid):
        def backward(self, p, y, dy, c):
            return dy * (1 - y), {}

    bad_layer(["dx[", "it is the gradient from above itself: was the derivative f′ forgotten?"], Plain())
    bad_layer(["dx[", "no entry is right; the cosine between both is 0."], Half())
    bad_layer("dx[", Sigmoid())


def test_one_entry_of_many_is_found():
    def cut_off(g, x, dy):
        g[11, 17] = 0
        return g

    message = bad_layer(["dW[11, 17]: analytic 0", "1 of", "entries are 0 where they should not be"],
                        Changed(30, dW=cut_off), (4, 40))
    assert "numeric" in message


def test_a_gradient_that_is_not_there():
    class NoPair(Swish):
        def backward(self, p, cache, dy, c):
            return self.dx(*cache, dy)

    class Three(Swish):
        def backward(self, p, cache, dy, c):
            return self.dx(*cache, dy), {}, None

    class NoCache(Swish):
        def forward(self, p, x, c):
            return x

    class NoGradients(ng.Dense):
        def backward(self, p, x, dy, c):
            return super().backward(p, x, dy, c)[0], {}

    class NoDict(ng.Dense):
        def backward(self, p, x, dy, c):
            return super().backward(p, x, dy, c)[0], None

    bad_layer("backward must return dx as an array of shape (5, 3), got nothing", Changed(dx=lambda g, x, dy: None))
    bad_layer("got a float", Changed(dx=lambda g, x, dy: 1.0))
    bad_layer("backward must return two things, dx and {name: gradient}; it returned a ndarray", NoPair())
    bad_layer("backward must return two things, dx and {name: gradient}; it returned a tuple", Three())
    bad_layer("forward must return two things, y and cache", NoCache())
    bad_layer("the gradients of ['W', 'b'], got those of []", NoGradients(4))
    bad_layer("the gradients of ['W', 'b'], got a NoneType", NoDict(4))


def test_nan_is_never_silent():
    bad_layer("returns dW with NaN or infinity", Changed(dW=lambda g, x, dy: g * np.nan))


# ------------------------------------------------------------------------------------ layers: a broken contract

class CachesOnSelf(Swish):
    """One cache per layer, overwritten by the next forward pass."""

    def forward(self, p, x, c):
        y, self.cache = super().forward(p, x, c)
        return y, None

    def backward(self, p, cache, dy, c):
        return self.dx(*self.cache, dy), {}


class ReusesItsArray(Swish):
    """Writes each cache over the last one."""

    room: dict = {}

    def forward(self, p, x, c):
        y, (x, s) = super().forward(p, x, c)
        room = self.room.setdefault((x.shape, x.dtype.char), np.empty_like(s))
        room[...] = s
        return y, (x, room)


class Flushes(CachesOnSelf):
    """Empties the cache after use."""

    def backward(self, p, cache, dy, c):
        dx = self.dx(*self.cache, dy)
        del self.cache
        return dx, {}


class Accumulates(ng.Dense):
    """Adds to the gradient of the last call, as in frameworks that need zero_grad."""

    total = 0

    def backward(self, p, x, dy, c):
        dx, g = super().backward(p, x, dy, c)
        self.total = g["W"] = self.total + g["W"]
        return dx, g


def test_one_cache_for_all_forward_passes():
    bad_layer("a second forward pass changes what backward of the first returns", CachesOnSelf())
    bad_layer("a second forward pass changes what backward of the first returns", ReusesItsArray())


def test_a_cache_that_is_flushed():
    bad_layer(["backward works only once", "AttributeError", "was the cache flushed?"], Flushes())

    class Zeroes(Swish):
        def backward(self, p, cache, dy, c):
            x, s = cache
            return dy * 0 * x, {}

    bad_layer("dx is zero everywhere: was the cache flushed", Zeroes())


def test_a_backward_that_adds_to_the_last_one():
    message = bad_layer("with the same cache gives another gradient: does it add to the first", Accumulates(4))
    assert "array" not in message


def test_arrays_changed_in_place():
    class InForward(Swish):
        def forward(self, p, x, c):
            out = super().forward(p, x.copy(), c)
            x *= 0.5
            return out

    class InBackward(Swish):
        def dx(self, x, s, dy):
            dy *= s + x * s * (1 - s)
            return dy

    class InCache(Swish):
        def dx(self, x, s, dy):
            out = super().dx(x, s, dy)
            s *= 2
            return out

    class Clips(ng.Dense):
        def forward(self, p, x, c):
            np.clip(p["W"], -0.01, 0.01, out=p["W"])
            return super().forward(p, x, c)

    bad_layer(["x was changed in place by InForward().forward"], InForward())
    bad_layer(["dy was changed in place by InBackward().backward"], InBackward())
    bad_layer(["cache was changed in place by InCache().backward"], InCache())
    bad_layer(["W was changed in place by Clips("], Clips(4))


def test_promotion():
    class Forward(Swish):
        def forward(self, p, x, c):
            y, cache = super().forward(p, x, c)
            return y * np.float64(1), cache

    class Backward(Swish):
        def dx(self, x, s, dy):
            return super().dx(x, s, dy) * np.ones(3)

    class Demotion(Swish):
        def forward(self, p, x, c):
            y, cache = super().forward(p, x, c)
            return y.astype(np.float32), cache

    bad_layer("Forward().forward promotes float32 to float64 in y", Forward())
    bad_layer("Backward().backward promotes float32 to float64 in dx", Backward())
    bad_layer("Demotion().forward turns float64 to float32 in y", Demotion())


def test_float32_with_other_numbers():
    class Rough(Swish):
        def dx(self, x, s, dy):
            return super().dx(x, s, dy) * (1 if x.dtype == np.float64 else dy.dtype.type(1.001))

    bad_layer("float32 gives other numbers than float64", Rough())


def test_attributes_that_do_not_tell_the_truth():
    class Draws(ng.Dropout):
        draws = False

    class Batch(ng.Layer):
        def forward(self, p, x, c):
            return x - x.mean(axis=0), None

        def backward(self, p, cache, dy, c):
            return dy - dy.mean(axis=0), {}

    class Range(ng.Tanh):
        range = (0.0, 1.0)

    class Global(Swish):
        def forward(self, p, x, c):
            y, cache = super().forward(p, x, c)
            return y + next(NOISE), cache

    NOISE = iter(np.arange(10_000) / 7)
    bad_layer("a layer that draws sets draws = True", Draws())
    bad_layer("a row alone gives another y than the same row in a batch: set batchwise = True", Batch())
    bad_layer("range = (0, 1), but y reaches from -0.", Range())
    bad_layer("different outputs for the same input and the same seed", Global())
    Global.batchwise = True
    bad_layer("different outputs for the same input and the same seed", Global())


class Remembers(Swish):
    """Proposes the mean of its input, under a name and in a shape that may be wrong, or writes it at once."""

    batchwise = True

    def __init__(self, name="mean", keepdims=False, at_once=False):
        self.name, self.keepdims, self.at_once = name, keepdims, at_once

    def state(self, d_in):
        return {"mean": np.zeros(d_in)}

    def forward(self, p, x, c):
        mean = x.real.mean(axis=0, keepdims=self.keepdims)
        if self.at_once:
            c.state["mean"][...] = mean
        elif c.rng is not None:
            c.new[self.name] = mean
        return super().forward(p, x, c)


def test_a_state_that_is_not_the_declared_one():
    check.layer(Remembers(), engine="numpy")
    bad_layer("proposes 'avg' of shape (3,) as new state, and state(d_in) declares {'mean': (3,)}", Remembers("avg"))
    bad_layer("proposes 'mean' of shape (1, 3) as new state", Remembers(keepdims=True))
    with pytest.raises(ValueError, match="read-only"):
        check.layer(Remembers(at_once=True), engine="numpy")

    class Undeclared(Swish):
        def forward(self, p, x, c):
            c.new["mean"] = x.mean(axis=0)
            return super().forward(p, x, c)

    bad_layer("proposes 'mean' of shape (3,) as new state, and state(d_in) declares {}", Undeclared())


def test_a_gradient_that_depends_on_what_else_is_wanted():
    class WithoutDx(ng.Dense):
        def backward(self, p, x, dy, c):
            dx, g = super().backward(p, x, dy, c)
            return dx, {k: v if c.want_dx else v * 0 for k, v in g.items()}

    class WithoutG(ng.Dense):
        def backward(self, p, x, dy, c):
            dx, g = super().backward(p, x, dy, c)
            return dx if c.want_g or dx is None else dx * 0, g

    bad_layer("with c.want_dx = False the gradients of the parameters are others", WithoutDx(4))
    bad_layer("with c.want_g = False dx is another one", WithoutG(4))


class Mask(ng.Layer):
    """Dropout, right; `kept` makes something else of the mask that backward is to use."""

    draws = True

    def __init__(self, kept=lambda mask, shape, c: mask):
        self.kept = kept

    def forward(self, p, x, c):
        mask = np.ones_like(x.real) if c.rng is None else (c.rng.random(x.shape) < 0.6).astype(x.real.dtype) / 0.6
        return x * mask, (mask, c.rng is not None)

    def backward(self, p, cache, dy, c):
        mask, training = cache
        return dy * (self.kept(mask, dy.shape, c).astype(dy.dtype) if training else mask), {}


class MaskOnSelf(Mask):
    def forward(self, p, x, c):
        y, (self.mask, training) = super().forward(p, x, c)
        return y, training

    def backward(self, p, training, dy, c):
        return dy * self.mask, {}


def noted(error, message, layer, **kwargs):
    """The reader's own error goes up, and a note says what the checker was doing."""
    with pytest.raises(error) as raised:
        check.layer(layer, engine="numpy", **kwargs)
    assert message in "".join(raised.value.__notes__)


def test_a_mask_that_is_not_the_one_of_the_pass():
    check.layer(Mask(), engine="numpy")
    bad_layer(["dx (training)[", "the zeros are in other places: is a mask drawn anew"],
              Mask(lambda mask, shape, c: np.where(mask == 0, 1 / 0.6, 0)))
    draw = np.random.default_rng(0).random
    bad_layer("or draw random numbers (a mask belongs in the cache)?",
              Mask(lambda mask, shape, c: (draw(shape) < 0.6) / 0.6))
    noted(AttributeError, ".backward with dy (5, 3) float64; c.rng is None: masks belong in the cache",
          Mask(lambda mask, shape, c: c.rng.random(shape)))
    bad_layer("a second forward pass changes what backward of the first returns", MaskOnSelf())
    caught(["a later forward pass changes what backward of an earlier tape returns", "Layer 1 by itself"],
           check.network, ng.Network([ng.Dense(4), MaskOnSelf(), ng.Dense(2)], 3, rng=np.random.default_rng(0),
                                     engine="numpy"))

    class Always(Mask):
        def forward(self, p, x, c):
            return x * c.rng.random(x.shape), None

    noted(AttributeError, "forward with x (5, 3) float64; c.rng is None, as in every evaluation", Always())


def test_a_backward_that_one_row_alone_breaks():
    def squeezed(g, x, dy):
        return x.T @ dy.squeeze()

    for name in ("dx", "dW", "db"):
        bad_layer(f"{name} is right in a batch of 5 rows, and wrong for one row alone",
                  Changed(**{name: lambda g, x, dy: g if len(dy) > 1 else 2 * g}))
    noted(ValueError, "backward with dy (1, 4) float64", Changed(dW=squeezed))
    bad_layer("db is right in a batch of 5 rows, and wrong for one row alone",
              Changed(db=lambda g, x, dy: g if len(dy) > 1 else g[None]))


def test_parameters_that_are_not_filled_or_called_like_the_input():
    class Rebinds(ng.Dense):
        def init(self, p, rng):
            p["W"] = rng.standard_normal(p["W"].shape)

    class Named(Swish):
        def shapes(self, d_in):
            return {"x": (d_in,)}, d_in

    bad_layer("init must fill the arrays that it is given", Rebinds(4))
    bad_layer("has a parameter 'x', and so has the input", Named())


def test_a_derivative_that_is_wrong_in_one_place():
    class Leaky(ng.LeakyReLU):
        def __init__(self, dx):
            super().__init__()
            self.dx = dx

        def backward(self, p, cache, dy, c):
            dx, _ = super().backward(p, cache, dy, c)
            return self.dx(dx, cache), {}

    def column(dx, y):
        dx[:, 1] *= 3
        return dx

    def row(dx, y):
        dx[2] = 0
        return dx

    bad_layer("entries are wrong, those where the input is negative, the others are right",
              Leaky(lambda dx, y: np.where(y < 0, 2 * dx, dx)))
    bad_layer("entries are 0 where they should not be, those where the input is negative, the others are right: cut",
              Leaky(lambda dx, y: np.where(y < 0, 0 * dx, dx)))
    bad_layer("5 of 15 entries are wrong, all in column 1, the others are right", Leaky(column))
    bad_layer("3 of 15 entries are 0 where they should not be, all in row 2, the others are right", Leaky(row))


def test_a_mean_whose_derivative_is_missing():
    class NoMean(ng.BatchNorm):
        def backward(self, p, cache, dy, c):
            dx, g = super().backward(p, cache, dy, c)
            x_hat, var, constant = cache
            dy = dy * p["gamma"]
            return dx if constant else (dy - x_hat * (dy * x_hat).mean(axis=0)) / np.sqrt(var + self.eps), g

    class Softmax(ng.Layer):
        def forward(self, p, x, c):
            e = np.exp(x)
            y = e / e.sum(axis=1, keepdims=True)
            return y, y

        def backward(self, p, y, dy, c):
            return dy * y * (1 - y), {}

    bad_layer(["dx (training)[", "no entry is right, and each column should add up to 0: is the derivative of a mean"],
              NoMean())
    bad_layer("no entry is right, and each row should add up to 0", Softmax())


@pytest.mark.parametrize("factor", [1.1, 1 + 1e-6])
def test_a_gradient_of_roundings_alone_excuses_no_other(factor):
    """Softmax does not see b, so that the gradient of b is 0; of large outputs, it is roundings as large as itself."""
    class Large(ng.Layer):
        def shapes(self, d_in):
            return {"w": (d_in,), "b": ()}, d_in

        def init(self, p, rng):
            p["w"][...], p["b"][...] = rng.standard_normal(p["w"].shape), 1

        def forward(self, p, x, c):
            e = np.exp(x * p["w"] + p["b"])
            y = e / e.sum(axis=1, keepdims=True)
            return 1e6 * y, (x, y)

        def backward(self, p, cache, dy, c):
            x, y = cache
            ds = y * 1e6 * (dy - (dy * y).sum(axis=1, keepdims=True))
            return ds * p["w"], {"w": dy.dtype.type(factor) * (ds * x).sum(axis=0), "b": ds.sum()}

    for seed in range(6):
        bad_layer("dw[", Large(), seed=seed)


def test_a_single_number_that_is_wrong_has_no_ratio_unless_it_is_a_known_one():
    class Scale(ng.Layer):
        def __init__(self, factor):
            self.factor = factor

        def shapes(self, d_in):
            return {"s": ()}, d_in

        def init(self, p, rng):
            p["s"][...] = 1

        def forward(self, p, x, c):
            return x * p["s"], x

        def backward(self, p, x, dy, c):
            return dy * p["s"], {"s": (dy * x).sum() * dy.dtype.type(self.factor)}

    check.layer(Scale(1), engine="numpy")
    bad_layer("its one entry is wrong", Scale(1.7))
    bad_layer("the sign is flipped everywhere", Scale(-1))
    bad_layer("a missing 1/n, n = 5", Scale(5))


def test_a_backward_that_is_not_linear():
    class Clipped(Swish):
        def dx(self, x, s, dy):
            return super().dx(x, s, np.clip(dy, -1, 1))

    messages = [bad_layer("", Clipped(), (1, 1), seed=seed) for seed in range(50)]
    for words in ("backward is not linear in dy", "dx[0, 0]"):     # |dy| < 1 with probability 0.68: 0.68⁵⁰ = 5e-9
        assert any(words in message for message in messages)


@pytest.mark.parametrize("bound", [1, 5, 1000])
def test_a_gradient_that_is_clipped_where_no_draw_comes(bound):
    class Clipped(Swish):
        def dx(self, x, s, dy):
            return super().dx(x, s, np.clip(dy, -bound, bound))

    for seed in range(20):
        bad_layer("", Clipped(), (1, 1), seed=seed)


class Slopes(ng.Layer):
    """PReLU, right until the second set of parameters."""

    def shapes(self, d_in):
        return {"a": (d_in,)}, d_in

    def init(self, p, rng):
        p["a"][...] = 0.25

    def forward(self, p, x, c):
        return np.where(x.real > 0, x, p["a"] * x), x

    def backward(self, p, x, dy, c):
        self.a = getattr(self, "a", p["a"].copy())
        return np.where(x > 0, dy, self.a.astype(dy.dtype) * dy), {"a": np.where(x > 0, 0, x * dy).sum(axis=0)}


def test_what_fits_the_first_parameters_alone():
    bad_layer(["dx[", "those where the input is negative", "At other parameters", "something kept on self"], Slopes())
    net = ng.Network([ng.Dense(4), Slopes(), ng.Dense(1)], 3, rng=np.random.default_rng(0))
    caught(["network: d(0.W)[", "Layer 1 by itself: Slopes("], check.network, net)
    caught("Of the parts D fails by itself", check.gan, ng.MLP([2, 4, 3], rng=np.random.default_rng(0)), net)


@pytest.mark.parametrize("far", [3, 4, 6])
def test_a_derivative_that_is_cut_off_far_from_0(far):
    class CutOff(Swish):
        def dx(self, x, s, dy):
            return np.where(np.abs(x) > far, 0, super().dx(x, s, dy)).astype(dy.dtype)

    bad_layer(["entries are 0 where they should not be", "for smaller inputs"], CutOff())


def test_float32_that_is_off_far_from_0_alone():
    class Rough(Swish):
        def dx(self, x, s, dy):
            right = super().dx(x, s, dy)
            return np.where((np.abs(x) > 4) & (dy.dtype == np.float32), 1.001 * right, right).astype(dy.dtype)

    bad_layer(["float32 gives other numbers than float64", "for smaller inputs"], Rough())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("layer", [ng.Tanh(), ng.Sigmoid(), ng.Dense(2), ng.SpectralDense(2), Swish()])
def test_a_single_row_far_from_0_is_no_mistake(layer, seed):
    check.layer(layer, (1, 1), engine="numpy", seed=seed)


def test_an_engine_whose_forward_is_another_function():
    class OnlyNumPy(Swish):
        def forward(self, p, x, c):
            y, cache = super().forward(p, x, c)
            return y + (c.ops is not ng.functional), cache

    check.layer(OnlyNumPy(), engine="numpy")
    bad_layer("forward gives other numbers with the engine numba than with numpy", OnlyNumPy(), engine="numba")


class Jvp(ng.Tanh):
    """tanh whose second derivatives pass through `change`."""

    def __init__(self, jvp=lambda y_dot: y_dot, back=lambda dx, dx_dot, dy: (dx, dx_dot)):
        self._jvp, self._back = jvp, back

    def jvp(self, p, y, x_dot, c):
        y_dot, dots = super().jvp(p, y, x_dot, c)
        return self._jvp(y_dot), dots

    def jvp_backward(self, p, y, x_dot, dy, dy_dot, c):
        dx, dx_dot, g = super().jvp_backward(p, y, x_dot, dy, dy_dot, c)
        return *self._back(dx, dx_dot, dy), g


def test_second_derivatives():
    check.layer(Jvp(), engine="numpy")
    bad_layer("jvp is not J ẋ", Jvp(jvp=lambda y_dot: -y_dot))
    bad_layer(["jvp_backward: dx[", "the sign is flipped"], Jvp(back=lambda dx, dx_dot, dy: (-dx, dx_dot)))
    bad_layer(["jvp_backward: dx_dot[", "the ratio is 2"], Jvp(back=lambda dx, dx_dot, dy: (dx, 2 * dx_dot)))
    bad_layer("with dy = None, which stands for 0",
              Jvp(back=lambda dx, dx_dot, dy: (dx if dy is not None else 2 * dx, dx_dot)))
    bad_layer("jvp_backward must return dx, dx_dot", type("Two", (Jvp,), {"jvp_backward": lambda *a: (1, 2)})())

    class InPlace(Jvp):
        def jvp_backward(self, p, y, x_dot, dy, dy_dot, c):
            out = super().jvp_backward(p, y, x_dot, dy, dy_dot, c)
            dy_dot *= 2
            return out

    class JvpInPlace(Jvp):
        def jvp(self, p, y, x_dot, c):
            out = super().jvp(p, y, x_dot.copy(), c)
            x_dot *= 2
            return out

    class OnSelf(Jvp):
        def jvp(self, p, y, x_dot, c):
            y_dot, self.kept = super().jvp(p, y, x_dot, c)
            return y_dot, None

        def jvp_backward(self, p, y, x_dot, dy, dy_dot, c):
            return super().jvp_backward(p, y, self.kept, dy, dy_dot, c)

    bad_layer("jvp promotes float32 to float64 in y_dot", Jvp(jvp=lambda y_dot: y_dot * np.ones(3)))
    bad_layer("jvp_backward promotes float32 to float64 in dx_dot",
              Jvp(back=lambda dx, dx_dot, dy: (dx, dx_dot * np.ones(3))))
    bad_layer("dy_dot was changed in place by InPlace(", InPlace())
    bad_layer("x_dot was changed in place by JvpInPlace(", JvpInPlace())
    bad_layer("jvp_backward: dx[", OnSelf())
    noted(TypeError, "jvp_backward, dy = None, which stands for 0",
          Jvp(back=lambda dx, dx_dot, dy: (dx + 0 * dy, dx_dot)))

    class WithoutCurvature(ng.Tanh):
        def jvp_backward(self, p, y, x_dot, dy, dy_dot, c):
            dx = None if dy is None else c.ops.tanh_backward(dy, y)
            return dx, c.ops.tanh_backward(dy_dot, y), {}

    bad_layer(["jvp_backward: dx[", "it is what backward gives: is the second derivative missing?"], WithoutCurvature())


class Parabola(ng.Layer):
    """y = a x²; ẏ, and with it its derivatives, are too large by the factor `jvp`, the one in ẋ by `back`."""

    def __init__(self, a=1.0, jvp=1.0, back=1.0):
        self.a, self.by_jvp, self.by_back = a, jvp, back

    def forward(self, p, x, c):
        return self.a * x * x, x

    def backward(self, p, x, dy, c):
        return 2 * self.a * x * dy, {}

    def jvp(self, p, x, x_dot, c):
        return 2 * self.a * self.by_jvp * x * x_dot, x_dot

    def jvp_backward(self, p, x, x_dot, dy, dy_dot, c):
        a = 2 * self.a * self.by_jvp
        return a * x_dot * dy_dot + (0 if dy is None else 2 * self.a * x * dy), a * x * dy_dot * self.by_back, {}


def test_second_derivatives_of_something_else_and_small_ones():
    check.layer(Parabola(), engine="numpy")
    bad_layer("jvp is not J ẋ", Parabola(jvp=1.001))
    check.layer(Parabola(1e-6), engine="numpy")
    bad_layer("jvp_backward: dx_dot[", Parabola(1e-6, back=1 + 1e-5))


# ----------------------------------------------------------------------------------------------------------- losses

class Loss:
    """Non-saturating, right; the bugs below change one line of it."""

    def discriminator(self, r, f):
        return softplus(-r).mean() + softplus(f).mean(), -sigmoid(-r) / len(r), sigmoid(f) / len(f)

    def generator(self, f):
        return softplus(-f).mean(), -sigmoid(-f) / len(f)


def changed(discriminator=None, generator=None):
    """Loss with the results of its methods changed."""
    class Buggy(Loss):
        def discriminator(self, r, f):
            out = super().discriminator(r, f)
            return discriminator(*out, r, f) if discriminator else out

        def generator(self, f):
            out = super().generator(f)
            return generator(*out, f) if generator else out

    return Buggy()


def test_the_loss_that_the_bugs_are_planted_in_is_right():
    check.loss(Loss(), like=ng.losses.NonSaturating())
    check.loss(changed())


LOSS_BUGS = {
    "sign": (changed(lambda L, r, f, *_: (L, -r, f)), ["discriminator: d_real[", "the sign is flipped everywhere"]),
    "½": (changed(lambda L, r, f, *_: (L, r, 2 * f)), ["discriminator: d_fake[", "a missing ½?"]),
    "no 1/n, real": (changed(lambda L, r, f, *_: (L, 5 * r, f)), ["a missing 1/n, n = 5"]),
    "no 1/m, fake": (changed(lambda L, r, f, *_: (L, r, 3 * f)), ["d_fake[", "a missing 1/n, n = 3"]),
    "1/n twice": (changed(None, lambda L, d, s: (L, d / len(d))), ["generator: d_fake[", "1/n applied twice", "n = 3"]),
    "n for m": (changed(lambda L, r, f, *_: (L, r, f * 3 / 5)), ["d_fake[", "the ratio is 0.6 everywhere"]),
    "sums": (changed(lambda L, r, f, s, t: (softplus(-s).sum() + softplus(t).sum(), 5 * r, 3 * f)),
             ["L doubles: a sum where a mean is meant (a missing 1/n)?"]),
    "1/n² in both": (changed(None, lambda L, d, s: (L / len(d), d / len(d))), ["1/n applied twice, or not at all?"]),
    "two signs that cancel": (changed(None, lambda L, d, s: (-L, -d)), ["generator: at the logit -3", "raise it"]),
    "two signs that cancel in D": (changed(lambda L, r, f, *_: (-L, -r, -f)), ["at the logit -3", "raise it"]),
    "real for fake": (changed(lambda L, r, f, s, t: (softplus(s).mean() + softplus(-t).mean(), sigmoid(s) / len(s),
                                                     -sigmoid(-t) / len(t))), ["or real taken for fake?"]),
    "n for m in both": (changed(lambda L, r, f, s, t: (softplus(-s).mean() + softplus(t).sum() / len(s), r,
                                                       f * len(t) / len(s))),
                        ["a mean over its own rows", "every row of logit_real comes twice"]),
    "m for n in both": (changed(lambda L, r, f, s, t: (softplus(-s).sum() / len(t) + softplus(t).mean(),
                                                       r * len(s) / len(t), f)),
                        ["a mean over its own rows", "divided by the number of other rows?"]),
    "one mean over both": (changed(lambda L, r, f, s, t: ((softplus(-s).sum() + softplus(t).sum()) / len([*s, *t]),
                                                          r * len(s) / len([*s, *t]), f * len(t) / len([*s, *t]))),
                           ["a mean over its own rows"]),
    "another mean": (changed(lambda L, r, f, s, t: (3.0 * len(t) / len(s), 0 * r, 0 * f)),
                     ["but when every row of logit_real comes twice, L goes from 1.8 to 0.9"]),
    "no gradient": (changed(None, lambda L, d, s: L), ["generator(logit_fake) -> L, d_fake"]),
    "one value per row": (changed(None, lambda L, d, s: (softplus(-s), d)), ["must return one number"]),
    "shape": (changed(None, lambda L, d, s: (L, d[:, 0])), ["d_fake of shape (3,), expected (3, 1)"]),
    "promotion": (changed(None, lambda L, d, s: (L, d * np.ones((1, 1)))), ["promotes float32 to float64 in d_fake"]),
    "zero": (changed(None, lambda L, d, s: (L, 0 * d)), ["d_fake is zero everywhere"]),
    "one row": (changed(None, lambda L, d, s: (L, 2 * d if len(d) == 1 else d)),
                ["generator: d_fake[0, 0]", "That is for one row alone; for more it is right"]),
    "one row, D": (changed(lambda L, r, f, *_: (L, -r if len(r) == 1 else r, f)),
                   ["discriminator: d_real[0, 0]", "the sign is flipped everywhere", "for one row alone"]),
    "float32": (changed(None, lambda L, d, s: (L, d * (1.001 if d.dtype == np.float32 else 1.0))),
                ["float32 gives another d_fake than float64, off by 0.001"]),
    "L in float32": (changed(lambda L, r, f, s, t: (L * (1.001 if s.dtype == np.float32 else 1.0), r, f)),
                     ["float32 gives another L than float64"]),
    "NaN": (changed(None, lambda L, d, s: (L * np.nan, d)), ["returns L = nan for ordinary logits"]),
}


@pytest.mark.parametrize("name", LOSS_BUGS)
def test_loss(name):
    loss, says = LOSS_BUGS[name]
    caught(says, check.loss, loss)


def test_a_loss_that_works_in_place():
    def in_place(L, d, s):
        s *= 0.5
        return L, d

    caught("logit_fake was changed in place by", check.loss, changed(None, in_place))


def test_a_loss_that_remembers():
    calls = iter(range(1000))
    caught("gives something else when it is called again", check.loss,
           changed(None, lambda L, d, s: (L + next(calls), d)))


def epsilon_inside_the_log(eps):
    """−log(D + ε), with the derivative of exactly that: no check of derivatives alone can see it."""
    def generator(L, d, s):
        D = sigmoid(s)
        return -np.log(D + eps).mean(), -D * (1 - D) / (D + eps) / len(s)

    return changed(None, generator)


@pytest.mark.parametrize("eps", [1e-6, 1e-8, 1e-12, 1e-20])
def test_an_epsilon_inside_the_log(eps):
    loss = epsilon_inside_the_log(eps)
    caught(["generator: d_fake is -", "at the logit -8 and -", "Is there an ε inside a log"], check.loss, loss)
    if eps > 1e-16:
        caught("generator (against NonSaturating) is another one at the logit -40", check.loss, loss, tails=False,
               like=ng.losses.NonSaturating())
    if eps == 1e-8:
        assert -3 * loss.generator(np.full((3, 1), -20.0))[1][0, 0] == pytest.approx(0.17, abs=0.005)


def test_clipped_probabilities_and_logs_of_zero():
    def clipped(L, r, f, s, t):
        D = np.clip(sigmoid(s.real), 1e-7, 1 - 1e-7)
        inside = (D > 1e-7) & (D < 1 - 1e-7)
        return softplus(t).mean() - np.log(D).mean(), r * inside, f

    def naive(L, d, s):
        D = 1 / (1 + np.exp(-s))
        return -np.log(D).mean(), (D - 1) / len(s)

    def clipped_fake(L, r, f, s, t):
        D = np.clip(sigmoid(t.real), 1e-7, 1 - 1e-7)
        inside = (D > 1e-7) & (D < 1 - 1e-7)
        return softplus(-s).mean() - np.log(1 - D).mean(), r, f * inside

    caught(["d_real is -1 at the logit -8 and 0 at -80", "or a clip?"], check.loss, changed(clipped))
    caught(["d_fake is 1 at the logit 8 and 0 at 80", "or a clip?"], check.loss, changed(clipped_fake))
    caught(["at the logit_fake -10000 in float64 L is inf", "softplus"], check.loss, changed(None, naive))


def test_another_loss_than_the_one_that_was_meant():
    caught("generator (against Minimax) is another one", check.loss, ng.losses.NonSaturating(),
           like=ng.losses.Minimax())
    caught("L is", check.loss, changed(None, lambda L, d, s: (L + 1, d)), like=ng.losses.NonSaturating())


def test_a_loss_whose_kernel_is_another_function():
    class Uneven(Loss):
        engine = "numpy"

        def using(self, engine):
            other = copy.copy(self)
            other.engine = engine
            return other

        def generator(self, f):
            L, d = super().generator(f)
            return L + (self.engine == "numba"), d

    caught("generator (numba against numpy): L is", check.loss, Uneven())


# --------------------------------------------------------------------------------------------------------- networks

def mlp(sizes, seed=0, **kwargs):
    return ng.MLP(sizes, rng=np.random.default_rng(seed), engine="numpy", **kwargs)


def stack(*layers, d_in=3):
    return ng.Network(layers, d_in, rng=np.random.default_rng(0), engine="numpy")


class NoSlope(ng.Tanh):
    """Forgets f′, in the middle of a stack."""

    def backward(self, p, y, dy, c):
        return dy * 1, {}


def test_a_network_names_the_layer_that_is_wrong():
    caught(["d(0.W)[", "Layer 1 by itself: NoSlope()", "was the derivative f′ forgotten?"],
           check.network, stack(ng.Dense(4), NoSlope(), ng.Dense(2)))
    caught(["d(2.b)[", "Layer 2 by itself: Changed(", "the sign is flipped everywhere"],
           check.network, stack(ng.Dense(4), ng.Tanh(), Changed(2, db=lambda g, x, dy: -g)))
    caught(["dx[", "Layer 0 by itself: Changed(", "the ratio is 2"],
           check.network, stack(Changed(4, dx=lambda g, x, dy: 2 * g), ng.Tanh(), ng.Dense(2)))


def test_one_cache_for_all_passes_of_a_network():
    caught(["a later forward pass changes what backward of an earlier tape returns",
            "Layer 1 by itself: CachesOnSelf(…)", "a second forward pass changes"], check.network,
           stack(ng.Dense(4), CachesOnSelf(), ng.Dense(2)))


def test_a_network_that_one_row_alone_breaks():
    class Doubles(ng.Tanh):
        def backward(self, p, y, dy, c):
            return super().backward(p, y, dy if len(y) > 1 else 2 * dy, c)

    caught(["dx of rows alone is not that of the batch of 5", "Layer 1 by itself"], check.network,
           ng.Network([ng.Dense(4), Doubles(), ng.Dense(1)], 3, rng=np.random.default_rng(0)))


def test_a_network_whose_gradients_are_small():
    class Small(ng.Tanh):
        def forward(self, p, x, c):
            y, cache = super().forward(p, x, c)
            return 1e-6 * y, cache

        def backward(self, p, y, dy, c):
            dx, g = super().backward(p, y, dy, c)
            return 1e-6 * (1 + 1e-5) * dx, g

        jvp = jvp_backward = None

    caught(["network: d(0.", "they agree to 5 digits"], check.network, stack(ng.Dense(4), Small()))


def test_one_object_twice_in_a_stack():
    class Twice(CachesOnSelf):
        """Keeps the caches of the last two shapes apart, so that it passes by itself."""

        caches: dict = {}

        def forward(self, p, x, c):
            y, self.caches[x.tobytes()] = Swish.forward(self, p, x, c)
            self.last = x.tobytes()
            return y, x.tobytes()

        def backward(self, p, key, dy, c):
            return self.dx(*self.caches[key if self.alone else self.last], dy), {}

    layer = Twice()
    layer.alone = True
    check.network(stack(ng.Dense(4), layer, ng.Dense(4), layer))
    layer.alone = False
    caught("Layer 1 by itself", check.network, stack(ng.Dense(4), layer, ng.Dense(4), layer))


def test_a_network_whose_backward_is_overridden():
    class Detached(ng.Network):
        """One entry of g is never written."""

        def backward(self, tape, dy, want_dx=True, want_g=True):
            dx, g = super().backward(tape, dy, want_dx, want_g)
            if want_g:
                g[7] = 0
            return dx, g

    net = Detached([ng.Dense(4), ng.Tanh(), ng.Dense(2)], 3, rng=np.random.default_rng(0), engine="numpy")
    caught(["d(0.W)[1, 3]: analytic 0", "1 of 12 entries are 0 where they should not be",
            "Each layer passes by itself"], check.network, net)


class Spoilt(ng.Network):
    """A network whose forward and backward pass through `change`, functions of what went in and came out."""

    change: dict = {}

    def forward(self, x, rng=None, theta=None):
        self.y, tape = super().forward(x, rng, theta)
        self.y = self.change.get("y", lambda y, *_: y)(self.y, x, self._theta)
        return self.y, tape

    def backward(self, tape, dy, want_dx=True, want_g=True):
        dx, g = super().backward(tape, dy, want_dx, want_g)
        return self.change.get("dx", lambda dx, *_: dx)(dx, dy, self.y), self.change.get("g", lambda g: g)(g)


def test_a_network_that_promotes_or_works_in_place():
    def promotes(a, *_):
        return None if a is None else a.astype(np.float64)

    def in_place(which):
        def change(out, *others):
            others[which][...] *= 2
            return out
        return change

    for change, says in (({"y": promotes}, "forward promotes float32 to float64 in y"),
                         ({"dx": promotes}, "backward promotes float32 to float64 in dx"),
                         ({"g": promotes}, "backward promotes float32 to float64 in g"),
                         ({"y": in_place(0)}, "x was changed in place by the network"),
                         ({"y": in_place(1)}, "theta was changed in place by the network"),
                         ({"dx": in_place(0)}, "dy was changed in place by backward"),
                         ({"dx": in_place(1)}, "y was changed in place by backward")):
        net = Spoilt([ng.Dense(4), ng.Tanh(), ng.Dense(2)], 3, rng=np.random.default_rng(0), engine="numpy")
        net.change = change
        caught(says, check.network, net)


def test_a_network_that_is_wrong_in_training_passes_alone():
    class Unscaled(ng.Dropout):
        def backward(self, p, mask, dy, c):
            dx, g = super().backward(p, mask, dy, c)
            return dx if mask is None else dx * (1 - self.rate), g

    caught(["network: d(0.W) (training)[", "Layer 1 by itself: Unscaled("], check.network,
           stack(ng.Dense(4), Unscaled(0.3), ng.Dense(1)))


def test_a_network_that_gives_other_numbers_when_less_is_wanted_or_in_float32():
    class Partial(ng.Network):
        def backward(self, tape, dy, want_dx=True, want_g=True):
            dx, g = super().backward(tape, dy, want_dx, want_g)
            return dx, g if want_dx else 2 * g

    class PartialDx(ng.Network):
        def backward(self, tape, dy, want_dx=True, want_g=True):
            dx, g = super().backward(tape, dy, want_dx, want_g)
            return dx if want_g else 2 * dx, g

    class Rough(ng.Tanh):
        def backward(self, p, y, dy, c):
            return super().backward(p, y, dy, c)[0] * dy.dtype.type(1 if y.dtype == np.float64 else 1.01), {}

    net = Partial([ng.Dense(4), ng.Tanh(), ng.Dense(2)], 3, rng=np.random.default_rng(0), engine="numpy")
    caught("g is another one when nothing else is asked for", check.network, net)
    net = PartialDx([ng.Dense(4), ng.Tanh(), ng.Dense(2)], 3, rng=np.random.default_rng(0), engine="numpy")
    caught("dx is another one when nothing else is asked for", check.network, net)
    caught(["float32 gives other numbers than float64", "Layer 1 by itself: Rough()"],
           check.network, stack(ng.Dense(4), Rough(), ng.Dense(2)))


# --------------------------------------------------------------------------------------------------- the whole game

G, D = mlp([2, 4, 2]), mlp([2, 4, 1], seed=1)


def right_D(D, loss, x, x_fake, rng):
    """Algorithm 1 as a student writes it; the bugs below change a line."""
    logit_r, tape_r = D.forward(x, rng)
    logit_f, tape_f = D.forward(x_fake, rng)
    L, dr, df = loss.discriminator(logit_r, logit_f)
    return L, D.backward(tape_r, dr)[1] + D.backward(tape_f, df)[1]


def right_G(G, D, loss, z, rng):
    x_fake, tape_g = G.forward(z, rng)
    logit_f, tape_f = D.forward(x_fake, rng)
    L, df = loss.generator(logit_f)
    return L, G.backward(tape_g, D.backward(tape_f, df)[0])[1]


def bad_D(message, function, D=D, loss=None):
    return caught(message, check.gan, G, D, loss, discriminator_gradient=function)


def bad_G(message, function, loss=None):
    return caught(message, check.gan, G, D, loss, generator_gradient=function)


def test_the_algorithm_that_the_bugs_are_planted_in_is_right():
    check.gan(G, D, discriminator_gradient=right_D, generator_gradient=right_G)


@pytest.mark.parametrize(("factor", "says"), [
    (-1, "the sign is flipped everywhere"), (2, "a missing ½?"), (0.5, "a ½ too much?"),
    (5, "a mean taken as a sum (a missing 1/n, n = 5)?"), (1 / 5, "1/n applied twice"), (0, "is zero everywhere")])
def test_a_wrong_factor_in_the_game(factor, says):
    def wrong_D(*args):
        L, g = right_D(*args)
        return L, factor * g

    def wrong_G(*args):
        L, g = right_G(*args)
        return L, factor * g

    bad_D(["g_D: d(2.W)[", says], wrong_D)
    bad_G(["g_G: d(2.W)[", says], wrong_G)


def test_the_cache_of_the_real_pass_overwritten_by_the_fake_one():
    def overwritten(D, loss, x, x_fake, rng):
        logit_r, _ = D.forward(x, rng)
        logit_f, tape = D.forward(x_fake, rng)
        L, dr, df = loss.discriminator(logit_r, logit_f)
        return L, D.backward(tape, dr)[1] + D.backward(tape, df)[1]

    def the_other_way(D, loss, x, x_fake, rng):
        logit_f, _ = D.forward(x_fake, rng)
        logit_r, tape = D.forward(x, rng)
        L, dr, df = loss.discriminator(logit_r, logit_f)
        return L, D.backward(tape, dr)[1] + D.backward(tape, df)[1]

    bad_D(["g_D: ", "what comes out when D(x_fake) overwrites the cache of D(x)"], overwritten)
    bad_D(["g_D: ", "what comes out when D(x) overwrites the cache of D(x_fake)"], the_other_way)


def test_a_layer_that_caches_on_itself_in_the_game():
    net = stack(ng.Dense(4), CachesOnSelf(), ng.Dense(1), d_in=2)
    says = ["D: a later forward pass changes what backward of an earlier tape returns", "Layer 1 by itself"]
    bad_D(says, right_D, net)
    caught(says, check.gan, G, net)                        # the package runs real and fake in one pass: luck


def test_half_of_the_gradient_of_D():
    def halves(real, fake):
        def gradient(D, loss, x, x_fake, rng):
            (logit_r, tape_r), (logit_f, tape_f) = D.forward(x, rng), D.forward(x_fake, rng)
            L, dr, df = loss.discriminator(logit_r, logit_f)
            return L, real * D.backward(tape_r, dr)[1] + fake * D.backward(tape_f, df)[1]
        return gradient

    bad_D("It is g_real alone", halves(1, 0))
    bad_D("It is g_fake alone", halves(0, 1))
    bad_D("It is g_real − g_fake: the sign of the fake half is flipped", halves(1, -1))
    bad_D("It is g_fake − g_real: the sign of the real half is flipped", halves(-1, 1))
    bad_D("The loss, D and G pass by themselves", halves(1, 0.3))


def test_one_mean_over_both_batches():
    """Right with as many fakes as reals, wrong otherwise."""
    def one_mean(D, loss, x, x_fake, rng):
        L, dr, df = loss.discriminator(D(x), D(x_fake))
        dr, df = dr * len(dr) / len(df), df
        return L, D.backward(D.forward(x)[1], dr)[1] + D.backward(D.forward(x_fake)[1], df)[1]

    def stacked(D, loss, x, x_fake, rng):
        L, g = right_D(D, loss, x, x_fake, rng)
        return L, g + 0 * (x - x_fake).sum()

    check.gan(G, stack(ng.Pack(3), ng.Dense(1), d_in=2), n=3)               # one fake is too few for a pack of three
    bad_D(["5 real and 3 fake rows", "With as many fakes as reals it is right"], one_mean)
    small = changed(lambda L, r, f, *_: (1e-9 * L, 1e-9 * r, 1e-9 * f))
    bad_D(["5 real and 3 fake rows", "With as many fakes as reals it is right"], one_mean, loss=small)
    bad_D(["fails with 5 real and 3 fake rows (ValueError"], stacked)


def test_another_loss_than_the_one_derived():
    def other_D(D, loss, x, x_fake, rng):
        return right_D(D, ng.losses.Hinge(), x, x_fake, rng)

    def other_G(G, D, loss, z, rng):
        return right_G(G, D, ng.losses.Minimax(), z, rng)

    def losing_G(G, D, loss, z, rng):
        x_fake, tape_g = G.forward(z)
        logit_f, tape_f = D.forward(x_fake)
        L, _, df = loss.discriminator(logit_f, logit_f)
        return L, G.backward(tape_g, D.backward(tape_f, df)[0])[1]

    def swapped(D, loss, x, x_fake, rng):
        return right_D(D, loss, x_fake, x, rng)

    def of_the_generator(D, loss, x, x_fake, rng):
        logit_f, tape_f = D.forward(x_fake)
        return loss.discriminator(D(x), logit_f)[0], D.backward(tape_f, loss.generator(logit_f)[1])[1]

    bad_D("It is that of the generator's loss", of_the_generator)
    bad_D("It is that of losses.Hinge", other_D)
    bad_G("It is that of losses.Minimax", other_G)
    bad_G("It is that of the discriminator's loss, which G must not lower", losing_G)
    bad_D("It is that of L_D with real and fake in each other's place", swapped)


def test_the_number_that_is_returned_is_the_loss():
    bad_D("discriminator_gradient returns L_D = ", lambda *a: (right_D(*a)[0] / 2, right_D(*a)[1]))
    bad_G("generator_gradient returns L_G = ", lambda *a: (-right_G(*a)[0], right_G(*a)[1]))


def test_results_of_another_kind():
    bad_D("must return two things: discriminator_gradient(D, loss, x, x_fake, rng) -> L_D, g_D",
          lambda *a: right_D(*a)[1])
    bad_G("must return g_G as an array", lambda *a: (right_G(*a)[0], None))
    bad_G("g_G of shape (23,), expected (22,)", lambda *a: (right_G(*a)[0], np.zeros(23)))
    bad_D("promotes float32 to float64 in g_D", lambda *a: (right_D(*a)[0], right_D(*a)[1] * np.ones(1)))


def test_a_gradient_that_changes_something():
    def trains_D(G, D, loss, z, rng):
        L, g = right_G(G, D, loss, z, rng)
        D.theta = D.theta - 0.01 * right_D(D, loss, z, G(z), rng)[1]
        return L, g

    def trains_itself(D, loss, x, x_fake, rng):
        L, g = right_D(D, loss, x, x_fake, rng)
        ng.optim.SGD(0.01).step(D, g)
        return L, g

    def scales(D, loss, x, x_fake, rng):
        out = right_D(D, loss, x, x_fake, rng)
        x /= 2
        return out

    bad_G("generator_gradient changed the parameters of D: a gradient changes nothing, and in G's turn D stays",
          trains_D)
    bad_D("discriminator_gradient changed the parameters of D: a gradient changes nothing", trains_itself)
    bad_D("x was changed in place by discriminator_gradient", scales)


def test_a_gradient_that_depends_on_the_calls_before():
    calls = iter(range(1, 10_000))

    def decays(*args):
        L, g = right_D(*args)
        return L, g * (1 if next(calls) < 5 else 0.9)          # float64, twice more for float32, fewer fakes; again

    bad_D("gives another gradient when it is called again", decays)


def test_a_generator_parameter_that_is_cut_off():
    def detached(G, D, loss, z, rng):
        L, g = right_G(G, D, loss, z, rng)
        g[5] = 0
        return L, g

    bad_G(["g_G: d(0.W)[1, 1]: analytic 0", "1 of 8 entries are 0 where they should not be"], detached)


def test_a_gradient_that_differs_in_float32():
    def rough(*args):
        L, g = right_G(*args)
        return L, g * (1.01 if g.dtype == np.float32 else 1)

    bad_G("generator_gradient gives other numbers in float32", rough)


def test_a_part_of_the_game_that_is_wrong_by_itself():
    wrong = changed(lambda L, r, f, *_: (L, r, 2 * f))
    caught(["g_D: d(2.W)[", "Of the parts the loss fails by itself", "a missing ½?"], check.gan, G, D, wrong)
    net = stack(ng.Dense(4), NoSlope(), ng.Dense(2), d_in=2)
    caught(["g_G: d(0.W)[", "Of the parts G fails by itself", "NoSlope()"], check.gan, net, D)


def test_a_loss_that_overflows_far_out_is_not_what_is_wrong_in_a_game():
    class Exponential:
        def discriminator(self, r, f):
            a, b = np.exp(-r), np.exp(f)
            return a.mean() + b.mean(), -a / len(r), b / len(f)

        def generator(self, f):
            return np.exp(-f).mean(), -np.exp(-f) / len(f)

    check.gan(G, D, Exponential())
    caught("Of the parts D fails by itself", check.gan, G, stack(NoSlope(), ng.Dense(1), d_in=2), Exponential())


def test_a_game_in_which_nothing_can_be_learned():
    class Flat(Loss):
        def generator(self, f):
            return 0 * f.mean(), 0 * f

    caught("L_G does not depend on any parameter of G", check.gan, G, D, Flat())


# ------------------------------------------------------------------------------------------------------------ steps

def step_D(G, D, loss, x, z, rng):
    ng.optim.SGD(0.01).step(D, right_D(D, loss, x, G(z), rng)[1])


def step_G(G, D, loss, z, rng):
    ng.optim.SGD(0.01).step(G, right_G(G, D, loss, z, rng)[1])


def test_the_steps_that_the_bugs_are_planted_in_are_right():
    check.gan(G, D, discriminator_step=step_D, generator_step=step_G)

    def noisy(G, D, loss, x, z, rng):
        step_D(G, D, loss, x + 0.1 * rng.standard_normal(x.shape), z, rng)

    check.gan(G, D, discriminator_step=noisy)


def test_D_trained_in_the_step_of_G_and_G_in_that_of_D():
    def both(G, D, loss, z, rng):
        step_G(G, D, loss, z, rng)
        ng.optim.SGD(0.01).step(D, right_D(D, loss, z, G(z), rng)[1])

    def also_G(G, D, loss, x, z, rng):
        step_D(G, D, loss, x, z, rng)
        step_G(G, D, loss, z, rng)

    caught("generator_step changed D: in G's step D stays as it is, to the byte", check.gan, G, D, generator_step=both)
    caught("discriminator_step changed G: in D's step G stays", check.gan, G, D, discriminator_step=also_G)


def test_a_network_that_never_moves():
    def still_G(G, D, loss, z, rng):
        right_G(G, D, loss, z, rng)

    def on_a_copy(G, D, loss, z, rng):
        step_G(copy.deepcopy(G), D, loss, z, rng)

    def still_D(G, D, loss, x, z, rng):
        pass

    caught("generator_step did not move G at all, though ‖g_G‖ = ", check.gan, G, D, generator_step=still_G)
    caught("generator_step did not move G at all", check.gan, G, D, generator_step=on_a_copy)
    caught("discriminator_step did not move D at all", check.gan, G, D, discriminator_step=still_D)


def test_a_step_that_does_not_reach_every_parameter():
    def all_but_one(G, D, loss, z, rng):
        g = right_G(G, D, loss, z, rng)[1]
        g[5] = 0
        ng.optim.SGD(0.01).step(G, g)

    def without_biases(G, D, loss, z, rng):
        g = right_G(G, D, loss, z, rng)[1]
        G.params(g)["0.b"][...] = 0
        ng.optim.SGD(0.01).step(G, g)

    caught(["left 0.W[1, 1] of G where it was", "1 of 8 entries did not move"], check.gan, G, D,
           generator_step=all_but_one)
    small = changed(None, lambda L, d, s: (1e-9 * L, 1e-9 * d))
    caught("left 0.W[1, 1] of G where it was", check.gan, G, D, small, generator_step=all_but_one)
    seen = []

    def but_one(G, D, loss, z, rng):
        g = right_G(G, D, loss, z, rng)[1]
        seen.append(np.unravel_index(1 + np.abs(g[1:8]).argmax(), (2, 4)))
        g[1:8] = 0
        ng.optim.SGD(0.01).step(G, g)

    message = caught("7 of 8 entries did not move", check.gan, G, D, generator_step=but_one)
    assert seen[-1] != (0, 1)
    assert "left 0.W[{}, {}] of G".format(*seen[-1]) in message
    noisy = ng.Network([ng.Dense(4), ng.Dropout(0.2), ng.Tanh(), ng.Dense(1)], 2, rng=np.random.default_rng(0),
                       engine="numpy")
    check.gan(G, noisy, generator_step=step_G)
    caught("entries did not move", check.gan, G, noisy, generator_step=without_biases)


def test_a_step_uphill():
    def uphill(G, D, loss, z, rng):
        ng.optim.SGD(0.01).step(G, -right_G(G, D, loss, z, rng)[1])

    def uphill_where_it_is_steepest(G, D, loss, z, rng):
        g = right_G(G, D, loss, z, rng)[1]
        ng.optim.SGD(0.01).step(G, np.where(np.abs(g) == np.abs(g).max(), -100 * g, g))

    for wrong in (uphill, uphill_where_it_is_steepest):
        caught("generator_step goes uphill: θ ← θ − lr · g", check.gan, G, D, generator_step=wrong)


def test_a_clipping_that_pulls_all_weights_back_is_no_step_uphill():
    def clipped(sign, G, D, loss, x, z, rng):
        g = ng.discriminator_gradient(D, loss, x, G(z, rng), rng)[1]
        ng.optim.SGD(0.01, clip=0.3).step(D, sign * g)

    for seed in range(20):
        D = ng.MLP([2, 6, 1], rng=np.random.default_rng(seed), engine="numpy")
        check.gan(G, D, ng.losses.Wasserstein(), discriminator_step=functools.partial(clipped, 1), seed=seed)
        caught("discriminator_step goes uphill", check.gan, G, D, ng.losses.Wasserstein(),
               discriminator_step=functools.partial(clipped, -1), seed=seed)


def test_a_step_that_changes_the_data():
    def normalises(G, D, loss, x, z, rng):
        step_D(G, D, loss, x, z, rng)
        x -= x.mean()

    caught("x was changed in place by discriminator_step", check.gan, G, D, discriminator_step=normalises)


def test_a_step_that_does_not_depend_on_what_it_is_given():
    noise, old = np.random.default_rng(0).normal(size=(5, 2)), []

    def on_z(G, D, loss, x, z, rng):
        ng.optim.Adam(0.01).step(D, right_D(D, loss, x, z, rng)[1])

    def stale(G, D, loss, x, z, rng):
        old.append(G(z))
        ng.optim.SGD(0.01).step(D, right_D(D, loss, x, old[-2:][0], rng)[1])

    def same_noise(G, D, loss, x, z, rng):
        step_D(G, D, loss, x, noise, rng)

    def fakes_alone(G, D, loss, x, z, rng):
        step_D(G, D, loss, noise, z, rng)

    def same_noise_G(G, D, loss, z, rng):
        step_G(G, D, loss, noise, rng)

    def past_D(G, D, loss, z, rng):
        step_G(G, mlp([2, 4, 1], seed=1), loss, z, rng)

    for wrong in (on_z, stale):
        caught("discriminator_step does the same whatever G is: it learns from G(z), made anew", check.gan, G, D,
               discriminator_step=wrong)
    caught("discriminator_step does the same whatever z is", check.gan, G, D, discriminator_step=same_noise)
    caught("discriminator_step does the same whatever x is", check.gan, G, D, discriminator_step=fakes_alone)
    caught("generator_step does the same whatever z is", check.gan, G, D, generator_step=same_noise_G)
    caught("generator_step does the same whatever D is", check.gan, G, D, generator_step=past_D)


def test_a_right_step_that_hardly_depends_on_what_it_is_given():
    def signs(G, D, loss, x, z, rng):
        D.theta = D.theta - 0.01 * np.sign(right_D(D, loss, x, G(z), rng)[1])

    def clipped(G, D, loss, x, z, rng):
        step_D(G, D, loss, x, z, rng)
        D.theta = np.clip(D.theta, -1e-4, 1e-4)                             # to which all of them were larger

    def clipped_G(G, D, loss, z, rng):
        step_G(G, D, loss, z, rng)
        G.theta = np.clip(G.theta, -0.01, 0.01)

    check.gan(G, D, discriminator_step=signs)
    check.gan(G, D, discriminator_step=clipped, x=np.zeros((3, 2)))
    nets = [stack(ng.Dense(4), ng.BatchNorm(), ng.ReLU(), ng.Dense(d), d_in=2) for d in (2, 1)]
    for seed in range(4):
        check.gan(*nets, ng.losses.Wasserstein(), generator_step=clipped_G, seed=seed)
    far = stack(ng.Dense(2), d_in=2)                                        # no x turns the sign of mean G(z) − mean x
    far.params()["0.b"][...] = 20
    check.gan(far, stack(ng.Dense(1), d_in=2), ng.losses.Wasserstein(), discriminator_step=signs)
