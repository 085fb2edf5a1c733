"""The figures of the theory: what they show is right, by values known by hand, and the command that draws them."""
import importlib
import math
import re

import numpy as np
import pytest
from PIL import Image
from scipy import stats

import numpygan as ng
from numpygan import cli, figures, theory
from numpygan.figures import dimension, dirac, figure1, saturation, supports
from numpygan.plots import dynamics
from numpygan.plots import supports as supports_plots
from numpygan.plots import theory as theory_plots
from numpygan.plots.moving import Film, write_gif, write_png

EPS = np.finfo(float).eps
LOG2 = math.log(2)


# --------------------------------------------------------------------------------------------------- Figure 1

def test_the_first_moment_by_hand():
    """G starts as 0.7 z − 2: p_g = N(−2, 0.7²), the arrows at −2 + 0.7 z, and D* = p/(p + q) pointwise."""
    gan = figure1.start(np.random.default_rng(0))
    now = figure1.moment(gan)
    q = stats.norm.pdf(figure1.X, -2, 0.7)
    p = 0.6 * stats.norm.pdf(figure1.X, -0.4, 0.55) + 0.4 * stats.norm.pdf(figure1.X, 0.5, 0.75)
    assert now.p_g == pytest.approx(q, abs=2e-6)
    assert now.arrows == pytest.approx(0.7 * figure1.Z - 2, abs=1e-12)
    near = np.abs(figure1.X) < 3
    assert now.best[near] == pytest.approx((p / (p + q))[near], abs=2e-5)
    assert now.jsd == pytest.approx(theory.jsd(figure1.DATA, ng.data.gaussian(-2, 0.7, dtype=np.float64)), abs=1e-4)


def test_the_arrows_start_at_equal_shares_of_the_noise():
    assert stats.norm.cdf(figure1.Z) == pytest.approx((np.arange(21) + 0.5) / 21, abs=8 * EPS)


def test_d_is_judged_where_the_data_exceed_five_percent_of_their_peak():
    """Worst |D − D*| and |D − ½| inside; nothing outside counts."""
    p, x = figure1.P_DATA, figure1.X
    inside = p > 0.05 * p.max()
    assert (x[inside].min(), x[inside].max()) == pytest.approx((-1.72, 2.02), abs=0.01)
    D = np.where(inside, 0.5, 0.0)                                  # as wrong as can be outside
    D[np.flatnonzero(inside)[0]] = 0.6
    now = figure1.Moment("", p.copy(), D, figure1.Z)
    assert (now.off_best, now.off_half) == pytest.approx((0.1, 0.1), abs=8 * EPS)
    assert now.jsd == 0


SEEDS = [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)]


@pytest.mark.statistical
@pytest.mark.parametrize("seed", SEEDS)
def test_figure_1_comes_out_of_a_training_run(seed):
    """(b): D within .03 of D* of the current p_g; (c): D stands still and G gains; (d): JSD ≤ .01, |D − ½| ≤ .05."""
    phases = []
    a, b, c, d = figure1.run(seed, lambda gan, phase: phases.append(phase))
    assert [m.label for m in (a, b, c, d)] == ["(a)", "(b)", "(c)", "(d)"] == sorted(set(phases), key=phases.index)
    assert 0.02 < a.jsd < figure1.NEAR                              # near convergence, and not there
    assert np.array_equal(a.p_g, b.p_g)
    assert b.off_best <= 0.03 < a.off_best
    assert np.array_equal(b.D, c.D)
    assert c.jsd < b.jsd
    assert d.jsd <= 0.01
    assert d.off_half <= 0.05


# ------------------------------------------------------------------------------------------------- saturation

def test_slopes_by_hand():
    """At s = log 3, D = ¾: 1/(1 − D) = 4 and σ(s) = ¾; 1/D = 4/3 and σ(−s) = ¼. Slope in s = slope in D · D(1 − D)."""
    found = saturation.slopes(np.array([math.log(3), -40.0, 40.0]))
    assert [v[0] for v in found["minimax"]] == pytest.approx([4, 0.75], abs=32 * EPS)
    assert [v[0] for v in found["non-saturating"]] == pytest.approx([4 / 3, 0.25], abs=8 * EPS)
    assert found["minimax"][1][1:] == pytest.approx([math.exp(-40), 1], abs=1e-30, rel=1e-12)
    assert found["non-saturating"][1][1:] == pytest.approx([1, math.exp(-40)], abs=1e-30, rel=1e-12)
    for in_D, in_s in found.values():
        assert in_D * [0.1875, *2 * [math.exp(-40) / (1 + math.exp(-40))**2]] == pytest.approx(in_s, rel=1e-12)


def test_slopes_in_the_logit_are_at_most_one_and_those_in_d_at_least_one():
    for in_D, in_s in saturation.slopes(np.linspace(-30, 30, 301)).values():
        assert (in_s > 0).all()
        assert (in_s <= 1).all()
        assert (in_D >= 1).all()


@pytest.fixture
def short(monkeypatch):
    """The experiment with a frozen G in a few steps."""
    monkeypatch.setattr(saturation, "BEFORE", 20)
    monkeypatch.setattr(saturation, "STEPS", 60)
    monkeypatch.setattr(saturation, "AT", np.array([20, 60]))


@pytest.mark.statistical
@pytest.mark.parametrize("std", [0.0, 1.0])
def test_the_frozen_generator_obeys_the_chain_rule(short, monkeypatch, std):
    """‖∇L_minimax‖ ≤ mean σ(s)‖∇s‖ and ‖∇L_ns‖ ≤ mean σ(−s)‖∇s‖, over the rows of the probe; the two are
    sums of the same ∇s with weights in the ratio e^s. Only this is sure; what the norms do over the steps is reported.
    """
    measure, made = saturation._probe, []

    def watched(gan, std, z, seed):
        probe = measure(gan, std, z, seed)

        def both():
            made.append((probe(), bounds(gan, std, z, seed), gan.G.theta.copy()))
            return made[-1][0]
        return both

    monkeypatch.setattr(saturation, "_probe", watched)
    monkeypatch.setattr(saturation, "PROBE", 16)
    found = saturation.frozen(std, seeds=range(1))
    assert [rows.shape for rows in found] == [(1, 3)] * 3
    for (minimax, non_saturating, D_fake), (upper, upper_ns, exact, exact_ns, share), theta in made:
        assert 0 < minimax <= upper * (1 + 1e-12)
        assert 0 < non_saturating <= upper_ns * (1 + 1e-12)
        assert minimax == pytest.approx(exact, rel=1e-10)
        assert non_saturating == pytest.approx(exact_ns, rel=1e-10)
        assert D_fake == pytest.approx(share, rel=1e-12)
        assert np.array_equal(theta, made[0][2])                     # G stands still


def bounds(gan, std, z, seed):
    """The two bounds, the two norms and mean D(G(z)), from ∇_θ s of each row alone."""
    x = gan.G(z) + (std * np.random.default_rng([seed, 1]).standard_normal((len(z), 64)) if std else 0)
    s = gan.D(x)[:, 0]
    rows = []
    for one, noisy in zip(z, x, strict=True):
        _, tape = gan.D.forward(noisy[None])
        dx, _ = gan.D.backward(tape, np.ones((1, 1)), want_g=False)
        _, tape = gan.G.forward(one[None])
        rows.append(gan.G.backward(tape, dx)[1])
    rows, w, v = np.array(rows), 1 / (1 + np.exp(-s)), 1 / (1 + np.exp(s))
    lengths = np.linalg.norm(rows, axis=1)
    return ((w * lengths).mean(), (v * lengths).mean(), np.linalg.norm(w @ rows / len(s)),
            np.linalg.norm(v @ rows / len(s)), w.mean())


def test_the_setting_is_that_which_is_said():
    """Five seeds, float64, an experiment that begins before the first step of D alone."""
    assert list(saturation.SEEDS) == [0, 1, 2, 3, 4]
    assert saturation.AT[0] == 1
    assert saturation.AT[-1] == saturation.STEPS == 1000


# --------------------------------------------------------------------------------------------------- supports

def test_boxes_that_slide_by_hand():
    """JSD = |t| log 2 up to |t| = 1, then log 2 with slope 0; W₁ = |t| with slope ±1; with noise, in between."""
    t = np.array([-3.0, -0.5, 0.0, 0.25, 1.0, 2.0])
    found = supports.sliding(t)
    assert found.jsd[0.0] == pytest.approx(LOG2 * np.minimum(np.abs(t), 1), abs=1e-10)
    assert found.w1 == pytest.approx(np.abs(t), abs=1e-10)
    smooth = [0, 1, 3, 5]
    assert found.jsd_slope[0.0][smooth] == pytest.approx([0, -LOG2, LOG2, 0], abs=1e-8)
    assert found.w1_slope[smooth] == pytest.approx([-1, -1, 1, 1], abs=1e-8)
    assert np.isnan(found.jsd_slope[0.0][[2, 4]]).all()
    assert np.isnan(found.w1_slope[2])
    for std in supports.STDS:
        assert (found.jsd[std] < LOG2).all()
        assert (found.jsd[std] <= found.jsd[0.0] + 1e-12).all()               # noise processes both alike
        assert (found.jsd_slope[std] * np.sign(t) > 0)[t != 0].all()          # a slope everywhere but at home
        assert found.jsd_slope[std][2] == 0


def test_the_smoothed_box_is_a_difference_of_normal_distribution_functions():
    """Eq. (7.11): Φ(x/s) − Φ((x − 1)/s); without noise the box."""
    x = np.linspace(-3, 4, 41)
    for std in supports.STDS:
        exact = stats.norm.cdf(x / std) - stats.norm.cdf((x - 1) / std)
        assert supports.densities(std, x) == pytest.approx(exact, abs=1e-12)
    assert supports.densities(0.0, np.array([-0.1, 0.5, 1.1])) == pytest.approx([0, 1, 0], abs=EPS)


# -------------------------------------------------------------------------------------------------- dimension

def share(pair, n=40_000):
    return np.mean([pair.says_p(pair.p(n)), ~pair.says_p(pair.q(n))])


@pytest.mark.parametrize("d", [2, 16])
def test_the_best_accuracy_on_two_gaussians(d):
    """½ [P(χ²_d < c) + P(χ²_d > c/σ²)], c = 2 d log σ/(1 − σ⁻²); and at ‖x‖² = c the densities are equal."""
    c = dimension.equal_at(d)
    x = np.full((1, d), math.sqrt(c / d))
    log_p, log_q = (stats.norm.logpdf(x, scale=std).sum() for std in (1, dimension.WIDER))
    assert log_p == pytest.approx(log_q, rel=1e-12)
    exact = (stats.chi2.cdf(c, d) + stats.chi2.sf(c / dimension.WIDER**2, d)) / 2
    assert share(dimension.gaussians(d, np.random.default_rng(0))) == pytest.approx(exact, abs=0.0107)   # 6 errors


def test_the_best_accuracy_on_two_planes():
    """In the plane they are one; beyond it they meet in a set without mass, and D* is always right.

    In space that is a line, and as close to it as rounding reaches, 1e-7, is one draw of 10⁷: perhaps one of 80,000.
    """
    rng = np.random.default_rng(0)
    for _ in range(20):                                              # none is right because of its roundings
        assert share(dimension.planes(2, rng), 1000) == 0.5
    assert share(dimension.planes(3, rng)) > 0.999
    assert share(dimension.planes(64, rng)) == 1


def test_the_best_accuracy_on_planes_at_right_angles_with_noise():
    """‖Aᵀx‖² ~ (1 + s²)χ²₂ and ‖Bᵀx‖² ~ s²χ²₂: right with (1 + s²)/(1 + 2s²) = 5/6 at s = ½. Random planes of 2,000
    dimensions are nearly at right angles.
    """
    pair = dimension.noisy_planes(2000, np.random.default_rng(0))
    n = 3000
    right = np.mean([pair.says_p(pair.p(n)), ~pair.says_p(pair.q(n))])
    assert dimension.STD == 0.5
    assert right == pytest.approx(5 / 6, abs=6 * math.sqrt(5 / 36 / (2 * n)))


def test_the_best_answer_on_noisy_planes_is_that_of_the_densities():
    """In three dimensions, with covariances measured on draws: the same answers but for those near the border."""
    rng, covs = np.random.default_rng(1), np.zeros((2, 3, 3))
    while np.abs(covs[0] - covs[1]).max() < 0.3:                     # planes that are nearly one are all border
        pair = dimension.noisy_planes(3, rng)
        covs = [np.cov(draw(200_000).T) for draw in (pair.p, pair.q)]
    logs = [stats.multivariate_normal(np.zeros(3), cov).logpdf for cov in covs]
    x = np.concatenate([pair.p(5000), pair.q(5000)])
    assert np.mean(pair.says_p(x) == (logs[0](x) > logs[1](x))) > 0.98


@pytest.mark.statistical
def test_a_trained_discriminator_is_no_better_than_the_best():
    """One run in two dimensions: trained, above chance, and below D* but for the noise of 40,000 answers, 0.0025 each:
    six errors of the first, and of the difference of both.
    """
    trained, best = dimension.accuracy(dimension.gaussians, 2, 0)
    assert 0.515 < trained < best + 0.02


# ------------------------------------------------------------------------------------------------------ dirac

def test_the_runs_end_at_the_known_norms():
    """Two of the forty (the rest in test_theory_dirac): the picture shows the run it names."""
    assert list(dirac.KNOWN_NORMS) == list(theory.dirac.SETTINGS)
    for name, column, expected in (("GAN", 0, 3.097), ("R1 γ = .3", 1, 2.38e-7)):
        s, (order, k) = theory.dirac.SETTINGS[name], dirac.COLUMNS[column]
        end = theory.dirac.trajectory(s.field, dirac.STEPS, dirac.H, order, k, s.clip)[-1]
        assert float(dirac.KNOWN_NORMS[name].split()[column]) == expected
        assert math.hypot(*end) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(("name", "order", "k"), [
    ("GAN", "simultaneous", 1), ("GAN", "D first", 5), ("NSGAN", "D first", 1), ("WGAN-clip", "simultaneous", 1),
    ("R1 γ = .3", "simultaneous", 1), ("R1 γ = 1", "D first", 1)])
def test_a_step_of_the_package_is_a_step_of_the_theory(name, order, k):
    s = theory.dirac.SETTINGS[name]
    for at in ((1.0, 1.0), (-0.4, 0.9)):
        expected = theory.dirac.step(s.field, *at, dirac.H, order, k, s.clip)
        assert dirac.package_step(name, *at, order, k) == pytest.approx(expected, abs=1e-12)


def test_eigenvalues_of_the_packages_step_beside_those_by_hand():
    """1 + hλ: for GAN 1 ± .1i; for R1 with γ = .3, 1 − .03 ± .2i √.2275; the package has no consensus."""
    found = dirac.eigenvalues("GAN")
    for values in (found.step, found.measured):
        assert sorted(values, key=np.imag) == pytest.approx([1 - 0.1j, 1 + 0.1j], abs=1e-11)
    assert found.package
    assert not dirac.eigenvalues("consensus γ = 1").package
    r1 = dirac.eigenvalues("R1 γ = .3")
    exact = 0.97 + 0.2j * math.sqrt(0.2275) * np.array([-1, 1])
    assert sorted(r1.measured, key=np.imag) == pytest.approx(exact, abs=1e-11)
    assert sorted(1 + dirac.H * r1.field, key=np.imag) == pytest.approx(exact, abs=1e-14)


def test_the_bilinear_game_in_continuous_time_is_a_circle():
    """From (1, 1): √2 (cos(t + π/4), sin(t + π/4)); a quarter turn brings it to (−1, 1)."""
    path = dirac.circle()
    assert np.hypot(*path.T) == pytest.approx(np.full(len(path), math.sqrt(2)), abs=4 * EPS)
    t = dirac.H * np.arange(len(path))
    angle = np.unwrap(np.arctan2(*path.T[::-1]))
    assert angle == pytest.approx(math.pi / 4 + t, abs=64 * EPS)


def test_the_simultaneous_non_saturating_game_settles_on_a_circle():
    """Inwards from (1, 1), outwards from (.05, 0), to a closed curve of radius between .62 and .64."""
    for start in ((1.0, 1.0), (0.05, 0.0)):
        path = theory.dirac.trajectory(theory.dirac.nsgan, 4000, 0.2, start=start)
        late = np.hypot(*path[-200:].T)
        assert 0.61 < late.min() < late.max() < 0.66, (late.min(), late.max())


# ---------------------------------------------------------------------------------------------- the pictures

def stills(tmp_path):
    """A small one of every picture that needs no long computation."""
    s = np.linspace(-10, 10, 41)
    yield theory_plots.slopes(s, saturation.slopes(s), np.exp(-np.abs(s)))
    rows = np.geomspace(1, 1e-3, 5)[None] * np.array([[1.0], [2.0], [1.5]])
    yield theory_plots.frozen(np.array([0, 1, 10, 100, 1000]), {"one": saturation.Frozen(rows, 2 * rows, rows / 3)},
                              "the setting")
    t = np.linspace(-4, 4, 9)
    yield supports_plots.sliding(t, slid(t))
    accuracy = dimension.Accuracy(np.full((3, 7), 0.8), np.full((3, 7), 0.9))
    yield supports_plots.dimension(dimension.DIMENSIONS, accuracy, accuracy, accuracy, 0.5, "the setting")
    spiral = theory.dirac.trajectory(theory.dirac.gan, 50)
    games = {name: (setting.field, [spiral] * 3) for name, setting in theory.dirac.SETTINGS.items()}
    yield dynamics.paths(games, ["one", "two", "three"])
    yield dynamics.norms({"GAN": [3.097, 2e-6]}, {"GAN": ["3.097", "2e-6"]}, ["simultaneous", "D first"])
    yield dynamics.eigenvalues({"GAN": [dirac.eigenvalues("GAN")]}, ["simultaneous"])
    yield dynamics.bilinear({"a": dirac.circle(9), "b": spiral, "c": spiral[:5]}, theory.dirac.bilinear)


def slid(t):
    jsd = {std: np.abs(t) / 6 for std in (0.0, *supports.STDS)}
    return supports.Sliding(jsd, jsd, np.abs(t), np.sign(t))


def test_pictures_have_titles_names_and_legends_off_the_data(tmp_path):
    for ax in stills(tmp_path):
        fig = ax.get_figure(root=True)
        fig.canvas.draw()
        renderer, page = fig.canvas.get_renderer(), fig.bbox
        panels = [panel for panel in fig.axes if panel.axison]
        assert all(panel.get_title("left") for panel in panels)
        assert any(panel.get_xlabel() for panel in panels)
        boxes = [t.get_window_extent(renderer) for panel in fig.axes for t in
                 (panel._left_title, panel.xaxis.label, panel.yaxis.label, *panel.texts) if t.get_text()]
        legends = [legend.get_window_extent(renderer) for legend in fig.legends]
        for box in [*boxes, *legends]:
            assert -1 <= box.x0 <= box.x1 <= page.width + 1, ax.get_title("left")
            assert -1 <= box.y0 <= box.y1 <= page.height + 1, ax.get_title("left")
        for legend in legends:
            assert not any(legend.overlaps(panel.get_window_extent(renderer)) for panel in panels)
            assert not any(legend.padded(-1).overlaps(box) for box in boxes), ax.get_title("left")     # by a pixel


def test_a_film_moves_and_its_ground_is_white(tmp_path):
    t = np.linspace(-4, 4, 9)
    spiral = theory.dirac.trajectory(theory.dirac.gan, 8)
    films = [supports_plots.sliding_film(t, slid(t), lambda std, x: np.exp(-x * x), 0.5),
             dynamics.bilinear_film(dict(zip("abc", 3 * [spiral], strict=True)), theory.dirac.bilinear),
             dynamics.paths_film({"GAN": (theory.dirac.gan, [spiral] * 2)} | dict.fromkeys(
                 "abc", (theory.dirac.nsgan, [spiral])), ["one", "two"], steps=8)]
    for film in films:
        assert isinstance(film, Film)
        with Image.open(write_gif(film, tmp_path / "a.gif")) as image:
            assert image.n_frames == film.count >= 5
            first, corner = np.asarray(image.convert("RGB")), image.convert("RGB").getpixel((1, 1))
            image.seek(film.count - 1)
            last = np.asarray(image.convert("RGB")).astype(int)
            assert (first != last).any()
            assert corner == (255, 255, 255)
    for colour in ((0xD5, 0x5E, 0), (0, 0x72, 0xB2)):                # of the last film: few pixels have them
        assert np.abs(last - colour).sum(2).min() < 20


def test_a_png_is_small_and_white(tmp_path):
    path = write_png(next(iter(stills(tmp_path))), tmp_path / "a.png")
    with Image.open(path) as image:
        assert image.convert("RGB").getpixel((1, 1)) == (255, 255, 255)
    assert path.stat().st_size < 60_000


# ------------------------------------------------------------------------------------------------ the command

def test_every_figure_has_a_function_and_files_of_its_own():
    for figure in figures.FIGURES.values():
        module, function = figure.function.split(".")
        assert callable(getattr(importlib.import_module(f"numpygan.figures.{module}"), function))
    files = [file for figure in figures.FIGURES.values() for file in figure.files]
    assert len(files) == len(set(files))


@pytest.mark.slow
@pytest.mark.parametrize("name", figures.FIGURES)
def test_every_figure_makes_the_files_it_names(name, tmp_path):
    assert [path.name for path in figures.draw(name, tmp_path)] == list(figures.FIGURES[name].files)
    for path in tmp_path.iterdir():
        with Image.open(path) as image:
            assert getattr(image, "n_frames", 1) > (10 if path.suffix == ".gif" else 0)
            assert np.asarray(image.convert("L")).std() > 5


def test_the_command_prints_the_path_of_each_picture_and_touches_nothing_else(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / "mine.txt").write_text("keep")
    (folder / "saturation.png").write_text("of an earlier run")
    (folder / ".saturation.png.0123abcd.part").write_text("half-written, by a run that was killed")
    assert cli.main(["figures", "saturation", "saturation"]) == 0
    out, err = capsys.readouterr()
    assert out.split() == [str(folder.relative_to(tmp_path) / "saturation.png")]
    assert err == ""                                                 # nobody watches
    assert sorted(path.name for path in folder.iterdir()) == ["mine.txt", "saturation.png"]
    assert (folder / "mine.txt").read_text() == "keep"
    with Image.open(folder / "saturation.png") as image:
        assert image.format == "PNG"
    assert cli.main(["figures", "saturation", "--out", str(tmp_path / "new" / "one")]) == 0
    assert (tmp_path / "new" / "one" / "saturation.png").stat().st_size == (folder / "saturation.png").stat().st_size


def test_a_second_command_in_a_folder_is_refused_while_the_first_draws(tmp_path, monkeypatch, capsys):
    def meanwhile(name, folder):
        monkeypatch.undo()
        assert cli.main(["figures", "saturation", "--out", str(tmp_path)]) == 2
        return [folder / name]
    monkeypatch.setattr(figures, "draw", meanwhile)
    assert cli.main(["figures", "dirac", "--out", str(tmp_path)]) == 0
    assert f"{tmp_path} is being written by another numpygan" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_names_all_figures_are_drawn(tmp_path, monkeypatch, capsys):
    drawn = []
    monkeypatch.setattr(figures, "draw", lambda name, folder: drawn.append(name) or [folder / name])
    assert cli.main(["figures", "--out", str(tmp_path)]) == 0
    assert drawn == list(figures.FIGURES)
    assert capsys.readouterr().out.split() == [str(tmp_path / name) for name in drawn]


@pytest.mark.parametrize(("argv", "words"), [
    (["satturation"], "'satturation' is unknown: did you mean saturation"),
    (["figure1", "xyzzy"], "'xyzzy' is unknown: choose from figure1, saturation"),
    (["saturation", "--out", "file"], "file is a file: name a folder with --out"),
    (["saturation", "--out", ""], "'' is no name: name a folder with --out"),
    (["saturation", "--outt", "x"], "'--outt' is unknown: did you mean --out")])
def test_misuse_is_one_sentence_and_status_2(argv, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    assert cli.main(["figures", *argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"numpygan: [^\n]+\n", err)
    assert words in err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


def test_the_files_that_the_modules_write_are_those_of_the_list():
    """Read from the sources, without drawing: every name in FIGURES is written, and no other."""
    named = {file for figure in figures.FIGURES.values() for file in figure.files}
    written = set()
    for module in {figure.function.split(".")[0] for figure in figures.FIGURES.values()}:
        source = importlib.import_module(f"numpygan.figures.{module}").__file__
        with open(source, encoding="utf-8") as file:
            written |= set(re.findall(r'folder / "([\w-]+\.(?:png|gif))"', file.read()))
    assert written == named
