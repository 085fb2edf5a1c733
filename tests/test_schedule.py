"""Rates that fall: by hand, in an optimiser, and through a checkpoint."""
import numpy as np
import pytest

import numpygan as ng
from numpygan.schedule import LinearDecay


def test_the_rate_holds_and_then_falls_on_a_line_to_zero():
    rate = LinearDecay(0.8, steps=100, hold=0.5)
    assert [rate(t) for t in (0, 50, 75, 100, 200)] == pytest.approx([0.8, 0.8, 0.4, 0, 0], abs=1e-15)
    assert LinearDecay(1.0, steps=4, hold=0.0)(1) == 0.75


@pytest.mark.parametrize("args", [(-1, 10), (np.nan, 10), (1, 0), (1, 10, 1.0), (1, 10, -0.1)])
def test_bad_schedules_are_refused(args):
    with pytest.raises(ValueError, match=r"lr must|steps must|hold, the share"):
        LinearDecay(*args)


def test_a_checkpoint_keeps_the_schedule(tmp_path):
    rng = np.random.default_rng(0)
    G, D = ng.MLP([1, 4, 1], rng=rng, engine="numpy"), ng.MLP([1, 4, 1], rng=rng, engine="numpy")
    gan = ng.GAN(G, D, opt_G=ng.optim.SGD(LinearDecay(0.1, 10)), opt_D=ng.optim.Adam(LinearDecay(0.2, 10, 0.25)))
    gan.save(tmp_path / "gan.npz")
    back = ng.GAN.load(tmp_path / "gan.npz")
    assert repr(back.opt_G.lr) == repr(gan.opt_G.lr)
    assert repr(back.opt_D.lr) == "LinearDecay(0.2, steps=10, hold=0.25)"
