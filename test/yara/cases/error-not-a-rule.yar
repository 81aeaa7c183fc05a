This is no YARA at all.
