"""Commands of the program families, each with its class: what people on call really type."""

from pathlib import Path

import pytest

from playcall.core.compiler.shell import read_command

LIST = Path(__file__).parent / "families.txt"


def cases() -> list[tuple[str, str]]:
    found, effect = [], ""
    for line in LIST.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        if line.startswith("["):
            effect = line.rpartition(" ")[2]
        elif line:
            found.append((effect, line))
    return found


@pytest.mark.parametrize(("effect", "command"), cases(), ids=lambda value: value[:60])
def test_a_command_has_its_class_and_a_reason(effect: str, command: str) -> None:
    reading = read_command(command)
    assert reading.effect.value == effect, reading.reasons
    assert reading.reasons
