"""Two servers on one PostgreSQL, as real processes, want one approved change."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("scene", ["both-want-one", "one-dies-at-work"])
def test_one_of_two_servers_makes_the_change_and_makes_it_once(
    scene: str, postgres: str, tmp_path: Path
) -> None:
    argv = [sys.executable, "-m", "tests.drills.workers", scene, postgres, str(tmp_path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
