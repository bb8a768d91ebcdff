"""What asking a URL does: curl and wget, heavy paths, brackets curl refuses, and PromQL inside."""

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

from playcall.core.compiler.shell.calls import Call
from playcall.core.compiler.shell.standins import NAMES, TAME, WILD, unmask
from playcall.core.compiler.shell.syntax import Word
from playcall.core.place import Level
from playcall.core.plan import EffectClass

if TYPE_CHECKING:
    from playcall.core.compiler.shell.judge import Judge

_DATA = ("-d", "--data", "--data-raw", "--data-ascii", "--data-binary", "--data-urlencode")
_SCHEME = re.compile(r"([A-Za-z][\w+.-]*)://")
_GUESSED = ("ftp.", "dict.", "ldap.", "imap.", "smtp.", "pop3.")
_LIGHT_PROFILES = re.compile(
    r"pprof/?(?:(?:heap|goroutine|allocs|mutex|block|threadcreate|cmdline)?/?(?:[?#][^\x03]*)?)?$"
)
_VERBS = (
    r"quit|exit|abort|kill|cancel|yarn-cancel|yarn-stop|stop|start|restart|reboot|shutdown|halt|poweroff"
    r"|safe-?restart|safe-?exit|quietdown|cancelquietdown|reload|undeploy|deploy|redeploy|rollback|failover"
    r"|promote|demote|evict|drain|pause|resume|suspend|flush|flushall|purge|clear|clean|cleanup|reset|refresh"
    r"|synced|forcemerge|optimize|compact|reindex|rebuild|rebalance|trigger|run|execute|build|buildwithparameters"
    r"|enable|disable|delete|remove|drop|destroy|create|add|update|upgrade|install|uninstall|set|write|register"
    r"|deregister|invalidate|expire|rotate|gc|unlock|lock|ack|acknowledge|silence|mute|unmute|retry|rerun"
    r"|replay|migrate|scale|leave|join|sync|dump|heapdump|toggle|approve|reject|send|notify|publish"
)
_ACTS = re.compile(
    rf"/(?:quitquitquit|-/reload|-/quit|drain_listeners|reset_counters|healthcheck/fail|_?(?:{_VERBS}))/?(?:[?#]|$)"
    r"|/(?:shutdown|reboot|restart|delete|jolokia/(?:exec|write))(?:[/?#]|$)|/chat\.\w+"
    r"|/(?:logging|loggers|runtime_modify|cpuprofiler|heapprofiler)\?",
    re.IGNORECASE,
)
_ACTION = re.compile(
    r"[?&;](?:action|cmd|cmd_typ|command|op|do|method|operation)="
    r"(?!(?:get|list|show|stat|status|info|describe|read|open|ping|version|query|view|help"
    r"|clusterstatus|overseerstatus|requeststatus|liststatus|getfilestatus|getcontentsummary)\w*(?:[&#]|$))",
    re.IGNORECASE,
)
_STATEMENT = re.compile(
    r"(?:drop|delete|insert|alter|create|truncate|kill|grant|revoke|optimize|system|rename|attach"
    r"|detach|update|replace|set|exchange|backup|restore|undrop|move)\s|.*\binto\b",
    re.IGNORECASE | re.DOTALL,
)
_RANGE = re.compile(r"\[(?:\d+-\d+|[a-z]-[a-z]|[A-Z]-[A-Z])(?::\d+)?\]")
_QUERY = re.compile(r"/api/v1/query/?$")


def judge_curl(judge: "Judge", call: Call) -> None:
    arguments = call.arguments
    get = arguments.has("-G", "--get")
    said = [o.value for o in arguments.options if o.name in ("-X", "--request")]
    plain = bool(said) and all(v is not None and v.text == "GET" for v in said)
    for option in arguments.options:
        value = option.value
        if value is not None:
            why = _refuse(option.name, value, get, plain)
            if why:
                judge.findings.change(why)
    words = [*arguments.operands]
    words += [o.value for o in arguments.options if o.name == "--url" and o.value is not None]
    for word in words:
        _judge_url(judge, call, word, arguments.has("-g", "--globoff"))
    if get and len(words) == 1:
        _query_in_data(judge, call, words[0])


def _refuse(name: str, value: Word, get: bool, plain: bool) -> str:
    """Why an option with this value is a change; empty: it is not. `plain`: -X GET is said, and
    so what is sent is a question."""
    text = value.text
    if name in ("-X", "--request") and text not in ("GET", "HEAD", "OPTIONS"):
        return f"curl sends a {text if value.literal else 'request of an unknown method'}"
    if name in _DATA and not get and not (plain and value.literal and text[:1] != "@"):
        return "curl sends data"
    if name in _DATA and any(_STATEMENT.match(t) for t in (_said(text), unquote_plus(_said(text)))):
        return "curl sends a statement that is more than a question"
    if name in _DATA and get and re.match(r"(?:action|cmd|command|op|do)=", text):
        return "curl asks for an action"
    if name in ("-o", "--output", "-D", "--dump-header") and text not in ("/dev/null", "-"):
        return "curl writes a file"
    if name in ("-w", "--write-out") and (
        not value.literal or "%output" in text or "@" in text[:1]
    ):
        return "curl writes what its format says"
    if name in ("-H", "--header"):
        header = text.partition(":")[0].lower()
        if "override" in header or "method" in header or not re.fullmatch(r"[\w-]+", header):
            return "curl sends a header that may turn the request into a change"
    return ""


def _said(text: str) -> str:
    """What "q=..." asks a database; else nothing."""
    name, _, value = text.partition("=")
    return value.lstrip() if name in ("q", "query", "sql", "stmt") else ""


def judge_wget(judge: "Judge", call: Call) -> None:
    target = call.arguments.get("-O", "--output-document")
    written = target.value.text if target is not None and target.value is not None else "a file"
    if written not in ("-", "/dev/null") and not call.arguments.has("--spider"):
        judge.findings.change("wget writes a file")
    for word in call.arguments.operands:
        _judge_url(judge, call, word, True)


def _judge_url(judge: "Judge", call: Call, word: Word, globoff: bool) -> None:
    text = word.text
    scheme = _SCHEME.match(text)
    if scheme is not None and scheme[1].lower() not in ("http", "https", "file"):
        judge.findings.change(f'asks by "{scheme[1]}", not by HTTP')
    head = text[: (scheme.end() if scheme else 0) + 8]
    if (scheme is None and text.lower().startswith(_GUESSED)) or re.match(r"\W*[{\[]", head):
        judge.findings.change("asks by a protocol that is not sure")
    plain = unquote(text)
    if "pprof" in plain and _LIGHT_PROFILES.search(plain) is None:
        judge.findings.say(EffectClass.HEAVY, "takes a profile of a running process")
    if re.search(r"/debug/.*[?&]seconds=", plain):
        judge.findings.say(EffectClass.HEAVY, "watches a running process for a while")
    path = re.sub(r"^(?:[\w.+-]+://)?(?:\[[0-9A-Fa-f:.]+\])?", "", text).partition("?")[0]
    if not globoff and re.search(r"[\[{]", path):
        judge.findings.say(EffectClass.HEAVY, "asks a whole range of addresses")
    if any(mark in path.partition("/")[2] for mark in (WILD, NAMES)):
        judge.findings.say(EffectClass.HEAVY, "asks for a path known only at run time")
    if acts(plain) or any(_STATEMENT.match(each.lstrip()) for each in _asked(text)):
        judge.findings.change("asks for a path that makes the server act")
    _refused(judge, call, word, globoff)
    path, _, query = text.partition("?")
    if _QUERY.search(path):
        _query_in_url(judge, call, query)


def acts(path: str) -> bool:
    """Whether asking for this path makes a server do something."""
    return _ACTS.search(path) is not None or _ACTION.search(path) is not None


def _asked(url: str) -> list[str]:
    """What the URL asks a database, decoded."""
    _, _, query = url.partition("?")
    parts = [part.partition("=") for part in query.split("&")]
    return [
        unquote_plus(value) for name, _, value in parts if name in ("q", "query", "sql", "stmt")
    ]


def _refused(judge: "Judge", call: Call, word: Word, globoff: bool) -> None:
    """Faults: what the shell or curl will make of this URL."""
    text, at = word.text, call.place(word)
    hostless = re.sub(r"^\w+://\[[0-9A-Fa-f:.]+\]", "", text)
    if (
        not globoff
        and call.program.name == "curl"
        and re.search(r"[\[\]{}]", _RANGE.sub("", hostless))
    ):
        judge.findings.fault(
            "PC203",
            Level.ERROR,
            "curl takes brackets and braces in a URL for a pattern and stops (exit 3).",
            "Send the query with -G --data-urlencode 'query=...', or add -g and encode it.",
            at,
        )
    elif " " in text:
        judge.findings.fault(
            "PC203",
            Level.ERROR,
            "This URL holds a space, and curl refuses it (exit 3).",
            "Send the query with -G --data-urlencode 'query=...'.",
            at,
        )
    elif word.globs:
        judge.findings.fault(
            "PC203",
            Level.WARNING,
            'The URL is not quoted: the shell takes "?" for a file pattern, and zsh refuses it.',
            "Put the URL in single quotes.",
            at,
        )


def _query_in_url(judge: "Judge", call: Call, query: str) -> None:
    query = query.partition("#")[0]
    encoded = re.search(r"%[0-9A-Fa-f]{2}", query) is not None
    found = dict(part.partition("=")[::2] for part in query.split("&"))
    if "query" in found and not set(found) - {"query", "timeout"}:
        decode = unquote_plus if encoded else unquote
        note_query(judge, call, decode(found["query"]))


def _query_in_data(judge: "Judge", call: Call, url: Word) -> None:
    if _QUERY.search(url.text) is None:
        return
    found: dict[str, str] = {}
    for option in call.arguments.options:
        if option.name in _DATA and option.value is not None:
            name, _, value = option.value.text.partition("=")
            found[name] = value if option.name == "--data-urlencode" else unquote_plus(value)
    if "query" in found and not set(found) - {"query", "timeout"}:
        note_query(judge, call, found["query"])


def note_query(judge: "Judge", call: Call, expression: str) -> None:
    """Remember a PromQL query that can be asked natively."""
    expression = expression.strip()
    if not expression or any(mark in expression for mark in (WILD, TAME, NAMES)):
        return
    origin = call.context.origin
    span = origin or (call.words[0].start, call.end)
    judge.findings.queries.append(unmask(expression, judge.findings.hidden_between(*span)))
