"""Whole training steps, and derivatives of derivatives, against PyTorch's autograd in float64.

PyTorch is told the forward pass and the losses only; it differentiates by itself. Everything that is drawn is drawn
again, in the same order, from a generator with the same seed.
"""
import itertools
import math

import numpy as np
import pytest
from close import error
from critics import batches, critic, seeded

import numpygan as ng
from numpygan.functional import dropout_mask
from numpygan.penalties import R1, R2, GradientPenalty

torch = pytest.importorskip("torch", exc_type=ImportError)
F = torch.nn.functional

CRITICS = {
    "tanh": [ng.Dense(6), ng.Tanh(), ng.Dense(5), ng.Tanh()],
    "sigmoid": [ng.Dense(6), ng.Sigmoid(), ng.Dense(5), ng.Sigmoid()],
    "leaky": [ng.Dense(6), ng.LeakyReLU(0.2), ng.Dense(5), ng.LeakyReLU(0.2)],
    "relu": [ng.Dense(6), ng.ReLU(), ng.Dense(5), ng.ReLU()],
    "maxout": [ng.Dense(12), ng.Maxout(3), ng.Dense(8), ng.Maxout(2)],
    "dropout": [ng.Dense(6), ng.Tanh(), ng.Dropout(0.4), ng.Dense(5), ng.LeakyReLU(), ng.Dropout(0.4)],
    "mixed": [ng.Dense(8, bias=False), ng.Maxout(2), ng.Dense(5), ng.Sigmoid(), ng.Dense(4), ng.LeakyReLU(), ng.Tanh()],
}
JUDGES = {                              # layers that remember, or whose rows see each other; G has a BatchNorm then
    "batch norm": [ng.Dense(6, bias=False), ng.BatchNorm(), ng.LeakyReLU(0.2)],
    "spectral": [ng.SpectralDense(6), ng.LeakyReLU(0.2), ng.SpectralDense(5, bias=False), ng.Tanh()],
    "minibatch std": [ng.Dense(6), ng.LeakyReLU(0.2), ng.MinibatchStd()],
    "pack": [ng.Pack(2), ng.Dense(6), ng.Tanh()],
    "all": [ng.Pack(2), ng.SpectralDense(6, bias=False), ng.BatchNorm(0.3), ng.Tanh(), ng.MinibatchStd()],
}
LOSSES = [ng.losses.Minimax(), ng.losses.NonSaturating(), ng.losses.LeastSquares(), ng.losses.Hinge(),
          ng.losses.Wasserstein()]
PENALTIES = [None, R1(0.7), R2(1.3), GradientPenalty(10)]
OPTIMISERS = {
    "sgd": (lambda: ng.optim.SGD(0.05), lambda p: torch.optim.SGD([p], lr=0.05)),
    "momentum": (lambda: ng.optim.Momentum(0.02, momentum=0.8), lambda p: torch.optim.SGD([p], lr=0.02, momentum=0.8)),
    "rmsprop": (lambda: ng.optim.RMSProp(0.005, rho=0.95, eps=1e-8),
                lambda p: torch.optim.RMSprop([p], lr=0.005, alpha=0.95, eps=1e-8)),
    "adam": (lambda: ng.optim.Adam(0.005, beta1=0.5, beta2=0.99, eps=1e-8),
             lambda p: torch.optim.Adam([p], lr=0.005, betas=(0.5, 0.99), eps=1e-8)),
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def name(part):
    return part if isinstance(part, str) else type(part).__name__


def tensor(a):
    return torch.from_numpy(np.array(a, float))


# ------------------------------------------------------------------------------------- the same things in PyTorch


def their_pass(net, theta, x, masks=(), state=(), new=None):
    """The output of `net` at the flat tensor theta: W (in, out) row by row, then b, layer by layer.

    A training pass: `state` holds, layer by layer, what those that remember start from; `new` is filled likewise.
    """
    masks, at, state, new = iter(masks), 0, iter(state), [] if new is None else new
    for layer in net.layers:
        if isinstance(layer, ng.Dense):
            size = x.shape[1] * layer.width
            W = theta[at:at + size].reshape(x.shape[1], layer.width)
            if isinstance(layer, ng.SpectralDense):
                v, = next(state)
                u = F.normalize(W.detach() @ v, dim=0)
                v = F.normalize(W.detach().T @ u, dim=0)
                new.append((v,))
                W = W / (u @ W @ v)
            x = x @ W
            at += size
            if layer.bias:
                x = x + theta[at:at + layer.width]
                at += layer.width
        elif isinstance(layer, ng.BatchNorm):
            d = x.shape[1]
            moments = tuple(moment.clone() for moment in next(state))                  # PyTorch updates them in place
            x = F.batch_norm(x, *moments, theta[at:at + d], theta[at + d:at + 2 * d], True, layer.momentum, layer.eps)
            new.append(moments)
            at += 2 * d
        elif isinstance(layer, ng.MinibatchStd):
            s = torch.sqrt(x.var(dim=0, unbiased=False) + layer.eps).mean()
            x = torch.cat([x, s.expand(len(x), 1)], dim=1)
        elif isinstance(layer, ng.Pack):
            x = torch.cat([x[i:len(x) // layer.m * layer.m:layer.m] for i in range(layer.m)], dim=1)
        elif isinstance(layer, ng.Maxout):
            x = x.reshape(len(x), -1, layer.k).max(dim=2).values
        elif isinstance(layer, ng.Dropout):
            x = x * next(masks)
        else:
            x = {ng.Tanh: torch.tanh, ng.Sigmoid: torch.sigmoid, ng.ReLU: torch.relu,
                 ng.LeakyReLU: lambda x, layer=layer: F.leaky_relu(x, layer.slope)}[type(layer)](x)
    assert at == len(theta)
    return x


def remembered(net, state):
    """`state` in the parts that each layer remembers: (v,) of a SpectralDense, (mean, variance) of a BatchNorm."""
    found, at, d = [], 0, net.d_in
    for layer in net.layers:
        d = layer.shapes(d)[1]
        count = 2 if isinstance(layer, ng.BatchNorm) else isinstance(layer, ng.SpectralDense)
        found += [tuple(tensor(state[at + i * d:at + (i + 1) * d]) for i in range(count))] if count else []
        at += count * d
    assert at == state.size
    return found


def masks(net, n, rng):
    """The masks that a training pass of n rows draws."""
    drawn, d = [], net.d_in
    for layer in net.layers:
        d = layer.shapes(d)[1]
        if isinstance(layer, ng.Dropout):
            drawn.append(tensor(dropout_mask((n, d), layer.rate, rng, np.float64)))
    return drawn


def their_penalty(penalty, net, theta, x, x_fake, rng, state=()):
    """P, with a graph behind it: the gradient of D in its input is itself differentiated."""
    if isinstance(penalty, GradientPenalty):
        e = tensor(rng.random((len(x), 1), dtype=np.float32))
        x = e * x + (1 - e) * x_fake
    x = (x_fake if isinstance(penalty, R2) else x).detach().requires_grad_()
    out = their_pass(net, theta, x, masks(net, len(x), rng), state)
    u, = torch.autograd.grad(out.sum(), x, create_graph=True)
    if isinstance(penalty, GradientPenalty):
        return penalty.weight * ((u.norm(dim=1) - 1)**2).mean()
    return penalty.gamma / 2 * (u**2).sum(dim=1).mean()


def their_loss_D(loss, real, fake, targets=None):
    if isinstance(loss, ng.losses.LeastSquares):
        return F.mse_loss(real, torch.ones_like(real)) / 2 + F.mse_loss(fake, torch.zeros_like(fake)) / 2
    if isinstance(loss, ng.losses.Hinge):
        return torch.relu(1 - real).mean() + torch.relu(1 + fake).mean()
    if isinstance(loss, ng.losses.Wasserstein):
        return fake.mean() - real.mean()
    a, b = targets or (torch.ones_like(real), torch.zeros_like(fake))
    return F.binary_cross_entropy_with_logits(real, a) + F.binary_cross_entropy_with_logits(fake, b)


def their_loss_G(loss, fake):
    if isinstance(loss, ng.losses.LeastSquares):
        return F.mse_loss(fake, torch.ones_like(fake)) / 2
    if isinstance(loss, ng.losses.Minimax):
        return -F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    if isinstance(loss, ng.losses.NonSaturating):
        return F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))
    return -fake.mean()


# ------------------------------------------------------------------------------------------------- double backward


@pytest.mark.parametrize("penalty", PENALTIES[1:], ids=repr)
@pytest.mark.parametrize("kind", CRITICS)
def test_penalties_are_pytorchs_double_backward(kind, penalty, engine):
    D, (x, x_fake) = critic(CRITICS[kind], engine), batches()
    P, g = penalty(D, x, x_fake, seeded())
    theta = tensor(D.theta).requires_grad_()
    theirs = their_penalty(penalty, D, theta, tensor(x), tensor(x_fake), seeded())
    theirs.backward()
    assert error(P, theirs.item()) <= 1e-12
    assert error(g, theta.grad.numpy()) <= 1e-12
    assert np.abs(g).max() > 1e-3


def test_at_a_gradient_of_zero_pytorch_chooses_zero_too(engine):
    """D = ReLU(2x): the row at −1 has ‖∇D‖ = 0, the kink of the norm.                                Eq. (10.5)"""
    D = ng.Network([ng.Dense(1), ng.ReLU()], 1, rng=np.random.default_rng(0), dtype=np.float64, engine=engine)
    D.theta = [2, 0]
    x = np.array([[1], [-1.]])
    P, g = GradientPenalty(1)(D, x, x, np.random.default_rng(4))
    theta = tensor(D.theta).requires_grad_()
    theirs = their_penalty(GradientPenalty(1), D, theta, tensor(x), tensor(x), np.random.default_rng(4))
    theirs.backward()
    assert (P, g.tolist()) == (theirs.item(), theta.grad.tolist())


# --------------------------------------------------------------------------------------------------- training steps

BATCH = 8
# A step of Adam or RMSProp divides a gradient by its size, and by 1e-8 at least: a rounding of 1e-16 in one that is
# nothing else is 1e-8 then, times a rate of 0.005.
LIMIT = 1e-10


class Endless:
    """Data of three columns without end."""
    shape, range, n, labels = (3,), (-math.inf, math.inf), None, None

    def sample(self, n, rng):
        return rng.standard_normal((n, 3))


class Theirs:
    """Algorithm 1 in PyTorch, on the forward passes of our networks and on what our `fit` draws."""

    def __init__(self, gan, optimiser):
        self.G, self.D, self.loss, self.penalties = gan.G, gan.D, gan.loss, gan.penalties
        self.noise = gan.input_noise
        self.theta_G, self.theta_D = (tensor(net.theta).requires_grad_() for net in (gan.G, gan.D))
        self.state_G, self.state_D = remembered(gan.G, gan.G.state), remembered(gan.D, gan.D.state)
        self.opt_G, self.opt_D = (OPTIMISERS[optimiser][1](p) for p in (self.theta_G, self.theta_D))

    def vectors(self):
        """θ and state of G, then of D, each in one vector."""
        flat = [torch.cat([torch.zeros(0), *itertools.chain(*state)]) for state in (self.state_G, self.state_D)]
        return self.theta_G.detach(), flat[0], self.theta_D.detach(), flat[1]

    def move_to(self, theta_G, state_G, theta_D, state_D):
        """Go on from there, the optimisers with what they have kept."""
        for mine, values in ((self.theta_G, theta_G), (self.theta_D, theta_D)):
            mine.detach().copy_(tensor(values))
        self.state_G, self.state_D = remembered(self.G, state_G), remembered(self.D, state_D)

    def fakes(self, rng, new=None):
        return their_pass(self.G, self.theta_G, tensor(rng.standard_normal((BATCH, 2))), (), self.state_G, new)

    def noisy(self, x, rng):
        return x + self.noise * tensor(rng.standard_normal(x.shape)) if self.noise else x

    def discriminator(self, x, x_fake, rng):
        """L_D and g_D."""
        x, x_fake = (self.noisy(a, rng) for a in (x, x_fake.detach()))
        seen = [], []
        logits = [their_pass(self.D, self.theta_D, a, masks(self.D, BATCH, rng), self.state_D, new)
                  for a, new in zip((x, x_fake), seen, strict=True)]
        targets = [tensor(t) for t in self.loss.targets(BATCH, BATCH, rng)] if getattr(self.loss, "draws", 0) else None
        L = their_loss_D(self.loss, *logits, targets)
        for penalty in self.penalties:
            L = L + their_penalty(penalty, self.D, self.theta_D, x, x_fake, rng, self.state_D)
        self.seen_D = [tuple((a + b) / 2 for a, b in zip(*both, strict=True)) for both in zip(*seen, strict=True)]
        return L.item(), torch.autograd.grad(L, self.theta_D)[0]

    def generator(self, x_fake, rng):
        """L_G and g_G, through D."""
        x_fake = self.noisy(x_fake, rng)
        L = their_loss_G(self.loss, their_pass(self.D, self.theta_D, x_fake, masks(self.D, BATCH, rng), self.state_D))
        return L.item(), torch.autograd.grad(L, self.theta_G)[0]

    def round(self, rng, k=1, simultaneous=False):
        """One step of G with its steps of D; returns L_D, g_D, L_G, g_G of the last ones."""
        for _ in range(k):
            x = tensor(rng.standard_normal((BATCH, 3)))
            x_fake = self.fakes(rng)
            L_D, g_D = self.discriminator(x, x_fake, rng)
            if not simultaneous:
                step(self.opt_D, self.theta_D, g_D)
                self.state_D = self.seen_D
        seen_G = []
        x_fake = x_fake if simultaneous else self.fakes(rng, seen_G)
        L_G, g_G = self.generator(x_fake, rng)
        if simultaneous:
            step(self.opt_D, self.theta_D, g_D)
            self.state_D = self.seen_D
        step(self.opt_G, self.theta_G, g_G)
        self.state_G = seen_G or self.state_G
        return L_D, g_D.numpy(), L_G, g_G.numpy()


def step(opt, theta, g):
    theta.grad = g
    opt.step()


def game(engine, loss, penalties, optimiser, kind="mixed", **more):
    rng = np.random.default_rng(1)
    hidden = [ng.Dense(5, bias=False), ng.BatchNorm(0.2)] if kind in JUDGES else [ng.Dense(5)]
    G = ng.Network([*hidden, ng.Tanh(), ng.Dense(3)], 2, rng=rng, dtype=np.float64, engine=engine)
    layers = [*(CRITICS | JUDGES)[kind], ng.Dense(1)]
    D = ng.Network(layers, 3, rng=np.random.default_rng(0), dtype=np.float64, engine=engine)
    for net in (G, D):
        net.theta = rng.standard_normal(net.theta.size) / 2
    ours = OPTIMISERS[optimiser][0]
    return ng.GAN(G, D, loss, ours(), ours(), penalties=[p for p in penalties if p], **more)


def compare(gan, optimiser, steps, k=1):
    """Our `fit` and their loop, from the same draws: losses, parameters and what is remembered after every step.

    Each step of theirs starts where ours did: a game may part by a factor in every step, and 1e-16 is then 1e-9 after
    fifty. What their optimiser keeps is theirs from the first step to the last.
    """
    theirs, rng, found, losses = Theirs(gan, optimiser), np.random.default_rng(5), [], []
    history = gan.fit(Endless(), steps=steps, batch=BATCH, k=k, rng=np.random.default_rng(5),
                      callbacks=[lambda gan: found.append([v.copy() for net in (gan.G, gan.D)
                                                           for v in (net.theta, net.state)])])
    for i, ours in enumerate(found):
        L_D, _, L_G, _ = theirs.round(rng, k, gan.simultaneous)
        for mine, other in zip(ours, theirs.vectors(), strict=True):
            assert mine.shape == other.shape
            assert not mine.size or error(mine, other.numpy()) <= LIMIT, i
        losses.append((L_D, L_G))
        theirs.move_to(*ours)
    for column, values in zip(("loss_D", "loss_G"), zip(*losses, strict=True), strict=True):
        assert error(history[column], values) <= LIMIT            # of the largest: one may be a difference near 0
    for before, after in zip(found[0], found[-1], strict=True):
        assert not before.size or (before != after).mean() > 0.9


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_losses_and_gradients_of_both_steps_are_autograds(loss, penalty, engine):
    gan = game(engine, loss, [penalty], "sgd")
    theirs, loss, rng = Theirs(gan, "sgd"), gan.loss, np.random.default_rng(6)
    x, z = rng.standard_normal((BATCH, 3)), rng.standard_normal((BATCH, 2))
    x_fake = gan.G(z)
    L_D, g_D = ng.discriminator_gradient(gan.D, loss, x, x_fake, np.random.default_rng(7))
    for term in gan.penalties:
        P, g = term(gan.D, x, x_fake, np.random.default_rng(7))
        L_D, g_D = L_D + P, g_D + g
    L_G, g_G = ng.generator_gradient(gan.G, gan.D, loss, z, np.random.default_rng(7))
    their_fake = their_pass(gan.G, theirs.theta_G, tensor(z))
    for ours, other in ((x_fake, their_fake.detach()),
                        *zip((L_D, g_D), theirs.discriminator(tensor(x), their_fake, np.random.default_rng(7)),
                             strict=True),
                        *zip((L_G, g_G), theirs.generator(their_fake, np.random.default_rng(7)), strict=True)):
        if np.ndim(ours):
            assert error(ours, np.asarray(other)) <= 1e-12
        else:                                                     # a loss may be a difference near 0 of logits near 1
            assert abs(ours - other) <= 1e-12 * max(1, abs(other))


def combinations():
    """Every loss with every penalty and one optimiser in turn; with the other three only where slow tests run."""
    for (i, loss), (j, penalty), (k, optimiser) in itertools.product(*map(enumerate, (LOSSES, PENALTIES, OPTIMISERS))):
        yield pytest.param(loss, penalty, optimiser, marks=() if (i + j + k) % 4 == 0 else pytest.mark.slow,
                           id=f"{name(loss)}-{penalty}-{optimiser}")


@pytest.mark.parametrize(("loss", "penalty", "optimiser"), list(combinations()))
def test_fifty_steps_of_every_loss_penalty_and_optimiser(loss, penalty, optimiser):
    compare(game("numpy", loss, [penalty], optimiser), optimiser, 50)


@pytest.mark.parametrize(("k", "simultaneous"), [(3, False), (1, True)], ids=["k=3", "simultaneous"])
def test_other_orders_of_steps(k, simultaneous, engine):
    compare(game(engine, LOSSES[1], [R1(0.5)], "adam", "tanh", simultaneous=simultaneous), "adam", 20, k)


def test_all_that_draws_at_once(engine):
    """Noisy inputs, dropout in D, targets smoothed, noisy and flipped, and three penalties with masks of their own."""
    loss = ng.losses.NonSaturating(real_label=0.9, flip=0.1, label_noise=0.2)
    compare(game(engine, loss, PENALTIES, "adam", "dropout", input_noise=0.1), "adam", 20)


@pytest.mark.parametrize("kind", JUDGES)
def test_fifty_steps_with_layers_that_remember_or_see_the_batch(kind, engine):
    """Running moments and the vectors of the power iteration are compared too, after every step."""
    penalty = R1(0.5) if kind == "spectral" else None                         # the others mix rows: no penalties
    # BatchNorm in D takes a shift of the fakes out again, so the gradient of G's last b is rounding, and Adam divides
    # it by its own size.
    optimiser = "momentum" if any(isinstance(layer, ng.BatchNorm) for layer in JUDGES[kind]) else "adam"
    compare(game(engine, LOSSES[1], [penalty], optimiser, kind), optimiser, 50)
