"""How features change along a drawn path (TOI), or with the distance from a region's edge."""

from spatialmeta_core.trajectory.axis import MIN_SPOTS, Axis, EdgeDistance, find_axis
from spatialmeta_core.trajectory.curves import gradient, rank_gradients
from spatialmeta_core.trajectory.lag import peak_lags
from spatialmeta_core.trajectory.position import TrajectoryPosition, assign
from spatialmeta_core.trajectory.screen import PATTERNS, Screen, screen
from spatialmeta_core.trajectory.smooth import smooth

__all__ = [
    "MIN_SPOTS",
    "PATTERNS",
    "Axis",
    "EdgeDistance",
    "Screen",
    "TrajectoryPosition",
    "assign",
    "find_axis",
    "gradient",
    "peak_lags",
    "rank_gradients",
    "screen",
    "smooth",
]
