"""The losses of the game, on logits of shape (n, 1): each returns something to minimise, and its gradient.

    L, d_real, d_fake = loss.discriminator(logit_real, logit_fake)
    L, d_fake         = loss.generator(logit_fake)

Any object with these two methods is a loss.
"""
import copy

import numpy as np

from . import engine as engines


class Loss:
    """What the losses below share: the check of their input, and the engine whose functions they call."""

    engine = "numpy"

    def using(self, engine: str) -> "Loss":
        """This loss, calling the functions of another engine; `GAN` gives it that of its networks."""
        other = copy.copy(self)
        other.engine = engine
        return other

    def _ops(self, *logits):
        for s in logits:
            if np.ndim(s) != 2 or s.shape[1] != 1 or len(s) == 0:
                raise ValueError(f"a loss takes logits of shape (n, 1) with n >= 1, got {np.shape(s)}: give the "
                                 f"discriminator one output column, without a sigmoid")
        return engines.ops("numpy" if any(np.iscomplexobj(s) for s in logits) else self.engine)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in vars(self).items() if k != 'engine')})"


class _CrossEntropy(Loss):
    """D's side of both games of the 2014 paper: minus its value, as two cross-entropies."""

    def __init__(self, real_label: float = 1.0):
        if not 0 < real_label <= 1:
            raise ValueError(f"real_label, the target of D on real data, must lie in (0, 1], got {real_label!r}")
        self.real_label = float(real_label)

    def discriminator(self, logit_real, logit_fake):
        """L_D = −V(D, G) for real_label = 1                                               Eqs. (4.7), (4.8)

        logit_real (n, 1), logit_fake (m, 1) -> L_D, d_real (n, 1), d_fake (m, 1). The optimal D is Eq. (4.13).
        """
        return self._ops(logit_real, logit_fake).bce_discriminator(logit_real, logit_fake, self.real_label)


class Minimax(_CrossEntropy):
    """The zero-sum game: G minimises E log(1 − D(G(z))).       Goodfellow et al. 2014, Eq. 1

    With D optimal, G minimises 2 JSD(p_data ‖ p_g) − log 4. Saturates where D is sure.
    `real_label` < 1 is one-sided label smoothing (Salimans et al. 2016, section 3.4).
    """

    def generator(self, logit_fake):
        """L_G = mean log(1 − σ(s))                                                       Eqs. (4.9), (4.10)"""
        return self._ops(logit_fake).minimax_generator(logit_fake)


class NonSaturating(_CrossEntropy):
    """G maximises E log D(G(z)) instead.                       Goodfellow et al. 2014, section 3

    Not a zero-sum game: same D, another G. With D optimal and held fixed, G's gradient is that of
    KL(p_g ‖ p_data) − 2 JSD (Arjovsky & Bottou 2017, Theorem 2.5).
    `real_label` < 1 is one-sided label smoothing (Salimans et al. 2016, section 3.4).
    """

    def generator(self, logit_fake):
        """L_G = −mean log σ(s)                                                          Eqs. (4.11), (4.12)"""
        return self._ops(logit_fake).non_saturating_generator(logit_fake)
