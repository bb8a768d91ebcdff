"""The settings as people may see them: each with where it comes from, and no secret."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One setting."""

    key: str  # "server.port"
    value: str  # in words where it is a secret
    whence: str  # "playcall.toml:12", "environment variable NAME", "default"
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSettings:
    """As they were when the server began."""

    file: str
    values: tuple[Shown, ...]
    warnings: tuple[str, ...]  # of the settings
    problems: tuple[str, ...]  # of the document
