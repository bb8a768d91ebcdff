"""What is fed to programs that send it on: a bare line end, or words that a server only answers."""

import re
from typing import TYPE_CHECKING

from playcall.core.compiler.shell.calls import Call

if TYPE_CHECKING:
    from playcall.core.compiler.shell.judge import Judge

_START = r"(?:^|[;&|(\n]|\bdo\b|\bthen\b)\s*"
_SUDO = r"\s*\|\s*(?:sudo\s+)?(?:timeout\s+\d+s?\s+)?$"
_FEEDS_NOTHING = re.compile(
    _START + r"(?:echo(?:\s+(?:-n|Q|\"Q?\"|'Q?'))*|true|:)\s*\|\s*(?:timeout\s+\d+s?\s+)?$"
)
_READS_NOTHING = re.compile(r"\s*(?:2>\s*/dev/null\s*|2>&1\s*)?<\s*/dev/null")
# ZooKeeper's words, memcached's, and HAProxy's. "stats reset" and "show ...; set ..." are not here.
_ASKS = re.compile(
    _START + r"(?:echo(?:\s+-[ne]+)?|printf)\s+"
    r"(?P<quote>[\"']?)(?:ruok|stat|srvr|mntr|conf|cons|envi|wchs|isro"
    r"|stats(?: (?:items|slabs|settings))?|version|show [\w ./-]+)(?:\\[rn])*(?P=quote)" + _SUDO
)
_SOCAT_END = re.compile(
    r"-|(?i:stdio)|/[\w./-]+|(?i:unix|unix-connect|unix-client):/[\w./-]+"
    r"|(?i:tcp4?|tcp4?-connect):[\w.-]+:\d+"
)


def judge_s_client(judge: "Judge", call: Call) -> None:
    """What is fed to it is sent to the server; nothing, or a bare line end, is harmless."""
    after = judge.findings.data[call.end :].decode(errors="replace")
    nothing = _FEEDS_NOTHING.search(_before(judge, call)) or _READS_NOTHING.match(after)
    if call.context.piped and not nothing:
        judge.findings.change("openssl s_client sends what is fed to it")


def judge_nc(judge: "Judge", call: Call) -> None:
    if not call.arguments.has("-z") and not _asks(judge, call):
        judge.findings.change("nc without -z sends what is fed to it")


def judge_socat(judge: "Judge", call: Call) -> None:
    ends = call.arguments.operands
    known = all(word.literal and _SOCAT_END.fullmatch(word.text) for word in ends)
    if len(ends) != 2 or not known or not _asks(judge, call):
        judge.findings.change("socat sends what is fed to it, and may start programs")


def _asks(judge: "Judge", call: Call) -> bool:
    return call.context.top and _ASKS.search(_before(judge, call)) is not None


def _before(judge: "Judge", call: Call) -> str:
    return judge.findings.data[: call.words[0].start].decode(errors="replace")
