"""Sentences that can be measured, their units, and the named query each one speaks of."""

import re
from dataclasses import dataclass
from datetime import timedelta

from playcall.core.compiler import phrases
from playcall.core.compiler.ledger import Ledger
from playcall.core.plan import Comparison, Criterion, NamedQuery, Purpose

_WORDS = {
    "below": Comparison.BELOW,
    "under": Comparison.BELOW,
    "less than": Comparison.BELOW,
    "lower than": Comparison.BELOW,
    "at most": Comparison.AT_MOST,
    "above": Comparison.ABOVE,
    "over": Comparison.ABOVE,
    "more than": Comparison.ABOVE,
    "greater than": Comparison.ABOVE,
    "higher than": Comparison.ABOVE,
    "exceeds": Comparison.ABOVE,
    "exceeding": Comparison.ABOVE,
    "at least": Comparison.AT_LEAST,
    "<": Comparison.BELOW,
    ">": Comparison.ABOVE,
    "<=": Comparison.AT_MOST,
    ">=": Comparison.AT_LEAST,
    "≤": Comparison.AT_MOST,
    "≥": Comparison.AT_LEAST,
}
_CLAIM = re.compile(
    r"^(?P<subject>[^<>≤≥]{1,200}?)\s*"
    r"(?P<op><=|>=|≤|≥|<|>|\b(?:" + "|".join(w for w in _WORDS if w[0].isalpha()) + r")\b)\s*"
    r"(?P<written>(?P<number>\d{1,12}(?:\.\d{1,9})?)\s?(?P<unit>%|/s\b|[A-Za-z]+(?:/[A-Za-z]+)?)?)"
    r"(?P<rest>.*)$",
    re.IGNORECASE,
)
# A condition or a longer explanation mentions a threshold without asserting it.
_EXPLAINS = re.compile(
    r"\b(?:if|when|unless|whether|once|query|expression|alert)\b|[({\[]|[.,;](?:\s|$)",
    re.IGNORECASE,
)
_LONGEST = 160  # characters
_NOT_UNITS = {"for", "over", "in", "within", "during", "and", "or", "on", "across", "at", "of"}
_LONG_TIMES = {"m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "day": 86400}
_SCALES: dict[str, tuple[str, float]] = {
    "%": ("", 0.01),
    "percent": ("", 0.01),
    "ns": ("s", 1e-9),
    "us": ("s", 1e-6),
    "µs": ("s", 1e-6),
    "ms": ("s", 1e-3),
    "millisecond": ("s", 1e-3),
    "s": ("s", 1.0),
    "sec": ("s", 1.0),
    "second": ("s", 1.0),
} | {name: ("s", float(seconds)) for name, seconds in _LONG_TIMES.items()}
_PREFIXES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_PER_SECOND = ("s", "sec", "second")
_PER = {"min": 60.0, "minute": 60.0, "m": 60.0, "h": 3600.0, "hour": 3600.0}

_COMMON_WORDS = """
verify confirm ensure check watch wait until make sure that the a an is are be it its stay stays
stayed remain remains has have been back return returns returned drop drops keep keeps to of for
and on in overall total average avg mean current measured observed sustained again s
"""
_WEAK_WORDS = "rate count usage ratio percentage percent time number level total value"
_COMMON = frozenset(_COMMON_WORDS.split())
_WEAK = frozenset(_WEAK_WORDS.split())


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


def read_claim(sentence: str) -> Claim | None:
    """What the sentence asserts; None when it asserts nothing measurable."""
    found = _CLAIM.match(sentence) if len(sentence) <= _LONGEST else None
    if found is None or _EXPLAINS.search(found["subject"]):
        return None
    unit = found["unit"] or ""
    written, rest = found["written"], found["rest"]
    if unit.lower() in _NOT_UNITS:
        written, rest, unit = found["number"], f"{unit}{rest}", ""
    if not re.search(r"[A-Za-z]", found["subject"]):
        return None
    if found["op"].lower() == "over" and _scale(unit)[0] == "s":
        return None
    return Claim(
        subject=found["subject"],
        comparison=_WORDS[found["op"].lower()],
        number=float(found["number"]),
        written=written.strip(),
        unit=unit,
        holds_for=phrases.duration(rest) or timedelta(0),
        column=found.start("op") + 1,
    )


def read_criterion(
    sentence: str,
    purpose: Purpose,
    number: int,
    line: int,
    queries: tuple[NamedQuery, ...],
    ledger: Ledger,
) -> Criterion | None:
    """The criterion in a sentence, joined to a query; a problem says why when it cannot be."""
    claim = read_claim(sentence)
    if claim is None:
        return None
    joined = _join(claim, queries)
    if not isinstance(joined, NamedQuery) and _is_long(claim.unit.lower()):
        return None  # 'incident >30 minutes' is a matter of the clock, not of a metric
    unit, scale = _scale(claim.unit)
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


def _is_long(unit: str) -> bool:
    return unit in _LONG_TIMES or (len(unit) > 2 and unit.removesuffix("s") in _LONG_TIMES)


def query_unit(promql: str) -> str | None:
    """The base unit of a query's value, from its metric's name and functions; None: not said."""
    names = " ".join(re.findall(r"[a-zA-Z_:][\w:]*", promql))
    counted = re.search(r"\b(?:rate|irate|deriv)\s*\(", promql) is not None
    if re.search(r"\)\s*/\s*[\w(]", promql):
        return ""
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


def _scale(unit: str) -> tuple[str, float]:
    """A written unit's base unit and factor; what is unknown ('replicas') counts things."""
    name = unit.lower().rstrip("s") if len(unit) > 3 and "/" not in unit else unit.lower()
    if name in _SCALES:
        return _SCALES[name]
    top, slash, bottom = name.partition("/")
    if not slash:
        bytes_ = _bytes(unit)
        return ("", 1.0) if bytes_ is None else bytes_
    per = 1.0 if bottom in _PER_SECOND else 1 / _PER.get(bottom, 1.0)
    size = _bytes(unit.partition("/")[0]) if top else None
    return ("1/s", per) if size is None else (f"{size[0]}/s", size[1] * per)


def _bytes(unit: str) -> tuple[str, float] | None:
    """'GB' and 'GiB' in bytes; 'Gb' and 'Gbit' are an eighth; 'Gbps' is per second."""
    found = re.fullmatch(r"([kKMGT]?i?)(B|b|bytes?|bits?)(ps)?", unit)
    if found is None:
        return None
    prefix = found[1].lower()
    size = _BINARY.get(prefix) or _PREFIXES.get(prefix)
    if size is None:
        return None
    bits = found[2] == "b" or found[2].startswith("bit")
    return ("B/s" if found[3] else "B"), size / (8 if bits else 1)


def _join(claim: Claim, queries: tuple[NamedQuery, ...]) -> NamedQuery | list[str]:
    """The one query the subject's words fit; otherwise the names that fit equally well."""
    subject = _terms(claim.subject)
    scored = [(score, query) for query in queries if (score := _fit(subject, query)) > 0]
    best = max((score for score, _ in scored), default=0)
    fitting = [query for score, query in scored if score == best]
    return fitting[0] if len(fitting) == 1 else [query.name for query in fitting]


def _fit(subject: list[str], query: NamedQuery) -> float:
    """How well words speak of a query; 0: they do not."""
    name = _terms(query.name)
    allowed = {*name, *_terms(re.sub(r"[^A-Za-z]+", " ", query.promql))}
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
