"""`python -m dwcp ROLE`: one process of the service, configured by its environment."""

import importlib
import logging
import signal
import sys
import threading
import time

import prometheus_client

from dwcp.environment import BadVariable

ROLES = {  # and their modules; only one is loaded
    "amst": "worker",
    "control": "control",
    "destination": "destination",
    "hde": "hde",
    "load": "load",
    "source": "source",
    "v1": "v1",
    "v1-destination": "v1_stream",
}


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in ROLES:
        print(f"usage: python -m dwcp {'|'.join(ROLES)}", file=sys.stderr)
        return 2
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )
    logging.addLevelName(logging.WARNING, "WARN")
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        importlib.import_module(f"dwcp.{ROLES[sys.argv[1]]}").run(stop)
    except BadVariable as error:
        print(f"dwcp {sys.argv[1]}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"dwcp {sys.argv[1]}: cannot listen: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
