"""The races of `numpygan bench`: what is timed, who takes part, and that the peers take the step that we take."""
import numpy as np
import pytest

import numpygan as ng
from numpygan.bench import family, race, report, workloads
from numpygan.gan import discriminator_gradient, generator_gradient
from numpygan.network import by_layer


def tiny(variant="", output="tanh"):
    return workloads.Workload(5, (7, 6), 4, 9, output, 2, variant)


def test_the_layers_of_both_networks_by_hand():
    leaky = [("dense", 5, 7), ("leaky_relu", 7, 7), ("dense", 7, 6), ("leaky_relu", 6, 6), ("dense", 6, 4)]
    assert list(tiny(output="identity").layers(False)) == leaky
    assert list(tiny("gp").layers(False)) == [*leaky, ("tanh", 4, 4)]
    assert list(tiny("dropout").layers(False)) == [*leaky, ("tanh", 4, 4)]
    assert [name for name, *_ in tiny("dropout").layers(True)] == ["dense", "leaky_relu", "dropout"] * 2 + ["dense"]
    assert [name for name, *_ in tiny("batchnorm").layers(True)] == ["dense", "batchnorm", "leaky_relu"] * 2 + ["dense"]
    assert list(tiny("spectral").layers(True)) == [("spectral", 4, 7), ("leaky_relu", 7, 7), ("spectral", 7, 6),
                                                   ("leaky_relu", 6, 6), ("spectral", 6, 1)]
    assert "spectral" not in {name for name, *_ in tiny("spectral").layers(False)}


def test_every_workload_has_its_family():
    assert len(workloads.ALL) == 5 * 6
    assert str(workloads.ALL["digits-r1"]) == "16-128-128-64, batch 64, R1"
    for variant in ("", *workloads.FAMILY):
        workloads.ours(tiny(variant), "numpy")(1)


def test_a_race_of_the_family_has_no_floor(monkeypatch, capsys):
    """Nor peers that have the plain step alone."""
    monkeypatch.setitem(workloads.ALL, "tiny-r1", tiny("r1"))
    monkeypatch.setattr(report, "installed", lambda: ["PyTorch eager", "nobody"])
    monkeypatch.setitem(race.PEERS, "nobody", "nothing")
    monkeypatch.setattr(race, "WITH_FAMILY", (*race.WITH_FAMILY, "nobody"))
    assert report.main(["tiny-r1"], 1, 1) == 0
    out = capsys.readouterr().out
    assert "tiny-r1: 5-7-6-4, batch 9, R1\n  numpygan " in out
    assert "  numpygan (numpy) " in out
    assert "floor" not in out
    assert "eager" not in out
    assert "nobody has failed" in out


# ---------------------------------------------------------------------------------------------- the peers' steps

@pytest.fixture(params=["gp", "r1", "batchnorm", "spectral"])
def step(request, rng, monkeypatch):
    """(workload, G, D, x, z, (L_D, g_D), (L_G, g_G)) by our own functions; no penalty where its points are drawn."""
    monkeypatch.setattr(family, "WEIGHT", 0.0)
    w = tiny(request.param)
    G, D = (ng.Network([workloads.OURS[name](m) for name, _, m in w.layers(of_D)], w.x if of_D else w.z, rng=rng)
            for of_D in (False, True))
    loss = {"gp": ng.losses.Wasserstein, "spectral": ng.losses.Hinge}.get(w.variant, ng.losses.NonSaturating)()
    x, z = rng.uniform(0.1, 0.9, (9, 4)).astype("f"), rng.standard_normal((9, 5), dtype="f")
    x_fake = G(z, rng)
    L_D, g_D = discriminator_gradient(D, loss, x, x_fake, rng)
    if w.variant == "r1":
        P, g = ng.penalties.R1(workloads.GAMMA)(D, x, x_fake, rng)
        L_D, g_D = L_D + P, g_D + g
    return w, G, D, x, z, (L_D, g_D), generator_gradient(G, D, loss, z, rng)


def compare(found, expected):
    (loss, g), (L, of_ours) = found, expected
    eps = np.finfo(np.float32).eps
    assert abs(loss - L) <= 64 * eps * (1 + abs(L))
    assert np.abs(np.concatenate(g) - of_ours).max() <= 64 * eps * np.abs(of_ours).max()


def test_jax_takes_our_step(step):
    jax = pytest.importorskip("jax")
    w, G, D, x, z, of_D, of_G = step

    def own(net):
        return tuple([{name: jax.numpy.asarray(a) for name, a in named.items()} for named in part]
                     for part in list(zip(*by_layer(net), strict=True))[1:])

    def flat(grads):
        return [np.ravel(p[name]) for p in grads for name in ("W", "b", "gamma", "beta") if name in p]
    (g, g_memory), (d, d_memory) = own(G), own(D)
    loss_of_D, loss_of_G = family._jax_losses(w, *([name for name, *_ in w.layers(of_D)] for of_D in (False, True)))
    key = jax.random.key(0, impl="unsafe_rbg")
    (L, _), grads = jax.value_and_grad(loss_of_D, has_aux=True)(d, d_memory, g, g_memory, x, z, key)
    compare((float(L), flat(grads)), of_D)
    (L, _), grads = jax.value_and_grad(loss_of_G, has_aux=True)(g, g_memory, d, d_memory, z, key)
    compare((float(L), flat(grads)), of_G)


def test_pytorch_takes_our_step(step):
    torch = pytest.importorskip("torch")
    w, G, D, x, z, of_D, of_G = step
    if w.variant == "spectral":
        pytest.skip("PyTorch begins its power iteration with another vector")
    nets = family.peers.torch_networks(w)[:2]
    for net, theirs in zip((G, D), nets, strict=True):
        for (_, p, _), layer in zip(by_layer(net), theirs, strict=True):
            for name, value in zip(("weight", "bias"), p.values(), strict=False):
                getattr(layer, name).data = torch.tensor(value.T.copy())
    for loss, net, given, ours in zip(family._torch_losses(w, *nets), nets[::-1], ((x, z), (z,)), (of_D, of_G),
                                      strict=True):
        L = loss(*(torch.from_numpy(a) for a in given))
        found = torch.autograd.grad(L, list(net.parameters()))
        compare((L.item(), [a.numpy().T.ravel() for a in found]), ours)
