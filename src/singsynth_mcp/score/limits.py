"""What a score file may be, for every reader."""

from __future__ import annotations

MAX_BYTES = 20 * 2**20
"""Of a file, and of what an archive unpacks to."""
MAX_TEXT_BYTES = 2 * 2**20
"""Of formats that hold a song in a few kilobytes: MIDI, ABC, USTX, .ds, note lists."""
EXPORT_HINT = "Export the score as MusicXML (.musicxml or .mxl) from your notation program and read that"
