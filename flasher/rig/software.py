"""The scanner's own software from git: a commit that the profile pins, as one tar of its files.

It is asked for once; from then on it is at hand without a network, for the commit says all of it.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from autosetup import forms
from autosetup.node_tables import read_restarts
from autosetup.software import FOLDER, Software, read_tree
from autosetup.strict import Table, pattern
from flasher import paths
from flasher.errors import FlasherError
from flasher.files import write_atomic
from flasher.process import run
from flasher.rig.sources import LARGEST

URL = pattern(
    r"(?:https|ssh|file)://[^\s\x00-\x1f'\"\\]{1,500}",
    "the address of a git repository: https://…, ssh://… or file:///…",
)
TAG = pattern(
    r"(?!.*(?:\.\.|//|/\.|@\{))[A-Za-z0-9][A-Za-z0-9._/+-]{0,200}", "the name of a tag, as v2.3"
)
COMMIT = pattern(r"[0-9a-f]{40}", "a whole commit: 40 hex digits")
_NAME = re.compile(r"[^A-Za-z0-9_-]+")
# Nothing is asked of a person, and no helper of an address is run.
_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "https:ssh:file"}
_SHORT = 12


def read_software(tables: list[Table], contents: dict[str, bytes]) -> tuple[Software, ...]:
    """The software of a role; the tars of it go into `contents`.

    Whatever keeps a commit from being had is a fault of its table.
    """
    return tuple(_read(table, number, contents) for number, table in enumerate(tables, 1))


def tar_of(url: str, tag: str, commit: str) -> bytes:
    """The files of a commit as a tar; the same commit gives the same bytes.

    Args:
        url: of the repository.
        tag: by which the commit is asked for.
        commit: that it must be, 40 hex digits.

    Raises:
        FlasherError: it is not to be had, the tag is another commit, or it is too large.
    """
    kept = paths.cache() / "software" / f"{commit}.tar"
    if kept.exists():
        return kept.read_bytes()
    with tempfile.TemporaryDirectory(prefix="flasher-git-") as folder:
        raw = _fetched(Path(folder), url, tag, commit)
    if len(raw) > LARGEST:
        what = f"The files of {tag} of {url} are larger than {LARGEST >> 20} MiB."
        raise FlasherError("software-too-large", what, "Have the node fetch what is that large.")
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(kept, raw)
    return raw


def _fetched(folder: Path, url: str, tag: str, commit: str) -> bytes:
    git = ["git", "-C", str(folder), "-c", "tar.umask=0022"]
    hint = f"See that {url} can be reached from here, and has the tag {tag}."
    run(["git", "init", "--quiet", "--bare", str(folder)], env=_QUIET)
    run([*git, "fetch", "--quiet", "--depth=1", url, f"refs/tags/{tag}"], env=_QUIET, hint=hint)
    found = run([*git, "rev-parse", "FETCH_HEAD^{commit}"]).text.strip()
    if found != commit:
        what = f"The tag {tag} of {url} is the commit {found}, and the profile pins {commit}."
        raise FlasherError("software-moved", what, "See why it moved, and pin the one you mean.")
    return run([*git, "archive", "--format=tar", commit]).output


def _read(table: Table, number: int, contents: dict[str, bytes]) -> Software:
    url, tag = table.string("git", form=URL), table.string("tag", form=TAG)
    commit = table.string("commit", form=COMMIT)
    path = table.string("path")
    if table.has("path") and (wrong := forms.absolute_path_complaint(path)):
        table.fault("path", f"path is {path!r}.", wrong)
    name = _NAME.sub("-", path.rpartition("/")[2]).strip("-") or "tree"
    source = f"{FOLDER}{number * 10:02}-{name[:40]}.tar"
    told = {"git": URL.complain(url), "tag": TAG.complain(tag), "commit": COMMIT.complain(commit)}
    if not any(told.values()):
        contents[source] = _had(table, url, tag, commit)
    return Software(source, path, f"{tag} ({commit[:_SHORT]})", read_restarts(table))


def _had(table: Table, url: str, tag: str, commit: str) -> bytes:
    try:
        raw = tar_of(url, tag, commit)
        read_tree(raw)
    except FlasherError as error:
        table.fault("git", error.message, error.hint)
    except ValueError as error:
        table.fault("git", f"{tag} of {url}: {error}", "Nodes take files, and links within.")
    else:
        return raw
    return b""
