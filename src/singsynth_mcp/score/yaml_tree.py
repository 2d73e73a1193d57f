"""YAML → dicts, lists and texts, guarded: no tags, no recursion, no aliases (they let a small file mean a huge one)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from singsynth_mcp.errors import InvalidScore

_MAX_DEPTH = 40


def parse_yaml(text: str, name: str) -> Any:
    """Return the first document; every scalar stays text. Raises InvalidScore with line and column."""
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        return _build(yaml.parse(text, Loader=loader), name)
    except yaml.MarkedYAMLError as error:
        line = getattr(error.problem_mark, "line", 0) + 1
        column = getattr(error.problem_mark, "column", 0) + 1
        message = f"{name} is not well-formed YAML: {error.problem} (line {line}, column {column})"
        raise InvalidScore(message, hint="Save the project again", file=name, line=line, column=column) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidScore(f"{name} is not well-formed YAML ({error})", hint="Save the project again") from error


def _build(events: Iterator[Any], name: str) -> Any:
    import yaml

    root: list[Any] = []
    stack: list[tuple[Any, list[Any]]] = [(root, [])]
    """Containers that are open; for a mapping, the key that waits for its value."""
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            line = getattr(event.start_mark, "line", 0) + 1
            raise InvalidScore(f"{name} uses a YAML alias (line {line})", hint="Save the project again", line=line)
        if isinstance(event, yaml.ScalarEvent):
            _put(stack, event.value)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if len(stack) > _MAX_DEPTH:
                raise InvalidScore(f"{name} is nested too deeply", hint="Save the project again", file=name)
            container: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            _put(stack, container)
            stack.append((container, []))
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            stack.pop()
        elif isinstance(event, yaml.DocumentEndEvent):
            break
    return root[0] if root else None


def _put(stack: list[tuple[Any, list[Any]]], value: Any) -> None:
    container, waiting = stack[-1]
    if isinstance(container, list):
        container.append(value)
    elif waiting:
        container[waiting.pop()] = value
    else:
        waiting.append(value if isinstance(value, str) else repr(type(value)))
