"""What an autopsy comes to: the likely cause, and what to do with the card now."""

from __future__ import annotations

from dataclasses import dataclass

from autosetup.codes import CODES
from autosetup.status import Status
from flasher.card.inspect import CardReport

_AGAIN = "The node tries again by itself, and at each start; or at once: flasher inspect --fix"
_NEW_CARD = "Prepare the card again: flasher prepare"
_NEW_PAYLOAD = "Give it a new payload: flasher inspect --fix --scanner … --site …"


@dataclass(frozen=True, slots=True)
class Advice:
    """What to tell whoever holds the card.

    Attributes:
        cause: one sentence; empty where nothing went wrong.
        todo: one sentence; empty where there is nothing to do.
        again: whether the payload that is on the card can be tried once more as it is.
    """

    cause: str = ""
    todo: str = ""
    again: bool = False


def advise(report: CardReport) -> Advice:
    """Judge a card. Pure."""
    if not report.is_ours and report.status is None and report.signature is None:
        return Advice()
    if report.damage:
        todo = _NEW_PAYLOAD if report.node and report.is_writable else _NEW_CARD
        return Advice("What is on the boot partition is not what was written.", todo)
    if report.status is None:
        return _of_silent(report)
    if report.is_untried:
        return Advice(todo="Put the card into its Pi and start it: its payload is a newer one.")
    match report.status.state:
        case "failed":
            return _of_failed(report.status)
        case "rolled-back":
            return _of_rolled_back(report.status)
        case "checking" | "applying":
            where = f" at the step {report.status.step}" if report.status.step else ""
            what = f"The node stopped{where}: its power was cut, or it hung."
            return Advice(what, "Put the card back and start the node: it goes on there.")
        case "waiting":
            return Advice(todo="Put the card into its Pi and start it: it tries again.")
    return Advice()


def _of_silent(report: CardReport) -> Advice:
    if not report.started:
        return Advice(todo="Put the card into its Pi and start it.")
    what = "The node has started, but its agent never got as far as saying so."
    return Advice(what, "See its console: flasher rehearse CARD, or a screen on the Pi.")


def _of_rolled_back(status: Status) -> Advice:
    """The node works, with an older payload than it was given last."""
    code = CODES.get(status.code or "")
    why = f" {code.means}" if code else ""
    what = f"Generation {status.failed_generation} was taken back.{why}"
    return Advice(what, f"The node works with generation {status.generation}. {_NEW_PAYLOAD}")


def _of_failed(status: Status) -> Advice:
    code = CODES.get(status.code or "")
    if code is None:
        return Advice("", _AGAIN, again=True)
    if code.again:
        return Advice(code.means, f"{code.remedy} {_AGAIN}", again=True)
    return Advice(code.means, code.remedy)
