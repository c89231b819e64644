"""What the engine says of drives and their cards, in the wizard's language.

The engine speaks English and knows nothing of languages. Its short phrases are known here by their
form; what is not known stays as it is.
"""

from __future__ import annotations

import re

from flasher.tui.words import N_
from flasher.tui.words import gettext as look_up

# A card's contents, in one phrase (flasher.card.inspect, flasher.drives.contents).
_CONTENTS = (
    N_("empty"),
    N_("no card"),
    N_("no partition table"),
    N_("half made: {node}"),
    N_("an empty partition table"),
    N_("unreadable"),
    N_("unknown: it cannot be read"),
    N_("1 partition: {names}"),
    N_("{count} partitions: {names}"),
    N_("a payload that cannot be read"),
    N_("{node}, not booted yet"),
    N_("{node}, started, and its agent said nothing"),
    N_("{node}, waiting"),
    N_("{node}, checking"),
    N_("{node}, applying"),
    N_("{node}, done"),
    N_("{node}, failed"),
    N_("{node}, rolled-back"),
)
# Why a drive is not written (flasher.drives.verdict, flasher.drives.usage, flasher.bench.cards).
_REFUSALS = (
    N_("it is protected ({by})"),
    N_("{doubt}, and has no serial number to be named by"),
    N_("it is memory built into this computer (eMMC)"),
    N_("it is no card in a card reader ({kind})"),
    N_("there is no card in it"),
    N_("it is a USB disk, by its own word"),
    N_("it can be taken out, but is no card in a card reader ({kind})"),
    N_("it is larger than a node's card ({size} GB)"),
    N_("it is write-protected: take it out and slide the lock on its side"),
    N_("it holds {place} of this computer"),
    N_("it is in use: {place} is swap space"),
    N_("it is in use: {part} is a part of {whole}"),
    N_("it is in use: a file on it is {device}"),
    N_("it is in use: as swap space"),
    N_("it is in use: as {device}"),
    N_("it is in use: {place} is built upon it"),
    N_("it is in use: a part of a mounted btrfs volume"),
    N_("it is in use: mounted at {place}"),
    N_("it stands on a file: {why}"),
    N_("it stands on {disk}: {why}"),
)
# What the ledger knows against it (flasher.rig.twins).
_WARNINGS = (
    N_(
        "{node} was already written {when} to another card on {laptop} (generation {number}). "
        "Do not use both: they would fight over the name."
    ),
    N_(
        "{node} was already written {when} to another card (generation {number}). "
        "Do not use both: they would fight over the name."
    ),
    N_("The older card gets no updates from then on, and what its node reports is refused."),
    N_("It is the card of {node} at {site}, verified {when}."),
    N_("just now"),
    N_("some time ago"),
    N_("1 minute ago"),
    N_("{count} minutes ago"),
    N_("1 hour ago"),
    N_("{count} hours ago"),
    N_("1 day ago"),
    N_("{count} days ago"),
)
# What is noted while a card is made (flasher.card, flasher.rig.readers, flasher.prepare, .mend).
_NOTES = (
    N_("This card or its reader is slow: it takes {rate}, not {least} or more."),
    N_("It answered wrongly once; a second look found nothing. Watch this card and reader."),
    N_("{size} that the probe had overwritten could not be put back."),
    N_("All is on the card in {drive}: take it out now, before something mounts it."),
    N_(
        "The last {count} cards in this reader ({port}) were all slow: "
        "it is the reader, its cable or its port. Try another."
    ),
    N_("The {count} cards before it in this reader ({port}) were faster: it is this card."),
    N_("The card is good, but its line is missing in the ledger: {error}"),
    N_("No certificate: {error}. Later: {command}"),
    N_("It may refuse that: it trusts {signer}; the site {site} signs with {key}."),
    N_("It may refuse that: it trusts {signer}; the site {site} does not sign."),
)
# What is wrong with this computer's clock (flasher.rig.wrong_clock).
_CLOCKS = (
    N_(
        "This computer's clock shows {now} UTC, but this program was made on {made}. "
        "Set the clock before you go on: timedatectl set-ntp true"
    ),
    N_(
        "This computer's clock shows {now} UTC, but the last card or release was made on {last}: "
        "it is behind now, or was ahead then. "
        "Set the clock before you go on: timedatectl set-ntp true. If it is right already, go on: "
        "nodes that were put ahead take the next release, and their clocks go back."
    ),
)


def translated(said: str) -> str:
    """A phrase of the engine in the wizard's language."""
    for form, text in _PATTERNS:
        if found := form.fullmatch(said):
            parts = {name: translated(part) for name, part in found.groupdict().items()}
            return look_up(text).format(**parts)
    return said


def _form(text: str) -> re.Pattern[str]:
    """What such a phrase looks like when its places are filled in."""
    parts = re.split(r"\{(\w+)\}", text)
    fixed, places = map(re.escape, parts[::2]), [f"(?P<{name}>.+?)" for name in parts[1::2]]
    return re.compile("".join(a + b for a, b in zip(fixed, [*places, ""], strict=True)))


FORMS = (*_CONTENTS, *_REFUSALS, *_WARNINGS, *_NOTES, *_CLOCKS)
_PATTERNS = [(_form(text), text) for text in FORMS]
