"""`python -m bench [NAME...]`: every benchmark, or those named."""

import json
import sys
from importlib import import_module

NAMES = ("compile", "run", "intake", "deliver", "dwcp", "web")


def main() -> int:
    wanted = sys.argv[1:] or NAMES
    unknown = set(wanted) - set(NAMES)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
        return 2
    for name in wanted:
        for result in import_module(f"bench.{name}").measure():
            print(json.dumps({"bench": name, **result}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
