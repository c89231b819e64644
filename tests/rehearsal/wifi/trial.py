#!/usr/bin/python3
"""Plays the cases on the boot partition, and tells on the console what came of each.

The first radio is the node's own. The others are in a network namespace with an access point on
each, as far as the case has some, and a server of addresses where the case says so.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

BOOT = Path("/boot/firmware")
RUN = Path("/run/trial")
STATE, RUNS = Path("/var/lib/autosetup"), Path("/var/lib/runs")
RADIOS, MOST_TRIES, PING_SECONDS = 4, 4, 20
AIR = ["ip", "netns", "exec", "air"]
# So long that a busy computer gets there; nothing is waited for that may not come.
PATIENCE_SECONDS = 300


def run(*argv: str) -> str:
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.decode(errors="backslashreplace").strip()


def tell(words: str) -> None:
    with Path("/dev/console").open("w") as console:
        console.write(f"trial: {words}\n")


def must(command: str) -> None:
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr.decode()}")


def wait_for(is_so: Callable[[], bool], told: Callable[[], str]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError(told())
        time.sleep(0.2)


def has_address() -> bool:
    return "inet " in run("ip", "address", "show", "wlan0")


def listen(names: list[str]) -> None:
    """Until the node's radio has heard all of these; it may miss an access point at first."""
    run("ip", "link", "set", "wlan0", "up")

    def scan() -> str:
        return run("iw", "dev", "wlan0", "scan")

    wait_for(lambda: set(names) <= {w.strip() for w in scan().splitlines()}, scan)


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
        wait_for(lambda: "AP-ENABLED" in self.told(), self.told)
        run(*AIR, "ip", "address", "replace", f"{self.address}/24", "dev", self.radio)
        if wanted["lease"]:
            self.lease(number)

    def told(self) -> str:
        return self.log.read_text(errors="replace")

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


def answers(address: str) -> bool:
    """Whether a ping comes back; it is repeated for a while where there is a way at all."""
    ping = ("ping", "-c1", f"-w{PING_SECONDS}", address)
    return subprocess.run(ping, stdout=subprocess.DEVNULL, check=False).returncode == 0


def state() -> dict[str, object]:
    return json.loads(run("autosetup", "status", "--json"))


def play(case: dict[str, object], *, is_first: bool) -> dict[str, object]:
    """The state that the node reaches, and what others see of it."""
    for words in case["before"]:
        must(words)
    points = [Point(number, wanted) for number, wanted in enumerate(case["air"], 1)]
    if case["hears"]:
        listen([f"SSID: {name}" for name in case["hears"]])
    begun = time.monotonic()
    if is_first:  # the service is at work; what it may try again shall not meet other cases
        run("autosetup", "status", "--wait")
        run("systemctl", "stop", "autosetup.service")
    else:
        if case["payload"]:
            if case["is_new"]:
                shutil.rmtree(STATE)
                RUNS.unlink(missing_ok=True)
            shutil.rmtree(BOOT / "autosetup")
            shutil.copytree(BOOT / "cases" / case["payload"], BOOT / "autosetup")
        run("autosetup", "run")
    tries, status = 1, state()
    while tries < MOST_TRIES and case["ends"] not in (status["state"], status.get("code")):
        run("autosetup", "run")
        tries, status = tries + 1, state()
    told = {
        "name": case["name"],
        "seconds": round(time.monotonic() - begun),
        "tries": tries,
        "status": status,
        "link": run("iw", "dev", "wlan0", "link"),
        "answers": [p.address for p in points if answers(p.address)],
        "scripts": RUNS.read_text() if RUNS.exists() else "",
        "seen": {words: run("sh", "-c", words) for words in case["look"]},
        "air": [p.told()[-600:] for p in points],
    }
    for point in points:
        point.end()
    wait_for(lambda: not has_address(), lambda: f"still joined after {case['name']}")
    return told


def main() -> None:
    RUN.mkdir()
    # What is told shall stay in one piece: the kernel and systemd say nothing there meanwhile.
    Path("/proc/sys/kernel/printk").write_text("1")
    os.kill(1, signal.SIGRTMIN + 21)
    make_air()
    for number, case in enumerate(json.loads((BOOT / "cases.json").read_text())):
        tell(json.dumps(play(case, is_first=number == 0)))
    tell("over")


try:
    main()
except Exception as error:
    tell(f"over {error!r}")
    run("systemctl", "poweroff", "--force", "--force")  # nobody need wait any longer
