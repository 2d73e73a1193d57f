"""The error tree: everything a user can cause, each with a stable code and a remedy.

SingSynthError
├── InvalidRequest                 invalid_request
├── PathNotAllowed                 path_not_allowed
├── FileProblem                    file_problem            (missing, a directory, empty, unreadable)
├── InvalidScore                   invalid_score           (truncated, not XML, XML of another kind, bombs)
│   ├── UnsupportedFormat          unsupported_format
│   └── NothingToSing              nothing_to_sing         (no parts, notes or lyrics)
├── UnknownName                    unknown_name            (part, verse, note, language, speaker, control)
│   ├── UnknownVoicebank           unknown_voicebank
│   └── UnknownJob                 unknown_job
├── InvalidLyrics                  invalid_lyrics          (a word nothing can read, a symbol the voice lacks)
├── InvalidVoicebank               invalid_voicebank       (a broken file, an input nothing can supply)
├── VoicebankMismatch              voicebank_mismatch
├── ArtifactError
│   ├── UnknownArtifact            unknown_artifact
│   ├── WrongArtifactKind          wrong_artifact_kind
│   ├── ArtifactsMissing           artifacts_missing
│   └── StageMissing               stage_missing           (a later tool called before an earlier one)
├── StorageProblem                 storage_problem         (full disk, no write permission)
│   └── StorageUnavailable         storage_unavailable     (a bucket that does not answer)
├── DeadlineExceeded               deadline_exceeded
├── SynthesisFailed                synthesis_failed
├── QueueFull                      queue_full              (says how many wait and for how long)
├── QueueUnavailable               queue_unavailable       (the queue's server is away)
├── WorkerCrashed                  worker_crashed          (the work killed its worker again and again)
├── InternalError                  internal_error          (a defect of ours; the log has the traceback)
├── ToolFailed                     (the code that the tool gave)
└── UpstreamUnavailable            upstream_unavailable
└── UpstreamDied               upstream_died
"""

from __future__ import annotations

from typing import Any


class SingSynthError(Exception):
    """What was wrong and where (`message`), what to do about it (`hint`), and whether trying again can help.

    `str(error)` is `code: message. hint`, the text that a tool result carries.
    """

    code = "error"
    retryable = False
    usual_hint = ""
    """The remedy where an error is raised without one of its own."""

    def __init__(self, message: str, *, hint: str = "", **details: Any) -> None:
        super().__init__(message, hint)
        self.message = message.rstrip(".")
        self.hint = hint or self.usual_hint
        self.details = details
        """Position and other facts for programs: part, measure, beat, note, path, hashes …; JSON values only."""

    def __str__(self) -> str:
        text = f"{self.code}: {self.message}."
        return f"{text} {self.hint}" if self.hint else text

    def as_dict(self) -> dict[str, Any]:
        """Return the error as the `error` object of a tool result."""
        facts = {"code": self.code, "message": self.message, "hint": self.hint, "retryable": self.retryable}
        return facts | ({"details": self.details} if self.details else {})


class InvalidRequest(SingSynthError):
    """Arguments that contradict each other or lie outside what a tool accepts."""

    code = "invalid_request"


class PathNotAllowed(SingSynthError):
    """A path outside the folders that this process may read or write."""

    code = "path_not_allowed"


class FileProblem(SingSynthError):
    """A file that is missing, a directory, empty or unreadable."""

    code = "file_problem"


class InvalidScore(SingSynthError):
    """A score that cannot be read."""

    code = "invalid_score"


class UnsupportedFormat(InvalidScore):
    """A file that is no score format we read."""

    code = "unsupported_format"


class NothingToSing(InvalidScore):
    """A score, part or verse without notes or lyrics."""

    code = "nothing_to_sing"


class UnknownName(SingSynthError):
    """A part, verse, note, language, speaker or control that is not there; the message lists those that are."""

    code = "unknown_name"


class UnknownVoicebank(UnknownName):
    """A voicebank id that no voicebank folder has."""

    code = "unknown_voicebank"


class UnknownJob(UnknownName):
    """A job id that this server does not know."""

    code = "unknown_job"


class InvalidLyrics(SingSynthError):
    """Lyrics that cannot be turned into the voicebank's phonemes."""

    code = "invalid_lyrics"


class InvalidVoicebank(SingSynthError):
    """A voicebank with a missing, corrupt or contradictory file."""

    code = "invalid_voicebank"
    usual_hint = "Mend the file or reinstall the voicebank; list_voicebanks shows what else can sing."


class VoicebankMismatch(SingSynthError):
    """A performance made for another version of the voicebank."""

    code = "voicebank_mismatch"


class ArtifactError(SingSynthError):
    """The root of everything about artifact ids."""

    code = "artifact_error"


class UnknownArtifact(ArtifactError):
    """An id that the store does not hold (mistyped, pruned, or of another machine)."""

    code = "unknown_artifact"


class WrongArtifactKind(ArtifactError):
    """An id of one kind where another kind was expected."""

    code = "wrong_artifact_kind"


class ArtifactsMissing(ArtifactError):
    """Blobs that this server's store lacks; `details["hashes"]` lists them."""

    code = "artifacts_missing"


class StageMissing(ArtifactError):
    """A performance that lacks an earlier stage's result; the hint names the tool to call first."""

    code = "stage_missing"


class StorageProblem(SingSynthError):
    """A full disk or a folder that cannot be written."""

    code = "storage_problem"


class StorageUnavailable(StorageProblem):
    """A bucket that does not answer, or not within the patience of its client."""

    code = "storage_unavailable"
    retryable = True
    usual_hint = "Try again in a moment; the server's operator can look at the bucket that SINGSYNTH_ARTIFACTS names."


class DeadlineExceeded(SingSynthError):
    """Work that took longer than its tool allows."""

    code = "deadline_exceeded"


class SynthesisFailed(SingSynthError):
    """A model that failed at run time or returned numbers that are not finite."""

    code = "synthesis_failed"
    usual_hint = "Try another voicebank (list_voicebanks), or other controls; the voicebank's maker can mend its model."


class QueueFull(SingSynthError):
    """More work than waits in one queue; `details` say how many jobs wait and for how many seconds."""

    code = "queue_full"
    retryable = True


class QueueUnavailable(SingSynthError):
    """A job queue whose server cannot be reached."""

    code = "queue_unavailable"
    retryable = True
    usual_hint = "Try again in a moment; the server's operator can look at the Redis that SINGSYNTH_REDIS names."


class WorkerCrashed(SingSynthError):
    """Work that killed its worker process each time it was tried."""

    code = "worker_crashed"
    usual_hint = "Ask for fewer phrases at a time to find the one that does it; the worker's log may say why."


class InternalError(SingSynthError):
    """A defect of ours; callers see which tool and what kind of exception, never its text."""

    code = "internal_error"

    @classmethod
    def of(cls, tool: str, error: BaseException) -> InternalError:
        """Return the error to show for an exception that `tool` did not expect."""
        hint = "This is a defect of the server; its log (stderr) has the details."
        return cls(f"{tool} failed unexpectedly ({type(error).__name__})", hint=hint)


class ToolFailed(SingSynthError):
    """An error that a tool of another process answered, kept as it was."""

    def __init__(self, code: str, message: str, *, hint: str = "", retryable: bool = False, **details: Any) -> None:
        super().__init__(message, hint=hint, **details)
        self.code = code
        self.retryable = retryable


class UpstreamUnavailable(SingSynthError):
    """An upstream server that cannot be reached or started."""

    code = "upstream_unavailable"
    retryable = True


class UpstreamDied(UpstreamUnavailable):
    """An upstream server that died during a call."""

    code = "upstream_died"


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of a task group: what work side by side raises is told as if it had gone in turn."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
