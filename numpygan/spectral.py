"""A dense layer that stretches nothing: its weights divided by their largest singular value."""
import numpy as np

from .layers import Dense

START = 50          # power iterations on the initial weights


class SpectralDense(Dense):
    """y = x W̄ + b,   W̄ = W / σ(W)                                                             Eq. (11.8)

    σ(W) = max ‖x W‖ / ‖x‖, the largest singular value, is estimated as uᵀ W v by one power iteration, Eq. (11.9), in
    every pass, from the v that the last step of this network left; a training pass proposes its own. With LeakyReLU,
    Tanh and the like between such layers D is Lipschitz with constant 1. Arguments as for `Dense`, without b if
    `bias=False`. Miyato et al. 2018, sections 2.1 and 2.2.

    Evaluation iterates too (PyTorch uses the stored u and v there): a pass is then the same function with and
    without rng, and σ fits parameters that the last step did not leave, such as those of an averaged generator.

    u and v are held fixed in every derivative: at the singular vectors σ is stationary in them. Complex W: those of
    its real part.
    """

    def state(self, d_in):
        return {"v": np.zeros(self.width)}

    def init_state(self, p, s, rng):
        W, v = p["W"].astype(float), rng.standard_normal(self.width)
        if W.any():                                # zeros are an error when they are used; a checkpoint fills them
            for _ in range(START):
                u = W @ v
                v = W.T @ u
                v /= np.sqrt(v @ v)
        s["v"][...] = v

    def forward(self, p, x, c):
        u, v = c.ops.power_iteration(p["W"].real, c.state["v"])
        if c.rng is not None:
            c.new["v"] = v
        W_bar, sigma = c.ops.spectral_norm(p["W"], u, v)
        q = dict(p, W=W_bar)
        y, x = super().forward(q, x, c)
        return y, (x, q, u, v, sigma)

    def backward(self, p, cache, dy, c):
        """Eqs. (2.2), (2.3), (2.4) with W̄, and from W̄ to W"""
        x, q, *norm = cache
        dx, g = super().backward(q, x, dy, c)
        return dx, self._through_norm(q, norm, g, c)

    def jvp(self, p, cache, x_dot, c):
        """ẏ = ẋ W̄                                                                              Eq. (10.8)"""
        x, q, *_ = cache
        return super().jvp(q, x, x_dot, c)

    def jvp_backward(self, p, cache, x_dot, dy, dy_dot, c):
        """dW̄ = xᵀ dy + ẋᵀ dẏ, Eq. (10.9), and from W̄ to W"""
        x, q, *norm = cache
        dx, dx_dot, g = super().jvp_backward(q, x, x_dot, dy, dy_dot, c)
        return dx, dx_dot, self._through_norm(q, norm, g, c)

    def _through_norm(self, q, norm, g, c):
        """dW from dW̄                                                                         Eq. (11.10)"""
        return dict(g, W=c.ops.spectral_norm_backward(g["W"], q["W"], *norm)) if g else g
