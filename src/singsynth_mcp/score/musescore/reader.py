"""A MuseScore document → Score."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from singsynth_mcp.errors import InvalidScore, UnsupportedFormat
from singsynth_mcp.score.assembly import WrittenPart, assemble, check_notes
from singsynth_mcp.score.bars import Bar
from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.limits import EXPORT_HINT
from singsynth_mcp.score.model import Score
from singsynth_mcp.score.musescore.staff import StaffReader


def read_musescore(root: Element, name: str) -> Score:
    """Read a <museScore> tree.

    Raises UnsupportedFormat (before version 3, which wrote measures in another way), InvalidScore or NothingToSing.
    """
    version = root.get("version", "")
    score = root.find("Score")
    if not version[:1].isdecimal() or int(version.partition(".")[0]) < 3:
        message = f"{name} is a file of MuseScore {version[:10] or 'of unknown version'}; 3 and 4 are read"
        raise UnsupportedFormat(message, hint=f"Save it with MuseScore 4. {EXPORT_HINT}", file=name)
    if score is None:
        raise InvalidScore(f"{name} is a MuseScore file without a score", hint=EXPORT_HINT, file=name)
    staves = {staff.get("id") or str(number): staff for number, staff in enumerate(score.findall("Staff"), 1)}
    findings = Findings()
    bars: list[Bar] = []
    parts: list[WrittenPart] = []
    count = 0
    for number, element in enumerate(score.findall("Part"), 1):
        part = WrittenPart(f"P{number}", _part_name(element))
        parts.append(part)
        for within, staff in enumerate(element.findall("Staff"), 1):
            count += 1
            music = staves.get(staff.get("id") or str(count))
            if music is not None:
                StaffReader(part, within, bars, name, count == 1).read(music.findall("Measure"))
        if element.find("Instrument/useDrumset") is not None:
            part.unpitched, part.notes = len(part.notes), []
    _add_pickup(bars)
    check_notes(parts, name, f"{len(staves)} staves")
    return assemble(_title(score), parts, bars, findings)


def _add_pickup(bars: list[Bar]) -> None:
    """Give a first measure that is shorter than its meter the number 0, as MuseScore prints it."""
    if bars and bars[0].duration and bars[0].duration < bars[0].nominal:
        for number, bar in enumerate(bars):
            bar.number = str(number)


def _part_name(part: Element) -> str:
    name = part.findtext("trackName") or part.findtext("Instrument/longName") or part.findtext("Instrument/trackName")
    return " ".join((name or "").split())[:200]


def _title(score: Element) -> str:
    tags = {tag.get("name", ""): " ".join((tag.text or "").split()) for tag in score.iterfind("metaTag")}
    work, movement = tags.get("workTitle", ""), tags.get("movementTitle", "")
    return f"{work}: {movement}" if work and movement and work != movement else work or movement
