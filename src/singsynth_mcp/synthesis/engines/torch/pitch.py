"""Notes and phonemes to the pitch curve of a performance."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from singsynth_mcp.synthesis.engines.torch.blocks import (
    POSITION_FEATURES,
    conv_stack,
    frame_numbers,
    gather_rows,
    owners,
    pick,
    position_features,
)
from singsynth_mcp.synthesis.engines.torch.linguistic import WORD_FEATURES
from singsynth_mcp.synthesis.engines.torch.retake import keep

FRAME_SECONDS = 512 / 44100
AHEAD = 8
BEHIND = 64
"""Frames that the note filter sees after and before the one it computes."""
NOTE_FEATURES = 9
WAVES = 2
FLUTTER_HZ = (12.7, 7.1, 4.7)
FLUTTER_SEMITONES = 0.03


def _shifted(values: Tensor, by: int) -> Tensor:
    """Return [B, m]: each value replaced by the next one (``by`` 1) or the one before (-1)."""
    if by < 0:
        return torch.cat([values[:, :1], values[:, :by]], dim=1)
    return torch.cat([values[:, by:], values[:, -1:]], dim=1)


def flutter(frames: Tensor) -> Tensor:
    """Return semitones for frame numbers: a held note is never quite still, nor its movement a pattern that one hears.

    Three slow sines of no common period (Klatt and Klatt, Analysis, synthesis, and perception of voice quality
    variations, JASA 87, 1990), 3 cents each: what singers have on a steady note (Ternström and Friberg, 1989).
    """
    seconds = frames.to(torch.float32) * FRAME_SECONDS
    waves = [torch.sin(2.0 * math.pi * hertz * seconds) for hertz in FLUTTER_HZ]
    return FLUTTER_SEMITONES * torch.stack(waves, dim=0).sum(dim=0)


class PitchPredictor(nn.Module):
    """Predict the pitch curve (format, section 2.3).

    A linear filter answers the steps of the notes (the response of a damped second-order system:
    glide and overshoot); a net adds what is not linear (scoops, releases, dips in consonants) and
    how far two vibrato waves, running from each note's start, are opened. A little flutter keeps held notes alive.
    """

    def __init__(self, hidden: int, width: int, depth: int, response: Tensor, vibrato_hz: float) -> None:
        super().__init__()
        self.vibrato_hz = vibrato_hz
        self.response = nn.Parameter(response)
        self.encoded = nn.Linear(hidden - WORD_FEATURES, width)
        self.speaker = nn.Linear(hidden, width, bias=False)
        self.place = nn.Linear(2 * POSITION_FEATURES + NOTE_FEATURES + WAVES, width)
        self.blocks = conv_stack(width, kernel=9, depth=depth, expansion=2)
        self.head = nn.Linear(width, 1 + WAVES)

    def respond(self, steps: Tensor) -> Tensor:
        """Filter the note steps [B, T] semitones with the learned response (of unit sum)."""
        kernel = self.response / self.response.sum()
        padded = torch.cat([steps[:, :1].expand(-1, BEHIND), steps, steps[:, -1:].expand(-1, AHEAD)], dim=1)
        return functional.conv1d(padded[:, None], kernel[None, None])[:, 0]

    def forward(
        self,
        encoder_out: Tensor,
        ph_dur: Tensor,
        note_midi: Tensor,
        note_rest: Tensor,
        note_dur: Tensor,
        pitch: Tensor,
        expr: Tensor,
        retake: Tensor,
        spk_embed: Tensor,
        steps: Tensor,
    ) -> Tensor:
        """Return ``pitch_pred`` float32 [B, T] semitones; ``steps`` has no effect.

        ``expr`` scales everything but the response to the notes; frames whose ``retake`` is false
        keep ``pitch``.
        """
        frames = frame_numbers(pitch)
        note = owners(note_dur, frames).clamp(max=note_dur.shape[1] - 1)
        written = pick(note_midi, note)
        base = self.respond(written)
        notes = self.note_features(note_midi, note_rest, note_dur, note, frames, base - written)
        phoneme = owners(ph_dur, frames).clamp(max=ph_dur.shape[1] - 1)
        place = position_features(ph_dur, frames, phoneme)
        x = gather_rows(self.encoded(encoder_out[:, :, WORD_FEATURES:]), phoneme)
        x = x + self.place(torch.cat([place, notes], dim=2)) + self.speaker(spk_embed)
        out = self.head(self.blocks(x)) * 0.3
        waves = notes[:, :, -WAVES:]
        deviation = out[:, :, 0] + (out[:, :, 1:] * waves).sum(dim=2)
        predicted = base + expr * (deviation + flutter(frames)) + steps.to(torch.float32) * 0.0
        return keep(predicted, pitch, retake)

    def note_features(
        self,
        midi: Tensor,
        rest: Tensor,
        durations: Tensor,
        note: Tensor,
        frames: Tensor,
        glide: Tensor,
    ) -> Tensor:
        """Return [B, T, POSITION + NOTE + WAVES]: each frame's note, its neighbours, its place."""
        silent = rest.to(torch.float32)
        length = torch.log1p(durations.to(torch.float32)) * 0.3
        sides = [
            silent,
            _shifted(silent, -1),
            _shifted(silent, 1),
            ((midi - _shifted(midi, -1)) / 6.0).clamp(-2.0, 2.0),
            ((_shifted(midi, 1) - midi) / 6.0).clamp(-2.0, 2.0),
            length,
            _shifted(length, -1),
            _shifted(length, 1),
        ]
        around = gather_rows(torch.stack(sides, dim=2), note)
        start = pick(torch.cumsum(durations, dim=1) - durations, note)
        turn = 2.0 * math.pi * self.vibrato_hz * FRAME_SECONDS
        angle = ((frames - start).to(torch.float32) + 0.5) * turn
        place = position_features(durations, frames, note)
        waves = torch.stack([torch.sin(angle), torch.cos(angle)], dim=2)
        return torch.cat([place, around, glide[:, :, None], waves], dim=2)
