import tomllib
from pathlib import Path

import pytest

from builder.inside.generic import TABLE as TABLE_FILE
from builder.inside.generic import find_identity
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


TABLE = tomllib.loads(TABLE_FILE.read_text())
TRACES = [(trace["is"], name) for trace in TABLE["trace"] for name in trace["files"]]


@pytest.mark.parametrize(("meaning", "pattern"), TRACES)
def test_each_kind_of_trace_is_named_with_its_path_and_remedy(tree, meaning, pattern):
    for home in ("root", "home/someone") if pattern.startswith("~") else ("",):
        name = pattern.replace("~", home).replace("*", "x")
        put(tree, name, "something")
        (finding,) = find_identity(tree, "workshop")
        assert finding.startswith(f"/{name} is {meaning}. → ")
        (tree / name).unlink()


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("etc/machine-id", "0123456789abcdef\n", "holds a machine id"),
        ("etc/resolv.conf", "nameserver 192.0.2.1\n", "name servers of another network"),
        ("etc/hostname", "workshop\n", "the computer that built it, workshop"),
        ("etc/hosts", "127.0.1.1 workshop.example.org workshop\n", "built it, workshop"),
        ("etc/mailname", "workshop.example.org\n", "built it, workshop"),
        ("etc/shadow", "root:$y$j9T$x:20000::::::\n", "lets root in with a password"),
        ("etc/shadow", "root::20000::::::\n", "lets root in with no password"),
        ("etc/passwd", "pi::1000:1000::/home/pi:/bin/sh\n", "lets pi in with no password"),
        ("etc/apt/apt.conf.d/99p", 'Acquire::http::Proxy "x";', "a proxy of another network"),
        ("etc/apt/apt.conf", 'Acquire { http { Proxy "x"; } };', "a proxy of another network"),
        ("etc/apt/apt.conf", 'Acquire::http::Proxy-Auto-Detect "x";', "a proxy of another"),
        ("etc/environment", "https_proxy=http://x:3128\n", "a proxy of another network"),
        ("etc/profile.d/x.sh", "export HTTP_PROXY=x\n", "a proxy of another network"),
        ("etc/systemd/system.conf.d/x.conf", "[Manager]\nDefaultEnvironment=http_proxy=x", "proxy"),
        ("etc/apt/sources.list", "deb http://me:word@example.org/debian x main\n", "password"),
        ("etc/apt/sources.list.d/x.list", "deb file:/srv/debian x main\n", "of one computer"),
        ("etc/apt/sources.list.d/x.sources", "URIs: http://localhost/d\n", "of one computer"),
        (
            "usr/lib/NetworkManager/system-connections/w.nmconnection",
            "[wifi-security]\npsk=passphrase\n",
            "holds a wifi passphrase",
        ),
        (
            "etc/network/interfaces",
            "iface wlan0 inet dhcp\n  wpa-psk secret\n",
            "a wifi passphrase",
        ),
        ("etc/netplan/w.yaml", 'wifis:\n  w:\n    password: "x"\n', "a wifi passphrase"),
        ("var/log/apt/history.log", "Start-Date: 2026\n", "a log of another computer"),
        ("var/log/journal/0123/system.journal", "x", "a log of another computer"),
        ("etc/x/y.conf", "path=/srv/builds/store/view\n", "a path of the computer that built it"),
        ("usr/local/bin/x", "#!/home/alice/venv/bin/python\n", "built it, /home/alice"),
    ],
)
def test_what_belongs_to_one_computer_or_rig_is_named(tree, name, text, told):
    put(tree, name, text)
    (finding,) = find_identity(tree, "workshop", ("/srv/builds/store", "/home/alice"))
    assert finding.startswith(f"/{name} ")
    assert told in finding
    assert " → " in finding


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("etc/machine-id", "uninitialized\n"),
        ("etc/hosts", "127.0.1.1 workshop-2 other\n"),
        ("etc/apt/apt.conf.d/01", '// Acquire::http::Proxy "x";\nAPT::Periodic "1";\n'),
        ("etc/apt/sources.list", "deb http://deb.debian.org/debian trixie main\n# file:/x\n"),
        ("etc/wgetrc", "#https_proxy = http://proxy.yoyodyne.com:18023/\n"),
        ("usr/lib/NetworkManager/system-connections/w.nmconnection", "[connection]\nid=wired\n"),
        ("etc/security/opasswd", ""),
        ("var/log/lastlog", ""),
        ("root/.bashrc", "# nothing\n"),
    ],
)
def test_what_every_computer_has_is_no_finding(tree, name, text):
    put(tree, name, text)
    assert find_identity(tree, "workshop", ("/srv/builds/store",)) == []


def test_a_home_that_the_image_has_as_well_is_its_own(tree):
    (tree / "home/pi").mkdir(parents=True)
    put(tree, "etc/rig.conf", "pictures=/home/pi/pictures\n")
    assert find_identity(tree, "workshop", ("/home/pi",)) == []


def test_links_are_not_followed_out_of_the_tree(tree, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    put(outside, "id_ed25519", "key")
    (tree / "root").mkdir()
    (tree / "root/.ssh").symlink_to(outside)
    (tree / "etc/hosts").symlink_to(outside / "hosts")
    put(outside, "hosts", "127.0.1.1 workshop\n")
    assert find_identity(tree, "workshop") == []


def test_links_that_a_system_makes_at_its_start_are_fine(tree):
    (tree / "etc/resolv.conf").unlink()
    (tree / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    (tree / "var/lib/dbus").mkdir(parents=True)
    (tree / "var/lib/dbus/machine-id").symlink_to("/etc/machine-id")
    assert find_identity(tree, "workshop") == []


def test_all_that_is_found_is_told_at_once(tree):
    names = ("etc/ssh/ssh_host_rsa_key", "root/.bash_history", "var/lib/iwd/home.psk")
    for name in names:
        put(tree, name, "x")
    put(tree, "etc/machine-id", "0123\n")
    assert len(find_identity(tree, "workshop")) == len(names) + 1


def test_a_machine_id_that_is_missing_or_a_link_is_told(tree):
    (tree / "etc/machine-id").unlink()
    (finding,) = find_identity(tree, "workshop")
    assert finding.startswith("/etc/machine-id is not an empty file")


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
    assert tidy(tree) == ["/etc/ssh/ssh_host_rsa_key"]
    assert find_identity(tree, "workshop") == []
    assert (tree / "var/log/apt").is_dir()
    assert (tree / "etc/shadow").exists()
