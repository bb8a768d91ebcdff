"""Whether a sed script or an awk program only prints. Knows the harmless part of each, no more."""

import re

_SED_FLAGS = re.compile(r"[gpiIm0-9]*")
_AWK_FORBIDDEN = re.compile(
    r"system|getline|@|\bclose\b|\binclude\b|\bload\b|fflush|\|&|(?<!\|)\|(?!\|)"
)


def sed_only_prints(script: str) -> bool:
    at = 0
    while at < len(script):
        if script[at] in " \t\n;{}":
            at += 1
            continue
        if script[at] == "#":
            return False
        after = _sed_address(script, at)
        after = _sed_command(script, after) if after is not None else None
        if after is None:
            return False
        at = after
    return True


def _sed_address(script: str, at: int) -> int | None:
    """Skip '1,5', '/x/,$', '0~3' and a '!'."""
    for _ in range(2):
        if script[at : at + 1] == "/":
            end = _sed_part(script, at + 1, "/")
            if end is None:
                return None
            at = end
            while script[at : at + 1] == "I":
                at += 1
        else:
            match = re.match(r"\d+(?:~\d+)?|\$|[+~]\d+", script[at:])
            at += match.end() if match else 0
        if script[at : at + 1] != ",":
            break
        at += 1
    while script[at : at + 1] in (" ", "!"):
        at += 1
    return at


def _sed_command(script: str, at: int) -> int | None:
    command = script[at : at + 1]
    if command == "{":
        return at + 1
    if command and command in "pdqQ=DGhHgNnPxlz":
        match = re.match(r"[ \t]*\d*[ \t]*(?=[;}\n]|$)", script[at + 1 :])
        return at + 1 + match.end() if match else None
    if command not in ("s", "y"):
        return None
    delimiter = script[at + 1 : at + 2]
    if not delimiter or delimiter.isalnum() or delimiter in "\\\n {}[];":
        return None
    middle = _sed_part(script, at + 2, delimiter)
    end = _sed_part(script, middle, delimiter) if middle is not None else None
    if end is None:
        return None
    flags = _SED_FLAGS.match(script, end)
    assert flags is not None
    rest = re.match(r"[ \t]*(?=[;}\n]|$)", script[flags.end() :])
    return flags.end() + rest.end() if rest else None


def _sed_part(script: str, at: int, delimiter: str) -> int | None:
    """Where the part ends; none if a bracket makes that unsure."""
    start = at
    while at < len(script):
        if script[at] == "\\":
            at += 2
            continue
        if script[at] == "\n":
            return None
        if script[at] == delimiter:
            part = re.sub(r"\\.", "", script[start:at])
            return None if re.search(r"\[\^?\]?[^\]]*$", part) else at + 1
        at += 1
    return None


def awk_only_prints(program: str) -> bool:
    if _AWK_FORBIDDEN.search(program):
        return False
    if ">" not in program:
        return True
    if any(sign in program for sign in "\\/#"):
        return False  # where strings, patterns and comments end is not sure
    bare = re.sub(r'"[^"\n]*"', "", program)
    return '"' not in bare and _compares_only(bare)


def _compares_only(bare: str) -> bool:
    """Every '>' stands outside of actions or inside parentheses: it compares, it never writes."""
    braces = parens = 0
    for char in bare:
        braces += (char == "{") - (char == "}")
        parens += (char == "(") - (char == ")")
        if braces < 0 or parens < 0 or (char == ">" and braces and not parens):
            return False
    return True
