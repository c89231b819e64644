"""A layer of users, made by the tree's own useradd, with locked passwords."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from builder.bench import Bench
from builder.diagnosis import StepFailed
from builder.layers import Inputs
from builder.recipe import UserRecipe
from builder.steps.installed import tidy_up


@dataclass(frozen=True, slots=True)
class Users:
    """Users, made in their order: where no ids are given, it decides them."""

    name: str
    users: tuple[UserRecipe, ...]
    epoch: int = 0
    kind: str = "users"
    version: int = 1

    def inputs(self) -> Inputs:
        """All that is said of them; the time, which the table of passwords names."""
        return {"users": [asdict(user) for user in self.users], "epoch": self.epoch}

    def make(self, bench: Bench) -> None:
        """Make each with its home and a group of its own.

        Raises:
            StepFailed: ``user-refused``, with the words of useradd.
        """
        for user in self.users:
            try:
                bench.run_in_tree(_argv(user))
            except StepFailed as failure:
                raise StepFailed(
                    "user-refused",
                    f"The user {user.name} cannot be made. {failure.message}",
                    "Correct the user in the recipe, or add the package that brings its groups to "
                    f"this layer. {failure.hint}",
                ) from failure
        tidy_up(bench)


def _argv(user: UserRecipe) -> tuple[str, ...]:
    uid = ("--uid", str(user.uid)) if user.uid else ()
    groups = ("--groups", ",".join(user.groups)) if user.groups else ()
    return (
        *("useradd", "--create-home", "--user-group", "--shell", user.shell),
        *("--comment", user.comment, *uid, *groups, user.name),
    )
