"""Archives that are not Debian's, and further sources: what apt takes of them, whom it trusts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builder.archive import Archive, archive_of, image_files
from builder.diagnosis import StepFailed
from builder.lock import Lock, LockedBase, LockedGroup, read_lock
from builder.pool import Pool
from builder.proxy import proxied
from builder.recipe import Recipe, load_recipe
from builder.resolve import Desk, choose_lock, resolve
from builder.sources.bottom import Bottom
from builder.sources.inventory import take_inventory
from builder.wanted import Native, find_misfit
from flasher.errors import BadInput
from flasher.events import CancelFlag, ignore
from tests.integration.builder.archives import (
    Signer,
    make_archive,
    make_deb,
    serving,
    signing,
)

NATIVE = Native("amd64")
NOW = 1_000_000_000
PAST = "Thu, 01 Jan 2015 00:00:00 UTC"
HEAD = 'format = 1\nname = "tiny"\narchitecture = "amd64"\n'

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signer]:
    with signing(tmp_path_factory.mktemp("keys") / "archive.gpg") as made:
        yield made


@pytest.fixture(scope="module")
def debs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An essential package, an old Python, and one of a further component that needs it."""
    folder = tmp_path_factory.mktemp("debs")
    make_deb(folder, "base-files", Essential="yes", Priority="required")
    make_deb(folder, "python3", "3.8.2-0ubuntu2")
    make_deb(folder, "scanner", Depends="python3")
    return folder


@pytest.fixture
def archive(tmp_path: Path, debs: Path, signer: Signer) -> Callable[..., str]:
    """Makes an archive in Ubuntu's form; `release`: more fields."""

    def make(signer: Signer | None = signer, **release: str) -> str:
        parts = {"main": debs.glob("[!s]*.deb"), "universe": debs.glob("s*.deb")}
        return make_archive(tmp_path / "ubuntu", "focal", parts, signer, **release)

    return make


@pytest.fixture
def load(tmp_path: Path, signer: Signer) -> Callable[[str], Recipe]:
    """Reads a recipe of some text; the public key lies beside it."""
    (tmp_path / "archive.gpg").write_bytes(signer.public.read_bytes())

    def load(text: str) -> Recipe:
        path = tmp_path / "tiny.toml"
        path.write_text(HEAD + text)
        return load_recipe(path)

    return load


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keeps what Debian's archive lists, for the tools."""
    return tmp_path_factory.mktemp("lists")


@pytest.fixture
def lock_of(lists: Path) -> Callable[..., Lock]:
    """Resolves a recipe on a computer with one native program to run in place of emulated ones."""

    def lock(recipe: Recipe, native: Native = NATIVE) -> Lock:
        return resolve(recipe, native, desk_of(lists, recipe), now=NOW)

    return lock


def desk_of(lists: Path, recipe: Recipe) -> Desk:
    nowhere = Path(os.devnull)
    return Desk(lists, lambda _: None, nowhere, ignore, CancelFlag(), archive_of(recipe))


def focal(address: str, more: str = "") -> str:
    return f"""from = "apt:focal"
[archive]
mirror = "{address}"
components = ["main", "universe"]
keyring = "archive.gpg"
{more}
[[layer]]
name = "scan"
packages = ["scanner"]
"""


def held(group: LockedGroup) -> list[str]:
    return [f"{package.name} {package.version}" for package in group.packages]


def test_an_archive_in_ubuntus_form_gives_what_it_has_of_the_minimum_and_its_components(
    archive: Callable[..., str], load: Callable[[str], Recipe], lock_of: Callable[..., Lock]
):
    recipe = load(focal(archive()))
    lock = lock_of(recipe, Native("amd64", ("bash", "python3")))
    assert [held(group) for group in lock.layers] == [
        ["base-files 1", "python3 3.8.2-0ubuntu2"],
        ["scanner 1"],
    ]
    assert held(lock.twins) == ["python3 3.8.2-0ubuntu2"]
    assert "e2fsprogs" in [package.name for package in lock.tools.packages]  # Debian's
    assert "signed-by=/etc/apt/keyrings/archive.gpg" in lock.sources


def test_an_archive_without_programs_for_this_computer_gives_no_twins(
    archive: Callable[..., str], load: Callable[[str], Recipe], lock_of: Callable[..., Lock]
):
    address = archive(architectures=("armhf",))
    recipe = replace(load(focal(address)), architecture="armhf")
    lock = lock_of(recipe, Native("amd64", ("bash", "dash")))
    assert lock.twins.packages == ()
    assert find_misfit(lock, recipe, Native("amd64", ("bash", "dash"))) == ""


def test_an_archive_signed_by_others_than_the_recipe_says_is_refused(
    tmp_path: Path,
    archive: Callable[..., str],
    load: Callable[[str], Recipe],
    lock_of: Callable[..., Lock],
):
    with signing(tmp_path / "another.gpg") as another:
        recipe = load(focal(archive(another)))
    with pytest.raises(StepFailed) as refused:
        lock_of(recipe)
    assert refused.value.code == "signature-bad"
    assert "public keys" in refused.value.hint


def test_an_unsigned_archive_is_refused(
    archive: Callable[..., str], load: Callable[[str], Recipe], lock_of: Callable[..., Lock]
):
    with pytest.raises(StepFailed) as refused:
        lock_of(load(focal(archive(None))))
    assert refused.value.code == "signature-bad"


def test_an_index_that_was_changed_after_signing_is_refused(
    tmp_path: Path,
    archive: Callable[..., str],
    load: Callable[[str], Recipe],
    lock_of: Callable[..., Lock],
):
    recipe = load(focal(archive()))
    index = next(tmp_path.glob("ubuntu/dists/focal/main/binary-amd64/Packages"))
    index.write_text(index.read_text().replace("3.8.2", "3.8.3"))
    with pytest.raises(StepFailed) as refused:
        lock_of(recipe)
    assert refused.value.code == "download-failed"


def test_an_archive_of_the_past_counts_only_where_the_recipe_says_that_it_is_one(
    archive: Callable[..., str],
    load: Callable[[str], Recipe],
    lock_of: Callable[..., Lock],
    lists: Path,
):
    address = archive(Date=PAST, Valid_Until=PAST)
    with pytest.raises(StepFailed) as refused:
        lock_of(load(focal(address)))
    assert refused.value.code == "release-expired"
    assert "expired = true" in refused.value.hint
    past = load(focal(address, "expired = true"))
    (base,) = desk_of(lists, past).open("focal", "amd64").closure(["?essential"])
    assert base.package.name == "base-files"


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[str]:
    """A server with newer packages, as text of the recipe; its key is armoured."""
    make_deb(tmp_path, "scanner", "9")
    make_deb(tmp_path, "camera", Depends="scanner")
    with signing(tmp_path / "vendor.asc") as signer:
        parts = {"main": tmp_path.glob("*.deb")}
        make_archive(tmp_path / "vendor", "stable", parts, signer)
    with serving({"": tmp_path / "vendor"}) as (address, _):
        told = f'name = "vendor"\nuri = "{address}"\nsuites = ["stable"]\nkey = "vendor.asc"\n'
        yield f"[[apt]]\n{told}"


@pytest.mark.parametrize(("priority", "version"), [("", "9"), ("priority = 100\n", "1")])
def test_a_further_source_counts_by_its_priority(
    archive: Callable[..., str],
    load: Callable[[str], Recipe],
    lists: Path,
    vendor: str,
    priority: str,
    version: str,
):
    recipe = load(focal(archive()) + vendor + priority)
    offered = desk_of(lists, recipe).open("focal", "amd64").closure(["camera"])
    told = {offer.package.name: offer.package.version for offer in offered}
    assert (told["camera"], told["scanner"]) == ("1", version)


def test_all_that_is_fetched_goes_through_the_proxy_of_the_recipe(
    tmp_path: Path,
    archive: Callable[..., str],
    load: Callable[[str], Recipe],
    lists: Path,
):
    archive()
    with serving({"archive.invalid": tmp_path / "ubuntu"}) as (proxy, asked):
        recipe = load(focal("http://archive.invalid", f'proxy = "{proxy}"'))
        before = dict(os.environ)
        with proxied(recipe.archive.proxy):
            offered = desk_of(lists, recipe).open("focal", "amd64").closure(["scanner"])
            Pool(tmp_path / "pool").fetch([offer.package for offer in offered])
    assert len(list((tmp_path / "pool").glob("*.deb"))) == 2
    assert all(path.startswith("http://archive.invalid/") for path in asked)
    assert sum(path.endswith(".deb") for path in asked) == 2
    assert dict(os.environ) == before
    files = "".join(str(file) for file in image_files(archive_of(recipe)))
    assert proxy not in files + archive_of(recipe).sources("focal", "amd64")


def test_a_lock_of_other_sources_does_not_fit(
    tmp_path: Path,
    archive: Callable[..., str],
    load: Callable[[str], Recipe],
    lists: Path,
    vendor: str,
):
    recipe, path = load(focal(archive()) + vendor), tmp_path / "tiny.lock"
    lock = choose_lock(recipe, NATIVE, desk_of(lists, recipe), path)
    assert read_lock(path) == lock
    assert find_misfit(lock, recipe, NATIVE) == ""
    for other in (replace(recipe, sources=()), load(focal("http://example.org/u") + vendor)):
        assert "other sources" in find_misfit(lock, other, NATIVE)


def test_no_packages_come_upon_a_system_that_has_none_of_debians(
    tmp_path: Path, load: Callable[[str], Recipe], lists: Path
):
    (tmp_path / "arch/etc").mkdir(parents=True)
    (tmp_path / "arch/etc/os-release").write_text("ID=archarm\n")
    layer = '[[layer]]\nname = "more"\npackages = ["tree"]\n'
    recipe = load(f'from = "rootfs:arch.tar"\n{layer}')
    locked = LockedBase("rootfs:arch.tar", "arch.tar", 1, "5" * 64)
    inventory = take_inventory(tmp_path / "arch", "amd64")
    bottom = Bottom((), tmp_path / "arch", recipe, NOW, locked, inventory)
    with pytest.raises(BadInput, match=r"rootfs:arch\.tar has no Debian packages") as refused:
        resolve(recipe, NATIVE, desk_of(lists, recipe), now=NOW, bottom=bottom)
    assert refused.value.code == "no-packages"
    assert "scripts and files can be added" in refused.value.hint


def test_mmdebstrap_knows_ubuntus_places_for_each_architecture():
    known = [Archive(components=("main",)).sources("noble", each) for each in ("amd64", "arm64")]
    assert known[0] != known[1]
    assert {line.split()[3] for line in known[1].splitlines()} == {"main"}
