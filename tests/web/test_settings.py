"""Settings, drills, audit and insights as pages of a real server; and what is shown of a file."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from playcall.settings import read_settings
from playcall.settingsview import lines_of, show_settings
from tests.servers import smtp, wait_for
from tests.web.accessibility import faults, signed_in
from tests.web.served import TOKEN, Served, chromium

REPORT = {
    "drill": "slow",
    "alert": "ServiceSlow",
    "document": "playbook.md",
    "digest": "d" * 64,
    "outcome": "passed",
    "why": "",
    "at": "2026-01-05T10:00:00+00:00",
    "factor": 20.0,
    "milestones": {"alert fired": 12.0, "page handed over": 15.5, "alert cleared": 80.0},
    "commands": [],
}
MORE = """
[people.bob]
name = "Bob"
access = "viewer"
mail = "bob@example.org"
tokens = ["sha256:{viewer}"]
[placeholders]
API_TOKEN = "do-not-tell"
HOST = "web-1"
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    from playcall.settings import hash_token

    folder = tmp_path_factory.mktemp("settings")
    kept = folder / "drills" / "2026-slow"
    kept.mkdir(parents=True)
    (kept / "report.json").write_text(json.dumps(REPORT), "utf-8")
    (kept / "report.md").write_text(
        "# Drill: slow\n\n<script>alert(1)</script>\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    )
    viewer = hash_token("of bob").removeprefix("sha256:")
    with smtp() as mailbox:
        found = Served(folder, mailbox.port, more=MORE.replace("{viewer}", viewer))
        settings = folder / "playcall.toml"
        text = settings.read_text("utf-8")
        settings.write_text(
            text.replace('playbook = "playbook.md"', 'playbook = "playbook.md"\ndrills = "drills"')
        )
        found.start()
        try:
            found.fire()
            yield found
        finally:
            found.stop()


def ask(served: Served, path: str, token: str = TOKEN) -> httpx.Response:
    return httpx.get(f"{served.url}{path}", headers={"Authorization": f"Bearer {token}"})


def test_each_setting_says_where_it_comes_from_and_no_secret_is_told(served: Served) -> None:
    assert ask(served, "/api/v1/settings", "of bob").status_code == 403
    assert ask(served, "/settings", "of bob").status_code == 403
    answer = ask(served, "/api/v1/settings")
    found = answer.json()
    values = {one["key"]: one for one in found["values"]}
    assert values["server.port"]["whence"] == f"playcall.toml:{served.line_of('port')}"
    assert values["server.host"]["whence"] == "default"
    assert values["people.ada.tokens"]["value"] == "1 set"
    assert values["runner.env.PATH"]["value"] == "set"
    assert "do-not-tell" not in answer.text
    assert values["placeholders.HOST"]["value"] == "web-1"
    assert "sha256:" not in answer.text
    page = ask(served, "/settings").text
    assert "do-not-tell" not in page
    [ada, bob] = found["people"]
    assert "on-call primary" in ada["on_call"]
    assert bob["on_call"] == []
    assert [way["channel"] for way in ada["ways"]] == ["mail"]


def test_a_test_is_sent_to_another_and_what_came_of_it_shows(
    served: Served, browser: Browser
) -> None:
    with signed_in(browser, served, javascript=False) as page:
        page.goto("/settings")
        page.get_by_role("button", name="Send Bob a test by Mail").click()
        assert "A test page for Bob is on its way" in (page.text_content("main") or "")
    wait_for(lambda: "taken in" in ask(served, "/settings").text, "the test's outcome")
    listed = ask(served, "/api/v1/audit?kind=TestPageAsked").json()["entries"]
    assert [(one["actor"], one["source"]) for one in listed] == [("ada", "page 127.0.0.1")]


def test_drills_say_what_was_proven_and_their_reports_are_read(served: Served) -> None:
    found = ask(served, "/api/v1/drills", "of bob").json()
    play = next(one for one in found["plays"] if one["alert"] == "ServiceSlow")
    assert (play["last"]["detected"], play["last"]["paged"]) == (12, 15.5)
    assert play["last"]["recovered"] == 80
    assert play["stale"]
    assert "<script>alert" not in ask(served, "/drills/2026-slow").text
    assert "<table" in ask(served, "/drills/2026-slow").text
    assert ask(served, "/api/v1/drills/2026-slow").text.startswith("# Drill")
    for other in ("none", "..", "%2e%2e", "..%2fplaycall.toml"):
        assert ask(served, f"/api/v1/drills/{other}").status_code in (404, 307)


def test_the_pages_are_for_everybody_s_eyes_and_keys(served: Served, browser: Browser) -> None:
    ask(served, "/api/v1/audit/verdict")
    paths = ("/settings", "/drills", "/drills/2026-slow", "/audit", "/audit?who=ada", "/insights")
    assert faults(browser, served, *paths) == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_lines_are_found_whatever_a_value_looks_like() -> None:
    text = "\n".join(
        [
            "pace = 1.0 # a = b",
            '[a."b.c"]',
            'x = """',
            "y = 3",
            '"""',
            "z = [",
            '  "y = 4",',
            "]",
            "[[list]]",
            "y = 1",
            "[[list]]",
            "y = 2",
            "q.r = 5",
        ]
    )
    assert lines_of(text) == {
        "pace": 1,
        "a.b.c.x": 3,
        "a.b.c.z": 6,
        "list.0.y": 10,
        "list.1.y": 12,
        "list.1.q.r": 13,
    }


def test_secrets_in_addresses_and_the_environment_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_TEST", "hush-hush")
    (tmp_path / "book.md").touch()
    (tmp_path / "hook").write_text("hush-hook")
    (tmp_path / "s.toml").write_text(
        '[server]\ndatabase = "postgresql+psycopg://u:pw-of-db@db/x?password=pw-2"\n'
        '[documents]\nplaybook = "book.md"\n'
        '[runner.env]\nKEY = "$SECRET_OF_TEST"\nOTHER = "hush-too"\n'
        '[webhook]\nsecret_file = "hook"\n[people.a]\nname = "A"\nwebhook = "https://h/hush-path"\n'
    )
    shown = show_settings(read_settings(tmp_path / "s.toml"), (), ())
    assert shown is not None
    values = {one.key: one for one in shown.values}
    assert values["server.database"].value == "postgresql+psycopg://db/x"
    assert values["runner.env.KEY"].value == "set"
    assert values["runner.env.KEY"].whence == "environment variable SECRET_OF_TEST, by s.toml:6"
    assert "hush" not in repr([one.value for one in shown.values])
