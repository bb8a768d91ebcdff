"""Every kubectl command of the playbook on a whole range, and what it says: `transcripts.txt`."""

import doctest
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

from tests.drillrange.whole import EXAMPLE, a_range

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
TEXT = (Path(__file__).parent / "transcripts.txt").read_text("utf-8")
LOOKS = re.compile(r"kubectl (get|logs|top|exec)\b(?!.* -[wA] )")  # -w and -A set and add something
TOGETHER = 4
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


def batches(entries: list[Entry]) -> Iterator[list[Entry]]:
    """In their order; what only looks is asked together with its neighbours."""
    for looks, found in groupby(entries, lambda entry: bool(LOOKS.match(entry.command))):
        group = list(found)
        yield from [group] if looks else [[entry] for entry in group]


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
    with a_range("transcripts", tmp_path) as place, ThreadPoolExecutor(TOGETHER) as people:
        moved = "sum(rate(dwcp_v3_migration_latency_seconds_count[15s]))"
        place.until(lambda: place.ask(moved), 30, "no machine is moved")
        here = [entry for entry in entries() if place.private or not entry.private]
        for batch in batches(here):
            answers = people.map(place.sh, [entry.command for entry in batch])
            for entry, said in zip(batch, answers, strict=True):
                got = f"{said.text.rstrip()}\n[{said.code}]\n"
                if not doctest.OutputChecker().check_output(f"{entry.said}\n", got, FLAGS):
                    wrong.append(f"$ {entry.command}\n{got}\n-- instead of\n{entry.said}")
    assert not wrong, "\n\n".join(wrong)
