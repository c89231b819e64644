"""Every code that the agent can end with is explained, once, in words that the guide shares."""

from __future__ import annotations

import ast
from pathlib import Path

import autosetup
from autosetup.codes import CODES

_AGENT = Path(autosetup.__file__).parent
_GUIDE = _AGENT.parent / "docs/first-boot.md"


def codes_raised() -> set[str]:
    """The first argument of each `AgentError(…)` and `Warned(…)` in the agent's modules."""
    calls = (
        node
        for path in _AGENT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("AgentError", "Warned")
    )
    named = [call.args[0] for call in calls if call.args]
    return {str(name.value) for name in named if isinstance(name, ast.Constant)}


def test_every_code_that_the_agent_raises_is_explained_and_no_other() -> None:
    assert codes_raised() == set(CODES)


def test_the_guide_says_the_same_of_each_code() -> None:
    rows = [line for line in _GUIDE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    told = {row.split("`")[1]: row for row in rows}
    for code, found in CODES.items():
        again = "yes" if found.again else "no"
        assert told[code] == f"| `{code}` | {found.means} | {found.remedy} | {again} |"
