"""What the pages around the wizard say in a browser."""

from __future__ import annotations

from flasher.tui.words import _

STARTING = _("The wizard is starting.")
ENDED = _("The wizard has ended")
GO_ON = _("What was being written can be gone on with.")
OPEN_AGAIN = _("Open it again")
TO_THE_WIZARD = _("To the wizard")

ELSEWHERE = _("The wizard is open in another tab")
CLOSE_THE_OTHER = _(
    "Only one tab at a time works with the card readers. "
    "Close the other one, then load this page again."
)
CLOSED = _("This address does not open")
USED = _("It opens once, and was used already. End Flasher, and start it again for a new one.")
NO_ENTRY = _("No entry")
NOT_LET_IN = _("This browser has not been let in: open the address that Flasher told.")
