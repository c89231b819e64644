#!/usr/bin/python3
"""Plays the cases on the boot partition, and tells on the console what came of each.

The first radio is the node's own. The others are in a network namespace with an access point on
each, as far as the case has some, and a server of addresses where the case says so.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

BOOT = Path("/boot/firmware")
RUN = Path("/run/trial")
STATE, RUNS = Path("/var/lib/autosetup"), Path("/var/lib/runs")
RADIOS = 4
AIR = ["ip", "netns", "exec", "air"]
PATIENCE_SECONDS = 60


def run(*argv: str) -> str:
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.decode(errors="backslashreplace").strip()


def tell(words: str) -> None:
    with Path("/dev/console").open("w") as console:
        console.write(f"trial: {words}\n")


def wait_for(path: Path, words: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not path.exists() or words not in path.read_text(errors="replace"):
        if time.monotonic() > until:
            raise TimeoutError(f"{words} in {path}: {path.read_text() if path.exists() else ''}")
        time.sleep(0.1)


def wait_for_none() -> None:
    """Until the node has noticed that nothing is there any more."""
    until = time.monotonic() + PATIENCE_SECONDS
    while "inet " in run("ip", "address", "show", "wlan0") and time.monotonic() < until:
        time.sleep(0.5)


def make_air() -> None:
    """Switch the radios on; all but the first leave the node's sight."""
    run("modprobe", "mac80211_hwsim", f"radios={RADIOS}")
    run("ip", "netns", "add", "air")
    for number in range(1, RADIOS):
        phy = Path(f"/sys/class/net/wlan{number}/phy80211/name").read_text().strip()
        run("iw", "phy", phy, "set", "netns", "name", "air")


class Point:
    """An access point."""

    def __init__(self, number: int, wanted: dict[str, object]) -> None:
        self.radio, self.address = f"wlan{number}", f"192.168.{number}.1"
        self.log = RUN / f"{self.radio}.log"
        settings = RUN / f"{self.radio}.conf"
        settings.write_text(f"interface={self.radio}\ndriver=nl80211\n{wanted['hostapd']}")
        self.children = []
        self.start("hostapd", str(settings))
        wait_for(self.log, "AP-ENABLED")
        run(*AIR, "ip", "address", "replace", f"{self.address}/24", "dev", self.radio)
        if wanted["lease"]:
            self.lease(number)

    def start(self, *argv: str) -> None:
        with self.log.open("a") as log:
            self.children.append(subprocess.Popen([*AIR, *argv], stdout=log, stderr=log))

    def lease(self, number: int) -> None:
        addresses = f"--dhcp-range=192.168.{number}.10,192.168.{number}.99,1h"
        leases = f"--dhcp-leasefile={RUN}/{self.radio}.leases"
        alone = ("--no-resolv", "--no-hosts", "--port=0", "--bind-interfaces", "--conf-file=")
        which = f"--interface={self.radio}"
        self.start("dnsmasq", "--keep-in-foreground", which, addresses, leases, *alone)

    def end(self) -> None:
        for child in self.children:
            child.terminate()
            child.wait()
        self.log.unlink()


def state() -> dict[str, object]:
    return json.loads(run("autosetup", "status", "--json"))


def play(case: dict[str, object], *, is_first: bool) -> dict[str, object]:
    """The state that the node reaches, and what others see of it."""
    for words in case["before"]:
        run("sh", "-c", words)
    points = [Point(number, wanted) for number, wanted in enumerate(case["air"], 1)]
    begun = time.monotonic()
    if is_first:  # the service is at work
        run("autosetup", "status", "--wait")
    else:
        if case["payload"]:
            if case["is_new"]:
                shutil.rmtree(STATE)
                RUNS.unlink(missing_ok=True)
            shutil.rmtree(BOOT / "autosetup")
            shutil.copytree(BOOT / "cases" / case["payload"], BOOT / "autosetup")
        run("autosetup", "run")
    status = state()
    for _ in range(3):
        if case["ends"] in (status["state"], status.get("code")):
            break
        run("autosetup", "run")
        status = state()
    told = {
        "name": case["name"],
        "seconds": round(time.monotonic() - begun),
        "status": status,
        "link": run("iw", "dev", "wlan0", "link"),
        "answers": [
            p.address for p in points if " 0% packet loss" in run("ping", "-c1", p.address)
        ],
        "scripts": RUNS.read_text() if RUNS.exists() else "",
        "seen": {words: run("sh", "-c", words) for words in case["look"]},
        "air": [p.log.read_text(errors="replace")[-600:] for p in points],
    }
    for point in points:
        point.end()
    wait_for_none()
    return told


def main() -> None:
    RUN.mkdir()
    Path("/proc/sys/kernel/printk").write_text("1")  # what is told shall stay in one piece
    make_air()
    for number, case in enumerate(json.loads((BOOT / "cases.json").read_text())):
        tell(json.dumps(play(case, is_first=number == 0)))
    tell("over")


try:
    main()
except Exception as error:
    tell(f"over {error!r}")
    raise
