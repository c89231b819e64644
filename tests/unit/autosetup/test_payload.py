"""The payload contract: what is packed comes back, and every fault is explained at once."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosetup.faults import Fault, Faulty
from autosetup.payload import NodeSettings, Secrets, User, Wifi, read_folder, unpack
from autosetup.secrets_file import is_redacted, redacted
from autosetup.toml_writer import dumps
from tests.examples import examples
from tests.unit.autosetup.random_payloads import payloads
from tests.unit.autosetup.sample_payloads import (
    FILES,
    GENERATION,
    HASH,
    SECRETS,
    SETTINGS,
    packed,
    public_key,
)


def faults_of(raw: dict[str, bytes]) -> tuple[Fault, ...]:
    with pytest.raises(Faulty) as caught:
        unpack(raw)
    return caught.value.faults


def with_node(raw: dict[str, bytes], old: str, new: str) -> dict[str, bytes]:
    text = raw["node.toml"].decode()
    assert old in text
    return {**raw, "node.toml": text.replace(old, new, 1).encode()}


def fault_in_node(raw: dict[str, bytes], old: str, new: str) -> Fault:
    """The one fault that a changed line of node.toml gives, next to the changed digest."""
    found = faults_of(with_node(raw, old, new))
    assert any("changed after the card was written" in fault.what for fault in found)
    (fault,) = (f for f in found if "changed after" not in f.what and f.file == "node.toml")
    return fault


@given(payloads())
@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.too_slow])
def test_what_is_packed_is_what_comes_back(
    random: tuple[NodeSettings, Secrets, dict[str, bytes]],
) -> None:
    node, secrets, files = random
    payload = unpack(packed(node, secrets, files))
    assert (payload.settings, payload.secrets, payload.files) == (node, secrets, files)


def test_the_full_payload_comes_back_whole(raw: dict[str, bytes]) -> None:
    payload = unpack(raw)
    assert (payload.settings, payload.secrets, payload.files) == (SETTINGS, SECRETS, FILES)
    assert payload.manifest.node == "cam-0101"
    assert payload.manifest.generation == GENERATION


def test_the_same_values_give_the_same_bytes(raw: dict[str, bytes]) -> None:
    backwards = dict(reversed(FILES.items()))
    assert packed(SETTINGS, SECRETS, backwards) == raw


def test_settings_that_no_node_would_accept_are_not_packed() -> None:
    bad = dataclasses.replace(SETTINGS, name="Cam_1")
    with pytest.raises(Faulty, match=r"node\.toml:1:1: name is 'Cam_1'"):
        packed(bad, SECRETS, FILES)


@given(
    st.recursive(
        st.one_of(st.text(st.characters(exclude_categories=("Cs",))), st.integers(), st.booleans()),
        lambda inner: st.lists(st.one_of(st.text(), st.integers()), max_size=3) | inner,
        max_leaves=5,
    ),
    st.text(st.characters(exclude_categories=("Cs",))),
)
@settings(deadline=None)
def test_written_toml_is_read_back_by_the_standard_library(value: object, key: str) -> None:
    inner = {key: value}
    document = {"plain": value, "table": inner, "array": [inner, {"x": inner}]}
    assert tomllib.loads(dumps(document)) == document  # type: ignore[arg-type]


@given(
    st.dictionaries(st.sampled_from(["node.toml", "secrets.toml", "manifest.json"]), st.binary())
)
@settings(deadline=None)
def test_no_bytes_crash_the_loader(raw: dict[str, bytes]) -> None:
    assert faults_of(raw)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_payload_with_one_byte_changed_is_never_accepted(data: st.DataObject) -> None:
    raw = packed(SETTINGS, SECRETS, FILES)
    name = data.draw(st.sampled_from([name for name in raw if name != "manifest.json"]))
    at = data.draw(st.integers(0, len(raw[name]) - 1))
    flipped = raw[name][at] ^ data.draw(st.integers(1, 255))
    faults_of({**raw, name: raw[name][:at] + bytes([flipped]) + raw[name][at + 1 :]})


def test_every_missing_file_is_named() -> None:
    found = faults_of({})
    assert [f.file for f in found] == ["manifest.json", "node.toml", "secrets.toml"]


def test_a_truncated_file_is_called_changed_and_explained(raw: dict[str, bytes]) -> None:
    cut = raw["node.toml"].index(b"role") + 8
    found = faults_of({**raw, "node.toml": raw["node.toml"][:cut]})
    assert any("ends too early" in fault.remedy for fault in found)
    assert any("changed after the card was written" in fault.what for fault in found)


def test_a_file_that_was_added_and_one_that_was_removed_are_named(raw: dict[str, bytes]) -> None:
    del raw["files/motd"]
    raw["files/extra"] = b"x"
    told = {(f.file, f.what) for f in faults_of(raw)}
    assert ("files/motd", "This file is missing from the card.") in told
    assert ("files/extra", "This file was added after the card was written.") in told


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        (
            "update/root.json",
            "Remove it, or move it into files/ and add [[file]] with it as source.",
        ),
        ("files/extra", "Remove it, or add [[file]] with this source."),
        ("scripts/20-extra", "Remove it, or add [[script]] with this source."),
    ],
)
def test_who_brings_a_file_for_nothing_is_told_how_to_use_it(
    raw: dict[str, bytes], name: str, remedy: str
) -> None:
    raw[name] = b"#!/bin/sh\n"
    assert (name, remedy) in {(fault.file, fault.remedy) for fault in faults_of(raw)}


def test_faults_of_all_files_are_told_at_once(raw: dict[str, bytes]) -> None:
    raw = with_node(raw, 'name = "cam-0101"', 'nmae = "cam-0101"')
    raw["secrets.toml"] = raw["secrets.toml"].replace(b"correct horse", b"short")
    raw["scripts/10-hello"] = b"echo\r\n"
    assert {f.file for f in faults_of(raw)} == {"node.toml", "secrets.toml", "scripts/10-hello"}


@pytest.mark.parametrize(
    ("old", "new", "what", "remedy"),
    [
        ('name = "cam-0101"', 'name = "Cam-0101"', "name is", "host name"),
        ('name = "cam-0101"', 'name = "-cam"', "name is", "host name"),
        ('name = "scan"', 'name = "root"', "name is 'root'", "other than root"),
        ('country = "DE"', 'country = "UK"', "country is", "GB"),
        ('country = "DE"', 'country = "de"', "country is", "two capital letters"),
        ('mode = "0600"', 'mode = "0680"', "mode is", "octal"),
        ('mode = "0600"', "mode = 384", "mode is 384", "text in quotes"),
        ('path = "/etc/motd"', 'path = "/etc/../motd"', "path is", "absolute"),
        ('path = "/etc/motd"', 'path = "/proc/motd"', "path is", "Nothing can be installed"),
        ("timeout_seconds = 5", "timeout_seconds = 0", "timeout_seconds is 0", "from 1 to"),
        ('role = "camnode"', "role = true", "role is True", "text in quotes"),
        ('"preview.service"', '"capture.service"', "both enabled and disabled", "Choose"),
        ('position = "SEG1-CAM1"', 'positon = "SEG1-CAM1"', "positon", "mean position"),
        ('language = "de_DE.UTF-8"', 'language = "german"', "language is", "UTF-8 locale"),
    ],
)
def test_a_bad_setting_is_explained(
    raw: dict[str, bytes], old: str, new: str, what: str, remedy: str
) -> None:
    fault = fault_in_node(raw, old, new)
    assert what in fault.what
    assert remedy in fault.remedy
    assert fault.line > 0
    assert fault.column > 0


@pytest.mark.parametrize(
    "source", ["files/none", "../etc/shadow", "/etc/shadow", "scripts/10-hello"]
)
def test_a_source_outside_the_payload_is_refused(raw: dict[str, bytes], source: str) -> None:
    fault = fault_in_node(raw, 'source = "files/motd"', f'source = "{source}"')
    assert fault.what == f"source is {source!r}."


@pytest.mark.parametrize("ssid", ["", "x" * 33, "ä" * 17])
def test_a_network_name_of_a_wrong_length_is_refused(ssid: str) -> None:
    bad = dataclasses.replace(SETTINGS, wifi=(Wifi(ssid, "open"),))
    with pytest.raises(Faulty, match=r"takes .* bytes"):
        packed(bad, Secrets(bytes(32), {}, {}), FILES)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("ssh-ed25519", "whole line"),
        ("ssh-ed25519 AAAA", "not a whole key"),
        ("ssh-ed25519 §§§", "not a whole key"),
        (public_key()[:60], "not a whole key"),
        (public_key("ssh-rsa", "ssh-ed25519"), "its key is ssh-ed25519"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
        (f'command="reboot" {public_key()}', "Paste the whole line"),
        (f'from="*" {public_key()}', "Paste the whole line"),
        (f'from="10.0.0.1" command="x" {public_key()}', "Paste the whole line"),
    ],
)
def test_a_bad_public_key_is_explained(key: str, told: str) -> None:
    bad = dataclasses.replace(SETTINGS, users=(User("scan", (), (key,)),))
    with pytest.raises(Faulty, match=told):
        packed(bad, SECRETS, FILES)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (b"\xef\xbb\xbf#!/bin/sh\n", "byte order mark"),
        (b"#!/bin/sh\r\n", "CRLF"),
        (b"#!/bin/sh\necho\r\n", "CRLF"),
        (b"echo\n", "which program"),
        (b"", "which program"),
    ],
)
def test_a_script_that_linux_cannot_start_is_explained(script: bytes, told: str) -> None:
    with pytest.raises(Faulty, match=told):
        packed(SETTINGS, SECRETS, {**FILES, "scripts/10-hello": script})


def test_a_secured_network_needs_a_passphrase() -> None:
    less = dataclasses.replace(SECRETS, wifi_passphrases={"65;66;": "correct horse"})
    with pytest.raises(Faulty, match=r"passphrase of the network .* is missing"):
        packed(SETTINGS, less, FILES)


def test_a_passphrase_or_hash_for_nobody_is_refused() -> None:
    more = Secrets(bytes(32), {"ghost": HASH}, {**SECRETS.wifi_passphrases, "guest": "not needed"})
    with pytest.raises(Faulty) as caught:
        packed(SETTINGS, more, FILES)
    assert [f.file for f in caught.value.faults] == ["secrets.toml"] * 2


@pytest.mark.parametrize("secret", ["short", "x" * 64, "ä" * 10, "$1$salt$abcdefghijklmnopqrstuv"])
def test_a_fault_in_a_secret_never_shows_the_secret(secret: str) -> None:
    wifi = {**SECRETS.wifi_passphrases, "65;66;": secret}
    with pytest.raises(Faulty) as caught:
        packed(SETTINGS, dataclasses.replace(SECRETS, password_hashes={"scan": secret}), FILES)
    assert secret not in str(caught.value)
    if secret[0] != "$":
        with pytest.raises(Faulty) as caught:
            packed(SETTINGS, dataclasses.replace(SECRETS, wifi_passphrases=wifi), FILES)
        assert secret not in str(caught.value)
    assert HASH not in repr(SECRETS)


@pytest.mark.parametrize(
    "bad", ['"hunter2"', "77077", '["hunter2"]', "“hunter2”", '"hunter2', '""']
)
def test_a_fault_in_the_file_of_secrets_shows_no_value(raw: dict[str, bytes], bad: str) -> None:
    for good in (f'"{HASH}"', '"correct horse"', f'"{SECRETS.nonce.hex()}"'):
        assert good in raw["secrets.toml"].decode()
        text = raw["secrets.toml"].decode().replace(good, bad)
        said = [str(fault) for fault in faults_of({**raw, "secrets.toml": text.encode()})]
        assert any(line.startswith("secrets.toml:") for line in said)
        assert not [line for line in said if "hunter2" in line or "77077" in line]


def test_users_networks_and_paths_may_stand_once_only() -> None:
    twice = dataclasses.replace(
        SETTINGS, users=SETTINGS.users * 2, wifi=SETTINGS.wifi * 2, files=SETTINGS.files * 2
    )
    with pytest.raises(Faulty) as caught:
        packed(twice, SECRETS, FILES)
    assert sum("stands twice" in fault.what for fault in caught.value.faults) == 7


def test_two_names_that_fat_cannot_tell_apart_are_refused() -> None:
    with pytest.raises(Faulty, match="FAT cannot tell"):
        packed(SETTINGS, SECRETS, {**FILES, "files/MOTD": b""})


def test_erased_secrets_are_never_taken_for_values(raw: dict[str, bytes]) -> None:
    size = len(raw["secrets.toml"])
    raw["secrets.toml"] = redacted(size)
    assert len(raw["secrets.toml"]) == size
    assert is_redacted(raw["secrets.toml"])
    (fault,) = faults_of(raw)
    assert fault.what == "The secrets of this card were used and erased."


def test_a_newer_format_is_told_apart_from_a_broken_one(raw: dict[str, bytes]) -> None:
    raw["manifest.json"] = raw["manifest.json"].replace(b'"format": 1', b'"format": 2')
    (fault,) = faults_of(raw)
    assert fault.remedy == "Prepare the card with a newer image."


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1, "a": 2}', "[" * 99999, '{"a": NaN}'])
def test_a_manifest_that_is_no_object_is_refused(raw: dict[str, bytes], text: str) -> None:
    faults_of({**raw, "manifest.json": text.encode()})


def test_a_folder_is_read_without_what_the_agent_and_computers_leave_in_it(
    tmp_path: Path, raw: dict[str, bytes]
) -> None:
    litter = ["status.json", "log.txt", ".DS_Store", "files/._motd", "scripts/Thumbs.db"]
    for name, data in {**raw, **dict.fromkeys(litter, b"x")}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    assert read_folder(tmp_path) == raw
