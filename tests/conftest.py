"""Shared by all tests: where the optional data are, and an honest list of skips."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SEMISIM = ROOT.parent / "shared" / "data" / "paired-mouse-brain-semisim"


@pytest.fixture(scope="session")
def semisim() -> Path:
    """Real Visium section with simulated metabolite imaging; not part of the repository."""
    if not SEMISIM.exists():
        pytest.skip("the semi-simulated mouse brain is not beside this repository")
    return SEMISIM


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the browser journeys first: with several processes, a long one must not be left over."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was skipped and why, also when nothing was."""
    skipped = terminalreporter.stats.get("skipped", [])
    terminalreporter.write_sep("-", f"{len(skipped)} skipped")
    for report in skipped:
        terminalreporter.write_line(f"{report.nodeid}: {report.longrepr[2]}")
