"""The commands and their one-line helps; a command's own module is imported when it runs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

import singsynth_mcp
from singsynth_mcp.cli.failures import USAGE, print_error

_HELP = """Sing scores: a score with lyrics goes in, singing comes out.

Alone on a pipe, singsynth-mcp serves MCP over stdio: a host's configuration needs only the command."""

_COMMANDS = (
    ("sing", "sing:sing", "Sing a score into an audio file."),
    ("doctor", "doctor:doctor", "Say what works on this machine, what does not, and how to mend it."),
    ("install", "install:install", "Add this server to a host: claude-desktop, claude-code or cursor."),
    ("proxy", "serve:proxy", "Serve every tool at one endpoint; what a host should start."),
    ("cpu", "serve:cpu", "Serve the light tools: scores, lyrics, audio files."),
    ("gpu", "serve:gpu", "Serve the heavy tools: the models."),
    ("worker", "worker:worker", "Do the jobs that gpu servers queue in Redis."),
    ("usage", "usage:usage", "Show what the clients of a server have used."),
)
_VOICEBANK_COMMANDS = (
    ("list", "voicebanks:list_voicebanks", "List the voices that can sing here."),
    ("info", "voicebanks:info", "Say everything about one voice."),
    (
        "install",
        "installing:install",
        "Put a voicebank or vocoder into your folder: a folder, a zip, a pack, an .oudep.",
    ),
    ("check", "checking:check", "Examine a voicebank, sing a probe with it and measure that; status 1 when it fails."),
    ("remove", "installing:remove", "Remove a voicebank or vocoder that was installed."),
)
_KEY_COMMANDS = (
    ("add", "keys:add", "Make a key, or a new token for one; print the token, this once."),
    ("list", "keys:list_keys", "List the keys and their limits."),
    ("remove", "keys:remove", "Remove a key: its token is refused from now on."),
)
_JOB_COMMANDS = (
    ("dead", "jobs:dead", "List the jobs that were given up because their workers died."),
    ("retry", "jobs:retry", "Queue a job of that list again."),
    ("drop", "jobs:drop", "Take a job off that list."),
)
_ARTIFACT_COMMANDS = (
    ("list", "artifacts:list_artifacts", "List what the artifact store holds, the latest used first."),
    ("show", "artifacts:show", "Show one artifact's header and phrases."),
    ("tenants", "artifacts:list_tenants", "List the tenants that have a part of the store."),
    ("prune", "artifacts:prune", "Drop what is over the store's limits, the longest unused first."),
)


def build_app() -> App:
    """Return the command line, every command lazily imported."""
    app = App(name="singsynth-mcp", help=_HELP, version=singsynth_mcp.__version__, help_format="plaintext")
    for name, place, words in _COMMANDS:
        app.command(f"singsynth_mcp.cli.{place}", name=name, help=words)
    app.command(_group("voicebanks", "See, add, check and remove voices; alone, list them.", _VOICEBANK_COMMANDS))
    app.command(_group("artifacts", "Look into the artifact store, and empty it.", _ARTIFACT_COMMANDS))
    app.command(_group("jobs", "Look after the jobs in Redis that killed their workers.", _JOB_COMMANDS))
    app.command(_group("keys", "Let clients in over HTTP: their tokens and limits.", _KEY_COMMANDS))
    return app


def _group(name: str, words: str, commands: Sequence[tuple[str, str, str]]) -> App:
    group = App(name=name, help=words)
    for command, place, help_line in commands:
        group.command(f"singsynth_mcp.cli.{place}", name=command, help=help_line)
    return group


def run_command(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    logging.getLogger("singsynth_mcp").addHandler(logging.NullHandler())  # what matters stands in results and errors
    if arguments == ["voicebanks"]:
        arguments = ["voicebanks", "list"]
    try:
        result = build_app()(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()  # a reader that has left shows here, not in the interpreter's last breath
    except CycloptsError as error:
        print_error(" ".join(str(error).split()), "See `singsynth-mcp --help`, or --help after a command.")
        return USAGE
    return result if isinstance(result, int) else 0
