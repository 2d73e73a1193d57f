"""MusicXML 1.0 to 4.0 (W3C), partwise and timewise, plain and compressed."""
