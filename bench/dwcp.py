"""How fast DWCP moves machines on this host, beside what its loopback can do at all.

`python -m bench dwcp`. Compare only within one run.
"""

import contextlib
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MIB = 1 << 20
ROOM = 768 * MIB
RAW_BYTES = 2 << 30
PAUSE = 0.15  # seconds between migrations: the destination clears its memory, which is not timed
CASES: tuple[tuple[int, int, int | None, str], ...] = (
    # MiB, streams, pacing of a stream in bytes/s, codec
    (128, 4, None, "none"),
    (128, 16, None, "none"),
    (768, 4, None, "none"),
    (768, 16, None, "none"),
    (768, 4, 120_000_000, "none"),
    (768, 16, 120_000_000, "none"),
    (128, 4, 120_000_000, "none"),
    (128, 16, 120_000_000, "none"),
    (128, 4, None, "lz4"),
    (128, 4, None, "snappy"),
    (128, 4, None, "zstd"),
)
RECEIVE = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
import threading
def take(connection):
    buffer = bytearray(1 << 20)
    while connection.recv_into(buffer):
        pass
threads = []
for _ in range(int(sys.argv[1])):
    threads.append(threading.Thread(target=take, args=(listener.accept()[0],)))
    threads[-1].start()
for thread in threads:
    thread.join()
"""


@contextlib.contextmanager
def role(name: str, **variables: str) -> Iterator[dict[str, int]]:
    """A process of the service; yields its ports by what they are for."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dwcp", name],
        env=os.environ | variables,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    ports: dict[str, int] = {}
    expected = sum(name.endswith("LISTEN") for name in variables)
    for line in process.stderr:
        if found := re.search(r"listening on [\d.]+:(\d+) \((\w+)\)", line):
            ports[found[2]] = int(found[1])
            if len(ports) == expected:
                break
    threading.Thread(target=process.stderr.read, daemon=True).start()
    try:
        yield ports
    finally:
        process.terminate()
        process.wait()


def migrate(port: int, size: int, seed: int) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    time.sleep(PAUSE)
    body = {"id": f"vm-{seed}", "size": size, "room": ROOM, "zero_share": 0.7, "seed": seed}
    connection.request("POST", "/migrations", json.dumps(body))
    answer: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    if "error" in answer:
        raise SystemExit(f"a migration failed: {answer}")
    return answer


def raw_loopback(streams: int) -> float:
    """Bytes/s from one process to another, thread per stream, cubic, 1 MiB at a time."""
    receiver = subprocess.Popen(
        [sys.executable, "-c", RECEIVE, str(streams)], stdout=subprocess.PIPE, text=True
    )
    assert receiver.stdout
    port = int(receiver.stdout.readline())
    block = bytes(MIB)
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(streams)]

    def send(stream: socket.socket) -> None:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
        for _ in range(RAW_BYTES // MIB // streams):
            stream.sendall(block)
        stream.close()

    started = time.monotonic()
    threads = [threading.Thread(target=send, args=(stream,)) for stream in sockets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    receiver.wait()
    receiver.stdout.close()
    return RAW_BYTES / (time.monotonic() - started)


def case(
    destination: int, size: int, streams: int, pacing: int | None, codec: str, rounds: int
) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        paced = Path(folder) / "pacing"
        if pacing:
            paced.write_text(str(pacing), "utf-8")
        hde = role("hde", COMPRESSION_ALGO=codec, DWCP_METRICS_LISTEN="127.0.0.1:0")
        with (
            hde as hde_ports,
            role(
                "source",
                STREAM_COUNT=str(streams),
                DWCP_DESTINATION=f"127.0.0.1:{destination}",
                DWCP_HDE=f"127.0.0.1:{hde_ports['metrics']}",
                DWCP_CONTROL_LISTEN="127.0.0.1:0",
                DWCP_METRICS_LISTEN="127.0.0.1:0",
                DWCP_PACING_FILE=str(paced),
            ) as ports,
        ):
            migrate(ports["control"], MIB, 0)  # makes the guest's memory
            answers = [migrate(ports["control"], size * MIB, seed) for seed in range(rounds)]
    seconds = [float(answer["seconds"]) for answer in answers]
    logical = sum(int(answer["logical_bytes"]) for answer in answers)
    wire = sum(int(answer["wire_bytes"]) for answer in answers)
    return {
        "mib": size,
        "streams": streams,
        "pacing": pacing,
        "codec": codec,
        "p50_ms": round(statistics.median(seconds) * 1000, 1),
        "best_ms": round(min(seconds) * 1000, 1),
        "worst_ms": round(max(seconds) * 1000, 1),
        "downtime_ms": round(statistics.median(a["downtime_seconds"] for a in answers) * 1000, 1),
        "logical_gb_s": round(logical / sum(seconds) / 1e9, 2),
        "wire_gb_s": round(wire / sum(seconds) / 1e9, 2),
    }


def measure(rounds: int = 5) -> Iterator[dict[str, Any]]:
    for streams in (1, 4, 16):
        rate = round(raw_loopback(streams) / 1e9, 2)
        yield {"raw_loopback_gb_s": rate, "streams": streams}
    with role("destination", DWCP_LISTEN="127.0.0.1:0") as ports:
        for size, streams, pacing, codec in CASES:
            yield case(ports["streams"], size, streams, pacing, codec, rounds)
