"""Source files of the project, parsed for the tests that check how it is written."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import p2pchat

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = Path(p2pchat.__file__).parent
"""Where it is imported from: an installed wheel is checked like the source is."""

TESTS: Final = ROOT / "tests"


@dataclass(frozen=True)
class Source:
    """One parsed file."""

    path: str
    """Below the folder it was looked for in, with forward slashes."""
    text: str
    tree: ast.Module

    @classmethod
    def made_up(cls, text: str, path: str = "made_up.py") -> Source:
        """Parse a text as if it were a file: the test of a test."""
        return cls(path, text, ast.parse(text))

    @property
    def module(self) -> str:
        """Dotted name below the package; empty for the package's own `__init__`."""
        parts = self.path.removesuffix(".py").split("/")
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def sources(folder: Path) -> tuple[Source, ...]:
    """Parse every Python file below a folder, ordered by path."""
    files = (p for p in sorted(folder.rglob("*.py")) if "__pycache__" not in p.parts)
    return tuple(
        Source.made_up(p.read_text("utf-8"), p.relative_to(folder).as_posix()) for p in files
    )


def dotted(node: ast.expr) -> str:
    """Write a name or an attribute as in the source; calls end in `()`, the rest is `?`."""
    match node:
        case ast.Name(name):
            return name
        case ast.Attribute(value, attribute):
            return f"{dotted(value)}.{attribute}"
        case ast.Call(function):
            return f"{dotted(function)}()"
        case _:
            return "?"
