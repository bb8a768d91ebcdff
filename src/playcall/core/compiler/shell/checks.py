"""What single programs need beyond their tables: languages of their own, forms that never end."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from playcall.core.compiler.shell import bounds, databases, fed, fleets, languages, urls
from playcall.core.compiler.shell.calls import Call
from playcall.core.compiler.shell.standins import HOLE, MARKS, TAME, WILD
from playcall.core.compiler.shell.syntax import Word
from playcall.core.place import Level
from playcall.core.plan import EffectClass

if TYPE_CHECKING:
    from playcall.core.compiler.shell.judge import Judge

_LOOKS = frozenset(["show", "sh", "list", "ls", "lst", "get"])
_VTYSH = re.compile(r"show [^\r\n>]*")
_OBJECTS = frozenset(
    [
        "link",
        "l",
        "addr",
        "address",
        "a",
        "route",
        "r",
        "neigh",
        "neighbour",
        "n",
        "rule",
        "maddr",
        "mroute",
        "tunnel",
        "nexthop",
        "stats",
        "qdisc",
        "class",
        "filter",
        "dev",
        "res",
        "resource",
        "statistic",
        "system",
        "netns",
        "vrf",
        "fdb",
        "mdb",
        "vlan",
        "port",
    ]
)
_SET = re.compile(r"[-+][eux]*o?|pipefail|errexit|nounset|xtrace")
_FIND_TESTS = frozenset(
    [
        "-name",
        "-iname",
        "-path",
        "-ipath",
        "-regex",
        "-iregex",
        "-type",
        "-size",
        "-mtime",
        "-mmin",
        "-atime",
        "-amin",
        "-ctime",
        "-cmin",
        "-newer",
        "-user",
        "-group",
        "-perm",
        "-maxdepth",
        "-mindepth",
        "-printf",
        "-links",
        "-inum",
        "-fstype",
        "-samefile",
        "-uid",
        "-gid",
        "-regextype",
    ]
)
_FIND_FLAGS = frozenset(
    [
        "-print",
        "-print0",
        "-ls",
        "-prune",
        "-o",
        "-a",
        "-or",
        "-and",
        "-not",
        "!",
        "(",
        ")",
        "-empty",
        "-follow",
        "-L",
        "-H",
        "-P",
        "-xdev",
        "-mount",
        "-depth",
        "-readable",
        "-writable",
        "-executable",
        "-nouser",
        "-nogroup",
        "-quit",
        "-true",
        "-false",
        "-daystart",
        ",",
    ]
)


def _change(judge: "Judge", why: str) -> None:
    judge.findings.change(why)


def _tar(judge: "Judge", call: Call) -> None:
    """The old style, "tar tzf x", has its letters without a dash."""
    operands = call.arguments.operands
    old = bool(operands) and re.fullmatch(r"t[vzjJ]*f?[vzjJ]*", operands[0].text) is not None
    listed = call.arguments.has("-t", "--list") or (old and operands[0] == call.rest[0])
    if not listed:
        _change(judge, "tar that does more than list")
    for word in (*operands, *(o.value for o in call.arguments.options)):
        if word is not None and (":" in word.text or not word.literal):
            _change(judge, "tar may reach another machine")


def _nothing(judge: "Judge", call: Call) -> None:
    """The name alone matters, to whoever bounds it."""


def _nslookup(judge: "Judge", call: Call) -> None:
    if not call.arguments.operands:
        judge.findings.say(EffectClass.MANUAL, "nslookup without a name asks at a terminal")


def _ip(judge: "Judge", call: Call) -> None:
    words = call.arguments.operands
    if not words:
        return
    verbs = [w.text for w in words[1:2]]
    looks = _LOOKS | ({"s"} if words[0].text in ("a", "addr", "address", "r", "route") else set())
    if words[0].text not in _OBJECTS or any(v not in looks for v in verbs):
        _change(judge, f'"{call.program.name}" does more than show')


def _iperf(judge: "Judge", call: Call) -> None:
    if not call.arguments.has("-c", "--client", "-s", "--server"):
        _change(judge, "iperf without a server to measure against")


def _iptables(judge: "Judge", call: Call) -> None:
    if not call.arguments.has("-L", "-S", "--list", "--list-rules"):
        _change(judge, "iptables without -L or -S")


def _nft(judge: "Judge", call: Call) -> None:
    if not call.arguments.operands or call.arguments.operands[0].text != "list":
        _change(judge, "nft that does more than list")


def _service(judge: "Judge", call: Call) -> None:
    if [w.text for w in call.arguments.operands[1:]] != ["status"]:
        _change(judge, "service that does more than show a status")


def _pprof(judge: "Judge", call: Call) -> None:
    formats = ("-top", "-text", "-raw", "-tree", "-peek", "-traces", "-list", "-tags", "-http")
    if not call.arguments.has(*formats):
        judge.findings.say(EffectClass.MANUAL, "go tool pprof asks at a terminal")
    if call.arguments.has("-seconds") or any("/" in w.text for w in call.arguments.operands):
        judge.findings.say(EffectClass.HEAVY, "takes a profile of a running process")


def _python(judge: "Judge", call: Call) -> None:
    words = [w.text for w in call.rest]
    if not (words[:2] == ["-m", "json.tool"] and len(words) <= 3):
        _change(judge, f'"{call.program.name}" runs a program of its own')


def _kubectl_get(judge: "Judge", call: Call) -> None:
    kinds = call.arguments.operands[0].text.lower() if call.arguments.operands else ""
    if re.search(r"(?:^|,)secrets?\b", kinds):
        judge.findings.say(EffectClass.OBSERVE, "shows secrets")
    raw = call.arguments.get("--raw")
    if raw is not None and raw.value is not None:
        judge.findings.say(EffectClass.OBSERVE, "asks the API server with a GET")
        if urls.acts(raw.value.text):
            _change(judge, "asks for a path that makes the server act")
        if "/proxy" in raw.value.text or "pprof" in raw.value.text or not raw.value.literal:
            judge.findings.say(EffectClass.HEAVY, "reaches through the API server to a process")


def _printf(judge: "Judge", call: Call) -> None:
    if call.rest and (call.rest[0].text == "-v" or call.rest[0].text.startswith("-v")):
        _change(judge, "printf -v sets a variable by its name")
    elif call.rest and call.rest[0].may_be_option:
        _change(judge, "printf with a format known only at run time")


def _test(judge: "Judge", call: Call) -> None:
    for word in call.rest:
        if word.text in ("-v", "-R") or word.splits:
            _change(judge, "tests a value known only at run time that may hold code")


def _set(judge: "Judge", call: Call) -> None:
    for word in call.rest:
        if not word.literal or _SET.fullmatch(word.text) is None or len(word.text) < 2:
            _change(judge, f'"set {word.text[:20]}" changes how the shell reads what follows')


def _tee(judge: "Judge", call: Call) -> None:
    for word in call.arguments.operands:
        if word.text not in ("/dev/null", "/dev/stderr", "/dev/stdout"):
            _change(judge, "tee writes a file")


def _sed(judge: "Judge", call: Call) -> None:
    scripts = [o.value for o in call.arguments.options if o.name in ("-e", "--expression")]
    if not scripts:
        scripts = list(call.arguments.operands[:1])
    for word in scripts:
        if word is None or not _fixed(word) or not languages.sed_only_prints(word.text):
            _change(judge, "sed with a script that may do more than print")


def _awk(judge: "Judge", call: Call) -> None:
    word = next(iter(call.arguments.operands), None)
    if word is None or not _fixed(word) or not languages.awk_only_prints(word.text):
        _change(judge, "awk with a program that may do more than print")


def _fixed(word: Word) -> bool:
    """A program text whose meaning cannot change at run time."""
    return not (word.splits or any(mark in word.text for mark in MARKS if mark != HOLE))


def _deep(judge: "Judge", call: Call) -> None:
    """Programs that walk directories, from the root of all of them."""
    recursive = call.program.name in ("du", "find") or call.arguments.has("-r", "-R", "--recursive")
    if recursive and any(word.text == "/" for word in call.rest):
        judge.findings.say(EffectClass.HEAVY, f"{call.program.name} walks the whole file system")


def _find(judge: "Judge", call: Call) -> None:
    words = call.rest
    _deep(judge, call)
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        text = word.text
        if word.may_be_option:
            _change(judge, "find with a value that may become an action")
        elif text in ("-exec", "-execdir"):
            at = _find_exec(judge, call, words, at)
        elif text in _FIND_TESTS or re.fullmatch(r"-newer[aBcm][aBcmt]", text):
            if at < len(words) and words[at].may_be_option:
                _change(judge, "find with a value that may become an action")
            at += 1
        elif text.startswith("-") and text not in _FIND_FLAGS and not re.fullmatch(r"-O\d", text):
            _change(judge, f"find {text[:30]}: may change files")


def _find_exec(judge: "Judge", call: Call, words: list[Word], at: int) -> int:
    end = at
    while end < len(words) and not _ends_exec(words[at : end + 1]):
        end += 1
    inner = [
        Word(
            text=TAME if w.text == "{}" else w.text.replace("{}", WILD),
            start=w.start,
            end=w.end,
            globs=w.globs,
            splits=w.splits,
            quoted=w.quoted,
        )
        for w in words[at:end]
    ]
    if inner and end < len(words):
        judge.argv(inner, call.context)
    else:
        _change(judge, "find -exec without its end")
    return end + 1


def _ends_exec(words: list[Word]) -> bool:
    """A ";" ends -exec, and a "+" only right behind "{}"."""
    texts = [word.text for word in words[-2:]]
    return texts[-1] == ";" or texts == ["{}", "+"]


def _promtool(judge: "Judge", call: Call) -> None:
    operands = call.arguments.operands
    instant = call.program.name.endswith("instant")
    needed = 2 if call.program.name.endswith(("instant", "range")) else 1
    served = bool(operands) and bool(re.match(r"https?://|\x02", operands[0].text))
    if len(operands) < needed or not (served or needed == 1):
        mend = f'Write "{call.program.name} http://prometheus:9090 ...".'
        what = f'"{call.program.name}" is not told which server to ask.'
        judge.findings.fault("PC204", Level.ERROR, what, mend, call.at)
    if instant and operands and not call.arguments.has("--time"):
        urls.note_query(judge, call, operands[-1].text)


def _smartctl(judge: "Judge", call: Call) -> None:
    """`-l scterc,70,70` sets what `-l scterc` shows."""
    for option in call.arguments.options:
        if option.value is not None and "," in option.value.text:
            _change(judge, f"smartctl {option.name} with values sets something")


def _vtysh(judge: "Judge", call: Call) -> None:
    told = [o.value for o in call.arguments.options if o.name == "-c"]
    if not told:
        judge.findings.say(EffectClass.MANUAL, "vtysh asks at a terminal")
    for word in told:
        if word is None or not word.literal or _VTYSH.fullmatch(word.text) is None:
            _change(judge, "vtysh does more than show")


def _ceph(judge: "Judge", call: Call) -> None:
    if call.context.piped or call.arguments.operands:
        return
    if not call.arguments.has("-s", "--status", "-w", "--watch"):
        judge.findings.say(EffectClass.MANUAL, "ceph asks at a terminal")


CHECKS: dict[str, Callable[["Judge", Call], None]] = {
    "ping": bounds.bound_ping,
    "yes": bounds.bound_yes,
    "mtr": bounds.bound_mtr,
    "tcpdump": bounds.bound_tcpdump,
    "top": bounds.bound_top,
    "interval": bounds.bound_interval,
    "docker_stats": bounds.bound_docker_stats,
    "deep": _deep,
    "logs": _nothing,
    "tail": _nothing,
    "journal": _nothing,
    "nvidia": _nothing,
    "nslookup": _nslookup,
    "nc": fed.judge_nc,
    "socat": fed.judge_socat,
    "ip": _ip,
    "iperf": _iperf,
    "iptables": _iptables,
    "nft": _nft,
    "service": _service,
    "pprof": _pprof,
    "python": _python,
    "kubectl_get": _kubectl_get,
    "printf": _printf,
    "test": _test,
    "set": _set,
    "tee": _tee,
    "sed": _sed,
    "awk": _awk,
    "find": _find,
    "promtool": _promtool,
    "smartctl": _smartctl,
    "s_client": fed.judge_s_client,
    "vtysh": _vtysh,
    "ansible": fleets.judge_ansible,
    "ansible_inventory": fleets.judge_inventory,
    "ceph": _ceph,
    "stern": bounds.bound_stern,
    "jstat": bounds.bound_jstat,
    "tar": _tar,
    "interval_always": bounds.bound_interval_always,
    "salt": fleets.judge_salt,
    "psql": databases.judge_psql,
    "mysql": databases.judge_mysql,
    "sqlite": databases.judge_sqlite,
    "mongo": databases.judge_mongo,
    "redis": databases.judge_redis,
    "curl": urls.judge_curl,
    "wget": urls.judge_wget,
}
