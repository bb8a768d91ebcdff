"""What the commands share that ask a running server: its address, the token, its refusals."""

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playcall.cli.address import NoAddress, find_address

if TYPE_CHECKING:
    import httpx


_MINUTES = {"s": 1 / 60, "m": 1, "min": 1, "h": 60, "d": 1440}


LONGEST = 366 * 1440  # minutes
TIMEOUT = 30.0  # seconds that an answer may take


class Declined(Exception):
    """The server, or the way to it, said no. The message is for a person."""


class Unreachable(Declined):
    """It did not answer, or could not: asking again later may help."""


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", help="the server; default $PLAYCALL_URL, then the settings' own")
    parser.add_argument(
        "--settings", metavar="FILE", help="whose [server] says where; default ./playcall.toml"
    )
    parser.add_argument("--token-file", help="a file with your token; default $PLAYCALL_TOKEN")


def add_act_arguments(parser: argparse.ArgumentParser) -> None:
    """Of a command by which somebody does something."""
    parser.add_argument("--json", action="store_true", help="what came of it, for programs")
    add_server_arguments(parser)


def minutes(text: str) -> float:
    """How many minutes a person means: '30m', '1h30m', '2d'; a bare number is minutes."""
    pieces = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    whole = re.fullmatch(r"(\d+(?:\.\d+)?\s*[a-z]*\s*)+", text.strip().lower())
    if not whole or any(unit and unit not in _MINUTES for _, unit in pieces):
        raise argparse.ArgumentTypeError(f'"{text}" is no duration; write "30m", "1h30m" or "2d"')
    found = sum(float(count) * _MINUTES[unit or "m"] for count, unit in pieces)
    if found > LONGEST:
        raise argparse.ArgumentTypeError(f'"{text}" is over a year; nothing here lasts as long')
    return found


def ask(args: argparse.Namespace, path: str, timeout: float = TIMEOUT) -> "httpx.Response":
    """GET from the API. Raises Declined."""
    return _request(args, "GET", path, None, timeout=timeout)


def tell(args: argparse.Namespace, path: str, body: Mapping[str, Any]) -> "httpx.Response":
    """POST to the API. Raises Declined."""
    return _request(args, "POST", path, body)


def put(args: argparse.Namespace, path: str, body: Mapping[str, Any]) -> "httpx.Response":
    """PUT to the API. Raises Declined."""
    return _request(args, "PUT", path, body)


def send(args: argparse.Namespace, path: str, data: bytes) -> "httpx.Response":
    """POST bytes to the API. Raises Declined."""
    return _request(args, "POST", path, None, data)


def remove(args: argparse.Namespace, path: str) -> "httpx.Response":
    """DELETE from the API. Raises Declined."""
    return _request(args, "DELETE", path, None)


def act(args: argparse.Namespace, path: str, body: Mapping[str, Any], hint: str = "") -> int:
    """POST, say what came of it, and return the exit code. `hint` follows a refusal. With --json:
    {"incident": 1, "status": "acknowledged"}."""
    try:
        answer = tell(args, path, body).json()
    except Declined as error:
        print(error, file=sys.stderr)
        if hint:
            print(hint, file=sys.stderr)
        return 1
    say_done(args, answer)
    return 0


def say_done(args: argparse.Namespace, answer: Mapping[str, Any]) -> None:
    """What came of an act."""
    if args.json:
        print(json.dumps({"incident": args.incident, **answer}, indent=2))
    else:
        print(f"Incident {args.incident}: {answer['status']}")


def _request(
    args: argparse.Namespace,
    method: str,
    path: str,
    body: Mapping[str, Any] | None,
    data: bytes | None = None,
    timeout: float = TIMEOUT,
) -> "httpx.Response":
    import httpx

    url, headers = reach(args)
    try:
        answer = httpx.request(
            method,
            f"{url}/api/v1{path}",
            json=body,
            content=data,
            headers=headers,
            timeout=timeout,
            trust_env=False,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unreachable(
            f"{url} does not answer: {error}. Is `playcall serve` running? "
            "--url, PLAYCALL_URL, or --settings FILE names another address."
        ) from None
    return checked(answer)


def checked(answer: "httpx.Response") -> "httpx.Response":
    """Raises Declined when it says no."""
    if answer.is_server_error:
        raise Unreachable(_reason(answer))
    if answer.is_error:
        raise Declined(_reason(answer))
    return answer


def reach(args: argparse.Namespace) -> tuple[str, dict[str, str]]:
    """The server's address, and the headers that say who asks. Raises Declined."""
    try:
        url = find_address(args.url, args.settings)
    except NoAddress as error:
        raise Declined(str(error)) from None
    return url, {"Authorization": f"Bearer {_token(args)}", "User-Agent": "playcall"}


def _token(args: argparse.Namespace) -> str:
    if args.token_file:
        try:
            return Path(args.token_file).read_text("utf-8").strip()
        except OSError as error:
            raise Declined(f"{args.token_file}: {error.strerror}") from None
    token = os.environ.get("PLAYCALL_TOKEN", "")
    if not token:
        raise Declined("No token. Set PLAYCALL_TOKEN or give --token-file; `playcall token` helps.")
    return token


def _reason(answer: "httpx.Response") -> str:
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = answer.text[:200]
    if isinstance(detail, list):  # the body was not understood: one entry for each place
        detail = "; ".join(
            f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in detail
        )
    return f"Not done ({answer.status_code}): {detail}"
