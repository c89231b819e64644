"""Trouble with the base image, by the codes of the engine: it is the same for every card."""

from __future__ import annotations

from flasher.tui.troubles.words import SAME_FOR_ALL_WAYS, Words
from flasher.tui.words import _

_GET_AGAIN = _("Get the image and all that lies beside it again, from where it came.")
_ASK_THE_MAKER = _("Ask whoever made the image for one that is meant for nodes.")


def _image(what: str, why: str, todo: str = _GET_AGAIN) -> Words:
    return Words(what, why, todo, SAME_FOR_ALL_WAYS)


_PAPERS = _image(
    _("The image and what lies beside it do not fit together."),
    _("One of the files was damaged on its way, or is of another image."),
)
_SIGNATURE = _image(
    _("Nobody whom this computer trusts has signed the image."),
    _("The signature beside it is wrong, or the key that made it is not known here."),
    _("Get the whole set of files again, or ask a developer for the key."),
)
_DAMAGED = _image(
    _("The image is damaged."),
    _("It was cut off or changed on its way to this computer."),
)
_NO_NODES = _image(
    _("This image is not made for nodes."),
    _("It lacks what a node needs to start, or to set itself up."),
    _ASK_THE_MAKER,
)
_FULL = _image(
    _("The settings of {node} do not fit onto the image."),
    _("Its boot partition is full."),
    _("Take scripts and files out of the scanner, or ask for an image with a larger one."),
)
_PACKED = _image(
    _("The image cannot be unpacked."),
    _("Its archive is damaged, is of an unknown kind, or holds no image."),
    _("Get it again, or name the file whose name ends in .img."),
)
_DOWNLOAD = _image(
    _("The image could not be fetched."),
    _("The network or the server did not answer as they should."),
    _("See that this computer is on the network, and try again."),
)
_ADDRESS = _image(
    _("There is no image at this address."),
    _("The server has something else there, or nothing."),
    _("Check the address of the image."),
)
_CHANGED = _image(
    _("The image was changed while it was in use."),
    _("Somebody replaced its file."),
    _("Close Flasher and start it again with the new image."),
)

IMAGES = {
    "no-image": _image(
        _("There is no image to write."),
        _("Its file was moved away, or none was ever put there."),
        _("Put an image there, and start Flasher again."),
    ),
    "image-changed": _CHANGED,
    "image-cut-off": _DAMAGED,
    "image-damaged": _DAMAGED,
    "ends-too-early": _DAMAGED,
    "ext4-damaged": _DAMAGED,
    "fat-damaged": _image(
        _("The boot partition is damaged."),
        _("Something changed it after it was made."),
        _("Make the card anew; if that does not help, get the image again."),
    ),
    "store-damaged": _image(
        _("The unpacked copy of the image is damaged."),
        _("The disk of this computer lost a part of it."),
        _("Try again: it is unpacked anew."),
    ),
    "bad-bmap": _PAPERS,
    "bmap-mismatch": _PAPERS,
    "bad-checksums": _PAPERS,
    "checksum-mismatch": _PAPERS,
    "not-signed": _SIGNATURE,
    "signature-wrong": _SIGNATURE,
    "key-unknown": _SIGNATURE,
    "unknown-compression": _PACKED,
    "zip-unreadable": _PACKED,
    "zip-without-image": _PACKED,
    "download-failed": _DOWNLOAD,
    "network-down": _DOWNLOAD,
    "image-gone": _ADDRESS,
    "image-too-large": _image(
        _("The image is larger than any card."),
        _("It announces a size that cannot be right."),
    ),
    "ext4-odd": _NO_NODES,
    "not-ext4": _NO_NODES,
    "not-fat": _NO_NODES,
    "no-agent": _NO_NODES,
    "no-boot-partition": _NO_NODES,
    "no-partition-table": _NO_NODES,
    "foreign-booter": _image(
        _("This image sets itself up in a way of its own."),
        _("It would delete the settings of {node} at its first start."),
        _ASK_THE_MAKER,
    ),
    "untrusted": _image(
        _("{node} would refuse its card."),
        _("The image trusts certain keys alone, and the one of this site is not among them."),
        _("Choose the site whose key the image knows, or ask a developer."),
    ),
    "volume-full": _FULL,
    "folder-full": _FULL,
    "fat-name": _image(
        _("A file of {node} has a name that a card cannot have."),
        _("The boot partition does not allow every letter."),
        _("Give that file another name in the scanner."),
    ),
    "is-folder": _NO_NODES,
    "not-a-folder": _NO_NODES,
    "no-such-file": _NO_NODES,
    "another-image": _image(
        _("The card was made from another image."),
        _("It can be compared only with the one that it came from."),
        _("Choose that image, or make the card anew."),
    ),
}
