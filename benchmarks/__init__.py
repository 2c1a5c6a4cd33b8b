"""Benchmarks: ratios and recovered truth, peers measured in the same run. Never imported by the product."""
