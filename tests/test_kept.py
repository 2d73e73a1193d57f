from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.kept import Kept


def test_what_was_used_least_recently_goes_first() -> None:
    kept = Kept[int](2)
    kept.keep("a", 1)
    kept.keep("b", 2)
    assert kept.get("a") == 1
    kept.keep("c", 3)
    assert kept.get("b") is None
    assert kept.values() == [1, 3]


def test_what_was_there_before_stays() -> None:
    kept = Kept[list[int]](2)
    first = kept.keep("a", [])
    assert kept.keep("a", []) is first
    assert kept.get("a") is first


@given(st.lists(st.text(max_size=2)), st.integers(1, 5))
def test_the_last_names_are_kept_and_no_more(names: list[str], most: int) -> None:
    kept = Kept[str](most)
    for name in names:
        kept.keep(name, name)
    last = list(dict.fromkeys(reversed(names)))[:most]
    assert kept.values() == last[::-1]
