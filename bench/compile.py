"""How long a document takes to compile, in process, and `playcall check` as a process beside
`python -c pass`."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playcall.core.compiler import compile_document

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    ROOT / "../shared/document/dwcp-v3-alert-playbooks.md",
    ROOT / "examples/dwcp-v3/playbooks.md",
)


def measure() -> Iterator[dict[str, Any]]:
    for path in DOCUMENTS:
        if path.exists():
            data = path.read_bytes()
            compile_document(data, path.name)
            times = [_seconds(lambda data=data: compile_document(data, "x.md")) for _ in range(20)]
            yield {"document": path.name, "median_ms": round(statistics.median(times) * 1000, 1)}
    python = [sys.executable, "-c", "pass"]
    check = [sys.executable, "-m", "playcall", "check", str(DOCUMENTS[1])]
    bare, whole = _process(python), _process(check)
    yield {
        "python_pass_ms": round(bare * 1000, 1),
        "playcall_check_ms": round(whole * 1000, 1),
        "ratio": round(whole / bare, 1),
    }


def _process(argv: list[str]) -> float:
    def run() -> None:
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=False)

    return statistics.median(_seconds(run) for _ in range(9))


def _seconds(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
