"""docs/voicebanks.md lists every generation of the format with the test that proves it: each of those is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "voicebanks.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## Every generation of the format")[2].partition("\n## ")[0]
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TABLE.splitlines() if line.startswith("|")][2:]


def test_the_table_has_every_row_of_the_matrix() -> None:
    spans = [[int(number) for number in re.findall(r"\d+", row[0])] for row in ROWS]
    numbers = [number for span in spans if span for number in range(span[0], span[-1] + 1)]
    assert numbers == list(range(1, 31))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0] or row[1])
def test_the_tests_that_a_row_names_are_there(row: list[str]) -> None:
    assert row[-1]
    for place in row[-1].split(";"):
        path, _, names = place.strip().partition(":")
        folder = TESTS if path.startswith("gpu_server/") else TESTS / "synthesis"
        there = re.findall(r"^(?:async )?def (test_\w+)", (folder / f"{path}.py").read_text(encoding="utf-8"), re.M)
        for name in filter(None, re.split(r",\s*", names.strip())):
            assert any(re.search(rf"(?<![a-z0-9]){name}(?![0-9])", test) for test in there), f"{path}: {name}"
