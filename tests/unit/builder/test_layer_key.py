import hashlib
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from builder.layers import layer_key
from builder.lock import LockedGroup, LockedPackage
from builder.recipe import RecipeFile
from builder.steps.bootstrap import Bootstrap
from builder.steps.files import Files
from builder.steps.packages import Packages

KEY = hashlib.sha256(b"").hexdigest()
FILES = Files("settings", (RecipeFile("/etc/a", b"1"), RecipeFile("/etc/b", b"2")), ("x.service",))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def key_of(step: Files | Packages | Bootstrap, parent: str = KEY) -> str:
    return layer_key(parent, step.kind, step.version, step.inputs())


@given(st.dictionaries(st.text(), json_values))
def test_the_order_in_which_inputs_are_told_does_not_matter(inputs):
    backwards = dict(reversed(inputs.items()))
    assert layer_key(KEY, "files", 1, inputs) == layer_key(KEY, "files", 1, backwards)


def test_a_layer_is_another_on_another_parent():
    assert key_of(FILES) != key_of(FILES, parent="")


def test_a_byte_a_mode_a_path_or_a_unit_makes_another_layer():
    first, second = FILES.files
    changed = [
        replace(FILES, files=(replace(first, data=b"3"), second)),
        replace(FILES, files=(replace(first, mode=0o600), second)),
        replace(FILES, files=(replace(first, path="/etc/c"), second)),
        replace(FILES, enable=()),
        replace(FILES, version=2),
    ]
    assert len({key_of(step) for step in [FILES, *changed]}) == len(changed) + 1


def test_a_name_for_people_makes_no_other_layer():
    assert key_of(FILES) == key_of(replace(FILES, name="renamed"))


def package(name: str, version: str = "1", sha256: str = KEY) -> LockedPackage:
    return LockedPackage(name, version, "arm64", name, version, "", 1, sha256)


SYSTEM = LockedGroup("system", 1_700_000_000, ("sudo",), (package("sudo"), package("udev")))


def test_a_version_a_byte_a_package_or_another_time_makes_another_layer():
    sudo, udev = SYSTEM.packages
    changed = [
        replace(SYSTEM, packages=(replace(sudo, version="2"), udev)),
        replace(SYSTEM, packages=(replace(sudo, sha256="0" * 64), udev)),
        replace(SYSTEM, packages=(sudo,)),
        replace(SYSTEM, requested=("sudo", "udev")),
        replace(SYSTEM, epoch=1_700_000_001),
    ]
    keys = {key_of(Packages(group, ())) for group in (SYSTEM, *changed)}
    assert len(keys) == len(changed) + 1


def test_where_a_package_was_found_makes_no_other_layer():
    moved = replace(
        SYSTEM, packages=tuple(replace(p, uri="http://m/x.deb") for p in SYSTEM.packages)
    )
    assert key_of(Packages(SYSTEM, ())) == key_of(Packages(moved, ()))


def test_sources_and_architecture_make_another_system():
    keys = {
        key_of(Bootstrap(SYSTEM, architecture, sources), "")
        for architecture in ("arm64", "armhf")
        for sources in ("deb http://m trixie main\n", "deb http://m sid main\n")
    }
    assert len(keys) == 4
