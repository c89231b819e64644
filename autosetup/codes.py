"""What can go wrong on a node, by code: what it means, and what to do; the words of docs and card.

A code is stable: it stands in `status.json`, in the documents and in what `flasher inspect` tells.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

# What is at fault; the light on the board tells these apart.
Part = Literal["payload", "script", "network", "card", "image"]


class Code(NamedTuple):
    """One kind of failure.

    Attributes:
        means: the likely cause, for people.
        remedy: what to do.
        again: whether the same payload may succeed when it is tried once more.
        part: what is at fault.
    """

    means: str
    remedy: str
    again: bool = True
    part: Part = "image"


CODES = {
    "agent-refused": Code(
        "A newer agent did not start, or is none. The one before goes on.",
        "Release a newer one that was tried: a version is not tried again.",
        again=False,
        part="payload",
    ),
    "archive-refused": Code(
        "The archive of packages is not signed by a key of the image, or not for its system.",
        "Correct the mirror in site.toml, or bring it up to date.",
        part="network",
    ),
    "archive-unreachable": Code(
        "The archive of packages does not answer.",
        "Check cable, wifi, router and the mirror in site.toml.",
        part="network",
    ),
    "capturing": Code(
        "The scanner's software captures, and an update waits for its end.",
        "Nothing; where no capture is under way: see who holds /run/lock/autosetup-capture.",
        part="script",
    ),
    "clock-wrong": Code(
        "The node's clock does not fit what the network says of the time.",
        "See that a time server answers, or bring the mirror up to date.",
        part="network",
    ),
    "conflict": Code(
        "The card carries another payload under a generation that was applied already.",
        "Give it a new generation: flasher inspect --fix --scanner … --site …",
        again=False,
        part="payload",
    ),
    "cut-short": Code(
        "The power was cut, or the agent killed, again and again in the same step.",
        "See in log.txt what the step did last, and mend the payload or the power supply.",
        again=False,
        part="payload",
    ),
    "frozen": Code(
        "What the sources say has expired: it is old, or somebody keeps the new back.",
        "Renew the repository: flasher release renew; the node goes on with what it has.",
        part="network",
    ),
    "internal-error": Code(
        "The agent stumbled over a defect of its own.",
        "Send log.txt to a developer.",
    ),
    "name-taken": Code(
        "Another node on the network has this node's name. A warning: both go on working.",
        "Take one of the two off the network, and prepare its card for another node.",
        again=False,
        part="network",
    ),
    "no-address": Code(
        "The new payload left the node without the address that it had before.",
        "Compare the networks of the two payloads: wifi, passphrase, fixed addresses.",
        part="network",
    ),
    "no-boot-partition": Code(
        "The boot partition is damaged or gone, and with it the payload.",
        "Prepare the card again; if that does not help, change it.",
        part="card",
    ),
    "no-cable": Code(
        "The node was told a fixed address, and no cable is connected.",
        "Plug the cable in at both ends; the node tries again by itself.",
        part="network",
    ),
    "no-lease": Code(
        "A wireless network was joined, but gave no address.",
        "See that its DHCP server runs and has addresses left.",
        part="network",
    ),
    "no-network": Code(
        "The node is on no network that it was told of.",
        "Compare passphrase, security and addresses with what is there.",
        part="network",
    ),
    "no-radio": Code(
        "The node was told of wireless networks, and has no wireless interface.",
        "Use a cable or a board with a radio, or see in log.txt whether firmware is missing.",
        part="network",
    ),
    "no-source": Code(
        "The node wants updates, and found nobody who has them.",
        "Name a source in the site, start flasher serve, or plug in a stick with a repository.",
        part="network",
    ),
    "no-space": Code(
        "A file system of the node is full.",
        "Free some room on it, or take a larger card.",
        part="card",
    ),
    "no-updater": Code(
        "The node lacks python3-tuf, which checks updates.",
        "Take an image with the layer for updates.",
        again=False,
    ),
    "no-updates": Code(
        "The node was not told whose releases it takes, or has no root of a repository.",
        "Name the site of its updates, and bake the root: build-base --update-root.",
        again=False,
        part="payload",
    ),
    "no-verifier": Code(
        "The image trusts certain keys alone, but cannot check a signature.",
        "Add the package python3-cryptography to the recipe of the image.",
        again=False,
    ),
    "no-way-back": Code(
        "There is no good generation before the one that the node has.",
        "Give it a new payload: flasher inspect --fix --scanner … --site …",
        again=False,
        part="payload",
    ),
    "not-done": Code(
        "A value can be set only on a node that is set up.",
        "Wait for it: autosetup status --wait",
    ),
    "not-root": Code(
        "Only root may change this node.",
        "Say it with sudo.",
    ),
    "not-sealed-for-us": Code(
        "What came over the network or by a stick is sealed for another card, or was changed.",
        "Make and publish a new release; if that does not help, prepare the card again.",
        part="payload",
    ),
    "older": Code(
        "The payload is not newer than one that the node has tried already.",
        "Prepare it again: it gets a new generation.",
        again=False,
        part="payload",
    ),
    "other-board": Code(
        "The card is in another Pi than the one it was set up in. A warning: the node works on.",
        "If it was moved on purpose: sudo autosetup rebind. Else put it back into its own Pi.",
        again=False,
        part="card",
    ),
    "package-unknown": Code(
        "The archive has no package of this name.",
        "Correct the name in the profile, or take a mirror that has it.",
        part="payload",
    ),
    "payload-refused": Code(
        "The payload has faults; nothing was changed.",
        "Mend what is named, then: flasher inspect --fix --scanner … --site …",
        again=False,
        part="payload",
    ),
    "program-failed": Code(
        "A program of the system failed or took too long.",
        "Read its last lines in the reason; start the node again, or change what it was given.",
    ),
    "radio-blocked": Code(
        "The radio is switched off.",
        "sudo rfkill unblock wifi, or the switch on the device.",
        part="network",
    ),
    "read-only": Code(
        "A file system cannot be written: the card locked itself, or damage was found on it.",
        "Start the node again, so that it is checked; if that does not help, change the card.",
        part="card",
    ),
    "script-failed": Code(
        "A script of the payload ended with an error.",
        "Mend what it misses on the node (a camera, a cable) and start again, or mend the script.",
        part="script",
    ),
    "script-reboots": Code(
        "A script of the payload restarts the node each time that it runs, or brings it down.",
        "Take the restart out of it; what a restart is for belongs into [role.boot].",
        again=False,
        part="script",
    ),
    "script-timeout": Code(
        "A script of the payload took longer than it may, and was stopped.",
        "See in log.txt where it waits; give it more time in the profile.",
        part="script",
    ),
    "restart-needed": Code(
        "Packages were brought up to date, and the node runs what it had before. A warning.",
        "Start it again when nobody captures: sudo systemctl reboot",
        again=False,
        part="image",
    ),
    "scrub-failed": Code(
        "The card gave back other bytes than were written over the secrets.",
        "Throw the card away, and destroy it: it still holds them.",
        part="card",
    ),
    "sealed": Code(
        "The root file system is sealed and could not be opened for changes.",
        "The partition for data may be worn out: change the card.",
        part="card",
    ),
    "source-failed": Code(
        "The source of updates does not answer, breaks off or is too slow.",
        "Check cable, wifi and server; what was fetched is kept.",
        part="network",
    ),
    "step-without-effect": Code(
        "A setting was applied, but the system does not show it.",
        "Send log.txt to a developer.",
    ),
    "system-error": Code(
        "The medium failed a read or a write: it may be worn out.",
        "Start the node again; if that does not help, change the card.",
        part="card",
    ),
    "taken-back": Code(
        "Somebody went back to the generation before: autosetup rollback.",
        "Give the node a new payload when it shall leave that one.",
        again=False,
        part="payload",
    ),
    "unhealthy": Code(
        "All is applied, but a service failed or a health check of the payload is not content.",
        "Mend what the reason names: a camera, a cable, a server; or the payload.",
        part="script",
    ),
    "unknown-value": Code(
        "The payload has no value of this name to set.",
        "Choose one that is named: autosetup values",
    ),
    "unsafe-home": Code(
        "A user's .ssh is a link, which root must not follow.",
        "Remove the link on the node, or in the image.",
    ),
    "untrusted": Code(
        "The payload is not signed by a key that this node trusts.",
        "Give it one of the site that the node knows; to change the site, prepare the card anew.",
        again=False,
        part="payload",
    ),
    "update-refused": Code(
        "The source has updates that cannot be trusted, or are not what was promised.",
        "Look after the repository: flasher release show. Nothing was changed.",
        part="network",
    ),
    "wifi-not-heard": Code(
        "No wireless network of that name is in reach.",
        "Switch the access point on; compare the name, capitals too; move nearer.",
        part="network",
    ),
    "wifi-refused": Code(
        "The access point refused the passphrase.",
        "Mend it in the secrets of the site, then: flasher inspect --fix --scanner … --site …",
        part="network",
    ),
    "wrong-country": Code(
        "No network of that name is heard, and others say that they are in another country.",
        "Mend the country of the site: each allows other channels.",
        part="network",
    ),
}
