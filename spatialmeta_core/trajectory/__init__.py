"""How features change along a drawn path (TOI)."""

from spatialmeta_core.trajectory.curves import MIN_SPOTS, gradient, rank_gradients
from spatialmeta_core.trajectory.position import TrajectoryPosition, assign

__all__ = ["MIN_SPOTS", "TrajectoryPosition", "assign", "gradient", "rank_gradients"]
