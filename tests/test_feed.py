"""The supply of minibatches: every row once an epoch, and where it stands in the data is enough to go on there."""
import numpy as np
import pytest

import numpygan as ng
from numpygan.feed import Feed, count_steps

ROWS = np.arange(5, dtype=np.float32)[:, None]


def rng():
    return np.random.default_rng(0)


def taken(feed, n, draws):
    return [feed.next(draws).ravel().tolist() for _ in range(n)]


def test_an_epoch_is_every_row_once_in_an_order_of_its_own():
    feed, draws = Feed(ROWS, 2), rng()
    first, second = taken(feed, 3, draws), taken(feed, 3, draws)
    assert [len(x) for x in first + second] == [2, 2, 1] * 2
    assert sorted(sum(first, [])) == sorted(sum(second, [])) == [0, 1, 2, 3, 4]
    assert first != second


def test_the_position_is_batch_seed_and_minibatches_taken():
    """The seed of an epoch is the next number below 2⁶³ that rng draws."""
    feed, draws, twin = Feed(ROWS, 2), rng(), rng()
    assert feed.position == (2, 0, 0)
    seeds = [int(twin.integers(2**63)) for _ in range(2)]
    assert [(feed.next(draws), feed.position)[1] for _ in range(4)] == [
        (2, seeds[0], 1), (2, seeds[0], 2), (2, seeds[0], 3), (2, seeds[1], 1)]


def test_a_feed_goes_on_at_a_position():
    feed, draws = Feed(ROWS, 2), rng()
    for n in range(1, 4):
        taken(feed, 1, draws)
        again, more = Feed(ROWS, 2, position=feed.position), np.random.default_rng(9)
        assert again.position == feed.position
        expected = taken(Feed(ROWS, 2, position=feed.position), 3 - n, more)
        assert taken(again, 3 - n, more) == expected == taken(Feed(ROWS, 2), 3, rng())[n:]
        assert again.position == (2, feed.seed, 3)


def test_another_batch_size_begins_anew():
    assert Feed(ROWS, 3, position=(2, 77, 1)).position == (3, 0, 0)


def test_endless_data_has_no_position():
    feed = Feed(ng.data.ring(), 4, position=(4, 77, 1))
    assert feed.position is None
    assert feed.next(rng()).shape == (4, 2)
    assert feed.position is None


def test_a_feed_knows_its_data_and_batch():
    feed = Feed(ROWS, 2)
    assert [feed.serves(ROWS, 2), feed.serves(ROWS, 3), feed.serves(ROWS.copy(), 2)] == [True, False, False]


def test_the_number_of_steps():
    """2 epochs of 5 rows in batches of 2: 6 minibatches, which are 2 steps of k = 3, and 2 of k = 4 as well."""
    data = ng.data.array(ROWS)
    assert count_steps(data, 2, 3, 7, None) == count_steps(data, 2, 3, np.int64(7), None) == 7
    assert [count_steps(data, 2, k, None, 2) for k in (1, 3, 4, 6)] == [6, 2, 2, 1]
    for steps, epochs, sentence in ((None, None, "either steps= or epochs="), (1, 1, "either steps= or epochs="),
                                    (0, None, "steps must be a whole number of at least 1, got 0"),
                                    (None, True, "epochs must be a whole number of at least 1, got True"),
                                    (1.0, None, "steps must be a whole number of at least 1, got 1.0")):
        with pytest.raises(ValueError, match=sentence):
            count_steps(data, 2, 1, steps, epochs)
    with pytest.raises(ValueError, match="endless data has no epochs"):
        count_steps(ng.data.ring(), 2, 1, None, 1)
    assert count_steps(ng.data.ring(), 2, 1, 1, None) == 1
