"""The explore screen."""

from app.pages.explore.callbacks import register
from app.pages.explore.layout import layout

__all__ = ["layout", "register"]
