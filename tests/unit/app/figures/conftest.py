"""A small hexagonal section, and the little that figure tests want to know of a figure."""

import base64

import numpy as np
import pytest


@pytest.fixture
def xy():
    columns, rows = np.meshgrid(np.arange(12), np.arange(10))
    x = 1000 + 120 * columns + 60 * (rows % 2)
    return np.column_stack([x.ravel(), 2000 + 104 * rows.ravel()]).astype(float)


@pytest.fixture
def spot_names(xy):
    return [f"AAAC-{i}" for i in range(len(xy))]


@pytest.fixture
def decode():
    """Read a typed array the way plotly.js does."""

    def read(spec):
        return np.frombuffer(base64.b64decode(spec["bdata"]), dtype=f"<{spec['dtype']}")

    return read


@pytest.fixture
def has_unit():
    """Tell whether an axis title ends with something in brackets."""

    def check(axis):
        return "(" in axis.title.text and axis.title.text.endswith(")")

    return check
