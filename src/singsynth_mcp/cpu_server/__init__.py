"""The CPU server's tools: score, lyrics, media."""
