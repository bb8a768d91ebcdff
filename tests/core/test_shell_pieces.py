"""Blocks are cut into commands, and each keeps its title and its lines."""

import pytest

from playcall.core.compiler.shell import split_commands


def cut(block: str) -> list[tuple[str | None, str, int, int]]:
    return [(p.title, p.text, p.line, p.last_line) for p in split_commands(block)]


def test_a_comment_is_the_title_of_the_command_below_it() -> None:
    assert cut("# Look at pods\nkubectl get pods\n\n# Look at nodes\nkubectl get nodes\n") == [
        ("Look at pods", "kubectl get pods", 2, 2),
        ("Look at nodes", "kubectl get nodes", 5, 5),
    ]


def test_two_commands_under_one_comment_share_its_title() -> None:
    assert cut("# Widen buffers\nsysctl -w a=1\nsysctl -w b=2") == [
        ("Widen buffers", "sysctl -w a=1", 2, 2),
        ("Widen buffers", "sysctl -w b=2", 3, 3),
    ]


def test_a_title_ends_at_a_blank_line() -> None:
    assert cut("# One\nuptime\n\ndf -h") == [("One", "uptime", 2, 2), (None, "df -h", 4, 4)]


def test_a_shebang_is_no_title() -> None:
    assert cut("#!/bin/bash\nuptime") == [(None, "uptime", 2, 2)]


def test_a_comment_of_several_lines_is_one_title() -> None:
    assert cut("# First\n# second\nuptime") == [("First second", "uptime", 3, 3)]


@pytest.mark.parametrize(
    "whole",
    [
        "for i in a b; do\n  echo $i\n\n  # inside\n  uptime\ndone",
        "check() {\n  uptime\n\n  df\n}",
        "cat <<EOF\n# not a comment\n\ntext\nEOF",
        "kubectl get pods \\\n  -o wide \\\n  -A",
        "kubectl get pods |\n  grep x",
        "echo 'a\n\nb'",
        "uptime; df -h",
        "kubectl logs <pod> -c <container>",
        "if true; then\n  uptime\nfi",
    ],
)
def test_what_belongs_together_stays_whole(whole: str) -> None:
    assert cut(f"# T\n{whole}\n\nuptime")[0] == ("T", whole, 2, 1 + len(whole.split("\n")))
    assert len(cut(f"{whole}\n\nuptime")) == 2


def test_indentation_around_a_command_is_left_out() -> None:
    assert cut("   # T\n   uptime\n") == [("T", "uptime", 2, 2)]


def test_prompts_are_stripped_and_output_is_no_command() -> None:
    block = "$ kubectl get pods\nNAME  READY\nweb-0 1/1\n$ uptime\n 11:00 up"
    assert cut(block) == [(None, "kubectl get pods", 1, 1), (None, "uptime", 4, 4)]


def test_a_prompt_may_name_user_and_host_and_continue() -> None:
    block = "# Look\n[root@db-1 ~]# kubectl get \\\n> pods\noutput\nme@x:~$ uptime"
    assert cut(block) == [
        ("Look", "kubectl get \\\npods", 2, 3),
        (None, "uptime", 5, 5),
    ]


def test_a_block_that_does_not_parse_is_still_cut_by_line() -> None:
    assert cut("uptime\nkubectl get (pods\n\ndf -h") == [
        (None, "uptime", 1, 1),
        (None, "kubectl get (pods", 2, 2),
        (None, "df -h", 4, 4),
    ]


@pytest.mark.parametrize("block", ["", "\n\n", "# only a comment", "\ud800", "\0", "x\n" * 5000])
def test_odd_blocks_are_cut_without_an_exception(block: str) -> None:
    split_commands(block)
