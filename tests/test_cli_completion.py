"""Completion, in a real bash, beside a server with an incident in it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import smtp
from tests.web.deciding import MORE, PLAYBOOK
from tests.web.served import TOKEN, Served

TRY = """
source <(playcall completion bash)
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_playcall
printf '%s\\n' "${COMPREPLY[@]}"
"""
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with smtp() as mailbox:
        made = Served(tmp_path_factory.mktemp("served"), mailbox.port, PLAYBOOK, MORE)
        made.start()
        made.fire()
        yield made
        made.stop()


def complete(*typed: str, url: str = NOWHERE) -> list[str]:
    """What bash would offer for the last word."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", TRY, "bash", "playcall", *typed],
        env={**os.environ, "PATH": path, "PLAYCALL_URL": url, "PLAYCALL_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_commands_options_and_choices_are_known_without_a_server() -> None:
    assert complete("appr") == ["approve"]
    assert "--emergency" in complete("approve", "1", "--")
    assert {"up", "down"} <= set(complete("range", ""))
    assert complete("plan", "--format", "m") == ["markdown"]
    assert complete("completion", "") == ["bash", "zsh", "fish"]


def test_where_nothing_is_known_bash_offers_files() -> None:
    assert complete("check", "exa") == []
    assert complete("no-such-command", "") == []
    assert complete("ack", "") == []  # the server does not answer


def test_open_incidents_and_waiting_commands_are_asked_of_the_server(served: Served) -> None:
    assert complete("ack", "", url=served.url) == ["1"]
    waiting = complete("approve", "1", "", url=served.url)
    assert waiting
    assert waiting == complete("refuse", "1", "", url=served.url)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    from playcall.cli import main

    assert main(["completion", shell]) == 0
    assert "playcall completion --words" in capsys.readouterr().out


def test_no_shell_is_a_question(capsys: pytest.CaptureFixture[str]) -> None:
    from playcall.cli import main

    assert main(["completion"]) == 2
    assert "bash, zsh, fish" in capsys.readouterr().err
