"""What a face asks of the list of incidents: by state, play, severity and words, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from playcall.core.incident import Incident

Life = Literal["", "open", "over"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is left empty does not matter; everything else has to be so."""

    life: Life = ""
    status: str = ""
    severity: str = ""
    play: str = ""
    words: tuple[str, ...] = ()  # `core.search.words`: of its title, alerts or post-mortem


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What incidents were, so that one can be chosen."""

    severities: tuple[str, ...]
    plays: tuple[str, ...]


class ListingView(Protocol):
    def listed(self, sought: Sought, limit: int, skip: int = 0) -> Sequence[Incident]:
        """Newest first."""
        ...

    def choices(self) -> Choices: ...

    def found(self, words: Sequence[str], limit: int) -> Sequence[Incident]:
        """Those whose title or text has all of the words, the last word perhaps cut short: open
        ones first, then newest first."""
        ...

    def board_stamp(self) -> tuple[int, ...]:
        """Changes whenever an open incident, their number, or GO / NO-GO does."""
        ...
