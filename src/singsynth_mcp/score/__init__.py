"""The score as written and as played; no models."""
