"""Trouble with this computer, the ledger, the scanner or the site, by the codes of the engine."""

from __future__ import annotations

from flasher.tui.troubles.words import Words, same_for_all
from flasher.tui.words import _

_ASK = _("Ask whoever looks after this computer.")


_FULL = same_for_all(
    _("The disk of this computer is full."),
    _("The image, or what is noted of the cards, found no room on it."),
    _("Delete what is not needed there, and try again."),
)
_LOCKED = same_for_all(
    _("A folder of this computer cannot be written."),
    _("It belongs to somebody else, or its disk is locked."),
    _ASK,
)
_SITE = same_for_all(
    _("What is kept of this site cannot be read."),
    _("A file of it is missing, damaged, or holds what does not belong there."),
    _("Go back to the site, and see what is wrong with it."),
)
_LOCKED_SITE = same_for_all(
    _("The secrets of this site are locked."),
    _("Only its passphrase opens them, or this computer's keyring."),
    _("Go back to the site, and type its passphrase."),
)
_WRONG_PASSPHRASE = same_for_all(
    _("This passphrase does not open it."),
    _("Perhaps a letter is capital, or the keyboard has another language."),
    _("Type it again."),
)
_SOFTWARE = same_for_all(
    _("The scanner's software is not what its profile names."),
    _("Its tag was moved since, or it is too large for a card."),
    _("Tell whoever made this scanner's profile."),
)
_SCANNER = same_for_all(
    _("What is kept of this scanner cannot be read."),
    _("A file of it is missing, damaged, or holds what does not belong there."),
    _("Go back to the scanner, and see what is wrong with it."),
)
_UNREADABLE = same_for_all(
    _("A file or a drive cannot be read."),
    _("It is gone, somebody else's, or the disk that it lies on has failed."),
    _("Check that the image and the reader are still there, and try again."),
)
_SCRIPTS = same_for_all(
    _("The scripts of {node} cannot be read."),
    _("A file of them is missing, damaged, or was added twice."),
    _("Go back to the scanner, and see what is wrong with its scripts."),
)

COMPUTER = {
    "software-moved": _SOFTWARE,
    "software-too-large": _SOFTWARE,
    "disk-full": _FULL,
    "read-only": _LOCKED,
    "store-unusable": _LOCKED,
    "cannot-open": _UNREADABLE,
    "cannot-read": _UNREADABLE,
    "system-error": Words(
        _("The system said no."),
        _("What was asked of it did not work, and it gives no better reason."),
        _("Check the reader, the room on the disk and your rights, and try again."),
    ),
    "internal": Words(
        _("Flasher stumbled over a defect of its own."),
        _("No card should ever bring it to that."),
        _("Try again; if it comes back, send the details to a developer."),
    ),
    "program-missing": same_for_all(
        _("A program that Flasher needs is not installed."),
        _("This computer was set up without it."),
        _("Type flasher doctor in a terminal: it names what is missing."),
    ),
    "ledger-unusable": same_for_all(
        _("The ledger cannot take the line of this card."),
        _("Its disk is full or locked, or its file is damaged."),
        _("Free the disk, and try again; no card is written without its line."),
    ),
    "ledger-newer": same_for_all(
        _("The ledger was written by a newer Flasher."),
        _("This one would lose what it does not know."),
        _("Use the newer Flasher on this computer, too."),
    ),
    "bad-document": same_for_all(
        _("A file of the scanner or of the site has faults."),
        _("Somebody edited it by hand, or it was damaged."),
        _("See the details: they name the file, the line, and what to write there."),
    ),
    "no-memory": same_for_all(
        _("This computer has too little memory."),
        _("A locked site takes much of it to open, so that nobody gets in by guessing."),
        _("Close other programs, and try again."),
    ),
    "no-site-key": same_for_all(
        _("This site has no key of its own."),
        _("The nodes of this scanner get their passwords from it."),
        _("Go back to the site, and have its key made."),
    ),
    "no-site-secrets": _SITE,
    "no-such-site": _SITE,
    "unreadable-site": _SITE,
    "site-exists": _SITE,
    "key-locked": _SITE,
    "key-unreadable": _SITE,
    "shipped-site": _SITE,
    "two-secrets": _SITE,
    "unsealed": _SITE,
    "vault-damaged": _SITE,
    "vault-too-new": _SITE,
    "not-a-vault": _SITE,
    "site-locked": _LOCKED_SITE,
    "wrong-passphrase": _WRONG_PASSPHRASE,
    "no-keyring": _LOCKED_SITE,
    "no-such-profile": _SCANNER,
    "unreadable-profile": _SCANNER,
    "no-such-script": _SCRIPTS,
    "script-exists": _SCRIPTS,
    "too-many-scripts": _SCRIPTS,
    "unreadable-script": _SCRIPTS,
    "unreadable-scripts": _SCRIPTS,
    "no-such-role": _SCANNER,
    "no-such-node": same_for_all(
        _("This scanner has no node {node}."),
        _("The card is of another scanner, or the scanner was changed since."),
        _("Choose the scanner that the node is in."),
    ),
}
