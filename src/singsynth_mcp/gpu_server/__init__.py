"""The GPU server's tools: durations, pitch, variance, mel, vocoder, voicebanks."""
