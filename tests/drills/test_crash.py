"""A few rounds of `make crash`: SIGKILL at random moments, by seed."""

from pathlib import Path

from tests.drills.crash import run_rounds


def test_every_page_arrives_and_no_change_runs_twice_whatever_dies(tmp_path: Path) -> None:
    results = run_rounds(tmp_path, [1, 2, 3], print)
    assert sum(result.kills for result in results) >= 2
