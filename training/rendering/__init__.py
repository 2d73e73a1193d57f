"""From stored parameters to singing: any pitch, any length, any formant scale."""
