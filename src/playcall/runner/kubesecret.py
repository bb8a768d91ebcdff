"""Hides what Kubernetes keeps in Secrets: their values in YAML and JSON, wherever they are printed,
and all that a command prints that asks for a value alone."""

import re
from enum import Enum

MARK = b"[redacted]"
NOTE = b"[redacted: this command shows secrets]\n"
LONGEST = (
    64 * 1024
)  # bytes of a line; of a longer one, where it may hold a secret, nothing is shown

_CLIENT = re.compile(r"\b(?:kubectl|oc)\b[^|;&\n]*\bsecrets?\b[^|;&\n]*")
_FORMAT = re.compile(r"\s(?:-o|--output|--template|--go-template)(?:[= ]*)[\"']?([\w-]*)")
_HARMLESS_FILTERS = re.compile(r"\s*\|\s*(?:grep|head|tail|less|wc|sort|uniq)\b")
_FILE = re.compile(
    r"\b(?:cat|head|tail|less|more|base64|xxd|od|strings|cut|awk)\b[^|;&\n]*/secrets?/"
)

_BASE64 = rb"[A-Za-z0-9+/]{6,}={0,2}"
_BLOCK = re.compile(
    rb"(?P<indent>[ \t]*)(?:- )?[\"']?(?:data|stringData)[\"']?:[ \t]*(?P<brace>\{?)\s*"
)
_ENTRY = re.compile(rb"(?P<key>\s*[\"']?[\w.-]+[\"']?:[ \t]*)(?P<value>\S.*?)(?P<end>,?\s*)")
_INLINE = re.compile(rb"(\\?\"(?:data|stringData)\\?\":\s*\{)([^{}]*)")
_PAIR = re.compile(rb"(\\?\"[\w.-]+\\?\":\s*\\?\")((?:[^\"\\]|\\[^\"])*)")
_SIGNS = (b'ata"', b'ata\\"', b"ata:", b"ata'")  # none of them: no block begins
_ERROR = re.compile(rb"(?:Error from server|error: |Unable to connect)")


class Care(Enum):
    """What a command may print of secrets."""

    USUAL = 1  # a Secret among other things
    STRICT = 2  # Secrets as YAML or JSON
    HIDE = 3  # their values, bare


def care(command: str) -> Care:
    if _FILE.search(command):
        return Care.HIDE
    found = Care.USUAL
    for asked in _CLIENT.finditer(command):
        form = _FORMAT.search(asked[0])
        if form is None or form[1] in ("wide", "name"):
            continue
        rest = command[asked.end() :].split("\n")[0]
        piped = rest.startswith("|") and not _HARMLESS_FILTERS.match(rest)
        if form[1] not in ("yaml", "json") or piped or rest.count("|") > 1:
            return Care.HIDE
        found = Care.STRICT
    return found


class Veil:
    """One stream on its way, after other secrets were taken out of it; lines stay whole."""

    def __init__(self, command: str) -> None:
        self._care = care(command)
        self._line = bytearray()  # the beginning of one that is not at its end
        self._indent = -1  # of the block of values that is being read; -1: none
        self._noted = False

    def feed(self, data: bytes) -> bytes:
        if self._idle and not any(sign in data for sign in _SIGNS):
            return data
        *lines, rest = (bytes(self._line) + data).split(b"\n")
        self._line = bytearray(rest)
        shown = b"".join(self._show(line + b"\n") for line in lines)
        if len(self._line) > LONGEST:
            shown += self._show(bytes(self._line))
            self._line.clear()
        return shown

    def end(self) -> bytes:
        shown = self._show(bytes(self._line)) if self._line else b""
        self._line.clear()
        return shown

    @property
    def _idle(self) -> bool:
        return self._care is Care.USUAL and self._indent < 0 and not self._line

    def _show(self, line: bytes) -> bytes:
        if self._care is Care.HIDE:
            if _ERROR.match(line):
                return line
            noted, self._noted = self._noted, True
            return b"" if noted or not line.strip() else NOTE
        if self._care is Care.STRICT and len(line) > LONGEST:
            return MARK
        if self._indent >= 0:
            return self._inside(line)
        if block := _BLOCK.fullmatch(line):
            self._indent = len(block["indent"])
            return line
        return _INLINE.sub(self._hide_pairs, line)

    def _inside(self, line: bytes) -> bytes:
        """A line of a block, unless the block ended before it."""
        indent = len(line) - len(line.lstrip(b" \t"))
        if line.strip() and indent <= self._indent:
            self._indent = -1
            return self._show(line)
        entry = _ENTRY.fullmatch(line)
        if entry is None:  # a line of a value of several
            return (
                line
                if self._care is Care.USUAL or not line.strip()
                else b" " * indent + MARK + b"\n"
            )
        bare = entry["value"].strip(b"\"'")
        return entry["key"] + MARK + entry["end"] if self._is_secret(bare) else line

    def _hide_pairs(self, found: re.Match[bytes]) -> bytes:
        def pair(one: re.Match[bytes]) -> bytes:
            return one[1] + MARK if self._is_secret(one[2]) else one[0]

        return found[1] + _PAIR.sub(pair, found[2])

    def _is_secret(self, value: bytes) -> bool:
        if not value or value in (b"{", b"[", b"|", b">"):
            return False
        whole = len(value) % 4 == 0 and re.fullmatch(_BASE64, value) is not None
        return whole or self._care is Care.STRICT
