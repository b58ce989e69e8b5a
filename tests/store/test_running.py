"""Nodes of one user find each other; dead ones, liars and unsafe folders count for nothing."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.values import PeerId
from p2pchat.crypto.room import Room
from p2pchat.store import running
from p2pchat.store.running import Running, RunningNode, others, run_folder, run_folders
from tests.effort import EFFORT
from tests.store.folders import names_in

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="modes, links and signals of POSIX")

TEA = Room("tea", b"sixteen times xx")
ANN, BEN = PeerId(b"a" * 32), PeerId(b"b" * 32)
NOBODY = 2**31 - 1
"""A process id that is not ours."""

NODE = """
import sys
from pathlib import Path
from p2pchat.core.values import PeerId
from p2pchat.crypto.room import Room
from p2pchat.store.running import RunningNode
folder, port = Path(sys.argv[1]), int(sys.argv[2])
node = RunningNode(folder)
peer, room = PeerId(port.to_bytes(32, "big")), Room("lobby")
assert node.announce("127.0.0.1", port, peer, room) is None
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.read()
node.release()
"""


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    folder = run_folder(tmp_path / "profiles", tmp_path / "run")
    assert folder is not None
    return folder


def start(folder: Path, port: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", NODE, str(folder), str(port)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def wait_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def test_a_node_finds_the_other_and_not_itself(runtime: Path) -> None:
    with RunningNode(runtime) as ann, RunningNode(runtime) as ben:
        assert ann.announce("::", 5001, ANN, TEA) is None
        assert ben.announce("127.0.0.1", 5002, BEN, TEA) is None

        found = others(runtime, os.getpid(), 5001)
        of_both = others(runtime, NOBODY, 5001)

    assert [(f.pid, f.host, f.port, f.peer) for f in found] == [
        (os.getpid(), "127.0.0.1", 5002, BEN)
    ]
    assert found[0].is_in(TEA)
    assert [node.peer for node in of_both] == [ANN, BEN]
    assert names_in(runtime) == []


def test_a_new_announcement_takes_the_place_of_the_old(runtime: Path) -> None:
    with RunningNode(runtime) as node:
        node.announce("::", 5001, ANN, TEA)
        node.announce("::", 5002, ANN, TEA)

        assert [found.port for found in others(runtime, NOBODY, 1)] == [5002]
        assert len(names_in(runtime)) == 2
        node.release()
        node.release()

    assert others(runtime, NOBODY, 1) == []


def test_only_members_can_tell_which_room_a_node_is_in(runtime: Path) -> None:
    with RunningNode(runtime) as ann, RunningNode(runtime) as ben:
        ann.announce("::", 5001, ANN, TEA)
        ben.announce("::", 5002, BEN, TEA)

        found = others(runtime, NOBODY, 1)
        told = "".join(path.read_text() for path in runtime.glob("*.json"))

    assert all(node.is_in(TEA) for node in found)
    assert not any(node.is_in(Room("tea", bytes(16))) or node.is_in(Room("tea")) for node in found)
    assert len({node.mark for node in found}) == 2, "nor whether two are in the same"
    assert "tea" not in told
    assert TEA.network_id.hex()[:16] not in told


@POSIX_ONLY
def test_only_the_user_may_read_what_is_told(runtime: Path) -> None:
    with RunningNode(runtime) as node:
        node.announce("::", 5001, ANN, TEA)

        assert {path.stat().st_mode & 0o777 for path in runtime.iterdir()} == {0o600}
        assert runtime.stat().st_mode & 0o777 == 0o700


@POSIX_ONLY
def test_what_a_killed_node_left_is_ignored_and_removed(runtime: Path) -> None:
    killed, living = start(runtime, 5001), start(runtime, 5002)
    for process in (killed, living):
        wait_until_ready(process)
    before = [node.port for node in others(runtime, os.getpid(), 1)]

    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    after = [node.port for node in others(runtime, os.getpid(), 1)]
    left = names_in(runtime)
    living.communicate("")

    assert sorted(before) == [5001, 5002]
    assert after == [5002]
    assert len(left) == 2
    assert names_in(runtime) == []


@POSIX_ONLY
def test_processes_that_start_and_die_at_once_leave_the_living_known(runtime: Path) -> None:
    processes = [start(runtime, 6000 + number) for number in range(10)]
    for process in processes:
        wait_until_ready(process)
    for process in processes[:5]:
        process.kill()
        process.wait()
    found: list[list[Running]] = []

    def look() -> None:
        found.append(others(runtime, os.getpid(), 1))

    lookers = [threading.Thread(target=look) for _ in range(8)]
    for thread in lookers:
        thread.start()
    for thread in lookers:
        thread.join()
    ports = sorted(node.port for node in others(runtime, os.getpid(), 1))
    for process in processes:
        process.communicate()

    living = {6005, 6006, 6007, 6008, 6009}
    assert ports == sorted(living)
    assert all(living <= {node.port for node in seen} for seen in found)


@pytest.mark.threat(28)
def test_fifty_nodes_that_start_at_once_all_find_each_other(runtime: Path) -> None:
    count = 50
    barrier, nodes = threading.Barrier(count), [RunningNode(runtime) for _ in range(count)]
    problems: list[str | None] = []

    def announce(number: int) -> None:
        barrier.wait()
        problems.append(nodes[number].announce("::", 7000 + number, ANN, TEA))
        for _ in range(3):
            others(runtime, os.getpid(), 7000 + number)

    threads = [threading.Thread(target=announce, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [{node.port for node in others(runtime, os.getpid(), 7000 + n)} for n in range(count)]
    for node in nodes:
        node.release()

    everybody = set(range(7000, 7000 + count))
    assert problems == [None] * count
    assert found == [everybody - {port} for port in sorted(everybody)]
    assert names_in(runtime) == []


def test_a_node_in_the_making_is_not_disturbed(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished = runtime / f"1-5001-{'0' * 16}.lock"
    unfinished.touch()

    assert others(runtime, NOBODY, 1) == []
    assert unfinished.exists()

    monkeypatch.setattr(running, "UNFINISHED_S", -60.0)
    assert others(runtime, NOBODY, 1) == []
    assert not unfinished.exists()


@POSIX_ONLY
def test_a_locked_node_without_its_file_is_left_alone_for_ever(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "UNFINISHED_S", -60.0)
    with RunningNode(runtime) as node:
        node.announce("::", 5001, ANN, TEA)
        (told,) = runtime.glob("*.json")
        told.unlink()

        assert others(runtime, NOBODY, 1) == []
        assert len(names_in(runtime)) == 1


GOOD: dict[str, Any] = {
    "pid": os.getpid(), "port": 5001, "host": "::1", "id": "ab" * 32, "room": "cd" * 8,
}  # fmt: skip


def heard(folder: Path, content: bytes) -> list[Running]:
    """What is found while a living node's file has that content."""
    with RunningNode(folder) as node:
        node.announce("::", 5001, ANN, TEA)
        (told,) = folder.glob("*.json")
        told.write_bytes(content)
        return others(folder, NOBODY, 1)


def test_a_good_file_is_believed(runtime: Path) -> None:
    (found,) = heard(runtime, json.dumps(GOOD).encode())

    told = (found.pid, found.host, found.port, found.peer, found.mark)
    assert told == (os.getpid(), "::1", 5001, PeerId(b"\xab" * 32), b"\xcd" * 8)


@pytest.mark.parametrize(
    "changes",
    [
        {"pid": True},
        {"pid": 0},
        {"pid": 2**31},
        {"pid": os.getpid() + 1},
        {"port": 0},
        {"port": 65536},
        {"port": "5001"},
        {"port": 5001.0},
        {"port": 5002},
        {"host": 1},
        {"host": "a b"},
        {"host": "\x1b[31m"},
        {"host": "plain://ann"},
        {"host": "x" * 254},
        {"host": "[::1]"},
        {"id": "ab" * 31},
        {"id": "AB" * 32},
        {"id": "ab " * 32},
        {"id": None},
        {"room": "cd" * 9},
        {"room": 5},
        {"more": "x" * 1024},
    ],
)
def test_a_file_with_anything_wrong_is_ignored(runtime: Path, changes: dict[str, Any]) -> None:
    assert heard(runtime, json.dumps(GOOD | changes).encode()) == []


@settings(max_examples=EFFORT.property_examples)
@given(
    st.one_of(
        st.binary(max_size=1500),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(sorted(GOOD)), inner),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_any_garbage_is_a_node_or_nothing(content: bytes) -> None:
    assert running._parse(content, "stem") is None or json.loads(content)["port"]
    assert running._parse(b"[" * 1000 + content, "stem") is None


@POSIX_ONLY
def test_links_pipes_and_folders_are_not_followed(runtime: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_bytes(json.dumps(GOOD).encode())
    with RunningNode(runtime) as node:
        node.announce("::", 5001, ANN, TEA)
        (told,) = runtime.glob("*.json")
        ways: list[Callable[[], object]] = [
            lambda: told.symlink_to(target),
            lambda: os.mkfifo(told),
            told.mkdir,
        ]
        for make in ways:
            told.unlink()
            make()
            assert others(runtime, NOBODY, 1) == []
        told.rmdir()
    (runtime / f"1-2-{'0' * 16}.lock").symlink_to(target)
    (runtime / f"1-2-{'0' * 16}.json").write_bytes(target.read_bytes())

    assert others(runtime, NOBODY, 1) == []
    assert target.read_bytes() == json.dumps(GOOD).encode()


def test_files_of_other_names_are_not_touched(runtime: Path) -> None:
    names = ["notes.txt", "1-2.json", f"0-2-{'0' * 16}.json", f"1-2-{'0' * 16}.txt"]
    for name in names:
        (runtime / name).write_bytes(b"mine")

    assert others(runtime, NOBODY, 1) == []
    assert names_in(runtime) == sorted(names)


def test_without_a_folder_there_is_nobody(tmp_path: Path) -> None:
    assert others(None, 1, 1) == []
    assert others(tmp_path / "nowhere", 1, 1) == []


def test_what_cannot_be_announced_is_told_in_words(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    node = RunningNode(runtime)

    problem = node.announce("::", 5001, ANN, TEA)

    assert problem == (
        "other nodes on this machine will not find this one (No space left on device)."
    )
    assert names_in(runtime) == []


@POSIX_ONLY
def test_the_runtime_folder_of_the_user_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    folders = run_folders(tmp_path / "profiles")

    assert folders[-1] == tmp_path / "profiles" / ".run"
    if len(folders) == 2 and folders[0].is_relative_to(tmp_path):
        assert run_folder(tmp_path / "profiles") == tmp_path / "p2pchat"


@POSIX_ONLY
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o720])
def test_a_runtime_folder_that_others_may_write_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(mode)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(shared))

    assert run_folder(tmp_path / "profiles", shared / "p2pchat") is None
    assert names_in(shared) == []


@POSIX_ONLY
def test_without_a_runtime_folder_one_among_the_profiles_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unusable = tmp_path / "file"
    unusable.touch()
    spare = tmp_path / "profiles" / ".run"
    monkeypatch.setattr(running, "run_folders", lambda _: (unusable / "p2pchat", spare))

    assert run_folder(tmp_path / "profiles") == spare
    assert spare.stat().st_mode & 0o777 == 0o700


@POSIX_ONLY
def test_a_folder_of_another_user_or_a_link_or_an_open_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, opened = tmp_path / "link", tmp_path / "opened"
    (tmp_path / "target").mkdir(mode=0o700)
    link.symlink_to(tmp_path / "target")
    opened.mkdir()
    opened.chmod(0o755)

    assert run_folder(tmp_path, link) is None
    assert run_folder(tmp_path, opened) is None
    somebody_else = tmp_path.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody_else)
    assert run_folder(tmp_path, tmp_path / "target") is None
