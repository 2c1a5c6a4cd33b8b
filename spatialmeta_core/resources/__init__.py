"""Reference tables shipped with the package; each has its source and licence in THIRD_PARTY.md."""
