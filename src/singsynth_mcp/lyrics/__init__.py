"""Words to phonemes, phonemes to notes."""
