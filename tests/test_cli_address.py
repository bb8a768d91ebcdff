"""Where a command finds the server, without one."""

from pathlib import Path

import pytest

from playcall.cli.address import NoAddress, find_address


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLAYCALL_URL", raising=False)
    return tmp_path


def test_the_first_that_tells_it_wins(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_address(None, None) == "http://127.0.0.1:8700"
    (here / "playcall.toml").write_text("[server]\nport = 9100\n[people.x]\nwrong = 1\n", "utf-8")
    assert find_address(None, None) == "http://127.0.0.1:9100"
    (here / "other.toml").write_text('[server]\nurl = "https://calls.example.org/"\n', "utf-8")
    assert find_address(None, "other.toml") == "https://calls.example.org"
    monkeypatch.setenv("PLAYCALL_URL", "http://told.example")
    assert find_address(None, "other.toml") == "http://told.example"
    assert find_address("http://said.example", "other.toml") == "http://said.example"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("0.0.0.0", "http://127.0.0.1:8700"),
        ("::", "http://[::1]:8700"),
        ("fd00::2", "http://[fd00::2]:8700"),
        ("calls.internal", "http://calls.internal:8700"),
    ],
)
def test_a_server_is_reached_where_it_listens(here: Path, host: str, address: str) -> None:
    (here / "playcall.toml").write_text(f'[server]\nhost = "{host}"\n', "utf-8")
    assert find_address(None, None) == address


@pytest.mark.parametrize("text", [None, "[server", "server = 3\n"])
def test_a_file_that_was_named_and_tells_nothing_is_no_reason_to_guess(
    here: Path, text: str | None
) -> None:
    if text is not None:
        (here / "it.toml").write_text(text, "utf-8")
    with pytest.raises(NoAddress, match=r"it\.toml"):
        find_address(None, "it.toml")
