from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.synthesis.engines.cache import ModelCache


@given(uses=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 40))), limit=st.integers(0, 100))
def test_the_last_ones_used_stay_as_long_as_they_fit(uses: list[tuple[int, int]], limit: int) -> None:
    cache: ModelCache[str] = ModelCache(limit)
    sizes: dict[int, int] = {}
    order: list[int] = []
    for key, size in uses:
        if cache.get(key) is None:
            sizes[key] = size
            cache.put(key, str(key), size)
        order = [*(other for other in order if other != key), key]
        kept, total = [], 0
        for other in reversed(order):
            total += sizes[other]
            if kept and total > limit:
                break
            kept.append(other)
        order = kept[::-1]
        assert len(cache) == len(kept)
        assert cache.bytes == sum(sizes[other] for other in kept)
        assert all(cache.get(other) == str(other) for other in order)
