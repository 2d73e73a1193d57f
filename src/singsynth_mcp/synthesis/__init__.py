"""Numbers to numbers: durations, pitch, variance, mel, audio."""
