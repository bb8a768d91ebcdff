"""What a placeholder stands for, by its name and its place in the command, and which values it may
have. Pure words and rules: it binds nothing, and knows no incident.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from playcall.core.plan import Command

LONGEST = 4096  # characters of a value


class Kind(StrEnum):
    """What a value has to be."""

    IP = "IP address"
    HOST = "host"
    ENDPOINT = "host, with or without its port"  # of an address with "://"
    POD = "pod"
    WORKLOAD = "pod or workload"  # where kubectl takes both: `logs`, `exec`
    NAMESPACE = "namespace"
    PORT = "port"
    NUMBER = "number"
    DURATION = "duration"
    PATH = "path"
    NAME = "name"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which values a kind takes, and what a person is told to write."""

    fits: Callable[[str], bool]
    write: str


# --- The kind ------------------------------------------------------------------------------------

# The last word of a placeholder's name, when it says something.
_BY_NAME: Mapping[str, Kind] = {
    **dict.fromkeys(("ip",), Kind.IP),
    **dict.fromkeys(("host", "hostname", "node", "server"), Kind.HOST),
    **dict.fromkeys(("pod", "podname"), Kind.POD),
    **dict.fromkeys(("namespace", "ns"), Kind.NAMESPACE),
    **dict.fromkeys(("port",), Kind.PORT),
    **dict.fromkeys(("count", "number", "replicas", "seconds", "minutes", "pid"), Kind.NUMBER),
    **dict.fromkeys(("duration", "interval", "since", "window"), Kind.DURATION),
    **dict.fromkeys(("path", "file", "filename", "dir", "directory", "folder"), Kind.PATH),
    **dict.fromkeys(("cidr", "subnet", "network", "url", "uri", "endpoint"), Kind.TEXT),
    **dict.fromkeys(("deployment", "service", "container", "statefulset", "configmap"), Kind.NAME),
}
_FILLERS = frozenset(("name", "here", "id"))  # "pod-name" is a pod, "YOUR_POD_HERE" too

# What stands before it in its line, when its name says nothing.
_BY_PLACE: tuple[tuple[re.Pattern[str], Kind], ...] = tuple(
    (re.compile(pattern + "$"), kind)
    for pattern, kind in (
        (r"""(?:\bkubectl\b[^|;&\n]*\s)(?:-n|--namespace)[ =]["']?""", Kind.NAMESPACE),
        (r"""--since[ =]["']?""", Kind.DURATION),
        (r"""--(?:tail|replicas|limit|lines)[ =]["']?""", Kind.NUMBER),
        (r"""--port[ =]["']?""", Kind.PORT),
        (r"""://[^/\s"']*:\d*""", Kind.NUMBER),
        (r"""://(?:[^/\s@"']*@)?""", Kind.ENDPOINT),
        (
            r"""\b(?:ping6?|traceroute6?|tracepath|mtr|dig|nslookup)\b[^|;&\n]*\s["']?""",
            Kind.HOST,
        ),
        (r"""\biptables\b[^|;&\n]*\s(?:-s|-d|--source|--destination)[ =]["']?""", Kind.IP),
    )
)
_TAKES_PORT = re.compile(r"""://(?:[^/\s@"']*@)?$""")
_TAKES_POD = re.compile(
    r"""\bkubectl\b[^|;&\n]*\s(?:exec|logs|attach|port-forward)\b[^|;&\n]*\s["']?$"""
)
_NAMES_POD = re.compile(
    r"""\bkubectl\b[^|;&\n]*\s(?:describe|delete|get|top)\s+(?:pods?|po)[\s/]["']?$"""
)
_SECRET = re.compile(
    r"(?:password|passwd|passphrase|secret|token|credentials?|(?:api|private|access)[^a-z]*key)$",
    re.IGNORECASE,
)


def kind_of(command: Command, name: str) -> Kind:
    """Its name is asked first; then what stands before it, each time it occurs."""
    before = _before(command, name)
    if kind := next((_BY_NAME[word] for word in _words(name) if word in _BY_NAME), None):
        if kind is Kind.POD and before and all(_TAKES_POD.search(line) for line in before):
            return Kind.WORKLOAD
        if kind is Kind.HOST and before and all(_TAKES_PORT.search(line) for line in before):
            return Kind.ENDPOINT
        return kind
    found = {_kind_at(line) for line in before}
    return found.pop() if len(found) == 1 else Kind.TEXT


def _words(name: str) -> tuple[str, ...]:
    """The word of a name that says what it is: the last one that is no filler."""
    words = [word for word in re.split(r"[^A-Za-z]+", name.lower()) if word]
    while len(words) > 1 and words[-1] in _FILLERS:
        words.pop()
    return tuple(words[-1:])


def _before(command: Command, name: str) -> list[str]:
    """What stands before the placeholder in its line, for each of its places."""
    texts = {placeholder.text for placeholder in command.placeholders if placeholder.name == name}
    return [
        command.text[: match.start()].rsplit("\n", 1)[-1]
        for text in sorted(texts)
        for match in re.finditer(re.escape(text), command.text)
    ]


def _kind_at(before: str) -> Kind:
    if kind := next((kind for pattern, kind in _BY_PLACE if pattern.search(before)), None):
        return kind
    if _NAMES_POD.search(before):
        return Kind.POD
    return Kind.TEXT


def is_secret(name: str) -> bool:
    """What is given is kept on record, and a secret must not be."""
    return _SECRET.search(name) is not None


# --- The values ----------------------------------------------------------------------------------

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"  # RFC 1123
_SUBDOMAIN = rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*"
_WORKLOADS = (
    "pod|po|deployment|deploy|statefulset|sts|daemonset|ds|replicaset|rs|job|service|svc"
    "|deployment.apps|statefulset.apps|daemonset.apps|replicaset.apps"
)


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: compiled.fullmatch(value) is not None


def _is_ip(value: str) -> bool:
    try:
        address = ip_address(value)
    except ValueError:
        return False
    return "%" not in value and not address.is_unspecified


_is_hostname = _matches(_SUBDOMAIN)


def _is_host(value: str) -> bool:
    """A last label of digits would be a mistyped address, which RFC 1123 rules out."""
    last = value.rpartition(".")[2]
    return _is_ip(value) or (_is_hostname(value.lower()) and not last.isdigit())


def _is_endpoint(value: str) -> bool:
    host, colon, port = value.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    return _is_host(value) or (bool(colon) and _is_port(port) and _is_host(bare))


def _is_port(value: str) -> bool:
    return _matches(r"[1-9]\d{0,4}")(value) and int(value) <= 65535


def _is_text(value: str) -> bool:
    return value.isprintable() and bool(value.strip())


RULES: Mapping[Kind, Rule] = {
    Kind.IP: Rule(fits=_is_ip, write="an address such as 10.0.0.7 or 2001:db8::7"),
    Kind.HOST: Rule(
        fits=_is_host, write="a host name such as db-1.example.org, or an address such as 10.0.0.7"
    ),
    Kind.ENDPOINT: Rule(
        fits=_is_endpoint, write="a host such as db-1.example.org, or with its port db-1:8080"
    ),
    Kind.POD: Rule(
        fits=_matches(_SUBDOMAIN),
        write="a pod's name such as web-7c9f-x2x1z: small letters, digits, - and .",
    ),
    Kind.WORKLOAD: Rule(
        fits=_matches(rf"(?:(?:{_WORKLOADS})/)?{_SUBDOMAIN}"),
        write="a pod's name such as web-7c9f-x2x1z, or deployment/web",
    ),
    Kind.NAMESPACE: Rule(
        fits=_matches(_LABEL),
        write="a namespace such as shop: at most 63 small letters, digits and -",
    ),
    Kind.PORT: Rule(fits=_is_port, write="a number from 1 to 65535"),
    Kind.NUMBER: Rule(fits=_matches(r"\d{1,18}"), write="digits such as 20"),
    Kind.DURATION: Rule(
        fits=_matches(r"(?:\d{1,9}(?:ms|s|m|h|d))+"), write="a duration such as 30s, 5m or 1h30m"
    ),
    Kind.PATH: Rule(
        fits=lambda value: _is_text(value) and not value.startswith("~"),
        write="a path such as /var/log/app.log; ~ is not expanded",
    ),
    Kind.NAME: Rule(
        fits=_matches(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}"),
        write="a name of letters, digits, . _ and -",
    ),
    Kind.TEXT: Rule(fits=_is_text, write="one line of text"),
}


def why_unfit(kind: Kind, value: str) -> str:
    """What is wrong with a value and what would be right; empty: it fits."""
    if not value:
        return f"it is empty; write {RULES[kind].write}"
    if len(value) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if value.startswith("-"):
        return f'it begins with "-", as an option does; write {RULES[kind].write}'
    if not RULES[kind].fits(value):
        article = "an" if kind is Kind.IP else "a"
        shown = value if len(value) <= 80 else f"{value[:80]}…"
        no = "is not " + ("text" if kind is Kind.TEXT else f"{article} {kind}")
        return f"{shown!a} {no}; write {RULES[kind].write}"
    return ""


def missing(command: Command, values: Mapping[str, str]) -> tuple[str, ...]:
    """The placeholders of a command without a value, or with one that does not fit there."""
    names = dict.fromkeys(placeholder.name for placeholder in command.placeholders)
    return tuple(
        name
        for name in names
        if name not in values or why_unfit(kind_of(command, name), values[name])
    )
