"""The DejaVu fonts that matplotlib brings: where they are, which characters they have, how wide.
What they lack, and what steers instead of being read, becomes a visible replacement."""

import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

SANS = "DejaVuSans"
BOLD = "DejaVuSans-Bold"
OBLIQUE = "DejaVuSans-Oblique"
BOLD_OBLIQUE = "DejaVuSans-BoldOblique"
MONO = "DejaVuSansMono"
MONO_BOLD = "DejaVuSansMono-Bold"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"  # every one of them has it

_STEERS = ("Cc", "Cf", "Cs", "Co", "Cn")  # controls, directions of writing, what is no character
_SAY_HOW_TO_DRAW = "\ufe0e\ufe0f"  # the one before; nothing by themselves


def path_of(font: str) -> Path:
    spec = find_spec("matplotlib")
    assert spec and spec.origin  # noqa: PT018
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / f"{font}.ttf"


def shown(text: str, font: str = SANS) -> str:
    """On one line, in characters that the font has."""
    known = _widths(font)
    return "".join(
        " " if c.isspace() else c if _is_read(c) and ord(c) in known else REPLACEMENT
        for c in text
        if c not in _SAY_HOW_TO_DRAW
    )


def width_of(text: str, font: str = SANS) -> float:
    """Of a shown text, in sizes of the font."""
    known = _widths(font)
    return sum(known.get(ord(character), 1.0) for character in text)


def _is_read(character: str) -> bool:
    return unicodedata.category(character) not in _STEERS


@cache
def _widths(font: str) -> Mapping[int, float]:
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    with TTFont(path_of(font), lazy=True) as file:
        advances, units = file["hmtx"], file["head"].unitsPerEm
        return {code: advances[name][0] / units for code, name in file.getBestCmap().items()}
