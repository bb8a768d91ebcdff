"""Whether a text is PromQL, by a parser of that language."""

import re

_ONLY_OPERATOR = re.compile(r"\s*(?:and|or|unless)\s*", re.IGNORECASE)
_LONGEST = 10_000  # characters
_DURATION = re.compile(r"(?<=[\[:])\s*(?:\$\{?\w+\}?|<[\w -]+>|\{\{[^{}]*\}\})\s*(?=[\]:])")
_VARIABLE = re.compile(r"\$\{?\w+\}?|<[A-Za-z][\w -]*>|\{\{[^{}]*\}\}")
_LABEL = re.compile(rf"(?<==)(?:{_VARIABLE.pattern})(?=\s*[,}}])")


def why_not(query: str) -> str:
    """What is wrong with a query; "" when it parses. Templates of dashboards are not judged."""
    if "$" in query or "{{" in query or "<" in query.replace("<=", "").replace("< ", ""):
        return ""  # it holds a variable, or a stand-in
    return wrong_in(query)


def wrong_in(query: str) -> str:
    """As `why_not`, of a query that holds no variable."""
    import promql_parser  # loads on first use

    if len(query) > _LONGEST:
        return "it is too long"
    if _ONLY_OPERATOR.fullmatch(query):
        return "an operator stands alone"  # the parser takes it for a metric, Prometheus does not
    try:
        promql_parser.parse(query)
    except ValueError as error:
        return " ".join(str(error).split())[:160]
    return ""


def is_query(text: str) -> bool:
    """Whether a text that nothing calls PromQL is some; variables and stand-ins are filled first,
    for a shell line with a variable in it is no query."""
    filled = _VARIABLE.sub("x", _LABEL.sub('"x"', _DURATION.sub("5m", text)))
    return not wrong_in(filled)
