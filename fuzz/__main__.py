"""Runs a target under Atheris until it finds something, or for so many seconds.

`pip install atheris`, then `python -m fuzz compile --seconds 600`. Seeds are our own documents; a
finding is written to the working directory as libFuzzer does.
"""

import argparse
import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

from fuzz.targets import TARGETS

ROOT = Path(__file__).parent.parent
SEEDS = {
    "compile": ["examples/**/*.md", "tests/documents/*.md"],
    "shell": ["examples/**/*.sh", "tests/core/families.txt"],
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    try:
        atheris: Any = importlib.import_module("atheris")
    except ImportError:
        print("Atheris is not installed: pip install atheris", file=sys.stderr)
        return 2
    atheris.instrument_all()
    with tempfile.TemporaryDirectory(prefix="playcall-fuzz-") as scratch:
        for number, seed in enumerate(_seeds(args.target)):
            (Path(scratch) / str(number)).write_bytes(seed)
        limits = [f"-max_total_time={args.seconds}", "-max_len=20000", "-timeout=20"]
        atheris.Setup([sys.argv[0], *limits, scratch], TARGETS[args.target])
        atheris.Fuzz()
    return 0


def _seeds(target: str) -> list[bytes]:
    files = [path for pattern in SEEDS[target] for path in sorted(ROOT.glob(pattern))]
    whole = [path.read_bytes() for path in files]
    if target == "shell":
        return [line for text in whole for line in text.split(b"\n") if line.strip()]
    return whole


if __name__ == "__main__":
    sys.exit(main())
