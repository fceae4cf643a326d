"""Work that is shared among threads."""

from __future__ import annotations

import numpy as np
import pytest

from unalter.tsne.loops import threads


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("n", [0, 1, 3, 1_000])
def test_every_row_is_worked_on_once(n, count):
    seen = np.zeros(n, np.int64)

    def loop(by: int, low: int, high: int) -> None:
        seen[low:high] += by

    with threads(count) as pool:
        for _ in range(50):
            pool.over(n, loop, 1, parts=3)
    assert (seen == 50).all()


def test_an_error_in_any_part_is_raised():
    def loop(low: int, high: int) -> None:
        if low <= 3 < high:
            raise ValueError("row 3")

    with threads(3) as pool:
        for _ in range(20):
            with pytest.raises(ValueError, match="row 3"):
                pool.over(9, loop)
