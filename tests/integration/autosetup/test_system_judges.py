"""What the system's own services say of a node that was set up, and of the units that ship."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from flasher import paths
from tests.integration.autosetup.conftest import Node

# localectl asks whether systemd runs; its services are started by hand, on a bus of the node's own.
_ASK = """
set -e
mkdir -p /run/dbus /run/systemd/system
dbus-daemon --system --fork
/usr/lib/systemd/systemd-localed & /usr/lib/systemd/systemd-timedated &
name=org.freedesktop path=/org/freedesktop
ask() { until busctl --system get-property $name.$1 $path/$1 $name.$1 $2 2>/dev/null; do :; done; }
ask locale1 Locale
ask timedate1 Timezone
localectl status --no-pager
"""
UNITS = sorted(
    path for path in (paths.assets() / "layers").rglob("*") if path.suffix in (".service", ".timer")
)


def test_localed_and_timedated_read_what_the_payload_says(node: Node) -> None:
    assert node.run().returncode == 0
    told = node.execute("timeout", "30", "sh", "-c", _ASK).stdout
    assert 's "Europe/Berlin"' in told
    assert "LANG=de_DE.UTF-8" in told
    assert "X11 Layout: de" in told


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_accepts_every_unit_that_ships(unit: Path, tmp_path: Path) -> None:
    for other in unit.parent.glob("*"):
        if other.suffix in (".service", ".timer"):
            text = other.read_text().replace("/usr/bin/autosetup", "/bin/true")
            (tmp_path / other.name).write_text(text)
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in verified.stderr.splitlines() if unit.stem in line]
    assert (verified.returncode, told) == (0, [])
