"""`python -m drillrange.bad_source`: a peer that sends what no source of the service would send.

It runs as a pod with an address of its own, POD_IP, and finds the destination as pods of its
cluster would: by the range's configuration.
"""

import os
import socket
import sys
import time

RATE = 50.0  # connections in a second
GARBAGE = b"DWS1" + bytes(range(256)) * 4


def main() -> int:
    target, port = sys.argv[1].rsplit(":", 1)
    here = os.environ["POD_IP"]
    print(f"sending broken frames from {here} to {target}:{port}", flush=True)
    while True:
        began = time.monotonic()
        try:
            with socket.create_connection((target, int(port)), 2.0, (here, 0)) as stream:
                stream.sendall(GARBAGE)
        except OSError as error:
            print(f"refused: {error}", flush=True)
        time.sleep(max(0.0, 1 / RATE - (time.monotonic() - began)))


if __name__ == "__main__":
    sys.exit(main())
