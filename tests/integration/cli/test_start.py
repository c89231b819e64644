"""Starting the program costs little."""

from __future__ import annotations

import subprocess
import sys


def modules_loaded_by(*argv: str) -> set[str]:
    code = (
        "import sys\nfrom flasher.cli import main\n"
        f"try: main({list(argv)!r})\nexcept SystemExit: pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_the_command_line_never_loads_textual() -> None:
    for argv in (["--help"], ["profile", "list"], ["drives"], ["prepare", "--help"]):
        assert not {"textual", "requests", "builder"} & modules_loaded_by(*argv), argv
    assert not {"textual", "requests"} & modules_loaded_by("doctor")  # it asks the builder


def test_help_loads_no_engine() -> None:
    assert not {"flasher.card", "flasher.drives", "rich"} & modules_loaded_by("--help")
