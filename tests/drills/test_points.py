"""Two rounds of `make points`: SIGKILL at every point of a command's life."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_change_is_made_twice_and_no_record_is_lost_wherever_it_dies() -> None:
    """A process of its own: this one has threads, and forks nothing."""
    argv = [sys.executable, "-m", "tests.drills.crash", "--points", "--rounds", "2"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1].split()[2]) >= 28  # deaths
