"""Trouble in a rehearsal, by the codes of the engine: no card is changed by it."""

from __future__ import annotations

from flasher.tui.troubles.words import only_told
from flasher.tui.words import _

_SEE_CONSOLE = _("Read the last lines of the console; a developer knows what they mean.")
_MAKE_ANEW = _("Make the card anew, and rehearse it again.")


BOOTS = {
    "agent-silent": only_told(
        _("The node started, but said nothing of itself."),
        _("The image lacks the part that sets a node up, or that part did not start."),
        _("Ask whoever made the image for one that is meant for nodes."),
    ),
    "boot-file-missing": only_told(
        _("The card lacks a file that every start needs."),
        _("Its image does not bring it, or somebody deleted it."),
        _("Use an image that is meant for nodes, and make the card anew."),
    ),
    "boot-hangs": only_told(
        _("The node hangs: it neither prints nor writes anything."),
        _("The kernel on the card does not fit the Pi that is emulated, or it waits for ever."),
        _SEE_CONSOLE,
    ),
    "card-size": only_told(
        _("A card of this size cannot be emulated."),
        _("Emulated cards have sizes of powers of two only."),
        _("Rehearse a copy of it instead."),
    ),
    "emergency-mode": only_told(
        _("The system on the card went into its emergency mode."),
        _("A file system or a service that it needs did not start."),
        _SEE_CONSOLE,
    ),
    "emulator-failed": only_told(
        _("The emulated Pi did not start."),
        _("The kernel on the card is not whole, or the emulator lacks something here."),
        _MAKE_ANEW,
    ),
    "firmware-missing": only_told(
        _("The firmware for an emulated PC is not installed."),
        _("This computer was set up without it."),
        _("Type flasher doctor in a terminal: it names what is missing."),
    ),
    "kernel-panic": only_told(
        _("The kernel on the card gave up."),
        _("It found something that it cannot go on with."),
        _SEE_CONSOLE,
    ),
    "no-root": only_told(
        _("The node found no root file system."),
        _("The card is not whole, or it looks for a partition that it does not have."),
        _MAKE_ANEW,
    ),
    "node-restarts": only_told(
        _("The node starts again and again, and gives no result."),
        _("One of its scripts may ask for a restart each time that it runs."),
        _("Look at the scripts of this node."),
    ),
    "node-stopped": only_told(
        _("The node switched itself off before it had a result."),
        _("One of its scripts may ask for that."),
        _("Look at the scripts of this node."),
    ),
    "not-a-virtual-card": only_told(
        _("Only a card that is a file can be booted itself."),
        _("A card in a reader would be changed by it."),
        _("Rehearse a copy of it instead."),
    ),
    "rehearsal-timeout": only_told(
        _("The node took too long and gave no result."),
        _("It may wait for a network that an emulated Pi does not have."),
        _SEE_CONSOLE,
    ),
}
