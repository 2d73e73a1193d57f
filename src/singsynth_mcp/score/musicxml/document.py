"""Bytes → element tree, guarded: no entity of a DTD is ever declared, and errors say where."""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.parsers import expat

from singsynth_mcp.errors import InvalidScore


class _RootReached(Exception):
    """Raised at the root's start tag: nothing can be declared after it."""


def parse_xml(data: bytes, name: str) -> ElementTree.Element:
    """Parse an XML document that declares no entities; no external file is ever read.

    Raises InvalidScore with line and column, and the part and measure in which a MusicXML file breaks off.
    """
    try:
        _check_prolog(data, name)
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        reason = expat.errors.messages.get(error.code, "broken")
        raise _syntax_error(data, name, reason, error.position) from error
    except expat.ExpatError as error:
        reason = expat.errors.messages.get(error.code, "broken")
        raise _syntax_error(data, name, reason, (error.lineno, error.offset)) from error
    except (LookupError, ValueError) as error:
        message = f"{name} has an encoding that cannot be read ({error})"
        raise InvalidScore(message, hint="Save it as UTF-8", file=name) from error


def _check_prolog(data: bytes, name: str) -> None:
    """Refuse entity declarations before the tree builder sees them; stops at the root's start tag."""
    parser = expat.ParserCreate()

    def refuse(entity: str, *facts: object) -> None:
        line = parser.CurrentLineNumber
        message = f'{name} declares the entity "{entity}" (line {line})'
        raise InvalidScore(message, hint="Remove the declaration: MusicXML needs none", file=name, line=line)

    def stop(tag: str, attributes: dict[str, str]) -> None:
        raise _RootReached

    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = stop
    try:
        parser.Parse(data, True)
    except _RootReached:
        return


def _syntax_error(data: bytes, name: str, reason: str, position: tuple[int, int]) -> InvalidScore:
    line, column = position
    *lines, last = data.split(b"\n")[:line]
    before = b"\n".join([*lines, last[:column]])
    part = re.findall(rb'<part\s[^>]*id="([^"]*)"', before)
    measure = re.findall(rb'<measure\s[^>]*number="([^"]*)"', before)
    where = f"line {line}, column {column + 1}"
    details: dict[str, str | int] = {"file": name, "line": line, "column": column + 1}
    if part and measure:
        details |= {"part": part[-1].decode("utf-8", "replace"), "measure": measure[-1].decode("utf-8", "replace")}
        where += f"; part {details['part']}, measure {details['measure']}"
    if reason in ("no element found", "unclosed token", "unclosed CDATA section"):
        message = f"{name} breaks off before its end ({where})"
        return InvalidScore(message, hint="The file is truncated: download or export it again", **details)
    message = f"{name} is not well-formed XML: {reason} ({where})"
    return InvalidScore(message, hint="Mend that line, or export the score again", **details)
