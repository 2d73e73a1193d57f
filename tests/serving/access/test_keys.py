from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from singsynth_mcp.errors import FileProblem, UnknownName
from singsynth_mcp.serving.access.callers import Limits
from singsynth_mcp.serving.access.keys import KeyFile, KeyLimits, add_key, read_keys, remove_key


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.json"


def test_a_token_opens_for_its_key_and_stands_nowhere(path):
    token = add_key(path, "alice", "acme", limits=KeyLimits(requests_per_minute=9))
    keys = KeyFile(path)
    caller = keys.caller(token)
    assert (caller.name, caller.tenant, caller.is_proxy) == ("alice", "acme", False)
    assert caller.limits == Limits(requests_per_minute=9)
    assert keys.caller(token[:-1]) is None
    assert keys.caller("\udcff") is None
    assert token not in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o077 == 0


def test_a_key_without_a_tenant_is_a_tenant_of_its_own(path):
    first, second = add_key(path, "alice"), add_key(path, "bob")
    keys = KeyFile(path)
    assert (keys.caller(first).tenant, keys.caller(second).tenant) == ("alice", "bob")


def test_limits_of_the_file_are_for_keys_without_their_own(path):
    token = add_key(path, "alice")
    facts = json.loads(path.read_bytes())
    path.write_text(json.dumps(facts | {"limits": {"requests_per_day": 5}}), encoding="utf-8")
    assert KeyFile(path).caller(token).limits == Limits(requests_per_day=5)


def test_an_expired_token_is_refused(path):
    now = datetime.now(UTC)
    token = add_key(path, "alice", expires=now + timedelta(hours=1))
    keys = KeyFile(path)
    assert keys.caller(token, now + timedelta(minutes=59)) is not None
    assert keys.caller(token, now + timedelta(minutes=60)) is None


def test_the_file_is_read_again_when_it_changes(path):
    first = add_key(path, "alice")
    keys = KeyFile(path)
    second = add_key(path, "bob")
    assert keys.caller(second) is not None
    renewed = add_key(path, "alice")
    assert (keys.caller(first), keys.caller(renewed).name) == (None, "alice")
    remove_key(path, "bob")
    assert keys.caller(second) is None


@pytest.mark.parametrize("broken", ["{", "[]", '{"keys": [{"name": "a"}]}', '{"more": 1}', None])
def test_while_the_file_cannot_be_read_nobody_gets_in(path, broken):
    token = add_key(path, "alice")
    good = path.read_bytes()
    keys = KeyFile(path)
    if broken is None:
        path.unlink()
    else:
        path.write_text(broken, encoding="utf-8")
    assert keys.caller(token) is None
    path.write_bytes(good)
    os.utime(path, (1, 1))
    assert keys.caller(token) is not None


def test_a_file_that_is_wrong_is_an_error_that_says_where_and_quotes_nothing(path):
    path.write_text('{"keys": [{"name": "Alice!", "tenant": "a", "sha256": "secret"}]}', encoding="utf-8")
    with pytest.raises(FileProblem) as wrong:
        KeyFile(path)
    assert "keys.0.name" in str(wrong.value)
    assert "keys.0.sha256" in str(wrong.value)
    assert "secret" not in str(wrong.value)


@pytest.mark.parametrize(("name", "tenant"), [("", None), ("Alice", None), ("alice", "../x"), ("a/b", None)])
def test_names_that_would_lead_elsewhere_are_refused(path, name, tenant):
    with pytest.raises(FileProblem, match="lower-case"):
        add_key(path, name, tenant)
    assert not path.exists()


def test_two_keys_of_one_name_are_refused(path):
    add_key(path, "alice")
    facts = json.loads(path.read_bytes())
    path.write_text(json.dumps({"keys": facts["keys"] * 2}), encoding="utf-8")
    with pytest.raises(FileProblem, match="one name"):
        read_keys(path)


def test_removing_a_key_that_is_not_there_lists_those_that_are(path):
    add_key(path, "alice")
    with pytest.raises(UnknownName, match="Keys: alice"):
        remove_key(path, "bob")
