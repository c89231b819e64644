"""What in a customisation script will not do what its author thinks, or cannot be done here."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from builder.formats.pi_image2.code import Code
from builder.formats.pi_image2.read import SHOWN, Customization
from builder.formats.scripts import APT, TRAPS, Trap, traps_in
from builder.lint.finding import Finding
from builder.personal import NOTHING, Personal
from flasher.errors import BadInput

UBUNTU = ("focal", "noble")
# Modules that there are stand-ins for, and those of pi_image2 that there are none for.
OFFERED = ("imp", "crypt", "linux_util", "image_util", "common_img_mods")
_MODS = ("gdm3_mod", "udev")
_PACKAGES = {"common_img_mods.gdm3_mod": ("gdm3", "gnome-terminal")}

_ROS = Trap(
    r"/opt/ros\b|\bcatkin_make\b|\bcolcon\b",
    "needs ROS, which is not in Debian",
    "Start from a base that has it, such as an image or Ubuntu with its archive.",
)
_FILE = re.compile(rf"^/?((?:{'|'.join(SHOWN)})/[\w./+-]*[\w+-])$")
_HOME = re.compile(r"/home/ubuntu\b|\bubuntu:ubuntu\b")


def require_possible(customization: Customization) -> None:
    """Check that nothing is asked for that a build cannot offer.

    Raises:
        BadInput: ``customization-refused``, naming every place.
    """
    refused = [each for code in customization.codes for each in _refused(code, customization)]
    if refused:
        listed = "\n".join(f"  {each}" for each in dict.fromkeys(refused))
        raise BadInput(
            "customization-refused",
            f"{customization.name} asks for what a build does not offer:\n{listed}",
            "Take it out of the script, or do it in another layer.",
        )


def _refused(code: Code, customization: Customization) -> Iterator[str]:
    for line in sorted(_token_uses(code)):
        yield (
            f"{code.name}:{line} uses the git token. None is given: it would stay in the image, as "
            "git keeps the address of a clone. Copy a clone from `files` in its place."
        )
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Attribute) and _is(node.value, "image_util"):
            yield (
                f"{code.name}:{node.lineno} makes a disk (image_util.{node.attr}). Flasher makes "
                "the image after the last layer."
            )
    here = {each.at for each in customization.codes}
    for name in sorted(code.imports()):
        package, _, module = name.partition(".")
        own = f"{name.replace('.', '/')}.py" in here
        if package == "common_img_mods" and module and module not in _MODS and not own:
            yield (
                f"{code.name} imports {name}, which is in no folder that is known. Name the "
                "checkout of pi_image2 that has it (`checkout`)."
            )


def _token_uses(code: Code) -> set[int]:
    """Lines that use the token; not those that keep it, or run only where there is one."""
    spared = code.silent()
    for node in ast.walk(code.tree):
        if isinstance(node, ast.If) and any(map(_is_token, ast.walk(node.test))):
            inner = (node.test, *node.body)
            spared |= {id(each) for top in inner for each in ast.walk(top)}
        elif isinstance(node, ast.Assign) and any(map(_is_token, node.targets)):
            spared.add(id(node.value))
    return {
        node.lineno
        for node in ast.walk(code.tree)
        if isinstance(node, ast.expr) and id(node) not in spared and _uses_token(node)
    }


def _uses_token(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(re.search(r"\bGIT_TOKEN\b", node.value))
    return _is_token(node) and isinstance(getattr(node, "ctx", None), ast.Load)


def _is_token(node: ast.AST) -> bool:
    return _is(node, "git_token") or (isinstance(node, ast.Attribute) and node.attr == "git_token")


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def lint(
    customization: Customization, *, suite: str, in_recipe: bool = True
) -> tuple[Finding, ...]:
    """All findings.

    Args:
        suite: what the image starts from, as far as it is known.
        in_recipe: as part of one, where the image's name and size are the recipe's.
    """
    found = (
        *_about_conf(customization, suite, in_recipe=in_recipe),
        *(each for code in customization.codes for each in _about_code(code, customization)),
    )
    return tuple(dict.fromkeys(found))


def _about_conf(customization: Customization, suite: str, *, in_recipe: bool) -> Iterator[Finding]:
    conf, name = customization.conf, customization.name
    for key in conf.extra:
        yield Finding(f"{name}: {key} is no key of conf.", "Nothing reads it; correct its name.")
    if conf.release != suite:
        yield Finding(
            f"{name} is written for {conf.release}, and the image starts from {suite}.",
            "Packages and files can have other names there; the image's name still says "
            f"{conf.release}.",
        )
    if in_recipe and conf.rootfs_extra_space_mb:
        yield Finding(
            f"{name}: rootfs_extra_space_mb and imagedir are the recipe's to say.",
            "Write [image] root_slack_mib, and --out.",
        )
    if Path(f"{conf.rootfs}-backup").exists():
        yield Finding(
            f"{conf.rootfs}-backup is there, and is not used: layers do its work.",
            "To start from it, pack it with tar and name it: --from rootfs:FILE.",
        )
    if user := missing_user(customization):
        yield Finding(
            f"{name} works in the home of {user}, whom pi_image2's common part makes.",
            "The layer makes this user, with a locked password; another name is in its payload.",
        )


def missing_user(customization: Customization) -> str:
    """The user that scripts expect and do not make; "" where they expect none."""
    codes = customization.codes
    made = {given[0] for code in codes for _, given in code.calls("create_user") if given}
    called = {given[0] for code in codes for _, given in code.calls("run_as_user") if given}
    spoken = any(_HOME.search(text) for code in codes for _, text in code.texts())
    spoken |= bool(packages_of_modules(codes))  # a desktop logs this user in
    return "ubuntu" if "ubuntu" not in made and (spoken or "ubuntu" in called) else ""


def packages_of_modules(codes: Sequence[Code]) -> tuple[str, ...]:
    """What the modules that scripts import would install by themselves."""
    imported = set().union(*(code.imports() for code in codes))
    return tuple(word for name in sorted(imported) for word in _PACKAGES.get(name, ()))


def asks_apt(codes: Sequence[Code]) -> bool:
    """Whether a script lets apt fetch packages: it needs lists, which no layer keeps."""
    return any(APT.catches(text) for code in codes for _, text in code.texts())


def personal(customization: Customization) -> Personal:
    """The first account that a script makes with a password that is not its own name."""
    for code in customization.codes:
        for _, (user, password, *_) in _accounts(code):
            if user and password and user != password:
                return Personal(user=user, password=password)
    return NOTHING


def _accounts(code: Code) -> Iterator[tuple[int, tuple[str, ...]]]:
    return ((line, given) for line, given in code.calls("create_user") if len(given) > 1)


def _about_code(code: Code, customization: Customization) -> Iterator[Finding]:
    for line, (user, password, *_) in _accounts(code):
        default = user == password
        yield Finding(
            f"{code.name}:{line} gives {user or 'a user'} a password, which is not built in.",
            f"{user}/{password} is known to everybody; a site gives the nodes another."
            if default and user
            else "A site gives the nodes theirs; --site makes one of it.",
        )
    for line, text in code.texts():
        for trap in traps_in(text, (*TRAPS, _ROS)):
            yield Finding(f"{code.name}:{line} {trap.what}.", trap.remedy)
        file = _FILE.match(text)
        if file and not (customization.checkout / file[1]).exists():
            yield Finding(
                f"{code.name}:{line} reads {file[1]}, which is not in {customization.checkout}.",
                "Put it there, or name the checkout that has it.",
            )
    yield from _about_imports(code, customization)


def _about_imports(code: Code, customization: Customization) -> Iterator[Finding]:
    own = {each.at.split("/")[0].removesuffix(".py") for each in customization.codes}
    known = {*own, *OFFERED, *sys.stdlib_module_names}
    for name in sorted({each.split(".")[0] for each in code.imports()} - known):
        yield Finding(
            f"{code.name} imports {name}, which is neither Python's own nor beside it.",
            "The image must have it: name its package in apt_get_packages.",
        )
