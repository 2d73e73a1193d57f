"""Forty real songs: all are read, all sing, and a second count from the raw XML finds the same notes and words."""

from __future__ import annotations

from pathlib import Path

from benchmarks.breadth import Tally, read_file

LIEDER = Path(__file__).parent.parent / "scores" / "lieder"


def test_forty_lieder() -> None:
    tally = Tally()
    for path in sorted(LIEDER.glob("*.mxl")):
        read_file(path, tally)
    assert tally.crashed == []
    assert tally.outcomes == {"sings": 40}
    unexplained = {what: count for what, count in tally.compared.items() if "unexplained" in what}
    assert unexplained == {}, tally.differing
    assert tally.notes > 4_000
