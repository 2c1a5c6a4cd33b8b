"""The first screen."""

from app.pages.home.callbacks import register
from app.pages.home.layout import layout

__all__ = ["layout", "register"]
