"""The same training step in PyTorch and JAX, as their tutorials and as their experts write it (`family` has more).

All draw their minibatches from a permutation of the same rows, and keep both losses of every step. What we do and they
are spared: the means of D's answers, the norms of the gradients, and the check that all of it is finite.
"""
import functools
import itertools
from typing import Any

import numpy as np

from .workloads import RATE, Workload, real_rows


def torch_eager(w: Workload):
    """PyTorch as its tutorials write it: three backward calls, a graph through everything, Adam by default."""
    import torch
    from torch import nn
    G, D, opt_G, opt_D = torch_networks(w)
    loss, minibatches = nn.BCEWithLogitsLoss(), _torch_minibatches(w)
    losses: list[Any] = []
    ones, zeros = torch.ones(w.batch, 1), torch.zeros(w.batch, 1)

    def steps(n):
        losses.clear()
        for _ in range(n):
            x = next(minibatches)
            fake = G(torch.randn(w.batch, w.z))
            opt_D.zero_grad()
            loss_D = loss(D(x), ones) + loss(D(fake.detach()), zeros)
            loss_D.backward()
            opt_D.step()
            opt_G.zero_grad()
            loss_G = loss(D(G(torch.randn(w.batch, w.z))), ones)
            loss_G.backward()
            opt_G.step()
            losses.append((loss_D.item(), loss_G.item()))
    return steps


def torch_tuned(w: Workload, compiled: bool = False):
    """PyTorch by hand: fakes of D's step without a graph, one batch of 2n, D frozen in G's step, fused Adam."""
    import torch
    from torch import nn
    G, D, opt_G, opt_D = torch_networks(w, fused=True)
    loss = nn.BCEWithLogitsLoss()
    labels = torch.cat([torch.ones(w.batch, 1), torch.zeros(w.batch, 1)])
    ones = torch.ones(w.batch, 1)

    def loss_of_D(x, z):
        with torch.no_grad():
            fake = G(z)
        return 2 * loss(D(torch.cat([x, fake])), labels)

    def loss_of_G(z):
        return loss(D(G(z)), ones)
    if compiled:
        loss_of_D, loss_of_G = torch.compile(loss_of_D), torch.compile(loss_of_G)
    return torch_steps(w, G, D, opt_G, opt_D, loss_of_D, loss_of_G)


def torch_networks(w: Workload, fused: bool = False):
    """G, D and Adam for each."""
    import torch
    from torch import nn
    make: dict[str, Any] = {
        "dense": nn.Linear, "spectral": lambda k, m: nn.utils.parametrizations.spectral_norm(nn.Linear(k, m)),
        "batchnorm": lambda k, m: nn.BatchNorm1d(m), "leaky_relu": lambda k, m: nn.LeakyReLU(0.2),
        "dropout": lambda k, m: nn.Dropout(RATE), "tanh": lambda k, m: nn.Tanh(), "sigmoid": lambda k, m: nn.Sigmoid()}
    torch.manual_seed(0)
    G, D = (nn.Sequential(*(make[name](k, m) for name, k, m in w.layers(of_D))) for of_D in (False, True))
    options: dict[str, Any] = {"lr": 2e-4, "betas": (0.5, 0.999), "fused": fused}
    return G, D, torch.optim.Adam(G.parameters(), **options), torch.optim.Adam(D.parameters(), **options)


def torch_steps(w: Workload, G, D, opt_G, opt_D, loss_of_D, loss_of_G):
    """The loop around the two losses, of (x, z) and of z: D is frozen in G's step."""
    import torch
    minibatches = _torch_minibatches(w)
    losses: list[Any] = []

    def steps(n):
        losses.clear()
        for _ in range(n):
            opt_D.zero_grad(set_to_none=True)
            loss_D = loss_of_D(next(minibatches), torch.randn(w.batch, w.z))
            loss_D.backward()
            opt_D.step()
            for p in D.parameters():
                p.requires_grad_(False)
            opt_G.zero_grad(set_to_none=True)
            loss_G = loss_of_G(torch.randn(w.batch, w.z))
            loss_G.backward()
            opt_G.step()
            for p in D.parameters():
                p.requires_grad_(True)
            losses.extend([loss_D.detach(), loss_G.detach()])
        torch.stack(losses).tolist()
    return steps


def _torch_minibatches(w: Workload):
    """A fresh permutation of the rows in every epoch."""
    import torch
    rows = torch.from_numpy(real_rows(w))
    while True:
        for chosen in torch.randperm(len(rows)).split(w.batch):
            yield rows[chosen]


def jax_jit(w: Workload):
    """JAX: one jitted function for the whole iteration, its buffers donated, random numbers from its fastest source."""
    import jax
    import jax.numpy as jnp
    rng, rows = np.random.default_rng(0), jnp.asarray(real_rows(w))
    epoch = len(rows) // w.batch

    def init(sizes):
        return [(jnp.asarray(rng.standard_normal((a, b)) * (2 / a) ** 0.5, jnp.float32), jnp.zeros(b, jnp.float32))
                for a, b in zip(sizes, sizes[1:], strict=False)]

    jitted = jax.jit(_jax_iteration(w, epoch), donate_argnums=0)
    g, d = init((w.z, *w.hidden, w.x)), init((w.x, *w.hidden, 1))
    zeros = functools.partial(jax.tree.map, jnp.zeros_like)
    key = jax.random.key(0, impl="unsafe_rbg")
    return jax_steps(jitted, (g, d, zeros(g), zeros(g), zeros(d), zeros(d), jnp.zeros((), jnp.float32), key), rows,
                     epoch)


def jax_steps(jitted, state, rows, epoch):
    """The loop around a compiled iteration, which takes its state, the order of the rows, and the rows."""
    import jax
    import jax.numpy as jnp
    count, order = itertools.count(), jnp.arange(len(rows))

    def steps(n):
        nonlocal state, order
        losses = []
        for i in itertools.islice(count, n):
            if i % epoch == 0:
                order = jax.random.permutation(jax.random.key(i), len(rows))
            state, L_D, L_G = jitted(state, order, rows)
            losses += [L_D, L_G]
        jax.device_get(losses)
        jax.block_until_ready(state)
    return steps


def _jax_iteration(w: Workload, epoch: int):
    """(state, the order of the rows in this epoch, all rows) -> the next state and both losses."""
    import jax
    import jax.numpy as jnp
    out = {"identity": lambda a: a, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}[w.output]

    def mlp(params, a):
        for W, b in params[:-1]:
            a = jax.nn.leaky_relu(a @ W + b, 0.2)
        W, b = params[-1]
        return a @ W + b

    def loss_D(d, g, x, z):
        s = mlp(d, jnp.concatenate([x, out(mlp(g, z))]))
        return jnp.mean(jax.nn.softplus(-s[:w.batch])) + jnp.mean(jax.nn.softplus(s[w.batch:]))

    def loss_G(g, d, z):
        return jnp.mean(jax.nn.softplus(-mlp(d, out(mlp(g, z)))))

    def iteration(state, order, rows):
        g, d, mg, vg, md, vd, t, key = state
        key, k1, k2 = jax.random.split(key, 3)
        start = t.astype(jnp.int32) % epoch * w.batch
        x = rows[jax.lax.dynamic_slice(order, (start,), (w.batch,))]
        t = t + 1
        L_D, grads = jax.value_and_grad(loss_D)(d, g, x, jax.random.normal(k1, (w.batch, w.z)))
        d, md, vd = jax_adam(d, grads, md, vd, t)
        L_G, grads = jax.value_and_grad(loss_G)(g, d, jax.random.normal(k2, (w.batch, w.z)))
        g, mg, vg = jax_adam(g, grads, mg, vg, t)
        return (g, d, mg, vg, md, vd, t, key), L_D, L_G
    return iteration


def jax_adam(params, grads, m, v, t):
    """Adam's step, lr = 2e-4 and β₁ = 0.5 -> the new parameters, m and v."""
    import jax
    import jax.numpy as jnp
    m = jax.tree.map(lambda a, g: 0.5 * a + 0.5 * g, m, grads)
    v = jax.tree.map(lambda a, g: 0.999 * a + 0.001 * g * g, v, grads)

    def new(p, a, b):
        return p - 2e-4 * (a / (1 - 0.5**t)) / (jnp.sqrt(b / (1 - 0.999**t)) + 1e-8)
    return jax.tree.map(new, params, m, v), m, v
