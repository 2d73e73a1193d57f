"""Read every score of a folder and print what comes of it: how many sing, warnings by kind, and a second count.

    python benchmarks/breadth.py FOLDER [--show N]

The second count takes notes and lyric texts of each part straight from the MusicXML, with nothing of this project but
the unzipping; where it differs from what was read, the parts are listed by the reason that the reader's own warnings
give, and the rest as unexplained.
"""

from __future__ import annotations

import argparse
import io
import re
import statistics
import time
import traceback
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from singsynth_mcp.cpu_server.describing import describe
from singsynth_mcp.errors import SingSynthError
from singsynth_mcp.score.model import Part, Score
from singsynth_mcp.score.reading import read_score

SUFFIXES = {".mxl", ".musicxml", ".xml", ".mid", ".midi", ".kar", ".abc", ".mscx", ".mscz", ".ustx", ".ds"}
EXPLAINED = {"tie_unmatched", "lyric_on_tie", "zero_length", "lyric_on_rest", "unpitched_note"}
"""Warnings that say why a note or a syllable is counted another way."""
_VERSE_NUMBERS = re.compile(r"^\s*(?:\d{1,2}\s*[.):,&-]\s*)*\d{1,2}\s*[.):]\s*(?=\S|$)")
Texts = dict[int, Counter[str]]
"""Syllables of each verse."""


@dataclass
class Tally:
    """What a folder holds."""

    outcomes: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    """Files that have a warning of the kind."""
    seconds: list[float] = field(default_factory=list)
    compared: Counter[str] = field(default_factory=Counter)
    notes: int = 0
    syllables: int = 0
    differing: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)


def main() -> None:
    """Read the folder and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--show", type=int, default=20, help="how many differences to list")
    arguments = parser.parse_args()
    tally = Tally()
    for path in sorted(path for path in arguments.folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        read_file(path, tally)
    _print(tally, arguments.folder, arguments.show)


def read_file(path: Path, tally: Tally) -> None:
    """Read a file, describe it and count it a second time."""
    data = path.read_bytes()
    start = time.process_time()
    try:
        score = read_score(data, path.name)
        tally.seconds.append(time.process_time() - start)
        result = describe(score)
    except SingSynthError as error:
        tally.outcomes[f"refused: {error.code}"] += 1
        return
    except Exception:
        tally.crashed.append(f"{path.name}: {traceback.format_exc(limit=-2)}")
        return
    sung = any(part.played_notes for part in result.parts or ())
    has_words = any(note.lyrics for part in score.parts for line in part.lines for note in line.notes)
    tally.outcomes["sings" if sung else "has words, but no part that sings" if has_words else "has no words"] += 1
    tally.warnings.update({warning.code for warning in result.warnings or ()})
    if path.suffix.lower() in (".mxl", ".musicxml", ".xml"):
        _compare(path, data, score, tally)


def _compare(path: Path, data: bytes, score: Score, tally: Tally) -> None:
    root = ElementTree.fromstring(_document(data))
    counted = {part.get("id") or f"P{number}": part for number, part in enumerate(root.iterfind("part"), 1)}
    for part in score.parts:
        if part.id not in counted or not any(note.lyrics for line in part.lines for note in line.notes):
            continue
        tally.compared["parts with words"] += 1
        notes, texts = _raw_count(counted[part.id])
        read_notes, read_texts = sum(len(line.notes) for line in part.lines), _texts_of(part)
        tally.notes += notes
        tally.syllables += sum(sum(verse.values()) for verse in texts.values())
        # Of many warnings of a kind the last says only how many more there are, in whatever part.
        own = (
            warning for warning in score.warnings if warning.part == part.id or "more of this kind" in warning.message
        )
        codes = {warning.code for warning in own} & EXPLAINED
        for what, same, detail in (
            ("notes", notes == read_notes, f"{notes} in the file, {read_notes} read"),
            ("words", texts == read_texts, _difference(texts, read_texts)),
        ):
            tally.compared[f"{what} {'equal' if same else 'explained' if codes else 'unexplained'}"] += 1
            if not same:
                tally.differing.append(f"{path.name} {part.id} {what}: {detail} ({', '.join(sorted(codes)) or '?'})")


def _document(data: bytes) -> bytes:
    if not data.startswith(b"PK"):
        return data
    archive = zipfile.ZipFile(io.BytesIO(data))
    container = archive.read("META-INF/container.xml").decode("utf-8")
    return archive.read(re.findall(r'full-path="([^"]+)"', container)[0].replace("&apos;", "'").replace("&amp;", "&"))


def _raw_count(part: ElementTree.Element) -> tuple[int, Texts]:
    """Return a part's notes with a pitch, tied ones once, and its syllables, a chord's once for each of its notes."""
    notes = 0
    texts: Texts = defaultdict(Counter)
    chord: list[tuple[int, str]] = []
    for measure in part.iterfind("measure"):
        follows_cue = False
        for element in measure.iterfind("note"):
            if element.find("chord") is None:
                chord = []
            words = list(_raw_words(element))
            is_cue = element.find("cue") is not None
            # A small note without words counts where it follows one with words, which leads to it.
            if element.find("pitch") is None or (is_cue and not (words or follows_cue)):
                follows_cue = False
                continue
            follows_cue = is_cue
            ties = {tie.get("type") for tie in [*element.iterfind("tie"), *element.iterfind("notations/tied")]}
            if "stop" in ties and not words and element.find("grace") is None:
                continue
            notes += 1
            chord = chord or words
            for verse, text in chord:
                texts[verse][text] += 1
    return notes, dict(texts)


def _raw_words(note: ElementTree.Element) -> Iterator[tuple[int, str]]:
    """Yield (verse, letters) of a note's lyrics."""
    seen = set()
    for lyric in note.iterfind("lyric"):
        digits = re.findall(r"\d+", lyric.get("number", "1"))
        verse = max(1, int(digits[-1])) if digits else 1
        text = _letters("".join(text.text or "" for text in lyric.iterfind("text")))
        if text and verse not in seen:
            seen.add(verse)
            yield verse, text


def _letters(text: str) -> str:
    """Return the letters and digits of a text, without the numbers of its verses before them."""
    return "".join(filter(str.isalnum, _VERSE_NUMBERS.sub("", text.replace("\u00a0", " "))))


def _texts_of(part: Part) -> Texts:
    texts: Texts = defaultdict(Counter)
    for line in part.lines:
        for note in line.notes:
            for lyric in note.lyrics:
                if text := _letters("".join(lyric.syllables)):
                    texts[lyric.verse][text] += 1
    return dict(texts)


def _difference(raw: Texts, read: Texts) -> str:
    verses = sorted({*raw, *read})
    missing = [text for verse in verses for text in (raw.get(verse, Counter()) - read.get(verse, Counter()))]
    added = [text for verse in verses for text in (read.get(verse, Counter()) - raw.get(verse, Counter()))]
    return f"missing {missing[:5]}, added {added[:5]}"


def _print(tally: Tally, folder: Path, shown: int) -> None:
    total = sum(tally.outcomes.values()) + len(tally.crashed)
    print(f"{folder.name}: {total} files\n\n| outcome | files | share |\n|---|---|---|")
    for outcome, count in [*tally.outcomes.most_common(), ("unhandled exception", len(tally.crashed))]:
        print(f"| {outcome} | {count} | {count / max(total, 1):.1%} |")
    with_words = tally.outcomes["sings"] + tally.outcomes["has words, but no part that sings"]
    print(f"\nOf those with words {tally.outcomes['sings'] / max(with_words, 1):.1%} sing.")
    print("\n| warning | files |\n|---|---|")
    for code, count in tally.warnings.most_common():
        print(f"| {code} | {count} |")
    if tally.compared:
        print(f"\nSecond count: {tally.notes} notes and {tally.syllables} syllables in")
        print("\n| compared | parts |\n|---|---|")
        for what, count in sorted(tally.compared.items()):
            print(f"| {what} | {count} |")
    for line in [*tally.crashed, *tally.differing][:shown]:
        print(line)
    if tally.seconds:
        print(f"\nreading: median {statistics.median(tally.seconds):.3f} s, at most {max(tally.seconds):.3f} s of CPU")


if __name__ == "__main__":
    main()
