"""Rules of the house that a machine can hold."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.sources import PACKAGE, ROOT, TESTS, Source, dotted, sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Rule = Callable[[Source], Iterator[tuple[int, str]]]

FILE_LIMIT_LINES: Final = 400
LONG_FILES: Final[dict[str, str]] = {
    "core/limits.py": "a table: whoever looks for a number should find all of them in one place",
    "errors.py": "the whole tree of errors: whoever looks for one should see its neighbours",
}
"""Files above FILE_LIMIT_LINES, each with its reason."""

BODY_LIMIT_LINES: Final = 50
BODY_NINTH_DECILE_LINES: Final = 30
BODY_MEDIAN_LINES: Final = 8

LONG_BODIES: Final[dict[str, str]] = {}
"""Functions above BODY_LIMIT_LINES, as `path:name`, each with its reason."""

TESTS_WITHOUT_CLOCK: Final = ("core/", "wire/", "ui/", "sim/")
PURE_FOLDERS: Final = ("core/", "wire/", "ui/", "sim/")

QUEUES: Final = ("net/", "node", "notice_queue", "stdio")
"""Where things wait for something slower than we are."""

TOUCHES_THE_TERMINAL: Final = ("ui/terminal.py", "ui/tty.py", "ui/printer.py", "ui/screen.py")

PROMPT_TOOLKIT_MARKUP: Final = frozenset({"HTML", "ANSI"})
"""They read tags or escapes out of a text, which a peer may have written."""

LATE_AT_START: Final = ("prompt_toolkit", "rich", "OpenSSL", "zeroconf")


def calls(source: Source) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def imported_names(source: Source) -> Iterator[tuple[int, str]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def prints(source: Source) -> Iterator[tuple[int, str]]:
    for call, name in calls(source):
        if name == "print":
            yield call.lineno, "print() writes past the one place that cleans what is shown"


def reads_markup(source: Source) -> Iterator[tuple[int, str]]:
    for line, name in imported_names(source):
        if name.startswith("rich.markup"):
            yield line, "rich.markup turns a peer's brackets into styles"
    for call, name in calls(source):
        last = name.rsplit(".", 1)[-1]
        if last in PROMPT_TOOLKIT_MARKUP | {"from_markup", "from_ansi"}:
            yield call.lineno, f"{last}() turns a peer's text into styles"
        for keyword in call.keywords:
            is_off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            if keyword.arg == "markup" and not is_off:
                yield call.lineno, "markup may only ever be False"


def starts_ownerless_tasks(source: Source) -> Iterator[tuple[int, str]]:
    for line, name in imported_names(source):
        if name in ("asyncio.create_task", "asyncio.ensure_future"):
            yield line, "a task needs an owner: a TaskGroup"
    for call, name in calls(source):
        owner, _, function = name.rpartition(".")
        is_loop = owner == "asyncio" or owner.endswith(("loop", "loop()"))
        if function == "ensure_future" or (function == "create_task" and is_loop):
            yield call.lineno, "a task needs an owner: a TaskGroup"


def waits_for(source: Source) -> Iterator[tuple[int, str]]:
    for line, name in imported_names(source):
        if name == "asyncio.wait_for":
            yield line, "wait_for loses cancellations before Python 3.12: asyncio.timeout"
    for call, name in calls(source):
        if name == "asyncio.wait_for":
            yield call.lineno, "wait_for loses cancellations before Python 3.12: asyncio.timeout"


def queues_without_bound(source: Source) -> Iterator[tuple[int, str]]:
    for call, name in calls(source):
        if name.rsplit(".", 1)[-1] in ("Queue", "LifoQueue", "PriorityQueue"):
            sizes = call.args or [k.value for k in call.keywords if k.arg == "maxsize"]
            is_zero = bool(sizes) and isinstance(sizes[0], ast.Constant) and not sizes[0].value
            if not sizes or is_zero:
                yield call.lineno, "a queue without a size grows until memory ends"


def queues_of_unsaid_bound(source: Source) -> Iterator[tuple[int, str]]:
    """What takes no size needs a comment or docstring nearby that names its bound."""
    lines = source.text.splitlines()
    for call, name in calls(source):
        last = name.rsplit(".", 1)[-1]
        is_free = last == "SimpleQueue" or (
            last == "deque" and len(call.args) < 2 and not call.keywords
        )
        around = "\n".join(lines[max(0, call.lineno - 4) : call.lineno + 1]).lower()
        if is_free and "bound" not in around and "limit" not in around:
            yield call.lineno, f"a {last} without a size: say in a comment what bounds it"


def swallows_errors(source: Source) -> Iterator[tuple[int, str]]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        names = {dotted(one) if one else "BaseException" for one in caught}
        raises = any(isinstance(inner, ast.Raise) for part in node.body for inner in ast.walk(part))
        if names & {"Exception", "BaseException"} and not raises:
            yield node.lineno, "catches everything without raising it again"


def suppresses_everything(source: Source) -> Iterator[tuple[int, str]]:
    for call, name in calls(source):
        if name.rsplit(".", 1)[-1] == "suppress":
            for argument in call.args:
                if dotted(argument) in ("Exception", "BaseException", "asyncio.CancelledError"):
                    yield call.lineno, f"suppresses {dotted(argument)}"


def sleeps(source: Source) -> Iterator[tuple[int, str]]:
    for call, name in calls(source):
        if name.rsplit(".", 1)[-1] == "sleep":
            yield call.lineno, "waits for the clock; wait for a condition, or pass the time in"


def asks_for_the_time(source: Source) -> Iterator[tuple[int, str]]:
    for call, name in calls(source):
        if name.rsplit(".", 1)[-1] in ("now", "utcnow", "today") and "date" in name:
            yield call.lineno, "the time is an argument of pure code"


def is_too_long(source: Source) -> Iterator[tuple[int, str]]:
    lines = len(source.text.splitlines())
    if lines > FILE_LIMIT_LINES and source.path not in LONG_FILES:
        yield lines, f"{lines} lines, the limit is {FILE_LIMIT_LINES}"


def bodies(source: Source) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Yield each function with the lines of its body, the docstring not counted."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            code = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
            yield node, (node.end_lineno or 0) - code[0].lineno + 1 if code else 0


def has_long_bodies(source: Source) -> Iterator[tuple[int, str]]:
    for function, lines in bodies(source):
        if lines > BODY_LIMIT_LINES and f"{source.path}:{function.name}" not in LONG_BODIES:
            yield function.lineno, f"{function.name} has {lines} lines: shorten it, or say why not"


def broken(rule: Rule, files: tuple[Source, ...], folders: tuple[str, ...] = ("",)) -> list[str]:
    """List each place in those folders where a rule is broken."""
    return [
        f"{source.path}:{line}: {why}"
        for source in files
        if source.path.startswith(folders)
        for line, why in rule(source)
    ]


ANYWHERE_IN_SOURCE: Final[tuple[Rule, ...]] = (
    prints,
    reads_markup,
    starts_ownerless_tasks,
    waits_for,
    queues_without_bound,
    swallows_errors,
    suppresses_everything,
    is_too_long,
    has_long_bodies,
)


@pytest.mark.threat(31)
@pytest.mark.parametrize("rule", ANYWHERE_IN_SOURCE)
def test_the_source_keeps_the_rule(rule: Rule) -> None:
    assert broken(rule, sources(PACKAGE)) == []


def test_a_queue_without_a_size_says_what_bounds_it() -> None:
    assert broken(queues_of_unsaid_bound, sources(PACKAGE), QUEUES) == []


def test_pure_code_never_asks_for_the_time() -> None:
    pure = tuple(s for s in sources(PACKAGE) if s.path not in TOUCHES_THE_TERMINAL)

    assert broken(asks_for_the_time, pure, PURE_FOLDERS) == []


def test_tests_of_pure_code_never_sleep() -> None:
    assert broken(sleeps, sources(TESTS), TESTS_WITHOUT_CLOCK) == []


def test_no_test_file_is_too_long() -> None:
    assert broken(is_too_long, sources(TESTS)) == []


def test_functions_are_short_on_the_whole() -> None:
    lengths = sorted(lines for source in sources(PACKAGE) for _, lines in bodies(source))

    assert statistics.median(lengths) <= BODY_MEDIAN_LINES
    assert lengths[len(lengths) * 9 // 10] <= BODY_NINTH_DECILE_LINES


def test_every_exception_for_a_long_function_is_still_needed() -> None:
    too_long = {
        f"{source.path}:{function.name}"
        for source in sources(PACKAGE)
        for function, lines in bodies(source)
        if lines > BODY_LIMIT_LINES
    }

    assert set(LONG_BODIES) <= too_long


def test_asking_for_the_version_imports_no_heavy_package() -> None:
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "p2pchat", "--version"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in run.stderr.splitlines()}
    assert run.stdout.strip()
    assert "p2pchat" in imported
    assert imported & set(LATE_AT_START) == set()


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (prints, "print('hi')"),
        (reads_markup, "console.print(text, markup=True)"),
        (reads_markup, "console.print(text, markup=wanted)"),
        (reads_markup, "from rich.markup import escape"),
        (reads_markup, "Text.from_markup(nick)"),
        (reads_markup, "HTML(nick)"),
        (reads_markup, "formatted_text.ANSI(nick)"),
        (starts_ownerless_tasks, "asyncio.create_task(run())"),
        (starts_ownerless_tasks, "asyncio.get_running_loop().create_task(run())"),
        (starts_ownerless_tasks, "self._loop.create_task(run())"),
        (starts_ownerless_tasks, "asyncio.ensure_future(run())"),
        (starts_ownerless_tasks, "from asyncio import create_task"),
        (waits_for, "await asyncio.wait_for(run(), 1)"),
        (waits_for, "from asyncio import wait_for"),
        (queues_without_bound, "asyncio.Queue()"),
        (queues_without_bound, "queue.Queue(maxsize=0)"),
        (queues_of_unsaid_bound, "queue.SimpleQueue()"),
        (queues_of_unsaid_bound, "frames = collections.deque()"),
        (swallows_errors, "try:\n    f()\nexcept:\n    pass"),
        (swallows_errors, "try:\n    f()\nexcept Exception as error:\n    log(error)"),
        (swallows_errors, "try:\n    f()\nexcept (ValueError, BaseException):\n    pass"),
        (swallows_errors, "try:\n    f()\nexcept* Exception:\n    pass"),
        (suppresses_everything, "with contextlib.suppress(Exception):\n    f()"),
        (sleeps, "await asyncio.sleep(1)"),
        (sleeps, "time.sleep(1)"),
        (asks_for_the_time, "datetime.now(UTC)"),
        (asks_for_the_time, "datetime.date.today()"),
        (is_too_long, "x = 1\n" * (FILE_LIMIT_LINES + 1)),
        (has_long_bodies, "def f():\n" + "    x = 1\n" * (BODY_LIMIT_LINES + 1)),
    ],
)
def test_a_broken_rule_is_caught(rule: Rule, text: str) -> None:
    assert len(broken(rule, (Source.made_up(text),))) == 1


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (prints, "console.print('hi')  # not print()"),
        (reads_markup, "console.print(text, markup=False)"),
        (starts_ownerless_tasks, "group.create_task(run())"),
        (waits_for, "self._wait_for(run())"),
        (queues_without_bound, "asyncio.Queue(INBOX_LIMIT_EVENTS)"),
        (queues_of_unsaid_bound, "frames = deque()  # bounded in bytes by offer()"),
        (queues_of_unsaid_bound, "lines = deque(maxlen=10)"),
        (swallows_errors, "try:\n    f()\nexcept BaseException:\n    close()\n    raise"),
        (swallows_errors, "try:\n    f()\nexcept OSError:\n    pass"),
        (suppresses_everything, "with contextlib.suppress(OSError):\n    f()"),
        (sleeps, "sleepy = asleep()"),
        (asks_for_the_time, "datetime.fromtimestamp(time_ms / 1000, UTC)"),
        (is_too_long, "x = 1\n" * FILE_LIMIT_LINES),
        (has_long_bodies, 'def f():\n    """Say."""\n' + "    x = 1\n" * BODY_LIMIT_LINES),
    ],
)
def test_a_kept_rule_is_left_alone(rule: Rule, text: str) -> None:
    assert broken(rule, (Source.made_up(text),)) == []
