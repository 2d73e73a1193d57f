from __future__ import annotations

import base64
import json

import mcp_types as types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singsynth_mcp.errors import ArtifactsMissing, UnknownName
from singsynth_mcp.serving.results import (
    RESULT_LIMIT_BYTES,
    STRUCTURED_LIMIT_BYTES,
    capped,
    failure,
    fit_structured,
    success,
)


def test_a_result_is_text_and_structure_and_a_link_to_its_artifact():
    result = success({"state": "done", "id": "score-0123456789ab", "title": "うさぎ", "tempo": None})
    assert result.structured_content == {"state": "done", "id": "score-0123456789ab", "title": "うさぎ"}
    text, link = result.content
    assert json.loads(text.text) == result.structured_content
    assert (link.type, link.uri) == ("resource_link", "singsynth://artifacts/score-0123456789ab")
    assert not result.is_error


def test_a_running_job_says_what_to_call_next():
    result = success({"state": "running", "job_id": "gpu-0123456789ab", "progress": 0.4})
    assert "get_job" in result.content[1].text
    assert "gpu-0123456789ab" in result.content[1].text


def test_bytes_travel_once_as_audio_and_never_in_the_text():
    data = base64.b64encode(b"RIFF" * 1000).decode()
    result = success({"state": "done", "format": "wav", "base64": data})
    assert "base64" not in result.structured_content
    assert data not in result.content[0].text
    assert (result.content[-1].type, result.content[-1].mime_type) == ("audio", "audio/wav")
    assert result.content[-1].data == data


def test_a_drawn_picture_is_shown_unless_it_is_large(tmp_path):
    small, large, other = tmp_path / "small.png", tmp_path / "large.png", tmp_path / "other.png"
    small.write_bytes(b"\x89PNG" + bytes(100))
    large.write_bytes(b"\x89PNG" + bytes(400_000))
    other.write_bytes(b"secret")
    shown = success({"state": "done", "picture": str(small)}).content
    assert (shown[-1].type, base64.b64decode(shown[-1].data)) == ("image", small.read_bytes())
    for path in (large, other, tmp_path / "missing.png"):
        assert [block.type for block in success({"state": "done", "picture": str(path)}).content] == ["text"]
    assert success({"state": "done", "result": {"picture": str(small)}}).content[-1].type == "image"


def test_an_error_reads_as_code_message_and_hint():
    result = failure(UnknownName("there is no part 'P9'", hint="Parts: P1, P2.", part="P9"))
    assert result.is_error
    assert result.content[0].text == "unknown_name: there is no part 'P9'. Parts: P1, P2."
    error = result.structured_content["error"]
    assert (error["code"], error["hint"], error["details"]) == ("unknown_name", "Parts: P1, P2.", {"part": "P9"})


def test_the_largest_list_is_cut_until_the_structure_fits_and_next_says_where_to_go_on():
    words = [{"text": f"word{n}", "phonemes": ["ja/k", "ja/a"], "source": "rules"} for n in range(41, 81)]
    facts = fit_structured({"id": "phonemes-0123456789ab", "words": words * 2, "total": 500}, first_row=41)
    assert len(json.dumps(facts, ensure_ascii=False).encode()) <= STRUCTURED_LIMIT_BYTES
    kept = len(facts["words"])
    assert 20 < kept < 80
    assert facts["words"][0]["text"] == "word41"
    assert facts["next"].startswith(f"{41 + kept}-")


def test_an_error_with_many_details_fits_too():
    result = failure(ArtifactsMissing("blobs are missing", hashes=["0" * 64] * 1000))
    assert len(json.dumps(result.structured_content).encode()) <= STRUCTURED_LIMIT_BYTES
    assert result.structured_content["error"]["details"]["hashes"]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=10,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=12), st.lists(_json, max_size=40) | st.text(max_size=5000), max_size=4))
def test_any_structure_of_lists_and_texts_fits(facts):
    assert len(json.dumps(fit_structured(facts), ensure_ascii=False).encode()) <= STRUCTURED_LIMIT_BYTES


@pytest.mark.parametrize(("size", "too_large"), [(RESULT_LIMIT_BYTES - 1000, False), (RESULT_LIMIT_BYTES + 1, True)])
def test_no_result_is_larger_than_the_cap(size, too_large):
    result = types.CallToolResult(content=[types.TextContent(type="text", text="x" * size)])
    answer = capped(result, "save_audio")
    assert (answer.is_error is True) == too_large
    assert len(answer.model_dump_json()) <= RESULT_LIMIT_BYTES
    assert ("result_too_large" in answer.content[0].text) == too_large
