"""A generation that fails is taken back: the node is what the last good one made it."""

from __future__ import annotations

import dataclasses
import shutil

import pytest

from autosetup.settings import Boot, InstalledFile, Services, User
from tests.integration.autosetup.conftest import Node
from tests.unit.autosetup.sample_payloads import (
    FILES,
    GENERATION,
    HASH,
    SECRETS,
    SETTINGS,
    packed,
    public_key,
)
from tests.unit.autosetup.test_archive import zipped

GOOD, BAD, BETTER = GENERATION, GENERATION + 1, GENERATION + 2
PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)
COUNTING = b"#!/bin/sh\necho run >> /etc/counted\n"
GOOD_FILES = {**FILES, "scripts/10-hello": COUNTING}
BAD_SETTINGS = dataclasses.replace(
    PLAIN, name="cam-9999", wifi=PLAIN.wifi[:1], wired=None, scripts=PLAIN.scripts
)
BAD_SECRETS = dataclasses.replace(SECRETS, wifi_passphrases={"65;66;": "wrong password"})
BAD_FILES = {**FILES, "scripts/10-hello": b"#!/bin/sh\necho no camera is found\nexit 3\n"}


@pytest.fixture
def good(node: Node) -> Node:
    """A node that is done, with a script that ran once."""
    node.insert(packed(PLAIN, files=GOOD_FILES))
    assert node.run().returncode == 0
    return node


def put(node: Node, raw: dict[str, bytes]) -> None:
    """Have this payload, and nothing else, on the card."""
    shutil.rmtree(node.card)
    node.insert(raw)


def insert_bad(node: Node) -> None:
    node.insert(packed(BAD_SETTINGS, BAD_SECRETS, BAD_FILES, generation=BAD))


def made_of(node: Node) -> dict[str, tuple[object, ...]]:
    """The node's tree, without the card, and without the highest generation that was done."""
    told = ("boot/firmware/autosetup", "var/lib/autosetup/binding.json")
    return {path: facts for path, facts in node.tree().items() if not path.startswith(told)}


def test_a_payload_that_fails_is_taken_back_and_said(good: Node) -> None:
    before = made_of(good)
    insert_bad(good)
    told = good.run()
    status = good.status
    assert (told.returncode, status.state) == (0, "rolled-back")
    assert (status.node, status.generation, status.failed_generation) == ("cam-0101", GOOD, BAD)
    assert (status.code, status.step) == ("script-failed", "scripts")
    assert status.reason == "The script 10-hello failed (3): no camera is found"
    assert status.hint
    assert made_of(good) == before


def test_the_way_back_begins_with_the_network(good: Node) -> None:
    insert_bad(good)
    told = good.run().stdout
    way_back = told[told.index("goes back") :]
    assert "step 1 of" in way_back
    assert way_back.index(": network") < way_back.index(": identity")


def test_scripts_that_finished_for_the_good_one_do_not_run_again(good: Node) -> None:
    insert_bad(good)
    good.run()
    assert good.read("/etc/counted") == "run\n"


def test_what_was_taken_back_is_not_tried_again_at_later_boots(good: Node) -> None:
    insert_bad(good)
    good.run()
    before = good.tree()
    told = good.run()
    assert (told.returncode, good.status.state) == (0, "rolled-back")
    assert "10-hello" not in told.stdout.replace("The script 10-hello failed", "")
    assert good.tree() == before


def test_the_secrets_of_what_was_taken_back_are_erased_everywhere(good: Node) -> None:
    insert_bad(good)
    good.run()
    files = [path for path in good.upper.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in files if b"wrong password" in path.read_bytes()]


def test_a_still_higher_generation_is_applied(good: Node) -> None:
    insert_bad(good)
    good.run()
    better = dataclasses.replace(PLAIN, name="cam-0102")
    good.insert(packed(better, files=GOOD_FILES, generation=BETTER))
    assert good.run().returncode == 0
    assert (good.status.state, good.status.node) == ("done", "cam-0102")
    assert good.status.failed_generation is None


def test_a_first_payload_that_fails_has_nothing_to_go_back_to(node: Node) -> None:
    insert_bad(node)
    assert node.run().returncode == 1
    assert (node.status.state, node.status.code) == ("failed", "script-failed")
    node.insert(packed(PLAIN, files=GOOD_FILES, generation=BETTER))
    assert node.run().returncode == 0
    assert node.status.state == "done"


def test_a_faulty_payload_changes_nothing_and_does_not_hold_up_the_way_back(good: Node) -> None:
    insert_bad(good)
    good.run(kill_at=60)
    good.insert(packed(PLAIN, generation=BETTER) | {"node.toml": b"name = "})
    good.run()
    assert good.read("/etc/hostname") == "cam-0101\n"
    told = good.run()
    assert (told.returncode, good.status.code) == (1, "payload-refused")
    assert good.read("/etc/hostname") == "cam-0101\n"


def test_a_payload_of_an_archive_is_applied_by_the_rules_of_the_card(good: Node) -> None:
    better = packed(dataclasses.replace(PLAIN, name="cam-0102"), generation=BETTER)
    archive = good.upper / "better.zip"
    archive.write_bytes(zipped({f"autosetup/{name}": data for name, data in better.items()}))
    told = good.run("apply", "/better.zip")
    assert (told.returncode, good.status.state) == (0, "done"), told
    assert good.read("/etc/hostname") == "cam-0102\n"
    assert not (good.upper / "var/lib/autosetup/staged").exists()
    # The card still has the older one, and a later boot does not mind.
    assert good.run().returncode == 0
    assert good.read("/etc/hostname") == "cam-0102\n"


def test_an_archive_that_is_refused_changes_nothing(good: Node) -> None:
    before = good.tree()
    for raw, why in (
        (packed(PLAIN, generation=BETTER) | {"node.toml": b"name = "}, "node.toml:1:8"),
        (packed(PLAIN, generation=GOOD - 1), "is not newer than"),
        (packed(BAD_SETTINGS, BAD_SECRETS), "with another content"),
        ({"node.toml": b""}, "There is no payload here"),
    ):
        (good.folder / "upper/payload.zip").write_bytes(zipped(raw))
        told = good.run("apply", "/payload.zip")
        (good.folder / "upper/payload.zip").unlink()
        assert told.returncode == 1
        assert why in told.stderr
        assert good.tree() == before


def test_a_folder_that_fails_is_taken_back_and_the_command_says_so(good: Node) -> None:
    for name, data in packed(BAD_SETTINGS, BAD_SECRETS, BAD_FILES, generation=BAD).items():
        path = good.upper / "payload" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    told = good.run("apply", "/payload")
    assert (told.returncode, good.status.state) == (1, "rolled-back")
    assert good.read("/etc/hostname") == "cam-0101\n"
    assert good.run("apply", "/payload").returncode == 1  # nor is it tried again


def test_by_hand_a_node_goes_back_to_the_generation_before(good: Node) -> None:
    before = made_of(good)
    better = dataclasses.replace(PLAIN, name="cam-0102")
    good.insert(packed(better, files=GOOD_FILES, generation=BETTER))
    assert good.run().returncode == 0
    assert good.run("rollback").returncode == 0
    status = good.status
    assert (status.state, status.code, status.node) == ("rolled-back", "taken-back", "cam-0101")
    assert (status.generation, status.failed_generation) == (GOOD, BETTER)
    assert made_of(good) == before
    assert good.run().returncode == 0  # the card's payload, which was taken back, stays away
    assert good.read("/etc/hostname") == "cam-0101\n"
    told = good.run("rollback")
    assert told.returncode == 1
    assert "no good generation before" in told.stderr


def test_three_runs_cut_short_in_one_step_are_the_payloads_fault(good: Node) -> None:
    down = b"#!/bin/sh\nkill -9 $PPID\n"
    bad = packed(BAD_SETTINGS, BAD_SECRETS, {**FILES, "scripts/10-hello": down}, generation=BAD)
    good.insert(bad)
    killed = [good.run().returncode for _ in range(3)]
    assert killed == [137] * 3
    assert good.run().returncode == 0
    status = good.status
    assert (status.state, status.code, status.step) == ("rolled-back", "cut-short", "scripts")
    assert good.read("/etc/hostname") == "cam-0101\n"


MORE = dataclasses.replace(
    BAD_SETTINGS,
    users=(*PLAIN.users, User("guest", ("video",), (public_key(),), passwordless_sudo=True)),
    files=(
        *PLAIN.files,
        InstalledFile("/etc/issue", "files/motd"),
        InstalledFile("/etc/issue-link", "files/motd"),
        InstalledFile("/rig/deep/tool", "files/motd", 0o755),
        InstalledFile("/etc/systemd/system/extra.service", "files/unit"),
    ),
    services=Services(("extra.service", "preview.service"), ("capture.service",)),
    boot=Boot(("dtparam=spi=on",), ("quiet",)),
)
UNIT = b"[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
MORE_FILES = {**BAD_FILES, "files/unit": UNIT}
MORE_SECRETS = dataclasses.replace(
    BAD_SECRETS, password_hashes={**SECRETS.password_hashes, "guest": HASH}
)


def with_a_past(node: Node) -> Node:
    """A node whose image has some of the files that a payload will install."""
    (node.upper / "etc/issue").write_text("of the image\n")
    (node.upper / "etc/issue-link").symlink_to("issue")
    (node.card.parent / "config.txt").write_text("kernel=vmlinuz\n")
    (node.card.parent / "cmdline.txt").write_text("root=LABEL=rootfs rootwait\n")
    for name in ("config.txt", "cmdline.txt"):  # FAT knows no modes: the one of our own writing
        (node.card.parent / name).chmod(0o600)
    node.insert(packed(PLAIN, files=GOOD_FILES))
    assert node.run().returncode == 0
    return node


def test_all_that_only_the_bad_one_brought_is_taken_away(node: Node) -> None:
    before = made_of(with_a_past(node))
    put(node, packed(MORE, MORE_SECRETS, MORE_FILES, generation=BAD))
    assert "script 10-hello failed" in node.run().stdout
    assert node.status.state == "rolled-back"
    after = made_of(node)
    names = ("passwd", "shadow", "group", "gshadow", "subuid", "subgid", "subuid-", "subgid-")
    accounts = {f"etc/{name}" for name in names}
    changed = {path for path in before.keys() | after if before.get(path) != after.get(path)}
    assert {path for path in changed - accounts if not path.startswith("home/guest")} == set()
    # The account that was made is closed; what may be in its home stays.
    shadow = dict(line.split(":", 1) for line in node.read("/etc/shadow").splitlines())
    assert shadow["guest"].startswith("!")
    assert shadow["guest"].split(":")[6] == "1"
    assert not (node.upper / "home/guest/.ssh/authorized_keys").exists()


def test_what_a_newer_payload_no_longer_wants_is_taken_away_too(node: Node) -> None:
    before = made_of(with_a_past(node))
    put(node, packed(MORE, MORE_SECRETS, {**MORE_FILES, **GOOD_FILES}, generation=BAD))
    assert node.run().returncode == 0
    assert node.status.state == "done"
    assert node.read("/etc/issue") == "hello\n"
    put(node, packed(PLAIN, files=GOOD_FILES, generation=BETTER))
    assert node.run().returncode == 0
    after = made_of(node)
    for path in ("etc/issue", "etc/issue-link", "rig", "boot/firmware/config.txt", "etc/systemd"):
        inside = {p: facts for p, facts in before.items() if p.startswith(path)}
        assert inside == {p: facts for p, facts in after.items() if p.startswith(path)}


def test_an_account_that_was_closed_opens_again_when_it_is_wanted_again(node: Node) -> None:
    with_a_past(node)
    both = {**MORE_FILES, **GOOD_FILES}
    for generation, payload in enumerate(
        (
            (MORE, MORE_SECRETS, both),
            (PLAIN, SECRETS, GOOD_FILES),
            (MORE, MORE_SECRETS, both),
        ),
        BAD,
    ):
        put(node, packed(*payload, generation=generation))
        assert node.run().returncode == 0
        assert node.status.generation == generation
    shadow = dict(line.split(":", 1) for line in node.read("/etc/shadow").splitlines())
    assert shadow["guest"].split(":")[0] == HASH
    assert shadow["guest"].split(":")[6] == ""
    # And is closed again when it goes once more.
    put(node, packed(PLAIN, SECRETS, GOOD_FILES, generation=BAD + 3))
    assert node.run().returncode == 0
    shadow = dict(line.split(":", 1) for line in node.read("/etc/shadow").splitlines())
    assert shadow["guest"].startswith("!")
    assert shadow["guest"].split(":")[6] == "1"
