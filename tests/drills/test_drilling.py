"""`playcall drill` on a whole range: a play is proven; a drill that is stopped leaves nothing."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.servers import wait_for
from tests.test_cli_drill import PLAYCALL, drill


def processes_of(directory: Path) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
        except OSError:
            continue
        if str(directory).encode() in words:
            found.append(words.replace(b"\0", b" ").decode("utf-8", "replace")[:150])
    return found


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_drill_that_is_stopped_leaves_nothing_running(
    tmp_path: Path, how: signal.Signals
) -> None:
    # A job that a shell put into the background ignores SIGINT, and its children do too.
    hears = ["env", f"--default-signal={how.name.removeprefix('SIG')}"]
    argv = [*hears, PLAYCALL, "drill", "streams", "--keep", str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True) as done:
        assert done.stdout
        seen = ""
        while "waiting for calm" not in seen:
            line = done.stdout.readline()
            assert line, seen
            seen += line
        assert len(processes_of(tmp_path)) > 5
        os.kill(done.pid, how)
        done.stdout.read()
        assert done.wait(60) == 130
    wait_for(lambda: not processes_of(tmp_path), "end of all processes")


def test_a_play_is_proven_against_a_real_fault(tmp_path: Path) -> None:
    done = drill("bad-config", "--json", "--keep", tmp_path)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    [record] = json.loads(done.stdout)
    if done.returncode == 3:
        assert "too busy" in record["why"]
        pytest.skip(record["why"])
    assert record["outcome"] == "passed"
    report = next(tmp_path.glob("*/report.md")).read_text("utf-8")
    assert "Helped: “Return to settings that are known to work” helped" in report
    assert "the one this drill is for" in report
    assert "proven" in drill("--history", "--keep", tmp_path).stdout
