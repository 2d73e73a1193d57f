"""What a score's dynamics come to in the sound, with the shipped voice."""

from __future__ import annotations

import numpy as np
import pytest

from singsynth_mcp.contracts.sing import SingRequest
from singsynth_mcp.media.sung import sung_notes
from singsynth_mcp.performance.blobs import audio_from_bytes, phrase_from_bytes
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.recipes.sing import sing
from singsynth_mcp.settings import Settings
from tests.score.musicxml_text import document, note, part
from tests.score.test_expression import dynamic, wedge
from tests.voicebanks.test_aviary import FOLDER

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice has not been made yet: make voice")
LA = note("A4", 2, "ら")
MARKED = (
    dynamic("p") + LA + dynamic("f") + LA,
    wedge("diminuendo") + note("A4", 4, "ら") + wedge("stop") + dynamic("pp"),
)
PLAIN = (LA + LA, note("A4", 4, "ら"))


@pytest.fixture
def caller(tmp_path) -> LocalCaller:
    return LocalCaller(Settings(artifacts=tmp_path / "artifacts", output=tmp_path / "output", threads=1))


async def levels(caller: LocalCaller, measures: tuple[str, ...], **controls: float) -> np.ndarray:
    """The notes' levels, the last one's at its beginning and its end."""
    text = document(part(*measures)).decode()
    request = SingRequest.model_validate({"text": text, "language": "ja", "controls": controls, "breaths": False})
    result = await sing(request, caller)
    assert result.parts
    store = caller._store
    entries = [(await store.get(one)).entries[0] for one in (result.parts[0].performance, result.parts[0].audio)]
    phrase, audio = phrase_from_bytes(await store.get_blob(entries[0].blob)), await store.get_blob(entries[1].blob)
    heard = audio_from_bytes(audio)
    samples = np.arange(len(heard.audio)) / heard.sample_rate + heard.offset_s
    ends = [heard.audio[(samples >= start) & (samples < start + 0.2)] for start in (2.2, 3.6)]
    notes = [one.level_db for one in sung_notes(heard, phrase)][:2]
    return np.array([*notes, *(20 * np.log10(np.sqrt(np.mean(end**2))) for end in ends)])


async def test_dynamics_and_hairpins_are_sung_by_default(caller: LocalCaller) -> None:
    plain, marked = await levels(caller, PLAIN), await levels(caller, MARKED)
    # p, f, and the hairpin from f to pp over two seconds, at 0.3 and 1.7 s of it.
    np.testing.assert_allclose(marked - plain, [-7, 3, 3 - 15 * 0.15, 3 - 15 * 0.85], atol=0.5)


async def test_the_control_dynamics_says_how_far(caller: LocalCaller) -> None:
    plain = await levels(caller, PLAIN)
    np.testing.assert_allclose(await levels(caller, MARKED, dynamics=0), plain, atol=1e-9)
    half = await levels(caller, MARKED, dynamics=0.5, loudness=-2)
    np.testing.assert_allclose((half - plain)[:2], [-3.5 - 2, 1.5 - 2], atol=0.5)
