"""Inputs that were worth keeping: few and small, each for code that no other one reaches."""

from __future__ import annotations

import sys
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import p2pchat

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType

    from tests.fuzz.target import Run

FOLDER: Final = Path(__file__).parent / "corpus"

KEPT_LIMIT_BYTES: Final = 6 * 1024
"""Of all inputs of one target in the repository."""

_PACKAGE: Final = str(Path(p2pchat.__file__).parent)
_NAME_BYTES: Final = 6

Arc = tuple[str, int, int]
"""A step of the program: file, line before, line."""


def kept(name: str) -> list[bytes]:
    """Return the inputs in the repository for a target, ordered by file name."""
    return read(FOLDER / name)


def read(folder: Path) -> list[bytes]:
    """Return what stands in the files of a folder; nothing without one."""
    if not folder.is_dir():
        return []
    return [path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()]


def write(folder: Path, inputs: Iterable[bytes], prefix: str = "") -> list[Path]:
    """Write each input to a file that is named after its content."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for data in inputs:
        digits = blake2b(data, digest_size=_NAME_BYTES).hexdigest()
        paths.append(folder / f"{prefix}{digits}")
        paths[-1].write_bytes(data)
    return paths


def replace_kept(name: str, inputs: Sequence[bytes]) -> None:
    """Put these inputs in the place of what was kept for a target."""
    folder = FOLDER / name
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink()
    write(folder, inputs)


def smallest_set(run: Run, inputs: Iterable[bytes], known: Iterable[bytes] = ()) -> list[bytes]:
    """Choose inputs that together step where all of them do, short ones first, within the limit.

    Args:
        run: The target.
        inputs: To choose from; an input that fails is left out.
        known: Seeds: what they reach needs no file.
    """
    reached: set[Arc] = set()
    for data in known:
        reached |= arcs_of(run, data)
    chosen: list[bytes] = []
    room_bytes = KEPT_LIMIT_BYTES
    for data in sorted(set(inputs), key=lambda data: (len(data), data)):
        if len(data) > room_bytes:
            break
        fresh = arcs_of(run, data) - reached
        if fresh:
            reached |= fresh
            chosen.append(data)
            room_bytes -= len(data)
    return chosen


def arcs_of(run: Run, data: bytes) -> set[Arc]:
    """Return the steps of our own code that an input leads through; none where it fails."""
    arcs: set[Arc] = set()
    last: dict[FrameType, int] = {}

    def step(frame: FrameType, event: str, _argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            return None
        arcs.add((frame.f_code.co_filename, last.get(frame, -1), frame.f_lineno))
        if event == "return":
            last.pop(frame, None)
        else:
            last[frame] = frame.f_lineno
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        run(data)
    except Exception:  # noqa: BLE001 - what fails is told of elsewhere, and not kept
        return set()
    finally:
        sys.settrace(before)
    return arcs
