"""Where a browser says its notifications are taken: an address from outside, which must not lead
into our own network. It is looked up here, and spoken to by the address that was found: a name that
answers otherwise the next time leads nowhere else."""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping

import httpx

from playcall.engine.ports import Unavailable

LARGEST = 2048  # characters


class PushService:
    """`local`: http and this machine's own addresses will do, since only this machine reaches the
    server (its `server.url` is a loopback address): a trial, or a test."""

    def __init__(self, client: httpx.AsyncClient, *, local: bool) -> None:
        self._client = client
        self._local = local

    def objection(self, endpoint: str) -> str:
        """Why no device may have this address, as far as can be told without a look-up."""
        try:
            url = httpx.URL(endpoint)
        except httpx.InvalidURL:
            return "it is no address"
        if len(endpoint) > LARGEST or not url.host or url.userinfo:
            return "it is no address of a push service"
        if self._local and url.scheme == "http" and _is_loopback(url.host):
            return ""
        if url.scheme != "https":
            return "it is not https"
        if url.port not in (None, 443) and not self._local:
            return "it has a port of its own"
        return ""

    async def post(self, endpoint: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """Its answer, unread. Raises Unavailable, httpx.HTTPError."""
        if why := self.objection(endpoint):
            raise Unavailable(f"The address of a device will not do: {why}.", permanent=True)
        url = httpx.URL(endpoint)
        address = await self._look_up(url)
        host = url.netloc.decode("ascii")
        request = self._client.build_request(
            "POST",
            url.copy_with(host=address),
            content=body,
            headers={**headers, "host": host},
            extensions={"sni_hostname": url.host},  # whose certificate it must have
        )
        answer = await self._client.send(request, stream=True, follow_redirects=False)
        await answer.aclose()
        return answer

    async def _look_up(self, url: httpx.URL) -> str:
        """Every address it has must be of the open internet. Raises Unavailable."""
        loop = asyncio.get_running_loop()
        port = url.port or 443
        try:
            found = await loop.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Unavailable(f"{url.host} is not found: {error.strerror or error}.") from error
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses or not all(self._may_reach(address) for address in addresses):
            raise Unavailable(f"{url.host} leads into a private network.", permanent=True)
        return addresses[0]

    def _may_reach(self, address: str) -> bool:
        ip = ipaddress.ip_address(address.partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if self._local and ip.is_loopback:
            return True
        return ip.is_global and not ip.is_multicast


def is_local(url: str) -> bool:
    """Whether an address of ours is reached from this machine only."""
    return _is_loopback(httpx.URL(url).host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
