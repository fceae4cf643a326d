from unalter.support.progress import with_progress


def test_items_come_through_and_a_long_list_tells_some_hundred_times_how_far_it_is():
    told = []
    assert list(with_progress(range(10_000), "work", lambda what, done: told.append((what, done)))) == list(
        range(10_000)
    )
    assert 100 < len(told) < 400
    shares = [done for _, done in told]
    assert shares == sorted(shares) and shares[0] == 0 and 0.99 < shares[-1] < 1
    assert {what for what, _ in told} == {"work"}


def test_nothing_is_told_of_nothing():
    told = []
    assert list(with_progress([], "work", lambda what, done: told.append(done))) == []
    assert told == []
