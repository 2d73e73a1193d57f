"""The bytes of a score, in whatever form an argument gives them."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable
from pathlib import Path

from anyio import to_thread

from singsynth_mcp.contracts.score import ScoreSource
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.errors import ArtifactsMissing, FileProblem, InvalidRequest, InvalidScore, UnsupportedFormat
from singsynth_mcp.score.limits import EXPORT_HINT, MAX_BYTES
from singsynth_mcp.serving.paths import readable_file

MAX_BASE64_BYTES = 2 * 2**20
_FORMS = ("path", "text", "base64", "upload", "score")
_ENCODING = re.compile(r"""^(\s*<\?xml[^>]*?)\s+encoding\s*=\s*(["'])[^"']*\2""")


def chosen_form(source: ScoreSource) -> str:
    """Return the one form in which the score is given. Raises InvalidRequest unless it is exactly one."""
    given = [form for form in _FORMS if getattr(source, form) is not None]
    if len(given) != 1:
        message = f"A score is given in exactly one form; here it is {' and '.join(given) or 'none'}"
        raise InvalidRequest(message, hint=f"Give one of {', '.join(_FORMS)}")
    return given[0]


async def source_bytes(source: ScoreSource, services: CpuServices) -> tuple[bytes, str]:
    """Return the score's bytes and what errors shall call them; `score` is not a form with bytes.

    Raises InvalidRequest, PathNotAllowed, FileProblem, InvalidScore, or what the store raises for an upload.
    """
    if source.path is not None:
        return await to_thread.run_sync(_read_file, source.path, services.readable)  # disks may be slow, or far away
    if source.text is not None:
        return _text_bytes(source.text), "the text"
    if source.base64 is not None:
        return _base64_bytes(source.base64), "the base64 data"
    manifest = await services.store.get(source.upload or "", "upload")
    try:
        return await services.store.get_blob(manifest.entries[0].blob), manifest.header.get("name") or manifest.id
    except ArtifactsMissing as error:
        error.hint = "The file has not arrived: send it to where the upload's answer said, then call again."
        raise


def _read_file(text: str, readable: Iterable[Path]) -> tuple[bytes, str]:
    path = readable_file(text, readable)
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1), path.name
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror})"
        raise FileProblem(message, hint="Check its permissions", path=str(path)) from error


def _text_bytes(text: str) -> bytes:
    """Return UTF-8; an encoding that the XML declares was that of the file the text comes from."""
    start = text.lstrip("\ufeff \t\r\n")[:300]
    is_path = "\n" not in start.strip() and Path(start.strip()[:200]).suffix and start[0] not in "<{["
    if is_path:
        message = f'The text is no score: it starts with "{start.strip()[:60]}"'
        raise UnsupportedFormat(message, hint="To read a file, give path instead of text")
    try:
        return _ENCODING.sub(r"\1", text.lstrip("\ufeff"), count=1).encode()
    except UnicodeEncodeError as error:
        raise InvalidScore(f"The text is not valid Unicode at character {error.start}", hint=EXPORT_HINT) from error


def _base64_bytes(text: str) -> bytes:
    limit = MAX_BASE64_BYTES // 2**20
    payload = "".join(text.partition("base64,")[2].split() if text.startswith("data:") else text.split())
    if len(payload) * 3 // 4 > MAX_BASE64_BYTES + 2:
        message = f"base64 holds {len(payload) * 3 / 4 / 2**20:.1f} MB; at most {limit} MB are taken inline"
        raise InvalidRequest(message, hint="Save it as a file and give its path, or compress it as .mxl")
    try:
        return b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as error:
        message = f"base64 is not valid base64 ({error})"
        raise InvalidRequest(message, hint="Encode the file's bytes, or give path or text") from error
