"""The ledger among programs: its own kind at once, killed, and others that read what it gives."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from itertools import takewhile
from pathlib import Path
from secrets import token_hex

import pytest

from autosetup.host_key import public_line
from autosetup.report import Report
from flasher.errors import ExitCode
from flasher.fleet.board.keeping import BOARD, folder_of
from flasher.fleet.board.places import board_of
from flasher.process import run
from flasher.rig.assignments import assignments
from flasher.rig.entry import Entry
from flasher.rig.inventory import Reported, inventory
from flasher.rig.ledger import Ledger
from flasher.rig.node_payload import CardIdentity
from tests.unit.rig.sample_entry import ENTRY, NOW

# Records lines for ever, and says after each that it is in the ledger.
WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from flasher.rig.ledger import Entry, Ledger
entry, ledger = Entry(**eval(sys.argv[2])), Ledger(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    ledger.record(replace(entry, generation=number))
    print(number, flush=True)
"""


def writer(path: Path, node: str, count: int) -> subprocess.Popen[str]:
    line = repr(asdict(replace(ENTRY, node=node)))
    argv = [sys.executable, "-c", WRITER, str(path), line, str(count)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def flasher(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flasher", *map(str, argv)], capture_output=True, text=True
    )


def judged_sound(path: Path) -> bool:
    return run(["sqlite3", str(path), "PRAGMA integrity_check"]).text.strip() == "ok"


@pytest.fixture
def here() -> Ledger:
    """The ledger of the person who runs the tests' programs."""
    return Ledger()


def test_programs_that_write_at_once_lose_nothing_and_keep_no_reader_waiting(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.sqlite"
    programs = [writer(path, f"cam-{number}", 25) for number in range(3)]
    while any(program.poll() is None for program in programs):
        Ledger(path).entries()
    assert [program.communicate()[0].count("\n") for program in programs] == [25] * 3
    entries = Ledger(path).entries()
    assert len({entry.entry_id for entry in entries}) == len(entries) == 75
    assert judged_sound(path)


@pytest.mark.parametrize("lines", [1, 4, 9])
def test_what_a_killed_program_said_is_there(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "ledger.sqlite"
    program = writer(path, "cam-1", 100_000)
    assert program.stdout is not None
    for _ in range(lines):
        told = int(program.stdout.readline())
    program.send_signal(signal.SIGKILL)
    rest = program.communicate()[0].split()
    told = int(rest[-1]) if rest else told
    generations = [entry.generation for entry in Ledger(path).entries()]
    assert generations[: told + 1] == list(range(told + 1))
    assert len(generations) <= told + 2
    assert judged_sound(path)


def test_two_laptops_have_one_ledger_after_a_walk_with_a_stick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = tmp_path / "stick"
    gone = flasher("ledger", "export", stick / "left.json")
    assert (gone.returncode, stick.exists()) == (ExitCode.USAGE, False)
    assert f"There is no folder {stick} to write left.json into." in gone.stderr
    stick.mkdir()
    for name in ("left", "right"):
        monkeypatch.setenv("FLASHER_DATA", str(tmp_path / name))
        Ledger().record(replace(ENTRY, node=f"cam-{name}"))
        assert flasher("ledger", "export", stick / f"{name}.json").returncode == 0
    files = sorted(stick.iterdir())
    for name, new in (("left", 1), ("right", 1), ("left", 0)):
        monkeypatch.setenv("FLASHER_DATA", str(tmp_path / name))
        told = json.loads(flasher("ledger", "import", *files, "--json").stdout)
        assert (told["lines"], told["added"]) == (2, new)
    left, right = (Ledger(tmp_path / name / "ledger.sqlite") for name in ("left", "right"))
    assert left.entries() == right.entries()
    assert {entry.node for entry in left.entries()} == {"cam-left", "cam-right"}
    assert judged_sound(left.path)


def test_what_export_prints_as_json_is_taken_over_too(tmp_path: Path, here: Ledger) -> None:
    recorded = here.record(ENTRY)
    printed = tmp_path / "printed.json"
    printed.write_text(flasher("ledger", "export", "--json").stdout)
    here.path.unlink()
    assert flasher("ledger", "import", printed).returncode == 0
    assert here.entries() == (recorded,)


def test_one_bad_file_among_several_keeps_all_of_them_out(tmp_path: Path, here: Ledger) -> None:
    here.record(ENTRY)
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    flasher("ledger", "export", good)
    bad.write_text(good.read_text()[:-9])
    here.path.unlink()
    done = flasher("ledger", "import", good, bad)
    assert done.returncode == 2
    assert f"{bad} is damaged" in done.stderr
    assert here.entries() == ()


def test_the_table_is_read_by_another_program(tmp_path: Path, here: Ledger) -> None:
    here.record(replace(ENTRY, reason='It said "no",\nthen "yes"; naïvely.'))
    here.record(ENTRY)
    table = tmp_path / "cards.csv"
    assert flasher("ledger", "export", table).returncode == 0
    assert flasher("ledger", "export").stdout.replace("\r\n", "\n") == table.read_text()
    query = "SELECT json_group_array(json_array(node, reason, bytes_written)) FROM cards"
    loaded = run(["sqlite3", ":memory:", f".import --csv {table} cards", query]).text
    assert json.loads(loaded) == [[e.node, e.reason, str(e.bytes_written)] for e in here.entries()]
    with table.open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 2


def rig_of_three(here: Ledger) -> dict[str, str]:
    """A controller with an address and two cameras without; their public keys, by node."""
    keys = {}
    for node, role, address in (
        ("controller", "controller", "192.168.99.254"),
        ("cam-0101", "camera", ""),
        ("cam-0102", "camera", ""),
    ):
        keys[node] = public_line(CardIdentity.fresh(NOW).host_key) or ""
        card = replace(ENTRY, node=node, role=role, address=address, host_key=keys[node])
        card = replace(card, card_id=token_hex(16))
        here.record(replace(card, user="scanner", profile="body-16x7"))
    return keys


def test_ansible_reads_the_inventory(tmp_path: Path, here: Ledger) -> None:
    rig_of_three(here)
    file = tmp_path / "my rig" / "rig.yml"
    file.parent.mkdir()
    assert flasher("ledger", "export", "--ansible", file).returncode == 0
    environment = {"HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["ansible-inventory", "--inventory", file, "--list"],
        capture_output=True,
        text=True,
        env=environment,
    )
    for complaint in ("same name", "nvalid characters", "ailed to parse"):
        assert complaint not in done.stderr
    found = json.loads(done.stdout)
    assert found["role_camera"]["hosts"] == ["cam-0101", "cam-0102"]
    assert found["site_studio"]["hosts"] == ["cam-0101", "cam-0102", "controller"]
    assert found["scanner_body_16x7"]["hosts"] == found["site_studio"]["hosts"]
    hosts = found["_meta"]["hostvars"]
    assert hosts["controller"]["ansible_host"] == "192.168.99.254"
    assert hosts["cam-0102"]["ansible_host"] == "cam-0102.local"
    assert hosts["cam-0102"]["ansible_user"] == "scanner"


def variables(told: str, node: str) -> dict[str, str]:
    """What an inventory says of a node."""
    lines = iter(told.partition("  children:")[0].splitlines())
    next(line for line in lines if line == f'    "{node}":')
    own = takewhile(lambda line: line.startswith(" " * 6), lines)
    pairs = (line.strip().split(": ", 1) for line in own)
    return {name: json.loads(value) for name, value in pairs}


def test_the_inventory_has_what_was_published_and_what_the_node_said_last(here: Ledger) -> None:
    rig_of_three(here)
    first, second = here.entries()[-2:]
    for card in (first, second):
        here.record(replace(card, result="alive", written_at="2026-05-04T13:00:00+00:00"))
        here.record(replace(card, result="released", generation=9))
    said = Report(second.card_id, "cam-0102", 1, "done", generation=8)
    board = board_of("studio", assignments(here.entries(), "studio").values(), NOW)
    board = board.heard(said, "10.20.0.7", NOW)
    folder_of("studio").mkdir(parents=True)
    (folder_of("studio") / BOARD).write_text(json.dumps(board.to_json()))
    told = flasher("ledger", "export", "--ansible").stdout
    names = ("generation_published", "generation_reported", "address_reported", "reported_at")
    found = {
        node: [variables(told, node)[f"flasher_{name}"] for name in names]
        for node in ("controller", "cam-0101", "cam-0102")
    }
    assert found == {
        "controller": [str(ENTRY.generation), "", "", ""],
        "cam-0101": ["9", str(first.generation), "", "2026-05-04T13:00:00+00:00"],
        "cam-0102": ["9", "8", "10.20.0.7", "2026-05-04T12:00:00Z"],
    }
    hosts = {node: variables(told, node)["ansible_host"] for node in found}
    assert hosts == {
        "controller": "192.168.99.254",
        "cam-0101": "cam-0101.local",
        "cam-0102": "10.20.0.7",
    }
    assert "cam-0102,cam-0102.local,10.20.0.7 " in flasher("ledger", "known-hosts").stdout


@pytest.mark.parametrize("address", ["fe80::1%eth0", "169.254.7.1", "127.0.0.1", "::1"])
def test_an_address_of_one_link_or_of_a_relay_is_no_way_to_a_node(
    here: Ledger, address: str
) -> None:
    rig_of_three(here)
    card = here.entries()[-1]
    link = {card.card_id: Reported(7, address)}
    assert 'ansible_host: "cam-0102.local"' in inventory([card], link)


def test_ssh_knows_the_nodes_before_they_have_started(tmp_path: Path, here: Ledger) -> None:
    keys = rig_of_three(here)
    file = tmp_path / "my rig" / "rig.yml"
    file.parent.mkdir()
    flasher("ledger", "export", "--ansible", file)
    known = file.with_name("rig.yml.known_hosts")
    for host, node in (
        ("cam-0101", "cam-0101"),
        ("cam-0102.local", "cam-0102"),
        ("192.168.99.254", "controller"),
    ):
        found = run(["ssh-keygen", "-F", host, "-f", str(known)]).text.splitlines()[-1]
        assert found.split()[1:] == keys[node].split()
    assert flasher("ledger", "known-hosts").stdout == known.read_text()


def test_ssh_of_ansible_looks_into_the_file_beside_the_inventory(
    tmp_path: Path, here: Ledger
) -> None:
    rig_of_three(here)
    file = tmp_path / "my rig" / "rig.yml"
    file.parent.mkdir()
    flasher("ledger", "export", "--ansible", file)
    ask = ["ansible", "cam-0101", "-i", file, "-m", "debug", "-a", "var=ansible_ssh_common_args"]
    told = subprocess.run(
        [*ask, "--one-line"],
        capture_output=True,
        text=True,
        check=True,
        env={"HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]},
    ).stdout
    arguments = json.loads(told.partition("=> ")[2])["ansible_ssh_common_args"]
    settings = run(["ssh", "-F", "none", "-G", *shlex.split(arguments), "cam-0101"]).text
    (files,) = (each for each in settings.splitlines() if each.startswith("userknownhosts"))
    assert files.startswith(f"userknownhostsfile {file}.known_hosts ")


def test_two_nodes_that_were_swapped_are_found_in_each_others_place(here: Ledger) -> None:
    keys = rig_of_three(here)
    first, second = (card for card in here.entries()[-2:])
    for card, node in ((first, "cam-0102"), (second, "cam-0101")):
        here.record(replace(card, node=node, result="released", generation=9))
    told = flasher("ledger", "known-hosts").stdout
    assert f"cam-0102,cam-0102.local {keys['cam-0101']}\n" in told
    assert f"cam-0101,cam-0101.local {keys['cam-0102']}\n" in told
    file = flasher("ledger", "export", "--ansible").stdout
    one = file.index('"cam-0101":')
    assert f'flasher_card: "{second.card_id}"' in file[one : file.index('"cam-0102":')]


def test_nodes_of_one_name_in_two_rigs_are_not_mixed_up(here: Ledger, tmp_path: Path) -> None:
    for site in ("studio", "museum"):
        here.record(replace(ENTRY, site=site, card_id=token_hex(16)))
    both = flasher("ledger", "export", "--ansible", tmp_path / "rig.yml")
    assert both.returncode == 2
    assert "body at museum and body at studio" in both.stderr
    assert not list(tmp_path.glob("rig*"))
    one = flasher("ledger", "export", "--ansible", "--site", "museum")
    assert "site_museum" in one.stdout
    assert "site_studio" not in one.stdout


def test_cards_are_chosen_by_site_scanner_and_node(here: Ledger) -> None:
    for site, node in (("studio", "cam-0101"), ("studio", "cam-0102"), ("museum", "cam-0101")):
        here.record(replace(ENTRY, site=site, node=node, position=node.upper()))

    def chosen(*argv: str) -> list[tuple[str, str]]:
        lines: list[Entry] = json.loads(flasher("ledger", "list", *argv, "--json").stdout)[
            "entries"
        ]
        return [(line["site"], line["node"]) for line in lines]  # type: ignore[index]

    assert len(chosen()) == 3
    assert chosen("--site", "museum") == [("museum", "cam-0101")]
    assert chosen("--node", "CAM-0102") == [("studio", "cam-0102")]
    assert chosen("--scanner", "other") == []
