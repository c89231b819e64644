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
from autosetup.status import begun_again
from autosetup.steps import problems
from autosetup.values import with_values

_SET_UP = ("done", "rolled-back")


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
    status = replace(begun_again(record.status), steps=())
    tools.journal.save(replace(record, status=status, starts=0))


def values_on(tools: Tools) -> dict[str, Value]:
    """What templates can name on this node, with its values; raises as `set_value` does."""
    generation = done(tools).status.generation or 0
    payload = open_payload(tools, tools.journal.payload(generation))
    return make_context(tools, payload).variables


def done(tools: Tools) -> Record:
    """The record of a node that is set up, if only once; raises ``not-done``."""
    record = tools.journal.load()
    if record is None or not (record.status.state in _SET_UP or _was_set_up(record)):
        what = "This node is not set up yet."
        raise AgentError("not-done", what, "Wait for it: autosetup status --wait")
    return record


def _was_set_up(record: Record) -> bool:
    """Whether what is at work was good before, so that only what was set since can be wrong."""
    is_good = record.generation in {good.generation for good in record.good}
    return record.status.state == "failed" and is_good and not record.fallen


def _refuse_faults(tools: Tools, payload: Payload, values: dict[str, str]) -> None:
    """What the check of a payload that said so itself would find."""
    settings = with_values(payload.settings, values)
    _, faults = read_node(write_node(settings), payload.files)
    if not faults:
        faults = tuple(problems(make_context(tools, replace(payload, settings=settings))))
    if faults:
        # Nobody sees the file that these places would be in.
        raise Faulty([replace(fault, line=0, column=0) for fault in faults])
