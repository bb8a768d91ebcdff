"""Reading values back from several threads of a process that has just begun."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Each child is a fresh process in which threads read one type for the first time, together.
SCRIPT = """
import os, sys, threading
from playcall.core.decide import decide
from playcall.core.incident import Incident
from playcall.storage.codec import dump, load
from playcall.testing import a_plan, an_opening

text = dump(decide(None, an_opening(), a_plan()).incident)
codes = []
for _ in range(60):
    child = os.fork()
    if child == 0:
        sys.setswitchinterval(1e-6)
        together = threading.Barrier(3)
        def read():
            together.wait()
            load(text, Incident)
        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os._exit(0)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(sum(code != 0 for code in codes))
"""


def test_threads_that_read_a_type_for_the_first_time_together_do_not_end_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0"]
