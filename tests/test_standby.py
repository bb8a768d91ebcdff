"""A start while the database is down: the status page is there, and the rest comes when it can."""

import asyncio
import signal
import socket
from pathlib import Path

import httpx
import pytest

from playcall import standby
from playcall.engine.ports import Unavailable
from playcall.settings import Settings, read_settings
from tests.core.test_status_page import an_update
from tests.web.test_public import Stored, a_site

STATUS_PAGE = '[status_page]\nserve = true\n[[status_page.components]]\nname = "Migrations"\n'


def settings_of(folder: Path, more: str = STATUS_PAGE) -> Settings:
    (folder / "playcall-data").mkdir()
    (folder / "playcall-data" / "playcall.db").write_bytes(b"this is no database" * 100)
    text = f'[documents]\nplaybook = "x.md"\n{more}'
    (folder / "playcall.toml").write_text(text, "utf-8")
    return read_settings(folder / "playcall.toml")


async def test_the_page_is_served_until_the_database_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standby, "RETRY", 0.05)
    settings = settings_of(tmp_path)
    await a_site(settings.data, Stored([an_update()])).answer("")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        opening = asyncio.create_task(standby.open_database(settings, listener))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            page = await client.get(f"{url}/status")
            webhook = await client.post(f"{url}/api/v1/alerts/alertmanager", json={})
        assert (page.status_code, "Moves are slow" in page.text) == (200, True)
        assert "As of" in page.text
        assert webhook.status_code == 503
        (settings.data / "playcall.db").unlink()
        store = await opening
        assert store is not None
        await store.close()
        assert listener.fileno() >= 0
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(name)


@pytest.mark.parametrize("more", ["", STATUS_PAGE], ids=["no page", "no copy"])
async def test_without_a_page_or_a_copy_of_it_the_start_fails(tmp_path: Path, more: str) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(Unavailable, match="Cannot open the database"),
    ):
        await standby.open_database(settings_of(tmp_path, more), listener)


def test_what_is_wrong_in_the_settings_is_said(tmp_path: Path) -> None:
    wrong = (
        '[status_page]\nserve = true\npath = "/api/x"\nhistory_days = 0\ntitle = " "\n'
        '[status_page.statuspage]\npage = "p"\ntoken_file = "t"\nurl = "x"\n'
        'components = {"Console" = "c"}\n'
    )
    with pytest.raises(ValueError, match=r"status_page\.path") as told:
        settings_of(tmp_path, wrong)
    for word in ("history_days", "title", "components", "statuspage.url", '"Console"'):
        assert word in str(told.value)
