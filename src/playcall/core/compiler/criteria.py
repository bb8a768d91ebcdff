"""Sentences that can be measured, their units, and the named query each one speaks of."""

import re
from dataclasses import dataclass
from datetime import timedelta

from playcall.core.alert_rule import Limit
from playcall.core.compiler import phrases, promql, units
from playcall.core.compiler.ledger import Ledger
from playcall.core.plan import Comparison, Criterion, NamedQuery, Purpose

_SIGNS = {
    "<": Comparison.BELOW,
    ">": Comparison.ABOVE,
    "<=": Comparison.AT_MOST,
    ">=": Comparison.AT_LEAST,
    "≤": Comparison.AT_MOST,
    "≥": Comparison.AT_LEAST,
}
_WORDS = {
    "no more than": Comparison.AT_MOST,
    "not more than": Comparison.AT_MOST,
    "at most": Comparison.AT_MOST,
    "no less than": Comparison.AT_LEAST,
    "not less than": Comparison.AT_LEAST,
    "at least": Comparison.AT_LEAST,
    "reaches": Comparison.AT_LEAST,
    "at or above": Comparison.AT_LEAST,
    "at or below": Comparison.AT_MOST,
    "below": Comparison.BELOW,
    "under": Comparison.BELOW,
    "less than": Comparison.BELOW,
    "fewer than": Comparison.BELOW,
    "lower than": Comparison.BELOW,
    "smaller than": Comparison.BELOW,
    "above": Comparison.ABOVE,
    "over": Comparison.ABOVE,
    "beyond": Comparison.ABOVE,
    "more than": Comparison.ABOVE,
    "greater than": Comparison.ABOVE,
    "larger than": Comparison.ABOVE,
    "higher than": Comparison.ABOVE,
    "exceeds": Comparison.ABOVE,
    "exceeded": Comparison.ABOVE,
    "exceeding": Comparison.ABOVE,
}
_OPERATOR = rf"(?P<op><=|>=|≤|≥|<|>|\b(?:{'|'.join(_WORDS)})\b)\s*"
_MEASURE = (
    r"(?P<written>(?P<number>(?:\d{1,3}(?:,\d{3})+|\d{1,12})(?:\.\d{1,9})?)"
    r"\s?(?P<unit>%|/s\b|[A-Za-zµ]+(?:/[A-Za-z]+)?)?)"
)
_CLAIM = re.compile(
    rf"^(?P<subject>[^<>≤≥]{{1,200}}?)\s*{_OPERATOR}{_MEASURE}(?P<rest>.*)$", re.IGNORECASE
)
# 'more than 85 % disk usage for 10m'
_TURNED = re.compile(
    rf"^(?:(?:verify|ensure|confirm)\s+)?{_OPERATOR}{_MEASURE}"
    r"(?:\s+(?:of\s+)?(?:the\s+)?(?P<subject>[A-Za-z][^<>≤≥]{2,100}?))?"
    r"(?P<rest>\s+(?:for|over|in|within|during)\s+.*)?$",
    re.IGNORECASE,
)
# A condition or a longer explanation mentions a threshold without asserting it.
_EXPLAINS = re.compile(
    r"\b(?:if|when|unless|whether|once|query|expression|alert)\b|[({\[]|[.,;](?:\s|$)",
    re.IGNORECASE,
)
# What stands before a sentence to say what kind it is.
_LABEL = re.compile(
    r"^(?:symptoms?|(?:alert )?(?:triggers?|conditions?)(?: when)?|trigger(?:ing)? conditions?"
    r"|thresholds?|(?:fires|triggers) (?:when|if)|criteri(?:on|a)|recovery|resolved when)\s*:\s*",
    re.IGNORECASE,
)
_LONGEST = 160  # characters
_NOT_UNITS = {"for", "over", "in", "within", "during", "and", "or", "on", "across", "at", "of"}

_COMMON_WORDS = """
verify confirm ensure check watch wait until make sure that the a an is are be it its stay stays
stayed remain remains has have been back return returns returned drop drops keep keeps to of for
and on in overall total average avg mean current measured observed sustained again s
"""
_WEAK_WORDS = "rate count usage ratio percentage percent time number level total value"
_COMMON = frozenset(_COMMON_WORDS.split())
_WEAK = frozenset(_WEAK_WORDS.split())


_SPANS = re.compile(
    r"\b(?:latenc\w+|time|lag|delay|duration|age|p\d\d|percentile|response)\b", re.IGNORECASE
)
_METRIC = re.compile(r"[a-zA-Z_:(].*_.*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a measurable sentence says, before a query is found for it."""

    subject: str
    comparison: Comparison
    number: float
    written: str
    unit: str  # as written: "GB/s"
    holds_for: timedelta
    column: int  # of the comparison in the sentence, from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a sentence of a play may be joined to."""

    queries: tuple[NamedQuery, ...]  # of the document
    beside: tuple[NamedQuery, ...] = ()  # those that stand in the play
    limits: tuple[tuple[str, Limit], ...] = ()  # of the play's own rules, by alert


def read_claim(sentence: str) -> Claim | None:
    """What the sentence asserts; None when it asserts nothing measurable."""
    if len(sentence) > _LONGEST:
        return None
    label = _LABEL.match(sentence)
    start = label.end() if label else 0
    sentence = sentence[start:]
    turned = _TURNED.match(sentence)
    found = turned or _CLAIM.match(sentence)
    if found is None:
        return None
    subject, unit = found["subject"] or "", found["unit"] or ""
    if turned is not None and not units.is_known(unit) and unit.lower() not in _NOT_UNITS:
        subject, unit = f"{unit} {subject}".strip(), ""  # 'fewer than 3 replicas'
    if unit.lower() == "x" or (_EXPLAINS.search(subject) and not _is_metric(subject)):
        return None  # '2x the cores' is no number
    written, rest = found["written"], found["rest"] or ""
    if unit.lower() in _NOT_UNITS:
        written, rest, unit = found["number"], f"{unit}{rest}", ""
    if not re.search(r"[A-Za-z]", subject):
        return None
    lasts = units.to_base(unit)[0] == "s" and not _SPANS.search(subject)
    if found["op"].lower() == "over" and lasts:
        return None  # 'errors over 5 minutes'
    return Claim(
        subject=subject,
        comparison=_SIGNS.get(found["op"]) or _WORDS[found["op"].lower()],
        number=float(found["number"].replace(",", "")),
        written=written.strip(),
        unit=unit,
        holds_for=phrases.duration(rest) or timedelta(0),
        column=start + found.start("op") + 1,
    )


def _is_metric(subject: str) -> bool:
    """'web_queue_depth' or 'sum(rate(web_errors_total[5m]))': what is measured is its own query."""
    one = subject.strip("` ")
    return " " not in one.split("(")[0] and _METRIC.match(one) is not None and promql.is_query(one)


def read_criterion(
    sentence: str,
    purpose: Purpose,
    number: int,
    line: int,
    evidence: Evidence,
    ledger: Ledger,
) -> Criterion | None:
    """The criterion in a sentence, joined to a query; a problem says why when it cannot be."""
    claim = read_claim(sentence)
    if claim is None:
        return None
    joined = _join(claim, evidence)
    if not isinstance(joined, NamedQuery) and units.is_long(claim.unit):
        return None  # 'incident >30 minutes' is a matter of the clock, not of a metric
    unit, scale = units.to_base(claim.unit)
    query: NamedQuery | None = None
    if isinstance(joined, NamedQuery):
        query = joined
        expected = query_unit(query.promql)
        if expected == "%":
            unit, scale = "%", 1.0
        elif expected is not None and unit != expected and claim.unit:
            query = None
            _tell_unit(claim, joined, expected, line, ledger)
        elif expected is not None:
            unit = expected
    else:
        _tell_unjoined(claim, joined, line, ledger)
    return Criterion(
        id=f"{purpose.value}.{number}",
        purpose=purpose,
        text=sentence,
        comparison=claim.comparison,
        threshold=float(f"{claim.number * scale:.12g}"),
        written=claim.written,
        unit=unit,
        holds_for=claim.holds_for,
        query=query.promql if query else None,
        query_name=query.name if query else None,
        line=line,
    )


# 'used_bytes{...} / size_bytes', and the same times a hundred
_PARTS = re.compile(r"[a-z]\w*_(?:bytes|total)\w*(?:\{[^{}]*\})?\s*/\s*[a-z]\w*_(?:bytes|total)")
_HUNDRED = re.compile(r"^\s*100\s*\*|\*\s*100\s*$")


def query_unit(promql: str) -> str | None:
    """The base unit of a query's value, from its metric's name and functions; None: not said."""
    names = " ".join(re.findall(r"[a-zA-Z_:][\w:]*", promql))
    counted = re.search(r"\b(?:rate|irate|deriv)\s*\(", promql) is not None
    if re.search(r"\)\s*/\s*[\w(]", promql) or _PARTS.search(promql):
        return "%" if _HUNDRED.search(promql) else ""
    if "_bytes_per_second" in names or (counted and "_bytes" in names):
        return "B/s"
    if "histogram_quantile" in names:
        return "s" if "_seconds" in names else "B" if "_bytes" in names else None
    for ending, unit in (("_percent", "%"), ("_ratio", ""), ("_per_second", "1/s")):
        if ending in names:
            return unit
    if counted:
        return "1/s" if "_seconds" not in names else ""
    return "s" if "_seconds" in names else "B" if "_bytes" in names else None


def _join(claim: Claim, evidence: Evidence) -> NamedQuery | list[str]:
    """The query a sentence speaks of; otherwise the names of those that fit equally well.

    By its words among all queries; then the only one beside it that shares a word; then the one
    that a rule of its alert holds against the same number.
    """
    if _is_metric(claim.subject):
        one = claim.subject.strip("` ")
        return NamedQuery(name=one, promql=one, line=0)
    by_name = _by_name(claim, evidence.queries)
    if isinstance(by_name, NamedQuery) or by_name:
        return by_name
    said = {term for term in _terms(claim.subject) if term not in _WEAK}
    near = [
        query
        for query in evidence.beside
        if said & set(_terms(_apart(query.promql)))
        and {term for term in said if _is_quantile(term)} == _quantiles(query.promql)
        and query_unit(query.promql) in (None, *_units_of(claim))
    ]
    if len(near) == 1:
        return near[0]
    ruled = [
        NamedQuery(name=f"the rule of {alert}", promql=limit.query, line=0)
        for alert, limit in evidence.limits
        if limit.number in (claim.number, float(f"{_in_base(claim):.12g}"))
    ]
    return ruled[0] if len(ruled) == 1 else []


def _units_of(claim: Claim) -> tuple[str, ...]:
    """The units in which a query may answer a claim."""
    base = units.to_base(claim.unit)[0]
    return (base, "%") if claim.unit == "%" else (base,) if claim.unit else ("", "1/s", "%")


def _in_base(claim: Claim) -> float:
    return claim.number * units.to_base(claim.unit)[1]


def _apart(promql: str) -> str:
    return re.sub(r"[^A-Za-z]+", " ", promql)


def _by_name(claim: Claim, queries: tuple[NamedQuery, ...]) -> NamedQuery | list[str]:
    subject = _terms(claim.subject)
    scored = [(score, query) for query in queries if (score := _fit(subject, query)) > 0]
    best = max((score for score, _ in scored), default=0)
    fitting = [query for score, query in scored if score == best]
    return fitting[0] if len(fitting) == 1 else [query.name for query in fitting]


def _fit(subject: list[str], query: NamedQuery) -> float:
    """How well words speak of a query; 0: they do not."""
    name = _terms(query.name)
    allowed = {*name, *_terms(_apart(query.promql))}
    quantiles = {term for term in name if _is_quantile(term)} | _quantiles(query.promql)
    asked = {term for term in subject if _is_quantile(term)}
    plain_subject = [term for term in subject if term not in asked]
    plain_name = [term for term in name if not _is_quantile(term)]
    if asked != quantiles or not plain_name or not plain_subject:
        return 0
    if not set(plain_subject) <= allowed or plain_name[-1] not in plain_subject:
        return 0
    shared = len(set(plain_name) & set(plain_subject))
    if plain_name[-1] in _WEAK and shared < len(set(plain_name)):
        return 0
    return shared / len(set(plain_name))


def _terms(text: str) -> list[str]:
    text = re.sub(r"\b(\d\d(?:\.\d+)?)th\s+percentile\b", r"p\1", text.lower())
    words = re.findall(r"p\d\d(?:\.\d+)?(?!\w)|[a-z0-9]+", text)
    return [_singular(word) for word in words if word not in _COMMON]


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _is_quantile(term: str) -> bool:
    return re.fullmatch(r"p\d\d(?:\.\d+)?", term) is not None


def _quantiles(promql: str) -> set[str]:
    found = re.findall(r"histogram_quantile\s*\(\s*(0?\.\d{1,6})\s*,", promql)
    return {f"p{float(f'{float(value) * 100:.6g}'):g}" for value in found}


def _tell_unit(claim: Claim, query: NamedQuery, unit: str, line: int, ledger: Ledger) -> None:
    ledger.warn(
        "PC303",
        line,
        f"{claim.written!r} cannot be compared with {query.name!r}, which gives"
        f" {unit or 'a ratio'}.",
        "Write the threshold in a unit of the query, or join it to another named query.",
    )


def _tell_unjoined(claim: Claim, fitting: list[str], line: int, ledger: Ledger) -> None:
    subject = phrases.one_line(claim.subject)
    if fitting:
        ledger.warn(
            "PC302",
            line,
            f"{subject!r} fits several named queries alike: {', '.join(fitting)}.",
            "Use the words of the one that is meant.",
        )
    else:
        ledger.warn(
            "PC301",
            line,
            f"{subject!r} reads like a measurement, but no named query speaks of it.",
            "Add a PromQL block with a comment that names the query in the same words.",
        )
