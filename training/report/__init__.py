"""The voice report: what a voicebank sings, against the bars and beside its teacher (``make voice-report``)."""
