"""Trouble with a card or its reader, by the codes of the engine."""

from __future__ import annotations

from flasher.tui.troubles.words import BAD_CARD_WAYS, NO_RETRY_WAYS, Words
from flasher.tui.words import _

_THROW_AWAY = _("Take another card, and throw this one away.")
_OTHER_READER = _("Try it in another reader; if it is the same there, throw the card away.")

CARDS = {
    "cancelled": Words(
        _("You stopped it."),
        _("The card is not whole, and starts no Pi until it is."),
        _("Go on when you are ready: what is right on the card is kept."),
        goes_on=True,
    ),
    "card-condemned": Words(
        _("The card does not keep what is written to it."),
        _("It was written twice, and gave back other bytes both times."),
        _THROW_AWAY,
        BAD_CARD_WAYS,
    ),
    "card-counterfeit": Words(
        _("The card does not hold the {size} that it announces."),
        _("It is counterfeit: somebody made it tell a size that it does not have."),
        _("Send it back or throw it away, and take another card."),
        NO_RETRY_WAYS,
    ),
    "card-defective": Words(
        _("A part of the card does not work."),
        _("Its memory is broken, or the reader is."),
        _OTHER_READER,
        BAD_CARD_WAYS,
    ),
    "card-differs": Words(
        _("The card holds other bytes than it must."),
        _("Something changed it after it was made."),
        _("Make this card again."),
    ),
    "card-exchanged": Words(
        _("This is another card than the one that you chose."),
        _("The card in the reader was changed before the writing began."),
        _("Nothing was written: look at the card that is in the reader now, and start it."),
        NO_RETRY_WAYS,
    ),
    "card-failed": Words(
        _("The card could not be read or written."),
        _("It may sit loosely, or it is worn out, or its reader is."),
        _OTHER_READER,
        goes_on=True,
    ),
    "card-pulled": Words(
        _("The card was pulled out before it was ready."),
        _("Somebody took it out, or the reader lost its connection."),
        _("Put the same card back in and go on: what is right on it is kept."),
        goes_on=True,
    ),
    "card-read-only": Words(
        _("The card is write-protected."),
        _("The small lock on its side is closed, or the card has locked itself for ever."),
        _("Take it out, open the lock, and put it back in; if it is open, take another card."),
    ),
    "card-slow": Words(
        _("The card, or its reader, is far too slow."),
        _("It was measured twice; this card would take an hour and more."),
        _("Try another reader or another socket of the computer, then another card."),
        BAD_CARD_WAYS,
    ),
    "card-too-small": Words(
        _("The card does not have the room that is needed."),
        _("It is too small for this image, or it ends before the size that it announces."),
        _("Take a larger card of a maker that you know."),
        NO_RETRY_WAYS,
    ),
    "card-worn-out": Words(
        _("A place on the card failed twice in a row."),
        _("The card is worn out, or its reader is."),
        _OTHER_READER,
        BAD_CARD_WAYS,
    ),
    "reader-unsteady": Words(
        _("The card reads otherwise each time."),
        _("The cable or the reader loses bytes; the card itself may be good."),
        _("Take another cable, then another reader, and make the card again."),
    ),
    "no-answer": Words(
        _("The reader does not answer any more."),
        _("It hangs; the other readers go on."),
        _("Pull the reader out, plug it in again, and go on: what is right on the card is kept."),
        goes_on=True,
    ),
    "drive-busy": Words(
        _("Another program is using the card."),
        _("Two programs that write to one card spoil it, so nothing was written."),
        _("Close that program, or the folder that it shows, and try again."),
    ),
    "cannot-unmount": Words(
        _("The card cannot be taken from the system."),
        _("The desktop shows it as a folder, and does not let it go."),
        _("Eject it there, or pull it out and put it back in, and try again."),
    ),
    "drive-refused": Words(
        _("This drive is never written."),
        _("It is a part of this computer, or it is on the list of protected drives."),
        _("Put the card into another reader."),
        NO_RETRY_WAYS,
    ),
    "serial-needed": Words(
        _("This drive is written only when its serial is typed."),
        _("It is a disk or a very large stick, and not what cards usually are."),
        _("Put a plain card into a card reader."),
        NO_RETRY_WAYS,
    ),
    "no-such-drive": Words(
        _("There is no card in {drive} any more."),
        _("It was taken out, or the reader was unplugged."),
        _("Put the card back in and try again."),
        goes_on=True,
    ),
    "no-drive": Words(
        _("{drive} is neither a card reader nor a file."),
        _("Only a card in a reader, or a file that plays one, can be written."),
        _("Put the card into another reader."),
        NO_RETRY_WAYS,
    ),
    "is-partition": Words(
        _("{drive} is only a part of a drive."),
        _("A card is always written as a whole."),
        _("Choose the reader itself."),
        NO_RETRY_WAYS,
    ),
    "target-is-image": Words(
        _("{drive} is the image itself."),
        _("Writing it onto itself would destroy it, so nothing was written."),
        _("Choose another card."),
        NO_RETRY_WAYS,
    ),
    "no-permission": Words(
        _("You may not write to {drive}."),
        _("This computer lets only some people write to drives."),
        _("Close Flasher and start it with sudo, or ask whoever looks after this computer."),
    ),
    "udisks-failed": Words(
        _("The system would not open {drive} for you."),
        _("The service that hands drives out to people met an error."),
        _("Try again; if it stays so, start Flasher with sudo."),
    ),
    "no-payload": Words(
        _("This card does not say which node it is for."),
        _("It is none of ours, or the part of it that tells is lost."),
        _("Make the card anew."),
        NO_RETRY_WAYS,
    ),
    "nothing-to-mend": Words(
        _("There is nothing to mend on this card."),
        _("Its node has not failed, or it has not started since it was mended."),
        _("Put the card into its Pi and start it."),
        NO_RETRY_WAYS,
    ),
    "needs-payload": Words(
        _("What the card carries cannot be tried again as it is."),
        _("It was refused or is damaged, so it would fail again."),
        _("Give it new settings from this site, or make the card anew."),
        NO_RETRY_WAYS,
    ),
}
