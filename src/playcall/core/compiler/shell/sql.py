"""Whether SQL only reads: every statement, table and function of it must be known to.

Parsed by sqlglot; what does not parse, or is not listed here, is not known to be harmless.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

_CATALOGS = frozenset(
    ["pg_catalog", "information_schema", "performance_schema", "sys", "system", "system_schema"]
)
_FUNCTIONS = re.compile(
    r"pg_(?:size_pretty|(?:database|relation|total_relation|table|indexes|tablespace)_size"
    r"|is_in_recovery|is_wal_replay_paused|last_wal_(?:receive|replay)_lsn"
    r"|last_xact_replay_timestamp|current_wal_(?:lsn|insert_lsn|flush_lsn)|wal_lsn_diff"
    r"|walfile_name|blocking_pids|postmaster_start_time|conf_load_time|get_\w*def|get_userbyid"
    r"|stat_get_(?!snapshot_reset)\w+|encoding_to_char|table_is_visible|relation_filepath|my_temp_schema)"
    r"|current_setting|inet_(?:server|client)_(?:addr|port)|has_\w+_privilege|to_reg\w+"
    r"|(?:obj|col|shobj)_description|quote_(?:ident|literal)|array_(?:agg|append|cat|dims|fill"
    r"|length|lower|ndims|positions?|prepend|remove|replace|to_json|to_string|upper)"
    r"|jsonb?_(?:agg|array_elements(?:_text)?|array_length|build_array|build_object|each(?:_text)?"
    r"|extract_path(?:_text)?|object|object_agg|object_keys|path_exists|path_match"
    r"|path_query(?:_array|_first)?|populate_record(?:set)?|pretty|set|insert|strip_nulls"
    r"|to_record(?:set)?|typeof)"
    r"|regexp_(?:match(?:es)?|replace|split_to_array|split_to_table|count|instr|like|substr)"
    r"|age|version|database|schema|user|current_(?:database|schemas?|user)|connection_id"
    r"|format(?:_\w+)?|found_rows|gtid_subset|gtid_subtract|mod|trunc|to_timestamp|make_interval"
    r"|justify_\w+|clock_timestamp|statement_timestamp|date_part|isfinite|uptime|hostname"
    r"|formatreadable\w+|tostring|token|ttl|writetime|cardinality",
    re.IGNORECASE,
)
_UNSAFE_TYPED = re.compile(r"read|load|sleep|lock|write|http|file|next|rand|exec|open", re.I)
_SHOWN = re.compile(r"\s*(?:show|describe|desc)\s[\w\s.'%=<>\"`*@,()-]*", re.IGNORECASE)
_SHELL_ENDS = re.compile(r"\\[gG]\s*$")
_EXPLAIN = re.compile(r"\s*explain\s+(.*)", re.IGNORECASE | re.DOTALL)
_EXPLAINED = re.compile(
    r"(?:\(([\w\s,]*)\)|((?:analyze|verbose|extended|format\s*=\s*\w+)\b\s*)+)?\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)


def judge_sql(text: str, dialect: str) -> tuple[str, bool]:
    """Why this text may change something, or ""; and whether reading it can be much work."""
    import sqlglot
    from sqlglot import parser

    parser.logger.disabled = True  # what it keeps as text is judged here, and no news
    if "/*!" in text or "/*+" in text or "\\" in _SHELL_ENDS.sub("", text):
        return "holds text that only one database understands", False
    source = _ended(text)
    try:
        statements = [one for one in sqlglot.parse(source, read=dialect) if one is not None]
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError):
        return "does not parse as SQL that only reads", False
    if not statements:
        return "holds no statement", False
    much = False
    for statement in statements:
        why, heavy = _statement(statement, dialect)
        if why:
            return why, False
        much = much or heavy
    return "", much


def _ended(text: str) -> str:
    r"""What MySQL's clients take as the end of a statement, "\G", is one for the parser too."""
    return _SHELL_ENDS.sub(";", text)


def _statement(statement: "exp.Expr", dialect: str) -> tuple[str, bool]:
    from sqlglot import exp

    if isinstance(statement, exp.Show | exp.Describe):
        inner = [one for one in statement.walk() if isinstance(one, exp.Query | exp.DML | exp.DDL)]
        return _statement(inner[0], dialect) if inner else ("", False)
    if isinstance(statement, exp.Command):
        return _command(statement, dialect)
    if isinstance(statement, exp.Query):
        return _query(statement)
    if isinstance(statement, exp.Use):
        return "", False  # for this one session
    return f"{statement.key.upper()} is more than reading", False


def _command(statement: "exp.Command", dialect: str) -> tuple[str, bool]:
    """Statements that the parser keeps as text."""
    text = f"{statement.this} {_plain(statement.expression)}"
    if _SHOWN.fullmatch(text):
        return "", False
    explained = _EXPLAIN.fullmatch(text)
    if explained is None:
        return f"{str(statement.this)[:30].upper()} is not known to only read", False
    parts = _EXPLAINED.fullmatch(explained[1])
    assert parts is not None  # every part of it is optional
    why, heavy = judge_sql(parts[3], dialect)
    runs = "analy" in explained[1][: parts.start(3)].lower()
    return why, heavy and runs


def _plain(expression: object) -> str:
    return str(getattr(expression, "this", expression) or "")


def _query(query: "exp.Expr") -> tuple[str, bool]:
    from sqlglot import exp

    for node in query.walk():
        why = _node(node)
        if why:
            return why, False
    tables = [one for one in query.find_all(exp.Table) if not _is_cte(one, query)]
    own = [one for one in tables if not _is_catalog(one)]
    limited = query.args.get("limit") is not None and not list(query.find_all(exp.AggFunc))
    return "", bool(own) and not limited


def _node(node: "exp.Expr") -> str:
    """Why one part of a query may change something."""
    from sqlglot import exp

    if isinstance(node, exp.DML | exp.DDL | exp.Into | exp.Lock | exp.Command | exp.PropertyEQ):
        if isinstance(node, exp.Query):
            return ""
        return f"{node.key.upper()} is more than reading"
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
        known = node.this.name.lower() in _CATALOGS
        return "" if known else f"calls a function of {node.this.name[:40]}, which may do anything"
    if isinstance(node, exp.Anonymous) and not _FUNCTIONS.fullmatch(node.name):
        return f"calls {node.name[:60]}(), which may do anything"
    if isinstance(node, exp.Func) and not isinstance(node, exp.Anonymous):
        known = isinstance(node, exp.Connector) or not _UNSAFE_TYPED.search(node.key)
        return "" if known else f"calls {node.key}(), which is more than reading"
    if isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier):
        return "" if isinstance(node.this, exp.Func) else "reads from what is no table"
    if isinstance(node, exp.Placeholder | exp.Parameter | exp.SessionParameter):
        return "" if not isinstance(node.parent, exp.PropertyEQ) else "sets a variable"
    return ""


def _is_cte(table: "exp.Table", query: "exp.Expr") -> bool:
    from sqlglot import exp

    return table.name in {one.alias for one in query.find_all(exp.CTE)}


def _is_catalog(table: "exp.Table") -> bool:
    schema = table.db.lower()
    return schema in _CATALOGS or (not schema and table.name.lower().startswith("pg_"))
