"""get_voicebank_info with `stage`: a voicebank's files, or a stage's models, examined."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from singsynth_mcp.contracts.voicebanks import FindingRow, ModelInput, ModelRow, SurveyedStage, VoicebankInfoResult
from singsynth_mcp.errors import InvalidVoicebank
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine, OnnxModel, TensorSpec
from singsynth_mcp.voicebanks import Stage, Voicebank
from singsynth_mcp.voicebanks.files import inside
from singsynth_mcp.voicebanks.findings import Finding, Findings, gravest_first
from singsynth_mcp.voicebanks.graphs import Graph, GraphSurvey, Role, Tensor, lacking_heads
from singsynth_mcp.voicebanks.probing import probe_syllables
from singsynth_mcp.voicebanks.survey import survey_files

_ROLES: dict[str, tuple[Role, ...]] = {
    "durations": ("linguistic", "dur"),
    "pitch": ("linguistic", "pitch"),
    "variance": ("linguistic", "variance"),
    "acoustic": ("acoustic",),
}
_OURS = "singsynth_"
"""What an engine puts into a graph when it opens it is not the voicebank's."""
_FINDINGS_BYTES = 1600
"""Room that findings may take in a result of under 4 KB."""


def survey(bank: Voicebank, stage: SurveyedStage, engine: OnnxEngine) -> VoicebankInfoResult:
    """Examine the files, or open a stage's models; what is wrong is a finding, never an error."""
    if stage == "files":
        result = _result(bank, survey_files(bank), [])
        return result.model_copy(update={"syllables": _syllables(bank)})
    found = Findings(bank.root)
    models: list[ModelRow] = []
    if stage == "vocoder":
        _look(GraphSurvey(bank, None, found), "vocoder", bank, engine, models)
    elif (there := bank.stage(stage)) is not None:
        looking = GraphSurvey(bank, there, found)
        for role in _ROLES[stage]:
            graph = _look(looking, role, bank, engine, models)
            if role == "acoustic" and graph is not None:
                _heads(bank, graph, engine, found)
    return _result(bank, gravest_first(found.rows), models)


def _syllables(bank: Voicebank) -> list[str]:
    try:
        return probe_syllables(bank)
    except InvalidVoicebank:
        return []  # a phoneme table that cannot be read is a finding


def _look(
    looking: GraphSurvey, role: Role, bank: Voicebank, engine: OnnxEngine, models: list[ModelRow]
) -> Graph | None:
    try:
        graph = _graph(_path(bank, looking.stage, role), role, engine)
    except InvalidVoicebank as error:
        looking.found.refuse(error)
        return None
    inputs = [
        ModelInput(name=tensor.name, type=tensor.type, shape=tensor.shown(), fed=source)
        for tensor, source in looking.look(graph)
    ]
    outputs = [f"{tensor.name} {tensor.shown()}" for tensor in graph.outputs]
    models.append(ModelRow(file=looking.found.name(graph.path), inputs=inputs, outputs=outputs))
    return graph


def _path(bank: Voicebank, stage: Stage | None, role: Role) -> Path:
    if stage is None or role == "vocoder":
        folder, config = bank.vocoder
        return inside(folder, folder, config.model)
    return stage.model(role)


def _graph(path: Path, role: Role, engine: OnnxEngine) -> Graph:
    model: OnnxModel = engine.open(path, on_cpu=role in ("linguistic", "dur"))  # as when it sings: one session
    return Graph(path, role, _tensors(model.inputs.values()), _tensors(model.outputs.values()))


def _tensors(specs: Iterable[TensorSpec]) -> list[Tensor]:
    return [Tensor(spec.name, spec.dtype.__name__, spec.shape) for spec in specs if not spec.name.startswith(_OURS)]


def _heads(bank: Voicebank, acoustic: Graph, engine: OnnxEngine, found: Findings) -> None:
    """Note the variances that the acoustic model wants and no model predicts."""
    stage = bank.stage("variance")
    try:
        variance = _graph(stage.model("variance"), "variance", engine) if stage is not None else None
    except InvalidVoicebank:
        return  # told where the variance stage is looked at
    for head in lacking_heads(acoustic, variance):
        message = f"the acoustic model takes {head}, which no variance model predicts: it cannot sing"
        found.add("error", "input_not_fed", message, acoustic.path, key=head)


def _result(bank: Voicebank, findings: list[Finding], models: list[ModelRow]) -> VoicebankInfoResult:
    rows: list[FindingRow] = []
    room = _FINDINGS_BYTES
    for finding in findings:
        facts = {name: value for name, value in vars(finding).items() if value != ""}
        row = FindingRow.model_validate(facts | {"message": finding.message[:300]})
        room -= len(row.model_dump_json(exclude_none=True).encode())
        if room < 0 and rows:
            break
        rows.append(row)
    return VoicebankInfoResult(
        id=bank.id,
        digest=bank.digest,
        models=models or None,
        findings=rows,
        findings_total=len(findings),
    )
