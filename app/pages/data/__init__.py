"""The data screen."""

from app.pages.data.callbacks import register
from app.pages.data.layout import layout

__all__ = ["layout", "register"]
