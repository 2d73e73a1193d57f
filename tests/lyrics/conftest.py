from __future__ import annotations

from pathlib import Path

import pytest

from singsynth_mcp.voicebanks import Voicebank
from tests.voicebank_texts import bilingual_bank, english_bank, kana_bank, romaji_bank, wordless_bank


@pytest.fixture(scope="session")
def kana(tmp_path_factory: pytest.TempPathFactory) -> Voicebank:
    return kana_bank(Path(tmp_path_factory.mktemp("banks")))


@pytest.fixture(scope="session")
def romaji(tmp_path_factory: pytest.TempPathFactory) -> Voicebank:
    return romaji_bank(Path(tmp_path_factory.mktemp("banks")))


@pytest.fixture(scope="session")
def wordless(tmp_path_factory: pytest.TempPathFactory) -> Voicebank:
    return wordless_bank(Path(tmp_path_factory.mktemp("banks")))


@pytest.fixture(scope="session")
def english(tmp_path_factory: pytest.TempPathFactory) -> Voicebank:
    return english_bank(Path(tmp_path_factory.mktemp("banks")))


@pytest.fixture(scope="session")
def bilingual(tmp_path_factory: pytest.TempPathFactory) -> Voicebank:
    return bilingual_bank(Path(tmp_path_factory.mktemp("banks")))
