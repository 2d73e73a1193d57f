"""What a reader passed over, collected as warnings without drowning whoever reads them."""

from __future__ import annotations

from collections import defaultdict

from singsynth_mcp.score.model import ScoreWarning

MAX_PER_CODE = 3


class Findings:
    """Warnings in the order found; of each code the first few, then one that counts the rest."""

    def __init__(self) -> None:
        self._by_code: dict[str, list[ScoreWarning]] = defaultdict(list)
        self._counts: dict[str, int] = defaultdict(int)

    def add(
        self,
        code: str,
        message: str,
        *,
        part: str | None = None,
        measure: str | None = None,
        beat: float | None = None,
    ) -> None:
        """Note one finding."""
        self._counts[code] += 1
        if len(self._by_code[code]) < MAX_PER_CODE:
            self._by_code[code].append(ScoreWarning(code, message, part, measure, beat))

    def warnings(self) -> tuple[ScoreWarning, ...]:
        """Return what was found."""
        found: list[ScoreWarning] = []
        for code, warnings in self._by_code.items():
            found += warnings
            if (more := self._counts[code] - len(warnings)) > 0:
                found.append(ScoreWarning(code, f"… and {more} more of this kind", warnings[-1].part))
        return tuple(found)
