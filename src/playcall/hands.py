"""Builds what reaches outside, as the settings say: channels, runners, Prometheus, Alertmanager."""

from collections.abc import Mapping

import httpx

from playcall.alertmanager import Alertmanager
from playcall.archive import Files
from playcall.channels.apprise import Apprise
from playcall.channels.mail import Mail
from playcall.channels.webhook import Webhook
from playcall.clock import SystemClock
from playcall.engine.perform import Hands
from playcall.engine.ports import Channel
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


def build_hands(settings: Settings, client: httpx.AsyncClient, redactor: Redactor) -> Hands:
    build = Builder(runner=settings.runner, redactor=redactor, files=settings.files)
    local = build.local()
    return Hands(
        channels=build_channels(settings, client),
        runner=local,
        targets={name: build.target(name, t, local) for name, t in settings.targets.items()},
        metrics=Prometheus(settings.prometheus.url, client),
        silencer=Alertmanager(settings.alertmanager.url, client, CREATED_BY),
        archive=Files(settings.data / "reports"),
        time_limit=settings.time_limit,
    )


def build_channels(settings: Settings, client: httpx.AsyncClient) -> Mapping[str, Channel]:
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
    if settings.apprise:
        channels["apprise"] = Apprise()
    return channels
