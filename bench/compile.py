"""How long a document takes to compile, in process, and `playcall check` as a process beside
`python -c pass`."""

import random
import statistics
import subprocess
import sys
import tempfile
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
PAGES = 3000
SECTIONS = ("Meaning", "Impact", "Diagnosis", "Mitigation", "Investigation", "Resolution", "Notes")
WORDS = (
    "The thing does not answer any more, and those who use it wait. ",
    "A queue grows faster than it is worked off; see its length on the board first. ",
    "- Latency above 500ms for 5 minutes\n- Error rate >10 errors/sec\n\n",
    "1. Look at what changed last.\n2. Ask whoever changed it.\n\n",
)
COMMANDS = (
    "$ kubectl get pods -n <namespace> -o wide",
    "kubectl logs -l app=thing --tail=100 | grep -i error | tail -50",
    "curl -s http://thing:8080/health | jq .status",
    "for pod in a b c; do\n  kubectl exec $pod -- df -h\ndone",
    "kubectl rollout restart deployment/thing",
    "sum(rate(thing_errors_total[5m]))",
)


def measure() -> Iterator[dict[str, Any]]:
    for path in DOCUMENTS:
        if path.exists():
            data = path.read_bytes()
            compile_document(data, path.name)
            times = [_seconds(lambda data=data: compile_document(data, "x.md")) for _ in range(20)]
            yield {"document": path.name, "median_ms": round(statistics.median(times) * 1000, 1)}
    with tempfile.TemporaryDirectory() as folder:
        size = write_pages(Path(folder), PAGES)
        argv = [sys.executable, "-m", "playcall", "check", "--format", "json", folder]
        seconds = _seconds(lambda: subprocess.run(argv, stdout=subprocess.DEVNULL, check=False))
        yield {"files": PAGES, "mib": round(size / 2**20, 1), "seconds": round(seconds, 1)}
    python = [sys.executable, "-c", "pass"]
    check = [sys.executable, "-m", "playcall", "check", str(DOCUMENTS[1])]
    bare, whole = _process(python), _process(check)
    yield {
        "python_pass_ms": round(bare * 1000, 1),
        "playcall_check_ms": round(whole * 1000, 1),
        "ratio": round(whole / bare, 1),
    }


def write_pages(folder: Path, count: int) -> int:
    """A folder with a page for each alert, as large and as mixed as real ones; its bytes."""
    choose = random.Random(7)
    total = 0
    for number in range(count):
        sections = [choose.choice(SECTIONS) for _ in range(choose.randint(4, 9))]
        body = "\n".join(
            f"## {title}\n\n{choose.choice(WORDS) * choose.randint(1, 6)}\n\n{_block(choose)}"
            for title in sections
        )
        text = f"# ThingIsBroken{number}\n\n{body}"
        (folder / f"ThingIsBroken{number}.md").write_text(text, "utf-8")
        total += len(text)
    return total


def _block(choose: random.Random) -> str:
    commands = "\n".join(choose.choice(COMMANDS) for _ in range(choose.randint(1, 4)))
    return f"```{choose.choice(('bash', 'console', 'sh', ''))}\n{commands}\n```\n"


def _process(argv: list[str]) -> float:
    def run() -> None:
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=False)

    return statistics.median(_seconds(run) for _ in range(9))


def _seconds(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
