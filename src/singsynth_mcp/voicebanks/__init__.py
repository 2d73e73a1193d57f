"""Find, read and check DiffSinger voicebanks."""
