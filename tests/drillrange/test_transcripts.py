"""Every kubectl command of the playbook on a whole range, and what it says: `transcripts.txt`."""

import doctest
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.drillrange.whole import EXAMPLE, a_range

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
TEXT = (Path(__file__).parent / "transcripts.txt").read_text("utf-8")
VALUES = {"DESTINATION_HOST": "dwcp-v3-destination", "PROBLEM_IP": "192.0.2.9"}


@dataclass(frozen=True, slots=True)
class Entry:
    """`said` is a pattern; its last line is the exit code."""

    command: str
    said: str
    private: bool


def entries() -> list[Entry]:
    found = []
    for private, block in re.findall(r"^(# private\n)?\$ (.*\n(?:(?![$#]).*\n)*)", TEXT, re.M):
        command, _, said = block.partition("\n")
        pattern = (
            said.rstrip() if re.search(r"\[(?:\d+|\.\.\.)\]\s*$", said) else f"{said.rstrip()}\n[0]"
        )
        found.append(Entry(command, pattern, bool(private)))
    return found


def test_every_command_of_the_playbook_has_a_transcript() -> None:
    lines = (EXAMPLE / "playbooks.md").read_text("utf-8").splitlines()
    commands = [line.strip() for line in lines if line.strip().startswith("kubectl ")]
    for name, value in VALUES.items():
        commands = [command.replace(name, value) for command in commands]
    assert len(commands) > 30
    assert sorted(set(commands) - {entry.command for entry in entries()}) == []


@pytest.mark.timeout(600)
def test_every_command_says_what_its_transcript_has(tmp_path: Path) -> None:
    wrong = []
    with a_range("transcripts", tmp_path) as place:
        moved = "sum(rate(dwcp_v3_migration_latency_seconds_count[15s]))"
        place.until(lambda: place.ask(moved), 30, "no machine is moved")
        for entry in entries():
            if entry.private and not place.private:
                continue
            said = place.sh(entry.command)
            got = f"{said.text.rstrip()}\n[{said.code}]\n"
            if not doctest.OutputChecker().check_output(f"{entry.said}\n", got, FLAGS):
                wrong.append(f"$ {entry.command}\n{got}\n-- instead of\n{entry.said}")
    assert not wrong, "\n\n".join(wrong)
