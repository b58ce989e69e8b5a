"""The examples run as their docstrings say, as real programs on 127.0.0.1."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from p2pchat import Message, Node
from p2pchat.core.notices import Connected, Disconnected, Notice, Received
from tests.deadline import DEADLINE_S
from tests.e2e.processes import environment_of
from tests.ports import held_port
from tests.sources import ROOT

Wanted = TypeVar("Wanted")


@asynccontextmanager
async def room_member(nick: str) -> AsyncIterator[Node]:
    node = Node(nick, "127.0.0.1", 0, ephemeral=True, manual=True)
    async with node:
        yield node


@asynccontextmanager
async def example(name: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    with tempfile.TemporaryDirectory() as home:  # of its own, so that it finds nobody else
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "examples" / f"{name}.py"), *arguments,
            stdin=pipe, stdout=pipe, stderr=pipe, env=environment_of(Path(home)),
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def ended(process: asyncio.subprocess.Process, said: bytes = b"") -> tuple[int, str, str]:
    """Give it that input and wait for its end: exit code, output, errors."""
    async with asyncio.timeout(DEADLINE_S):
        out, errors = await process.communicate(said)
    assert process.returncode is not None
    return process.returncode, out.decode().strip(), errors.decode().strip()


async def told(
    notices: AsyncIterator[Notice], wanted: type[Wanted], where: Callable[[Wanted], bool]
) -> Wanted:
    async with asyncio.timeout(DEADLINE_S):
        async for notice in notices:
            if isinstance(notice, wanted) and where(notice):
                return notice
    raise AssertionError("the node has stopped")


async def heard(notices: AsyncIterator[Notice]) -> Message:
    return (await told(notices, Received, lambda _: True)).message


def loaded(name: str) -> Any:
    """Import an example without running it."""
    path = ROOT / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"example_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def anybody(_: object) -> bool:
    return True


def at(node: Node) -> str:
    return f"127.0.0.1:{node.port}"


async def test_the_echo_bot_answers_who_speaks_to_it_and_nobody_else() -> None:
    async with room_member("ann") as ann, example("echo_bot", at(ann), "--host=127.0.0.1"):
        notices = ann.notices()
        await told(notices, Connected, anybody)

        ann.announce("hello everybody")
        ann.announce("echo: * waves", action=True)
        ann.announce("Echo: is anyone there?")
        answer = await heard(notices)

    assert answer.text == "heard ann: is anyone there?"
    assert answer.action
    assert answer.author.nick == "echo"


async def test_two_echo_bots_do_not_answer_each_other() -> None:
    async with (
        room_member("ann") as ann,
        example("echo_bot", at(ann), "--nick=ada", "--host=127.0.0.1"),
        example("echo_bot", at(ann), "--nick=bob", "--host=127.0.0.1"),
    ):
        notices = ann.notices()
        await told(notices, Connected, anybody)
        await told(notices, Connected, anybody)

        ann.announce("ada: bob: hello")
        first = await heard(notices)
        # A bot that had taken the answer for a question would have answered before this.
        ann.announce("bob: and you?")
        second = await heard(notices)

    assert (first.author.nick, first.text) == ("ada", "heard ann: bob: hello")
    assert (second.author.nick, second.text) == ("bob", "heard ann: and you?")


def test_the_echo_bot_limits_itself() -> None:
    patience = loaded("echo_bot").Patience()
    ann, ben = b"a" * 32, b"b" * 32

    answered = [
        (who, now)
        for who, now in ((ann, 0.0), (ben, 0.5), (ben, 1.0), (ann, 2.0), (ann, 3.0), (ben, 4.0))
        if patience.allows(who, now)
    ]

    assert answered == [(ann, 0.0), (ben, 1.0), (ann, 3.0), (ben, 4.0)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
async def test_the_echo_bot_says_goodbye_when_interrupted() -> None:
    async with (
        room_member("ann") as ann,
        example("echo_bot", at(ann), "--host=127.0.0.1") as process,
    ):
        notices = ann.notices()
        await told(notices, Connected, anybody)

        process.send_signal(signal.SIGINT)
        gone = await told(notices, Disconnected, anybody)
        code, _, errors = await ended(process)

    assert gone.left
    assert (code, errors) == (0, "")


async def test_the_echo_bot_says_in_one_line_why_it_cannot_connect() -> None:
    with held_port() as port:
        async with example("echo_bot", f"127.0.0.1:{port}", "--host=127.0.0.1") as process:
            code, _, errors = await ended(process)

    assert code == 1
    assert errors.startswith("echo_bot: could not connect to 127.0.0.1")
    assert "\n" not in errors


async def test_an_alert_has_arrived_before_it_ends() -> None:
    async with room_member("ann") as ann, example("alert", at(ann), "backup finished") as process:
        notices = ann.notices()

        message = await heard(notices)
        gone = await told(notices, Disconnected, anybody)
        code, out, errors = await ended(process)

    assert (message.author.nick, message.text) == ("alert", "backup finished")
    assert gone.left
    assert (code, out, errors) == (0, "", "")


async def test_an_alert_of_several_lines_from_a_pipe_is_one_message() -> None:
    async with room_member("ann") as ann, example("alert", at(ann), "--nick=ci") as process:
        code, _, errors = await ended(process, b"two failed\n  test_a\n  test_b\n")
        message = await heard(ann.notices())

    assert (code, errors) == (0, "")
    assert message.text == "two failed\n  test_a\n  test_b"


async def test_an_alert_that_reaches_nobody_fails() -> None:
    with held_port() as port:
        async with example("alert", f"127.0.0.1:{port}", "is anyone there?") as process:
            code, _, errors = await ended(process)

    assert code == 1
    assert errors.startswith("alert: could not connect to 127.0.0.1")
    assert "\n" not in errors


async def test_a_deploy_notice_ends_well_when_enough_people_have_it() -> None:
    async with (
        room_member("ann") as ann,
        room_member("ben") as ben,
    ):
        await ben.connect(at(ann))
        notices = ben.notices()
        arguments = (at(ann), "2", "version 7 is live", "--timeout=30")

        async with example("deploy_notice", *arguments) as process:
            message = await heard(notices)
            code, out, errors = await ended(process)

    assert (message.author.nick, message.text) == ("deploy", "version 7 is live")
    assert (code, errors) == (0, "")
    assert re.fullmatch("2 have it: .*ann.*", out)


async def test_a_deploy_notice_that_too_few_people_get_says_so_and_fails() -> None:
    async with room_member("ann") as ann:
        arguments = (at(ann), "2", "version 7 is live", "--timeout=3")

        async with example("deploy_notice", *arguments) as process:
            code, out, errors = await ended(process)

    assert (code, out, errors) == (1, "1 have it: ann", "")


async def test_a_deploy_notice_says_in_one_line_why_it_cannot_connect() -> None:
    with held_port() as port:
        async with example("deploy_notice", f"127.0.0.1:{port}", "1", "anyone?") as process:
            code, _, errors = await ended(process)

    assert code == 1
    assert errors.startswith("deploy_notice: could not connect to 127.0.0.1")
    assert "\n" not in errors


async def test_the_json_client_prints_the_first_answer() -> None:
    arguments = ("Is the kettle on?", "--timeout=30")
    async with room_member("ann") as ann, example("json_client", at(ann), *arguments) as process:
        question = await heard(ann.notices())

        ann.announce("five \x1b[31mminutes")
        code, out, errors = await ended(process)

    assert (question.author.nick, question.text) == ("asker", "Is the kettle on?")
    assert (code, errors) == (0, "")
    assert out == r"ann: five \x1b[31mminutes"


async def test_the_json_client_gives_up_when_nobody_answers() -> None:
    async with room_member("ann") as ann:
        arguments = (at(ann), "Is anyone there?", "--timeout=4")

        async with example("json_client", *arguments) as process:
            code, out, errors = await ended(process)

    assert (code, out) == (1, "")
    assert errors == "json_client: no answer in 4 s"
