"""Real boots of cards that are small enough to fail, or to be helped along, within a second."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from autosetup.status import Status
from flasher import paths
from flasher.card.plan import plan_card
from flasher.errors import BadInput, Cancelled, FlasherError
from flasher.events import CancelFlag, Emit, Event, Noted, StepStarted, ignore
from flasher.image.source import open_image
from flasher.process import run
from flasher.rehearsal.run import PlannedCard, Rehearsal, RehearsalFailed, rehearse
from tests.integration.rehearsal.conftest import DONE, PAYLOAD

MakeCard = Callable[..., Path]


def boot(card: Path, emit: Emit = ignore, **options: object) -> Rehearsal:
    return rehearse(card, emit=emit, cancel=CancelFlag(), **options)  # type: ignore[arg-type]


def when_booting(act: Callable[[], object]) -> Emit:
    """Acts once, right before the machine is switched on."""

    def emit(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == "boot":
            act()

    return emit


def when_printed(text: str, act: Callable[[], object]) -> Emit:
    """Acts when the node has printed a text, so that it surely runs."""

    def emit(event: Event) -> None:
        if isinstance(event, Noted) and event.text == text:
            act()

    return emit


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Whatever a rehearsal comes to, no child and no file stays."""
    yield
    assert psutil.Process().children() == []
    assert [found for found in paths.cache().rglob("*") if found.is_file()] == []


def test_a_panic_is_reported_with_what_the_node_printed_and_the_card_stays_as_it_is(
    make_card: MakeCard,
) -> None:
    card = make_card(says="Booting\r\nKernel panic - not syncing: no root\r\n")
    before = digest(card)
    with pytest.raises(RehearsalFailed) as caught:
        boot(card)
    assert caught.value.code == "kernel-panic"
    assert "\n  Booting\n  Kernel panic - not syncing: no root" in caught.value.message
    assert caught.value.console == ("Booting", "Kernel panic - not syncing: no root")
    assert digest(card) == before


def test_the_nodes_result_is_read_from_the_card_while_it_runs(
    make_card: MakeCard, put_files: Callable[..., None]
) -> None:
    card = make_card(PAYLOAD, says="up\r\n")
    status = {"autosetup/status.json": DONE.to_json()}
    rehearsal = boot(card, when_printed("up", lambda: put_files(card, status)), keep=True)
    assert rehearsal.status == DONE
    assert rehearsal.console == ("up",)
    assert rehearsal.card == card
    assert rehearsal.board == "Raspberry Pi 3B"


def test_the_power_is_cut_at_the_status_asked_for(
    make_card: MakeCard, put_files: Callable[..., None]
) -> None:
    card = make_card(PAYLOAD, says="up\r\n")
    applying = Status("applying", node="cam-0101", step="wifi", step_number=4, step_count=9)
    status = {"autosetup/status.json": applying.to_json()}
    rehearsal = boot(
        card,
        when_printed("up", lambda: put_files(card, status)),
        keep=True,
        cut_power_after=lambda status: status.step == "wifi",
    )
    assert rehearsal.status == applying


def test_a_32_bit_card_starts_on_a_pi_2(make_32_bit_card: MakeCard) -> None:
    with pytest.raises(RehearsalFailed) as caught:
        boot(make_32_bit_card(says="Booting\r\nKernel panic - not syncing: no root\r\n"))
    assert caught.value.code == "kernel-panic"
    assert caught.value.console == ("Booting", "Kernel panic - not syncing: no root")


def test_a_node_that_restarts_itself_is_followed_to_its_result(
    make_card: MakeCard, put_files: Callable[..., None]
) -> None:
    card = make_card(PAYLOAD, says="up\r\nreboot: Restarting system\r\n", restarts=True)
    boots: list[str] = []

    def count() -> None:
        boots.append("up")
        if len(boots) == 3:
            put_files(card, {"autosetup/status.json": DONE.to_json()})

    rehearsal = boot(card, when_printed("up", count), keep=True)
    assert rehearsal.status == DONE
    assert rehearsal.console.count("up") >= 3


def test_a_node_whose_power_is_cut_starts_again_from_what_it_wrote(
    make_card: MakeCard, put_files: Callable[..., None]
) -> None:
    card = make_card(PAYLOAD, says="up\r\n")
    boots: list[str] = []

    def count() -> None:
        boots.append("up")
        state = DONE if len(boots) == 2 else Status("applying", step="users")
        put_files(card, {"autosetup/status.json": state.to_json()})

    rehearsal = boot(card, when_printed("up", count), keep=True, outage_at=2)
    assert (rehearsal.status, rehearsal.outages, boots) == (DONE, 1, ["up", "up"])


def test_the_banner_is_the_last_word_of_the_agent_on_the_console(
    make_card: MakeCard, put_files: Callable[..., None]
) -> None:
    said = "autosetup: cam-0101 · applying\r\nautosetup: cam-0101 · done\r\nlogin\r\n"
    card = make_card(PAYLOAD, says=said)
    status = {"autosetup/status.json": DONE.to_json()}
    rehearsal = boot(card, when_printed("login", lambda: put_files(card, status)), keep=True)
    assert rehearsal.banner == "cam-0101 · done"


def test_a_card_that_is_only_planned_is_booted_and_leaves_nothing(make_card: MakeCard) -> None:
    card = make_card(says="Kernel panic - not syncing\r\n")
    planned = PlannedCard("cam-0101", plan_card(open_image(card), {"x": b"payload"}))
    with pytest.raises(RehearsalFailed) as caught:
        rehearse(planned, emit=ignore, cancel=CancelFlag(), network=False)
    assert caught.value.code == "kernel-panic"


def call(*argv: str | Path) -> subprocess.Popen[str]:
    """The program itself, with its children in reach of `nothing_left`."""
    return subprocess.Popen(
        [sys.executable, "-m", "flasher", "rehearse", *map(str, argv), "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_log_keeps_what_the_node_said_and_the_exit_status_tells(
    make_card: MakeCard, tmp_path: Path
) -> None:
    card = make_card(says="Booting\r\nKernel panic - not syncing\r\n")
    with call(card, "--no-network", "--log", tmp_path / "log") as child:
        told = child.communicate(timeout=60)[0]
    assert child.returncode == 1
    assert '"kernel-panic"' in told
    assert (tmp_path / "log").read_text() == "Booting\nKernel panic - not syncing\n"


def test_the_state_asked_for_is_an_end(
    make_card: MakeCard, put_files: Callable[..., None], tmp_path: Path
) -> None:
    card = make_card(PAYLOAD, says="up\r\n")
    with call(card, "--keep", "--until", "applying", "--log", tmp_path / "log") as child:
        assert child.stdout is not None
        next(line for line in child.stdout if '"up"' in line)
        put_files(card, {"autosetup/status.json": Status("applying", step="users").to_json()})
        result = json.loads(child.stdout.read().splitlines()[-1])
    assert (child.returncode, result["status"]["state"]) == (0, "applying")


def test_ctrl_c_leaves_no_machine_and_no_file(make_card: MakeCard) -> None:
    with call(make_card(says="up\r\n")) as child:
        assert child.stdout is not None
        next(line for line in child.stdout if '"up"' in line)
        machines = psutil.Process(child.pid).children(recursive=True)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
    assert child.returncode == 130
    assert machines
    psutil.wait_procs(machines, timeout=10)
    assert not any(machine.is_running() for machine in machines)


@pytest.mark.parametrize(
    "options", [("--node", "cam-0101"), ("--scanner", "x", "--site", "y"), ("--keep",), ()]
)
def test_what_cannot_be_booted_is_told(options: tuple[str, ...]) -> None:
    with call(*options) as child:
        told = child.communicate(timeout=60)[0]
    assert (child.returncode, '"usage"' in told) == (2, True)


def test_a_node_that_restarts_for_ever_is_given_up(make_card: MakeCard) -> None:
    with pytest.raises(RehearsalFailed) as caught:
        boot(make_card(PAYLOAD, says="reboot: Restarting system\r\n", restarts=True))
    assert caught.value.code == "node-restarts"


def test_a_node_that_stops_without_a_word_of_restarting_has_stopped(make_card: MakeCard) -> None:
    with pytest.raises(RehearsalFailed) as caught:
        boot(make_card(PAYLOAD, says="bye\r\n", restarts=True))
    assert caught.value.code == "node-stopped"


def test_colours_of_a_console_are_not_shown(make_card: MakeCard) -> None:
    card = make_card(
        says="\x1b]104\x07[\x1b[0;32m  OK  \x1b[0m] Started\r\nKernel panic - not syncing\r\n"
    )
    with pytest.raises(RehearsalFailed) as caught:
        boot(card)
    assert caught.value.console[0] == "[  OK  ] Started"


def test_the_animation_of_a_long_job_is_no_line(make_card: MakeCard) -> None:
    moving = "".join(
        f"[{stars}] Job dev-x.device/start running (4{n}s / 1min 36s)\r\n"
        for n, stars in enumerate(("\x1b[0;31m*\x1b[0m     ", " ***  "))
    )
    with pytest.raises(RehearsalFailed) as caught:
        boot(make_card(says=f"up\r\n{moving}Kernel panic - not syncing\r\n"))
    assert caught.value.console == ("up", "Kernel panic - not syncing")


def test_an_emulator_that_refuses_says_why(make_card: MakeCard) -> None:
    card = make_card({"bcm2837-rpi-3-b.dtb": b"no device tree"})
    with pytest.raises(RehearsalFailed) as caught:
        boot(card)
    assert caught.value.code == "emulator-failed"
    assert "dtb" in caught.value.message


def test_patience_ends(make_card: MakeCard) -> None:
    with pytest.raises(RehearsalFailed) as caught:
        boot(make_card(), timeout_seconds=0)
    assert caught.value.code == "rehearsal-timeout"
    assert "(nothing)" in caught.value.message


def test_cancelling_ends_it_at_once(make_card: MakeCard) -> None:
    cancel = CancelFlag()
    with pytest.raises(Cancelled):
        rehearse(make_card(says="up\r\n"), emit=when_printed("up", cancel.set), cancel=cancel)


def test_an_interrupt_ends_it_at_once(make_card: MakeCard) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        boot(make_card(says="up\r\n"), when_printed("up", interrupt))


def test_a_missing_kernel_is_told_before_anything_starts(make_card: MakeCard) -> None:
    card = make_card({"config.txt": b"# mine\nkernel=vmlinuz-7\n"})
    started: list[str] = []
    with pytest.raises(FlasherError) as caught:
        boot(card, when_booting(lambda: started.append("boot")))
    assert caught.value.code == "boot-file-missing"
    assert "config.txt line 2: kernel=vmlinuz-7" in caught.value.message
    assert started == []


def test_what_a_config_gets_wrong_is_noted(make_card: MakeCard) -> None:
    config = b"arm_64bit=1\nupstream_kernel=1\nkernel=vmlinuz\ngpu_mem = 64\n"
    heard: list[Event] = []
    with pytest.raises(RehearsalFailed, match="gave up"):
        boot(make_card({"config.txt": config}, says="Kernel panic - not syncing\r\n"), heard.append)
    warnings = [event.text for event in heard if isinstance(event, Noted) and event.warning]
    assert "config.txt line 4: spaces beside the equals sign spoil 'gpu_mem = 64'." in warnings


def test_a_card_that_cannot_be_emulated_itself_is_refused_with_a_remedy(
    make_card: MakeCard,
) -> None:
    with pytest.raises(BadInput) as caught:
        boot(make_card(size=17), keep=True)
    assert caught.value.code == "card-size"
    assert str(32 << 20) in caught.value.hint


def test_a_card_of_any_size_is_rehearsed_as_a_copy(make_card: MakeCard) -> None:
    with pytest.raises(RehearsalFailed) as caught:
        boot(make_card(says="Kernel panic - not syncing\r\n", size=17))
    assert caught.value.code == "kernel-panic"


def test_a_real_drive_is_rehearsed_as_a_copy_and_never_itself(make_card: MakeCard) -> None:
    with loop_device(make_card(says="Kernel panic - not syncing\r\n")) as drive:
        with pytest.raises(RehearsalFailed) as failed:
            boot(drive)
        with pytest.raises(BadInput) as refused:
            boot(drive, keep=True)
    assert (failed.value.code, refused.value.code) == ("kernel-panic", "not-a-virtual-card")


@contextmanager
def loop_device(image: Path) -> Iterator[Path]:
    name = run(["losetup", "--show", "--find", "--read-only", str(image)]).text.strip()
    try:
        yield Path(name)
    finally:
        run(["losetup", "--detach", name])


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "no-partition-table"), (bytes(1 << 20), "no-partition-table")]
)
def test_what_is_no_card_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    image = tmp_path / "no.img"
    image.write_bytes(content)
    with pytest.raises(FlasherError) as caught:
        boot(image)
    assert caught.value.code == code


def test_a_card_without_boot_partition_is_refused(tmp_path: Path) -> None:
    image = tmp_path / "linux.img"
    image.write_bytes(bytes(4 << 20))
    run(["sfdisk", "--quiet", str(image)], stdin=b"label: dos\nstart=2048, type=83\n")
    with pytest.raises(BadInput) as caught:
        boot(image)
    assert caught.value.code == "no-boot-partition"
