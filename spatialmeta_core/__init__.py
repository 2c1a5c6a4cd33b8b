"""Join spatial transcriptomics and spatial metabolomics of neighboring tissue sections.

The science of the SpatialMETA method (Tian et al. 2025, doi 10.1038/s41467-025-63915-z),
re-implemented from its mathematics. Import from the module that owns a name, for example
``from spatialmeta_core.io import read_st``. Importing this package loads nothing heavy.
"""

__version__ = "0.1.0"
