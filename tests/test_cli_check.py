"""`playcall check` and `playcall show` as processes: what they print, and how they end."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.core.compiling import PLAY, a_document

ROOT = Path(__file__).parents[1]
OURS = ROOT / "examples/dwcp-v3/playbooks.md"
PLAYCALL = str(Path(sys.executable).with_name("playcall"))


def playcall(*words: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [PLAYCALL, *map(str, words)],
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "disks.md"
    path.write_text(a_document(), encoding="utf-8")
    return path


def test_a_document_without_problems_ends_with_zero(document: Path) -> None:
    done = playcall("check", document)

    assert (done.returncode, done.stderr) == (0, b"")
    assert "1 play, 1 symptom, 2 criteria" in done.stdout.decode()
    assert done.stdout.decode().endswith("No problems.\n")


def test_our_own_telling_has_neither_errors_nor_warnings() -> None:
    assert playcall("check", "--strict", OURS).returncode == 0


def test_a_problem_is_shown_with_its_line_a_caret_and_how_to_mend_it(document: Path) -> None:
    document.write_text(a_document(play=PLAY.replace("usage >90%", "inodes >90%")))
    done = playcall("check", document)
    shown = done.stdout.decode()

    assert done.returncode == 0
    assert f"{document}:25:1: warning PC301 'Disk inodes' reads like a measurement" in shown
    assert "    25 | - Disk inodes >90% for 2+ minutes\n       | ^\n       = Add a PromQL" in shown
    assert "0 errors, 1 warning, 0 notes." in shown
    assert playcall("check", "--strict", document).returncode == 1


def test_an_error_ends_with_one(document: Path) -> None:
    document.write_text(a_document().removesuffix("```\n"))

    assert playcall("check", document).returncode == 1


def test_json_holds_the_counts_and_every_problem(document: Path) -> None:
    document.write_text(a_document().removesuffix("```\n"))
    done = playcall("check", document, "--format", "json")
    (read,) = json.loads(done.stdout)["documents"]

    assert read["counts"]["plays"] == 1
    assert read["effects"] == {"observe": 1}
    assert sum(read["lines"].values()) == len(document.read_text().splitlines())
    assert [(p["code"], p["level"], p["line"], p["column"]) for p in read["problems"]] == [
        ("PC102", "error", 40, 1)
    ]


def test_json_is_as_its_schema_says_and_sums_up(tmp_path: Path, document: Path) -> None:
    (tmp_path / "second.md").write_text(a_document().removesuffix("```\n"))
    told = json.loads(playcall("check", tmp_path, "--format", "json").stdout)
    schema = json.loads((ROOT / "docs/check.schema.json").read_text())
    jsonschema.validate(told, schema)
    assert told["summary"] == {
        "documents": 2,
        "plays": 2,
        "steps": sum(d["counts"]["steps"] for d in told["documents"]),
        "commands": {"observe": 2, "heavy": 0, "change": 0, "manual": 0},
        "criteria": sum(d["counts"]["criteria"] for d in told["documents"]),
        "problems": {"PC102": 1},
        "levels": {"error": 1, "warning": 0, "note": 0},
    }


def test_other_tools_are_told_where_a_problem_is(document: Path) -> None:
    document.write_text(a_document().removesuffix("```\n"))
    (run,) = json.loads(playcall("check", document, "--format", "sarif").stdout)["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("PC102", "error")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == str(document)
    assert place["region"] == {"startLine": 40, "startColumn": 1}
    line = playcall("check", document, "--format", "github").stdout.decode()
    assert line.startswith(f"::error file={document},line=40,col=1,title=PC102::This code block")


RULES = """groups:
- name: disks
  rules:
  - alert: DiskAlmostFull
    expr: max(node_disk_usage_ratio) > 0.95
    labels: {severity: purple}
  - alert: SomethingElse
    expr: up == 0
"""


def test_a_rule_file_is_compared_with_the_plays(tmp_path: Path, document: Path) -> None:
    rules = tmp_path / "alerts.yml"
    rules.write_text(RULES)
    done = playcall("check", document, "--rules", rules)
    shown = done.stdout.decode()
    assert done.returncode == 0
    assert f"{rules}:7:1: warning PC413 SomethingElse can fire" in shown
    assert "     7 |   - alert: SomethingElse" in shown
    assert f"{rules}:4:1: warning PC415 DiskAlmostFull has severity='purple'" in shown
    assert f"{document}:25:1: warning PC416 'Disk usage >90% for 2+ minutes' says 90%" in shown
    rules.write_text(RULES.replace("DiskAlmostFull", "DiskIsFull"))
    shown = playcall("check", document, "--rules", rules).stdout.decode()
    assert "warning PC414 DiskAlmostFull has a play, and no rule" in shown
    rules.write_text("groups: [")
    done = playcall("check", document, "--rules", rules)
    assert done.returncode == 2
    assert b"not YAML" in done.stderr
    assert playcall("check", document, "--rules", tmp_path / "none.yml").returncode == 2


def test_our_own_rules_and_plays_fit_each_other() -> None:
    assert (
        playcall("check", "--strict", OURS, "--rules", OURS.with_name("alerts.yml")).returncode == 0
    )


def test_problems_are_left_out_where_somebody_says_so(document: Path) -> None:
    hurt = a_document(play=PLAY.replace("usage >90%", "inodes >90%"))
    document.write_text(hurt)
    assert b"PC301" in playcall("check", document).stdout
    assert b"PC301" not in playcall("check", document, "--ignore", "PC301").stdout
    marked = hurt.replace("for 2+ minutes", "for 2+ minutes <!-- playcall: ignore=PC301 -->", 1)
    document.write_text(marked)
    assert b"PC301" not in playcall("check", document).stdout
    document.write_text(marked.replace("ignore=PC301", "ignore=PC302"))
    assert b"PC301" in playcall("check", document).stdout


def test_a_directory_stands_for_the_documents_in_it(tmp_path: Path, document: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more/second.md").write_text(a_document())
    done = playcall("check", tmp_path, "--format", "json")

    assert [Path(d["path"]).name for d in json.loads(done.stdout)["documents"]] == [
        "disks.md",
        "second.md",
    ]


def test_a_page_without_a_play_is_no_error_beside_others(tmp_path: Path, document: Path) -> None:
    (tmp_path / "README.md").write_text("# How to use these\n\nRead them.\n")
    done = playcall("check", tmp_path)
    assert done.returncode == 0
    assert b"note PC101" in done.stdout
    assert playcall("check", tmp_path / "README.md").returncode == 1


def test_our_examples_have_no_errors() -> None:
    assert playcall("check", ROOT / "examples").returncode == 0


def test_standard_input_is_a_document_too() -> None:
    assert playcall("check", "-", stdin=a_document().encode()).returncode == 0


@pytest.mark.parametrize("content", [b"", b"\0\1\2\3" * 100, b"#" * (11 * 1024 * 1024)])
def test_what_is_no_document_is_told_without_a_traceback(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.md"
    path.write_bytes(content)
    done = playcall("check", path)

    assert (done.returncode, done.stderr) == (1, b"")
    assert b"error PC00" in done.stdout
    assert playcall("show", path).returncode == 2


def test_a_file_that_cannot_be_read_ends_with_two_and_one_line(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for words in (
        ("check", tmp_path / "none.md"),
        ("check", empty),
        ("show", tmp_path / "none.md"),
        ("check", tmp_path / "none.md" / "below.md"),
    ):
        done = playcall(*words)
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.count(b"\n") == 1
        assert str(tmp_path).encode() in done.stderr


@pytest.mark.parametrize("words", [(), ("chekc",), ("check",), ("check", "--format", "xml", "x")])
def test_a_wrong_question_ends_with_two(words: tuple[str, ...]) -> None:
    done = playcall(*words)

    assert done.returncode == 2
    assert b"usage: playcall" in done.stderr


def test_help_lists_the_commands() -> None:
    done = playcall("--help")

    assert done.returncode == 0
    assert b"check" in done.stdout
    assert b"show" in done.stdout


def test_show_prints_a_play_as_a_person_reads_it() -> None:
    done = playcall("show", OURS, "DWCPv3LatencyP99Critical")
    shown = done.stdout.decode()

    assert done.returncode == 0
    assert "DWCPv3LatencyP99Critical  (CRITICAL" in shown
    assert "If AMST bottleneck\n" in shown
    assert "kubectl set env deployment/dwcp-v3-amst STREAM_COUNT=16" in shown
    assert "recovery.1: P99 Latency < 0.5 s for 5 min" in shown
    assert "DWCPv3ThroughputLow" not in shown


def test_show_as_json_keeps_every_line(document: Path) -> None:
    plan = json.loads(playcall("show", document, "--format", "json").stdout)

    (play,) = plan["plays"]
    assert play["alert"] == "DiskAlmostFull"
    assert play["phases"][0]["steps"][0]["commands"][0]["line"] == 32
    assert plan["lines"][0] == {"first": 1, "last": 1, "what": "heading", "taken": True}


def test_show_lines_accounts_for_every_line() -> None:
    rows = playcall("show", OURS, "--lines").stdout.decode().splitlines()

    assert [int(row.split()[0]) for row in rows] == list(
        range(1, len(OURS.read_text(encoding="utf-8").splitlines()) + 1)
    )


def test_show_names_the_play_that_was_probably_meant() -> None:
    done = playcall("show", OURS, "DWCPv3ThroughputLo")

    assert (done.returncode, done.stdout) == (1, b"")
    assert b"Did you mean DWCPv3ThroughputLow?" in done.stderr


def test_a_closed_pipe_is_no_error() -> None:
    line = f"{PLAYCALL} show {OURS} | head -1"
    done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=60, check=False)

    assert done.stderr == b""
    assert done.stdout.count(b"\n") == 1


def test_a_document_cannot_steer_the_terminal(document: Path) -> None:
    document.write_text(a_document().replace("# Disks", "# Disks \x1b[2J\x07"))

    assert b"\x1b" not in playcall("check", document).stdout
    assert b"\x1b" not in playcall("show", document, "--lines").stdout


def test_colours_are_for_terminals_only(document: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    command = [PLAYCALL, "check", str(document)]
    subprocess.run(command, stdout=theirs, env=environment, timeout=60, check=True)
    os.close(theirs)
    shown = os.read(ours, 65536)
    os.close(ours)

    assert b"\x1b[32mNo problems." in shown
    assert b"\x1b" not in playcall("check", document).stdout


def test_checking_imports_no_web_stack(document: Path) -> None:
    code = (
        "import sys; from playcall.cli import main; main(['check', sys.argv[1]]);"
        "heavy = {'fastapi', 'starlette', 'sqlalchemy', 'httpx', 'uvicorn', 'msgspec', 'jinja2'};"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(document)], capture_output=True, timeout=60, check=False
    )

    assert done.returncode == 0
