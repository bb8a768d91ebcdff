"""What looks like a secret stays inside, however the stream is cut; the rest comes out as it is."""

import base64
import random

import pytest

from playcall.runner.redaction import LARGEST_KEY, LONGEST_LINE, Redactor

KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEabcd\n" * 20 + "-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.s1gn-ature_"


def redact(text: str, *secrets: str) -> str:
    return Redactor(secrets).redact(text.encode()).decode()


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("> Authorization: Basic dXNlcjpw", "> Authorization: [redacted]"),
        ("Proxy-authorization: Digest a, b", "Proxy-authorization: [redacted]"),
        ("curl -H 'Authorization: token abc' u", "curl -H 'Authorization: [redacted]' u"),
        ('{"Authorization": "Basic abc", "a": 1}', '{"Authorization": "[redacted]", "a": 1}'),
        ("sent Bearer abcdefghijklmnop.q ok", "sent Bearer [redacted] ok"),
        ("a ghp_abcdefghijklmnopqrst0123456789ABCD b", "a [redacted] b"),
        ("github_pat_11ABCDEFG0abcdefghijklm_xyz", "[redacted]"),
        ("id AKIAIOSFODNN7EXAMPLE.", "id [redacted]."),
        ("xoxb-123456789012-abcdefABCDEF", "[redacted]"),
        (f"jwt={JWT};", "jwt=[redacted];"),
        ("DB_PASSWORD=two words", "DB_PASSWORD=[redacted]"),
        ("export API_TOKEN=abc LEVEL=1", "export API_TOKEN=[redacted] LEVEL=1"),
        ("export AWS_SECRET_ACCESS_KEY='a b' X=1", "export AWS_SECRET_ACCESS_KEY='[redacted]' X=1"),
        ('run --env MY_TOKEN="a b" now', 'run --env MY_TOKEN="[redacted]" now'),
        ('{"password": "a b", "user": "jo"}', '{"password": "[redacted]", "user": "jo"}'),
        ("postgres://jo:hunter2@db/x", "postgres://[redacted]@db/x"),
        (f"before\n{KEY}\nafter", "before\n[redacted]\nafter"),
        (f"data: {KEY!r}, next: 1", "data: '[redacted]', next: 1"),
    ],
)
def test_it_hides_what_looks_like_a_secret(printed: str, shown: str) -> None:
    assert redact(printed) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "the token was renewed; the password too",
        "max_tokens=512 passwords: 3",
        "http://prometheus:9090/graph?g0.expr=up",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "commit 3ef8d85a0b1c2d3e4f5061728394a5b6c7d8e9f0",
        "xoxo eyJ ghp_ AKIA bearer of news",
        "API_TOKEN=",
    ],
)
def test_it_leaves_the_rest_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_bytes_that_are_no_text_pass_unchanged() -> None:
    data = bytes(range(256)) * 3
    assert Redactor(["hunter2"]).redact(data) == data


def test_configured_secrets_are_hidden_in_every_spelling() -> None:
    secret = "p@ss/wörd"
    coded = base64.b64encode(secret.encode()).decode()
    text = f"plain {secret}, in a URL p%40ss%2Fw%C3%B6rd, in Kubernetes {coded}."
    hidden = "plain [redacted], in a URL [redacted], in Kubernetes [redacted]."
    assert redact(text, secret) == hidden


def test_a_secret_of_several_lines_is_hidden_line_by_line() -> None:
    assert redact("x first line\n  second line y", "first line\nsecond line\n") == (
        "x [redacted]\n  [redacted] y"
    )


def test_the_longer_of_two_secrets_wins() -> None:
    assert redact("hunter2-long hunter2", "hunter2", "hunter2-long") == "[redacted] [redacted]"


def test_a_secret_is_plain_text_and_no_pattern() -> None:
    assert redact("aaaa a.*b(", "a.*b(") == "aaaa [redacted]"


def test_empty_and_tiny_values_hide_nothing() -> None:
    assert redact("a 7 b", "", "7", " \n") == "a 7 b"


def hostile_stream() -> bytes:
    long_line = "x" * (2 * LONGEST_LINE) + " MY_SECRET=" + "v" * (3 * LONGEST_LINE)
    parts = [
        "DB_PASSWORD=hunter2",
        "hello configured-secret there",
        KEY,
        JWT,
        long_line,
        "after\r\nAuthorization: Basic abc\r",
        "y" * LONGEST_LINE + KEY.replace("\n", "\\n") + "z" * LONGEST_LINE + "configured-secret",
    ]
    return "\n".join(parts).encode()


@pytest.mark.parametrize("seed", range(8))
def test_it_does_not_matter_where_the_stream_is_cut(seed: int) -> None:
    chance = random.Random(seed)
    redactor = Redactor(["configured-secret"])
    data = hostile_stream()
    stream = redactor.begin()
    largest = (40, 700, 9_000, 70_000)[seed % 4]
    shown, position = b"", 0
    while position < len(data):
        size = chance.randint(1, largest)
        shown += stream.feed(data[position : position + size])
        position += size
    shown += stream.end()
    assert shown == redactor.redact(data)
    for secret in (b"hunter2", b"configured-secret", b"MIIE", b"eyJ", b"vvv", b"Basic"):
        assert secret not in shown
    assert b"after\r\nAuthorization: [redacted]\r" in shown


@pytest.mark.parametrize("secret", ["configured-secret", f"T_TOKEN={'a' * 30}", JWT])
def test_it_hides_a_secret_cut_at_any_byte(secret: str) -> None:
    redactor = Redactor(["configured-secret"])
    for cut in range(len(secret) + 1):
        stream = redactor.begin()
        shown = stream.feed(secret[:cut].encode()) + stream.feed(secret[cut:].encode() + b"\n")
        assert shown.endswith(b"[redacted]\n"), cut


def test_lines_come_out_as_soon_as_they_end() -> None:
    stream = Redactor([]).begin()
    assert stream.feed(b"one\ntw") == b"one\n"
    assert stream.feed(b"o\r") == b"two\r"
    assert stream.end() == b""


def test_no_more_than_a_long_line_is_held_back() -> None:
    stream = Redactor([]).begin()
    held = 0
    for _ in range(100):
        held += 10_000 - len(stream.feed(b"a" * 10_000))
        assert held <= LONGEST_LINE + 10_000
    assert held == len(stream.end())


def test_a_private_key_that_never_ends_does_not_hide_everything() -> None:
    text = "-----BEGIN PRIVATE KEY-----\n" + "MIIE\n" * LARGEST_KEY + "the end"
    shown = redact(text)
    assert shown.startswith("[redacted]")
    assert shown.endswith("the end")
    assert len(text) - len(shown) >= LARGEST_KEY


@pytest.mark.timeout(60)  # seconds; what takes quadratic time here takes hours
@pytest.mark.parametrize(
    "piece", ["SECRET", "://", "eyJ", "-----BEGIN PRIVATE KEY-----\n", "_", "TOKEN=a\n", "a:b@"]
)
def test_no_output_makes_it_crawl(piece: str) -> None:
    data = (piece * (500_000 // len(piece))).encode()
    Redactor(["configured-secret"]).redact(data)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "-----BEGIN PRIVATE KEY-----\nAuthorization: x-----END PRIVATE KEY----- A_TOKEN=b",
            "[redacted] A_TOKEN=[redacted]",
        ),
        ("hunter2hunter2_TOKEN=b", "[redacted]_TOKEN=[redacted]"),
    ],
)
def test_a_secret_does_not_hide_another_beside_it(text: str, shown: str) -> None:
    assert Redactor(["hunter2hunter2"]).redact(text.encode()).decode() == shown
