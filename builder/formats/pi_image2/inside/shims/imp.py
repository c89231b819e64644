"""What scripts use of a module that Python 3.12 took out."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
import types


def load_source(name: str, pathname: str) -> types.ModuleType:
    """Load a file as a module of this name."""
    loader = importlib.machinery.SourceFileLoader(name, pathname)
    spec = importlib.util.spec_from_loader(name, loader)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def new_module(name: str) -> types.ModuleType:
    """An empty module, which nobody knows of."""
    return types.ModuleType(name)


reload = importlib.reload
