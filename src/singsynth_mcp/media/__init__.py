"""Encoding, mixing, loudness, pictures."""
