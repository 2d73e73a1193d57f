"""Score → files of other programs, one writer a format."""
