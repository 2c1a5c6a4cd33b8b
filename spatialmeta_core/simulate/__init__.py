"""A paired section with known truth, for the demo, tests and benchmarks."""

from spatialmeta_core.simulate.section import PairedSection, SectionTruth, paired_section

__all__ = ["PairedSection", "SectionTruth", "paired_section"]
