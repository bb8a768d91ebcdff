"""`python -m dwcp ROLE`: one process of the service, configured by its environment."""

import logging
import signal
import sys
import threading
import time

import prometheus_client

from dwcp import control, destination, hde, source
from dwcp.environment import BadVariable

ROLES = {
    "control": control.run,
    "destination": destination.run,
    "hde": hde.run,
    "source": source.run,
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
        ROLES[sys.argv[1]](stop)
    except BadVariable as error:
        print(f"dwcp {sys.argv[1]}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"dwcp {sys.argv[1]}: cannot listen: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
