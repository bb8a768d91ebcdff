"""Whole incidents on the pages, in a real Chromium, with the monitoring that a user has. Everything
is real: Prometheus fires, Alertmanager delivers, a script mends, PromQL proves it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.drills.crash import Surroundings
from tests.servers import wait_for
from tests.web.accessibility import DESK, Theme
from tests.web.journey import Way, link_of, see_through, sign_in, somebody
from tests.web.served import PHONE, TOKEN, Served, chromium

PLAYBOOK = """\
# Playbook

## Severity

| Level | Response Time | Escalation | Wake On-Call |
|---|---|---|---|
| **CRITICAL** | <60 minutes | Immediate | YES |

## Escalation Path

```
ALERT FIRES
    ↓
On-Call Primary (Page)
```

### ServiceSlow

**Severity:** CRITICAL

#### Symptoms
- Latency >500ms

#### Immediate Actions

1. **Look**
   ```bash
   # What runs here
   uname -s
   ```

#### Decision Points (0-30 Minutes)

2. **Go on, or go back**

   ```
   Is the cause known?
       ├─ NO → Continue diagnostics
       └─ YES → Hotfix
   ```

3. **Do what was decided**

   **Option A: Hotfix**
   ```bash
   # Mend it
   mend-latency
   ```

#### Resolution

4. **Close**
   - Verify latency <500ms for 1 consecutive minutes

### ServiceLoud

**Severity:** CRITICAL

#### Immediate Actions

1. **Look**
   ```bash
   # Ten million bytes
   seq 1 1400000
   ```

## Key Metrics Queries

```promql
# Latency
max(app_latency_seconds)
```
"""
PACE = 60
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
SIZES: dict[str, ViewportSize] = {"phone": PHONE, "desk": DESK}
CHOSEN: tuple[tuple[Way, str, Theme, bool], ...] = (
    ("touch", "phone", "dark", True),
    ("keyboard", "desk", "light", False),
    ("no-javascript", "phone", "light", False),
)
EVERY = [
    (way, size, theme, True)
    for way, size, theme in product(
        ("touch", "keyboard", "no-javascript"), SIZES, ("light", "dark")
    )
]


@dataclass
class Stage:
    """A Playcall, what it guards, and whoever is paged."""

    served: Served
    around: Surroundings
    browser: Browser
    incidents: int = field(default=0)

    def break_it(self) -> str:
        """The page that the mail about the new incident leads to."""
        self.around.round += 1
        self.around.set_latency(0.9)
        self.incidents += 1
        return link_of(self.around.mailbox, self.incidents)

    def post(self, path: str, **body: object) -> None:
        url = f"{self.served.url}/api/v1/incidents/{self.incidents}{path}"
        httpx.post(url, json=body, headers=HEADERS).raise_for_status()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("journeys")
    with Surroundings(folder).up() as around, chromium() as browser:
        more = (
            f'[prometheus]\nurl = "{around.prometheus}"\nread_every = 15\n'
            f'[alertmanager]\nurl = "{around.alertmanager}"\n'
            "[runner]\noutput_limit = 12000000\n"
        )
        served = Served(
            folder,
            around.mailbox.port,
            PLAYBOOK,
            more,
            port=around.port,
            pace=PACE,
            group_by=("round",),
        )
        draft = around.latency.with_suffix(".draft")
        script = f"#!/bin/sh\necho 0.1 > {draft} && mv {draft} {around.latency}\necho mended\n"
        (folder / "bin" / "mend-latency").write_text(script, "utf-8")
        served.start()
        yield Stage(served, around, browser)
        served.stop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "combination" in metafunc.fixturenames:
        every = metafunc.config.getoption("--every-combination")
        found = EVERY if every else CHOSEN
        metafunc.parametrize("combination", found, ids=["-".join(one[:3]) for one in found])


def test_a_whole_incident_from_the_page_to_the_post_mortem(
    stage: Stage, combination: tuple[Way, str, Theme, bool]
) -> None:
    way, size, theme, slow = combination
    link = stage.break_it()
    with somebody(stage.browser, way, SIZES[size], theme, slow) as person:
        person.page.goto(link)
        see_through(person)
