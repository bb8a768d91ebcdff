"""`playcall explain` and `playcall rules` as processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ROOT / "examples/dwcp-v3/playbooks.md"
PLAYCALL = str(Path(sys.executable).with_name("playcall"))


def playcall(*words: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    argv = [PLAYCALL, *map(str, words)]
    return subprocess.run(argv, input=stdin, capture_output=True, timeout=60, check=False)


def explained(*commands: str) -> list[dict[str, object]]:
    stdin = "\0".join(commands).encode("utf-8", "surrogateescape")
    done = playcall("explain", "--stdin0", "--format", "json", stdin=stdin)
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_command_is_explained_part_by_part() -> None:
    done = playcall("explain", "kubectl get pods | xargs kubectl delete pod")
    assert done.returncode == 0
    shown = done.stdout.decode()
    assert "change: may change something" in shown
    assert "- kubectl get only looks" in shown
    assert "- kubectl delete: deletes objects" in shown


def test_many_commands_are_one_object_a_line_in_their_order() -> None:
    found = explained("uptime", "rm -rf /tmp/x\necho done", "", "kubectl logs -f web-0")
    assert [one["effect"] for one in found] == ["observe", "change", "observe", "observe"]
    assert [one["runs_as"] for one in found] == [None, None, None, "kubectl logs --tail=200 web-0"]
    assert found[1]["command"] == "rm -rf /tmp/x\necho done"
    assert all(one["reasons"] for one in found)


def test_what_asks_for_a_terminal_runs_without_one_or_is_a_persons() -> None:
    mended, left = explained("kubectl exec -it web-0 -- df -h", "kubectl exec -it web-0 -- bash")
    assert (mended["effect"], mended["runs_as"]) == ("observe", "kubectl exec web-0 -- df -h")
    assert (left["effect"], left["runs_as"]) == ("manual", None)


@pytest.mark.parametrize(
    "hostile",
    ["\udcff\udcfe", "$(", "'" * 5000, "a" * 200_000, "\x1b[2J", "for " * 3000, "((((" * 2000],
)
def test_hostile_text_is_a_change_and_never_a_crash(hostile: str) -> None:
    (found,) = explained(hostile)
    assert found["effect"] in ("change", "manual")


def test_a_prompt_is_no_part_of_a_command() -> None:
    (found,) = explained("$ kubectl get pods")
    assert found["effect"] == "observe"


@pytest.mark.parametrize("words", [(), ("--stdin0", "ls")])
def test_without_a_command_or_with_two_ways_it_says_how(words: tuple[str, ...]) -> None:
    done = playcall("explain", *words)
    assert done.returncode == 2
    assert b"give one COMMAND, or --stdin0" in done.stderr


def test_rules_of_our_own_playbook_pass_the_tools_of_prometheus(tmp_path: Path) -> None:
    made = {
        "rules.yml": playcall("rules", OURS),
        "test.yml": playcall("rules", OURS, "--tests", "rules.yml"),
        "alertmanager.yml": playcall("rules", OURS, "--routes"),
    }
    for name, done in made.items():
        assert (done.returncode, done.stderr) == (0, b"")
        (tmp_path / name).write_bytes(done.stdout)
    for tool in (
        ["promtool", "check", "rules", "rules.yml"],
        ["promtool", "test", "rules", "test.yml"],
        ["amtool", "check-config", "alertmanager.yml"],
    ):
        subprocess.run(tool, cwd=tmp_path, check=True, capture_output=True)
    rules = made["rules.yml"].stdout
    subprocess.run(["promtool", "check", "rules", "/dev/stdin"], input=rules, check=True)


def test_a_document_without_plays_has_no_rules(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text("# Notes\n\nNothing.\n")
    done = playcall("rules", path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"no play was found" in done.stderr
    assert playcall("rules", tmp_path / "none.md").returncode == 2
