"""Queued work behind one interface."""
