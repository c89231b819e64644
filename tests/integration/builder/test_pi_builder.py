"""Parts of pi-builder are built as buildah builds them: pi_builder/judge.py kept what it made."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from builder.bench import Bench
from builder.diagnosis import StepFailed
from builder.emulation import Emulation
from builder.formats.pi_builder.compile import Source, compile_parts
from builder.formats.pi_builder.context import open_context
from builder.formats.pi_builder.variables import settle
from builder.layers import Layer, Store
from builder.log import Log
from builder.sandbox import script
from builder.workshop import LayerResult, Workshop, make_layers
from flasher.events import CancelFlag, Progress, ignore
from tests.integration.builder.bottom import EPOCH, Bottom
from tests.integration.builder.ordinary_user import as_user
from tests.integration.builder.pi_builder import judged
from tests.integration.builder.pi_gen import judged as telling
from tests.integration.builder.pi_gen.judged import changes


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with stages, and a store in which they are built."""

    base: Path
    store: Store
    log: Log

    def write(self, stage: str, text: str) -> None:
        part = self.base / f"stages/rpios/{stage}/Dockerfile.part"
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text)

    def build(
        self, *stages: str, **arguments: str
    ) -> tuple[tuple[Layer, ...], tuple[LayerResult, ...]]:
        settings = settle({}, {**judged.ARGUMENTS, **arguments}, "amd64")
        source = Source(settings, open_context([self.base], settings.system), stages)
        layers = compile_parts(source)
        steps = [replace(each, epoch=EPOCH) for layer in layers for each in layer.scripts]
        native = partial(nullcontext, Emulation())
        workshop = Workshop(self.store, native, self.log, ignore, CancelFlag())
        return make_layers(workshop, (Bottom(judged.make_bottom), *steps))

    def made(self, *stages: str, **arguments: str) -> list[str]:
        return [each.name for each in self.build(*stages, **arguments)[1] if not each.reused]

    def tell(self, layers: tuple[Layer, ...]) -> list[str]:
        """Each path of the whole tree, a line each."""
        progress = Progress(ignore, "", "", None)
        bench = Bench(self.store, layers, None, Emulation(), self.log, progress, CancelFlag())
        return bench.run_host(script(telling.__file__, str(bench.merged))).text.split("\n")

    def changes(self, layers: tuple[Layer, ...]) -> tuple[str, ...]:
        bottom = self.base.parent / "bottom"
        judged.make_bottom(bottom)
        return changes(telling.tell(bottom), self.tell(layers))


@pytest.fixture
def place(tmp_path: Path, store: Store, log: Log) -> Place:
    shutil.copytree(judged.HERE / "stages", tmp_path / "base/stages", symlinks=True)
    return Place(tmp_path / "base", store, log)


def test_the_tree_is_that_of_buildah(place: Place):
    assert place.changes(place.build("__init__", *judged.STAGES)[0]) == judged.load()
    assert "wrote outside" not in place.log.path.read_text()


def test_texts_in_a_part_are_files_and_scripts(place: Place):
    told = place.changes(place.build("heredocs", WHO="all")[0])
    assert told == (
        "+opt/documents 755 0:0 /",
        "+opt/documents/PLAIN 644 0:0 '$WHO\\n'",
        "+opt/documents/TABS 644 0:0 'no tab\\n'",
        "+opt/fed 644 0:0 'to all\\nafter\\n'",
        "+opt/heredoc 644 0:0 'one\\ntwo\\n'",
        "+opt/interpreted 644 0:0 'a b\\n'",
        "+opt/message 644 0:0 'Hello all, for $5 and \"quotes\".\\n'",
    )


def test_a_change_is_built_again_from_there_on_and_an_argument_where_it_is_read(place: Place):
    place.write(
        "mine",
        "ARG COLOUR\nRUN touch /opt/a\nRUN echo $COLOUR > /opt/b\n"
        "COPY stages/copies/one.txt /opt/c\nRUN echo ${BOARD} > /opt/d\n",
    )
    assert place.made("mine", COLOUR="red")[1:] == ["mine-01", "mine-02", "mine-03", "mine-04"]
    more = {"TIMEZONE": "Europe/Berlin", "OTHER": "1"}
    assert place.made("mine", COLOUR="red", **more) == []
    assert place.made("mine", COLOUR="red", BOARD="rpi3") == ["mine-04"]
    assert place.made("mine", COLOUR="blue")[0] == "mine-02"
    (place.base / "stages/common/copies/one.txt").write_text("changed\n")
    (place.base / "stages/common/copies/one.txt").chmod(0o600)
    assert place.made("mine", COLOUR="red")[0] == "mine-03"


def test_an_argument_is_read_by_a_program_that_a_part_brought(place: Place):
    place.write("mine", "COPY stages/copies/tool /usr/bin/\nRUN tool > /opt/told\n")
    place.made("mine")
    assert place.made("mine", BOARD="rpi3") == ["mine-02"]


def test_what_fails_is_named_with_file_and_line(place: Place):
    place.write("mine", "RUN true\n\nRUN echo here; \\\n\tfalse\n")
    with pytest.raises(StepFailed, match=r"stages/rpios/mine/Dockerfile\.part:3: .*\n  here"):
        place.build("mine")


def test_to_disable_a_unit_that_is_not_there_is_no_failure(place: Place):
    place.write(
        "mine",
        "RUN mkdir -p /etc/systemd/system; touch /etc/systemd/system/here.service "
        "/etc/systemd/system/many@.service\n"
        "RUN systemctl disable gone.service here many@1.service && systemctl enable gone\n"
        "RUN cat /var/log/systemctl > /opt/calls\n",
    )
    told = place.changes(place.build("mine")[0])
    assert "+opt/calls 644 0:0 'disable here many@1.service\\nenable gone\\n'" in told


AS_USER = """
import sys
from pathlib import Path
from builder.layers import open_store
from builder.log import open_log
from flasher.events import CancelFlag, ignore
from tests.integration.builder import test_pi_builder as own
folder = Path(sys.argv[1])
with open_store(folder / "layers", emit=ignore, cancel=CancelFlag()) as store:
    with open_log(store.root / "logs", ignore) as log:
        place = own.Place(own.judged.HERE, store, log)
        print("\\n".join(place.tell(place.build("users")[0])))
"""


def test_an_ordinary_user_builds_the_same(place: Place, tmp_path: Path):
    layers, _ = place.build("users")
    argv = as_user(tmp_path / "user", sys.executable, "-c", AS_USER, str(tmp_path / "user/home"))
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = done.stdout.rstrip("\n").split("\n")
    assert told == place.tell(layers)
    assert "opt/a/x/y 2750 1234:4321 /" in told
    assert "opt/b 640 1000:44 'one\\n'" in told
    assert "opt/c 644 1000:1000 'ada\\n'" in told
