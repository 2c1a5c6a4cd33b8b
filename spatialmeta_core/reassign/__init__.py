"""Carry values of one section to the positions of the other.

Every method is a sparse matrix of weights, target by source, times the values:

``mean``
    The K nearest sources within the cut-off, all alike (the paper's).
``distance``
    The same sources, weighted by the inverse of their distance: it needs no further length to
    choose, and equals the mean where the sources are equally far.
``area``
    Sources are the cells of ground around them, targets are discs; weights are the areas they
    share, exactly. K and the cut-off have no part in it.
"""

from spatialmeta_core.reassign.carry import reassign
from spatialmeta_core.reassign.donors import Donors, area_donors, near_donors
from spatialmeta_core.reassign.sides import Sides, donors_of, sides

__all__ = ["Donors", "Sides", "area_donors", "donors_of", "near_donors", "reassign", "sides"]
