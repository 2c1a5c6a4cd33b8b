"""Files to validated AnnData, and back."""

from spatialmeta_core.io.check import check_sm, check_st
from spatialmeta_core.io.h5ad_section import sample_names
from spatialmeta_core.io.sm import read_sm
from spatialmeta_core.io.source import MAX_FILE_BYTES
from spatialmeta_core.io.st import read_st
from spatialmeta_core.io.write import write_h5ad

__all__ = [
    "MAX_FILE_BYTES",
    "check_sm",
    "check_st",
    "read_sm",
    "read_st",
    "sample_names",
    "write_h5ad",
]
