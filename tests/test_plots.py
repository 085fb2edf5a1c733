"""Pictures: the right pixels, curves and reference lines; readable; and nothing left behind."""
import gc
import math
import weakref

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

import numpygan as ng
from numpygan import plots

OKABE_ITO = {"#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"}


@pytest.fixture(scope="module")
def history():
    """A history of 200 steps with values that are easy to tell apart."""
    h = ng.History()
    for i in range(200):
        h.record(loss_D=1 + 0.001 * i, loss_G=2 - 0.001 * i, D_real=0.7, D_fake=0.2, norm_g_D=1.0, norm_g_G=1.0)
    return h


@pytest.fixture
def D(rng):
    return ng.MLP([2, 8, 1], rng=rng, engine="numpy")


def drawn(ax):
    """The Axes after a drawing, with its renderer."""
    fig = ax.get_figure(root=True)
    fig.canvas.draw()
    return fig.canvas.get_renderer()


def flat_lines(ax):
    """{y: linestyle} of the horizontal lines across the Axes."""
    return {float(line.get_ydata()[0]): line.get_linestyle() for line in ax.lines
            if len(line.get_ydata()) == 2 and line.get_transform() != ax.transData}


# --------------------------------------------------------------------------------------------------- images

def test_tiles_by_hand():
    x = np.array([[0, 1, 2, 3], [4, 4, 4, 4], [0, 0, 0, 0]], float)          # three images of 2 × 2, values 0 to 4
    sheet = plots.tiles(x, (2, 2), (0, 4))
    w = 1.0                                                                    # the line between, and the empty tile
    expected = [[0.00, 0.25, w, 1.0, 1.0],
                [0.50, 0.75, w, 1.0, 1.0],
                [w, w, w, w, w],
                [0.0, 0.0, w, w, w],
                [0.0, 0.0, w, w, w]]
    assert sheet.shape == (5, 5, 3)
    for channel in range(3):
        assert sheet[..., channel].tolist() == expected


def test_tiles_keep_colours_and_cut_off_what_is_out_of_range():
    x = np.array([[-2.0, 0.0, 9.0]])                                           # one pixel of red, green and blue
    assert plots.tiles(x, (1, 1, 3), (-1, 1)).tolist() == [[[0.0, 0.5, 1.0]]]


@pytest.mark.parametrize("shape", [(2,), (2, 3, 2), (2, 3, 4), (1, 2, 2, 3)])
def test_what_is_no_image_is_refused_by_its_shape(shape):
    with pytest.raises(ValueError, match="shape must be that of one image"):
        plots.tiles(np.zeros((1, math.prod(shape))), shape)


@pytest.mark.parametrize(("n", "columns"), [(1, 1), (4, 2), (5, 3), (64, 8)])
def test_tiles_are_about_square(n, columns):
    assert plots.tiles(np.zeros((n, 4)), (2, 2)).shape[1] == 3 * columns - 1


def test_each_pixel_of_an_image_is_a_square_of_whole_dots(tmp_path):
    x = np.where(np.indices((8, 8)).sum(0).ravel() % 2, 1.0, -1.0)[None].repeat(4, 0)      # a chessboard
    path = plots.save(plots.sample_grid(x, (8, 8), title="four boards"), tmp_path / "a.png")
    pixels = np.asarray(Image.open(path).convert("L")).astype(int)
    inside = pixels[36:-12, 12:-12]
    assert set(np.unique(inside)) == {0, 255}                                  # no grey: nothing was blended
    runs = np.diff(np.flatnonzero(np.diff(inside[20])))
    assert set(runs[:6]) == {640 // 17}


def test_grey_runs_from_black_at_the_low_end_of_the_range_to_white(tmp_path):
    x = np.array([[-1.0, 0.0, 1.0]])
    sheet = plots.sample_grid(x, (1, 3), (-1, 1)).images[0].get_array()
    assert sheet[0, :, 0].tolist() == [0.0, 0.5, 1.0]


# --------------------------------------------------------------------------------------------------- curves

def test_equilibrium_values_by_hand():
    half = plots.equilibrium(ng.losses.NonSaturating())
    assert half == plots.equilibrium(None)
    assert half["loss_D"] == [(pytest.approx(1.3862943611198906, abs=1e-15), "log 4")]
    assert half["loss_G"] == [(pytest.approx(0.6931471805599453, abs=1e-15), "log 2")]
    assert half["D"] == [(0.5, "½")]
    assert plots.equilibrium(ng.losses.Minimax())["loss_G"] == [(pytest.approx(-0.6931471805599453), "−log 2")]


def test_equilibrium_with_smoothed_labels_by_hand():
    """α = 0.9, β = 0: the best D at p = q is 0.45, and −log 0.45 = 0.7985; minimax log 0.55 = −0.5978."""
    smoothed = plots.equilibrium(ng.losses.NonSaturating(0.9))
    assert smoothed["D"] == [(0.5, "½"), (0.45, "0.45, smoothed")]
    assert smoothed["loss_G"][1] == (pytest.approx(0.79850769621777162), "0.80, smoothed")
    assert plots.equilibrium(ng.losses.Minimax(0.9))["loss_G"][1][0] == pytest.approx(-0.59783700075562)
    assert len(plots.equilibrium(ng.losses.NonSaturating(0.9, 0.1))["D"]) == 1         # (0.9 + 0.1)/2 is ½ again


def test_equilibrium_of_the_other_losses():
    """Least squares: s = ½, so L_D = ½·¼ + ½·¼ and L_G = ½·¼. Hinge: (1 − s) + (1 + s). Wasserstein: 0."""
    assert plots.equilibrium(ng.losses.LeastSquares()) == {"loss_D": [(0.25, "¼")], "loss_G": [(0.125, "⅛")]}
    assert plots.equilibrium(ng.losses.Hinge()) == {"loss_D": [(2.0, "2")]}
    assert plots.equilibrium(ng.losses.Wasserstein()) == {"loss_D": [(0.0, "0")]}
    assert plots.equilibrium(type("Own", (ng.losses.Hinge,), {})()) == {}


def test_dashed_lines_show_what_the_losses_should_be(history):
    for loss, sign in ((None, 1), (ng.losses.Minimax(), -1)):
        upper, lower = plots.curves(history, loss)
        assert flat_lines(upper) == {math.log(4): "--", sign * math.log(2): "--"}
        assert flat_lines(lower) == {0.5: "--"}
        low, high = upper.get_ylim()
        assert low < min(flat_lines(upper))
        assert high > max(flat_lines(upper))
    assert flat_lines(plots.discriminator(history, ng.losses.NonSaturating(0.9))) == {0.5: "--", 0.45: ":"}


def test_curves_show_the_columns_raw_and_smoothed(history):
    ax = plots.losses(history)
    lines = {line.get_label(): line for line in ax.lines}
    smoothed, raw = lines["discriminator, $L_D$"], ax.lines[0]
    assert raw.get_ydata().tolist() == history["loss_D"].tolist()
    np.testing.assert_allclose(lines["generator, $L_G$"].get_ydata()[4:-4], history["loss_G"][4:-4], rtol=0, atol=0.001)
    assert raw.get_alpha() < 0.5
    assert raw.get_linewidth() < smoothed.get_linewidth()
    assert smoothed.get_xdata()[[0, -1]].tolist() == [1, 200]
    np.testing.assert_allclose(smoothed.get_ydata()[4:-4], history["loss_D"][4:-4], rtol=0, atol=0.001)
    answers = {line.get_label(): line.get_ydata()[0] for line in plots.discriminator(history).lines}
    assert answers["on data, $D(x)$"] == pytest.approx(0.7)
    assert answers["on samples, $D(G(z))$"] == pytest.approx(0.2)


@pytest.mark.parametrize("width", [1, 2, 3, 7, 30])
def test_smooth_is_the_mean_over_a_window(width, rng):
    y = rng.normal(size=20)
    before, after = (width - 1) // 2, width // 2
    naive = [np.mean([y[j] for j in range(20) if i - before <= j <= i + after]) for i in range(20)]
    np.testing.assert_allclose(plots.smooth(y, width), naive, rtol=0, atol=20 * np.finfo(float).eps)


def test_one_step_and_none(rng):
    h = ng.History()
    with pytest.raises(ValueError, match="no steps to draw"):
        plots.curves(h)
    h.record(loss_D=1.0, loss_G=1.0, D_real=0.5, D_fake=0.5, norm_g_D=1.0, norm_g_G=1.0)
    drawn(plots.curves(h)[0])


# --------------------------------------------------------------------------------------------------- points

def test_points_in_the_plane_over_the_density_and_the_surface(D, rng):
    data = ng.data.ring(std=0.2)
    x = rng.normal(size=(40, 2)).astype(np.float32)
    ax = plots.samples(x, data, rng, D=D, title="ring")
    cloud = next(line for line in ax.lines if line.get_label() == "samples")
    np.testing.assert_array_equal(np.column_stack(cloud.get_data()), x)
    assert ax.get_aspect() == 1
    answers = ax.images[0].get_array()
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    corner = D(np.array([[left, bottom], [right, top]], np.float32))[:, 0]
    np.testing.assert_allclose(answers[[0, -1], [0, -1]], 1 / (1 + np.exp(-corner)), rtol=1e-5)
    assert ax.images[0].origin == "lower"


def test_the_lines_of_the_density_hold_the_share_of_the_data_that_they_name(rng):
    """For N(0, I) in the plane P(|x|² > −2 log a) = a: the lines are circles of squared radius 1.386 and 5.991.

    Of 20,000 draws both are known to √(a (1 − a)/n) over the density a/2, 1 % each: six of them.
    """
    data = ng.data.gaussian([0.0, 0.0], 1.0)
    x = data.sample(20_000, rng)
    ax = plots.samples_2d(x[:5], x, data.density)
    paths = ax.collections[0].get_paths()
    radii = sorted(float((p.vertices**2).sum(1).mean()) for p in paths)
    assert radii[0] == pytest.approx(1.386, rel=0.062)
    assert radii[-1] == pytest.approx(5.991, rel=0.062)


def test_numbers_on_the_line_as_a_histogram_under_the_density(rng):
    data = ng.data.gaussian(4.0, 1.25)
    D1 = ng.MLP([1, 4, 1], rng=rng, engine="numpy")
    ax = plots.samples(data.sample(500, rng), data, rng, D=D1)
    heights, edges, _ = ax.patches[0].get_data()
    assert (heights * np.diff(edges)).sum() == pytest.approx(1)
    x, p = next(line for line in ax.lines if line.get_label() == "$p_{data}$").get_data()
    by_hand = np.exp(-((np.ravel(x) - 4) / 1.25)**2 / 2) / (1.25 * math.sqrt(2 * math.pi))
    np.testing.assert_allclose(p, by_hand, rtol=1e-9)
    right = next(other for other in ax.figure.axes if other is not ax)
    assert right.get_ylim() == (0, 1.02)
    assert 0.5 in flat_lines(right)


def test_data_without_a_density_is_shown_itself(rng):
    one = plots.samples(rng.normal(size=(50, 1)), ng.data.array(rng.normal(size=(80, 1))), rng)
    assert [patch.get_label() for patch in one.patches] == ["samples", "data"]
    two = plots.samples(rng.normal(size=(50, 2)), ng.data.array(rng.normal(size=(80, 2))), rng)
    assert {line.get_label() for line in two.lines} == {"data", "samples"}


def test_many_columns_are_shown_in_the_two_principal_directions(rng):
    x = rng.normal(size=(300, 5)) * [0.1, 7, 0.1, 3, 0.1]
    ax = plots.samples(x[:40], ng.data.array(x), rng)
    shown = np.column_stack(next(line for line in ax.lines if line.get_label() == "samples").get_data())
    for column, source in ((0, 1), (1, 3)):
        assert abs(np.corrcoef(shown[:, column], x[:40, source])[0, 1]) > 0.9    # of 300 rows, turned by 0.03 or so


def test_D_is_taken_without_overflow():
    class Sure:
        dtype = np.dtype(np.float32)

        def __call__(self, x):
            return np.array([[-1e4], [0.0], [1e4]], np.float32)
    from numpygan.plots.points import probability
    assert probability(Sure(), np.zeros((3, 2))).tolist() == [0.0, 0.5, 1.0]


# ------------------------------------------------------------------------------------------------ animation

def snapshots_of(gan, n, count):
    rng = np.random.default_rng(3)
    snapshots = ng.Snapshots(gan.draw(n, rng), every=1)
    for _ in range(count):
        gan.history.record(loss_D=1.0, loss_G=1.0, D_real=0.5, D_fake=0.5, norm_g_D=1.0, norm_g_G=1.0)
        snapshots(gan)
        gan.G.theta = gan.G.theta + rng.normal(size=gan.G.theta.shape).astype(np.float32)
    return snapshots


@pytest.mark.parametrize("data", [ng.data.digits(), ng.data.gaussian(4.0), ng.data.array(np.arange(30.0)[:, None]),
                                  ng.data.ring(), ng.data.array(np.random.default_rng(0).normal(size=(60, 4)))],
                         ids=["images", "numbers", "numbers without density", "plane", "many columns"])
def test_an_animation_has_a_frame_for_each_snapshot_and_they_differ(data, rng, tmp_path):
    d = math.prod(data.shape)
    gan = ng.GAN(ng.MLP([3, d], rng=rng, engine="numpy"), ng.MLP([d, 1], rng=rng, engine="numpy"))
    path = plots.animation(snapshots_of(gan, 9, 5), data, tmp_path / "a.gif", rng, title="test")
    with Image.open(path) as gif:
        frames = []
        for i in range(gif.n_frames):
            gif.seek(i)
            frames.append((gif.info["duration"], np.asarray(gif.convert("L")).tobytes()))
    assert len({pixels for _, pixels in frames}) == 5
    assert [t for t, _ in frames] == [90, 90, 90, 90, 2090]


def test_the_last_frame_shows_the_last_samples(rng, tmp_path):
    data = ng.data.digits()
    gan = ng.GAN(ng.MLP([3, 64], output="tanh", rng=rng, engine="numpy"), ng.MLP([64, 1], rng=rng, engine="numpy"))
    snapshots = snapshots_of(gan, 4, 3)
    path = plots.animation(snapshots, data, tmp_path / "a.gif", rng)
    alone = plots.save(plots.sample_grid(snapshots.samples[-1], (8, 8), dots=420), tmp_path / "a.png")
    with Image.open(path) as gif, Image.open(alone) as png:
        gif.seek(gif.n_frames - 1)
        a, b = (np.asarray(im.convert("L")).astype(int)[40:] for im in (gif, png))     # below the title
    assert np.abs(a - b).max() <= 1                                                    # rounding of grey


@pytest.mark.parametrize(("n", "most"), [(1, 60), (2, 60), (60, 60), (100, 60), (201, 60), (7, 3)])
def test_frames_spread_from_the_first_to_the_last(n, most):
    from numpygan.plots.animation import spread
    chosen = spread(n, most)
    assert len(chosen) <= most
    assert (chosen[0], chosen[-1]) == (0, n - 1)
    steps = np.diff(chosen)
    assert (steps > 0).all()
    assert n <= 60 or steps[:10].sum() < steps[-10:].sum()


def test_an_animation_of_nothing_is_an_error(rng, tmp_path):
    with pytest.raises(ValueError, match="no snapshots"):
        plots.animation(ng.Snapshots(np.zeros((1, 2))), ng.data.ring(), tmp_path / "a.gif", rng)


# ------------------------------------------------------------------------------------------------- readability

def pictures(history):
    rng = np.random.default_rng(0)
    D1, D2 = (ng.MLP([d, 4, 1], rng=rng, engine="numpy") for d in (1, 2))
    yield from plots.curves(history, ng.losses.NonSaturating(0.9))
    yield plots.losses(history)
    x = rng.normal(size=(30, 2))
    yield plots.samples(x, ng.data.ring(), rng, D=D2, title="ring: 1,000 samples G(z) after 12,000 steps")
    yield plots.samples(rng.normal(size=(30, 1)), ng.data.gaussian(4.0), rng, D=D1)
    yield plots.samples(rng.normal(size=(30, 3)), ng.data.array(rng.normal(size=(50, 3))), rng)


@pytest.fixture(scope="module")
def gallery(history):
    """One picture of every kind with axes, drawn."""
    return [(ax, drawn(ax)) for ax in pictures(history)]


def test_titles_names_of_axes_and_legends_are_there_and_off_the_data(gallery):
    for ax, renderer in gallery:
        assert ax.get_title("left")
        assert ax.get_xlabel() or ax.get_subplotspec().rowspan.start == 0
        assert ax.get_ylabel()
        legend, inside = ax.get_legend().get_window_extent(renderer), ax.get_window_extent(renderer)
        assert legend.y0 >= inside.y1 - 1 or legend.y1 <= inside.y0 + 1
        page = ax.get_figure(root=True).bbox
        assert 0 <= legend.x0 < legend.x1 <= page.width
        assert 0 <= legend.y0 < legend.y1 <= page.height
        texts = [t.get_window_extent(renderer) for t in (ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label)
                 if t.get_text()]
        assert not any(legend.overlaps(t) for t in texts)
        assert all(0 <= t.x0 and t.x1 <= page.width and 0 <= t.y0 and t.y1 <= page.height for t in texts)
        assert min(t.get_fontsize() for t in ax.get_legend().get_texts()) >= 9


def test_names_of_reference_lines_lie_at_the_right_of_the_axes_and_apart(gallery):
    for ax, renderer in gallery[:2]:
        boxes = [t.get_window_extent(renderer) for t in ax.texts]
        assert len(boxes) == 2 + (ax.get_title("left") == "Losses")
        assert all(box.x0 >= ax.get_window_extent(renderer).x1 for box in boxes)
        assert all(box.x1 <= ax.get_figure(root=True).bbox.width for box in boxes)
        centres = sorted((box.y0 + box.y1) / 2 for box in boxes)
        assert min(np.diff(centres)) > 9


def test_lines_have_colours_that_everybody_tells_apart(gallery):
    for ax, _ in gallery:
        assert {to_hex(line.get_color()) for line in ax.lines} <= OKABE_ITO


# ------------------------------------------------------------------------------------------------ no side effects

def test_pyplot_is_not_imported_and_the_backend_stays(python):
    python("import sys, os; os.environ.pop('MPLBACKEND', None)\n"
           "import numpygan as ng\n"
           "assert not any(m.startswith('matplotlib') for m in sys.modules), 'import numpygan loads matplotlib'\n"
           "import matplotlib; matplotlib.rcParams['font.size'] = 7.5\n"
           "def settings(): r = matplotlib.rcParams; return {k: dict.__getitem__(r, k) for k in dict.keys(r)}\n"
           "before = settings()\n"
           "import numpy as np, io\n"
           "ax = ng.plots.sample_grid(np.zeros((4, 4)), (2, 2))\n"
           "ax.figure.savefig(io.BytesIO(), format='png')\n"
           "assert 'matplotlib.pyplot' not in sys.modules\n"
           "assert settings() == before\n")


def test_a_figure_goes_when_its_axes_go(history):
    seen = [weakref.ref(ax.get_figure(root=True)) for ax in pictures(history)]
    gc.collect()
    assert [ref() for ref in seen] == [None] * len(seen)


def test_axes_that_are_given_are_drawn_into(history, rng):
    from matplotlib.figure import Figure
    ax = Figure().subplots()
    assert plots.losses(history, ax=ax) is ax
    ax = Figure().subplots()
    assert plots.sample_grid(np.zeros((4, 4)), (2, 2), ax=ax) is ax
    ax = Figure().subplots()
    assert plots.samples(np.zeros((4, 2)), ng.data.ring(), rng, ax=ax) is ax


def test_a_picture_is_written_whole_or_not_at_all(history, tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")
    ax = plots.losses(history)
    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="No space"):
        plots.save(ax, path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
