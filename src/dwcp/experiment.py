"""Releases under test: DWCP_EXPERIMENT names one. Each is a change that a team might really try.

`odd-sizes` asks the source for a page more than a machine has, so that it has room to grow, and
asks again when that is refused; the source refuses what is not whole MiB.
"""

from dataclasses import dataclass

PAGE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """`more`: bytes beyond the machine's size; `tries`: of a request that was refused."""

    more: int = 0
    tries: int = 1


EXPERIMENTS = {"none": Experiment(), "odd-sizes": Experiment(more=PAGE, tries=5)}
