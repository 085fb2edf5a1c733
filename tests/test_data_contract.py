"""What all data have in common: shape, range, dtype, randomness; and the batches of finite data."""

import copy
import pickle

import numpy as np
import pytest

from numpygan import data

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])

# name -> how to make it (a dtype goes in), n, shape, range
KINDS = {
    "gaussian": (lambda t: data.gaussian(3.0, 0.5, dtype=t), None, (1,), (-np.inf, np.inf)),
    "gaussian cov": (lambda t: data.gaussian([1, 2], cov=[[2, 1], [1, 2]], dtype=t), None, (2,), (-np.inf, np.inf)),
    "mixture": (lambda t: data.mixture([-2, 2], [0.5, 1], [0.3, 0.7], dtype=t), None, (1,), (-np.inf, np.inf)),
    "ring": (lambda t: data.ring(dtype=t), None, (2,), (-np.inf, np.inf)),
    "grid": (lambda t: data.grid(dtype=t), None, (2,), (-np.inf, np.inf)),
    "uniform": (lambda t: data.uniform([0.1, -3], 0.3, dtype=t), None, (2,), (-3.0, 0.3)),
    "moons": (lambda t: data.moons(dtype=t), None, (2,), (-np.inf, np.inf)),
    "moons without noise": (lambda t: data.moons(0, dtype=t), None, (2,), (-1.0, 2.0)),
    "swiss_roll": (lambda t: data.swiss_roll(dtype=t), None, (2,), (-np.inf, np.inf)),
    "digits": (lambda t: data.digits(dtype=t), 1797, (8, 8), (-1.0, 1.0)),
    "array": (lambda t: data.array(CORNERS, [0, 1, 1, 0], dtype=t), 4, (2,), (0.0, 1.0)),
    "images": (lambda t: data.array(np.arange(24).reshape(2, 2, 2, 3), [0, 1], (0, 255), t), 2, (2, 2, 3), (0, 255)),
}


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


def test_shape_range_dtype_and_number(kind, dtype):
    make, n, shape, (lo, hi) = kind
    d = make(dtype)
    assert (d.n, d.shape, d.d) == (n, shape, int(np.prod(shape)))
    assert d.range == pytest.approx((lo, hi), rel=1e-15)
    assert all(isinstance(end, float) for end in d.range)
    x = d.sample(300, np.random.default_rng(0))
    assert x.shape == (300, d.d)
    assert x.dtype == dtype
    assert (d.range[0] <= x).all()
    assert (x <= d.range[1]).all()
    x[:] = 0                                                    # what was drawn belongs to the caller


def test_labels_go_with_the_same_rows(kind, dtype):
    d = kind[0](dtype)
    x, y = d.sample_labelled(50, np.random.default_rng(3))
    assert x.dtype == dtype
    assert y.shape == (50,)
    assert y.dtype.kind == "i"
    np.testing.assert_array_equal(x, d.sample(50, np.random.default_rng(3)))
    if d.n is None:
        assert d.labels is None
    else:
        for row, label in zip(x, y, strict=True):
            assert label in d.labels[(d.x == row).all(1)]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(kind):
    d = kind[0](np.float32)
    first, again, other = (d.sample(64, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_float32_and_float64_show_the_same_points(kind):
    x32, x64 = (kind[0](t).sample(100, np.random.default_rng(5)) for t in (np.float32, np.float64))
    np.testing.assert_allclose(x32, x64, rtol=2 * np.finfo(np.float32).eps, atol=1e-30)


def test_rng_must_be_a_generator(kind):
    d = kind[0](np.float32)
    calls = [d.sample, d.sample_labelled] + ([] if d.n is None else [d.batches])
    for call in calls:
        for rng in (0, None, np.random, np.random.RandomState(0)):
            with pytest.raises(TypeError, match="rng must be a numpy.random.Generator, got .*default_rng"):
                call(4, rng)


def test_the_number_of_rows_must_be_a_positive_integer(kind):
    d, rng = kind[0](np.float32), np.random.default_rng(0)
    calls = [d.sample, d.sample_labelled] + ([] if d.n is None else [d.batches])
    for call in calls:
        for n in (0, -3, 2.0, True):
            with pytest.raises(ValueError, match=f"n must be a whole number of at least 1, got {n}"):
                call(n, rng)


def test_data_survives_copy_and_pickle_and_says_what_it_is(kind):
    d = kind[0](np.float32)
    for other in (copy.deepcopy(d), pickle.loads(pickle.dumps(d))):
        np.testing.assert_array_equal(other.sample(9, np.random.default_rng(0)), d.sample(9, np.random.default_rng(0)))
    assert d.name in repr(d)
    assert "float32" in repr(d)


@pytest.mark.parametrize("make", [data.gaussian, data.ring, data.uniform, data.moons, data.digits,
                                  lambda dtype: data.array(CORNERS, dtype=dtype)])
def test_dtype_must_be_float32_or_float64(make):
    with pytest.raises(ValueError, match="dtype must be float32 or float64, got int64"):
        make(dtype=np.int64)


@pytest.mark.parametrize("rows", [1, 2, 7, 20])
@pytest.mark.parametrize("n", [1, 2, 6, 7, 25])
def test_an_epoch_shows_every_row_exactly_once(rows, n):
    d = data.array(np.arange(rows * 2).reshape(rows, 2))
    batches = list(d.batches(n, np.random.default_rng(0)))
    assert [len(b) for b in batches] == [n] * (rows // n) + [rows % n] * (rows % n > 0)
    seen = np.concatenate(batches)
    assert seen.dtype == np.float32
    np.testing.assert_array_equal(seen[np.argsort(seen[:, 0])], d.x)


def test_every_epoch_has_a_fresh_order():
    d, rng = data.array(np.arange(50)[:, None]), np.random.default_rng(0)
    epochs = [np.concatenate(list(d.batches(8, rng))).ravel() for _ in range(3)]
    orders = {tuple(e) for e in (*epochs, np.arange(50.0))}
    assert len(orders) == 4


def test_every_order_of_an_epoch_is_as_likely():
    d, rng = data.array(np.arange(3)[:, None]), np.random.default_rng(0)
    found, count = np.unique([np.concatenate(list(d.batches(2, rng))).ravel() for _ in range(1200)], axis=0,
                             return_counts=True)
    assert len(found) == 6
    assert abs(count - 200).max() < 5 * np.sqrt(200)            # five standard deviations of a Poisson count


def test_rows_are_drawn_with_replacement_and_evenly():
    d = data.array(np.arange(5)[:, None])
    x = d.sample(5000, np.random.default_rng(0)).ravel()
    assert abs(np.bincount(x.astype(int), minlength=5) - 1000).max() < 5 * np.sqrt(1000)


def test_rows_cannot_be_changed_from_outside():
    d = data.array(CORNERS, [0, 1, 1, 0])
    for array in (d.x, d.labels, data.ring().modes, data.gaussian().mean):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5


def test_split_gives_two_disjoint_parts_with_their_labels():
    d = data.array(np.arange(9)[:, None], labels=np.arange(9) % 3)
    a, b = d.split(2 / 3, np.random.default_rng(0))
    assert (a.n, b.n) == (6, 3)
    assert sorted([*a.x.ravel(), *b.x.ravel()]) == list(range(9))
    for part in (a, b):
        np.testing.assert_array_equal(part.labels, part.x.ravel() % 3)
        assert (part.shape, part.range, part.name) == (d.shape, d.range, d.name)
    again = d.split(2 / 3, np.random.default_rng(0))[0]
    np.testing.assert_array_equal(again.x, a.x)
    assert data.array(CORNERS).split(0.5, np.random.default_rng(0))[0].labels is None


@pytest.mark.parametrize("fraction", [0, 1, -0.5, 1.5, 0.01, np.nan])
def test_split_refuses_a_part_without_rows(fraction):
    with pytest.raises(ValueError, match="fraction must lie strictly between 0 and 1"):
        data.array(CORNERS).split(fraction, np.random.default_rng(0))


def test_data_without_labels_say_so():
    with pytest.raises(data.DataError, match="array has no labels: use sample"):
        data.array(CORNERS).sample_labelled(3, np.random.default_rng(0))


def test_a_subclass_must_say_how_to_draw():
    from numpygan.data.distribution import Distribution, Known
    with pytest.raises(NotImplementedError, match="Distribution must define draw"):
        Distribution("mine", 1).sample(1, np.random.default_rng(0))
    with pytest.raises(NotImplementedError, match="Known must define log_density_rows"):
        Known("mine", 1).density(0.0)


def test_the_package_imports_nothing_of_ours_but_the_checks_of_arguments_and_of_paths():
    """They import nothing in turn: data knows of no network and no training."""
    import ast
    import pathlib
    folder, below = pathlib.Path(data.__file__).parent, ("checks", "files")
    for path in [*folder.glob("*.py"), *(folder.parent / f"{name}.py" for name in below)]:
        inside = path.parent == folder
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                allowed = node.level == 0 or inside and (node.level == 1 or node.module in below)
                assert allowed, f"{path.name}: {ast.unparse(node)}"
                assert not (node.module or "").startswith("numpygan"), path.name
