"""Takes secrets out of what commands print, before anybody keeps it. Never stores one.

Text is judged a line at a time, so that a secret cut in two by a read is still seen whole. It errs
on the side of hiding: what looks like a secret is one.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

MARK = b"[redacted]"
SHORTEST = 4  # bytes; hiding every "7" would hide the output, and nothing that short is secret
LONGEST_LINE = 32 * 1024  # bytes held back while a line is not at its end
OVERLAP = 4 * 1024  # bytes of a longer line that are held back still: the beginning of a secret
LARGEST_KEY = 64 * 1024  # bytes hidden after a private key's first line, if its last never comes

_KEY_END = re.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_QUOTED = rb"[^\"\r\n]"
_PLAIN = rb"[^\s\"']"
_NAMES = rb"(?i:token|password|passwd|api_?key|secret\w{0,64})"

# What a secret looks like: what leads to it and is kept, how it begins, and what it goes on with.
# Each has a literal that text without a secret rarely holds; it is looked for first, in lower case.
_SHAPES: tuple[tuple[tuple[bytes, ...], bytes, bytes, bytes], ...] = (
    (
        (b"private key",),
        rb"",
        rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----",
        rb"",
    ),
    (
        (b"authorization",),
        rb"(?i:authorization)[\"']?[ \t]{0,8}[:=][ \t]{0,8}[\"']?",
        rb"",
        rb"[^\"'\r\n]",
    ),
    ((b"bearer",), rb"\b(?i:bearer)[ \t]{1,8}", rb"[\w.~+/=-]{16}", rb"[\w.~+/=-]"),
    ((b"gh", b"xox"), rb"", rb"(?:gh[pousr]_|github_pat_|xox[a-z]-)[\w-]{10}", rb"[\w-]"),
    ((b"akia", b"asia"), rb"", rb"\bA[KS]IA[A-Z0-9]{16}", rb"[A-Z0-9]"),
    ((b"eyj",), rb"", rb"eyJ[\w-]{8,4096}\.[\w-]{8}", rb"[\w.=-]"),
    (
        (b"token", b"passw", b"secret", b"api"),
        rb"(?m:^)\w{0,64}" + _NAMES + rb"=",
        rb"",
        rb"[^\r\n]",
    ),
    ((b"token", b"passw", b"secret", b"api"), _NAMES + rb"=\"", rb"", _QUOTED),
    ((b"token", b"passw", b"secret", b"api"), _NAMES + rb"='", rb"", rb"[^'\r\n]"),
    ((b"token", b"passw", b"secret", b"api"), _NAMES + rb"=", rb"", _PLAIN),
    (
        (b"token", b"passw", b"secret", b"api"),
        _NAMES + rb"\"[ \t]{0,8}:[ \t]{0,8}\"",
        rb"",
        _QUOTED,
    ),
    ((b"://",), rb"://", rb"[^\s/:@]{0,256}:[^\s/@]{1,1024}(?=@)", rb""),
)
_KEY = 1  # the number of the private key's shape; the secrets of the settings come last


class Redactor:
    """Knows the secrets of the settings, in the forms they are printed in, and how others look."""

    def __init__(self, secrets: Sequence[str]) -> None:
        spelled = {form for secret in secrets for form in _forms(secret)}
        forms = sorted(spelled, key=len, reverse=True)
        known = b"|".join(re.escape(form) for form in forms)
        shapes = [_alternative(*shape[1:]) for shape in _SHAPES]
        self.pattern = re.compile(b"|".join(shapes + ([b"()(?:%b)" % known] if known else [])))
        self.hints = tuple(sorted({hint for shape in _SHAPES for hint in shape[0]}))
        self.forms = tuple(forms)
        self.overlap = max([OVERLAP, *map(len, forms)])

    def begin(self) -> "Redaction":
        """One for each stream."""
        return Redaction(self)

    def redact(self, data: bytes) -> bytes:
        """A text that is there as a whole."""
        stream = self.begin()
        return stream.feed(data) + stream.end()

    def may_hold(self, data: bytes) -> bool:
        """Cheap, and True too often."""
        lowered = data.lower()
        return any(hint in lowered for hint in self.hints) or any(f in data for f in self.forms)


class Redaction:
    """One stream on its way: bytes go in as they come, lines come out."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._pending = bytearray()
        self._key_left = 0  # bytes still hidden as part of a private key
        self._swallowed: re.Pattern[bytes] | None = None  # what the secret just hidden goes on with

    def feed(self, data: bytes) -> bytes:
        """What can be shown now; an unfinished line waits."""
        held = len(self._pending)
        self._pending += data
        cut = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if cut:
            return self._release(held + cut)
        if len(self._pending) > LONGEST_LINE:
            return self._release(len(self._pending) - self._redactor.overlap)
        return b""

    def end(self) -> bytes:
        return self._release(len(self._pending))

    def _release(self, cut: int) -> bytes:
        text = bytes(self._pending)
        position = self._hidden_start(text, cut)
        pieces = []
        for start, end, kept in self._secrets(text, position, cut):
            pieces += [text[position:start], kept, MARK]
            position = end
        pieces.append(text[position:cut])
        del self._pending[: max(position, cut)]
        return b"".join(pieces)

    def _hidden_start(self, text: bytes, cut: int) -> int:
        """Where the text goes on after a secret that began before it."""
        if self._key_left:
            return self._skip_key(text, 0, cut)
        if self._swallowed is None:
            return 0
        found = self._swallowed.match(text)
        end = found.end() if found else 0
        if end < len(text):
            self._swallowed = None
        return end

    def _secrets(self, text: bytes, position: int, cut: int) -> Iterator[tuple[int, int, bytes]]:
        """Where each that begins before `cut` begins and ends, and the part of it that is shown."""
        if not self._redactor.may_hold(text[position:]):
            return
        while (found := self._redactor.pattern.search(text, position)) and found.start() < cut:
            shape = found.lastindex or 0
            position = found.end()
            if shape == _KEY:
                self._key_left = LARGEST_KEY
                position = self._skip_key(text, position, cut)
            elif position == len(text) and shape <= len(_SHAPES) and _SHAPES[shape - 1][3]:
                self._swallowed = re.compile(_SHAPES[shape - 1][3] + b"*")
            yield found.start(), position, found.group(shape)

    def _skip_key(self, text: bytes, position: int, cut: int) -> int:
        """To its last line, or to `cut`: what comes after may be half of the last line."""
        limit = position + self._key_left
        if found := _KEY_END.search(text, position, limit):
            self._key_left = 0
            return found.end()
        end = min(max(position, cut), limit)
        self._key_left -= end - position
        return end


def _alternative(kept: bytes, start: bytes, rest: bytes) -> bytes:
    more = rest + (b"*" if start else b"+") if rest else b""
    return b"(%b)%b%b" % (kept, start, more)


def _forms(secret: str) -> Iterator[bytes]:
    """A secret as it is, in a URL and in base64. One of several lines is as many secrets."""
    whole = secret.strip()
    for line in [whole, *whole.splitlines()]:
        data = line.strip().encode()
        for form in (data, quote(line.strip(), safe="").encode(), base64.b64encode(data)):
            if len(data) >= SHORTEST and b"\n" not in form and b"\r" not in form:
                yield form
