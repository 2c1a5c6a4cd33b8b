"""The alignment overlay on its own page: where things are on screen, and what it reports."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

PAGE = Path(__file__).with_name("harness").joinpath("align.html").as_uri()
START = [52, 0, 900, 0, 52, 700]
ST_PITCH = 120


def as_matrix(values):
    return np.vstack([np.reshape(values, (2, 3)), [0, 0, 1]]).astype(float)


def about(point, linear):
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = np.asarray(point) - np.asarray(linear) @ point
    return matrix


def rotation(degrees):
    angle = math.radians(degrees)
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


class Overlay:
    """The mounted overlay: where things are on screen, and what it reports."""

    def __init__(self, page):
        self.page = page
        page.goto(PAGE)
        self.settle()

    def mount(self, **overrides):
        self.page.evaluate("options => mountHarness(options)", overrides)
        self.settle()

    def settle(self):
        """Wait until two frames were drawn."""
        self.page.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    @property
    def matrix(self):
        return as_matrix(self.page.evaluate("handle.getMatrix()"))

    @property
    def changes(self):
        return self.page.evaluate("changes")

    @property
    def center(self):
        """Centroid of the SM section, full-resolution px."""
        return (self.matrix @ [*self.page.evaluate("smCentroid"), 1])[:2]

    def on_screen(self, full_xy):
        view = self.page.evaluate("handle.getView()")
        stage = self.page.locator("#host .sm-align-stage").bounding_box()
        return np.asarray(full_xy) * view["zoom"] + [
            view["x"] + stage["x"],
            view["y"] + stage["y"],
        ]

    def zoom(self):
        return self.page.evaluate("handle.getView().zoom")

    def handle_at(self, name):
        box = self.page.locator(f"[data-handle={name}] .sm-align-hit").bounding_box()
        return np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])

    def drag(self, start, end, *, button="left", release=True):
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down(button=button)
        mouse.move(*((np.asarray(start) + end) / 2))
        mouse.move(*end, steps=4)
        if release:
            mouse.up(button=button)
        self.settle()

    def press(self, *keys):
        self.page.locator("#host .sm-align-stage").focus()
        for key in keys:
            self.page.keyboard.press(key)

    def wait_for_changes(self, count):
        self.page.wait_for_function("count => changes.length >= count", arg=count)
