"""Two promises checked by machine: no GPL package at run time, and a web process without torch."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution

DISTRIBUTION = "spatialmeta-app"
GPL = re.compile(r"\b(A?GPL|GNU (Affero )?General Public)", re.IGNORECASE)
EXTRAS_USED = ("diskcache",)  # dash[diskcache]
# Packages whose metadata name no licence: what their own licence file says.
READ_BY_HAND: dict[str, str] = {}


def runtime_packages() -> dict[str, Distribution]:
    """Return every distribution that installing the product without extras brings in."""
    found: dict[str, Distribution] = {}
    queue = [DISTRIBUTION]
    while queue:
        name = queue.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            found[key] = distribution(name)
        except PackageNotFoundError:
            continue  # a requirement for another platform
        queue += [wanted for r in found[key].requires or [] if (wanted := _needed(r))]
    return found


def _needed(requirement: str) -> str:
    """Return the name of a requirement, or nothing when only an extra asks for it."""
    head, _, marker = requirement.partition(";")
    extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", marker)
    if extra and extra.group(1) not in EXTRAS_USED:
        return ""
    match = re.match(r"[A-Za-z0-9._-]+", head)
    return match.group() if match else ""


def licence(package: Distribution) -> str:
    """Return what a distribution's metadata say about its licence, in one line."""
    metadata = package.metadata
    trove = [c for c in metadata.get_all("Classifier") or [] if c.startswith("License ::")]
    named = metadata.get("License-Expression") or "; ".join(c.split(" :: ")[-1] for c in trove)
    text = (metadata.get("License") or "").strip().splitlines()
    return named or (text[0] if text else "")


def main() -> int:
    """Print what was found; return 1 when a promise is broken."""
    bad = []
    packages = runtime_packages()
    for name, package in sorted(packages.items()):
        words = licence(package) or READ_BY_HAND.get(name, "")
        # LGPL would be allowed; only the strong licences are refused
        if not words or GPL.search(re.sub(r"L(esser )?GPL|GNU Lesser[^;]*", "", words)):
            bad.append(f"{name}: {words or 'no licence stated'}")
    sys.stdout.write(f"licences: {len(packages)} run-time packages, {len(bad)} refused\n")
    for line in bad:
        sys.stdout.write(f"  {line}\n")
    code = "import sys, app.server; sys.exit('torch' in sys.modules)"
    torch_free = subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    sys.stdout.write(f"web process without torch: {'yes' if torch_free else 'NO'}\n")
    return int(bool(bad) or not torch_free)


if __name__ == "__main__":
    raise SystemExit(main())
