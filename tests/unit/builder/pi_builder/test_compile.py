"""Parts become steps; what cannot be done is refused with file and line."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from builder.formats.pi_builder.compile import compile_parts
from builder.formats.pi_builder.lint import lint
from builder.steps.script import Script
from flasher.errors import BadInput

from .folder import scripts, source, write
from .test_variables import INSTRUCTIONS


def compiled(base: Path, text: str, **arguments: str) -> tuple[Script, ...]:
    write(base, {"rpios/mine/Dockerfile.part": text, "common/mine/file": "x"})
    return scripts(compile_parts(source(base, "mine", **arguments)))


# A line for each row of the table.
LINES: Mapping[str, str] = {
    "FROM scratch": "FROM scratch",
    "FROM": "FROM debian:trixie",
    "ARG": "ARG X=1",
    "ENV": "ENV X=1",
    "RUN": "RUN true",
    "RUN --network": "RUN --network=none true",
    "RUN --mount": "RUN --mount=type=cache,target=/x true",
    "RUN --security": "RUN --security=insecure true",
    "COPY": "COPY stages/mine/file /x",
    "COPY --chown": "COPY --chown=1:1 stages/mine/file /x",
    "COPY --chmod": "COPY --chmod=600 stages/mine/file /x",
    "COPY --link": "COPY --link stages/mine/file /x",
    "COPY --from": "COPY --from=other /x /x",
    "ADD": "ADD stages/mine/file /x",
    "ADD address": "ADD https://example.org/x /x",
    "WORKDIR": "WORKDIR /x",
    "USER": "USER 1000",
    "SHELL": 'SHELL ["/bin/bash", "-c"]',
    "CMD": 'CMD ["x"]',
    "ENTRYPOINT": "ENTRYPOINT x",
    "EXPOSE": "EXPOSE 80",
    "HEALTHCHECK": "HEALTHCHECK --interval=5m CMD x",
    "LABEL": "LABEL a=b",
    "MAINTAINER": "MAINTAINER somebody",
    "ONBUILD": "ONBUILD RUN x",
    "STOPSIGNAL": "STOPSIGNAL TERM",
    "VOLUME": "VOLUME /x",
}


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_every_instruction_is_done_or_refused_as_the_table_says(name: str, tmp_path: Path):
    if INSTRUCTIONS[name]["fate"] != "refused":
        compiled(tmp_path, LINES[name])
        return
    with pytest.raises(BadInput, match=r"^stages/rpios/mine/Dockerfile\.part:2: ") as refused:
        compiled(tmp_path, f"# first\n{LINES[name]}\n")
    assert refused.value.hint


@pytest.mark.parametrize(
    "line",
    [
        "FROM scratch\nFROM scratch",
        "FETCH x",
        "COPY stages/mine/gone /x",
        "COPY stages/mine/file",
        "COPY stages/mine/* /x",
        "COPY --chmod=u+x stages/mine/file /x",
        "COPY --parents stages/mine/file /x",
        "COPY ${x /y",
        "SHELL /bin/bash -c",
        "RUN",
        "ENV",
        "ARG A_PASSWORD=word",
        "ENV API_TOKEN word",
    ],
)
def test_what_cannot_be_done_is_refused_with_its_line(line: str, tmp_path: Path):
    with pytest.raises(BadInput, match=r"Dockerfile\.part:\d: ") as refused:
        compiled(tmp_path, line)
    assert "word" not in str(refused.value).replace("password", "")


def test_each_run_is_a_step_and_what_is_copied_between_two_is_one(tmp_path: Path):
    text = "COPY stages/mine/file /a\nWORKDIR /b\nADD stages/mine/file c/\nRUN one\nRUN two\n"
    put, one, two = compiled(tmp_path, text)
    first, folder, second = json.loads(put.stdin)
    assert (first["to"], first["into"], first["items"]) == (
        "/a",
        False,
        [["file", "1/file", "file"]],
    )
    assert folder == {"folder": "/b"}
    assert (second["to"], second["into"]) == ("/b/c", True)
    assert (put.name, one.name, two.name) == ("mine-01", "mine-02", "mine-03")
    assert (one.argv, one.cwd) == (("/bin/sh", "-c", "one"), "/b")
    assert [each.origin.rpartition(":")[2] for each in (put, one, two)] == ["1", "4", "5"]


def test_a_run_sees_of_what_comes_from_outside_only_what_it_names(tmp_path: Path):
    text = "ARG A\nARG B=own\nENV C=$A\nRUN none\nRUN echo $A ${BOARD}\nRUN env\n"
    none, named, everything = compiled(tmp_path, text, A="1", D="2")
    assert none.env.keys() == {"PATH", "B", "C"}
    assert named.env.keys() == {"PATH", "A", "B", "C", "BOARD"}
    assert everything.env.keys() > {"OS", "ARCH", "LOCALE", "A"}
    assert "D" not in everything.env


def test_a_run_has_the_network_where_the_layer_has_it_and_it_does_not_empty_run(tmp_path: Path):
    runs = ("one", "--network=none two", "rm -rf /tmp/* \\\n /run/* && true", "rm x; ls /run/*")
    text = "".join(f"RUN {each}\n" for each in runs)
    write(tmp_path, {"rpios/mine/Dockerfile.part": text})
    for network in (True, False):
        read = replace(source(tmp_path, "mine"), network=network)
        made = scripts(compile_parts(read))
        assert [each.network for each in made] == [network, False, False, network]


def test_the_system_lies_over_what_is_common(tmp_path: Path):
    write(
        tmp_path,
        {
            "common/mine/Dockerfile.part": "RUN common\n",
            "common/mine/a": "common",
            "common/mine/b": "common",
            "rpios/mine/a": "rpios",
            "arch/mine/b": "arch",
        },
    )
    context = source(tmp_path, "mine").context
    told = {path: file.read_text() for path, file in context.files.items() if file.is_file()}
    assert told == {
        "stages/mine/Dockerfile.part": "RUN common\n",
        "stages/mine/a": "rpios",
        "stages/mine/b": "common",
    }


def test_the_old_layout_has_its_base_in_the_first_part(tmp_path: Path):
    first = (
        '# escape=`\nFROM scratch\nADD "%BASE_ROOTFS_TGZ%" /\n'
        'COPY "qemu-%QEMU_GUEST_ARCH%-static" "%QEMU_STATIC_GUEST_PATH%"\n'
        "ARG BOARD\nENV BOARD $BOARD\nRUN one `\n && two\n"
    )
    second = "RUN echo $BOARD $LOCALE\n"
    write(tmp_path, {"__init__/Dockerfile.part": first, "os/Dockerfile.part": second})
    read = source(tmp_path, "__init__", "os", architecture="armhf", BOARD="rpi2")
    one, two = scripts(compile_parts(read))
    assert one.argv[-1] == "one  && two"
    assert two.env["BOARD"] == "rpi2"
    assert "LOCALE" not in two.env


def test_a_stage_that_is_not_there_is_told_with_those_that_are(tmp_path: Path):
    write(tmp_path, {"common/mine/Dockerfile.part": "", "rpios/other/Dockerfile.part": ""})
    with pytest.raises(BadInput, match="There is no stage gone") as refused:
        compile_parts(source(tmp_path, "gone"))
    assert "mine, other" in refused.value.hint


def test_traps_are_told_with_their_places(tmp_path: Path):
    text = (
        "ARG ADMIN_PASSWORD\nRUN ssh-keygen -A\nRUN apt-get install -y x\n"
        "RUN echo root:root | chpasswd\nRUN pacman -S x\n"
        "COPY stages/mine/file /root/.ssh/authorized_keys\n"
    )
    compiled(tmp_path, text)
    told = "\n".join(
        str(each) for each in lint(source(tmp_path, "mine", MISSPELT="1"), {"BORD": "x"})
    )
    for words in (
        "BORD is no variable of pi-builder",
        "No part has an ARG MISSPELT",
        "ADMIN_PASSWORD is a secret",
        "Dockerfile.part:2: makes host keys",
        "Dockerfile.part:3: lets apt fetch packages",
        "Dockerfile.part:4: sets a password",
        "Dockerfile.part:5: calls a program of Arch Linux",
        "Dockerfile.part:6: lets somebody's key",
    ):
        assert words in told
