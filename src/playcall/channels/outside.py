"""Posts to addresses that strangers gave us: never to this network, never further than told, and
never for long."""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx

from playcall.engine.mailing import Undeliverable
from playcall.engine.ports import Unavailable

LONGEST_ANSWER = 64 * 1024  # bytes that are read of it
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    client: httpx.AsyncClient
    private: bool = False  # this network is allowed, and so is http
    timeout: timedelta = timedelta(seconds=10)

    async def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """What was answered with 2xx. Raises Undeliverable."""
        try:
            async with asyncio.timeout(self.timeout.total_seconds()):
                return await self._post(_read(address, self.private), body, headers)
        except TimeoutError as error:
            seconds = f"{self.timeout.total_seconds():g}"
            raise Undeliverable(f"the webhook did not answer within {seconds} s") from error
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise Undeliverable(f"the webhook did not answer: {reason}") from error

    async def _post(self, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> bytes:
        # The address that was looked at is the one that is connected to: a name may change.
        target = url.copy_with(host=await self._resolve(url))
        host = url.netloc.decode("ascii")
        answered = b""
        async with self.client.stream(
            "POST",
            target,
            content=body,
            headers={"content-type": "application/json", **headers, "host": host},
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
            follow_redirects=False,
        ) as response:
            if not response.is_success:
                raise _refused(response)
            async for piece in response.aiter_bytes():
                answered += piece
                if len(answered) > LONGEST_ANSWER:
                    break
        return answered

    async def _resolve(self, url: httpx.URL) -> str:
        port = url.port or (443 if url.scheme == "https" else 80)
        host = url.raw_host.decode("ascii")
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError) as error:
            raise Undeliverable(f"the webhook's host is not known: {error}") from error
        addresses = [str(one[4][0]) for one in found]
        if not self.private and not all(map(is_public, addresses)):
            raise Undeliverable("the webhook's host is in a private network", permanent=True)
        return addresses[0]


def is_public(address: str) -> bool:
    ip: _Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64 or ip.teredo:
            return False
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    return ip.is_global and not ip.is_multicast


def is_address(text: str, private: bool) -> bool:
    try:
        _read(text, private)
    except Undeliverable:
        return False
    return True


def _read(address: str, private: bool) -> httpx.URL:
    try:
        url = httpx.URL(address)
        host = url.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise Undeliverable("the webhook is no address", permanent=True) from error
    good = url.scheme == "https" or (private and url.scheme == "http")
    if not good or not host or url.userinfo:
        raise Undeliverable("the webhook is no https:// address", permanent=True)
    return url.copy_with(fragment=None)


def _refused(response: httpx.Response) -> Unavailable:
    asked = response.headers.get("retry-after", "")
    return Undeliverable(
        f"the webhook answered {response.status_code}",
        permanent=response.status_code in (404, 410),
        retry_after=timedelta(seconds=int(asked)) if asked.isdigit() and len(asked) < 6 else None,
    )
