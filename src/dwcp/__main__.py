"""`python -m dwcp ROLE`: one process of the service, configured by its environment."""

import logging
import signal
import sys
import threading
import time

from dwcp import control, hde, source
from dwcp.destination import Destination
from dwcp.environment import BadVariable, address


def run_destination(stop: threading.Event) -> None:
    destination = Destination(address("DWCP_LISTEN"))
    threading.Thread(target=destination.serve, daemon=True).start()
    logging.getLogger("dwcp.destination").info("destination ready")
    stop.wait()
    destination.close()


ROLES = {
    "control": control.run,
    "destination": run_destination,
    "hde": hde.run,
    "source": source.run,
}


def main() -> int:
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )
    if len(sys.argv) != 2 or sys.argv[1] not in ROLES:
        print(f"usage: python -m dwcp {'|'.join(ROLES)}", file=sys.stderr)
        return 2
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
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
