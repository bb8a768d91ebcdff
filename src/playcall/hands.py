"""Builds what reaches outside, as the settings say: channels, runners, Prometheus, Alertmanager."""

from collections.abc import Callable, Mapping

import httpx

from playcall.alertmanager import Alertmanager
from playcall.archive import Files
from playcall.channels.apprise import Apprise
from playcall.channels.mail import Mail
from playcall.channels.push import Keys, Push
from playcall.channels.push_service import PushService, is_local
from playcall.channels.slack import Slack
from playcall.channels.slack_api import SlackApi
from playcall.channels.twilio import Line, Sms, Voice
from playcall.channels.webhook import Webhook
from playcall.clock import SystemClock
from playcall.engine.perform import Hands
from playcall.engine.ports import Channel, Store
from playcall.prometheus import Prometheus
from playcall.runner.building import Builder, secret_values
from playcall.runner.redaction import Redactor, is_secret_name
from playcall.settings import Settings

CREATED_BY = "playcall"


def secrets_of(settings: Settings) -> list[str]:
    """What must never be stored or sent: what is named so, what looks so, and our own."""
    values = [
        *secret_values(settings.runner, settings.targets),
        *(value for name, value in settings.placeholders.items() if is_secret_name(name)),
    ]
    ours = (settings.mail_password, settings.webhook_secret.decode())
    logins = [
        httpx.URL(url).password for url in (settings.prometheus.url, settings.alertmanager.url)
    ]
    channels = [*settings.secrets.values(), *(p.apprise for p in settings.people.values())]
    return [value for value in (*values, *ours, *logins, *channels) if value]


def build_hands(
    settings: Settings,
    client: httpx.AsyncClient,
    redactor: Redactor,
    store: Store | None = None,
    key: Callable[[], bytes] = bytes,
) -> Hands:
    """`key` signs what is asked back by. Without a store there are no channels."""
    build = Builder(runner=settings.runner, redactor=redactor, files=settings.files)
    local = build.local()
    return Hands(
        channels=build_channels(settings, client, store, key) if store else {},
        runner=local,
        targets={name: build.target(name, t, local) for name, t in settings.targets.items()},
        metrics=Prometheus(settings.prometheus.url, client),
        silencer=Alertmanager(settings.alertmanager.url, client, CREATED_BY),
        archive=Files(settings.data / "reports"),
        time_limit=settings.time_limit,
    )


def build_channels(
    settings: Settings,
    client: httpx.AsyncClient,
    store: Store | None = None,
    key: Callable[[], bytes] = bytes,
) -> Mapping[str, Channel]:
    """Without a store there is no web push: nobody knows the devices."""
    channels: dict[str, Channel] = {}
    if settings.mail:
        channels["mail"] = Mail(
            host=settings.mail.host,
            port=settings.mail.port,
            sender=settings.mail.sender,
            username=settings.mail.username,
            password=settings.mail_password,
            tls=settings.mail.tls,
            instance=httpx.URL(settings.url).host,
        )
    if settings.webhook_secret:
        channels["webhook"] = Webhook(client, settings.webhook_secret, SystemClock())
    if settings.slack:
        api = SlackApi(settings.secrets["slack.token"], settings.slack.url)
        channels["slack"] = Slack(api, SystemClock())
    if settings.twilio:
        line = Line(
            account=settings.twilio.account,
            token=settings.secrets["twilio.token"],
            sender=settings.twilio.sender,
            url=settings.url,
            key=key,
            client=client,
            server=settings.twilio.url,
        )
        channels |= {"sms": Sms(line), "voice": Voice(line)}
    if settings.push and store:
        channels["push"] = Push(
            store=store,
            keys=Keys(settings.data / "push.key"),
            contact=settings.push.contact,
            service=PushService(client, local=is_local(settings.url)),
            url=settings.url,
        )
    if settings.apprise:
        channels["apprise"] = Apprise()
    return channels
