"""The teachers of timing and pitch: rules from the literature, deterministic given the score."""
