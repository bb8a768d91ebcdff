"""Takes secrets out of what commands print, before anybody keeps it. Never stores one.

Text is judged a line at a time, so that a secret cut in two by a read is still seen whole. It errs
on the side of hiding: what looks like a secret is one.
"""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from playcall.runner.kubesecret import Veil
from playcall.runner.tokens import patterns

MARK = b"[redacted]"
SHORTEST = 4  # bytes; hiding every "7" would hide the output, and nothing that short is secret
LONGEST_LINE = 32 * 1024  # bytes held back while a line is not at its end
OVERLAP = 4 * 1024  # bytes of a longer line that are held back still: the beginning of a secret
LARGEST_KEY = 64 * 1024  # bytes hidden after a private key's first line, if its last never comes

_KEY_END = re.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
# Begun by a set of letters, which `re` skips to much faster than to the words.
_NAME = rb"[APSTapst](?i:(?<=t)oken|(?<=p)assw(?:or)?d|(?<=s)ecret\w{0,64}|(?<=a)pi[-_]?key)"
_NAME_HINTS = (b"token", b"passw", b"secret", b"apikey", b"api_key", b"api-key")
_SECRET_NAME = re.compile(
    "token|passw|passphrase|secret|api_?key|access_?key|private_?key|credential|auth|(?:^|_)dsn$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a secret looks like: `kept` leads to it, `start` begins it, it goes on with `more`."""

    hints: tuple[bytes, ...]  # one of them, in lower case, is in every text that holds it
    kept: bytes = b""
    start: bytes = b""
    more: bytes = b""  # a character

    def pattern(self) -> re.Pattern[bytes]:
        rest = self.more + (b"*" if self.start else b"+") if self.more else b""
        return re.compile(b"(%b)%b%b" % (self.kept, self.start, rest))


_KEY = _Shape(
    hints=(b"private key",),
    start=rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----",
)
_SHAPES = (
    _KEY,
    _Shape(
        hints=(b"authorization",),
        kept=rb"[Aa](?i:uthorization)[\"']?[ \t]{0,8}[:=][ \t]{0,8}[\"']?",
        more=rb"[^\"'\r\n]",
    ),
    _Shape(
        hints=(b"bearer",),
        kept=rb"[Bb](?i:earer)[ \t]{1,8}",
        start=rb"[\w.~+/=-]{16}",
        more=rb"[\w.~+/=-]",
    ),
    _Shape(hints=(b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), start=rb"gh\w_\w{16}", more=rb"\w"),
    _Shape(hints=(b"github_pat_",), start=rb"github_pat_\w{16}", more=rb"\w"),
    _Shape(hints=(b"xox",), start=rb"xox[a-z]-[\w-]{10}", more=rb"[\w-]"),
    _Shape(hints=(b"akia", b"asia"), start=rb"A[KS]IA[A-Z0-9]{16}", more=rb"[A-Z0-9]"),
    _Shape(
        hints=(b"eyj",),
        start=rb"eyJ(?<![\w-]eyJ)[\w-]{8,4096}\.[\w-]{8}",
        more=rb"[\w.=-]",
    ),
    _Shape(hints=_NAME_HINTS, kept=rb"(?m:^)\w{0,64}" + _NAME + rb"=", more=rb"[^\r\n]"),
    _Shape(hints=_NAME_HINTS, kept=_NAME + rb"=\"", more=rb"[^\"\r\n]"),
    _Shape(hints=_NAME_HINTS, kept=_NAME + rb"='", more=rb"[^'\r\n]"),
    _Shape(hints=_NAME_HINTS, kept=_NAME + rb"=", more=rb"[^\s\"']"),
    _Shape(hints=_NAME_HINTS, kept=_NAME + rb"\"[ \t]{0,8}:[ \t]{0,8}\"", more=rb"[^\"\r\n]"),
    # The last word of a line of YAML, or of a header.
    _Shape(
        hints=_NAME_HINTS,
        kept=_NAME + rb"[\"']?:[ \t]{1,8}[\"']?",
        start=rb"(?=[^\s\"']{1,512}[\"']?[ \t]{0,8}(?:[\r\n]|\Z))[^\s\"']",
        more=rb"[^\s\"']",
    ),
    _Shape(hints=(b"cookie:",), kept=rb"[Cc](?i:ookie):[ \t]{1,8}", more=rb"[^\r\n]"),
    _Shape(hints=(b"://",), kept=rb"://", start=rb"[^\s/:@]{0,256}:[^\s/@]{1,1024}(?=@)"),
)


class Redactor:
    """Knows the secrets of the settings, in the forms they are printed in, and how others look."""

    def __init__(self, secrets: Sequence[str]) -> None:
        forms = sorted({form for one in secrets for form in _forms(one)}, key=len, reverse=True)
        self._shapes = [(shape, shape.pattern()) for shape in _SHAPES]
        self._shapes += [(_Shape(hints=hints), pattern) for hints, pattern in patterns()]
        self._hints = {hint for shape, _ in self._shapes for hint in shape.hints}
        self._forms = forms
        self._known = re.compile(b"()(?:%b)" % b"|".join(re.escape(form) for form in forms))
        self.overlap = max([OVERLAP, *map(len, forms)])

    def begin(self, command: str = "") -> "Redaction":
        """One for each stream; `command` is what prints it."""
        return Redaction(self, command)

    def redact(self, data: bytes) -> bytes:
        """A text that is there as a whole."""
        stream = self.begin()
        return stream.feed(data) + stream.end()

    def hide(self, text: str) -> str:
        """The same for what people and alerts say."""
        return self.redact(text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")

    def find(self, text: bytes, position: int) -> Iterator[tuple[_Shape, re.Match[bytes]]]:
        """The secrets from `position` on, in order and apart."""
        found = [
            (found, shape, pattern)
            for shape, pattern in self._likely(text)
            if (found := pattern.search(text, position))
        ]
        while found:
            first, shape, _ = min(found, key=lambda one: one[0].start())
            position = first.end()
            yield shape, first
            found = [
                (later, shape, pattern)
                for one, shape, pattern in found
                if (later := one if one.start() >= position else pattern.search(text, position))
            ]

    def hide_known(self, kept: bytes) -> bytes:
        """What leads to a secret, such as a name, may hold one of the settings."""
        return self._known.sub(MARK, kept) if self._forms else kept

    def _likely(self, text: bytes) -> Iterator[tuple[_Shape, re.Pattern[bytes]]]:
        """Most text holds no secret, and looking for literals is cheap."""
        if any(form in text for form in self._forms):
            yield _Shape(hints=()), self._known
        lowered = text.lower()
        there = {hint for hint in self._hints if hint in lowered}
        for shape, pattern in self._shapes:
            if not shape.hints or not there.isdisjoint(shape.hints):
                yield shape, pattern


class Redaction:
    """One stream on its way: bytes go in as they come, lines come out."""

    def __init__(self, redactor: Redactor, command: str = "") -> None:
        self._redactor = redactor
        self._veil = Veil(command)
        self._pending = bytearray()
        self._key_left = 0  # bytes still hidden as part of a private key
        self._swallowed: re.Pattern[bytes] | None = None  # what the secret just hidden goes on with

    def feed(self, data: bytes) -> bytes:
        """What can be shown now; an unfinished line waits."""
        held = len(self._pending)
        self._pending += data
        cut = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if cut:
            return self._veil.feed(self._release(held + cut))
        if len(self._pending) > LONGEST_LINE:
            return self._veil.feed(self._release(len(self._pending) - self._redactor.overlap))
        return b""

    def end(self) -> bytes:
        return self._veil.feed(self._release(len(self._pending))) + self._veil.end()

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
        again = True
        while again:
            again = False
            for shape, found in self._redactor.find(text, position):
                if found.start() >= cut:
                    return
                if found.start() < position:
                    again = found.end() > position  # begins in a private key and hides what follows
                    if again:
                        break
                    continue
                position = found.end()
                if shape is _KEY:
                    self._key_left = LARGEST_KEY
                    position = self._skip_key(text, position, cut)
                elif position == len(text) and shape.more:
                    self._swallowed = re.compile(shape.more + b"*")
                yield found.start(), position, self._redactor.hide_known(found.group(1))

    def _skip_key(self, text: bytes, position: int, cut: int) -> int:
        """To its last line, or to `cut`: what comes after may be half of the last line."""
        limit = position + self._key_left
        if found := _KEY_END.search(text, position, limit):
            self._key_left = 0
            return found.end()
        end = min(max(position, cut), limit)
        self._key_left -= end - position
        return end


def is_secret_name(name: str) -> bool:
    """Whether a variable of that name holds a secret."""
    return _SECRET_NAME.search(name) is not None


def _forms(secret: str) -> Iterator[bytes]:
    """A secret as it is, in a URL, in JSON and in base64. One of several lines is as many."""
    whole = secret.strip()
    for text in [whole, *map(str.strip, whole.splitlines())]:
        data = text.encode()
        coded = (base64.b64encode(data), base64.b64encode(data + b"\n"))
        for form in (data, quote(text, safe="").encode(), json.dumps(text)[1:-1].encode(), *coded):
            if len(data) >= SHORTEST and b"\n" not in form and b"\r" not in form:
                yield form
