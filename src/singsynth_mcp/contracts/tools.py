"""Every tool of this package: its name, words, request and result. The three servers bind from this table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from singsynth_mcp.contracts import audio, coaching, export, jobs, performance, score, sing, voicebanks
from singsynth_mcp.contracts.common import Request, Result

ServerName = Literal["cpu", "gpu", "proxy", "every"]


@dataclass(frozen=True)
class ToolSpec:
    """A tool's contract."""

    name: str
    title: str
    description: str
    server: ServerName
    request: type[Request]
    result: type[Result]
    job: bool = False
    """True for tools that may take over 20 s: they wait `wait_seconds`, then answer with a job id."""
    read_only: bool = True
    """False where something outside the artifact store is written."""


_SPECS = (
    ToolSpec(
        "parse_score",
        "Parse score",
        "Read a score: MusicXML, MIDI, ABC, MuseScore, OpenUtau, .ds, or a short note list that you write yourself "
        "(see text); as a path, inline text or base64. Returns its id, parts with ranges and first lyrics, length, and "
        "warnings. Start here, or call sing to do everything at once.",
        "cpu",
        score.ParseScoreRequest,
        score.ScoreResult,
    ),
    ToolSpec(
        "modify_score",
        "Modify score",
        "Edit a score: operations applied in order, all or none. Returns a new score id (the old one stays) and what "
        "changed. part is an id or name; where is a range: 3-8 (measures), 3:2-4:1 (measure:beat) or n12-n20 (notes), "
        "all when left out. parse_score with part=… lists note ids.",
        "cpu",
        score.ModifyScoreRequest,
        score.ScoreResult,
    ),
    ToolSpec(
        "phonemize",
        "Phonemize",
        "Turn a score part's lyrics (or free text) into the voicebank's phonemes and say how each word was read. "
        "Next: align_phonemes_to_notes.",
        "cpu",
        performance.PhonemizeRequest,
        performance.PhonemizeResult,
    ),
    ToolSpec(
        "align_phonemes_to_notes",
        "Align phonemes to notes",
        "Put a score's phonemes on its played notes: a performance in phrases. Next: predict_durations, predict_pitch, "
        "predict_variance, synthesize_audio, vocode, save_audio.",
        "cpu",
        performance.AlignRequest,
        performance.PerformanceResult,
    ),
    ToolSpec(
        "modify_performance",
        "Modify performance",
        "Coach a performance: other phonemes on a note, where a phoneme starts, drawn or nudged pitch, curves, "
        "controls, speaker, retakes; all or none. Later predictions keep the edits. Returns a new performance (the old "
        "one stays): render it with sing and performances=[id], or step by step; only touched phrases are made again. "
        "inspect_performance with notes=true lists notes and phonemes.",
        "cpu",
        coaching.ModifyPerformanceRequest,
        coaching.ModifiedPerformanceResult,
    ),
    ToolSpec(
        "inspect_performance",
        "Inspect",
        "Numbers and a picture of a performance, mel or audio: notes with the pitch curve, phonemes, waveform, "
        "spectrogram.",
        "cpu",
        audio.InspectRequest,
        audio.InspectResult,
        job=True,
        read_only=False,
    ),
    ToolSpec(
        "save_audio",
        "Save audio",
        "Write an audio (or a mix of several) as WAV, FLAC, MP3 or OGG, levelled to -16 LUFS unless told otherwise. "
        "Returns the path.",
        "cpu",
        audio.SaveAudioRequest,
        audio.SavedAudioResult,
        job=True,
        read_only=False,
    ),
    ToolSpec(
        "export",
        "Export",
        "Write a score (musicxml, midi, ustx), a performance (ds, lab) or the lyrics' timing of either (lrc, srt, "
        "textgrid) to a file. Returns the path.",
        "cpu",
        export.ExportRequest,
        export.ExportResult,
        job=True,
        read_only=False,
    ),
    ToolSpec(
        "render_score",
        "Render score",
        "Draw measures of a score with their lyrics as PNG or SVG, to look at what will be sung. Returns the path.",
        "cpu",
        export.RenderScoreRequest,
        export.RenderScoreResult,
        read_only=False,
    ),
    ToolSpec(
        "predict_durations",
        "Predict durations",
        "Give every phoneme of a performance its time: vowels on the written onsets. Next: predict_pitch.",
        "gpu",
        performance.PredictRequest,
        performance.PerformanceResult,
        job=True,
    ),
    ToolSpec(
        "predict_pitch",
        "Predict pitch",
        "Give a performance its pitch curve: glides, overshoot, vibrato. Needs durations. Next: predict_variance.",
        "gpu",
        performance.PredictPitchRequest,
        performance.PerformanceResult,
        job=True,
    ),
    ToolSpec(
        "predict_variance",
        "Predict variance",
        "Give a performance its energy, breathiness, voicing and tension curves, as far as the voicebank has them. "
        "Needs pitch. Next: synthesize_audio.",
        "gpu",
        performance.PredictRequest,
        performance.PerformanceResult,
        job=True,
    ),
    ToolSpec(
        "synthesize_audio",
        "Synthesize mel",
        "Run the acoustic model: a performance with durations, pitch and variance becomes a mel. Next: vocode.",
        "gpu",
        audio.SynthesizeRequest,
        audio.MelResult,
        job=True,
    ),
    ToolSpec(
        "vocode",
        "Vocode",
        "Turn a mel into audio with the voicebank's vocoder. Next: save_audio.",
        "gpu",
        audio.VocodeRequest,
        audio.AudioResult,
        job=True,
    ),
    ToolSpec(
        "list_voicebanks",
        "List voicebanks",
        "The voices that can sing here: languages and speakers.",
        "gpu",
        voicebanks.ListVoicebanksRequest,
        voicebanks.ListVoicebanksResult,
    ),
    ToolSpec(
        "get_voicebank_info",
        "Voicebank info",
        "One voicebank: languages, speakers, colours, controls, range, licence, credits.",
        "gpu",
        voicebanks.VoicebankInfoRequest,
        voicebanks.VoicebankInfoResult,
    ),
    ToolSpec(
        "sing",
        "Sing",
        "Sing a score with lyrics (any that parse_score reads) into an audio file, in one call. Returns the file's "
        "path, measured levels, and the ids to go on editing from. A long song answers with a job_id: call get_job.",
        "proxy",
        sing.SingRequest,
        sing.SingResult,
        job=True,
        read_only=False,
    ),
    ToolSpec(
        "check_voicebank",
        "Check voicebank",
        "Examine a voicebank: its files and models, what they are fed, and a probe sung in each mode and over its "
        "range, measured (peak, tuning, onsets, level by pitch, clicks). Says what is wrong with it, and where.",
        "proxy",
        voicebanks.CheckVoicebankRequest,
        voicebanks.CheckVoicebankResult,
        job=True,
    ),
    ToolSpec(
        "get_job",
        "Get job",
        "The state of a job and, when it is done, its result; waits up to wait_seconds.",
        "every",
        jobs.GetJobRequest,
        jobs.GetJobResult,
    ),
    ToolSpec(
        "cancel_job",
        "Cancel job",
        "Cancel a queued or running job.",
        "every",
        jobs.CancelJobRequest,
        jobs.GetJobResult,
        read_only=False,
    ),
    ToolSpec(
        "list_jobs",
        "List jobs",
        "The jobs of this session's server, the newest first.",
        "every",
        jobs.ListJobsRequest,
        jobs.ListJobsResult,
    ),
)

TOOLS: dict[str, ToolSpec] = {spec.name: spec for spec in _SPECS}


def tools_of(server: ServerName) -> tuple[ToolSpec, ...]:
    """Return the tools that a server lists: its own and those of every server."""
    return tuple(spec for spec in _SPECS if spec.server in (server, "every"))
