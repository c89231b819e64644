"""Cards written by ordinary users, through a real udisks2 and polkit."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from flasher.drives.eject import forbid_writes
from flasher.drives.find import find_drive
from flasher.drives.opening import open_drive
from flasher.process import environment, run
from tests.integration.conftest import SIZE, LoopMaker
from tests.integration.drives.desktop import (
    ADMIN,
    MEMBER,
    PASSWORD,
    STRANGER,
    Desktop,
    desktop,
)

FLASHER = (sys.executable, "-m", "flasher")


@pytest.fixture
def backing(tmp_path: Path) -> Path:
    """What is on a card of 64 MiB that was something else before."""
    backing = tmp_path / "card.backing"
    backing.write_bytes(b"\xa5" * (64 << 20))
    return backing


@pytest.fixture
def loop(backing: Path, make_loop: LoopMaker) -> Path:
    return make_loop(backing, "--partscan")


@pytest.fixture
def bench(tmp_path: Path, loop: Path) -> Iterator[Desktop]:
    with desktop(tmp_path / "desktop", loop) as found:
        yield found


@pytest.fixture
def image(bench: Desktop, base_image: Path) -> Path:
    """The image where ordinary users may read it."""
    image = bench.place / "base.img"
    image.hardlink_to(base_image)
    return image


def test_a_member_of_the_group_writes_and_verifies_a_card(
    bench: Desktop, loop: Path, backing: Path, image: Path
) -> None:
    done = bench.run(MEMBER, *FLASHER, "write", str(image), str(loop), "--yes")
    assert done.returncode == 0, done.stdout
    assert backing.read_bytes()[:SIZE] == image.read_bytes()
    checked = bench.run(MEMBER, *FLASHER, "verify", "--image", str(image), str(loop))
    assert checked.returncode == 0, checked.stdout


def test_anybody_else_is_told_what_he_lacks_and_the_card_is_left_alone(
    bench: Desktop, loop: Path, backing: Path, image: Path
) -> None:
    done = bench.run(STRANGER, *FLASHER, "write", str(image), str(loop), "--yes")
    assert done.returncode == 5, done.stdout
    assert "polkit does not let you" in done.stdout
    assert not backing.read_bytes().strip(b"\xa5")


def test_without_udisks2_the_hint_is_sudo(bench: Desktop, loop: Path, image: Path) -> None:
    no_bus = ("env", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere")
    done = bench.run(MEMBER, *no_bus, *FLASHER, "write", str(image), str(loop), "--yes")
    assert done.returncode == 5, done.stdout
    assert "Run the command with sudo" in done.stdout


def test_a_card_that_another_program_holds_is_refused(
    bench: Desktop, loop: Path, image: Path
) -> None:
    held = os.open(loop, os.O_RDONLY | os.O_EXCL)
    try:
        done = bench.run(MEMBER, *FLASHER, "write", str(image), str(loop), "--yes")
    finally:
        os.close(held)
    assert done.returncode == 3, done.stdout
    assert "in use by another program" in done.stdout


def test_over_ssh_a_password_is_asked_for_on_the_terminal(
    bench: Desktop, loop: Path, backing: Path, image: Path
) -> None:
    argv = bench.argv(ADMIN, *FLASHER, "write", str(image), str(loop), "--yes")
    with pexpect.spawn(argv[0], argv[1:], encoding="utf-8", env=environment()) as terminal:
        terminal.expect("Authentication is required to open")
        terminal.expect("Password: ")
        terminal.waitnoecho()
        terminal.sendline(PASSWORD)
        terminal.expect(f"{loop} holds {image.name}")
        terminal.expect(pexpect.EOF)
    assert terminal.exitstatus == 0
    assert backing.read_bytes()[:SIZE] == image.read_bytes()


def test_a_wrong_password_opens_nothing(
    bench: Desktop, loop: Path, backing: Path, image: Path
) -> None:
    argv = bench.argv(ADMIN, *FLASHER, "write", str(image), str(loop), "--yes")
    with pexpect.spawn(argv[0], argv[1:], encoding="utf-8", env=environment()) as terminal:
        terminal.expect("Password: ")
        terminal.waitnoecho()
        terminal.sendline("wrong horse")
        terminal.expect("You may not open")
        terminal.expect(pexpect.EOF)
    assert terminal.exitstatus == 5
    assert not backing.read_bytes().strip(b"\xa5")


def test_an_interrupt_ends_the_question_for_a_password(
    bench: Desktop, loop: Path, backing: Path, image: Path
) -> None:
    # script(1) has a terminal of its own, so that the interrupt is for the program alone.
    line = shlex.join([*FLASHER, "write", str(image), str(loop), "--yes"])
    argv = bench.argv(ADMIN, "script", "--quiet", "--return", "--command", line, "/dev/null")
    with pexpect.spawn(argv[0], argv[1:], encoding="utf-8", env=environment()) as terminal:
        terminal.expect("Password: ")
        terminal.send("\x03")
        terminal.expect("interrupted")
        terminal.expect(pexpect.EOF)
    assert terminal.exitstatus == 130
    assert not backing.read_bytes().strip(b"\xa5")


def test_what_is_on_a_card_is_told_without_a_password(used_card: Path, tmp_path: Path) -> None:
    tell = f"from flasher.drives.find import find_drive; print(find_drive('{used_card}').holds)"
    with desktop(tmp_path / "desktop", used_card) as bench:
        seen = bench.run(MEMBER, sys.executable, "-c", tell).stdout
        unseen = bench.run(ADMIN, sys.executable, "-c", tell).stdout
    assert seen == "a payload that cannot be read, not booted yet\n"
    assert unseen == "unknown: it cannot be read\n"


def test_a_card_that_fails_a_user_who_may_not_open_it_was_not_pulled(
    bench: Desktop, loop: Path
) -> None:
    error = f"explain(OSError(5, ''), Path('{loop}'), 'writing')"
    tell = f"from pathlib import Path; from flasher.drives.faults import *; print({error}.code)"
    assert bench.run(MEMBER, sys.executable, "-c", tell).stdout == "card-failed\n"


def test_the_rule_is_for_cards_alone(tmp_path: Path, loop: Path) -> None:
    with desktop(tmp_path / "desktop", loop, is_card=False) as bench:
        looked = bench.run(MEMBER, *FLASHER, "inspect", str(loop))
    assert looked.returncode == 5, looked.stdout
    assert "polkit does not let you" in looked.stdout


def test_the_rule_is_not_for_what_is_larger_than_a_card(
    tmp_path: Path, make_loop: LoopMaker
) -> None:
    backing = tmp_path / "large.backing"
    with backing.open("wb") as handle:
        handle.truncate(3 << 40)
    loop = make_loop(backing)
    with desktop(tmp_path / "desktop", loop) as bench:
        looked = bench.run(MEMBER, *FLASHER, "inspect", str(loop))
    assert looked.returncode == 5, looked.stdout


def mount_for(bench: Desktop, user: str, device: str) -> None:
    """Mount a device where a desktop does for a user."""
    bench.must_run("root", "mkdir", "-p", f"/run/media/{user}/card")
    bench.must_run("root", "mount", device, f"/run/media/{user}/card")


def test_a_card_that_this_computer_works_with_is_none_for_the_rule(
    used_card: Path, tmp_path: Path
) -> None:
    with desktop(tmp_path / "desktop", used_card) as bench:
        assert bench.run(MEMBER, *FLASHER, "inspect", str(used_card)).returncode == 0
        bench.must_run("root", "mount", f"{used_card}p2", "/srv")
        assert bench.run(MEMBER, *FLASHER, "inspect", str(used_card)).returncode == 5
        bench.must_run("root", "mount", "--move", "/srv", "/media")
        assert bench.run(MEMBER, *FLASHER, "inspect", str(used_card)).returncode == 5
        bench.must_run("root", "umount", "/media")
        mount_for(bench, STRANGER, f"{used_card}p2")
        assert bench.run(MEMBER, *FLASHER, "inspect", str(used_card)).returncode == 5
        bench.must_run("root", "umount", f"{used_card}p2")
        mount_for(bench, MEMBER, f"{used_card}p2")
        assert bench.run(MEMBER, *FLASHER, "inspect", str(used_card)).returncode == 0


def test_what_is_mounted_where_polkit_does_not_see_it_is_no_card_for_the_rule(
    used_card: Path, tmp_path: Path
) -> None:
    with desktop(tmp_path / "desktop", used_card) as bench:
        looking = bench.argv(MEMBER, *FLASHER, "inspect", str(used_card))[len(bench.argv("root")) :]
        script = f"mount {used_card}p2 /home; {shlex.join(looking)}"
        looked = bench.run("root", "unshare", "--mount", "sh", "-ec", script)
        assert looked.returncode == 5, looked.stdout
        assert bench.run(MEMBER, *FLASHER, "inspect", str(used_card)).returncode == 0


def test_a_member_of_the_group_has_a_mounted_card_unmounted_and_let_go(
    used_card: Path, tmp_path: Path
) -> None:
    eject = (*FLASHER, "eject", str(used_card))
    with desktop(tmp_path / "desktop", used_card) as bench:
        mount_for(bench, MEMBER, f"{used_card}p2")
        refused = bench.run(STRANGER, *eject)
        assert refused.returncode == 5, refused.stdout
        assert bench.is_mounted(f"{used_card}p2")
        done = bench.run(MEMBER, *eject)
        assert done.returncode == 0, done.stdout
        assert not bench.is_mounted(f"{used_card}p2")


def test_nothing_is_mounted_from_a_card_while_it_is_held(used_card: Path, tmp_path: Path) -> None:
    with desktop(tmp_path / "desktop", used_card) as bench:

        def is_mounted_if_asked() -> bool:
            # Once somebody wrote to it, udev forgets the partitions that this kernel did not find.
            run(["partx", "--update", str(used_card)], ok=(0, 1))
            asked = ("udisksctl", "mount", "--no-user-interaction", "-b", f"{used_card}p2")
            return bench.run("root", *asked).returncode == 0

        descriptor = open_drive(find_drive(str(used_card)))
        try:
            os.pwrite(descriptor, os.pread(descriptor, 512, 0), 0)
            assert not is_mounted_if_asked()
        finally:
            os.close(descriptor)
        assert any(is_mounted_if_asked() for _ in range(100))


def test_what_a_slot_cannot_give_back_is_mounted_read_only(used_card: Path, tmp_path: Path) -> None:
    before = used_card.read_bytes()
    with used_card.open("rb") as held:
        forbid_writes(held.fileno())
    try:
        with desktop(tmp_path / "desktop", used_card) as bench:
            bench.must_run("root", "udisksctl", "mount", "-b", f"{used_card}p2")
            bench.must_run("root", "findmnt", "--options", "ro", "--source", f"{used_card}p2")
            bench.must_run("root", "umount", f"{used_card}p2")
        assert used_card.read_bytes() == before
    finally:
        run(["blockdev", "--setrw", str(used_card)])
