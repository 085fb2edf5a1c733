"""The losses of the game, on logits of shape (n, 1): each returns something to minimise, and its gradient.

    L, d_real, d_fake = loss.discriminator(logit_real, logit_fake)
    L, d_fake         = loss.generator(logit_fake)

Any object with these two methods is a loss.
"""
import copy

import numpy as np

from . import engine as engines
from .checks import generator, numeric, real


class Loss:
    """What the losses below share: the check of their input, and the engine whose functions they call."""

    engine = "numpy"

    def using(self, engine: str) -> "Loss":
        """This loss, calling the functions of another engine; `GAN` gives it that of its networks."""
        other = copy.copy(self)
        other.engine = engines.name_of(engine)
        return other

    def _ops(self, *logits):
        engine = self.engine
        for s in logits:
            if type(s) is np.ndarray and s.dtype.kind == "f" and s.shape[1:] == (1,) and len(s):
                continue                                   # as it nearly always is
            shape = np.shape(s)
            if shape[1:] != (1,) or shape[0] == 0:
                raise ValueError(f"a loss takes logits of shape (n, 1) with n >= 1, got "
                                 f"{shape}{'' if shape else ' (' + type(s).__name__ + ')'}: give the "
                                 f"discriminator one output column, without a sigmoid")
            if np.iscomplexobj(s):
                engine = "numpy"
            else:
                numeric(s, "the logits")
        return engines.ops(engine)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in vars(self).items() if k != 'engine')})"


class _CrossEntropy(Loss):
    """D's side of both games of the 2014 paper: minus its value, as two cross-entropies, and the tricks with labels.

    `real_label` α and `fake_label` β are D's targets. With probability `flip` = ε a row gets the target of the other
    side; `label_noise` = w draws each target from [α − w, α], or [β, β + w]. p = p_data and q = p_g then have

        D* = (a p + b q) / (p + q),   a and b the mean targets of real and fake rows               Eq. (11.1)

    α = 0.9 alone is one-sided label smoothing (Salimans et al. 2016, section 3.4); β > 0 makes D* grow where only q is.
    """

    def __init__(self, real_label: float = 1.0, fake_label: float = 0.0, flip: float = 0.0, label_noise: float = 0.0):
        if not (real(fake_label) and real(real_label) and 0 <= fake_label < real_label <= 1):
            raise ValueError(f"D's targets must satisfy 0 <= fake_label < real_label <= 1, got fake_label="
                             f"{fake_label!r} and real_label={real_label!r}")
        if not (real(flip) and 0 <= flip < 0.5):
            raise ValueError(f"flip, the share of labels turned round, must lie in [0, 0.5), got {flip!r}")
        if not (real(label_noise) and 0 <= label_noise <= real_label - fake_label):
            raise ValueError(f"label_noise must lie between 0 and real_label - fake_label = "
                             f"{real_label - fake_label:g}, got {label_noise!r}")
        self.real_label, self.fake_label = float(real_label), float(fake_label)
        self.flip, self.label_noise = float(flip), float(label_noise)

    @property
    def draws(self) -> bool:
        """Does the discriminator's loss draw its targets, so that it must be given `rng`?"""
        return self.flip > 0 or self.label_noise > 0

    def targets(self, n: int, m: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Targets drawn for n real and m fake rows: (n, 1) and (m, 1)."""
        real = self.real_label - self.label_noise * rng.random((n, 1))
        fake = self.fake_label + self.label_noise * rng.random((m, 1))
        turned_real, turned_fake = rng.random((n, 1)) < self.flip, rng.random((m, 1)) < self.flip
        return np.where(turned_real, self.fake_label, real), np.where(turned_fake, self.real_label, fake)

    def discriminator(self, logit_real, logit_fake, rng=None):
        """L_D = −V(D, G) for the labels 1 and 0                                            Eqs. (4.7), (4.8)

        logit_real (n, 1), logit_fake (m, 1) -> L_D, d_real (n, 1), d_fake (m, 1). `rng` draws the targets where
        labels are flipped or noisy. The optimal D is Eq. (4.13), Eq. (11.1) in general.
        """
        ops = self._ops(logit_real, logit_fake)
        alpha, beta = self.real_label, self.fake_label
        if self.draws:
            if rng is None:
                raise TypeError("flipped or noisy labels are drawn: pass rng=np.random.default_rng(0)")
            generator(rng)
            alpha, beta = (t.astype(logit_real.real.dtype) for t in self.targets(len(logit_real), len(logit_fake), rng))
        return ops.bce_discriminator(logit_real, logit_fake, alpha, beta)


class Minimax(_CrossEntropy):
    """The zero-sum game: G minimises E log(1 − D(G(z))).       Goodfellow et al. 2014, Eq. 1

    With D optimal, G minimises 2 JSD(p_data ‖ p_g) − log 4. Saturates where D is sure.
    """

    def generator(self, logit_fake):
        """L_G = mean log(1 − σ(s))                                                        Eqs. (4.9), (4.10)"""
        return self._ops(logit_fake).minimax_generator(logit_fake)


class NonSaturating(_CrossEntropy):
    """G maximises E log D(G(z)) instead.                       Goodfellow et al. 2014, section 3

    Not a zero-sum game: same D, another G. With D optimal and held fixed, G's gradient is that of
    KL(p_g ‖ p_data) − 2 JSD (Arjovsky & Bottou 2017, Theorem 2.5), which is 2 KL(m ‖ p_data), m = (p_data + p_g)/2.
    """

    def generator(self, logit_fake):
        """L_G = −mean log σ(s)                                                           Eqs. (4.11), (4.12)"""
        return self._ops(logit_fake).non_saturating_generator(logit_fake)


class LeastSquares(Loss):
    """D regresses on the labels 1 and 0, G on 1.               Mao et al. 2017, Eq. 9

    D is not a probability here: its optimal output is s* = p/(p + q), the same fraction without a sigmoid. With D held
    fixed there, G's gradient is that of the divergence ½ ∫ [q − 2 p log(p + q) − p²/(p + q)]. Pearson's χ² between
    p + q and 2q is another number: ½ E_p (s* − c)² + ½ E_q (s* − c)² where D follows G, which is ½ χ² for the labels
    a, b, c = −1, 1, 0 (Mao et al., section 3.2.2) and ¼ + χ²/8 for the labels 0, 1, 1 used here.
    """

    def discriminator(self, logit_real, logit_fake):
        """L_D = ½ mean (s_real − 1)² + ½ mean s_fake²                                      Eqs. (9.1), (9.2)"""
        return self._ops(logit_real, logit_fake).least_squares_discriminator(logit_real, logit_fake)

    def generator(self, logit_fake):
        """L_G = ½ mean (s_fake − 1)²                                                       Eqs. (9.3), (9.4)"""
        return self._ops(logit_fake).least_squares_generator(logit_fake)


class Hinge(Loss):
    """D separates real from fake with a margin.                Lim & Ye 2017; Miyato et al. 2018, Eqs. 16, 17

    The optimal D is s* = sign(p − q), where L_D = 2 − 2 TV(p, q); with D held fixed there, G's gradient is that of
    2 TV(p, q).
    """

    def discriminator(self, logit_real, logit_fake):
        """L_D = mean max(0, 1 − s_real) + mean max(0, 1 + s_fake)                          Eqs. (9.5), (9.6)"""
        return self._ops(logit_real, logit_fake).hinge_discriminator(logit_real, logit_fake)

    def generator(self, logit_fake):
        """L_G = −mean s_fake                                                              Eqs. (9.9), (9.10)"""
        return self._ops(logit_fake).wasserstein_generator(logit_fake)


class Wasserstein(Loss):
    """D is a critic: its mean on real data minus that on fakes. Arjovsky, Chintala & Bottou 2017, Eq. 3

    For a critic kept 1-Lipschitz (by weight clipping, up to a constant, or by `penalties.GradientPenalty`) −L_D is a
    lower bound of the earth mover's distance W₁(p_data, p_g), which G then lowers. Without that, there is no optimal D.
    """

    def discriminator(self, logit_real, logit_fake):
        """L_D = −mean s_real + mean s_fake                                                 Eqs. (9.7), (9.8)"""
        return self._ops(logit_real, logit_fake).wasserstein_discriminator(logit_real, logit_fake)

    def generator(self, logit_fake):
        """L_G = −mean s_fake                                                              Eqs. (9.9), (9.10)"""
        return self._ops(logit_fake).wasserstein_generator(logit_fake)
