"""What failed on a node in the rig, by the codes of its agent (`autosetup.codes`)."""

from __future__ import annotations

from dataclasses import dataclass

from flasher.card.advice import Advice
from flasher.card.inspect import CardReport
from flasher.tui.words import _


@dataclass(frozen=True, slots=True)
class NodeWords:
    """One kind of failure: the likely cause, and what to do; one sentence each."""

    cause: str
    todo: str


_ANEW = _("Make the card anew.")
_NEW_SETTINGS = _("Give the card new settings from this site.")
_DEVELOPER = _("Send what the node said last to a developer.")
_BAD_CARD = _("Start the node once more; if that does not help, take another card.")
_SCRIPT = _("See what the node said last, and mend the script in the scanner.")

NODES = {
    "agent-refused": NodeWords(
        _("A newer version of what sets the node up did not start there; the one before goes on."),
        _("Nothing has to be done here: a developer releases a mended one."),
    ),
    "archive-refused": NodeWords(
        _("The server of packages is not one that the node trusts."),
        _("Correct the address of packages in the site, and give the card new settings."),
    ),
    "archive-unreachable": NodeWords(
        _("The server of packages did not answer."),
        _("Check cable, wifi and router, then have the node try again."),
    ),
    "capturing": NodeWords(
        _("The scanner is taking pictures, and an update waits for its end."),
        _("Nothing has to be done: it goes on by itself."),
    ),
    "clock-wrong": NodeWords(
        _("The node's clock does not fit what the network says of the time."),
        _("See that a time server answers in the network, then have the node try again."),
    ),
    "conflict": NodeWords(
        _("The card brings other settings under a number that was used already."),
        _NEW_SETTINGS,
    ),
    "cut-short": NodeWords(
        _("The power went away again and again in the same step."),
        _("Check the power supply and its cable, then give the card new settings."),
    ),
    "frozen": NodeWords(
        _("The updates that the node finds have expired, so it does not trust them."),
        _("Have the releases renewed; the node goes on with what it has."),
    ),
    "internal-error": NodeWords(
        _("The node's set-up stumbled over a defect of its own."), _DEVELOPER
    ),
    "name-taken": NodeWords(
        _("Another node in the network has the same name."),
        _("Take one of the two out of the rig, and make its card for another node."),
    ),
    "no-boot-partition": NodeWords(
        _("The part of the card with the settings is damaged or gone."),
        _("Make the card anew; if that does not help, take another one."),
    ),
    "no-cable": NodeWords(
        _("No network cable was plugged in."),
        _("Plug it in at both ends, then have the node try again."),
    ),
    "no-lease": NodeWords(
        _("The wifi was joined, but gave the node no address."),
        _("See that the router has addresses left, then have the node try again."),
    ),
    "no-network": NodeWords(
        _("The node found none of the networks that it was told of."),
        _("Compare name and passphrase in the site with the router, then give new settings."),
    ),
    "no-radio": NodeWords(
        _("The node was told of a wifi, and this Pi has none."),
        _("Use a cable, or a Pi with wifi."),
    ),
    "no-source": NodeWords(
        _("The node found nobody who has updates for it."),
        _("Start the server, plug in a stick with updates, or name an address in the site."),
    ),
    "no-space": NodeWords(
        _("The card is full."),
        _("Take a larger card, and make it for this node."),
    ),
    "no-address": NodeWords(
        _("With the new settings the node would have lost its address."),
        _("Check wifi and addresses in the site, and give the card new settings."),
    ),
    "no-updater": NodeWords(
        _("The image on the card has no program for updates."),
        _("Make the card anew, with an image that has it."),
    ),
    "no-updates": NodeWords(
        _("The node was not told whose updates it may take."),
        _("Make the card anew, with an image that knows the releases."),
    ),
    "no-way-back": NodeWords(
        _("There are no earlier settings that the node could go back to."), _NEW_SETTINGS
    ),
    "no-verifier": NodeWords(
        _("The image cannot check who made the settings."),
        _("Ask whoever made the image for a newer one."),
    ),
    "not-done": NodeWords(
        _("The node was not set up yet."),
        _("Start it, and wait until its light is steady."),
    ),
    "not-root": NodeWords(_("Somebody without the right tried to change the node."), _DEVELOPER),
    "not-sealed-for-us": NodeWords(
        _("The update that came is not for this card, or was changed on the way."),
        _("Have the release made anew; if that does not help, make the card anew."),
    ),
    "older": NodeWords(
        _("The settings on the card are older than those that the node knows."), _NEW_SETTINGS
    ),
    "package-unknown": NodeWords(
        _("The scanner asks for a program that the server does not have."),
        _("Correct the scanner, and give the card new settings."),
    ),
    "other-board": NodeWords(
        _("The card is in another Pi than the one that it was set up in."),
        _("Put it back into its own Pi, or make it anew for this one."),
    ),
    "payload-refused": NodeWords(
        _("The settings on the card have faults, and nothing was changed."), _NEW_SETTINGS
    ),
    "program-failed": NodeWords(
        _("A program of the system failed, or took too long."),
        _("Have the node try again; if that does not help, send its last words to a developer."),
    ),
    "read-only": NodeWords(
        _("The card cannot be written: it locked itself, or is damaged."), _BAD_CARD
    ),
    "restart-needed": NodeWords(
        _("Packages were brought up to date, and the node runs what it had before."),
        _("Start the node again when no pictures are taken."),
    ),
    "script-failed": NodeWords(
        _("A script ended with an error: it may miss a camera, a cable or a server."),
        _("Check what it needs on the Pi, then have the node try again."),
    ),
    "script-reboots": NodeWords(
        _("A script restarts the node each time that it runs."),
        _SCRIPT,
    ),
    "script-timeout": NodeWords(
        _("A script took longer than it may, and was stopped."),
        _SCRIPT,
    ),
    "radio-blocked": NodeWords(
        _("The wifi of this Pi is switched off."),
        _("Look for a switch on the Pi or its board, then have the node try again."),
    ),
    "scrub-failed": NodeWords(
        _("The card did not erase the secrets that were on it."),
        _("Destroy this card, and make another one for the node."),
    ),
    "sealed": NodeWords(
        _("The card could not be opened for changes: it may be worn out."),
        _("Take another card, and make it for this node."),
    ),
    "source-failed": NodeWords(
        _("The server of updates did not answer, or was too slow."),
        _("Check cable, wifi and the server; the node tries again by itself."),
    ),
    "step-without-effect": NodeWords(
        _("A setting was made, but the system does not show it."), _DEVELOPER
    ),
    "system-error": NodeWords(
        _("The card failed to read or to write: it may be worn out."), _BAD_CARD
    ),
    "taken-back": NodeWords(
        _("Somebody put the node back to its earlier settings."), _NEW_SETTINGS
    ),
    "unhealthy": NodeWords(
        _("All was set up, but a service or a camera does not work."),
        _("Check what the reason names, then have the node try again."),
    ),
    "unknown-value": NodeWords(_("Somebody set a value that this node does not have."), _DEVELOPER),
    "unsafe-home": NodeWords(_("A folder of keys on the node is not where it must be."), _ANEW),
    "update-refused": NodeWords(
        _("The updates that the node found cannot be trusted."),
        _("Have a developer look after the releases; nothing was changed on the node."),
    ),
    "wifi-not-heard": NodeWords(
        _("The wifi of this name was not in reach."),
        _("Switch the router on, compare the name letter by letter, or move the Pi nearer."),
    ),
    "wifi-refused": NodeWords(
        _("The wifi refused the passphrase."),
        _("Correct it in the site, and give the card new settings."),
    ),
    "wrong-country": NodeWords(
        _("The wifi was not heard, and others say that they are in another country."),
        _("Correct the country in the site, and give the card new settings."),
    ),
    "untrusted": NodeWords(
        _("The node does not trust the key of the site that made this card."),
        _("Use the site that the node knows; to move it to this one, make the card anew."),
    ),
}
_DAMAGED = NodeWords(
    _("What is on the card is not what was written to it."),
    _("Give the card new settings, or make it anew."),
)
_LOST = NodeWords(_("The settings on the card are lost or cannot be read."), _ANEW)
_UNKNOWN = NodeWords(_("The node gives no cause."), _("Have it try again."))


def autopsy(report: CardReport, advice: Advice) -> NodeWords:
    """The likely cause, and what to do, for a card that comes back from the rig. Pure."""
    if report.damage:
        return _DAMAGED if report.node and report.is_writable else _LOST
    status = report.status
    if status is not None and status.state in ("failed", "rolled-back"):
        return NODES.get(status.code or "", _UNKNOWN)
    return NodeWords(advice.cause, advice.todo)
