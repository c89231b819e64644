"""A customisation script as text: what it imports, calls and says, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flasher.errors import BadInput


@dataclass(frozen=True, slots=True)
class Code:
    """One Python file.

    Attributes:
        name: what people are told it is called.
        path: of this computer.
        at: below the folder where the script finds it.
    """

    name: str
    path: Path
    at: str
    tree: ast.Module

    def texts(self) -> Iterator[tuple[int, str]]:
        """Line and text of each string; a list of strings is one text, as a command is.

        Remarks, and the list of packages, are left out.
        """
        skipped = self.silent()
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.expr) or id(node) in skipped:
                continue
            if isinstance(node, ast.List | ast.Tuple):
                words = [_text(each) or "…" for each in node.elts]
                if any(word != "…" for word in words):
                    yield node.lineno, " ".join(words)
            for number, line in enumerate(_text(node).splitlines()):
                yield node.lineno + number, line

    def silent(self) -> set[int]:
        """Ids of the nodes that do nothing: strings that stand alone, and the list of packages."""
        told: set[int] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                told.add(id(node.value))
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if key and _text(key) == "apt_get_packages":
                        told |= {id(each) for each in ast.walk(value)}
        return told

    def imports(self) -> set[str]:
        """Dotted names of all that is imported; of ``from a import b`` both a and a.b."""
        told: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                told |= {each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                told |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
        return told

    def calls(self, name: str) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Line of each call of a function of this name, and those of its arguments that are text.

        An argument that is none is "".
        """
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and _name(node.func) == name:
                given = (*node.args, *(each.value for each in node.keywords))
                yield node.lineno, tuple(_text(each) for each in given)


def read_code(path: Path, at: str, name: str = "") -> Code:
    """Read one Python file.

    Raises:
        BadInput: it cannot be read, or is no Python.
    """
    try:
        return Code(name or at, path, at, ast.parse(path.read_bytes(), filename=path.name))
    except OSError as error:
        raise BadInput(
            "customization-unreadable",
            f"The script {path} cannot be read: {error.strerror}.",
            "Name a customisation script of pi_image2.",
        ) from None
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise BadInput(
            "customization-unreadable",
            f"{path.name}{line}: {getattr(error, 'msg', error)}.",
            "Correct the script: it must be Python 3.",
        ) from None


def read_all(script: Path, checkout: Path) -> tuple[Code, ...]:
    """A script, and every module of its checkout that it comes to import, itself first.

    Raises:
        BadInput: as `read_code`.
    """
    inside = script.is_relative_to(checkout)
    at = str(script.relative_to(checkout)) if inside else f"customizations/{script.name}"
    codes = {script: read_code(script, at, script.name)}
    waiting = [codes[script]]
    while waiting:
        for path in _own(waiting.pop().imports(), checkout):
            if path not in codes:
                codes[path] = read_code(path, str(path.relative_to(checkout)))
                waiting.append(codes[path])
    return tuple(codes.values())


def _own(imports: set[str], checkout: Path) -> list[Path]:
    """Files of a checkout that these imports run, sorted."""
    told: set[Path] = set()
    for dotted in imports:
        parts = dotted.split(".")
        told |= {checkout.joinpath(*parts[: n + 1], "__init__.py") for n in range(len(parts))}
        told.add(checkout.joinpath(*parts).with_suffix(".py"))
    return sorted(path for path in told if path.is_file())


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _name(function: ast.expr) -> str:
    """The last part of a called name."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
