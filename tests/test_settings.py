"""Each mistake in the settings file gives its own sentence; a good file is completed."""

from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest

from playcall.app import load_playbook
from playcall.core.access import Access
from playcall.core.compiler import compile_document
from playcall.core.people import roles
from playcall.core.response import ResponsePolicy
from playcall.core.rota import Imported, Rotation
from playcall.rotafile import build_schedule, read_length
from playcall.settings import BadSettings, hash_token, read_settings

ROOT = Path(__file__).parent.parent
GOOD = """
[documents]
playbook = "playbook.md"
"""
ADA = '[people.ada]\nname = "Ada"\n'
TOKEN = hash_token("t")


def written(folder: Path, text: str) -> Path:
    path = folder / "playcall.toml"
    path.write_text(text, "utf-8")
    return path


def mistakes(folder: Path, text: str) -> list[str]:
    path = written(folder, text)
    with pytest.raises(BadSettings) as caught:
        read_settings(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines), lines
    return [line.removeprefix(f"{path}: ") for line in lines]


UPDATES = [
    (
        '[updates]\npublish = "now"\n',
        'updates.publish: "now" is neither "by hand" nor "by itself".',
    ),
    (
        '[updates]\nremind_before = "3"\n',
        'updates.remind_before: "3" is not a duration. Write "5m" or "90s".',
    ),
    (
        '[updates]\ntitle = "It is [TBD]"\n',
        "updates.title: a title is one line of at most 200 characters, without brackets.",
    ),
    (
        '[updates.titles]\nX = "a\\nb"\n',
        "updates.titles.X: a title is one line of at most 200 characters, without brackets.",
    ),
    (
        '[review]\nbefore = "60d"\n',
        'review.before: "60d" is not a duration of up to 30 days. Write "1h" or "5m".',
    ),
    (
        '[[review.figures]]\nname = "a"\nquery = "sum(x[$window]"\n',
        'review.figures number 1, "a": its query is not PromQL: unclosed left parenthesis.',
    ),
    (
        '[[review.figures]]\nname = "a"\nquery = "rate(x[$__range])"\n',
        'review.figures number 1, "a": its query is not PromQL: $__range means nothing here, '
        "only $window is filled in.",
    ),
    (
        '[review]\nfigures = [{name = "a", query = "x"}, {name = "A", query = "y"}]\n',
        'review.figures number 2: there are two figures named "A".',
    ),
    ('[facts]\nmoves = " "\n', 'facts."moves": write the PromQL that counts it.'),
    (
        '[facts]\n"[n]" = "x"\n',
        'facts."[n]": name what is counted, such as "migrations affected".',
    ),
]
WINDOW = """
[[maintenance]]
from = 2026-03-01T22:00:00Z
until = 2026-03-02T02:00:00+01:00
matchers = { team = "network", site = "eu-*" }
reason = "new switches"
"""


MISTAKES = [
    *[(GOOD + text, said) for text, said in UPDATES],
    *[
        (
            GOOD + f'[response]\n{key} = "{text}"\n',
            f'response.{key}: "{text}" is not a duration. Write "15m" or "1h30m".',
        )
        for key, text in (
            ("repeat_after", "15"),
            ("repeat_after", ""),
            ("snooze_at_most", "0m"),
            ("reopen_within", "a while"),
            ("silence_acknowledged", "-5m"),
        )
    ],
    (
        GOOD + '[response]\nwar_room = "meet me"\n',
        'response.war_room: "meet me" is not a link. Begin with https://.',
    ),
    (
        GOOD + '[response]\nwar_room = "https://meet.example/{team}"\n',
        'response.war_room: "{incident}" is all that can be filled in.',
    ),
    (
        GOOD + WINDOW.replace("22:00:00Z", "22:00:00"),
        'maintenance number 1: from has no time zone. Add "Z" or an offset such as +02:00.',
    ),
    (
        GOOD + WINDOW + WINDOW.replace("2026-03-02", "2026-03-01"),
        "maintenance number 2: it ends before it begins.",
    ),
    (
        GOOD + WINDOW.replace('team = "network", site = "eu-*"', ""),
        'maintenance number 1: say which alerts. For all of them: matchers = { alertname = "*" }.',
    ),
    (
        GOOD + WINDOW.replace("new switches", " "),
        "maintenance number 1: say why; the reason is shown with each incident.",
    ),
    (
        GOOD + "[intake]\nseverity_labels = []\n",
        "intake.severity_labels: name at least one label that tells the severity.",
    ),
    (
        GOOD + "[alertmanager]\nreconcile_every = -1\n",
        "alertmanager.reconcile_every: -1.0 is not seconds. 0 means never.",
    ),
    (
        GOOD + "[alertmanager]\ngrace = -1\n",
        "alertmanager.grace: -1.0 is not a number of seconds above 0.",
    ),
    (GOOD + "[server]\nport = 70000\n", "server.port: 70000 is not a port. Use 0 to 65535."),
    (GOOD + "[server]\nport = -1\n", "server.port: -1 is not a port. Use 0 to 65535."),
    ("pace = 0.0\n" + GOOD, "pace: 0.0 is not a number above 0. Leave it out for true time."),
    ("pace = 1e-300\n" + GOOD, "pace: 1e-300 is not between 0.001 and 1000."),
    ("pace = 1e300\n" + GOOD, "pace: 1e+300 is not between 0.001 and 1000."),
    (GOOD + "[runner]\ntime_limit = 1e300\n", "runner.time_limit: 1e+300 seconds are over a year."),
    (
        GOOD
        + "[[maintenance]]\nfrom = 0001-01-01T00:00:00+14:00\nuntil = 2026-03-01T00:00:00Z\n"
        + 'matchers = { alertname = "*" }\nreason = "r"\n',
        "maintenance number 1: from is in the year 1; use one from 1971 to 2199.",
    ),
    ("", "documents.playbook: name the Markdown document to run."),
    (
        GOOD + '[mail]\nhost = "h"\nsender = "s"\ntls = "ssl"\n',
        'mail.tls: "ssl" is not one of none, starttls, implicit.',
    ),
    (
        GOOD + "[runner]\ntime_limit = 0\n",
        "runner.time_limit: 0.0 is not a number of seconds above 0.",
    ),
    (
        GOOD + "[prometheus]\nread_every = -1\n",
        "prometheus.read_every: -1.0 is not a number of seconds above 0.",
    ),
    (
        GOOD + '[on_call]\n"Team Lead" = ["bob"]\n',
        'on_call."Team Lead": nobody is called "bob". Add [people.bob].',
    ),
    (
        GOOD + '[people.Ada]\nname = "Ada"\n',
        "people.Ada: use lower-case letters, digits, dots and dashes.",
    ),
    (
        GOOD + ADA + 'mail = "a@b.c"\n',
        "people.ada.mail: there is no [mail] table to send it with.",
    ),
    (
        GOOD + ADA + 'webhook = "http://x"\n',
        "people.ada.webhook: there is no [webhook] table to send it with.",
    ),
    (
        GOOD + ADA + 'methods = ["pigeon"]\n',
        'people.ada.methods: "pigeon" is not one of mail, webhook, slack, sms, voice, push, '
        "apprise.",
    ),
    (
        GOOD + '[intake]\ntokens = ["secret"]\n',
        "intake.tokens: not a hashed token. `playcall token` makes one and prints the line to put "
        "here.",
    ),
    (
        GOOD + ADA + 'tokens = ["sha256:abc"]\n',
        "people.ada.tokens: not a hashed token. `playcall token` makes one and prints the line to "
        "put here.",
    ),
]

LAYER = 'people = ["ada"]\nrotation = "weekly"\nstarts_on = 2026-01-05\n'
SCHEDULE = ADA + '[schedules.first]\nzone = "Europe/Berlin"\n'
WITH_LAYER = SCHEDULE + "[[schedules.first.layers]]\n"
IN_LAYER = "schedules.first.layers, number 1: "
MISTAKES += [
    (
        GOOD + ADA + '[schedules.ada]\nzone = "UTC"\n[[schedules.ada.layers]]\n' + LAYER,
        "schedules.ada: a person has this name too. Give one of them another.",
    ),
    (
        GOOD + ADA + '[schedules.First]\nzone = "UTC"\n[[schedules.First.layers]]\n' + LAYER,
        "schedules.First: use lower-case letters, digits, dots and dashes.",
    ),
    (
        GOOD + WITH_LAYER.replace("Berlin", "Atlantis") + LAYER,
        'schedules.first.zone: "Europe/Atlantis" is not a time zone. Write one as "Europe/Berlin".',
    ),
    (GOOD + SCHEDULE, "schedules.first: has no layers. Add [[schedules.first.layers]]."),
    (
        GOOD + SCHEDULE + 'fallback = ["zoe"]\n[[schedules.first.layers]]\n' + LAYER,
        'schedules.first.fallback: nobody is called "zoe". Add [people.zoe].',
    ),
    (
        GOOD + WITH_LAYER + LAYER.replace('"ada"', ""),
        IN_LAYER + "has no people. List at least one, or name a calendar as ical.",
    ),
    (
        GOOD + WITH_LAYER + LAYER.replace('"ada"', '"ada", "zoe"'),
        IN_LAYER + 'nobody is called "zoe". Add [people.zoe].',
    ),
    (
        GOOD + WITH_LAYER + LAYER.replace("weekly", "often"),
        IN_LAYER + 'rotation: "often" is not a length. '
        'Write daily, weekly, "3 days" or "12 hours".',
    ),
    (
        GOOD + WITH_LAYER + LAYER.replace("weekly", "60 weeks"),
        IN_LAYER + 'rotation: "60 weeks" is not a length. '
        'Write daily, weekly, "3 days" or "12 hours".',
    ),
    (
        GOOD + WITH_LAYER + LAYER + 'hand_off = "9am"\n',
        IN_LAYER + 'hand_off: "9am" is not a time of day. Write it as "09:00".',
    ),
    (
        GOOD + WITH_LAYER + LAYER.replace("starts_on = 2026-01-05\n", ""),
        IN_LAYER + "starts_on: say on which day the first turn begins: 2026-01-05.",
    ),
    (
        GOOD + WITH_LAYER + LAYER.replace("2026", "9999"),
        IN_LAYER + "starts_on: 9999-01-05 is not a day of these times.",
    ),
    (
        GOOD + WITH_LAYER + LAYER + 'weekday = "someday"\n',
        IN_LAYER + 'weekday: "someday" is not one of mon, tue, wed, thu, fri, sat, sun.',
    ),
    (
        GOOD + WITH_LAYER + LAYER.replace("weekly", "3 days") + 'weekday = "mon"\n',
        IN_LAYER + "weekday: only turns of whole weeks begin on one. Remove it, or write weekly.",
    ),
    (
        GOOD + WITH_LAYER + LAYER + 'only = ["office hours"]\n',
        IN_LAYER + 'only: "office hours" are not hours. Write them as "mon-fri 09:00-17:00".',
    ),
    (
        GOOD + WITH_LAYER + 'ical = "a.ics"\n' + LAYER,
        IN_LAYER + "ical stands alone: the calendar says who is on call when. Remove the rest.",
    ),
    (
        GOOD + WITH_LAYER + 'ical = "http://calendar.example/x.ics"\n',
        IN_LAYER + 'ical: "http://calendar.example/x.ics" is no address with https:// and no '
        "file. Name one.",
    ),
]
REACHED = '[mail]\nhost = "h"\nsender = "s"\n' + ADA + 'mail = "a@b.c"\n'
MISTAKES += [
    (
        GOOD + REACHED + "rules = [{ methods = [] }]\n",
        "people.ada.rules, number 1: has no methods. Name at least one.",
    ),
    (
        GOOD + REACHED + 'rules = [{ methods = ["pigeon"] }]\n',
        'people.ada.rules, number 1: "pigeon" is not one of mail, webhook, slack, sms, voice, '
        "push, apprise.",
    ),
    (
        GOOD + REACHED + 'rules = [{ methods = ["mail", "webhook"] }]\n',
        "people.ada.rules, number 1: people.ada.webhook has no address.",
    ),
    (
        GOOD + REACHED + 'rules = [{ methods = ["mail"], after = "soon" }]\n',
        'people.ada.rules, number 1: after: "soon" is not a time. Write it as "2m".',
    ),
    (
        GOOD + REACHED + 'zone = "UTC"\nrules = [{ methods = ["mail"], hours = "day" }]\n',
        'people.ada.rules, number 1: hours: "day" are not hours. '
        'Write them as "mon-fri 09:00-17:00".',
    ),
    (
        GOOD + REACHED + 'rules = [{ methods = ["mail"], hours = "mon" }]\n',
        'people.ada.rules, number 1: hours need people.ada.zone, as "Europe/Berlin".',
    ),
    (
        GOOD + REACHED + 'zone = "Nowhere"\n',
        'people.ada.zone: "Nowhere" is not a time zone. Write one as "Europe/Berlin".',
    ),
]


TICKETS = '[tickets]\ntoken_file = "t"\n'


def test_mistakes_about_tickets_are_told_together(tmp_path: Path) -> None:
    text = f'{GOOD}{TICKETS}kind = "jira"\nproject = "o/r"\nlabels = ["a b"]\nlook_every = "soon"\n'
    assert mistakes(tmp_path, text + 'accounts = { zoe = "z" }\n') == [
        'tickets.project: "o/r" is no project. Write it as "OPS".',
        "tickets.url: name the site, such as https://example.atlassian.net.",
        'tickets.labels: "a b" has a space, which Jira does not allow.',
        'tickets.accounts: nobody is called "zoe". Add [people.zoe].',
        'tickets.look_every: "soon" is no duration. Write "10m".',
    ]
    other = f'{GOOD}{TICKETS}kind = "trello"\nproject = "x"\n'
    assert mistakes(tmp_path, other) == [
        'tickets.kind: "trello" is not one of github, gitlab, jira.'
    ]
    with pytest.raises(BadSettings, match="t: the secret cannot be read"):
        read_settings(written(tmp_path, f'{GOOD}{TICKETS}kind = "github"\nproject = "o/r"\n'))


@pytest.mark.parametrize(("text", "sentence"), MISTAKES, ids=[s for _, s in MISTAKES])
def test_a_mistake_gives_its_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    assert mistakes(tmp_path, text) == [sentence]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (GOOD + "[server]\nprot = 1\n", ["server.prot: unknown field", 'Did you mean "port"?']),
        (GOOD + "[sevrer]\nport = 1\n", ["sevrer: unknown field", 'Did you mean "server"?']),
        (GOOD + '[server]\nport = "80"\n', ["Expected `int`", "$.server.port"]),
        (GOOD + ADA + 'access = "god"\n', ["god", "access"]),
        (GOOD + "[people.ada]\n", ["name", "$.people"]),
        (GOOD + '[mail]\nhost = "h"\n', ["sender", "$.mail"]),
        ("[documents\n", ["not TOML", "line 1"]),
        ("a = 1\na = 2\n", ["not TOML"]),
    ],
)
def test_what_the_file_may_not_hold_is_said_with_its_place(
    tmp_path: Path, text: str, parts: list[str]
) -> None:
    [line] = mistakes(tmp_path, text)
    for part in parts:
        assert part in line


@pytest.mark.parametrize("number", ["nan", "inf"])
@pytest.mark.parametrize("key", ["pace = {}", "[runner]\ntime_limit = {}"])
def test_a_number_that_is_none_is_a_mistake(tmp_path: Path, key: str, number: str) -> None:
    line = key.format(number)
    text = line + "\n" + GOOD if key.startswith("pace") else GOOD + line + "\n"
    [sentence] = mistakes(tmp_path, text)
    assert number in sentence


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    assert len(mistakes(tmp_path, "pace = -1.0\n[server]\nport = 99999\n")) == 3


def test_every_unknown_key_is_told_with_its_place_beside_the_other_mistakes(
    tmp_path: Path,
) -> None:
    text = """
pase = 2
[server]
prot = 1
port = 99999
[documents]
playbook = "playbook.md"
[runner.env]
ANYTHING = "goes"
[people.ada]
name = "Ada"
[[people.ada.rules]]
methods = ["mail"]
zzz = 1
"""
    told = mistakes(tmp_path, text)
    assert told[:3] == [
        'pase: unknown field. Did you mean "pace"?',
        'server.prot: unknown field. Did you mean "port"?',
        "people.ada.rules number 1.zzz: unknown field. Known here: after, hours, methods.",
    ]
    assert "server.port: 99999 is not a port. Use 0 to 65535." in told
    both = mistakes(tmp_path, 'pase = 1\n[server]\nport = "80"\n')
    assert (len(both), "Expected `int`" in both[1]) == (2, True)


def test_a_file_that_is_not_there_or_not_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"no\.toml: there is no such file"):
        read_settings(tmp_path / "no.toml")
    with pytest.raises(BadSettings, match="cannot be read"):
        read_settings(tmp_path)
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadSettings, match="cannot be read"):
        read_settings(tmp_path / "x.toml")


def test_a_directory_of_files_must_be_there(tmp_path: Path) -> None:
    text = GOOD + '[runner]\nfiles = "no-such"\n'
    with pytest.raises(BadSettings, match=r"runner\.files: .*no-such is not a directory"):
        read_settings(written(tmp_path, text))
    (tmp_path / "no-such").mkdir()
    assert read_settings(written(tmp_path, text)).files == tmp_path / "no-such"


def test_a_secret_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    text = GOOD + '[webhook]\nsecret_file = "no.secret"\n'
    with pytest.raises(BadSettings, match=r"no\.secret: the secret cannot be read"):
        read_settings(written(tmp_path, text))


def test_an_empty_secret_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n", "utf-8")
    text = GOOD + '[webhook]\nsecret_file = "empty"\n'
    with pytest.raises(BadSettings, match="empty: the secret is empty"):
        read_settings(written(tmp_path, text))


def test_what_is_left_out_is_completed_beside_the_file(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, GOOD))
    assert settings.playbook == tmp_path / "playbook.md"
    assert settings.data == tmp_path / "playcall-data"
    assert settings.database == f"sqlite:///{tmp_path}/playcall-data/playcall.db"
    assert settings.url == "http://127.0.0.1:8700"
    assert settings.time_limit == timedelta(minutes=1)
    assert settings.read_every == timedelta(seconds=15)


def test_secrets_and_the_environment_are_read_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTER", "from outside")
    (tmp_path / "mail").write_text("pass word\n", "utf-8")
    (tmp_path / "hook").write_text("hook secret", "utf-8")
    text = (
        GOOD
        + '[mail]\nhost = "h"\nsender = "s"\npassword_file = "mail"\n'
        + '[webhook]\nsecret_file = "hook"\n'
        + '[runner.env]\nA = "$OUTER"\nB = "$NOT_THERE"\nC = "plain"\n'
    )
    settings = read_settings(written(tmp_path, text))
    assert (settings.mail_password, settings.webhook_secret) == ("pass word", b"hook secret")
    assert settings.runner.env == {"A": "from outside", "B": "", "C": "plain"}
    assert "pass word" not in repr(settings)
    assert "hook secret" not in repr(settings)


def test_methods_are_tried_in_the_order_given(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("s", "utf-8")
    tables = '[mail]\nhost = "h"\nsender = "s"\n[webhook]\nsecret_file = "hook"\n'
    reach = 'mail = "a@b.c"\nwebhook = "http://x"\n'
    text = GOOD + tables + ADA + reach
    assert read_settings(written(tmp_path, text)).methods("ada") == (
        ("mail", "a@b.c"),
        ("webhook", "http://x"),
    )
    text += 'methods = ["webhook"]\n'
    assert read_settings(written(tmp_path, text)).methods("ada") == (("webhook", "http://x"),)


def test_a_schedule_is_read_with_its_layers_and_its_calendars(tmp_path: Path) -> None:
    text = (
        GOOD
        + WITH_LAYER
        + LAYER
        + 'weekday = "mon"\nonly = ["mon-fri 08:00-20:00", "sat"]\n'
        + '[[schedules.first.layers]]\nical = "team.ics"\n'
        + '[[schedules.first.layers]]\nical = "https://calendar.example/x.ics"\n'
        + '[on_call]\n"On-Call Primary" = ["first", "ada"]\n'
    )
    settings = read_settings(written(tmp_path, text))
    schedule = build_schedule("first", settings.schedules["first"])
    rotation, *imported = schedule.layers
    assert isinstance(rotation, Rotation)
    assert (rotation.people, rotation.turn, rotation.weekday) == (("ada",), timedelta(days=7), 0)
    assert rotation.hand_off == time(9)
    assert [len(window.weekdays) for window in rotation.windows] == [5, 1]
    assert imported == [Imported(shifts=()), Imported(shifts=())]
    assert [(feed.layer, feed.source) for feed in settings.feeds] == [
        (1, str(tmp_path / "team.ics")),
        (2, "https://calendar.example/x.ics"),
    ]


def test_whoever_a_bound_schedule_names_may_be_on_call(tmp_path: Path) -> None:
    people = "".join(f'[people.{name}]\nname = "X"\n' for name in ("bob", "cleo", "dan"))
    text = (
        GOOD
        + people
        + WITH_LAYER
        + LAYER.replace('"ada"', '"ada", "bob"')
        + '[on_call]\n"On-Call Primary" = ["first"]\n"Team Lead" = ["dan"]\n'
    )
    text = text.replace('Berlin"\n', 'Berlin"\nfallback = ["cleo"]\n')
    settings = read_settings(written(tmp_path, text))
    assert settings.may_be_on_call() == {"ada", "bob", "cleo", "dan"}
    text = text.replace('["first"]', '["ada"]')
    assert read_settings(written(tmp_path, text)).may_be_on_call() == {"ada", "dan"}


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("daily", timedelta(days=1)),
        ("Weekly", timedelta(days=7)),
        ("3 days", timedelta(days=3)),
        ("12 hours", timedelta(hours=12)),
        ("2weeks", timedelta(days=14)),
        ("0 days", None),
        ("days", None),
        ("-1 days", None),
        ("1.5 days", None),
        ("9999 days", None),
        ("30 minutes", None),
        ("", None),
    ],
)
def test_lengths_of_turns(text: str, length: timedelta | None) -> None:
    assert read_length(text) == length


def test_each_access_includes_those_before_it() -> None:
    levels = list(Access)
    for index, level in enumerate(levels):
        assert [level.allows(other) for other in levels] == [
            at <= index for at in range(len(levels))
        ]


def test_the_response_and_maintenance_are_read(tmp_path: Path) -> None:
    text = GOOD + WINDOW
    text += """
[response]
repeat_after = "1h30m"
silence_acknowledged = "90s"
resolves_itself = ["LatencyHigh"]
war_room = "https://meet.example/{incident}"
"""
    found = read_settings(written(tmp_path, text))
    assert found.response == ResponsePolicy(
        repeat_after=timedelta(minutes=90),
        silence_acknowledged=timedelta(seconds=90),
        resolves_itself=("LatencyHigh",),
        war_room="https://meet.example/{incident}",
    )
    [window] = found.maintenance
    assert window.ends - window.starts == timedelta(hours=3)
    assert (window.matchers, window.reason) == (
        {"team": "network", "site": "eu-*"},
        "new switches",
    )


def test_without_a_word_the_response_is_the_usual_one(tmp_path: Path) -> None:
    assert read_settings(written(tmp_path, GOOD)).response == ResponsePolicy()


def test_the_response_reaches_the_plan_before_its_clock_is_compressed(tmp_path: Path) -> None:
    document = ROOT / "examples/dwcp-v3/playbooks.md"
    text = (
        f'pace = 60\n[documents]\nplaybook = "{document}"\n'
        + """
[people.ada]
name = "Ada"
mail = "ada@example.org"
[mail]
host = "localhost"
sender = "p@example.org"
[response]
repeat_after = "30m"
war_room = "https://meet.example/{incident}"
"""
    )
    bare = read_settings(written(tmp_path, text))
    plan = compile_document(document.read_bytes(), "x.md", ()).plan
    assert plan is not None
    everybody = dict.fromkeys(roles(plan), ("ada",))
    known = load_playbook(replace(bare, on_call=everybody)).plan.response
    assert known.repeat_after == timedelta(seconds=30)
    assert known.war_room == "https://meet.example/{incident}"
    wrong = replace(bare.response, resolves_itself=("Nowhere",))
    with pytest.raises(BadSettings, match=r"response\.resolves_itself: .* no play for Nowhere"):
        load_playbook(replace(bare, on_call=everybody, response=wrong))
