"""Benchmarks: ratios and recovered truth. Never imported by the product."""
