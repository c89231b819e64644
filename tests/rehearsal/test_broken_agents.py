"""Agents with one line broken: a disk that forgets must show each, or it would not show ours."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration.autosetup.conftest import PROJECT
from tests.integration.autosetup.disk import record, start_again

pytestmark = pytest.mark.timeout(3000)

# Where, what is there, what is there instead; and the loss that shows it soonest.
MUTATIONS = {
    "a step is recorded before its effect": (
        "run.py",
        "self._finish(self._apply(step))",
        "self._finish(StepRecord(step.NAME, 0.0, True)); self._apply(step)",
        "kept",
    ),
    "a record does not wait for the disk": (
        "journal.py",
        "        os.sync()\n        replace_file(",
        "        replace_file(",
        "dropped",
    ),
    "a file is written where it stands": (
        "system.py",
        "temporary = draft_of(path)",
        "temporary = path",
        "torn",
    ),
    "a file takes its place before it is synced": (
        "system.py",
        "    draft.flush()\n    os.fsync(draft.fileno())\n",
        "    draft.flush()\n",
        "reordered",
    ),
    "a script counts as finished before it runs": (
        "steps/scripts.py",
        "            _run(context, script)\n",
        "            context.finish_script(_key(context, script)); _run(context, script)\n",
        "kept",
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_disk_that_forgets_shows_a_broken_agent(ground: Path, name: str) -> None:
    *mutation, shown_by = MUTATIONS[name]
    project = broken(ground / "project", *mutation)
    disk = record(ground / "recorded", project)
    wanted = (0, disk.node.tree())
    # What comes last is what no later step can make up for.
    latest_first = reversed(disk.trees.values())
    trees = sorted(latest_first, key=lambda found: found[1] != shown_by)
    assert any(start_again(tree, ground, project) != wanted for _, _, tree in trees)


def broken(project: Path, module: str, line: str, instead: str) -> Path:
    """A copy of the agent in which one place is another."""
    shutil.copytree(PROJECT / "autosetup", project / "autosetup")
    path = project / "autosetup" / module
    text = path.read_text()
    assert text.count(line) == 1, f"{module} has changed: mend this test"
    path.write_text(text.replace(line, instead))
    return project
