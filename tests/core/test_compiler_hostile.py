"""Whatever the bytes are: a plan or a refusal, every line accounted for, never an exception."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.compiling import PLAY, a_document, compiled, covers_every_line_once

PIECES = [
    *a_document().splitlines(),
    *PLAY.splitlines(),
    "```",
    "~~~",
    "> - 1. deep",
    "# DiskFull",
    "## Rollback",
    "## Post-incident (Within 1 Hour)",
    "| Role | Phone |",
    "|---|---|",
    "| | TBD |",
    "    ↓ (5 minutes, no ACK)",
    "   ├─ YES → x?",
    "**If x:**",
    "- Initial: never",
    "---",
    "===",
    "<!-- x",
    "‚Üì",
    "\u2028\x0c\x1b[2J",
    "",
]


@settings(max_examples=120, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_mixture_of_lines_compiles(lines: list[str]) -> None:
    text = "\n".join(lines)
    plan = compiled(text).plan

    if plan is not None:
        count = len(text.split("\n")) - text.endswith("\n")
        assert covers_every_line_once(plan, count)


@settings(max_examples=120, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_compile_or_are_refused(data: bytes) -> None:
    found = compiled(data)

    assert found.plan is not None or found.problems


@pytest.mark.parametrize(
    "text",
    [
        ">" * 100_000 + "x",
        "> " * 100_000 + "x",
        "- " * 20_000 + "x",
        "".join("  " * min(depth, 60) + "- a\n" for depth in range(5_000)),
        "x" * 5_000_000,
        "# A\n\n" + "*" * 500_000,
        "# DiskFull\n\n- " + "[a](" * 100_000,
        "# DiskFull\n\n## Symptoms\n- x <" + "9" * 200_000,
        "# DiskFull\n\n**Response Time:** " + "9" * 100_000 + " minutes\n",
        "```\n" + "v" * 100_000 + "\n↓ 5 minutes\n```",
        "# DiskFull\n\n1. a\n   ```\n   a?\n" + "   ├─ x\n" * 5_000 + "   ```\n",
        "‚Üì" * 200_000,
        "# DiskFull\n\n1. a\n   - " + "[" * 100_000,
        "# DiskFull\n\n1. a\n   - " + "[a](" * 50_000,
        "# DiskFull\n\n1. a\n   ```\n   a?\n   └─ b" + " \t" * 50_000 + "c\n   ```\n",
        "```\na" + " \t" * 50_000 + "b\n↓ (5 minutes)\nc" + " " * 50_000 + "d\n```\n",
        "|a" * 20_000 + "|\n" + "|-" * 20_000 + "|\n",
        "# DiskFull\n\n" + "[a](#b) " * 100_000,
        "# DiskFull\n\n" + " ".join("`" * count for count in range(1, 3_000)),
        "# DiskFull\n\n" + "`df -h` " * 3_000,
    ],
)
def test_deep_wide_and_long_documents_end(text: str) -> None:
    plan = compiled(text).plan

    assert plan is not None
    assert covers_every_line_once(plan, len(text.split("\n")) - text.endswith("\n"))


def test_nesting_beyond_the_parser_is_told() -> None:
    assert "PC112" in [problem.code for problem in compiled("- " * 200 + "x").problems]
