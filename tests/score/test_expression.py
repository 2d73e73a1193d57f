"""What the page says beside the notes: tempo and dynamics in words and signs, articulation, swing, verses' notes."""

from __future__ import annotations

import pytest

from singsynth_mcp.score.blobs import score_from_bytes, score_to_bytes
from singsynth_mcp.score.model import Score
from singsynth_mcp.score.played import PlayedPart, played_part
from singsynth_mcp.score.reading import read_score
from singsynth_mcp.score.timeline import Timeline
from tests.score.musicxml_text import attributes, document, note, part

SUNG = note(duration=4, lyric="la")


def words(text: str) -> str:
    return f"<direction><direction-type><words>{text}</words></direction-type></direction>"


def dynamic(sign: str) -> str:
    return f"<direction><direction-type><dynamics><{sign}/></dynamics></direction-type></direction>"


def wedge(kind: str) -> str:
    return f'<direction><direction-type><wedge type="{kind}"/></direction-type></direction>'


def read(*measures: str) -> Score:
    score = read_score(document(part(*measures)))
    assert score_from_bytes(score_to_bytes(score)) == score
    return score


def bends(score: Score) -> list[tuple[float, float, float, float]]:
    return [(float(one.position), float(one.end), one.first, one.last) for one in score.bends]


class TestTempo:
    @pytest.mark.parametrize(
        ("text", "tempo"), [("Andante", 76), ("Sehr langsam", 56), ("Allegro con brio", 126), ("Vivace.", 144)]
    )
    def test_words_where_no_number_stands(self, text: str, tempo: float) -> None:
        score = read(words(text) + SUNG)
        assert score.tempos[0].quarters_per_minute == tempo
        assert [one.code for one in score.warnings] == ["tempo_in_words"]

    def test_a_number_wins(self) -> None:
        score = read(words("Andante") + '<sound tempo="60"/>' + SUNG, words("Allegro") + SUNG)
        assert [tempo.quarters_per_minute for tempo in score.tempos] == [60]

    def test_a_ritardando_slows_until_the_tempo_is_back(self) -> None:
        score = read(SUNG, words("rit.") + SUNG, SUNG, words("a tempo") + SUNG)
        assert bends(score) == [(4, 12, 1, 0.78)]
        seconds = Timeline(score).seconds_at
        bars = [seconds(4 * n + 4) - seconds(4 * n) for n in range(4)]  # type: ignore[arg-type]
        assert (bars[0], bars[3]) == pytest.approx((2, 2))
        assert 2 < bars[1] < bars[2] < 2 / 0.78

    def test_how_much_and_which_way(self) -> None:
        score = read(words("poco rit.") + SUNG, words("accel. molto") + SUNG, words("più mosso") + SUNG, SUNG)
        assert bends(score) == [(0, 4, 1, 0.89), (4, 8, 1, 1.4), (8, 16, 1.15, 1.15)]

    def test_beside_a_number_the_word_is_told_by_it(self) -> None:
        assert bends(read(SUNG, words("rit.") + '<sound tempo="90"/>' + SUNG)) == []

    def test_one_that_nothing_ends_is_over_after_four_measures(self) -> None:
        assert bends(read(words("rit.") + SUNG, *[SUNG] * 8)) == [(0, 16, 1, 0.78)]

    def test_words_of_song_and_piano_count_once(self) -> None:
        two = document(part(words("rit.") + SUNG), part(words("rit.") + SUNG, id="P2"))
        assert len(read_score(two).bends) == 1


class TestLoudness:
    @staticmethod
    def curve(*measures: str) -> list[tuple[float, float]]:
        return [(float(point.position), point.decibels) for point in read(*measures).parts[0].loudness]

    def test_levels_are_jumps(self) -> None:
        assert self.curve(dynamic("p") + SUNG, dynamic("f") + SUNG) == [(0, -7), (4, -7), (4, 3)]

    def test_a_hairpin_leads_to_the_next_level(self) -> None:
        start = dynamic("p") + wedge("crescendo") + note(duration=2, lyric="a")
        assert self.curve(start + wedge("stop") + dynamic("f") + note(duration=2)) == [(0, -7), (2, 3)]

    def test_a_hairpin_without_a_goal(self) -> None:
        assert self.curve(wedge("diminuendo") + SUNG + wedge("stop")) == [(0, 0), (4, -4)]

    def test_crescendo_in_words_goes_on_to_the_level(self) -> None:
        assert self.curve(dynamic("pp") + words("cresc.") + SUNG, SUNG, dynamic("ff") + SUNG) == [(0, -12), (8, 6)]

    def test_a_sforzato_is_back_after_a_quarter(self) -> None:
        assert self.curve(dynamic("sfz") + SUNG) == [(0, 4), (1, 0)]

    def test_none_where_none_are(self) -> None:
        assert self.curve(SUNG) == []


def played(*measures: str, verse: int | None = None) -> PlayedPart:
    return played_part(read(*measures), verse=verse)


def test_articulations_are_kept_and_staccato_is_short() -> None:
    mark = "<notations><articulations><{}/></articulations></notations>"
    score = read(
        note(lyric="a", inside=mark.format("staccato")) + note(lyric="b", inside=mark.format("strong-accent"))
        + note(lyric="c", inside=mark.format("detached-legato")) + note(lyric="d", inside=mark.format("caesura"))
    )  # fmt: skip
    notes = score.parts[0].lines[0].notes
    assert [one.articulations for one in notes] == [("staccato",), ("accent",), ("tenuto",), ()]
    assert notes[3].breath_mark
    assert [one.duration_s for one in played_part(score).notes] == pytest.approx([0.4, 0.5, 0.5, 0.5])


def test_a_staccato_vowel_that_is_held_stays_whole() -> None:
    mark = "<notations><articulations><staccato/></articulations></notations>"
    assert played(note(lyric="a", inside=mark) + note("D4")).notes[0].duration_s == 0.5


@pytest.mark.parametrize("mark", [words("Swing"), "<sound><swing><first>2</first><second>1</second></swing></sound>"])
def test_swung_eighths(mark: str) -> None:
    eighths = attributes(2) + note(lyric="a") * 8
    starts = [float(one.start_quarters) for one in played(mark + eighths).notes]
    assert starts[:4] == pytest.approx([0, 2 / 3, 1, 5 / 3])
    straight = [float(one.start_quarters) for one in played(eighths).notes]
    assert straight[:4] == [0, 0.5, 1, 1.5]


class TestVersesWithNotesOfTheirOwn:
    """Verse 1 has a half note, verse 2 two quarters in a second voice, small as engravers write them."""

    REPEAT = '<barline><repeat direction="backward"/></barline>'
    BACK = "<backup><duration>2</duration></backup>"

    @staticmethod
    def lyric(verse: int, text: str) -> str:
        return f'<lyric number="{verse}"><text>{text}</text></lyric>'

    def measure(self, cue: str = "") -> str:
        first = note("C4", 2, lyrics=self.lyric(1, "Lie") + self.lyric(2, "stört"))
        second = note("E4", 2, lyrics=self.lyric(1, "be"))
        small = [note("E4", 1, lyrics=self.lyric(2, text), inside="<voice>2</voice>") for text in ("nicht", "die")]
        small = [text.replace("<note>", f"<note>{cue}") for text in small]
        return first + second + self.BACK + "".join(small) + self.REPEAT

    @pytest.mark.parametrize("cue", ["", "<cue/>"])
    def test_each_pass_sings_its_rhythm(self, cue: str) -> None:
        part_ = played(self.measure(cue))
        assert [(one.lyric.syllables[0], float(one.duration_quarters)) for one in part_.notes if one.lyric] == [
            ("Lie", 2), ("be", 2), ("stört", 2), ("nicht", 1), ("die", 1),
        ]  # fmt: skip
        assert part_.warnings == ()

    def test_a_cue_without_words_is_not_sung(self) -> None:
        cue = note("G5", 4).replace("<note>", "<note><cue/>")
        assert len(read(SUNG + "<backup><duration>4</duration></backup>" + cue).parts[0].lines) == 1


def test_elisions_as_musescore_exports_them() -> None:
    texts = "<lyric><syllabic>middle</syllabic><text>ra</text><text>\ue551</text><text>ar</text></lyric>"
    score = read(note(lyric="mo", syllabic="begin") + note(lyrics=texts) + note(lyric="den", syllabic="end"))
    lyrics = [one.lyrics[0] for one in score.parts[0].lines[0].notes]
    assert lyrics[1].syllables == ("ra", "ar")
    assert [lyric.syllabic for lyric in lyrics] == ["begin", "middle", "end"]


def test_what_is_not_sung_is_told() -> None:
    harmony = "<harmony><root><root-step>C</root-step></root><kind>major</kind></harmony>"
    trill = "<notations><ornaments><trill-mark/></ornaments></notations>"
    rest = note("rest", 1, "hey")
    score = read(harmony + note(lyric="la", inside=trill) + rest)
    assert {one.code for one in score.warnings} == {"chord_symbols", "ornament", "lyric_on_rest"}
