"""A page in parts: what is sent when something on it changed."""

import json

from playcall.web.parts import changes, split

PAGE = """<h1>1</h1>
<!--part what-->
<p id="what">open <time datetime="x" data-tick="age">4 s</time></p>
<!--end-->
<ol>
<!--item event-2-->
<li id="event-2">two</li>
<!--end-->
<!--item event-1-->
<li id="event-1">one</li>
<!--end-->
</ol>
"""


def sent(now: str) -> list[dict[str, str]] | None:
    found = changes(split(PAGE), split(now))
    return None if found is None else json.loads(found)


def test_what_the_browser_counts_itself_is_no_change() -> None:
    assert sent(PAGE.replace("4 s", "5 s")) == []
    assert split(PAGE).digest == split(PAGE.replace("4 s", "5 s")).digest


def test_a_part_that_changed_is_sent_alone() -> None:
    (one,) = sent(PAGE.replace("open", "acknowledged")) or []
    assert one["id"] == "what"
    assert one["html"].startswith('<p id="what">acknowledged')


def test_a_new_item_says_where_it_belongs_and_one_that_left_stays() -> None:
    new = '<!--item event-3-->\n<li id="event-3">three</li>\n<!--end-->\n<!--item event-2-->'
    assert sent(PAGE.replace("<!--item event-2-->", new)) == [
        {"id": "event-3", "html": '<li id="event-3">three</li>', "after": ""}
    ]
    before, after = PAGE.split("<!--item event-1-->")
    assert sent(before + after.partition("<!--end-->\n")[2]) == []


def test_what_is_outside_of_the_parts_takes_the_whole_page() -> None:
    assert sent(PAGE.replace("<h1>1", "<h1>2")) is None
    assert sent(PAGE.replace("<!--part what-->", "<!--part other-->")) is None
