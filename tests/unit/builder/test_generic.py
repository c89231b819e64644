from pathlib import Path

import pytest

from builder.inside.generic import find_identity
from builder.inside.measure import measure
from builder.inside.tidy import tidy


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    put(tmp_path, "etc/machine-id")
    put(tmp_path, "etc/resolv.conf")
    put(tmp_path, "etc/hostname", "autosetup\n")
    put(tmp_path, "etc/shadow", "root:*:20000:0:99999:7:::\nsshd:!*:20000::::::\n")
    return tmp_path


def put(root: Path, name: str, text: str = "") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_clean_tree_is_generic(tree):
    assert find_identity(tree, "workshop") == []


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("etc/machine-id", "0123456789abcdef\n", "/etc/machine-id holds a machine id"),
        ("etc/resolv.conf", "nameserver 192.0.2.1\n", "name servers of another network"),
        ("etc/hostname", "workshop\n", "the computer that built it, workshop"),
        ("etc/shadow", "root:$y$j9T$x:20000::::::\n", "lets root in with a password"),
        ("etc/shadow", "root::20000::::::\n", "lets root in with no password"),
        ("etc/ssh/ssh_host_ed25519_key", "", "an SSH host key"),
        ("etc/apt/apt.conf.d/99p", 'Acquire::http::Proxy "x";', "a proxy of another network"),
        ("etc/apt/apt.conf", 'Acquire::http::Proxy "x";', "a proxy of another network"),
        ("etc/NetworkManager/system-connections/home.nmconnection", "", "a network connection"),
        ("root/.bash_history", "", "a command history"),
        ("var/lib/systemd/random-seed", "", "the same on every card"),
        ("boot/firmware/autosetup/manifest.json", "", "every card the same node"),
    ],
)
def test_what_belongs_to_one_computer_or_rig_is_named(tree, name, text, told):
    put(tree, name, text)
    (finding,) = find_identity(tree, "workshop")
    assert name in finding
    assert told in finding


def test_a_machine_id_that_is_missing_or_a_link_is_told(tree):
    (tree / "etc/machine-id").unlink()
    assert find_identity(tree, "workshop") == ["/etc/machine-id is not an empty file"]


def test_tidying_removes_what_an_installation_leaves(tree):
    for name in (
        "etc/ssh/ssh_host_rsa_key",
        "var/lib/dbus/machine-id",
        "var/lib/apt/lists/x_Packages",
        "var/log/apt/history.log",
        "var/log/dpkg.log",
        "usr/sbin/policy-rc.d",
        "root/.bash_history",
    ):
        put(tree, name, "left")
    put(tree, "etc/machine-id", "0123\n")
    (tree / "etc/resolv.conf").unlink()
    (tree / "etc/resolv.conf").symlink_to("/run/nowhere")
    tidy(tree)
    assert find_identity(tree, "workshop") == []
    assert (tree / "var/log/apt").is_dir()
    assert (tree / "etc/shadow").exists()


def test_a_file_with_two_names_is_measured_once(tmp_path):
    put(tmp_path, "a", "x" * 5000)
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    put(tmp_path, "empty")
    (tmp_path / "short").symlink_to("a")
    (tmp_path / "long").symlink_to("a" * 100)
    root_block, file_blocks, link_block = 1, 2, 1
    assert measure(str(tmp_path)) == (root_block + file_blocks + link_block, 5)
