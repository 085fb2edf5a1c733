"""The steps of the family in PyTorch and JAX: penalties, BatchNorm, spectral normalisation, dropout.

As `peers` has the plain step: PyTorch tuned, JAX with one jitted function for the whole iteration.
"""
import functools
from typing import Any

import numpy as np

from . import peers
from .workloads import GAMMA, RATE, WEIGHT, Workload, real_rows


def _of_D(w, real, fakes, relu, softplus):
    """The loss of D on logits of either library, with its own functions; without penalty."""
    if w.variant == "gp":
        return fakes.mean() - real.mean()                                                       # Wasserstein
    if w.variant == "spectral":
        return relu(1 - real).mean() + relu(1 + fakes).mean()                                   # hinge
    return softplus(-real).mean() + softplus(fakes).mean()


def _of_G(w, s, softplus):
    """And that of G."""
    return -s.mean() if w.variant in ("gp", "spectral") else softplus(-s).mean()


def torch_tuned(w: Workload):
    """Fakes of D's step without a graph, one batch of 2n where no row sees another, D frozen in G's step."""
    G, D, opt_G, opt_D = peers.torch_networks(w, fused=True)
    return peers.torch_steps(w, G, D, opt_G, opt_D, *_torch_losses(w, G, D))


def _torch_losses(w, G, D):
    """The loss of D, of (x, z), and that of G, of z."""
    import torch
    from torch.nn.functional import relu, softplus

    def penalty(x, fake):
        e = torch.rand(w.batch, 1)
        at = (x.clone() if w.variant == "r1" else e * x + (1 - e) * fake).requires_grad_(True)
        u, = torch.autograd.grad(D(at).sum(), at, create_graph=True)
        return GAMMA / 2 * (u**2).sum(1).mean() if w.variant == "r1" else WEIGHT * ((u.norm(dim=1) - 1)**2).mean()

    def loss_of_D(x, z):
        with torch.no_grad():
            fake = G(z)
        real, fakes = (D(x), D(fake)) if w.variant == "batchnorm" else D(torch.cat([x, fake])).split(w.batch)
        loss = _of_D(w, real, fakes, relu, softplus)
        return loss + penalty(x, fake) if w.variant in ("gp", "r1") else loss

    def loss_of_G(z):
        return _of_G(w, D(G(z)), softplus)
    return loss_of_D, loss_of_G


def jax_jit(w: Workload):
    """One jitted function for the whole iteration, its buffers donated, random numbers from its fastest source."""
    import jax
    import jax.numpy as jnp
    rng, rows = np.random.default_rng(0), jnp.asarray(real_rows(w))

    def drawn(*shape):
        return jnp.asarray(rng.standard_normal(shape) * (2 / shape[0]) ** 0.5, jnp.float32)

    def parameters(name, k, m):
        if name == "batchnorm":
            return {"gamma": jnp.ones(m), "beta": jnp.zeros(m)}
        return {"W": drawn(k, m), "b": jnp.zeros(m)} if name in ("dense", "spectral") else {}

    def memory(name, k, m):
        if name == "batchnorm":
            return {"mean": jnp.zeros(m), "var": jnp.ones(m)}
        return {"v": drawn(m)} if name == "spectral" else {}
    G, D = (list(w.layers(of_D)) for of_D in (False, True))
    nets = [([parameters(*layer) for layer in net], [memory(*layer) for layer in net]) for net in (G, D)]
    (g, g_memory), (d, d_memory) = nets
    zeros = functools.partial(jax.tree.map, jnp.zeros_like)
    epoch = len(rows) // w.batch
    jitted = jax.jit(_jax_iteration(w, [name for name, *_ in G], [name for name, *_ in D], epoch), donate_argnums=0)
    state = ((g, g_memory, zeros(g), zeros(g)), (d, d_memory, zeros(d), zeros(d)), jnp.zeros((), jnp.float32),
             jax.random.key(0, impl="unsafe_rbg"))
    return peers.jax_steps(jitted, state, rows, epoch)


def _jax_forward(names, params, memory, a, key):
    """The output of a training pass, and what the layers remember of it."""
    import jax
    import jax.numpy as jnp
    held, new = jax.lax.stop_gradient, []
    others = {"leaky_relu": lambda a: jax.nn.leaky_relu(a, 0.2), "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}
    for i, (name, p, old) in enumerate(zip(names, params, memory, strict=True)):
        seen = old
        if name == "dense":
            a = a @ p["W"] + p["b"]
        elif name == "spectral":                            # one power iteration
            u = held(p["W"] @ old["v"])
            v = held(p["W"].T @ u)
            u, v = u / jnp.linalg.norm(u), v / jnp.linalg.norm(v)
            a, seen = a @ (p["W"] / (u @ p["W"] @ v)) + p["b"], {"v": v}
        elif name == "batchnorm":
            mean, var = a.mean(0), a.var(0)
            a = p["gamma"] * (a - mean) / jnp.sqrt(var + 1e-5) + p["beta"]
            seen = {"mean": 0.9 * old["mean"] + 0.1 * held(mean), "var": 0.9 * old["var"] + 0.1 * held(var)}
        elif name == "dropout":
            keep = jax.random.bernoulli(jax.random.fold_in(key, i), 1 - RATE, a.shape)
            a = jnp.where(keep, a / (1 - RATE), 0)
        else:
            a = others[name](a)
        new.append(seen)
    return a, new


def _jax_losses(w, G, D):
    """(loss of D, memory of D) of (d, memory, g, memory, x, z, key), and the like of G."""
    import jax
    import jax.numpy as jnp

    def penalty(d, memory, x, fake, key):
        e = jax.random.uniform(jax.random.fold_in(key, 2), (w.batch, 1))
        at = x if w.variant == "r1" else e * x + (1 - e) * fake
        u = jax.grad(lambda at: _jax_forward(D, d, memory, at, key)[0].sum())(at)
        if w.variant == "r1":
            return GAMMA / 2 * (u**2).sum(1).mean()
        return WEIGHT * ((jnp.linalg.norm(u, axis=1) - 1)**2).mean()

    def loss_of_D(d, memory, g, g_memory, x, z, key):
        fake = jax.lax.stop_gradient(_jax_forward(G, g, g_memory, z, key)[0])
        if w.variant == "batchnorm":
            real, memory = _jax_forward(D, d, memory, x, key)
            fakes, memory = _jax_forward(D, d, memory, fake, key)
        else:
            s, memory = _jax_forward(D, d, memory, jnp.concatenate([x, fake]), key)
            real, fakes = s[:w.batch], s[w.batch:]
        loss = _of_D(w, real, fakes, jax.nn.relu, jax.nn.softplus)
        if w.variant in ("gp", "r1"):
            loss += penalty(d, memory, x, fake, key)
        return loss, memory

    def loss_of_G(g, memory, d, d_memory, z, key):
        fake, memory = _jax_forward(G, g, memory, z, key)
        s = _jax_forward(D, d, d_memory, fake, key)[0]
        return _of_G(w, s, jax.nn.softplus), memory
    return loss_of_D, loss_of_G


def _jax_iteration(w: Workload, G: list[str], D: list[str], epoch: int) -> Any:
    """(state, the order of the rows in this epoch, all rows) -> the next state and both losses."""
    import jax
    import jax.numpy as jnp
    loss_of_D, loss_of_G = (jax.value_and_grad(loss, has_aux=True) for loss in _jax_losses(w, G, D))

    def iteration(state, order, rows):
        (g, g_memory, *g_moments), (d, d_memory, *d_moments), t, key = state
        key, of_z, of_D, of_G = jax.random.split(key, 4)
        z = jax.random.normal(of_z, (2, w.batch, w.z))
        start = t.astype(jnp.int32) % epoch * w.batch
        x = rows[jax.lax.dynamic_slice(order, (start,), (w.batch,))]
        t = t + 1
        (L_D, d_memory), grads = loss_of_D(d, d_memory, g, g_memory, x, z[0], of_D)
        d, *d_moments = peers.jax_adam(d, grads, *d_moments, t)
        (L_G, g_memory), grads = loss_of_G(g, g_memory, d, d_memory, z[1], of_G)
        g, *g_moments = peers.jax_adam(g, grads, *g_moments, t)
        return ((g, g_memory, *g_moments), (d, d_memory, *d_moments), t, key), L_D, L_G
    return iteration
