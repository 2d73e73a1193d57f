"""Standard MIDI files, format 0 and 1 (RP-001), with lyric events (RP-017, RP-026) or karaoke texts (.kar)."""
