"""The oracle's GAN: dense layers, four optimisers and Algorithm 1, made of the loops in `naive.py`.

Nothing of the package is imported. Networks and optimisers here change in place: it is the simplest thing that
can be right, and the package's own, which change nothing behind one's back, are compared with it.
"""
import naive

SLOPE = 0.2
ACTIVATIONS = {                                                       # y = f(x), dx = f'(dy, y)
    "identity": (lambda x: x, lambda dy, y: dy),
    "sigmoid": (naive.sigmoid, naive.sigmoid_backward),
    "tanh": (naive.tanh, naive.tanh_backward),
    "relu": (naive.relu, naive.relu_backward),
    "leaky_relu": (lambda x: naive.leaky_relu(x, SLOPE),
                   lambda dy, y: naive.leaky_relu_backward(dy, y, SLOPE)),
}
GENERATOR_LOSSES = {"minimax": naive.minimax_generator, "non_saturating": naive.non_saturating_generator}
OPTIMISERS = {                                                        # the function, how many vectors it keeps
    "sgd": (naive.sgd, 0),
    "momentum": (naive.momentum, 1),
    "rmsprop": (naive.rmsprop, 1),
    "adam": (naive.adam, 2),
}


class MLP:
    """Dense layers: sizes [2, 5, 1], one activation per layer, theta = W row by row, then b, layer by layer."""

    def __init__(self, sizes, activations, theta):
        self.sizes, self.activations, self.theta = sizes, activations, naive.floats(theta)

    def layers(self):
        """W (in, out), b (out) and the activation of each layer, cut out of theta."""
        at = 0
        for d_in, d_out, name in zip(self.sizes, self.sizes[1:], self.activations, strict=False):
            W = [self.theta[at + k * d_out:at + (k + 1) * d_out] for k in range(d_in)]
            at += d_in * d_out
            yield W, self.theta[at:at + d_out], *ACTIVATIONS[name]
            at += d_out

    def forward(self, x):
        """y and the tape: what entered and what left each layer."""
        tape = []
        for W, b, f, _ in self.layers():
            y = f(naive.affine(x, W, b))
            tape.append((x, y))
            x = y
        return x, tape

    def backward(self, tape, dy):
        """dx and the flat gradient g, last layer first                                          Eq. (2.13)"""
        g = []
        for (W, _, _, f_backward), (x, y) in zip(reversed(list(self.layers())), reversed(tape), strict=True):
            da = f_backward(dy, y)
            dW, db = naive.affine_dW(x, da), naive.affine_db(da)
            g = [d for row in dW for d in row] + db + g
            dy = naive.affine_dx(da, W)
        return dy, g


class Optimiser:
    """One of the four with the vectors it keeps, which start at zero, and its count of steps."""

    def __init__(self, name, **settings):
        self.name, self.settings, self.kept, self.t = name, settings, None, 0

    def step(self, net, g):
        update, n_kept = OPTIMISERS[self.name]
        kept = self.kept or [[0.0] * len(g) for _ in range(n_kept)]
        self.t += 1
        t = [self.t] if self.name == "adam" else []
        result = update(net.theta, g, *kept, *t, **self.settings)
        net.theta, self.kept = (result[0], result[1:]) if n_kept else (result, None)


def discriminator_gradient(D, x, x_fake, alpha):
    """The loss on one batch of each kind, its gradient by D's parameters, and the means of D     Eqs. (3.2), (3.3)"""
    logit_real, tape_real = D.forward(x)
    logit_fake, tape_fake = D.forward(x_fake)
    L, d_real, d_fake = naive.bce_discriminator(logit_real, logit_fake, alpha)
    _, g_real = D.backward(tape_real, d_real)
    _, g_fake = D.backward(tape_fake, d_fake)
    g = [a + b for a, b in zip(g_real, g_fake, strict=True)]
    return L, g, {"D_real": mean(naive.sigmoid(logit_real)), "D_fake": mean(naive.sigmoid(logit_fake))}


def generator_gradient(G, D, loss, z):
    """The generator's loss, and its gradient by G's parameters, through D                        Eqs. (3.5), (3.6)"""
    x_fake, tape_G = G.forward(z)
    logit_fake, tape_D = D.forward(x_fake)
    L, d_fake = GENERATOR_LOSSES[loss](logit_fake)
    dx_fake, _ = D.backward(tape_D, d_fake)
    _, g = G.backward(tape_G, dx_fake)
    return L, g


def mean(column):
    return sum(row[0] for row in column) / len(column)


def alternating_step(G, D, pairs, z, loss, alpha, opt_G, opt_D):
    """Algorithm 1: D takes a step on each pair (x, z), then G takes one on z, through the new D."""
    for x, z_D in pairs:
        L_D, g_D, means = discriminator_gradient(D, x, G.forward(z_D)[0], alpha)
        opt_D.step(D, g_D)
    L_G, g_G = generator_gradient(G, D, loss, z)
    opt_G.step(G, g_G)
    return record(G, D, L_D, g_D, L_G, g_G, means)


def simultaneous_step(G, D, x, z, loss, alpha, opt_G, opt_D):
    """Both gradients first, at the same parameters and the same z, then both steps."""
    L_D, g_D, means = discriminator_gradient(D, x, G.forward(z)[0], alpha)
    L_G, g_G = generator_gradient(G, D, loss, z)
    opt_D.step(D, g_D)
    opt_G.step(G, g_G)
    return record(G, D, L_D, g_D, L_G, g_G, means)


def record(G, D, L_D, g_D, L_G, g_G, means):
    """What one step saw, and the parameters after it."""
    return {"theta_G": G.theta, "theta_D": D.theta, "loss_D": L_D, "loss_G": L_G,
            "norm_g_D": naive.norm(g_D), "norm_g_G": naive.norm(g_G), **means}
