"""The first boot of other systems, found in a tree and kept from fighting the agent."""

import tomllib
from pathlib import Path

import pytest

from builder.sources.settle_first_boot import TABLE, settle

MACHINERY = tomllib.loads(TABLE.read_text())["machinery"]
FIRST_BOOT = (
    "console=serial0,115200 root=PARTUUID=1-02 rootwait resize quiet "
    "init=/usr/lib/raspberrypi-sys-mods/firstboot "
    "systemd.run=/boot/firstrun.sh systemd.run_success_action=reboot "
    "systemd.unit=kernel-command-line.target ds=nocloud;i=rpi-1 cfg80211.ieee80211_regdom=DE\n"
)


@pytest.fixture(params=["boot/firmware", "boot"])
def boot(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def tree(tmp_path: Path, boot: str) -> Path:
    for name, text in {
        f"{boot}/cmdline.txt": FIRST_BOOT,
        f"{boot}/config.txt": "arm_64bit=1\n",
        f"{boot}/user-data": "#cloud-config\n",
        f"{boot}/userconf.txt": "pi:$6$x\n",
        f"{boot}/custom.toml": "",
        f"{boot}/ssh": "",
        "usr/bin/cloud-init": "",
        "usr/lib/systemd/system/userconfig.service": "",
        "usr/lib/systemd/system/sshswitch.service": "",
        "usr/lib/systemd/system/regenerate_ssh_host_keys.service": "",
        "usr/lib/systemd/system/rpi-resize.service": "",
        "usr/lib/systemd/system/ssh.service": "",
        "var/lib/cloud/instances/i-1/x": "",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def masked(tree: Path) -> set[str]:
    units = tree / "etc/systemd/system"
    return {path.name for path in units.iterdir() if str(path.readlink()) == "/dev/null"}


def test_the_kernel_is_told_nothing_of_another_first_boot(tree: Path, boot: str):
    settle(tree, boot, MACHINERY)
    assert (tree / boot / "cmdline.txt").read_text() == (
        "console=serial0,115200 root=PARTUUID=1-02 rootwait resize quiet "
        "cfg80211.ieee80211_regdom=DE\n"
    )


def test_services_of_another_first_boot_are_masked_and_no_others(tree: Path, boot: str):
    settle(tree, boot, MACHINERY)
    assert masked(tree) == {
        "userconfig.service",
        "sshswitch.service",
        "regenerate_ssh_host_keys.service",
    }


def test_settings_of_one_first_boot_go_and_the_boards_stay(tree: Path, boot: str):
    settle(tree, boot, MACHINERY)
    left = {path.name for path in (tree / boot).iterdir() if path.is_file()}
    assert left == {"cmdline.txt", "config.txt"}
    assert not list(tree.glob("var/lib/cloud/instances/*"))


def test_cloud_init_is_switched_off_as_it_documents(tree: Path, boot: str):
    settle(tree, boot, MACHINERY)
    assert (tree / "etc/cloud/cloud-init.disabled").exists()


def test_everything_found_is_named_once_and_nothing_else(tree: Path, boot: str):
    said = settle(tree, boot, MACHINERY)
    for words in ("cloud-init", "init=", "systemd.run=", "custom.toml", "userconf", "SSH", "grows"):
        assert any(words in line for line in said), words
    assert not any("booter" in line or "NOOBS" in line for line in said)
    assert len(said) == len(set(said))


def test_a_settled_tree_is_left_as_it_is(tree: Path, boot: str):
    settle(tree, boot, MACHINERY)
    before = sorted(tree.rglob("*"))
    settle(tree, boot, MACHINERY)
    assert sorted(tree.rglob("*")) == before


def test_a_system_with_no_first_boot_of_its_own_stays_as_it_is(tmp_path: Path):
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot/cmdline.txt").write_text("root=LABEL=rootfs rootwait\n")
    assert settle(tmp_path, "boot", MACHINERY) == []
    assert [path.name for path in tmp_path.rglob("*")] == ["boot", "cmdline.txt"]
