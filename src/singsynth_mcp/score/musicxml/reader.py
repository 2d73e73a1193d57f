"""A MusicXML document → Score (MusicXML 4.0, W3C Community Group Final Report)."""

from __future__ import annotations

from collections import defaultdict
from xml.etree.ElementTree import Element

from singsynth_mcp.errors import InvalidScore, NothingToSing, UnsupportedFormat
from singsynth_mcp.score.assembly import WrittenPart, assemble, check_notes
from singsynth_mcp.score.bars import Bar
from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.limits import EXPORT_HINT
from singsynth_mcp.score.model import Score
from singsynth_mcp.score.musicxml.lyrics import default_language
from singsynth_mcp.score.musicxml.part import PartReader

_OTHER_KINDS = {
    "html": "a web page (HTML), as a failed download leaves,",
    "mei": "MEI",
    "opus": "a MusicXML opus, a list of scores",
    "container": "the table of contents of an .mxl file",
    "svg": "an SVG picture",
    "GPIF": "a Guitar Pro file",
}


def read_musicxml(root: Element, name: str) -> Score:
    """Read a MusicXML tree.

    Raises InvalidScore (numbers that are none), UnsupportedFormat (XML of another kind) or NothingToSing (no parts, no
    notes with a pitch).
    """
    _drop_namespaces(root)
    measures = _measures_by_part(root, name)
    names = _part_names(root)
    parts = [WrittenPart(part, names.get(part) or part) for part in measures]
    findings = Findings()
    bars: list[Bar] = []
    language = default_language(root)
    for index, part in enumerate(parts):
        PartReader(part, bars, findings, language, index == 0).read(measures[part.id])
    check_notes(parts, name)
    return assemble(_title(root), parts, bars, findings, language)


def _drop_namespaces(root: Element) -> None:
    """MusicXML has no namespace; some writers put one in all the same."""
    if root.tag.startswith("{"):
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]


def _measures_by_part(root: Element, name: str) -> dict[str, list[Element]]:
    """Return each part's measures in document order; a timewise score is turned round."""
    parts: dict[str, list[Element]] = defaultdict(list)
    if root.tag == "score-partwise":
        for number, part in enumerate(root.iterfind("part"), 1):
            part_id = part.get("id") or f"P{number}"
            if part_id in parts:
                message = f'{name} has two parts with the id "{part_id}"'
                raise InvalidScore(message, hint="Export the score again", file=name, part=part_id)
            parts[part_id] = part.findall("measure")
    elif root.tag == "score-timewise":
        for measure in root.iterfind("measure"):
            for number, part in enumerate(measure.iterfind("part"), 1):
                turned = Element("measure", measure.attrib)
                turned.extend(part)
                parts[part.get("id") or f"P{number}"].append(turned)
    else:
        kind = _OTHER_KINDS.get(root.tag, f"XML of another kind (<{root.tag}>)")
        raise UnsupportedFormat(f"{name} is {kind}, not MusicXML", hint=EXPORT_HINT, file=name)
    if not parts:
        raise NothingToSing(f"{name} has no parts", hint="Export the score again with its staves", file=name)
    return parts


def _part_names(root: Element) -> dict[str, str]:
    parts = root.iterfind("part-list/score-part")
    return {part.get("id", ""): " ".join((part.findtext("part-name") or "").split()) for part in parts}


def _title(root: Element) -> str:
    """Return the work's title, with the movement's where both are given and differ."""
    work, movement = (" ".join((root.findtext(path) or "").split()) for path in ("work/work-title", "movement-title"))
    if work and movement and work != movement:
        return f"{work}: {movement}"
    return work or movement or "Untitled"
