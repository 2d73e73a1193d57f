"""How the shipped voicebank is made: corpus, nets, losses, export and report (see README.md)."""
