"""`playcall serve` as a process: how it refuses to start, how it ends, what survives its death."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from playcall.settings import hash_token
from tests.core.compiling import a_document
from tests.servers import HOST, answers, free_port, wait_for

PLAYCALL = str(Path(sys.executable).with_name("playcall"))
SETTINGS = f"""
[server]
port = {{port}}
[documents]
playbook = "playbook.md"
[intake]
tokens = ["{hash_token("intake")}"]
[mail]
host = "127.0.0.1"
port = 1
sender = "playcall@example.org"
[people.ada]
name = "Ada"
mail = "ada@example.org"
tokens = ["{hash_token("ada")}"]
[on_call]
"On-Call Primary" = ["ada"]
"Team Lead" = ["ada"]
"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder with a playbook and the settings to run it."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def settings(self) -> Path:
        return self.folder / "playcall.toml"

    def change(self, old: str, new: str) -> None:
        text = self.settings.read_text("utf-8")
        assert old in text
        self.settings.write_text(text.replace(old, new), "utf-8")

    @contextlib.contextmanager
    def serving(self) -> Iterator["subprocess.Popen[str]"]:
        process = subprocess.Popen(
            [PLAYCALL, "serve", "--settings", str(self.settings)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            wait_for(lambda: process.poll() is not None or answers(f"{self.url}/sign-in"), "start")
            yield process
        finally:
            process.kill()
            process.communicate()

    def ask(self, path: str, token: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(folder=tmp_path, port=free_port())
    (tmp_path / "playbook.md").write_text(a_document(), "utf-8")
    found.settings.write_text(SETTINGS.format(port=found.port), "utf-8")
    return found


def refusal(place: Place) -> str:
    """What is said, in one line, by a server that does not start."""
    done = subprocess.run(
        [PLAYCALL, "serve", "--settings", str(place.settings)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done
    assert "First run" not in done.stdout
    [line] = done.stderr.splitlines()
    return line


# --- What keeps it from starting -----------------------------------------------------------------


def test_a_port_in_use_is_said(place: Place) -> None:
    with socket.create_server((HOST, place.port)):
        said = refusal(place)
    assert said.startswith(f"Cannot listen on {HOST}:{place.port}: Address already in use")


def test_settings_that_are_not_there_are_said(place: Place) -> None:
    place.settings.unlink()
    assert "playcall.toml: there is no such file" in refusal(place)


def test_an_unknown_key_is_said(place: Place) -> None:
    place.change("[server]", "[server]\nprot = 1")
    assert "prot" in refusal(place)


def test_a_role_that_nobody_fills_is_said(place: Place) -> None:
    place.change('"Team Lead" = ["ada"]', "")
    assert 'pages "Team Lead", and nobody is bound to it' in refusal(place)


def test_somebody_on_call_who_cannot_be_reached_is_said(place: Place) -> None:
    place.change('mail = "ada@example.org"', "")
    assert refusal(place).startswith("people.ada: is on call and cannot be reached")


def test_a_playbook_that_is_not_there_is_said(place: Place) -> None:
    (place.folder / "playbook.md").unlink()
    said = refusal(place)
    assert said.startswith("documents.playbook: ")
    assert said.endswith("No such file or directory")


@pytest.mark.parametrize(
    ("database", "words"),
    [
        ("postgresql+psycopg://127.0.0.1:1/x", "Cannot open the database: connection"),
        ("nonsense", "Cannot open the database: Could not parse"),
        ("oracle://x/y", "Cannot open the database: No module"),
    ],
)
def test_a_database_that_cannot_be_opened_is_said(place: Place, database: str, words: str) -> None:
    place.change("[server]", f'[server]\ndatabase = "{database}"')
    assert refusal(place).startswith(words)


def test_a_data_folder_that_is_a_file_is_said(place: Place) -> None:
    place.change("[server]", '[server]\ndata = "playbook.md"')
    assert "playbook.md" in refusal(place)


def test_a_host_that_is_none_is_said(place: Place) -> None:
    place.change("[server]", f'[server]\nhost = "{"x" * 70}.example"')
    assert refusal(place).startswith("Cannot listen on xxx")


def test_a_second_server_on_one_database_is_told_of_the_first(place: Place) -> None:
    with place.serving() as first:
        place.change(f"port = {place.port}", "port = 0")
        said = refusal(place)
        assert f"is in use by another Playcall (process {first.pid})" in said
        assert answers(f"{place.url}/sign-in"), "the first goes on"


# --- How it ends, and begins again ---------------------------------------------------------------


def test_it_ends_well_when_told_and_the_first_link_is_printed_once(place: Place) -> None:
    printed = []
    for sent in (signal.SIGTERM, signal.SIGINT):
        with place.serving() as process:
            process.send_signal(sent)
            out, err = process.communicate(timeout=30)
        assert (process.returncode, "Traceback" in err) == (0, False), err
        printed.append(out)
    assert "Playcall runs playbook.md: 1 play." in printed[0]
    assert f"{place.url}/sign-in?code=" in printed[0]
    assert "First run" not in printed[1]


def test_it_ends_although_a_page_is_open(place: Place) -> None:
    with place.serving() as process:
        _alert(place)
        wait_for(lambda: bool(place.ask("/api/v1/incidents", "ada")), "incident")
        request = urllib.request.Request(
            f"{place.url}/incidents/1/live", headers={"authorization": "Bearer ada"}
        )
        with urllib.request.urlopen(request, timeout=10) as stream:
            assert stream.readline() == b"event: page\n"
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in err) == (0, False), err


def _alert(place: Place) -> None:
    alert = {
        "status": "firing",
        "labels": {"alertname": "DiskAlmostFull"},
        "startsAt": "2026-03-01T12:00:00Z",
    }
    body = {"version": "4", "alerts": [alert]}
    assert place.ask("/api/v1/alerts/alertmanager", "intake", body) == {"news": 1, "repeated": 0}


def test_an_alert_that_was_taken_survives_the_sudden_death_of_the_server(place: Place) -> None:
    with place.serving() as process:
        _alert(place)
        process.kill()
    with place.serving():
        wait_for(lambda: bool(place.ask("/api/v1/incidents", "ada")), "incident")
        [incident] = place.ask("/api/v1/incidents", "ada")
    assert incident["play"] == "DiskAlmostFull"


def test_an_incident_of_before_is_led_by_the_settings_of_today(place: Place) -> None:
    text = place.settings.read_text("utf-8")
    now = datetime.now(UTC)
    begins, ends = (now + timedelta(hours=hours) for hours in (-1, 1))
    window = f"from = {begins.isoformat()}\nuntil = {ends.isoformat()}"
    place.change(
        "[intake]",
        f'[[maintenance]]\n{window}\nmatchers = {{ alertname = "*" }}\nreason = "cables"\n[intake]',
    )
    with place.serving():
        _alert(place)
        wait_for(lambda: bool(place.ask("/api/v1/incidents", "ada")), "incident")
        assert place.ask("/api/v1/incidents", "ada")[0]["quiet"]["reason"] == "maintenance: cables"
    deaf = text.replace("Team Lead", "Chief") + "[alertmanager]\nreconcile_every = 0\n"
    place.settings.write_text(deaf, "utf-8")
    (place.folder / "playbook.md").write_text(a_document().replace("Team Lead", "Chief"), "utf-8")
    with place.serving() as process:
        told: dict[str, Any] = {}

        def unreached() -> bool:  # nobody takes mail
            told.update(place.ask("/api/v1/incidents/1", "ada"))
            return bool(told["unreached"])

        wait_for(unreached, "a page that fails")
        assert (told["quiet"], told["unbound"]) == (None, ["Team Lead"])
        env = {**os.environ, "PLAYCALL_URL": place.url, "PLAYCALL_TOKEN": "ada", "NO_COLOR": "1"}
        for words in (["incidents"], ["incidents", "1"]):
            done = subprocess.run(
                [PLAYCALL, *words], env=env, capture_output=True, text=True, check=True, timeout=60
            )
            assert "ada (On-Call Primary) was not reached at " in done.stdout
        assert "Nobody is bound to Team Lead: the first rung is paged instead" in done.stdout
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    assert 'Nobody is bound to "Team Lead", which incident 1, opened with an earlier plan' in out


def test_the_key_and_the_links_are_for_nobody_else_to_read(place: Place) -> None:
    with place.serving():
        data = place.folder / "playcall-data"
        assert (data / "secret.key").stat().st_mode & 0o077 == 0
        assert (data / "links").stat().st_mode & 0o077 == 0
