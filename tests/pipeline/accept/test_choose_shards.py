"""Which shards are computed again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.accept.partial_draft import choose_shards

USABLE = st.lists(st.integers(0, 64), min_size=1, max_size=40)


@given(st.text(), USABLE, st.integers(1, 5))
def test_full_ones_each_once_and_always_the_same(key: str, usable: list[int], count: int) -> None:
    chosen = choose_shards(key, np.array(usable), count)
    assert chosen == choose_shards(key, np.array(usable), count)
    assert len(set(chosen)) == len(chosen) <= count
    assert all(usable[shard] > 0 and 2 * usable[shard] >= max(usable) for shard in chosen)
    assert chosen or max(usable) == 0


def test_another_change_looks_elsewhere() -> None:
    assert len({choose_shards(str(key), np.full(50, 64), 1)[0] for key in range(100)}) > 20
