import os
import pwd
from pathlib import Path

import pytest

from builder.rights import IdMap, explain_refusal, lent_ids
from flasher.errors import EnvironmentLacks

NAME = pwd.getpwuid(os.geteuid()).pw_name


def table(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "table"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize("owner", [NAME, str(os.geteuid())])
def test_a_user_is_root_of_the_build_and_the_lent_ids_are_all_others(tmp_path, owner):
    lent = table(tmp_path, "other:100000:65536", f"{owner}:165536:100", f"{owner}:300000:65536")
    ids = lent_ids(lent, lent)
    assert ids.users == (0, os.geteuid(), 1, 1, 300000, 65535)
    assert ids.groups == (0, os.getegid(), 1, 1, 300000, 65535)


@pytest.mark.parametrize("lines", [(), (f"{NAME}:100000:1000",), ("other:100000:65536",), ("#",)])
def test_a_user_without_lent_ids_is_told_how_to_get_them(tmp_path, lines):
    path = table(tmp_path, *lines)
    with pytest.raises(EnvironmentLacks) as lacking:
        lent_ids(path, path)
    assert lacking.value.code == "no-lent-ids"
    assert "usermod --add-subuids" in lacking.value.hint


def test_a_computer_without_the_table_lends_nothing(tmp_path):
    with pytest.raises(EnvironmentLacks, match="lends"):
        lent_ids(tmp_path / "none", tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kernel/unprivileged_userns_clone", "0"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1"),
        ("user/max_user_namespaces", "0"),
    ],
)
def test_a_kernel_that_forbids_namespaces_is_named_with_the_setting_to_change(
    tmp_path, name, value
):
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text("1\n" if value == "0" else "0\n")
    explain_refusal(tmp_path)
    (tmp_path / name).write_text(f"{value}\n")
    with pytest.raises(EnvironmentLacks) as lacking:
        explain_refusal(tmp_path)
    assert lacking.value.code == "namespaces-forbidden"
    assert f"sysctl {name.replace('/', '.')}=" in lacking.value.hint


def test_stores_of_different_ids_are_told_apart():
    user = IdMap((0, 1000, 1, 1, 100000, 65535), (0, 1000, 1, 1, 100000, 65535))
    assert len({str(IdMap()), str(user), str(IdMap(user.users, (0, 7, 1)))}) == 3
