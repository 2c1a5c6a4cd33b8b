"""Scores of the paper (eqs 24 to 40)."""
