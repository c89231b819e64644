"""Whether the kernel's command line and /etc/fstab name file systems that the image has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from builder.lint.finding import Finding
from builder.lint.volumes import Volumes

_BY_NAME = ("LABEL=", "UUID=", "PARTUUID=", "PARTLABEL=")
_NEEDS_INITRAMFS = ("LABEL=", "UUID=", "PARTLABEL=")
_OPTIONAL = frozenset({"nofail", "noauto"})
_FIRMWARE, _OLD_FIRMWARE = "/boot/firmware", "/boot"  # since Debian 12, and before


def check_cmdline(
    path: str, text: str, volumes: Volumes, *, has_initramfs: bool, has_pi_4: bool
) -> list[Finding]:
    """Findings about a kernel command line.

    Args:
        path: of its file, for people.
        text: all of the file.
        volumes: of the image.
        has_initramfs: whether the kernel gets one.
        has_pi_4: whether a board of the fourth family reads this line.
    """
    line, _, rest = text.strip("\r\n").partition("\n")
    words = line.split()
    found = [
        *_check_root(path, words, volumes, has_initramfs),
    ]
    if rest.strip():
        remedy = "Put all words into one line."
        found.append(Finding(f"{path} has more than one line: only the first counts.", remedy))
    if not any(word == "rootwait" or word.startswith("rootdelay=") for word in words):
        remedy = "Add `rootwait`: a card is found some time after the kernel has started."
        found.append(Finding(f"{path} lacks `rootwait`.", remedy))
    if has_pi_4 and any(word.startswith("cma=") for word in words):
        remedy = 'Leave it out: with Debian, CMA="0" in /etc/default/raspi-firmware.'
        found.append(Finding(f"{path} has `cma=`, which keeps a Pi 4 from booting.", remedy))
    return found


def _check_root(
    path: str, words: list[str], volumes: Volumes, has_initramfs: bool
) -> Iterator[Finding]:
    named = [word.removeprefix("root=") for word in words if word.startswith("root=")]
    remedy = f"Name it: {_best(volumes.root)}."
    if not named:
        yield Finding(f"{path} has no `root=`.", remedy)
    elif named[-1] not in volumes.root:
        yield Finding(f"{path} has root={named[-1]}, which is not in this image.", remedy)
    elif named[-1].startswith(_NEEDS_INITRAMFS) and not has_initramfs:
        what = f"{path} has root={named[-1]}, which only an initramfs can find; there is none."
        yield Finding(what, "Name the root by PARTUUID, or add initramfs-tools to the packages.")


def check_fstab(text: str, volumes: Volumes) -> list[Finding]:
    """Findings about /etc/fstab."""
    found, points = [], set()
    lines = [(at, line.split(), line) for at, line in enumerate(text.splitlines(), 1)]
    lines = [each for each in lines if each[1] and not each[1][0].startswith("#")]
    mounted = {fields[1] for _, fields, _ in lines if len(fields) > 1}
    is_old = _OLD_FIRMWARE in mounted and _FIRMWARE not in mounted
    firmware = _OLD_FIRMWARE if is_old else _FIRMWARE
    for number, fields, line in lines:
        place = f"/etc/fstab line {number}"
        if len(fields) < 3:
            found.append(Finding(f"{place} is not whole: {line.strip()!r}.", "Mend the line."))
            continue
        points.add(fields[1])
        found += _check_mount(place, fields, {"/": volumes.root, firmware: volumes.boot}, volumes)
    for point, names in (("/", volumes.root), (firmware, volumes.boot)):
        if point not in points:
            what = f"/etc/fstab does not mount {point}."
            found.append(Finding(what, f"Add a line for {_best(names)}."))
    return found


def _check_mount(
    place: str, fields: list[str], places: Mapping[str, frozenset[str]], volumes: Volumes
) -> Iterator[Finding]:
    source, point = fields[0].replace('"', ""), fields[1]
    options = set(fields[3].split(",")) if len(fields) > 3 else set()
    own = places.get(point)
    if own is None:
        known = volumes.root | volumes.boot | volumes.data
        if source.startswith(_BY_NAME) and source not in known and not options & _OPTIONAL:
            what = f"{place} mounts {source}, which is not in this image, on {point}."
            yield Finding(what, "Add the option nofail: without it the boot ends there.")
    elif source not in own:
        what = f"{place} mounts {source}, which is not in this image, on {point}."
        yield Finding(what, f"Name it: {_best(own)}.")
    elif source.startswith("/dev/"):
        what = f"{place} names {source}, which is another drive on another board."
        yield Finding(what, f"Name it: {_best(own)}.")


def _best(names: Iterable[str]) -> str:
    """The name that people know: a label where there is one."""
    return next((name for name in sorted(names) if name.startswith("LABEL=")), "its PARTUUID")
