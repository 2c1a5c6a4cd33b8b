"""The integrate screen."""

from app.pages.integrate.callbacks import register
from app.pages.integrate.layout import layout

__all__ = ["layout", "register"]
