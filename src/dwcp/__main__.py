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
    stop = _told_to_stop()  # before anything is imported that starts threads
    try:
        importlib.import_module(f"dwcp.{ROLES[sys.argv[1]]}").run(stop)
    except BadVariable as error:
        print(f"dwcp {sys.argv[1]}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"dwcp {sys.argv[1]}: cannot listen: {error}", file=sys.stderr)
        return 1
    return 0


def _told_to_stop() -> threading.Event:
    """Set by TERM and INT. One thread waits for them, and they are blocked in all others: the
    kernel may give a signal to a thread that is just starting another one, and then a main thread
    that waits for a lock would never hear of it."""
    stop = threading.Event()
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # every later thread inherits it

    def wait() -> None:
        signal.sigwait(signals)
        stop.set()

    threading.Thread(target=wait, name="signals", daemon=True).start()
    return stop


if __name__ == "__main__":
    sys.exit(main())
