"""Parts and lines by the names that people and models give them."""

from __future__ import annotations

from collections.abc import Iterator

from singsynth_mcp.errors import NothingToSing, UnknownName
from singsynth_mcp.score.model import Line, Note, Part, Score

_LISTED = 40


def verses_of(*lines: Line) -> list[int]:
    """Return the verses that the lines' lyrics have, sorted."""
    return sorted({lyric.verse for line in lines for note in line.notes for lyric in note.lyrics})


def find_part(score: Score, name: str) -> Part:
    """Return a part by its id or name, whatever the case. Raises UnknownName, which lists the parts."""
    wanted = name.strip().casefold()
    for key in ("id", "name"):
        for part in score.parts:
            if getattr(part, key).casefold() == wanted:
                return part
    listing = ", ".join(f"{part.id} ({part.name})" for part in score.parts[:_LISTED])
    more = f" and {len(score.parts) - _LISTED} more" if len(score.parts) > _LISTED else ""
    raise UnknownName(f'There is no part "{name}"', hint=f"Parts: {listing}{more}", part=name)


def find_line(score: Score, name: str | None) -> tuple[Part, Line]:
    """Return a line and its part: "P1" or a part's name is its top line, "P1/2" the second; None, the first that sings.

    Raises UnknownName, or NothingToSing where no line has lyrics and none is named.
    """
    if name is None:
        return _first_with_lyrics(score)
    part_name, _, number = name.rpartition("/")
    if part_name and number.strip().isdecimal():
        part = find_part(score, part_name)
        if 1 <= int(number) <= len(part.lines):
            return part, part.lines[int(number) - 1]
        lines = ", ".join(line.id for line in part.lines)
        raise UnknownName(f'Part {part.id} has no line "{name}"', hint=f"Lines: {lines or 'none'}", part=name)
    part = find_part(score, name)
    if not part.lines:
        raise NothingToSing(f"Part {part.id} ({part.name}) has no notes with a pitch", hint="Choose another part")
    return part, part.lines[0]


def _first_with_lyrics(score: Score) -> tuple[Part, Line]:
    for part in score.parts:
        for line in part.lines:
            if verses_of(line):
                return part, line
    raise NothingToSing("The score has no lyrics", hint="Add some with modify_score (operation set_lyrics)")


def notes_of(score: Score) -> Iterator[tuple[Part, Line, Note]]:
    """Yield every note with its part and line."""
    for part in score.parts:
        for line in part.lines:
            for note in line.notes:
                yield part, line, note
