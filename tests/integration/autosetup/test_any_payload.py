"""Whatever a node accepts of a payload, it does, with the real programs of a system."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from autosetup.payload import Boot, NodeSettings, Packages, Secrets, Services
from tests.examples import examples
from tests.integration.autosetup.conftest import make_node
from tests.unit.autosetup.random_payloads import payloads
from tests.unit.autosetup.sample_payloads import packed


def fitted(wanted: NodeSettings) -> NodeSettings:
    """The settings without what the node of these tests lacks, and would refuse."""
    has_keys = any(user.authorized_keys for user in wanted.users)
    owner = wanted.users[0].name if wanted.users else "root"
    return replace(
        wanted,
        boot=Boot(),
        packages=Packages(),
        serves=None,
        keys_only=wanted.keys_only and has_keys,
        time=replace(wanted.time, serve=False),
        locale=replace(wanted.locale, language="C.UTF-8", timezone="Europe/Berlin"),
        files=tuple(replace(file, owner=owner, group="root") for file in wanted.files),
        services=Services(("capture.service",), ("preview.service",)),
        health=replace(wanted.health, seconds=1),
    )


@given(random=payloads())
@settings(max_examples=examples(5), suppress_health_check=list(HealthCheck))
def test_any_payload_that_is_accepted_is_applied_once(
    ground: Path, random: tuple[NodeSettings, Secrets, dict[str, bytes]]
) -> None:
    wanted, secrets, files = random
    with tempfile.TemporaryDirectory(dir=ground) as folder:
        node = make_node(Path(folder))
        node.insert(packed(fitted(wanted), secrets, files))
        assert node.run().returncode == 0
        assert node.status.state == "done"
        assert node.execute("visudo", "-c").returncode == 0
        stamps = node.stamps()
        assert node.run().returncode == 0
        assert node.stamps() == stamps
