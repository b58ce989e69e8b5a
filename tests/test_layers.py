"""The table of layers: who may import what."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from tests.sources import PACKAGE, Source, sources

ROOT_NAME: Final = "p2pchat"

IMPURE: Final = frozenset(
    {
        *("asyncio", "concurrent", "multiprocessing", "select", "selectors", "socket", "ssl"),
        *("fcntl", "io", "logging", "os", "pathlib", "shutil", "signal", "subprocess", "tempfile"),
        *("random", "secrets", "sched", "threading", "time", "uuid", "termios", "tty"),
    }
)
"""Standard modules with which code acts, waits, or draws its own chance."""

VALUES: Final = frozenset(
    {"core.values", "core.limits", "core.notices", "core.invites"} | {"core.attendance"}
)
"""The shared vocabulary: what every layer may speak of."""

FREE: Final = frozenset({"errors", "sanitize", "confusables", "lookalikes", "nicks"})
"""At the bottom: everybody may import these."""


@dataclass(frozen=True)
class Layer:
    """What a layer may import besides itself, FREE modules and the standard library."""

    ours: frozenset[str] = frozenset()
    """Modules of ours, or packages of ours with all that is in them."""
    foreign: frozenset[str] = frozenset()
    """Packages that others wrote."""
    pure: bool = False
    """Whether it may decide only: nothing of IMPURE, unless for the type checker."""
    barred: frozenset[str] = frozenset()
    """Standard modules that it must not import though it is not pure."""


PARTS: Final = frozenset({"core", "wire", "crypto", "store", "net", "notice_queue"})
"""All that a node is made of."""

LAYERS: Final[dict[str, Layer]] = {
    "errors": Layer(pure=True),
    "settings": Layer(VALUES),
    "sanitize": Layer(VALUES, pure=True),
    "confusables": Layer(pure=True),
    "lookalikes": Layer(pure=True),
    "nicks": Layer(VALUES, pure=True),
    "core": Layer(foreign=frozenset({"msgspec"}), pure=True),
    "wire": Layer(frozenset({"core"}), frozenset({"msgspec"}), pure=True),
    "crypto": Layer(
        VALUES | {"core.direct_values", "core.key_ring"},
        frozenset({"nacl", "cryptography", "OpenSSL"}),
        barred=frozenset({"asyncio", "socket", "ssl"}),
    ),
    "store": Layer(
        VALUES
        | {"crypto", "core.address_book", "core.book_entries", "core.contact_entries"}
        | {"core.outbox", "core.records"},
        frozenset({"platformdirs"}),
        barred=frozenset({"asyncio"}),
    ),
    "net": Layer(frozenset({"core", "wire", "crypto"}), frozenset({"zeroconf", "ifaddr"})),
    "notice_queue": Layer(frozenset({"core"})),
    "tick_timer": Layer(VALUES),
    "people_keeper": Layer(PARTS),
    "shell": Layer(PARTS | {"people_keeper", "tick_timer"}),
    "finding": Layer(PARTS),
    "questions": Layer(PARTS | {"shell"}),
    "node_life": Layer(PARTS | {"shell", "finding", "people_keeper", "questions"}),
    "node": Layer(PARTS | {"settings", "node_life", "questions"}),
    "ui": Layer(VALUES | {"wire.invite"}, frozenset({"msgspec"}), pure=True),
    "sim": Layer(
        frozenset({"core", "wire"}),
        frozenset({"msgspec"}),
        barred=IMPURE - {"random", "io", "pathlib"},
    ),
    "stdio": Layer(VALUES),
    "signals": Layer(),
    "core_dumps": Layer(),
    "logs": Layer(VALUES | {"settings", "store"}),
    "face": Layer(VALUES | {"ui"}, pure=True),
    "pipe_fronts": Layer(VALUES | {"face", "stdio", "ui"}),
    "fronts": Layer(VALUES | {"face", "stdio", "ui", "settings", "pipe_fronts"}),
    "private_input": Layer(VALUES),
    "invite_input": Layer(VALUES | {"private_input", "settings", "wire.invite"}),
    "secret_input": Layer(
        VALUES | {"crypto.passphrase", "private_input", "settings", "wire.invite"}
    ),
    "key_input": Layer(
        VALUES | {"crypto.passphrase", "private_input", "secret_input", "settings", "store"}
    ),
    "id_flags": Layer(),
    "identifying": Layer(
        VALUES
        | {"id_flags", "key_input", "launch", "secret_input", "settings", "stdio", "store", "ui"}
    ),
    "rooms": Layer(VALUES | {"crypto", "secret_input", "settings", "store", "wire.invite"}),
    "argument": Layer(VALUES | {"invite_input"}),
    "node_flags": Layer(VALUES | {"argument"}),
    "launch": Layer(PARTS | {"key_input", "node", "rooms", "settings"}),
    "company": Layer(VALUES | {"node"}),
    "handing_over": Layer(VALUES | {"face", "node"}),
    "connecting": Layer(VALUES | {"face", "node", "rooms"}),
    "addressing": Layer(
        VALUES | {"company", "core.contacts", "core.naming", "face", "node", "ui"},
    ),
    "answering": Layer(
        VALUES | {"addressing", "company", "node", "ui", "face", "doctor", "inviting"}
    ),
    "personal": Layer(
        VALUES | {"addressing", "company", "core.contacts", "core.safety", "face", "node", "ui"},
    ),
    "sending": Layer(VALUES | {"core.naming", "launch", "node", "logs", "settings", "ui"}),
    "app": Layer(
        PARTS
        | {"node", "ui", "sim", "stdio", "logs", "face", "fronts", "settings", "launch"}
        | {"addressing", "answering", "company", "connecting", "handing_over", "personal"}
        | {"signals"}
    ),
    "examining": Layer(VALUES | {"core.clock_check"}, pure=True),
    "doctor": Layer(
        PARTS | {"examining", "launch", "logs", "node", "settings", "stdio", "ui"},
    ),
    "inviting": Layer(PARTS | {"launch", "node", "rooms", "settings", "stdio", "ui"}),
    "founding": Layer(PARTS | {"inviting", "rooms", "settings"}),
    "simulate": Layer(frozenset({"sim"}), frozenset({"msgspec", "rich"})),
    "paths": Layer(frozenset({"store"}), frozenset({"platformdirs"})),
    "simulation_flags": Layer(VALUES),
    "cli": Layer(
        VALUES
        | {"app", "settings", "paths", "version", "sending", "simulate"}
        | {
            "argument",
            "core_dumps",
            "doctor",
            "founding",
            "id_flags",
            "identifying",
            "key_input",
            "node_flags",
            "simulation_flags",
            "invite_input",
            "inviting",
            "secret_input",
        }
    ),
    "version": Layer(VALUES, pure=True),
    "start": Layer(frozenset({"cli", "version"})),
    "__main__": Layer(frozenset({"start"})),
    "": Layer(VALUES | {"node", "crypto.identity", "crypto.passphrase"}),
}
"""By the first part of a module's name; the empty name is the package's own `__init__`."""

_TERMINAL: Final = Layer(VALUES, frozenset({"rich", "prompt_toolkit"}))
_RENDERING: Final = Layer(VALUES, frozenset({"rich"}), pure=True)

MODULES: Final[dict[str, Layer]] = {
    # These touch the terminal, so that they are the only ones of `ui` that may act.
    **dict.fromkeys(("ui.terminal", "ui.tty", "ui.printer", "ui.screen"), _TERMINAL),
    **dict.fromkeys(
        ("ui.view", "ui.banner", "ui.theme", "ui.linear", "ui.answers", "ui.wrapping"), _RENDERING
    ),
    "ui.qr": Layer(VALUES, frozenset({"segno"}), pure=True),
}
"""Single modules that differ from their layer."""


@dataclass(frozen=True)
class Import:
    """One module that a file imports."""

    name: str
    line: int
    for_types_only: bool

    @property
    def is_ours(self) -> bool:
        return self.name.split(".")[0] == ROOT_NAME

    @property
    def below_package(self) -> str:
        return self.name.removeprefix(ROOT_NAME).removeprefix(".")


def imports(source: Source, modules: frozenset[str]) -> list[Import]:
    """List what a file imports anywhere in it, functions included.

    `from p2pchat.core import values` is an import of `p2pchat.core.values` when that is one
    of the modules, and of `p2pchat.core` otherwise.
    """
    return list(_imports_below(source.tree, source, modules, for_types_only=False))


def _imports_below(
    node: ast.AST, source: Source, modules: frozenset[str], *, for_types_only: bool
) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        for name in _names(child, source, modules):
            assert isinstance(child, ast.Import | ast.ImportFrom)
            yield Import(name, child.lineno, for_types_only)
        is_guard = isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
        inside = for_types_only or is_guard
        yield from _imports_below(child, source, modules, for_types_only=inside)


def _names(node: ast.AST, source: Source, modules: frozenset[str]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        package = [ROOT_NAME, *source.path.split("/")[:-1]]
        base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
    if base == ROOT_NAME and [alias.name for alias in node.names] == ["__version__"]:
        return []  # the version is a word, not a layer
    whole = [f"{base}.{alias.name}" for alias in node.names]
    return [name if name.removeprefix(f"{ROOT_NAME}.") in modules else base for name in whole]


def layer_of(module: str) -> Layer | None:
    return MODULES.get(module) or LAYERS.get(module.split(".", maxsplit=1)[0])


def violations(source: Source, modules: frozenset[str]) -> list[str]:
    """List each import that the table does not allow, with file and line."""
    layer = layer_of(source.module)
    if layer is None:
        return [f"{source.path}: in no layer; give it a place in tests/test_layers.py"]
    return [
        f"{source.path}:{found.line}: imports {found.name}, {why}"
        for found in imports(source, modules)
        if (why := _objection(source, layer, found))
    ]


def _objection(source: Source, layer: Layer, found: Import) -> str:
    top = found.name.split(".")[0]
    if found.is_ours:
        return "" if _may_import_ours(source, layer, found) else "which is not below its layer"
    if top in sys.stdlib_module_names:
        if found.for_types_only:
            return ""
        if layer.pure and top in IMPURE:
            return "but its layer is pure"
        return "which is barred from its layer" if top in layer.barred else ""
    if top in layer.foreign:
        return ""
    return "which its layer has no use for"


def _may_import_ours(source: Source, layer: Layer, found: Import) -> bool:
    target = found.below_package
    own_layer = source.module.split(".")[0]
    if target.split(".")[0] in FREE | {own_layer} and target:
        return True
    return any(target == allowed or target.startswith(f"{allowed}.") for allowed in layer.ours)


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return one round trip for each module that can reach itself, without repeats."""
    found: dict[frozenset[str], list[str]] = {}
    for start in sorted(graph):
        path = _way_back(graph, start)
        if path:
            found.setdefault(frozenset(path), path)
    return list(found.values())


def _way_back(graph: dict[str, set[str]], start: str) -> list[str]:
    ways: dict[str, list[str]] = {start: [start]}
    queue = [start]
    while queue:
        module = queue.pop(0)
        for target in sorted(graph.get(module, ())):
            if target == start:
                return [*ways[module], start]
            if target not in ways:
                ways[target] = [*ways[module], target]
                queue.append(target)
    return []


def known_modules() -> frozenset[str]:
    return frozenset(source.module for source in sources(PACKAGE))


def import_graph() -> dict[str, set[str]]:
    modules = known_modules()
    return {
        source.module: {
            found.below_package
            for found in imports(source, modules)
            if found.is_ours and found.below_package != source.module
        }
        for source in sources(PACKAGE)
    }


@pytest.mark.parametrize("source", sources(PACKAGE), ids=lambda source: str(source.path))
def test_a_module_imports_only_what_its_layer_may(source: Source) -> None:
    assert violations(source, known_modules()) == []


def test_no_module_imports_itself_through_others() -> None:
    assert [" -> ".join(cycle) for cycle in cycles(import_graph())] == []


def test_every_layer_of_the_table_is_spelt_as_a_module() -> None:
    tops = {name.split(".")[0] for name in known_modules()}

    assert set(LAYERS) <= tops
    assert set(MODULES) <= known_modules()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/engine.py", "import asyncio"),
        ("core/engine.py", "def late():\n    from time import monotonic"),
        ("core/engine.py", "import p2pchat.wire.codec"),
        ("core/engine.py", "from p2pchat.net import tcp"),
        ("core/engine.py", "from ..net import tcp"),
        ("core/engine.py", "import rich"),
        ("core/engine.py", "import p2pchat"),
        ("wire/codec.py", "import os.path"),
        ("crypto/room.py", "from p2pchat.core.engine import Core"),
        ("crypto/room.py", "import asyncio"),
        ("net/tcp.py", "from p2pchat import store"),
        ("net/tcp.py", "from p2pchat.ui import view"),
        ("node.py", "import p2pchat.ui"),
        ("store/profile.py", "from p2pchat.net.tcp import listen"),
        ("ui/view.py", "import p2pchat.net"),
        ("ui/view.py", "from p2pchat.store import profile"),
        ("ui/view.py", "import prompt_toolkit"),
        ("ui/model.py", "from rich.text import Text"),
        ("ui/model.py", "import socket"),
        ("sim/network.py", "import asyncio"),
        ("sim/network.py", "import p2pchat.net.tcp"),
        ("cli.py", "from p2pchat.node import Node"),
        ("errors.py", "from p2pchat.core import values"),
        ("surprise.py", "x = 1"),
    ],
)
def test_an_import_against_the_table_is_caught(path: str, text: str) -> None:
    modules = frozenset({"core.values", "net.tcp", "ui.view", "store.profile"})

    found = violations(Source.made_up(text, path), modules)

    assert len(found) == 1
    assert found[0].startswith(path)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/engine.py", "from p2pchat.core.values import PeerId\nimport msgspec, dataclasses"),
        (
            "core/engine.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from random import Random",
        ),
        ("core/engine.py", "from p2pchat.errors import BadNick"),
        ("ui/terminal.py", "import asyncio, prompt_toolkit, rich"),
        ("net/tcp.py", "import asyncio\nfrom p2pchat.core import engine"),
        ("cli.py", "from p2pchat import __version__\nfrom p2pchat.app import run"),
    ],
)
def test_an_import_by_the_table_is_not_caught(path: str, text: str) -> None:
    assert violations(Source.made_up(text, path), frozenset({"core.engine"})) == []


def test_a_cycle_is_found_with_the_way_round() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}

    assert cycles(graph) == [["b", "c", "b"]]
