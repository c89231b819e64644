"""Whom a layer would let into every node is told, and not let in; all else stays as it is."""

from pathlib import Path

import pytest

from builder.inside.generic import find_identity
from builder.inside.lock_out import lock_out

from .test_generic import put

PASSWD = (
    "root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000::/srv/ada:/bin/bash\n"
    "bob::1001:1001::/home/bob:/bin/bash\nsshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n"
)
SHADOW = (
    "root:*:20000:0:99999:7:::\nada:$y$j9T$x$y:20000:0:99999:7:::\nbob::20000::::::\n"
    "sshd:!*:20000::::::\nold:!$6$x$y:20000::::::\ndaemon:!:20000::::::\n"
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    put(root, "etc/passwd", PASSWD)
    put(root, "etc/shadow", SHADOW)
    put(root, "etc/machine-id")
    put(root, "etc/resolv.conf")
    return root


def test_every_password_and_every_lack_of_one_is_locked_and_told(tree: Path):
    (tree / "etc/shadow").chmod(0o640)
    told = lock_out(tree)
    assert [line.split(",")[0] for line in told] == [
        *("the password of ada", "the password of bob", "the password of old"),
        "the password of bob",
    ]
    assert (tree / "etc/shadow").read_text() == (
        "root:*:20000:0:99999:7:::\nada:!:20000:0:99999:7:::\nbob:!:20000::::::\n"
        "sshd:!*:20000::::::\nold:!:20000::::::\ndaemon:!:20000::::::\n"
    )
    assert (tree / "etc/passwd").read_text() == PASSWD.replace("bob::", "bob:!:")
    assert (tree / "etc/shadow").stat().st_mode & 0o777 == 0o640
    assert find_identity(tree, "workshop") == []
    assert lock_out(tree) == []


@pytest.mark.parametrize(
    "name",
    [
        "root/.ssh/authorized_keys",
        "home/pi/.ssh/authorized_keys2",
        "etc/skel/.ssh/authorized_keys",
        "srv/ada/.ssh/authorized_keys",
        "etc/ssh/authorized_keys.d/ada",
    ],
)
def test_keys_that_open_every_node_are_taken_out_and_told(tree: Path, name: str):
    lock_out(tree)
    put(tree, name, "ssh-ed25519 AAAA ada@desk\n")
    (told,) = lock_out(tree)
    assert told.startswith(f"/{name}, which a layer left: ")
    assert not (tree / name).exists()
    assert find_identity(tree, "workshop") == []


def test_no_link_leads_out_of_the_tree(tree: Path, tmp_path: Path):
    lock_out(tree)
    put(tmp_path, "own/.ssh/authorized_keys", "mine\n")
    (tree / "home").mkdir()
    (tree / "home/ada").symlink_to(tmp_path / "own")
    (tree / "root/.ssh").mkdir(parents=True)
    (tree / "root/.ssh/authorized_keys").symlink_to(tmp_path / "own/.ssh/authorized_keys")
    assert [line.split(",")[0] for line in lock_out(tree)] == ["/root/.ssh/authorized_keys"]
    assert (tmp_path / "own/.ssh/authorized_keys").read_text() == "mine\n"
