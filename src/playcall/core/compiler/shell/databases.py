"""What clients of databases are told to do: SQL, the shell of MongoDB, options of Redis."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from playcall.core.compiler.shell.calls import Call
from playcall.core.compiler.shell.standins import MARKS, TAME
from playcall.core.compiler.shell.syntax import Word
from playcall.core.plan import EffectClass

if TYPE_CHECKING:
    from playcall.core.compiler.shell.judge import Judge

_LOOKS = re.compile(
    r"\\(?:l|d[a-zA-Z]*|conninfo|z|sf|x|timing|pset|encoding)\+?(?:\s+[\w.*\"$-]+)*\s*"
)
_DIALECTS = {
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite3": "sqlite",
    "clickhouse-client": "clickhouse",
    "clickhouse": "clickhouse",
    "cqlsh": "mysql",
}
_DOT = re.compile(r"\.(?:tables|schema|indexes|databases|dbinfo|stats)(?:\s+\w+)?")
_MONGO = re.compile(
    r"(?:db|rs|sh)(?:\.(?:getSiblingDB|getCollection)\((?:'[\w.-]+'|\"[\w.-]+\")\))?"
    r"(?:\.(?!drop|remove|delete|insert|update|save|replace|rename|create|run|admin)[A-Za-z]\w*)?"
    r"\.(?:status|serverStatus|stats|dataSize|storageSize|totalSize|isMaster|hello|conf|config"
    r"|currentOp|hostInfo|version|getCollectionNames|getCollectionInfos|getReplicationInfo"
    r"|printReplicationInfo|printSecondaryReplicationInfo|printSlaveReplicationInfo|getMongo"
    r"|getIndexes|getProfilingStatus|listShards|getBalancerState|isBalancerRunning"
    r"|countDocuments|estimatedDocumentCount|count|latencyStats|serverBuildInfo|serverCmdLineOpts"
    r")\([\w\s:{},.'\"$-]*\)(?:\.[A-Za-z]\w*(?:\[\d+\])?)*"
)
_MONGO_ADMIN = re.compile(
    r"db\.(?:adminCommand|runCommand)\(\s*(?:\{\s*)?['\"]?(?:ping|serverStatus|replSetGetStatus"
    r"|replSetGetConfig|listDatabases|listCollections|hello|isMaster|buildInfo|getCmdLineOpts"
    r"|connPoolStats|dbStats|collStats|currentOp|hostInfo|getParameter|top|whatsmyuri"
    r"|balancerStatus|listShards)['\"]?\s*(?::\s*[\w'\".*]+\s*(?:,\s*['\"]?\w+['\"]?\s*:\s*[\w'\".]+\s*)*\})?\s*\)"
    r"(?:\.[A-Za-z]\w*)*"
)
_MONGO_SHOWS = re.compile(
    r"show (?:dbs|databases|collections|tables|profile|users|roles|log \w+|logs)"
    r"|(?:db\.[A-Za-z]\w*|db\.getCollection\(['\"][\w.-]+['\"]\))"
    r"\.(?:find|findOne)\([\w\s:{},.'\"$-]*\)(?:\.(?:limit|skip)\(\d+\)|\.sort\(\{[\w\s:'\",-]*\}\)"
    r"|\.(?:count|toArray|pretty)\(\))*"
)
_MONGO_WRAPPED = re.compile(r"(?:printjson|print|JSON\.stringify|tojson|EJSON\.stringify)\((.*)\)")


def judge_psql(judge: "Judge", call: Call) -> None:
    if call.arguments.has("-l", "--list"):
        return
    told = _values(call, "-c", "--command")
    if not told:
        _without_text(judge, call)
    for text in told:
        if text.startswith("\\") and _LOOKS.fullmatch(text):
            continue
        _judge_text(judge, call, text, "postgres")


def judge_mysql(judge: "Judge", call: Call) -> None:
    told = _values(call, "-e", "--execute", "-q", "--query")
    if not told:
        _without_text(judge, call)
    for text in told:
        _judge_text(judge, call, text, _DIALECTS[call.words[0].text.rpartition("/")[2]])


def judge_sqlite(judge: "Judge", call: Call) -> None:
    told = [_fixed(word) for word in call.arguments.operands[1:]]
    if not told:
        _without_text(judge, call)
    for text in told:
        if _DOT.fullmatch(text) is None:
            _judge_text(judge, call, text, "sqlite")


def judge_mongo(judge: "Judge", call: Call) -> None:
    told = _values(call, "--eval")
    if not told:
        _without_text(judge, call)
    if any(word.text.endswith((".js", ".mjs", ".mongodb")) for word in call.arguments.operands):
        judge.findings.change(f"{call.program.name} runs a script this reading does not see")
    for text in told:
        for part in filter(None, (each.strip() for each in text.split(";"))):
            if not _mongo_reads(part):
                judge.findings.change(f"{call.program.name} runs a script of its own")


def judge_redis(judge: "Judge", call: Call) -> None:
    """Without a command: options that do something by themselves, or a person's terminal."""
    arguments = call.arguments
    cluster = arguments.get("--cluster")
    if cluster is not None:
        if cluster.value is None or _fixed(cluster.value) not in ("info", "check"):
            judge.findings.change("redis-cli --cluster changes the cluster")
    elif arguments.has("--bigkeys", "--memkeys", "--hotkeys", "--scan"):
        judge.findings.say(EffectClass.HEAVY, "redis-cli walks all keys")
    elif not arguments.has(*call.program.manual):
        _without_text(judge, call)


def _mongo_reads(text: str) -> bool:
    wrapped = _MONGO_WRAPPED.fullmatch(text)
    if wrapped:
        text = wrapped[1].strip()
    if text.startswith(("function", "(")) or "=>" in text:
        return False
    if _MONGO_SHOWS.fullmatch(text):
        return "$where" not in text and "$function" not in text
    return bool(_MONGO.fullmatch(text) or _MONGO_ADMIN.fullmatch(text))


def _judge_text(judge: "Judge", call: Call, text: str, dialect: str) -> None:
    from playcall.core.compiler.shell.sql import judge_sql  # its parser loads on first use

    why, much = judge_sql(text, dialect) if text else ("is put together at run time", False)
    if why:
        judge.findings.change(f"{call.program.name}: the SQL {why}")
    elif much:
        judge.findings.say(EffectClass.HEAVY, f"{call.program.name} reads whole tables")


def _without_text(judge: "Judge", call: Call) -> None:
    """Nothing to run on the command line: it is fed, or a person types."""
    if call.arguments.refusals:
        return  # why it is a change is told already
    if call.context.piped:
        judge.findings.change(f"{call.program.name} runs what is fed to it")
    else:
        judge.findings.say(EffectClass.MANUAL, f"{call.program.name} asks at a terminal")


def _values(call: Call, *names: str) -> list[str]:
    """Of options that may be given several times; "" where one is not all known."""
    found: Iterable[Word | None] = (o.value for o in call.arguments.options if o.name in names)
    return [_fixed(word) for word in found if word is not None]


def _fixed(word: Word) -> str:
    """The text, where nothing of it is decided at run time; else ""."""
    unsure = word.splits or any(mark in word.text for mark in MARKS if mark != TAME)
    return "" if unsure else word.text.strip()
