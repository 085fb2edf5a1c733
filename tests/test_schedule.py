"""Rates that fall: by hand, in an optimiser, and through a checkpoint."""
import numpy as np
import pytest

import numpygan as ng
from numpygan.schedule import Exponential, LinearDecay, Ramp


def test_the_rate_holds_and_then_falls_on_a_line_to_zero():
    rate = LinearDecay(0.8, steps=100, hold=0.5)
    assert [rate(t) for t in (0, 50, 75, 100, 200)] == pytest.approx([0.8, 0.8, 0.4, 0, 0], abs=1e-15)
    assert LinearDecay(1.0, steps=4, hold=0.0)(1) == 0.75


def test_the_schedules_of_the_paper_by_hand():
    """A rate of .1 divided by 1.25 in each step; a momentum from .5 to .7 in four."""
    assert [Exponential(0.1, 1.25)(t) for t in (0, 1, 2)] == pytest.approx([0.1, 0.08, 0.064], rel=1e-14)
    assert Exponential(0.5, 1)(9) == 0.5
    assert [Ramp(0.5, 0.7, 4)(t) for t in (0, 1, 4, 9)] == pytest.approx([0.5, 0.55, 0.7, 0.7], rel=1e-14)


@pytest.mark.parametrize("make", [lambda: Exponential(-1, 2), lambda: Exponential(1, 0.5),
                                  lambda: Exponential(1, np.inf), lambda: Ramp(0, np.nan, 3), lambda: Ramp(0, 1, 0)])
def test_bad_schedules_of_the_paper_are_refused(make):
    with pytest.raises(ValueError, match=r"lr must|factor, by|first and last|steps must"):
        make()


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


def test_a_checkpoint_keeps_the_schedules_of_the_paper(tmp_path):
    rng = np.random.default_rng(0)
    G, D = ng.MLP([1, 4, 1], rng=rng, engine="numpy"), ng.MLP([1, 4, 1], rng=rng, engine="numpy")
    opts = [ng.optim.Momentum(Exponential(lr, 1.000004), momentum=Ramp(0.5, 0.7, 100)) for lr in (0.1, 0.05)]
    ng.GAN(G, D, opt_G=opts[0], opt_D=opts[1]).save(tmp_path / "gan.npz")
    back = ng.GAN.load(tmp_path / "gan.npz").opt_D
    assert (repr(back.lr), repr(back.momentum)) == ("Exponential(0.05, factor=1.000004)", "Ramp(0.5, 0.7, steps=100)")
