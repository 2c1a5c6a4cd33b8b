"""The frame around every screen."""

from app.pages.shell.callbacks import register
from app.pages.shell.layout import layout

__all__ = ["layout", "register"]
