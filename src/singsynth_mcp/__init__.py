"""Singing synthesis over the Model Context Protocol: a score with lyrics goes in, singing comes out."""

from __future__ import annotations

__version__ = "0.1.0"
