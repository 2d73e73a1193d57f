"""The controls of a performance and what their curves may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from singsynth_mcp.errors import InvalidRequest, UnknownName
from singsynth_mcp.performance.model import Curve


@dataclass(frozen=True)
class Control:
    """A control's neutral value and range."""

    neutral: float
    lowest: float
    highest: float


CONTROLS: dict[str, Control] = {
    "gender": Control(0, -1, 1),
    "velocity": Control(1, 0.5, 2),
    "energy": Control(0, -96, 96),
    "breathiness": Control(0, -96, 96),
    "voicing": Control(0, -96, 96),
    "tension": Control(0, -20, 20),
    "expressiveness": Control(1, 0, 1),
    "vibrato": Control(0, 0, 2),
    "tone_shift": Control(0, -12, 12),
    "loudness": Control(0, -96, 24),
    "dynamics": Control(1, 0, 2),
}
"""By name: gender (above 0 smaller), velocity (consonants, above 1 quicker), energy, breathiness, voicing and tension
(offsets in the model's own unit, dB), expressiveness (share), vibrato (semitones), tone_shift (semitones: the timbre of
another register at the written pitch), loudness (dB), dynamics (share of the score's dynamics that is sung)."""


def check_controls(controls: Mapping[str, float | Sequence[Sequence[float]]]) -> dict[str, Curve]:
    """Return controls as curves over played quarters.

    Raises UnknownName for a control there is not, InvalidRequest for a curve that is no curve.
    """
    for name in controls:
        if name not in CONTROLS:
            raise UnknownName(
                f"there is no control {name!r}", hint=f"Controls: {', '.join(CONTROLS)}.", controls=list(CONTROLS)
            )
    return {
        name: check_curve(f"control {name}", curve, CONTROLS[name].lowest, CONTROLS[name].highest)
        for name, curve in controls.items()
    }


def check_curve(what: str, curve: float | Sequence[Sequence[float]], lowest: float, highest: float) -> Curve:
    """Return a curve argument as a curve: a number, or points with rising quarters and values in range.

    Raises InvalidRequest naming `what` and the point that is wrong.
    """
    if not isinstance(curve, Sequence):
        _check_value(what, float(curve), lowest, highest)
        return float(curve)
    points = tuple((float(quarter), float(value)) for quarter, value in curve)
    if not points:
        raise InvalidRequest(f"{what}: the curve has no points", hint="Give a number or [[quarter, value], …].")
    for i, (quarter, value) in enumerate(points):
        if not isfinite(quarter) or (i and quarter < points[i - 1][0]):
            raise InvalidRequest(
                f"{what}: point {i + 1} at quarter {quarter:g} comes before the one before it",
                hint="Sort the points by their quarter.",
            )
        _check_value(f"{what}, quarter {quarter:g}", value, lowest, highest)
    return points


def _check_value(what: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:
        raise InvalidRequest(f"{what}: {value:g} is out of range", hint=f"Values lie from {lowest:g} to {highest:g}.")
