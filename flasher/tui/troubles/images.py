"""Trouble with the base image, by the codes of the engine: it is the same for every card."""

from __future__ import annotations

from flasher.tui.troubles.words import same_for_all
from flasher.tui.words import _

_GET_AGAIN = _("Get the image and all that lies beside it again, from where it came.")
_ASK_THE_MAKER = _("Ask whoever made the image for one that is meant for nodes.")
_PAPERS = same_for_all(
    _("The image and what lies beside it do not fit together."),
    _("One of the files was damaged on its way, or is of another image."),
    _GET_AGAIN,
)
_SIGNATURE = same_for_all(
    _("Nobody whom this computer trusts has signed the image."),
    _("The signature beside it is wrong, or the key that made it is not known here."),
    _("Get the whole set of files again, or ask a developer for the key."),
)
_DAMAGED = same_for_all(
    _("The image is damaged."),
    _("It was cut off or changed on its way to this computer."),
    _GET_AGAIN,
)
_NO_NODES = same_for_all(
    _("This image is not made for nodes."),
    _("It lacks what a node needs to start, or to set itself up."),
    _ASK_THE_MAKER,
)
_FULL = same_for_all(
    _("The settings of {node} do not fit onto the image."),
    _("Its boot partition is full."),
    _("Take scripts and files out of the scanner, or ask for an image with a larger one."),
)
_PACKED = same_for_all(
    _("The image cannot be unpacked."),
    _("Its archive is damaged, is of an unknown kind, or holds no image."),
    _("Get it again, or name the file whose name ends in .img."),
)
_DOWNLOAD = same_for_all(
    _("The image could not be fetched."),
    _("The network or the server did not answer as they should."),
    _("See that this computer is on the network, and try again."),
)
_ADDRESS = same_for_all(
    _("There is no image at this address."),
    _("The server has something else there, or nothing."),
    _("Check the address of the image."),
)
_CHANGED = same_for_all(
    _("The image was changed while it was in use."),
    _("Somebody replaced its file."),
    _("Close Flasher and start it again with the new image."),
)

IMAGES = {
    "no-image": same_for_all(
        _("There is no image to write."),
        _("Its file was moved away, or none was ever put there."),
        _("Put an image there, and start Flasher again."),
    ),
    "image-changed": _CHANGED,
    "image-cut-off": _DAMAGED,
    "image-damaged": _DAMAGED,
    "ends-too-early": _DAMAGED,
    "ext4-damaged": _DAMAGED,
    "fat-damaged": same_for_all(
        _("The boot partition is damaged."),
        _("Something changed it after it was made."),
        _("Make the card anew; if that does not help, get the image again."),
    ),
    "store-damaged": same_for_all(
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
    "image-too-large": same_for_all(
        _("The image is larger than any card."),
        _("It announces a size that cannot be right."),
        _GET_AGAIN,
    ),
    "ext4-odd": _NO_NODES,
    "not-ext4": _NO_NODES,
    "not-fat": _NO_NODES,
    "no-agent": _NO_NODES,
    "no-boot-partition": _NO_NODES,
    "no-partition-table": _NO_NODES,
    "foreign-booter": same_for_all(
        _("This image sets itself up in a way of its own."),
        _("It would delete the settings of {node} at its first start."),
        _ASK_THE_MAKER,
    ),
    "untrusted": same_for_all(
        _("{node} would refuse its card."),
        _("The image trusts certain keys alone, and the one of this site is not among them."),
        _("Choose the site whose key the image knows, or ask a developer."),
    ),
    "volume-full": _FULL,
    "folder-full": _FULL,
    "fat-name": same_for_all(
        _("A file of {node} has a name that a card cannot have."),
        _("The boot partition does not allow every letter."),
        _("Give that file another name in the scanner."),
    ),
    "is-folder": _NO_NODES,
    "not-a-folder": _NO_NODES,
    "no-such-file": _NO_NODES,
    "another-image": same_for_all(
        _("The card was made from another image."),
        _("It can be compared only with the one that it came from."),
        _("Choose that image, or make the card anew."),
    ),
}
