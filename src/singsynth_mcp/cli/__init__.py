"""The commands of singsynth-mcp: argument handling and printing only."""
