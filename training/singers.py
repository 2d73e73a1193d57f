"""The singers of the voicebank: whose styles each is a mean of, where they sing, what they speak.

Speakers are numbered in this order and only ever appended to: shipped weights depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Singer:
    """One singer.

    ``blend`` are the weights of the teacher's style packs: a timbre of its own, nobody's.
    ``levels_hz`` are the flat pitches spoken at, about the native pitch of the blend; ``chains``
    says how many chains of syllables are spoken in each language (sentences come on top).
    ``range`` is where the voice is comfortable, MIDI note numbers; songs of the corpus go a sixth
    beyond it on either side.
    """

    voice: str
    blend: dict[str, float]
    levels_hz: tuple[float, ...]
    chains: dict[str, int]
    range: tuple[int, int]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the singer's corpus."""
        return tuple(self.chains)


SINGERS: dict[str, Singer] = {
    "linnet": Singer(
        voice="a woman, clear and light",
        blend={"af_heart": 0.4, "ff_siwis": 0.2, "if_sara": 0.2, "jf_alpha": 0.2},
        levels_hz=(200.0, 262.0, 340.0),
        chains={"ja": 110, "en": 120},
        range=(57, 76),
    ),
    "merlin": Singer(
        voice="a man, warm and even",
        blend={"am_fenrir": 0.6, "am_michael": 0.4},
        levels_hz=(110.0, 165.0),
        chains={"ja": 70, "en": 120},
        range=(45, 64),
    ),
    "wren": Singer(
        voice="a soprano, bright and quick",
        blend={"jf_alpha": 0.6, "af_heart": 0.2, "ff_siwis": 0.2},
        levels_hz=(233.0, 330.0),
        chains={"ja": 50, "en": 120},
        range=(60, 81),
    ),
    "martin": Singer(
        voice="a bass-baritone, plain and near",
        blend={"am_michael": 0.6, "bm_george": 0.2, "jm_kumo": 0.2},
        levels_hz=(98.0, 147.0),
        chains={"ja": 50, "en": 120},
        range=(43, 62),
    ),
}

SPEAKERS: tuple[str, ...] = tuple(SINGERS)
