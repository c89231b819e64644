"""The steps of one payload, applied in order; each is recorded once its effect is on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from autosetup import reach
from autosetup.before import Before
from autosetup.card_keys import completed
from autosetup.errors import AgentError
from autosetup.faults import Fault, Faulty
from autosetup.journal import Journal
from autosetup.node_file import NODE, read_node
from autosetup.outlets import Outlets
from autosetup.payload import Payload, unpack
from autosetup.record import Record
from autosetup.settings import Manifest, Secrets
from autosetup.status import StepRecord, Warned, with_warning
from autosetup.steps import ACTIONS, RETURNING, STEPS, boot, network, problems, scripts
from autosetup.steps.context import Context, Step
from autosetup.stopping import Stopped, is_going_down
from autosetup.system import System
from autosetup.values import with_values

# Nobody needs a second one; without the limit a file that is changed back each time would loop.
_MOST_RESTARTS = 1
# In order: by a script, or once by a person. Without a word: by a script, or by the power, which
# must not be held against a script too soon.
_MOST_STOPS, _MOST_STARTS = 2, 5


@dataclass(frozen=True, slots=True)
class Tools:
    """What the agent works with.

    Attributes:
        system: the node.
        journal: its record on the root file system.
        outlets: where it says how it is.
        ready: called when network and logins may go on; more than once.
        pauses: in seconds, after which a failure that may pass is tried again, the last one for
            ever; empty where nobody will.
        attempt: how many tries there were since this process began, with this one.
    """

    system: System
    journal: Journal
    outlets: Outlets
    ready: Callable[[], None]
    pauses: tuple[float, ...] = ()
    attempt: int = 1


def make_context(
    tools: Tools,
    payload: Payload,
    finished: set[str] | None = None,
    finish_script: Callable[[str], None] = lambda _: None,
) -> Context:
    """What the steps get; without `finished` and `finish_script` only good for looking."""
    generation = payload.manifest.generation
    return Context(
        tools.system,
        payload.settings,
        payload.secrets,
        payload.files,
        generation,
        tools.journal.payload_folder(generation),
        set() if finished is None else finished,
        finish_script,
        tools.outlets.log,
        Before(tools.system, tools.journal.folder / "before"),
    )


def open_payload(tools: Tools, raw: Mapping[str, bytes]) -> Payload:
    """A payload that checks, on this node too, with the keys that its card brought before.

    What was set on the node since it was applied is in it.

    Raises:
        Faulty: with everything that is wrong.
        AgentError: a value was set that the payload does not know.
    """
    try:
        payload = unpack(raw)
    except Faulty as faulty:
        raise Faulty([*faulty.faults, *_problems_beside(tools, raw)]) from None
    secrets = completed(payload.secrets, tools.journal.folder, payload.manifest.card_id)
    payload = replace(payload, secrets=secrets)
    tools.outlets.secrets = secrets.values()
    values = tools.journal.values(payload.manifest.generation)
    payload = replace(payload, settings=with_values(payload.settings, values))
    if faults := list(problems(make_context(tools, payload))):
        raise Faulty(faults)
    return payload


def _problems_beside(tools: Tools, raw: Mapping[str, bytes]) -> Iterator[Fault]:
    """What the node has against settings that are sound, though other files are not."""
    settings, faults = read_node(raw.get(NODE, b""), raw)
    if settings and not faults:
        manifest = Manifest(1, 1, settings.name, "", "", "", "", "", {})
        payload = Payload(manifest, settings, Secrets(b""), raw)
        yield from problems(make_context(tools, payload))


def order_of(record: Record) -> tuple[Step, ...]:
    """The steps in the order in which this payload is applied."""
    return RETURNING if record.fallen else STEPS


def at_next_step(record: Record) -> Record:
    """The record as it tells where a run that was cut short was at work."""
    finished = {step.name for step in record.status.steps}
    left = (n for n, step in enumerate(order_of(record), 1) if step.NAME not in finished)
    number = next(left, 0)
    name = order_of(record)[number - 1].NAME if number else None
    return replace(record, status=replace(record.status, step=name, step_number=number))


class Run:
    """The steps of one payload, with the record as it grows."""

    def __init__(self, tools: Tools, payload: Payload, record: Record) -> None:
        self.record = record
        self._begun = time.monotonic()
        self._tools = tools
        self._scripts = set(record.scripts)
        self._context = make_context(tools, payload, self._scripts, self._finish_script)

    def apply_all(self) -> bool:
        """Apply what is not recorded yet, in order; whether all is applied.

        It is not where the node must start once more for its boot settings, which it does once for
        a payload; as those are recorded, the next run goes on behind them.
        """
        finished = {step.name for step in self.record.status.steps}
        for number, step in enumerate(order_of(self.record), 1):
            if step is ACTIONS[0]:
                if self._tools.system.booted and self._has_new_boot_settings(finished):
                    self._save(replace(self.record, restarts=self.record.restarts + 1))
                    return False
                self._tools.ready()
            if step.NAME not in finished:
                self._begin(number, step)
                self._finish(self._apply(step))
        return True

    def go_online(self) -> tuple[str, ...]:
        """The addresses of a running node, waited for.

        Raises:
            AgentError: the settings name networks, and the node is on none.
        """
        if not self._tools.system.booted:
            return ()
        self._begin(order_of(self.record).index(network) + 1, network)
        reached = reach.wait(self._tools.system, self._context.settings, self._begun)
        if trouble := reached.trouble:
            warned = Warned(trouble.code, trouble.reason, trouble.hint)
            status = with_warning(self.record.status, trouble.code, warned)
            self.record = replace(self.record, status=status)
        return reached.addresses

    def _has_new_boot_settings(self, finished_before: set[str]) -> bool:
        is_new = boot.NAME not in finished_before and self.record.restarts < _MOST_RESTARTS
        return is_new and any(
            step.name == boot.NAME and step.changed for step in self.record.status.steps
        )

    def _begin(self, number: int, step: Step) -> None:
        status = replace(self.record.status, step=step.NAME, step_number=number)
        self.record = replace(self.record, status=status)
        self._tools.outlets.announce(status)

    def _apply(self, step: Step) -> StepRecord:
        started = time.monotonic()
        changed = not step.check(self._context)
        if changed:
            if step is scripts:
                self._run_scripts()
            else:
                step.apply(self._context)
            if not step.check(self._context):
                what = f"The step {step.NAME} was applied, but the system does not show it."
                raise AgentError("step-without-effect", what, "Send log.txt to a developer.")
        return StepRecord(step.NAME, round(time.monotonic() - started, 3), changed)

    def _run_scripts(self) -> None:
        """Apply the step, unless a script takes the node down each time that it runs."""
        if self.record.stops >= _MOST_STOPS or self.record.starts > _MOST_STARTS:
            self.record = replace(self.record, stops=_MOST_STOPS)
            raise scripts.keeps_restarting(self._context)
        try:
            scripts.apply(self._context)
        except Stopped:
            if is_going_down(self._tools.system):
                self._save(replace(self.record, stops=self.record.stops + 1))
            raise

    def _finish(self, step: StepRecord) -> None:
        status = self.record.status
        status = replace(status, steps=(*status.steps, step))
        self._save(replace(self.record, status=status, starts=1))

    def _finish_script(self, key: str) -> None:
        self._scripts.add(key)
        scripts_now = (*self.record.scripts, key)
        self._save(replace(self.record, scripts=scripts_now, starts=1, stops=0))

    def _save(self, record: Record) -> None:
        self.record = record
        self._tools.journal.save(record)
