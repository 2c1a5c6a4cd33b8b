"""Other ways to place one section on another, for the alignment benchmark.

Each takes the moving and the fixed spots, ``(m, 2)`` and ``(n, 2)``, and returns the moved spots.
"""
