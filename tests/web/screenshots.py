"""Pictures of every page, on a phone and on a desk, in light and dark.

`python -m tests.web.screenshots [NAME...]` writes them to docs/screenshots/, and takes away what is
no page any more. The site, its times and the browser's clock are always the same.
"""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, ViewportSize
from playwright.sync_api import Page as Tab

from tests.web.accessibility import DESK
from tests.web.served import PHONE, chromium
from tests.web.showcase.pages import PAGES, Page
from tests.web.showcase.site import NOW, Showcase, showcase

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
SIZES: dict[str, ViewportSize] = {"phone": PHONE, "desk": DESK}
THEMES = ("light", "dark")
COLOURS = 24  # of a picture: text stays sharp, and a page is a few kilobytes


def main(names: Sequence[str]) -> None:
    pages = [page for page in PAGES if not names or page.name in names]
    FOLDER.mkdir(exist_ok=True)
    with showcase() as site, chromium() as browser:
        for size in SIZES:
            _take(browser, site, pages, size)
    known = tuple(
        f"{page.name}-{size}-{theme}.webp" for page in PAGES for size in SIZES for theme in THEMES
    )
    for old in FOLDER.glob("*.webp"):
        if old.name not in known:
            old.unlink()
    taken = list(FOLDER.glob("*.webp"))
    total = sum(one.stat().st_size for one in taken)
    print(f"{len(taken)} pictures in {FOLDER}, {total / 1e6:.2f} MB")


def _take(browser: Browser, site: Showcase, pages: Sequence[Page], size: str) -> None:
    for stranger in (False, True):
        with site.tab(browser, SIZES[size], stranger) as tab:
            tab.clock.set_fixed_time(NOW)
            tab.set_default_timeout(120_000)
            for page in pages:
                if page.stranger != stranger:
                    continue
                tab.goto(page.of(site), wait_until="load")
                for theme in THEMES:
                    tab.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
                    _keep(tab, FOLDER / f"{page.name}-{size}-{theme}.webp")


def _keep(tab: Tab, path: Path) -> None:
    tab.wait_for_timeout(200)  # what is drawn after the load
    picture = Image.open(io.BytesIO(tab.screenshot(animations="disabled", caret="hide")))
    # By the colours that are there: a small red badge would else be averaged into brown.
    few = picture.convert("RGB").quantize(
        COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    few.convert("RGB").save(path, "WEBP", lossless=True, quality=100, method=6)


if __name__ == "__main__":
    main(sys.argv[1:])
