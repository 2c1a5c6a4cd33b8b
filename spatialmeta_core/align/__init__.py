"""Place a metabolomics section on a transcriptomics section by the outlines of the tissue."""

from spatialmeta_core.align.fit import align

__all__ = ["align"]
