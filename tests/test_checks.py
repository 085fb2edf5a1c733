"""The checks of arguments, which all of the package shares: what passes comes back as it should, and what is said."""
import numpy as np
import pytest

from numpygan import checks


def test_a_long_value_is_told_by_its_beginning_in_one_line():
    assert checks.told("a\n" * 3) == r"'a\na\na\n'"
    assert checks.told([[1, 2], "x"]) == "[[1, 2], 'x']"
    for length in (78, 79):                                     # with its quotation marks 80 and 81 characters
        shown = checks.told("a" * length)
        assert len(shown) == 80
        assert shown.endswith("…") is (length == 79)
    assert checks.told(np.zeros((2, 1))) == "array([[0.], [0.]])"


def test_what_was_returned_is_told_by_its_kind():
    assert [checks.kind(v) for v in (None, (1, 2, 3), [1], 2.0)] == ["nothing", "a tuple of 3", "a list", "a float"]


@pytest.mark.parametrize(("interval", "inside", "outside"), [("[0, 1]", [0, 0.5, 1], [-0.1, 1.1]),
                                                             ("[0, 1)", [0, 0.5], [-0.1, 1, np.float32(1)])])
def test_a_fraction_lies_in_its_interval(interval, inside, outside):
    assert [checks.fraction(v, "f", interval) for v in inside] == inside
    for bad in [*outside, np.nan, True, "a", None, [0.5]]:
        with pytest.raises(ValueError, match=r"f must lie in \[0, 1"):
            checks.fraction(bad, "f", interval)


def test_one_of_some_names_comes_back():
    assert checks.one_of("a", "letter", {"a": 1, "b": 2}) == "a"
    with pytest.raises(ValueError, match="unknown letter 'c': choose one of a, b$"):
        checks.one_of("c", "letter", ("a", "b"))


def test_functions_come_back_as_a_tuple():
    assert checks.functions([], "f", "abs") == ()
    assert checks.functions([abs, max], "f", "abs") == (abs, max)
    for bad in (None, abs, [1], [int], "f"):
        with pytest.raises(TypeError, match=r"f must be a list of functions, such as \[abs\], got"):
            checks.functions(bad, "f", "abs")


def test_an_image_is_grey_or_of_three_colours():
    assert all(map(checks.image, [(4, 5), (4, 5, 1), (4, 5, 3)]))
    assert not any(map(checks.image, [(), (4,), (4, 5, 2), (4, 5, 4), (4, 5, 3, 1)]))


@pytest.mark.parametrize(("given", "dtype"), [(np.float32, np.float32), (np.float64, np.float64),
                                              (np.float16, np.float64), (int, np.float64), (bool, np.float64)])
def test_samples_are_float32_or_float64(given, dtype):
    x = np.ones((3, 2), given)
    found = checks.samples(x, least=3, like=np.zeros((1, 2)))
    assert found.dtype == dtype
    assert np.shares_memory(found, x) is (given == dtype)


def test_one_sample_is_enough_unless_more_are_asked_for():
    assert checks.samples([[1, 2]]).shape == (1, 2)


@pytest.mark.parametrize(("x", "says"), [
    (np.ones(3), r"write x\[:, None\]"), (np.ones((3, 0)), r"not of shape \(3, 0\)"),
    (np.ones((2, 2)), "has 2 rows, and at least 3 are needed"), (np.ones((1, 2)), "has 1 row, and"),
    (np.ones((3, 1)), "has 1 columns and the other samples 2"),
    ([[0, 0], [0, 0], [0, np.nan]], "NaN or infinity, first in row 2")])
def test_samples_that_cannot_be_compared_are_refused(x, says):
    with pytest.raises(ValueError, match=says):
        checks.samples(x, least=3, like=np.zeros((1, 2)))


def test_an_array_that_is_one_already_is_not_copied():
    x = np.ones(3)
    assert all(np.shares_memory(x, check(x, "x")) for check in (checks.numeric, checks.numbers, checks.finite))


def test_what_is_scheduled_is_a_number_or_a_function_that_returns_one():
    for value in (3, lambda step: step, lambda step: np.float32(step), lambda step: np.array(step)):
        assert checks.scheduled(value, 3, "lr") == 3.0
        assert isinstance(checks.scheduled(value, 3, "lr"), float)
    for bad in ("fast", None, 1j, [3.0], np.ones(1), np.ones((2, 2))):
        with pytest.raises(TypeError, match="lr, a function of the step, must return a number, got .* at step 3"):
            checks.scheduled(lambda step, bad=bad: bad, 3, "lr")


def test_a_mask_is_not_dropped_in_silence():
    for x in (np.ma.array([1.0, 2.0], mask=[0, 1]), np.ma.array([1.0, 2.0])):
        with pytest.raises(TypeError, match="x must be a plain array, and this one is masked"):
            checks.numeric(x, "x")


# ---------------------------------------------------------------------------------------------------- shapes

@pytest.fixture
def function():
    @checks.arrays(x="n d", W="d m", k="...", l="...?")
    def function(x, W, k=0.0, l=0.0):
        """What is declared."""
        return np.shape(x), np.shape(W), np.shape(k), np.shape(l)
    return function


def test_a_function_with_declared_shapes_is_itself(function):
    assert (function.__name__, function.__doc__) == ("function", "What is declared.")
    x, W, v = np.ones((2, 3)), np.ones((3, 4)), np.ones((5, 6))
    assert function(x, W) == ((2, 3), (3, 4), (), ())
    assert function(x, W=W, k=v, l=v) == ((2, 3), (3, 4), (5, 6), (5, 6))
    assert function(x, W, v, 1.0) == ((2, 3), (3, 4), (5, 6), ())


@pytest.mark.parametrize(("arguments", "says"), [
    ((np.ones((2, 3)), np.ones((2, 4))),
     r"function takes x \(n, d\), W \(d, m\), k \(...\), l \(...\?\), got x \(2, 3\)"),
    ((np.ones(3), np.ones((3, 4))), r"got x \(3,\)"), ((np.ones((2, 3)), np.ones((3, 4, 1))), r"W \(3, 4, 1\)"),
    ((np.ones((2, 3)), np.ones((3, 4)), np.ones(2), np.ones(3)), r"k \(2,\), l \(3,\)"),
    ((np.ones((2, 3)), np.ones((3, 4)), np.ones((2, 1)), np.ones(2)), r"k \(2, 1\), l \(2,\)"),
    ((np.ones((0, 3)), np.ones((2, 4))), r"the batch is empty \(x \(0, 3\), W \(2, 4\), "),
    ((np.ones((1, 3)), np.ones((2, 4))), "function takes")])
def test_other_shapes_are_refused(arguments, says, function):
    with pytest.raises(ValueError, match=says):
        function(*arguments)
