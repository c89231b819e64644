"""Networks are joined, not only written down: one boot of a node among simulated access points.

The radios are the kernel's mac80211_hwsim, the access points hostapd in a network namespace of
their own, the addresses dnsmasq's. The judges are the kernel, for what is joined, and ping. The
second half of the cases is played after NetworkManager was taken off the node.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from autosetup.air import names_in
from autosetup.payload import NodeSettings, Script, Secrets, Wifi
from autosetup.status import Status
from flasher import paths
from tests.rehearsal.conftest import call
from tests.rehearsal.machine import powered
from tests.unit.autosetup.sample_payloads import packed

Run = Callable[..., list[dict[str, object]]]

pytestmark = pytest.mark.timeout(3600)

HERE = Path(__file__).with_name("wifi")
PHRASE = 'quote " \\ and; blanks  '
RAW_KEY = "c0ffee" * 10 + "beef"
SCRIPT = {"scripts/10-count": b"#!/bin/sh\necho run >> /var/lib/runs\n"}


@dataclass(frozen=True, slots=True)
class Point:
    """An access point; the security is hostapd's settings."""

    name: str | bytes
    security: str = ""
    channel: int = 1
    more: str = ""
    lease: bool = True

    def as_json(self) -> dict[str, object]:
        octets = self.name if isinstance(self.name, bytes) else self.name.encode()
        lines = (f"ssid2={octets.hex()}", "hw_mode=g", f"channel={self.channel}", self.security)
        return {"hostapd": "\n".join((*lines, self.more, "")), "lease": self.lease}


@dataclass(frozen=True, slots=True)
class Case:
    """What is in the air, and what the node is told; without networks it only tries once more.

    Attributes:
        ends: the state, or the code of what failed. Within the agent's patience a busy computer may
            get to no verdict or to a first one, so a node that ends otherwise tries again, thrice.
        hears: networks that the node's radio must have heard before the case begins.
        before: commands for the node.
        is_new: the node has no payload yet; else it has that of the case before.
    """

    name: str
    air: tuple[Point, ...]
    told: tuple[Wifi, ...] = ()
    phrases: dict[str, str] = field(default_factory=dict)
    country: str | None = None
    ends: str = "done"
    hears: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a case: the node's word, the kernel's, which access points answered."""

    status: Status
    link: str
    answers: tuple[str, ...]
    scripts: str


def read_told(line: str) -> Told:
    values = json.loads(line.partition(" ")[2])
    status = Status.from_json(json.dumps(values["status"]).encode())
    return Told(status, values["link"], tuple(values["answers"]), values["scripts"])


def wpa2(phrase: str = PHRASE) -> str:
    return f"wpa=2\nwpa_key_mgmt=WPA-PSK\nrsn_pairwise=CCMP\nwpa_passphrase={phrase}"


def wpa3(phrase: str = PHRASE) -> str:
    keys = f"rsn_pairwise=CCMP\nieee80211w=2\nsae_password={phrase}"
    return f"wpa=2\nwpa_key_mgmt=SAE\n{keys}"


MIXED = (
    "wpa=2\nwpa_key_mgmt=WPA-PSK SAE\nrsn_pairwise=CCMP\nieee80211w=1\n"
    f"wpa_passphrase={PHRASE}\nsae_password={PHRASE}"
)
RAW = f"wpa=2\nwpa_key_mgmt=WPA-PSK\nrsn_pairwise=CCMP\nwpa_psk={RAW_KEY}"
HIDDEN = "ignore_broadcast_ssid=1"
GERMAN = "ieee80211d=1\ncountry_code=DE"
BLOCK = "for switch in /sys/class/net/wlan0/phy80211/rfkill*/soft; do echo 1 > $switch; done"
CASES = (
    Case(
        "wpa2",
        (Point("65;66;", wpa2()),),
        (Wifi("65;66;"),),
        {"65;66;": PHRASE},
    ),
    Case(
        "wpa3 hidden",
        (Point("a\\sb🦊", wpa3(), more=HIDDEN),),
        (Wifi("a\\sb🦊", "sae", hidden=True),),
        {"a\\sb🦊": PHRASE},
    ),
    Case("open", (Point("  Gäste "),), (Wifi("  Gäste ", "open"),)),
    Case(
        "octets",
        (Point(b"\xff\x00\xc3", RAW),),
        (Wifi("hex:ff00c3"),),
        {"hex:ff00c3": RAW_KEY},
    ),
    Case(
        "the first of two",
        (Point("spare", wpa2()), Point("Studio", MIXED, channel=6)),
        (Wifi("Studio"), Wifi("spare")),
        {"Studio": PHRASE, "spare": PHRASE},
        hears=("Studio", "spare"),
    ),
    Case(
        "the second of two",
        (Point("spare", wpa2()),),
        (Wifi("Studio"), Wifi("spare"), Wifi("other", "open")),
        {"Studio": PHRASE, "spare": PHRASE},
    ),
    Case(
        "wrong passphrase",
        (Point("Studio", wpa2("something else")),),
        (Wifi("Studio"),),
        {"Studio": PHRASE},
        ends="wifi-refused",
    ),
    Case("passphrase put right", (Point("Studio", wpa2()),)),
    Case(
        "wrong passphrase of wpa3",
        (Point("Studio", wpa3("something else")),),
        (Wifi("Studio", "sae"),),
        {"Studio": PHRASE},
        ends="wifi-refused",
    ),
    Case(
        "no access point",
        (),
        (Wifi("Studio"),),
        {"Studio": PHRASE},
        ends="wifi-not-heard",
    ),
    Case("access point switched on", (Point("Studio", wpa2()),)),
    Case(
        "no lease",
        (Point("Studio", wpa2(), lease=False),),
        (Wifi("Studio"),),
        {"Studio": PHRASE},
        ends="no-lease",
    ),
    Case("lease", (Point("Studio", wpa2()),)),
    Case(
        "taken back",
        (Point("Studio", wpa2()),),
        (Wifi("Studio"),),
        {"Studio": "something else"},
        is_new=False,
        ends="rolled-back",
    ),
    # Of a name that the node was not told before: it must not join before it hears of its country.
    Case(
        "wrong country",
        (Point("Neighbour", wpa2(), more=GERMAN), Point("Atelier", wpa2(), 13, GERMAN)),
        (Wifi("Atelier"),),
        {"Atelier": PHRASE},
        country="US",
        ends="wrong-country",
    ),
    Case(
        "right country",
        (Point("Atelier", wpa2(), 13, GERMAN),),
        (Wifi("Atelier"),),
        {"Atelier": PHRASE},
        country="DE",
    ),
    Case(
        "radio switched off",
        (Point("Studio", wpa2()),),
        (Wifi("Studio"), Wifi("other")),
        {"Studio": PHRASE, "other": PHRASE},
        before=(BLOCK,),
    ),
)
NODE = NodeSettings(name="cam-0101", role="camera", scripts=(Script("scripts/10-count", 5),))
GENERATION = 1_795_233_590


def make_cases(folder: Path, cases: Sequence[Case], look: tuple[str, ...]) -> None:
    """What the trial reads: `cases.json`, and the payloads that it names."""
    listed = []
    for number, case in enumerate(cases):
        listed.append(
            {
                "name": case.name,
                "air": [point.as_json() for point in case.air],
                "ends": case.ends,
                "hears": case.hears,
                "before": case.before,
                "is_new": case.is_new,
                "payload": str(number) if case.told else "",
                "look": look,
            }
        )
        if case.told:
            settings = replace(NODE, wifi=case.told, country=case.country)
            secrets = Secrets(bytes(range(32)), {}, case.phrases)
            raw = packed(settings, secrets, SCRIPT, GENERATION + number)
            for name, data in raw.items():
                path = folder / "cases" / str(number) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
    (folder / "cases.json").write_text(json.dumps(listed))


def tool(*argv: str | Path) -> str:
    return subprocess.run(list(map(str, argv)), capture_output=True, check=True).stdout.decode()


def make_node(
    folder: Path, flasher: Run, cases: Sequence[Case], look: tuple[str, ...] = ()
) -> Path:
    """A card with the cases, and beside it what starts it."""
    out = paths.cache() / "images-wifi"
    env = {"FLASHER_CACHE": str(paths.cache())}
    (built,) = call("build-base", HERE / "recipe.toml", "--out", out, env=env)
    card = folder / "card.img"
    with card.open("wb") as empty:
        empty.truncate(2 << 30)
    flasher("write", str(built["image"]), card, "--yes")
    table = json.loads(tool("sfdisk", "--json", card))["partitiontable"]["partitions"]
    boot, root = (int(part["start"]) * 512 for part in table[:2])
    make_cases(folder, cases, look)
    shutil.copytree(folder / "cases/0", folder / "autosetup")
    for name in ("cases.json", "cases", "autosetup"):
        tool("mcopy", "-s", "-i", f"{card}@@{boot}", folder / name, "::")
    volume = f"{card}?offset={root}"
    for entry in tool("debugfs", "-R", "ls -p /boot", volume).splitlines():
        name = entry.split("/")[5] if entry.count("/") > 5 else ""
        for prefix, path in (("vmlinuz-", "kernel"), ("initrd.img-", "initramfs")):
            if name.startswith(prefix):
                tool("debugfs", "-R", f"dump /boot/{name} {folder / path}", volume)
    return card


NAMES = {case.name: case for case in CASES}
WITHOUT = "without NetworkManager: "
# Played again on a node from which NetworkManager was taken.
AGAIN = (
    *("wpa2", "wpa3 hidden", "open", "octets", "the second of two"),
    *("wrong passphrase", "passphrase put right", "wrong passphrase of wpa3"),
    *("no access point", "access point switched on", "no lease"),
)
REMOVAL = (
    "systemctl stop NetworkManager wpa_supplicant; dpkg --purge --force-all network-manager; "
    "! command -v NetworkManager"
)
NO_RADIO = "modprobe -r mac80211_hwsim"
CABLE = (
    "ip link add cable type dummy && ip address add 10.9.9.9/24 dev cable && ip link set cable up"
)


def again() -> Iterator[Case]:
    for name in AGAIN:
        before = (REMOVAL,) if name == AGAIN[0] else ()
        yield replace(NAMES[name], name=WITHOUT + name, before=before)


PLAYED = (
    *CASES,
    *again(),
    replace(NAMES["no access point"], name="no radio", before=(NO_RADIO,), ends="no-radio"),
    replace(NAMES["no access point"], name="no radio, on a cable", before=(CABLE,), ends="done"),
)


@pytest.fixture(scope="module")
def told(flasher: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """What came of each case."""
    folder = tmp_path_factory.mktemp("wifi")
    card = make_node(folder, flasher, PLAYED)
    with powered(card, folder / "kernel", folder / "initramfs") as machine:
        lines = [machine.wait_for(f'trial: {{"name": "{case.name}"') for case in PLAYED]
    return {case.name: read_told(line) for case, line in zip(PLAYED, lines, strict=True)}


JOINED = (
    ("wpa2", b"65;66;"),
    ("wpa3 hidden", "a\\sb🦊".encode()),
    ("open", "  Gäste ".encode()),
    ("octets", b"\xff\x00\xc3"),
    ("the second of two", b"spare"),
    ("passphrase put right", b"Studio"),
    ("access point switched on", b"Studio"),
)


@pytest.mark.parametrize(
    ("name", "ssid"),
    [
        *JOINED,
        ("the first of two", b"Studio"),
        ("lease", b"Studio"),
        ("right country", b"Atelier"),
        ("radio switched off", b"Studio"),
        *((WITHOUT + name, ssid) for name, ssid in JOINED),
    ],
)
def test_a_node_joins_the_network_that_was_meant(
    told: dict[str, Told], name: str, ssid: bytes
) -> None:
    heard = told[name]
    assert heard.status.state == "done", heard
    assert names_in(heard.link) == {ssid}
    assert heard.answers
    assert any(address.startswith("192.168.") for address in heard.status.addresses)


FAILED = [case for case in PLAYED if case.ends not in ("done", "rolled-back")]


@pytest.mark.parametrize("case", FAILED, ids=[case.name for case in FAILED])
def test_a_node_that_joins_none_says_why(told: dict[str, Told], case: Case) -> None:
    status = told[case.name].status
    assert (status.state, status.step, status.code) == ("failed", "network", case.ends), status
    assert not told[case.name].answers


@pytest.mark.parametrize("kind", ["", WITHOUT])
@pytest.mark.parametrize("name", ["passphrase put right", "access point switched on"])
def test_trying_again_runs_no_script_again(told: dict[str, Told], kind: str, name: str) -> None:
    assert told[kind + name].scripts == "run\n"


def test_a_payload_that_loses_the_network_is_taken_back(told: dict[str, Told]) -> None:
    status = told["taken back"].status
    assert (status.state, status.step) == ("rolled-back", "network")
    assert names_in(told["taken back"].link) == {b"Studio"}
    assert told["taken back"].answers


def test_a_node_on_a_cable_only_warns_of_its_radio(told: dict[str, Told]) -> None:
    status = told["no radio, on a cable"].status
    assert status.state == "done"
    assert [warned.code for warned in status.warnings] == ["no-radio"]
