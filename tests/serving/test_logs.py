from __future__ import annotations

import json
import logging
import sys

from pydantic import BaseModel, ValidationError

from singsynth_mcp.artifacts.tenants import working_for
from singsynth_mcp.serving.logs import JsonLines


def line_of(message, *arguments, exc_info=None, content=False):
    record = logging.LogRecord("a.b", logging.ERROR, "", 0, message, arguments, exc_info)
    line = JsonLines(content=content).format(record)
    assert "\n" not in line
    return json.loads(line)


def failure(error):
    try:
        try:
            raise KeyError("はるの")
        except KeyError as cause:
            raise error from cause
    except Exception:
        return sys.exc_info()


def test_a_log_record_is_one_line_of_json():
    facts = line_of("it %s\nfailed", "そう", exc_info=failure(ValueError("two\nlines")), content=True)
    assert (facts["level"], facts["logger"], facts["message"]) == ("error", "a.b", "it そう\nfailed")
    assert "two\nlines" in facts["traceback"]


def test_what_exceptions_say_is_not_logged_unless_asked():
    facts = line_of("failed", exc_info=failure(ValueError("no phoneme for こみち")))
    assert "こみち" not in json.dumps(facts, ensure_ascii=False)
    assert "はるの" not in json.dumps(facts, ensure_ascii=False)
    assert facts["traceback"].splitlines()[0] == "ValueError"
    assert "KeyError" in facts["traceback"]
    assert "test_logs.py" in facts["traceback"]


def test_what_pydantic_quotes_is_not_logged_unless_asked():
    class Note(BaseModel):
        midi: int

    try:
        Note.model_validate({"midi": "さくら, さくら"})
    except ValidationError as error:
        quoted = str(error)
    assert "さくら" in line_of(f"bad: {quoted}", content=True)["message"]
    assert "さくら" not in line_of(f"bad: {quoted}")["message"]


def test_tokens_are_never_logged():
    for token in ("Bearer ssk_AbC-_123", "ssk_AbC-_123", "eyJhbGciOi.eyJzdWIi.c2ln"):
        for content in (True, False):
            text = line_of(f"refused {token}!", content=content, exc_info=failure(ValueError(token)))
            assert "AbC" not in json.dumps(text)
            assert "eyJ" not in json.dumps(text)


def test_a_line_says_whose_work_it_is():
    with working_for("ann"):
        assert line_of("x")["tenant"] == "ann"
    assert "tenant" not in line_of("x")
