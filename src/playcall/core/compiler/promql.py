"""Whether a text is PromQL, by a parser of that language."""

import re

_ONLY_OPERATOR = re.compile(r"\s*(?:and|or|unless)\s*", re.IGNORECASE)
_LONGEST = 10_000  # characters


def why_not(query: str) -> str:
    """What is wrong with a query; "" when it parses. Templates of dashboards are not judged."""
    import promql_parser  # loads on first use

    if "$" in query or "{{" in query or "<" in query.replace("<=", "").replace("< ", ""):
        return ""  # it holds a variable, or a stand-in
    if len(query) > _LONGEST:
        return "it is too long"
    if _ONLY_OPERATOR.fullmatch(query):
        return "an operator stands alone"  # the parser takes it for a metric, Prometheus does not
    try:
        promql_parser.parse(query)
    except ValueError as error:
        return " ".join(str(error).split())[:160]
    return ""
