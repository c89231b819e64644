"""A value changed on the node: checked, kept, and applied as one more run of the same payload."""

from __future__ import annotations

from dataclasses import replace

from autosetup.errors import AgentError
from autosetup.faults import Faulty
from autosetup.mustache import Value
from autosetup.node_file import read_node, write_node
from autosetup.payload import Payload, unpack
from autosetup.record import Record
from autosetup.run import Tools, make_context, open_payload
from autosetup.steps import problems
from autosetup.values import with_values


def set_value(tools: Tools, name: str, text: str) -> None:
    """Keep a value; the agent's next run applies it, also after a power cut.

    Args:
        tools: of a node that is done.
        name: one of `values.SETTABLE`, or a variable of the payload.
        text: as people type it.

    Raises:
        AgentError: ``not-done``, ``unknown-value``.
        Faulty: the value does not fit.
    """
    record = done(tools)
    generation = record.status.generation or 0
    values = {**tools.journal.values(generation), name: text}
    _refuse_faults(tools, unpack(tools.journal.payload(generation)), values)
    tools.journal.set_values(generation, values)
    status = replace(
        record.status,
        state="applying",
        steps=(),
        step=None,
        code=None,
        reason=None,
        hint=None,
        failed_generation=None,
        finished_at=None,
    )
    tools.journal.save(replace(record, status=status, starts=0))


def values_on(tools: Tools) -> dict[str, Value]:
    """What templates can name on this node, with its values; raises as `set_value` does."""
    generation = done(tools).status.generation or 0
    payload = open_payload(tools, tools.journal.payload(generation))
    return make_context(tools, payload).variables


def done(tools: Tools) -> Record:
    """The record of a node that is set up; raises ``not-done``."""
    record = tools.journal.load()
    if record is None or record.status.state not in ("done", "rolled-back"):
        what = "This node is not set up yet."
        raise AgentError("not-done", what, "Wait for it: autosetup status --wait")
    return record


def _refuse_faults(tools: Tools, payload: Payload, values: dict[str, str]) -> None:
    """What the check of a payload that said so itself would find."""
    settings = with_values(payload.settings, values)
    _, faults = read_node(write_node(settings), payload.files)
    if not faults:
        faults = tuple(problems(make_context(tools, replace(payload, settings=settings))))
    if faults:
        # Nobody sees the file that these places would be in.
        raise Faulty([replace(fault, line=0, column=0) for fault in faults])
