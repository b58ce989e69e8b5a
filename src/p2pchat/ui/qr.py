"""An invite as a picture for a camera, drawn with half blocks."""

from __future__ import annotations

from typing import Final

QUIET_MODULES: Final = 4
"""Light border that the standard (ISO/IEC 18004) asks for; some cameras need all of it."""

_BLOCKS: Final = {(1, 1): " ", (1, 0): "▄", (0, 1): "▀", (0, 0): "█"}
"""By whether the upper and the lower module are dark. Light ones are drawn, dark ones are left
out: right as it is on a dark background, and with black and white asked for on any."""


def drawn(text: str) -> str | None:
    """Return a QR code as lines of equal width, two modules high each; None if it is too long.

    It has the least error correction: a screen has no scratches, and the code stays small.
    """
    # Imported here: it takes 40 ms, and hardly anybody asks for it.
    import segno  # noqa: PLC0415

    try:
        code = segno.make(text, error="l", boost_error=False, micro=False)
    except segno.DataOverflowError:
        return None
    rows = [bytes(row) for row in code.matrix_iter(border=QUIET_MODULES)]
    if len(rows) % 2:
        rows.append(bytes(len(rows[0])))
    return "\n".join(
        "".join(_BLOCKS[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    )
