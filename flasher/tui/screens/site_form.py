"""The form of a site, new or changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.message import Message
from textual.widgets import Input, Static

from flasher.errors import FlasherError
from flasher.rig import choices
from flasher.rig.public_keys import FoundKey
from flasher.tui.attempt import attempt
from flasher.tui.keeping_form import How, Keeping, how_names, keeping_complaints
from flasher.tui.place_names import named
from flasher.tui.screens.form import FormScreen
from flasher.tui.site_form import Answers, complaints, judge, remarks
from flasher.tui.site_shelf import Opened, save
from flasher.tui.strength_words import strength_words
from flasher.tui.widgets.form_field import Field, FormField
from flasher.tui.widgets.key_line import KeyLine
from flasher.tui.widgets.key_list import KeyList
from flasher.tui.widgets.pick_field import PickField
from flasher.tui.widgets.tick import Tick, TickField
from flasher.tui.widgets.title_bar import TitleBar
from flasher.tui.widgets.wifi_list import WifiList
from flasher.tui.words import _

_KEEPING = ("how", "seal", "seal_again")


class SiteFormScreen(FormScreen[Opened]):
    """Gives the site that was saved, or None.

    Args:
        start: what stands in the fields at first.
        title: over the form.
        taken: names that the site must not have.
        found: keys that lie on this computer.
        edited: the site that is changed; None for a new one.
        told: what to say below the title, such as what was not taken over from a file.
        practice: whether the cards are files.
    """

    HELP = _("""
# A site

**Tab** or **Enter** goes to the next field, **Ctrl+S** saves. What is wrong with a field is said
below it, when you leave it. **Ctrl+↓** and **Ctrl+↑** go from part to part.

- **Name**: how you will find this site again, such as `studio`.
- **Password** and **keys**: with at least one of them you can log in to the nodes. Tick the keys
  of those who may; the list shows the keys that lie on this computer.
- **Wifi**: as many as you like, the preferred one first. None where the nodes have cables.
- **Lists**: where a ▾ stands, type a part of the name.
- **Ctrl+R** shows what you typed as passwords; press it again to hide it.
- **Ctrl+L** cleans a field of what came along when you pasted.

In this form, help is on **F1**, since a question mark may be part of a password.
""")
    BINDINGS = [  # noqa: RUF012
        Binding("ctrl+down", "part(1)", _("Next part"), key_display="^↓"),
        Binding("ctrl+up", "part(-1)", _("Part before"), show=False),
    ]
    DEFAULT_CSS = """
    SiteFormScreen .part { text-style: bold; color: $primary; margin-top: 1; }
    SiteFormScreen #told { color: $text-warning; height: auto; margin-bottom: 1; }
    SiteFormScreen #part-site { margin-top: 0; }
    """

    @dataclass
    class Saved(Message):
        """It is saved, or cannot be."""

        outcome: Opened | FlasherError

    def __init__(
        self,
        start: Answers,
        *,
        title: str,
        practice: bool,
        taken: Collection[str] = (),
        found: Iterable[FoundKey] = (),
        edited: Opened | None = None,
        told: Iterable[str] = (),
    ) -> None:
        super().__init__()
        self._start, self._title, self._practice = start, title, practice
        self._taken, self._found = taken, tuple(found)
        self._edited, self._told = edited, tuple(told)

    def compose(self) -> ComposeResult:
        """One part below the other."""
        yield TitleBar("Site", practice=self._practice)
        with VerticalScroll(id="form", can_focus=False) as form:
            form.border_title = Content(self._title)
            if self._told:
                yield Static(
                    "\n".join(f"! {words}" for words in self._told), id="told", markup=False
                )
            yield from self._names()
            yield from self._login()
            yield from self._wifi()
            yield from self._language()
            yield from self._services()
            yield from self._keeping()
            yield from self.buttons(_("Save"))
        yield KeyLine()

    def _names(self) -> ComposeResult:
        start = self._start
        yield _part("site", _("The site"))
        yield FormField("name", _("Name"), start.name, "studio", fixed=self._edited is not None)
        yield FormField(
            "title", _("Title"), start.title, _("for people, such as Studio, 2nd floor")
        )

    def _login(self) -> ComposeResult:
        start = self._start
        kept = _("is set; type to change it") if start.kept_hash else ""
        yield _part("login", _("Login to the nodes"))
        yield FormField("user", _("User"), start.user)
        yield TickField(
            "no_password", _("no password: log in with keys only"), ticked=start.no_password
        )
        yield FormField(
            "password", _("Password"), start.password, kept, secret=True, remark=self._strength
        )
        yield FormField("again", _("Password again"), start.again, secret=True)
        yield KeyList("keys", _("Keys"), start.keys, self._found)
        yield TickField("keys_only", _("SSH takes keys only"), ticked=start.keys_only)
        yield TickField("free_sudo", _("sudo asks for no password"), ticked=start.free_sudo)

    def _wifi(self) -> ComposeResult:
        start = self._start
        yield _part("wifi", _("Wifi"))
        yield WifiList("networks", _("Networks"), start.networks)
        yield PickField("country", _("Country"), _countries, start.country)

    def _language(self) -> ComposeResult:
        start = self._start
        yield _part("language", _("Language and time"))
        for name, label, offered in (
            ("language", _("Language"), choices.languages),
            ("keyboard", _("Keyboard"), choices.keyboards),
            ("timezone", _("Time zone"), choices.timezones),
        ):
            pairs = partial(named, offered)
            yield PickField(name, label, pairs, getattr(start, name), _judge(name))

    def _services(self) -> ComposeResult:
        start = self._start
        yield _part("services", _("Where the nodes get things from"))
        yield FormField("ntp", _("Time servers"), start.ntp, _("leave empty: those of the image"))
        yield FormField(
            "mirror", _("Package mirror"), start.mirror, _("leave empty: that of the image")
        )
        yield FormField(
            "source", _("Updates"), start.source, _("leave empty: found on the network")
        )

    def _keeping(self) -> ComposeResult:
        names = how_names(edited=self._edited is not None)
        first = next(iter(names))
        yield _part("keeping", _("How the passwords rest on this computer"))
        yield PickField("how", _("They are"), lambda: tuple(names.items()), first, codes=False)
        yield FormField("seal", _("Passphrase"), secret=True, remark=self._strength)
        yield FormField("seal_again", _("Passphrase again"), secret=True)

    def on_mount(self) -> None:
        """Begin with the first field."""
        self.query_one("#title" if self._edited else "#name").focus()
        self._fit()
        self._warm_up()

    @work(thread=True, exit_on_error=False, group="warm")
    def _warm_up(self) -> None:
        # The judge of passwords loads its lists once; the first letter is not to wait for them.
        strength_words("warm up", ())

    @property
    def _values(self) -> dict[str, Any]:
        return {field.field: field.value for field in self.query(Field)}

    @property
    def answers(self) -> Answers:
        """What stands in the fields."""
        values = self._values
        return replace(self._start, **{name: values[name] for name in values.keys() - _KEEPING})

    @property
    def keeping(self) -> Keeping:
        """How the secrets are to rest."""
        how, passphrase, again = (self._values[name] for name in _KEEPING)
        return Keeping(How(how), passphrase, again)

    def wrong(self) -> dict[str, str]:
        """What is wrong with the answers."""
        return complaints(self.answers, self._taken) | keeping_complaints(self.keeping)

    def _strength(self, password: str) -> str | None:
        if not password:
            return None
        about = (self.query_one("#name", Input).value, self.query_one("#user", Input).value)
        return strength_words(password, about)

    @on(Tick.Changed)
    @on(WifiList.Changed)
    def _fit(self) -> None:
        """Show what the ticks leave to ask, and what goes with what."""
        answers = self.answers
        for name in ("password", "again"):
            self.query_one(f"#field-{name}").display = not answers.no_password
        for name in ("seal", "seal_again"):
            self.query_one(f"#field-{name}").display = self.keeping.is_sealed
        told = remarks(answers)
        for name in ("free_sudo", "country"):
            self.query_one(f"#field-{name}", Field).remark(told.get(name))

    @on(PickField.Changed)
    def _follow(self, event: PickField.Changed) -> None:
        """What usually goes with a country or a language, where nothing else was chosen."""
        answers = self.answers
        if event.field == "country":
            usual = choices.timezones_of(answers.country)[:1]
            self._propose("timezone", *usual)
        elif event.field == "language":
            usual_layout = choices.usual_keyboard(answers.language)
            self._propose("keyboard", *filter(None, [usual_layout]))
        self._fit()

    def _propose(self, name: str, *values: str) -> None:
        field = self.query_one(f"#field-{name}", PickField)
        if values and not field.touched:
            field.propose(values[0])

    def action_part(self, way: int) -> None:
        """Go to the first field of the next part, or of the one before."""
        order = [w for w in self.query("#form *") if w.has_class("part") or w.focusable]
        parts = [place for place, w in enumerate(order) if w.has_class("part")]
        here = order.index(self.focused) if self.focused in order else 0
        now = max((n for n, place in enumerate(parts) if place < here), default=0)
        place = parts[(now + way) % len(parts)]
        self.set_focus(order[place + 1])
        form = self.query_one("#form")
        form.call_after_refresh(form.scroll_to_widget, order[place], top=True, animate=False)

    @on(DescendantFocus)
    def _show_whole(self, event: DescendantFocus) -> None:
        """The words below a field, and the heading above it, come into sight with it."""
        field = next((w for w in event.widget.ancestors_with_self if isinstance(w, Field)), None)
        if field is not None:
            field.scroll_visible(animate=False)

    def finish(self) -> None:
        """Save it, in a thread: hashing and sealing take their time."""
        self.notify(_("Saving…"), timeout=2)
        self._save(self.answers, self.keeping)

    @work(thread=True, exit_on_error=False, group="save", exclusive=True)
    def _save(self, answers: Answers, keeping: Keeping) -> None:
        self.post_message(self.Saved(attempt(lambda: save(answers, keeping, self._edited))))

    @on(Saved)
    def _saved(self, event: Saved) -> None:
        if isinstance(event.outcome, FlasherError):
            place = "how" if event.outcome.code == "no-keyring" else "title"
            self.refuse(place, event.outcome)
        else:
            self.dismiss(event.outcome)


def _part(name: str, words: str) -> Static:
    return Static(words, id=f"part-{name}", classes="part", markup=False)


def _countries() -> tuple[choices.Choice, ...]:
    return (choices.Choice("", _("none")), *named(choices.countries))


def _judge(name: str) -> Callable[[str], str | None]:
    return lambda value: judge(name, value)
