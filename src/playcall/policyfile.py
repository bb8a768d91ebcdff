"""The policy file: TOML tables `[[ruling]]`, each of which judges one command by its digest."""

import re
from pathlib import Path

import msgspec

from playcall.core.plan import EffectClass
from playcall.core.policy import DIGEST_LENGTH, Ruling

_HEAD = re.compile(r"^\s*\[\[\s*ruling\s*\]\]")


class BadPolicy(Exception):
    """A message for a person: what is wrong, where, and how to mend it."""


class _Ruling(msgspec.Struct, forbid_unknown_fields=True):
    command: str
    digest: str
    effect: EffectClass
    why: str
    alert: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    ruling: tuple[_Ruling, ...] = ()


def read_policy(path: Path) -> tuple[Ruling, ...]:
    """Raises BadPolicy."""
    try:
        text = path.read_text("utf-8")
        file = msgspec.toml.decode(text, type=_File)
    except OSError as error:
        raise BadPolicy(f"{path}: {error.strerror}. Name a policy file.") from error
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        raise BadPolicy(f"{path}: {error}") from error
    heads = [n for n, line in enumerate(text.split("\n"), 1) if _HEAD.match(line)]
    lines = heads if len(heads) == len(file.ruling) else [1] * len(file.ruling)
    return tuple(_checked(path, one, line) for one, line in zip(file.ruling, lines, strict=True))


def _checked(path: Path, one: _Ruling, line: int) -> Ruling:
    if not re.fullmatch(rf"[0-9a-f]{{{DIGEST_LENGTH}}}", one.digest):
        raise BadPolicy(
            f"{path}:{line}: {one.digest!r} is no digest. `playcall show DOC --digests` tells them."
        )
    if not one.why.strip():
        raise BadPolicy(f"{path}:{line}: a ruling needs its reason. Fill in `why`.")
    return Ruling(
        alert=one.alert,
        command=one.command,
        digest=one.digest,
        effect=one.effect,
        why=one.why.strip(),
        line=line,
    )
