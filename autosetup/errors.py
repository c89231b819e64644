"""The agent's one error: what happened, and what to do about it."""

from __future__ import annotations

_LONGEST_REASON = 4000


class AgentError(Exception):
    """Something that ends a run as failed.

    Args:
        code: stable kebab-case word, such as ``script-failed``.
        reason: the fact.
        hint: the remedy.
    """

    def __init__(self, code: str, reason: str, hint: str) -> None:
        super().__init__(f"{reason} {hint}")
        self.code, self.reason, self.hint = code, reason, hint


def plain(text: str) -> str:
    """One line without control characters, of a length that people can read."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line[:_LONGEST_REASON]


def conflict(generation: int) -> AgentError:
    """Two payloads with one generation."""
    what = f"Generation {generation} was applied already, but with another content."
    return AgentError("conflict", what, "Prepare the card again: it gets a new generation.")


def as_agent_error(error: Exception) -> AgentError:
    """Any error in the agent's words: its own, the medium's, or a defect of the agent."""
    if isinstance(error, AgentError):
        return error
    if isinstance(error, OSError):
        what = f"{error.strerror}: {error.filename}" if error.filename else str(error)
        hint = "The medium may be full, read-only or worn out: check it, then start the node again."
        return AgentError("system-error", what, hint)
    what = f"The agent itself stumbled: {type(error).__name__}: {error}"
    return AgentError("internal-error", what, "Send log.txt to a developer.")
