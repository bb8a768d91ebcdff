"""Which language a code block is in, by its tag, and by its words where it has none."""

import re

from playcall.core.compiler import promql
from playcall.core.compiler.blocks import Block

_TAGS = {
    "promql": "promql",
    "metricsql": "promql",
    "prometheus": "promql",
    "logql": "logql",
    "loki": "logql",
    "sql": "sql",
    "pgsql": "sql",
    "plsql": "sql",
    "mysql": "sql",
    "postgresql": "sql",
    "yaml": "yaml",
    "yml": "yaml",
    "json": "json",
}
_SHELLS = "bash sh shell zsh ksh console shell-session shellsession terminal command cmd"
SHELL_TAGS = frozenset(_SHELLS.split())
_SQL = re.compile(
    r"^(?:with\s+\w+\s+as\s*\(|select\s+\S.*?(?:\bfrom\b|;|\()|(?:insert\s+into|delete\s+from|update)"
    r"\s+\w|(?:alter|create|drop|truncate)\s+(?:table|index|database|user|role)\b|show\s+\w+\s*;"
    r"|explain\s+(?:analyze\s+)?select\b)",
    re.IGNORECASE | re.DOTALL,
)
_LOGQL = re.compile(r"^[^{}]*\{\s*\w+\s*(?:=|!=|=~|!~)\s*[\"`][^{}]*\}\s*(?:\|=|!=|\|~|!~|\|)\s*\S")
_QUERY = re.compile(
    r"\{\s*(?:\w+\s*(?:=~|!~|!=|=)|\})|\[\d+[smhdw]\]"
    r"|\b(?:sum|avg|max|min|count|rate|irate|increase|delta|absent|topk|bottomk|time"
    r"|histogram_quantile|predict_linear|changes|vector)\s*(?:(?:by|without)\s*\(|\()"
    r"|^[a-z_:]{4,}\w*\s*(?:[<>]=?|[!=]=)\s*-?[\d.]+\s*$"
    r"|^\(?[a-z]+(?:_[a-z]+){2,}\s*[-+*/]"
)
_YAML = re.compile(r"^(?:---|apiVersion:|\s*-?\s*[\w./-]+:(?:\s|$))")
_LONGEST = 5_000  # characters that are looked at


def language_of(block: Block) -> str:
    """'promql', 'logql', 'sql', 'yaml', 'json'; a tag of another kind as it is; '': plain text.

    A query with a shell's tag is a query: people take one tag for all that is typed somewhere.
    """
    shell = block.info in SHELL_TAGS
    if block.info and not shell:
        return _TAGS.get(block.info, block.info)
    text = "\n".join(
        line
        for line in block.text[:_LONGEST].split("\n")
        if not line.lstrip().startswith(("#", "//"))
    ).strip()
    if text and _QUERY.search(text) and _is_promql(text):
        return "promql"
    if shell or not text:
        return block.info
    if _SQL.match(text):
        return "sql"
    if _LOGQL.match(text):
        return "logql"
    lines = [line for line in text.split("\n") if line.strip()]
    is_yaml = len(lines) > 1 and all(_YAML.match(line) or line[0] in " -" for line in lines)
    return "yaml" if is_yaml else ""


def _is_promql(text: str) -> bool:
    parts = [part for part in re.split(r"\n\s*\n", text) if part.strip()]
    return all(not promql.why_not(part) or _each_line(part) for part in parts)


def _each_line(part: str) -> bool:
    return not any(promql.why_not(line) for line in part.split("\n"))
