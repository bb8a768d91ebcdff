"""Reads one command whole: stand-ins, judgement, faults, and what runs in its place."""

import re
import unicodedata
from datetime import timedelta

from playcall.core.compiler.shell.findings import Findings
from playcall.core.compiler.shell.judge import Judge
from playcall.core.compiler.shell.knowledge import stand_ins
from playcall.core.compiler.shell.reading import Fault, Reading
from playcall.core.compiler.shell.standins import StandIn, mask
from playcall.core.compiler.shell.syntax import MAX_BYTES
from playcall.core.compiler.shell.variables import Scope
from playcall.core.compiler.shell.wrappers import apply_edits
from playcall.core.place import Level
from playcall.core.plan import EffectClass, Placeholder, Translation

# Beside one query, a command may hold these and still be nothing but that query.
_AROUND_A_QUERY = frozenset({"curl", "wget", "jq", "echo", "printf", "true", "python3", "python"})
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def read(text: str) -> Reading:
    """Never raises: what cannot be read is a change, and the reason says so."""
    refusal = why_unreadable(text)
    if refusal:
        fault = Fault(
            code="PC209",
            level=Level.ERROR,
            what=f"This command {refusal}.",
            mend="Write it as short plain text.",
            line=1,
            column=1,
        )
        return Reading(
            effect=EffectClass.CHANGE,
            reasons=(refusal,),
            placeholders=(),
            runs_as=None,
            faults=(fault,),
        )
    masked = mask(text)
    findings = Findings(data=masked.data, hidden=masked.stand_ins)
    scope = Judge(findings).top(masked.data)
    missing = open_places(text, masked.stand_ins, scope)
    _tell_missing(findings, missing)
    _tell_scratch(findings)
    if not findings.reasons:
        findings.say(EffectClass.OBSERVE, "nothing to run" if not findings.leaves else "only looks")
    return Reading(
        effect=findings.effect,
        reasons=tuple(findings.reasons),
        placeholders=tuple(_placeholder(findings, one) for one in missing),
        runs_as=_translation(findings, text),
        faults=tuple(sorted(findings.faults, key=lambda f: (f.line, f.column, f.code))),
    )


def why_unreadable(text: str) -> str:
    """Why a text is not even parsed; empty: it can be."""
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        return f"is longer than {MAX_BYTES} bytes"
    if _CONTROL.search(text):
        return "holds control characters"
    if text.isascii():
        return ""
    for char in text:
        category = unicodedata.category(char)
        if category == "Cs":
            return "is not valid text"
        if ord(char) > 127 and category in ("Zs", "Zl", "Zp", "Cf", "Cc"):
            return "holds an invisible character that shells do not read as a space"
    return ""


def open_places(text: str, found: tuple[StandIn, ...], scope: Scope) -> list[StandIn]:
    """All stand-ins in order: those written as text, outside comments, and variables never set."""
    places = [one for one in found if not any(a <= one.start < b for a, b in scope.comments)]
    known = stand_ins().environment | scope.given
    data = text.encode()
    for use in scope.used:
        if use.name not in known and use.name != "0":
            shown = data[use.start : use.end].decode()
            places.append(StandIn(name=use.name, text=shown, start=use.start, end=use.end))
    return sorted(places, key=lambda one: one.start)


def _tell_missing(findings: Findings, missing: list[StandIn]) -> None:
    for one in missing:
        argument = one.name.isdigit()  # of the script that it stands in
        if one.text.startswith("$") and not one.name.isupper() and not argument:
            findings.fault(
                "PC202",
                Level.ERROR,
                f'"{one.text}" is never set.',
                "Set it in the command, or give it a value when the command is run.",
                one.start,
            )
        else:
            findings.fault(
                "PC207",
                Level.WARNING,
                f'"{one.text}" stands for a value nobody has given yet.',
                "Write the value, or bind it to an alert label in the settings.",
                one.start,
            )


def _tell_scratch(findings: Findings) -> None:
    moved = {"cd", "pushd", "popd"} & set(findings.leaves)
    for name in findings.scratch:
        if moved:
            findings.change(f'writes the file "{name}" into another directory')
        else:
            findings.say(findings.effect, f'writes "{name}" into its own scratch directory')


def _placeholder(findings: Findings, one: StandIn) -> Placeholder:
    line, column = findings.place(one.start)
    return Placeholder(name=one.name, text=one.text, line=line, column=column)


def _translation(findings: Findings, text: str) -> Translation | None:
    if findings.effect is EffectClass.OBSERVE and len(findings.queries) == 1:
        others = [x for x in findings.leaves if x not in _AROUND_A_QUERY]
        asked = [x for x in findings.leaves if x in ("curl", "wget") or x.startswith("promtool")]
        if len(asked) == 1 and others in ([], ["promtool query instant"]):
            why = "a PromQL query is asked of the configured Prometheus itself, and drawn"
            return Translation(
                kind="promql", text=findings.queries[0], why=why, every=_pace(findings)
            )
    if not findings.edits or findings.effect is EffectClass.MANUAL:
        return None
    whys = dict.fromkeys(edit.why for edit in findings.edits if edit.why)
    changed = apply_edits(text.encode(), findings.edits)
    return Translation(kind="shell", text=changed, why="; ".join(whys), every=_pace(findings))


def _pace(findings: Findings) -> timedelta | None:
    return timedelta(seconds=findings.every) if findings.every else None
