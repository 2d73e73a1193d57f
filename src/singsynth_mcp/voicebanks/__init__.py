"""DiffSinger voicebanks in OpenUtau's format: find, read, check."""

from singsynth_mcp.voicebanks.dictionary import PhonemeDictionary
from singsynth_mcp.voicebanks.find import BrokenVoicebank, get_voicebank, list_voicebanks
from singsynth_mcp.voicebanks.stage import Stage
from singsynth_mcp.voicebanks.voicebank import Voicebank, read_voicebank

__all__ = [
    "BrokenVoicebank",
    "PhonemeDictionary",
    "Stage",
    "Voicebank",
    "get_voicebank",
    "list_voicebanks",
    "read_voicebank",
]
