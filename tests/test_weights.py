"""Weights to PyTorch and back: its names, its layout, the same outputs; and files that do not fit are refused."""
import json
import os

import numpy as np
import pytest

import numpygan as ng
from numpygan import cli, weights
from numpygan.app.run import Run
from numpygan.archive import CheckpointError

X = np.random.default_rng(3).standard_normal((50, 4))


def network(layers, dtype=np.float32, trained=True):
    """A network with every parameter and running moment away from its initial value."""
    rng = np.random.default_rng(0)
    net = ng.Network(layers, 4, rng=rng, dtype=dtype, engine="numpy")
    if trained:
        net.theta = net.theta + 0.1 * rng.standard_normal(net.theta.size)
        for _ in range(3):
            net.commit(net.forward(2 * X + 1, rng)[1])
    return net


STACKS = {
    "mlp": lambda: [ng.Dense(8), ng.LeakyReLU(0.1), ng.Dense(5, bias=False), ng.ReLU(), ng.Dense(3), ng.Tanh()],
    "batch norm": lambda: [ng.Dense(6), ng.BatchNorm(eps=1e-3), ng.ReLU(), ng.Dense(2), ng.Sigmoid()],
    "dropout": lambda: [ng.Dense(6), ng.Dropout(0.4), ng.LeakyReLU(), ng.Dense(1)],
    "spectral": lambda: [ng.SpectralDense(6), ng.LeakyReLU(), ng.SpectralDense(1)],
}


def test_names_and_layout_by_hand(dtype):
    net = ng.Network([ng.Dense(2), ng.Tanh(), ng.Dense(1, bias=False)], 3, rng=np.random.default_rng(0), dtype=dtype)
    net.theta = np.arange(10)
    told = weights.state_dict(net)
    assert {name: x.tolist() for name, x in told.items()} == {
        "0.weight": [[0, 2, 4], [1, 3, 5]], "0.bias": [6, 7], "2.weight": [[8, 9]]}
    assert all(x.dtype == dtype and x.flags.c_contiguous for x in told.values())
    told["0.bias"][0] = 99                                             # copies
    assert net.theta[6] == 6
    assert weights.sequential(net) == "nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1, bias=False))" + (
        ".double()" if dtype == np.float64 else "")


@pytest.mark.parametrize("stack", ["mlp", "batch norm", "dropout"])
def test_what_is_written_comes_back(stack, dtype, tmp_path):
    net, other = network(STACKS[stack](), dtype), network(STACKS[stack](), dtype, trained=False)
    assert weights.export(net, tmp_path / "w.npz") == tmp_path / "w.npz"
    version = other.version
    weights.load(other, tmp_path / "w.npz")
    assert other.theta.tobytes() == net.theta.tobytes()
    assert other.state.tobytes() == net.state.tobytes()
    assert other.version > version                                     # older tapes are stale
    assert os.listdir(tmp_path) == ["w.npz"]


def changed(change):
    told = weights.state_dict(network(STACKS["batch norm"]()))
    change(told)
    return told


@pytest.mark.parametrize(("arrays", "words"), [
    (changed(lambda a: a.pop("0.bias")), r"layer 0, Dense\(.*needs weight, bias, and module '0' has weight"),
    (changed(lambda a: a.update({"0.scale": a["0.bias"]})), "module '0' has weight, bias, scale"),
    (changed(lambda a: a.pop("1.running_var")), "layer 1, BatchNorm.*needs weight, bias, running_mean, running_var,"),
    (changed(lambda a: (a.pop("3.weight"), a.pop("3.bias"))), r"has 3 layers with .* of 2 modules \(0, 1\)"),
    (changed(lambda a: a.update({"9.weight": a["0.weight"]})), r"of 4 modules \(0, 1, 3, 9\)"),
    (changed(lambda a: a.update({"0.weight": a["0.weight"].T})),
     r"'0.weight' must be numbers of shape \(6, 4\), and is float32 of shape \(4, 6\)"),
    (changed(lambda a: a.update({"3.bias": np.array(["a", "b"])})), "'3.bias' must be numbers"),
    (changed(lambda a: a.update({"3.bias": np.array([1, np.nan])})), "'3.bias' holds NaN"),
    (changed(lambda a: a.update({"3.bias": np.array([1, 1e300])})), "'3.bias' holds .* a number too large for float32"),
])
def test_weights_that_do_not_fit_change_nothing(arrays, words, tmp_path):
    net = network(STACKS["batch norm"]())
    before = net.theta.tobytes() + net.state.tobytes()
    with pytest.raises(ValueError, match=words):
        weights.load_state_dict(net, arrays)
    if all(x.dtype.kind != "U" for x in arrays.values()):
        np.savez(tmp_path / "w.npz", **arrays)
        with pytest.raises(CheckpointError, match=words) as error:
            weights.load(net, tmp_path / "w.npz")
        assert str(tmp_path / "w.npz") in str(error.value)
    assert net.theta.tobytes() + net.state.tobytes() == before


def test_files_larger_than_the_network_and_other_files_are_refused(tmp_path):
    net = network(STACKS["mlp"]())
    np.savez_compressed(tmp_path / "w.npz", **{"0.weight": np.zeros((1000, 1000), np.float32)})
    with pytest.raises(CheckpointError, match="'0.weight' of 4000128 bytes, more than any array of this network needs"):
        weights.load(net, tmp_path / "w.npz")
    np.savez(tmp_path / "w.npz", x=np.array([{}], dtype=object))
    with pytest.raises(CheckpointError, match=r"of type \|O"):
        weights.load(net, tmp_path / "w.npz")
    np.savez_compressed(tmp_path / "w.npz", **weights.state_dict(net))                # packed is as good
    weights.load(net, tmp_path / "w.npz")
    with pytest.raises(FileNotFoundError):
        weights.load(net, tmp_path / "none.npz")


def test_a_packed_file_may_be_as_large_as_the_largest_array(tmp_path):
    net = ng.Network([ng.Dense(100)], 100, rng=np.random.default_rng(0), dtype=np.float64, engine="numpy")
    np.savez_compressed(tmp_path / "w.npz", **weights.state_dict(net))                # 80,000 bytes, and some that tell
    theta, net.theta = net.theta.copy(), np.zeros(10_100)
    weights.load(net, tmp_path / "w.npz")
    assert net.theta.tobytes() == theta.tobytes()


def test_the_counter_of_batch_norm_starts_at_nought():
    """PyTorch misses it where it is not there; a network that has been trained here was never trained there."""
    told = weights.state_dict(network(STACKS["batch norm"]()))["1.num_batches_tracked"]
    assert told.tolist() == 0
    assert told.dtype == np.int64


class Scale(ng.Layer):
    def shapes(self, d_in):
        return {"a": (d_in,)}, d_in


@pytest.mark.parametrize(("layers", "words"), [
    ([ng.Dense(4), ng.Maxout(2)], r"no module for Maxout"), ([ng.Pack(2), ng.Dense(1)], "no module for Pack"),
    ([Scale()], "no module for Scale")])
def test_a_layer_that_pytorch_does_not_have_is_named(layers, words):
    net = network(layers, trained=False)
    with pytest.raises(ValueError, match=words):
        weights.sequential(net)
    if isinstance(layers[0], Scale):
        with pytest.raises(ValueError, match=r"Scale\(\) has parameters, and PyTorch no layer"):
            weights.state_dict(net)
    else:
        at = 1 if isinstance(layers[0], ng.Pack) else 0
        assert set(weights.state_dict(net)) == {f"{at}.weight", f"{at}.bias"}


def test_a_spectral_layer_is_not_loaded_into():
    net = network(STACKS["spectral"]())
    with pytest.raises(ValueError, match=r"layer 0, SpectralDense\(.*load into Dense"):
        weights.load_state_dict(net, weights.state_dict(net))


# --------------------------------------------------------------------------------------------------- with PyTorch

@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", exc_type=ImportError)


def theirs(torch, net, path):
    """The network in PyTorch, made as `sequential` says and filled from the file as the module's docstring says."""
    G = eval(weights.sequential(net), {"nn": torch.nn})
    with np.load(path) as file:
        G.load_state_dict({k: torch.from_numpy(v) for k, v in file.items()}, strict=True)
    return G.eval()


@pytest.mark.parametrize("stack", STACKS)
def test_pytorch_gives_the_same_outputs(stack, dtype, torch, tmp_path):
    net = network(STACKS[stack](), dtype)
    weights.export(net, tmp_path / "w.npz")
    x = X.astype(dtype)
    with torch.no_grad():
        y = theirs(torch, net, tmp_path / "w.npz")(torch.from_numpy(x)).numpy()
    assert y.dtype == dtype
    np.testing.assert_allclose(net(x), y, rtol=0, atol=50 * np.finfo(dtype).eps * np.abs(y).max())


def test_a_generator_of_pytorchs_tutorials_is_loaded(torch, tmp_path):
    """Under names of its own, wrapped in a module, with BatchNorm; trained there for a few passes."""
    nn = torch.nn

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.main = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(True), nn.Linear(32, 48),
                                      nn.LeakyReLU(0.2, inplace=True))
            self.last = nn.Linear(48, 20)

        def forward(self, z):
            return torch.tanh(self.last(self.main(z)))

    torch.manual_seed(0)
    G, z = Generator(), torch.randn(30, 64)
    for _ in range(3):
        G(torch.randn(16, 64) + 1)                                     # moves the running moments
    np.savez(tmp_path / "G.npz", **{k: v.numpy() for k, v in G.state_dict().items()})
    net = ng.Network([ng.Dense(32), ng.BatchNorm(), ng.ReLU(), ng.Dense(48), ng.LeakyReLU(0.2), ng.Dense(20),
                      ng.Tanh()], 64, rng=np.random.default_rng(0), engine="numpy")
    weights.load(net, tmp_path / "G.npz")
    with torch.no_grad():
        y = G.eval()(z).numpy()
    np.testing.assert_allclose(net(z.numpy()), y, rtol=0, atol=50 * np.finfo(np.float32).eps)


# ------------------------------------------------------------------------------------------------ the command line

@pytest.mark.parametrize("average", ["0", ".5"], ids=["plain", "averaged"])
def test_a_run_is_exported(average, undrawn, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cli.main(["train", "ring", "--hidden", "8", "--steps", "6", "--batch", "16", "--engine", "numpy", "--out", "r",
              "--batch-norm", "G", "--average", average])
    capsys.readouterr()
    for which in "GD":
        assert cli.main(["export", "r", "--network", which, "--out", f"{which}.npz"]) == 0
        lines = capsys.readouterr().out.splitlines()
        module = weights.sequential(getattr(ng.GAN.load("r/checkpoint.npz"), which))
        assert lines[:2] == [f"{which}.npz", f"{which} = {module}"]
        assert lines[2].startswith(f"{which}.load_state_dict(")
        assert f"np.load('{which}.npz')" in lines[2]
    gan = ng.GAN.load("r/checkpoint.npz")
    G = gan.G.theta.tobytes()
    weights.load(gan.G, "G.npz")
    assert (gan.G.theta.tobytes() == G) == (average == "0")              # the averaged one, where there is one
    if average != "0":
        loaded, _, _, mean = Run.open("r").load()
        assert gan.G.state.tobytes() == mean.state.tobytes() != loaded.G.state.tobytes()
    assert json.loads((tmp_path / "r" / "config.json").read_text())["status"] == "finished"
    assert cli.main(["export", "r", "--out", "G.pt"]) == 2
    assert cli.main(["export", "nothing", "--out", "G.npz"]) == 2
    assert cli.main(["export", "r", "--network", "Q", "--out", "G.npz"]) == 2
    assert "is no .npz file" in capsys.readouterr().err
