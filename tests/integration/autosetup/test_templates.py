"""Templates of the payload and of the image, and the values that are set on the node itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from tests.integration.autosetup.conftest import Node
from tests.unit.autosetup.sample_payloads import FILES, GENERATION, SETTINGS, packed

PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)
PAYLOAD = packed(PLAIN, files={**FILES, "scripts/10-hello": b"#!/bin/sh\necho x >> /etc/counted\n"})
CONF = "{{! for the broker }}\nname {{name}}\n{{#domain}}\ndomain {{domain}}\n{{/domain}}\n"


@pytest.fixture
def node(fresh: Callable[[], Node]) -> Node:
    node = fresh()
    node.insert(PAYLOAD)
    (node.upper / "data/conf/mqtt").mkdir(parents=True)
    template = node.upper / "data/conf/mqtt/broker.conf.mustache"
    template.write_text(CONF)
    template.chmod(0o640)
    return node


@pytest.fixture
def done(node: Node) -> Node:
    finished = node.run()
    assert finished.returncode == 0, finished.stdout
    return node


def test_a_template_of_the_payload_is_filled_in_without_escaping(done: Node) -> None:
    assert done.read("/etc/rig.conf") == "cam-0101.rig.example & central\n- central\n- 192.0.2.1\n"


def test_a_template_of_the_image_is_filled_in_beside_itself_for_the_same_people(done: Node) -> None:
    assert done.read("/data/conf/mqtt/broker.conf") == "name cam-0101\ndomain rig.example\n"
    shown = done.execute("stat", "-c", "%a", "/data/conf/mqtt/broker.conf").stdout
    assert shown == "640\n"


def test_a_template_with_faults_changes_nothing_and_tells_them_all(node: Node) -> None:
    (node.upper / "data/conf/other.mustache").write_text("{{nmae}}\n  {{#domain}}\n")
    node.insert(packed(PLAIN, files=dict(FILES)))
    before = node.tree()
    assert node.run().returncode == 1
    reason = node.status.reason or ""
    assert "/data/conf/other.mustache:1:1: nmae is not known here." in reason
    assert "/data/conf/other.mustache:2:3: The section domain is not closed." in reason
    assert node.tree() == before


def test_the_names_that_templates_can_use_are_told(done: Node) -> None:
    told = done.run("values").stdout.splitlines()
    assert 'fqdn = "cam-0101.rig.example"' in told
    assert 'broker = "central"' in told
    assert f"generation = {GENERATION}" in told


def test_a_value_that_is_set_reaches_all_that_names_it_and_runs_no_script_again(done: Node) -> None:
    assert done.run("set", "domain", "studio.example.org").returncode == 0
    assert done.status.state == "done"
    assert "cam-0101.studio.example.org &" in done.read("/etc/rig.conf")
    assert "domain studio.example.org" in done.read("/data/conf/mqtt/broker.conf")
    assert "127.0.1.1\tcam-0101.studio.example.org cam-0101\n" in done.read("/etc/hosts")
    assert done.read("/etc/counted") == "x\n"


def test_set_values_survive_boots_until_a_higher_generation_is_applied(done: Node) -> None:
    done.run("set", "broker", "other")
    done.run("set", "timezone", "Asia/Tokyo")
    assert done.run().returncode == 0
    assert "& other" in done.read("/etc/rig.conf")
    assert done.read("/etc/timezone") == "Asia/Tokyo\n"
    done.insert(packed(PLAIN, generation=GENERATION + 1))
    assert done.run().returncode == 0
    assert "& central" in done.read("/etc/rig.conf")
    assert done.read("/etc/timezone") == "Europe/Berlin\n"


@pytest.mark.parametrize("moment", range(1, 12, 2))
def test_a_power_cut_while_a_value_is_set_leaves_the_old_or_the_new_one(
    done: Node, moment: int
) -> None:
    assert done.run("set", "domain", "new.example", kill_at=moment).returncode not in (0, 1)
    assert done.run().returncode == 0
    assert done.status.state == "done"
    found = {path: "new.example" in done.read(path) for path in ("/etc/rig.conf", "/etc/hosts")}
    assert len(set(found.values())) == 1, found
    assert done.run("values").stdout.count("new.example") == (2 if all(found.values()) else 0)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("domain", "No Domain", "domain is 'No Domain'. It must be a domain"),
        ("timezone", "Europe/Berlim", "Did you mean Europe/Berlin?"),
        ("ntp", "a,b_c", "ntp holds 'b_c'."),
        ("hostname", "x", "Choose one of: broker, domain, ntp, timezone."),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_nothing_is_changed(
    done: Node, name: str, value: str, told: str
) -> None:
    before = done.stamps()
    refused = done.run("set", name, value)
    assert refused.returncode == 1
    assert told in refused.stderr
    assert done.stamps() == before


def test_nothing_can_be_set_before_the_node_is_done(node: Node) -> None:
    refused = node.run("set", "domain", "example.org")
    assert (refused.returncode, "not set up yet" in refused.stderr) == (1, True)


def test_a_run_that_failed_after_a_change_goes_on_from_the_nodes_own_copy(done: Node) -> None:
    """The card's secrets are erased by then."""
    taken = done.upper / "data/conf/mqtt/broker.conf"
    taken.unlink()
    taken.mkdir()
    assert done.run("set", "domain", "new.example").returncode == 1
    assert done.status.state == "failed"
    taken.rmdir()
    assert done.run().returncode == 0
    assert "new.example" in taken.read_text()


def test_timesyncd_asks_the_servers_of_the_site(done: Node) -> None:
    shown = done.execute("systemd-analyze", "cat-config", "systemd/timesyncd.conf").stdout
    assert "[Time]\nNTP=central 192.0.2.1\n" in shown
    done.run("set", "ntp", "ntp.example.org,2001:db8::1")
    shown = done.execute("systemd-analyze", "cat-config", "systemd/timesyncd.conf").stdout
    assert "NTP=ntp.example.org 2001:db8::1\n" in shown


def test_a_node_that_shall_serve_time_needs_an_image_that_can(node: Node) -> None:
    serving = dataclasses.replace(PLAIN, time=dataclasses.replace(PLAIN.time, serve=True))
    node.insert(packed(serving))
    assert node.run().returncode == 1
    assert "The image lacks chrony" in (node.status.reason or "")


def test_units_that_read_a_file_are_started_anew_once_when_it_was_changed(node: Node) -> None:
    """A witness in place of systemctl, which has no running system to ask here."""
    units = ("capture.service", "web.service")
    files = tuple(dataclasses.replace(file, restarts=units) for file in PLAIN.files)
    node.insert(packed(dataclasses.replace(PLAIN, files=files)))
    assert node.run().returncode == 0
    witness = node.upper / "usr/local/sbin/systemctl"
    witness.parent.mkdir(parents=True, exist_ok=True)
    witness.write_text('#!/bin/sh\necho "$*" >>/etc/asked\nexec /bin/systemctl "$@"\n')
    witness.chmod(0o755)
    assert node.run("set", "domain", "new.example").returncode == 0
    asked = [line for line in node.read("/etc/asked").splitlines() if "restart" in line]
    assert asked == ["try-restart capture.service web.service"]
    assert node.run("set", "timezone", "Europe/Paris").returncode == 0
    assert node.read("/etc/asked").count("try-restart") == 1
