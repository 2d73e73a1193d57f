"""ABC notation 2.1: the tune subset that songs use, with `w:` lines (abcnotation.com/wiki/abc:standard:v2.1)."""
