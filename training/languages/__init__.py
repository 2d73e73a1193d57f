"""What is particular to one language: its dictionary, its teacher spelling, its corpus text."""
