"""A network that consists of one machine with nothing but its loopback, so all ports are free."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCRIPT: Final = "ip link set lo up && echo ready && exec cat"
_TOOLS: Final = ("unshare", "nsenter", "ip")


def why_not() -> str:
    """Tell why there can be none here; an empty text when there can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root"
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} not installed"
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "network namespaces are not allowed here"


@contextmanager
def network_namespace() -> Iterator[tuple[str, ...]]:
    """Make one for a while; yield what to put in front of a command to run it in there."""
    with subprocess.Popen(
        ["unshare", "--net", "sh", "-c", _SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        yield ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
        holder.stdin.close()
