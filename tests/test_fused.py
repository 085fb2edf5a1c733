"""Dense fused with its activation gives the numbers of the two layers, and no other layer is fused."""
import numpy as np
import pytest

import numpygan as ng
from numpygan import kernels
from numpygan.fused import DenseActivation, fuse


def pair(dtype, activation, bias=True, seed=0):
    """One network twice: as the compiled engine runs it, and layer by layer."""
    rng = np.random.default_rng(seed)
    layers = [ng.Dense(7, bias=bias), activation, ng.Dense(4), ng.Tanh(), ng.Dense(3)]
    nets = [ng.Network(layers, 5, rng=np.random.default_rng(seed), dtype=dtype, engine="numba") for _ in range(2)]
    theta = rng.standard_normal(nets[0].theta.size)
    for net in nets:
        net.theta = theta
    nets[1]._stack = nets[1]._plain
    return nets


def close(a, b, fan_in=7):
    eps = np.finfo(a.dtype).eps
    assert a.dtype == b.dtype
    assert np.abs(a - b).max() <= 50 * eps * np.sqrt(fan_in) * max(np.abs(a).max(), np.abs(b).max(), 1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", [ng.ReLU(), ng.LeakyReLU(0.2), ng.LeakyReLU(1.0), ng.LeakyReLU(0.0)], ids=repr)
@pytest.mark.parametrize("n", [1, 6])
def test_forward_and_backward_equal_the_two_layers(dtype, activation, n):
    fused, plain = pair(dtype, activation)
    assert [type(layer) for _, layer in fused._stack] == [DenseActivation, DenseActivation, ng.Tanh, DenseActivation]
    rng = np.random.default_rng(1)
    x, dy = rng.standard_normal((n, 5)).astype(dtype), rng.standard_normal((n, 3)).astype(dtype)
    (y, tape), (y2, tape2) = fused.forward(x), plain.forward(x)
    close(y, y2)
    for want_dx, want_g in [(True, True), (True, False), (False, True)]:
        (dx, g), (dx2, g2) = fused.backward(tape, dy, want_dx, want_g), plain.backward(tape2, dy, want_dx, want_g)
        assert (dx is None) == (not want_dx)
        assert (g is None) == (not want_g)
        if want_dx:
            close(dx, dx2)
        if want_g:
            close(g, g2)


@pytest.mark.parametrize("activation", [ng.ReLU(), ng.LeakyReLU(0.2)], ids=repr)
def test_second_derivatives_equal_those_of_the_two_layers(activation):
    fused, plain = pair(np.float64, activation)
    rng = np.random.default_rng(2)
    x, x_dot, dy_dot = (rng.standard_normal(s) for s in [(6, 5), (6, 5), (6, 3)])
    results = []
    for net in (fused, plain):
        _, tape = net.forward(x)
        y_dot, dots = net.jvp(tape, x_dot)
        results.append((y_dot, net.jvp_backward(tape, dots, dy_dot)))
    close(results[0][0], results[1][0])
    close(results[0][1], results[1][1])
    assert np.all(net.params(results[0][1])["4.b"] == 0)              # ẏ of the top layer does not depend on its b


def test_only_a_plain_dense_layer_with_bias_is_fused():
    class MyDense(ng.Dense):
        """A student's own."""
    layers = [ng.Dense(3, bias=False), ng.ReLU(), MyDense(3), ng.ReLU(), ng.Dense(3), ng.Sigmoid()]
    stack = fuse(layers)
    assert [i for i, _ in stack] == [0, 1, 2, 3, 4, 5]
    assert [type(layer) for _, layer in stack] == [ng.Dense, ng.ReLU, MyDense, ng.ReLU, DenseActivation, ng.Sigmoid]
    numpy_net = ng.Network(layers, 3, rng=np.random.default_rng(0), engine="numpy")
    assert [layer for _, layer in numpy_net._stack] == layers


def test_nan_is_not_silent():
    for slope in (0.0, 0.2, 1.0):
        W, b = np.eye(2, dtype=np.float32), np.zeros(2, np.float32)
        assert np.isnan(kernels.affine_leaky_relu(np.array([[np.nan, 1]], np.float32), W, b, slope)).all()


def test_wrong_shapes_never_reach_the_compiled_loop():
    W, b, x = np.ones((3, 2)), np.ones(2), np.ones((4, 3))
    for args in [(x[:, :2], W, b), (x, W, b[:1]), (x.astype(np.float32), W, b), (x[0], W, b)]:
        with pytest.raises(ValueError, match="a dense layer"):
            kernels.affine_leaky_relu(*args, 0.2)
    y, none = np.ones((4, 2)), np.empty((0, 0))
    nothing = np.empty(0)
    for args in [(x[:3], y, y, W), (x, y, y[:3], W), (x, y, y, W.T)]:
        with pytest.raises(ValueError, match=r"dense layer|must agree"):
            kernels.affine_leaky_relu_backward(*args, 0.2, none, nothing, True)
    with pytest.raises(ValueError, match="go into arrays"):
        kernels.affine_leaky_relu_backward(x, y, y, W, 0.2, W.T.copy(), b, True)
