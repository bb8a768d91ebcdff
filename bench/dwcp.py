"""How fast DWCP moves machines on this host, beside what its loopback can do at all: raw sockets
in Python, and iperf3 with the same congestion control.

`python -m bench dwcp`. Compare only within one run. Where the loopback itself is slow, a neighbour
has the processors: it says so and measures nothing.
"""

import contextlib
import http.client
import itertools
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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIB = 1 << 20
SIZE = 256 * MIB
ROUNDS = 10
RAW_BYTES = 2 << 30
IPERF_SECONDS = 2
CONGESTION = "cubic"
PAUSE = 0.15  # seconds between migrations: the destination clears its memory, which is not timed
CALM_GB_S = 4.0  # raw, four streams; half of what an idle machine of two cores shows
STREAMS = (1, 4, 16)
CODECS = ("none", "auto", "lz4", "snappy", "zstd")
ZERO_SHARES = (0.0, 0.5, 0.8)
PACED = 120_000_000  # bytes/s of a stream: the fault that more streams make up for
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


@dataclass(frozen=True, slots=True)
class Case:
    streams: int
    codec: str
    zero_share: float
    pacing: int | None = None  # bytes/s of a stream
    size: int = SIZE


@dataclass(frozen=True, slots=True)
class Role:
    """A process of the service, and its ports by what they are for."""

    pid: int
    ports: Mapping[str, int]

    def peak_mib(self) -> int:
        """The most memory it ever had, what it shares included."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) >> 10


@contextlib.contextmanager
def role(name: str, **variables: str) -> Iterator[Role]:
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
        yield Role(process.pid, ports)
    finally:
        process.terminate()
        process.wait()


def migrate(port: int, case: Case, seed: int) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    time.sleep(PAUSE)
    body = {"id": f"vm-{seed}", "size": case.size, "zero_share": case.zero_share, "seed": seed}
    connection.request("POST", "/migrations", json.dumps(body))
    answer: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    if "error" in answer:
        raise SystemExit(f"a migration failed: {answer}")
    return answer


# --- the peers


def raw_loopback(streams: int) -> float:
    """Bytes/s from one process to another, thread per stream, 1 MiB at a time."""
    receiver = subprocess.Popen(
        [sys.executable, "-c", RECEIVE, str(streams)], stdout=subprocess.PIPE, text=True
    )
    assert receiver.stdout
    port = int(receiver.stdout.readline())
    block = bytes(MIB)
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(streams)]

    def send(stream: socket.socket) -> None:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION.encode())
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


def iperf3(streams: int) -> float:
    """Bytes/s that arrive."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    server = subprocess.Popen(
        ["iperf3", "-s", "-1", "--forceflush", "-B", "127.0.0.1", "-p", port],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout
    for line in server.stdout:
        if "listening" in line:
            break
    words = ["-P", str(streams), "-t", str(IPERF_SECONDS), "-C", CONGESTION, "-J"]
    found = subprocess.run(
        ["iperf3", "-c", "127.0.0.1", "-p", port, *words],
        capture_output=True,
        text=True,
        check=True,
    )
    server.communicate()
    return float(json.loads(found.stdout)["end"]["sum_received"]["bits_per_second"]) / 8


# --- DWCP


def run(case: Case, peers: Mapping[str, float]) -> dict[str, object]:
    """`peers`: bytes/s with as many streams."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        paced = Path(folder) / "pacing"
        if case.pacing:
            paced.write_text(str(case.pacing), "utf-8")
        destination = stack.enter_context(role("destination", DWCP_LISTEN="127.0.0.1:0"))
        hde = stack.enter_context(
            role("hde", COMPRESSION_ALGO=case.codec, DWCP_METRICS_LISTEN="127.0.0.1:0")
        )
        source = stack.enter_context(
            role(
                "source",
                STREAM_COUNT=str(case.streams),
                DWCP_CONGESTION=CONGESTION,
                DWCP_DESTINATION=f"127.0.0.1:{destination.ports['streams']}",
                DWCP_HDE=f"127.0.0.1:{hde.ports['metrics']}",
                DWCP_CONTROL_LISTEN="127.0.0.1:0",
                DWCP_METRICS_LISTEN="127.0.0.1:0",
                DWCP_PACING_FILE=str(paced),
            )
        )
        migrate(source.ports["control"], case, 0)  # makes the guest's memory, which is not timed
        answers = [migrate(source.ports["control"], case, seed) for seed in range(ROUNDS)]
        peaks = {"source": source.peak_mib(), "destination": destination.peak_mib()}
    return _result(case, answers, peers, peaks)


def _result(
    case: Case,
    answers: list[dict[str, Any]],
    peers: Mapping[str, float],
    peaks: Mapping[str, int],
) -> dict[str, object]:
    seconds = [float(answer["seconds"]) for answer in answers]
    rate = statistics.median(answer["logical_bytes"] / answer["seconds"] for answer in answers)
    wire = statistics.median(answer["wire_bytes"] / answer["seconds"] for answer in answers)
    return {
        "mib": case.size // MIB,
        "streams": case.streams,
        "pacing": case.pacing,
        "codec": case.codec,
        "zero_share": case.zero_share,
        "logical_gb_s": _gb(rate),
        "wire_gb_s": _gb(wire),
        "of_raw": round(rate / peers["raw"], 2),
        "of_iperf3": round(rate / peers["iperf3"], 2),
        "p50_ms": round(statistics.median(seconds) * 1000, 1),
        "p99_ms": round(statistics.quantiles(seconds, n=100, method="inclusive")[98] * 1000, 1),
        "downtime_ms": round(statistics.median(a["downtime_seconds"] for a in answers) * 1000, 1),
        "peak_mib_above_image": {side: peak - case.size // MIB for side, peak in peaks.items()},
    }


def _gb(rate: float) -> float:
    return round(rate / 1e9, 2)


def cases() -> Iterator[Case]:
    for zero_share, codec, streams in itertools.product(ZERO_SHARES, CODECS, STREAMS):
        yield Case(streams, codec, zero_share)
    for streams in STREAMS:
        yield Case(streams, "none", 0.7, PACED, 768 * MIB)


def measure() -> Iterator[dict[str, Any]]:
    calm = max(raw_loopback(4) for _ in range(3))
    if calm < CALM_GB_S * 1e9:
        told = f"raw loopback moves {_gb(calm)} GB/s, and {CALM_GB_S:g} is the least"
        yield {"skipped": f"machine too busy: {told}"}
        return
    peers = {
        streams: {"raw": raw_loopback(streams), "iperf3": iperf3(streams)} for streams in STREAMS
    }
    for streams, found in peers.items():
        yield {"streams": streams, **{f"{name}_gb_s": _gb(rate) for name, rate in found.items()}}
    for case in cases():
        yield run(case, peers[case.streams])
