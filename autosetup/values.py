"""Values set on the node itself: they hold until a payload of a higher generation is applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autosetup.errors import AgentError
from autosetup.settings import NodeSettings

# Beside the variables that the payload brings.
SETTABLE = ("domain", "ntp", "timezone")


def with_values(settings: NodeSettings, values: Mapping[str, str]) -> NodeSettings:
    """The settings with what was set on the node; `ntp` is a list of words.

    Raises:
        AgentError: ``unknown-value``.
    """
    for name, text in values.items():
        if name == "domain":
            settings = replace(settings, domain=text)
        elif name == "timezone":
            settings = replace(settings, locale=replace(settings.locale, timezone=text))
        elif name == "ntp":
            servers = tuple(text.replace(",", " ").split())
            settings = replace(settings, time=replace(settings.time, ntp=servers))
        elif name in settings.variables:
            settings = replace(settings, variables={**settings.variables, name: text})
        else:
            known = ", ".join(sorted({*SETTABLE, *settings.variables}))
            what = f"{name} cannot be set on this node."
            raise AgentError("unknown-value", what, f"Choose one of: {known}.")
    return settings
