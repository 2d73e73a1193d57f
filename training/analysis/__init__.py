"""From what the teacher said to parameters: labels, voicing, envelopes on the 44.1 kHz grid."""
