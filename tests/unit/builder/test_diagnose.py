from pathlib import Path

import pytest

from builder.diagnosis import diagnose
from flasher.process import Finished

LOG = Path("/store/logs/x.log")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("E: Unable to locate package nonesuch", "package-unknown"),
        ("E: Package 'nonesuch' has no installation candidate", "package-unknown"),
        ("  Temporary failure resolving 'deb.example'", "network-down"),
        ("  Could not connect to deb.example:80 (192.0.2.1). - connect (111)", "network-down"),
        ("  The following signatures couldn't be verified: NO_PUBKEY 6ED0E7B8", "signature-bad"),
        (
            "E: The repository 'http://x trixy Release' does not have a Release file.",
            "suite-unknown",
        ),
        (
            "E: Release file for http://x/InRelease is expired (invalid since 15d 1h 56min 41s).",
            "release-expired",
        ),
        ("dpkg: error: failed to write: No space left on device", "disk-full"),
        ("E: Failed to fetch http://deb.example/x.deb  404  Not Found", "download-failed"),
    ],
)
def test_a_known_cause_is_named_by_the_line_that_tells_it(line, code):
    failed = Finished(("x",), 100, b"", f"Reading package lists...\n{line}\nand more\n")
    error = diagnose("apt-get", failed, LOG)
    assert error.code == code
    assert error.message == line.strip().removeprefix("E: ")
    assert str(LOG) in error.hint


def test_what_is_indented_below_the_cause_belongs_to_it():
    said = (
        "E: Unable to satisfy dependencies. Reached two conflicting assignments:\n"
        "   1. a is selected for install\n   2. a is not selected for install\nother\n"
    )
    error = diagnose("apt-get", Finished(("x",), 100, b"", said), LOG)
    assert error.code == "packages-conflict"
    assert error.message.splitlines()[1:] == [
        "   1. a is selected for install",
        "   2. a is not selected for install",
    ]


def test_an_unknown_cause_shows_the_end_of_the_log_without_status_lines():
    lines = [f"line {number}" for number in range(50)]
    lines.insert(49, "pmstatus:dpkg-exec:50:Running dpkg")
    error = diagnose("/usr/bin/apt-get", Finished(("x",), 100, b"", "\n".join(lines)), LOG)
    assert error.code == "step-failed"
    assert "apt-get failed (100)" in error.message
    assert "line 49" in error.message
    assert "line 37" not in error.message
    assert "pmstatus" not in error.message
