"""The customers: as many as told, each over a new connection, and never a queue."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dwcp.processes import Role, wait_until


class Service:
    """Answers as told, and keeps what it was asked."""

    def __init__(self) -> None:
        service = self
        self.asked: list[dict[str, object]] = []
        self.connections = 0
        self.code, self.held = 200, threading.Event()
        self.held.set()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.connections += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.asked.append(json.loads(body))
                service.held.wait(10)
                self.send_response(service.code)
                answer = json.dumps({"version": "v1"}).encode()
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Silent."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self.held.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


def requests(load: Role, outcome: str, version: str = "v1") -> float:
    labels = (("outcome", outcome), ("version", version))
    return load.metrics()["dwcp_load_requests_total"].get(labels, 0.0)


def test_machines_are_asked_for_in_order_with_names_of_their_own(service: Service) -> None:
    given = {"DWCP_SERVICE": service.address, "DWCP_LOAD": "1MiB*2+3MiB", "DWCP_LOAD_RATE": "50"}
    with Role("load", DWCP_LOAD_INFLIGHT="1", **given) as load:
        wait_until(lambda: requests(load, "moved") >= 6)
        assert load.terminate() == 0
    assert [each["size"] for each in service.asked[:3]] == [1 << 20, 1 << 20, 3 << 20]
    assert {each["room"] for each in service.asked} == {3 << 20}
    names = [each["id"] for each in service.asked]
    assert len(set(names)) == len(names)


def test_what_cannot_be_started_is_skipped(service: Service) -> None:
    service.held.clear()
    with Role("load", DWCP_SERVICE=service.address, DWCP_LOAD_RATE="200") as load:
        wait_until(lambda: load.metrics()["dwcp_load_skipped_total"][()] > 5)
        assert len(service.asked) == 4


def test_settings_change_while_it_runs_and_bad_ones_do_not(
    service: Service, tmp_path: Path
) -> None:
    (tmp_path / "load").write_text("2MiB")
    (tmp_path / "load-rate").write_text("100")
    with Role("load", DWCP_SERVICE=service.address, DWCP_CONFIG=str(tmp_path)) as load:
        wait_until(lambda: service.asked)
        (tmp_path / "load").write_text("5MiB")
        wait_until(lambda: service.asked[-1]["size"] == 5 << 20)
        (tmp_path / "load").write_text("rm -rf /")
        wait_until(lambda: load.errors().get("bad_config"))
        seen = len(service.asked)
        wait_until(lambda: len(service.asked) > seen + 3)
        assert service.asked[-1]["size"] == 5 << 20
        assert any("it takes sizes such as" in line for line in load.log)
        (tmp_path / "load-rate").write_text("0")
        wait_until(lambda: any("load-rate is now 0" in line for line in load.log))


@pytest.mark.parametrize(("code", "outcome"), [(502, "failed"), (409, "refused"), (503, "refused")])
def test_what_became_of_a_machine_is_counted(service: Service, code: int, outcome: str) -> None:
    service.code = code
    with Role("load", DWCP_SERVICE=service.address, DWCP_RETRY="0.1") as load:
        wait_until(lambda: requests(load, outcome) >= 1)
        assert requests(load, "moved") == 0


def test_a_service_that_is_not_there_is_asked_again_and_then_counted() -> None:
    with Role("load", DWCP_SERVICE="127.0.0.1:1", DWCP_RETRY="0.3") as load:
        wait_until(lambda: requests(load, "refused", "v3") >= 1)
