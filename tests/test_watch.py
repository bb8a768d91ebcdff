"""`playcall test-page` and `playcall watch` as processes, beside a server that is killed."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from playcall.channels.mail import Mail
from playcall.engine.ports import Unavailable
from playcall.testing import RememberingChannel
from playcall.watcher import Watcher
from tests.engine.world import ADA
from tests.servers import Mailbox, receiver, smtp, wait_for
from tests.web.served import TOKEN, Served


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with smtp() as found:
        yield found


def subjects(box: Mailbox) -> list[str]:
    return [str(message["subject"]) for message in box.messages]


def kill(served: Served) -> None:
    process = served._process
    assert process is not None
    process.kill()
    process.wait()


def command(*words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "playcall", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PLAYCALL_TOKEN": TOKEN, "NO_COLOR": "1"},
    )


def test_a_page_is_proven_and_a_killed_server_is_told(tmp_path: Path, box: Mailbox) -> None:
    served = Served(tmp_path, box.port)
    served.start()
    (tmp_path / "token").write_text(TOKEN, "utf-8")
    watch = command(
        *("watch", served.url, "--page", "ada", "--settings", str(tmp_path / "playcall.toml")),
        *("--token-file", str(tmp_path / "token"), "--after", "1s", "--every", "0.2"),
    )
    try:
        proving = command("test-page", "ada", "--url", served.url)
        said, _ = proving.communicate(timeout=60)
        assert (proving.returncode, said[:14]) == (0, "mail: taken in"), said
        assert subjects(box) == ["Test page: nothing is wrong"]
        proven = command("oncall", "--proven", "--url", served.url)
        said, _ = proven.communicate(timeout=60)
        assert proven.returncode == 0, said
        nobody = command("test-page", "eve", "--url", served.url)
        said, _ = nobody.communicate(timeout=60)
        assert (nobody.returncode, "nobody is called eve" in said) == (1, True), said
        kill(served)
        wait_for(lambda: len(box.messages) > 1, "page of the watcher")
        assert subjects(box)[1].startswith("Playcall itself does not work: it does not answer")
        assert box.messages[1]["x-priority"] == "1"
        served.start()
        wait_for(lambda: len(box.messages) > 2, "all clear")
        assert subjects(box)[2] == "Playcall works again"
    finally:
        watch.kill()
        watch.communicate()
        kill(served)


def test_whoever_cannot_be_paged_is_said_at_the_start(tmp_path: Path) -> None:
    Served(tmp_path, 1)
    (tmp_path / "token").write_text(TOKEN, "utf-8")
    words = ["watch", "http://x", "--page", "eve", "--token-file", str(tmp_path / "token")]
    words += ["--settings", str(tmp_path / "playcall.toml")]
    watch = command(*words)
    said, _ = watch.communicate(timeout=60)
    assert (watch.returncode, "eve is nobody who can be reached" in said) == (2, True), said


# --- What the watched one may answer -------------------------------------------------------------


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"\xff garbage", "no Playcall (200)"),
        (401, b"{}", "does not know the token"),
        (500, b"oops", "no Playcall (500)"),
        (200, b'{"healthy": false}', "it says that it does not work"),
        (200, b'{"healthy": "yes"}', "no Playcall (200)"),
        (503, json.dumps({"healthy": False, "troubles": ["x" * 10**5]}).encode(), "its answer"),
    ],
)
async def test_any_answer_but_a_good_one_is_trouble(
    client: httpx.AsyncClient, status: int, body: bytes, words: str
) -> None:
    chat = RememberingChannel()
    with receiver() as web:
        web.status, web.body = status, body
        watcher = a_watcher(client, web.url, chat=chat)
        assert words in " ".join(await watcher.look(0))
        assert chat.sent == [], "it may pass"
        await watcher.look(60)
        await watcher.look(61)
        assert len(chat.sent) == 1, "it is not told again at once"
        await watcher.look(60 + 900)
        assert len(chat.sent) == 2
        web.status, web.body = 200, b'{"healthy": true, "troubles": []}'
        for _ in range(2):
            await watcher.look(1000)
    assert [message.subject for _, message, _ in chat.sent][2:] == ["Playcall works again"]
    assert len({key for _, _, key in chat.sent}) == 3


async def test_the_next_method_is_tried_and_then_all_of_them_again(
    client: httpx.AsyncClient,
) -> None:
    chat = RememberingChannel(broken=Unavailable("the chat is down"))
    mail = Mail("127.0.0.1", 1, sender="p@example.org")
    with receiver() as web:
        web.status = 500
        watcher = a_watcher(client, web.url, mail=mail, chat=chat)
        await watcher.look(0)
        said = await watcher.look(60)
        assert said[1].startswith("NOBODY WAS TOLD: mail: ")
        assert said[1].endswith("chat: the chat is down")
        chat.broken = None
        assert (await watcher.look(61))[1] == "told Ada by chat"


def a_watcher(client: httpx.AsyncClient, url: str, **channels: Any) -> Watcher:
    return Watcher(
        url=url,
        token="hush",
        person=ADA,
        channels=channels,
        client=client,
        after=60,
        repeat=900,
    )
