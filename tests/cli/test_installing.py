from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from singsynth_mcp.settings import Settings
from tests import voicebank_factory as factory
from tests.archives import link_zip, zip_of
from tests.cli.conftest import Here


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    bank = factory.multi(tmp_path / "made" / "sine")
    (bank / "利用規約.txt").write_bytes("商用利用可\nクレジット\x1b[2J必須".encode("shift_jis"))
    return zip_of(tmp_path / "sine.zip", bank)


@pytest.fixture
def own() -> Path:
    return Settings().user_voicebanks


def test_a_bank_is_installed_when_its_terms_are_accepted_and_removed_again(
    here: Here, archive: Path, own: Path
) -> None:
    refused = here("voicebanks", "install", archive)
    assert refused.code == 2
    assert "--- sine/利用規約.txt\n商用利用可\nクレジット�[2J必須\n---" in refused.out
    assert "--accept-licence" in refused.err
    assert list(own.iterdir()) == []

    done = here("voicebanks", "install", archive, "--accept-licence")
    assert done.code == 0, done.err
    assert f"Installed voicebank sine in {own / 'sine'}" in done.out
    listed = json.loads(here("voicebanks", "list", "--json").out)["voicebanks"]
    assert {"aviary", "sine"} == {row["id"] for row in listed}
    assert "CC0-1.0" in here("voicebanks", "info", "sine").out

    again = here("voicebanks", "install", archive, "--accept-licence")
    assert again.code == 2
    assert "--replace" in again.err
    assert here("voicebanks", "remove", "sine").out == f"Removed {own / 'sine'}\n"
    assert here("voicebanks", "remove", "aviary").code == 1


def test_a_bank_without_terms_says_so_and_is_installed(here: Here, tmp_path: Path) -> None:
    done = here("voicebanks", "install", factory.plain(tmp_path / "made" / "plain"))
    assert done.code == 0
    assert "warning: plain comes without a licence text" in done.err
    assert "Installed voicebank plain" in done.out


def test_a_hostile_archive_is_two_lines_and_leaves_nothing(here: Here, tmp_path: Path, own: Path) -> None:
    done = here("voicebanks", "install", link_zip(tmp_path / "evil.zip", "bank/x", "/etc/passwd"), "--accept-licence")
    assert done.code == 1
    assert done.err.startswith("error: evil.zip: bank/x is a link")
    assert len(done.err.splitlines()) == 2
    assert list(own.iterdir()) == []


@pytest.mark.parametrize(("typed", "code"), [(b"y\n", 0), (b"\n", 2)])
def test_on_a_terminal_it_asks(archive: Path, tmp_path: Path, typed: bytes, code: int) -> None:
    keyboard, terminal = pty.openpty()
    os.write(keyboard, typed)
    done = subprocess.run(
        [sys.executable, "-m", "singsynth_mcp", "voicebanks", "install", str(archive)],
        env=os.environ | {"SINGSYNTH_USER_VOICEBANKS": str(tmp_path / "own"), "PYTHONUTF8": "1"},
        stdin=terminal,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    os.close(keyboard)
    os.close(terminal)
    assert done.returncode == code, done.stderr
    assert "Do you accept the terms of sine? [y/N]" in done.stdout
    assert (tmp_path / "own" / "sine" / "dsconfig.yaml").is_file() == (code == 0)
