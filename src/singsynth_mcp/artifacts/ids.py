"""Artifact ids: what they look like, which tool makes which kind, and the errors about them, alike in every store."""

from __future__ import annotations

import re

from singsynth_mcp.artifacts.base import Kind
from singsynth_mcp.errors import ArtifactsMissing, StorageProblem, UnknownArtifact, WrongArtifactKind

_MADE_BY: dict[Kind, str] = {
    "upload": "an upload",
    "score": "parse_score",
    "phonemes": "phonemize",
    "performance": "align_phonemes_to_notes",
    "mel": "synthesize_audio",
    "audio": "vocode",
    "picture": "inspect_performance",
    "voicebank": "get_voicebank_info",
}
_ID = re.compile(rf"({'|'.join(_MADE_BY)})-[0-9a-f]{{12}}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_artifact_id(text: str) -> bool:
    """Return whether a text looks like `performance-3f9c21a07b44`."""
    return _ID.fullmatch(text) is not None


def is_sha256(text: str) -> bool:
    """Return whether a text is 64 hex digits."""
    return _SHA256.fullmatch(text) is not None


def check_kind(artifact_id: str, kinds: tuple[Kind, ...]) -> None:
    """Raise WrongArtifactKind for an id of a kind that is none of `kinds`; any kind will do when there are none."""
    kind = artifact_id.partition("-")[0]
    if kinds and kind in _MADE_BY and kind not in kinds:
        message = f"{artifact_id} is of kind {kind}; expected {_expected(kinds)}"
        raise WrongArtifactKind(message, hint=_next_step(kinds))


def unknown_artifact(artifact_id: str, kinds: tuple[Kind, ...]) -> UnknownArtifact:
    """Return the error for an id that a store does not hold."""
    message = f"there is no artifact {artifact_id!r}" + (
        f"; expected an id of kind {_expected(kinds)}" if kinds else ""
    )
    return UnknownArtifact(message, hint=_next_step(kinds), id=artifact_id)


def missing_blob(name: str) -> ArtifactsMissing:
    """Return the error for a blob that a store lacks."""
    return ArtifactsMissing(
        f"the store lacks blob {name[:12]}… (pruned, damaged, or made on another machine)",
        hint="Make the artifact again from its score, or call sing.",
        hashes=[name],
    )


def taken_id(artifact_id: str, place: str) -> StorageProblem:
    """Return the error for two artifacts whose hashes begin alike: one in some 10^14."""
    return StorageProblem(
        f"the id {artifact_id} already stands for another artifact in {place}",
        hint="Run `singsynth-mcp artifacts prune --max-days 0` to empty the store.",
    )


def _expected(kinds: tuple[Kind, ...]) -> str:
    return " or ".join(f"{name} (from {_MADE_BY[name]})" for name in kinds)


def _next_step(kinds: tuple[Kind, ...]) -> str:
    if not kinds:
        return "Call the tool that makes it again; ids are those that tools return."
    if kinds[0] == "upload":
        return "Upload the file again (POST /uploads), or give the score as path, text or base64 instead."
    return f"Call {_MADE_BY[kinds[0]]} (again) and pass the id that it returns."
