"""The teacher of timbre and consonants: Kokoro-82M speaking at a flat, given pitch."""
