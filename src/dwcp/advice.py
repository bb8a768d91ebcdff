"""HDE as a source knows it: which codec it wants, and what it is told in return."""

import logging
import time

from dwcp import web
from dwcp.codec import CODECS
from dwcp.environment import Address
from dwcp.errors import Errors

log = logging.getLogger(__name__)

PROBE_SECONDS = 1.0
CODEC_SECONDS = 1.0  # that HDE's answer is believed
CODEC_GRACE_SECONDS = 15.0  # that it is kept while HDE does not answer, before that is an error


class Advice:
    """Without an HDE the codec is `none`."""

    def __init__(self, hde: Address | None, errors: Errors) -> None:
        self._hde = hde
        self._errors = errors
        self._codec = "none"
        self._asked_at = 0.0
        self._answered_at = time.monotonic()

    def codec(self) -> str:
        now = time.monotonic()
        if self._hde and now - self._asked_at >= CODEC_SECONDS:
            self._asked_at = now
            try:
                codec = web.ask(self._hde, "/codec", seconds=PROBE_SECONDS)[1].get("codec")
                if codec not in CODECS:
                    raise ConnectionError(f"hde named no codec but {codec!r}")
                self._codec, self._answered_at = codec, now
            except OSError as error:
                self._missed(now, error)
        return self._codec

    @property
    def wants_reports(self) -> bool:
        return self._hde is not None

    def report(self, body: dict[str, object]) -> None:
        if self._hde is None:
            return
        try:
            web.ask(self._hde, "/chunks", body, seconds=PROBE_SECONDS)
        except OSError as error:
            log.warning("hde did not take the report: %s", error)

    def status(self) -> str:
        if self._hde is None:
            return "not configured"
        try:
            code, _ = web.ask(self._hde, "/ready", seconds=PROBE_SECONDS)
        except OSError:
            return "unreachable"
        return "healthy" if code == 200 else "draining"

    def _missed(self, now: float, error: OSError) -> None:
        log.warning("hde does not answer, codec stays %s: %s", self._codec, error)
        if now - self._answered_at > CODEC_GRACE_SECONDS:
            self._errors.count("hde", "unreachable", "warning")
