"""The export screen."""

from app.pages.export.callbacks import register
from app.pages.export.layout import layout

__all__ = ["layout", "register"]
