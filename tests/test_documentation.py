"""What the documents promise is there: tools, settings, commands, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from singsynth_mcp.cli.commands import build_app
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_readme_names_every_tool() -> None:
    assert {name for name in TOOLS if name not in README} == set()


def test_the_readme_names_every_setting() -> None:
    prefix = Settings.model_config["env_prefix"]
    assert {name for name in Settings.model_fields if f"{prefix}{name.upper()}" not in README} == set()


def test_the_readme_names_every_command() -> None:
    commands = {name for name in build_app() if not name.startswith("-")}
    assert {name for name in commands if not re.search(rf"\b{name}\b", README)} == set()


def test_every_make_target_in_the_documents_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        name
        for document in DOCUMENTS
        for name in re.findall(r"(?:^|`)make ([a-z-]+)", document.read_text("utf-8"), re.M)
    }
    assert named
    assert named - targets == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []


def threats() -> list[tuple[str, str]]:
    """Return the rows of docs/security.md: a threat, and the tests that show what stands against it."""
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")][1:]
    return [(cells[0].strip(), cells[-1].strip()) for cells in rows]


@pytest.mark.parametrize(("threat", "shown"), threats())
def test_every_threat_has_tests_that_are_there(threat: str, shown: str) -> None:
    if shown.startswith("(an operator's duty"):
        return
    named = re.findall(r"([\w/]+\.py): ((?:`\w+`(?:, )?)+)", shown)
    assert named, "name the file and its tests"
    assert re.sub(r"[\w/]+\.py: (`\w+`(, )?)+(; )?", "", shown) == ""
    for file, tests in named:
        [path] = [each for each in (ROOT / "tests").rglob(Path(file).name) if str(each).endswith(f"/{file}")]
        for test in re.findall(r"`(\w+)`", tests):
            assert re.search(rf"def {test}\(", path.read_text(encoding="utf-8")), f"{test} is not in {file}"
