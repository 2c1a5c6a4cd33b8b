"""The align screen."""

from app.pages.align.callbacks import register
from app.pages.align.layout import layout

__all__ = ["layout", "register"]
