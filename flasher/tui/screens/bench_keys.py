"""The keys of the bench, and what they do in plain words."""

from __future__ import annotations

from textual.binding import Binding

from flasher.tui.words import _

HELP = _("""
# The bench

On the left is your rig: **○** still needs a card, **◆** comes next, **▶** is being written,
**✓** is ready, **◉** was rehearsed, **♥** was seen alive in the rig, **✗** failed. On the right
is a lane for each card reader.

1. Put cards into the readers, as many as you have. Each lane says what its card holds, and whose
   card it becomes.
2. Choose a lane with the arrow keys and press **Enter**. A card with somebody's data asks first.
3. When a lane says **take out**, take that card out, write on it what stands there, and put in
   the next one.

**A** switches *auto* on: empty cards and cards of ours then start by themselves after a few
seconds. **P** lets nothing new start. **Space** puts the lane's node last, **F** makes any node's
card next. **R** tries a card again that failed, **S** stops one. **M** switches the sound off.

**Tab** goes between the lanes and the drawing of the rig, where the arrow keys and **Enter** choose
a node; **1** to **9** choose a lane.
""")

KEYS = [
    Binding("r", "go_on", _("Go on"), tooltip=_("Go on with the card where it stopped")),
    Binding("r", "retry", _("Try again"), tooltip=_("Make the card that failed again")),
    Binding("s", "stop", _("Stop"), tooltip=_("Stop the card that is being made")),
    Binding("a", "auto", _("Auto"), tooltip=_("Start empty cards by themselves, or not")),
    Binding("p", "pause", _("Pause"), tooltip=_("Start nothing new, or go on")),
    Binding("space", "skip", _("Skip"), tooltip=_("Make another node's card first")),
    Binding("f", "find", _("Find"), tooltip=_("Choose by its name whose card is next")),
    Binding("d", "done", _("Done"), tooltip=_("What was made, labels, what is missing")),
    Binding("m", "sound", _("Sound"), show=False),
    Binding("l", "look", _("Look again"), show=False),
    Binding("tab,shift+tab", "switch", _("Lanes or rig"), show=False),
    *(Binding(str(n), f"lane({n})", _("Lane"), show=False) for n in range(1, 10)),
    Binding("escape", "delay", _("Hold"), key_display="Esc"),
    Binding("escape", "back", _("Back"), key_display="Esc"),
]
