"""A bad variable ends a role at once, with one line that says which, what and what is allowed."""

import subprocess
import sys

import pytest

from tests.dwcp.processes import environment

GOOD = {
    "amst": {"DWCP_SOURCE": "127.0.0.1:1", "DWCP_MEMORY": "/dev/shm"},
    "control": {"DWCP_SOURCE": "127.0.0.1:1"},
    "destination": {"DWCP_LISTEN": "127.0.0.1:0"},
    "hde": {},
    "load": {"DWCP_SERVICE": "127.0.0.1:1"},
    "source": {},
    "v1": {"DWCP_DESTINATION": "127.0.0.1:1"},
    "v1-destination": {"DWCP_LISTEN": "127.0.0.1:0"},
}


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dwcp", *arguments],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=20,
    )


@pytest.mark.parametrize(
    ("role", "variable", "value", "allowed"),
    [
        ("destination", "DWCP_LISTEN", "9000", "an address such as"),
        ("destination", "DWCP_METRICS_LISTEN", "here:99999", "an address such as"),
        ("source", "STREAM_COUNT", "0", "1 to 512"),
        ("source", "STREAM_COUNT", "many", "1 to 512"),
        ("source", "DWCP_DESTINATION", "nowhere", "an address such as"),
        ("source", "DWCP_CONGESTION", "warp", "one of"),
        ("source", "DWCP_DRAIN", "nan", "0 to 600"),
        ("hde", "COMPRESSION_ALGO", "brotli", "none, lz4, snappy, zstd, zstd-max, auto"),
        ("hde", "DWCP_GAUGE_EXPIRY", "0", "0.1 to 3600"),
        ("control", "FEATURE_FLAG_ROLLOUT", "101", "0 to 100"),
        ("control", "TRANSPORT_MODE", "pigeon", "datacenter, internet, hybrid, rdma_only"),
        ("control", "DWCP_ETCD", "etcd", "addresses such as"),
        ("control", "DWCP_DESTINATIONS", "a", "destinations such as"),
        ("control", "DWCP_RDMA_SUBSTITUTE", "wish", "none, shm"),
        ("control", "DWCP_EXPERIMENT", "luck", "none, odd-sizes"),
        ("destination", "DWCP_CAPACITY", "-1", "0 to"),
        ("destination", "DWCP_PEERS", "a", "peers such as"),
        ("load", "DWCP_LOAD", "128MB*19", "sizes such as"),
        ("load", "DWCP_LOAD", "128MiB*9999999999", "sizes such as"),
        ("load", "DWCP_LOAD_RATE", "-1", "0 to 1000"),
        ("load", "DWCP_ZERO_SHARE", "2", "0 to 1"),
        ("amst", "STREAM_COUNT", "0", "1 to 512"),
        ("v1", "DWCP_DESTINATION", "there", "an address such as"),
        ("control", "DWCP_WINDOW", "soon", "1 to 86400"),
    ],
)
def test_a_bad_value_is_told_in_one_line(
    role: str, variable: str, value: str, allowed: str
) -> None:
    ended = run(role, **(GOOD[role] | {variable: value}))
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f'dwcp {role}: {variable} is "{value}"; it takes ')
    assert allowed in line


@pytest.mark.parametrize(
    ("role", "variable"), [(role, name) for role, needed in GOOD.items() for name in needed]
)
def test_a_missing_variable_is_told_in_one_line(role: str, variable: str) -> None:
    others = {name: value for name, value in GOOD[role].items() if name != variable}
    ended = run(role, **others)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"dwcp {role}: {variable} is not set; it takes ")


@pytest.mark.parametrize("arguments", [(), ("conductor",), ("hde", "now")])
def test_an_unknown_role_is_told_which_there_are(arguments: tuple[str, ...]) -> None:
    ended = run(*arguments)
    assert ended.returncode == 2
    assert ended.stderr == f"usage: python -m dwcp {'|'.join(GOOD)}\n"
