"""One singer's rendering, growing stage by stage."""
