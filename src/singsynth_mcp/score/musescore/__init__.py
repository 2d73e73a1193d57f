"""MuseScore 3 and 4 files (.mscx, and .mscz, its zip), as far as singing needs them."""
