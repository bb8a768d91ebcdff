"""Builds what tells the public, as the settings say: our own status page and its subscribers, and
the pages elsewhere."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b

import httpx
from starlette.routing import BaseRoute

from playcall.channels.mail import Mail
from playcall.channels.outside import Outside
from playcall.channels.subscriber_links import SubscriberLinks
from playcall.channels.subscribers import SubscriberPost
from playcall.clock import SystemClock
from playcall.engine.perform import Hands
from playcall.engine.ports import Publisher, Store
from playcall.engine.subscription import Post
from playcall.publishers.cachet import Cachet
from playcall.publishers.instatus import Instatus
from playcall.publishers.service import Mark, Service
from playcall.publishers.statuspage import Statuspage
from playcall.settings import Settings
from playcall.web.auth import secret_key
from playcall.web.public import PublicSite, public_routes
from playcall.web.public_render import Look
from playcall.web.subscribing import Subscribing, subscribing_routes


def with_public(hands: Hands, settings: Settings, client: httpx.AsyncClient) -> Hands:
    mail = hands.channels.get("mail")
    return replace(
        hands,
        publishers=_publishers(settings, client),
        post=_post(settings, mail if isinstance(mail, Mail) else None, client),
    )


def build_routes(settings: Settings, store: Store, post: Post | None) -> list[BaseRoute]:
    """None when the page is not served."""
    if not isinstance(post, SubscriberPost):
        return []
    site = build_site(settings, store, post)
    forms = Subscribing(
        look=site.look, store=store, clock=SystemClock(), links=_links(settings), post=post
    )
    return [*subscribing_routes(forms), *public_routes(site)]


def _publishers(settings: Settings, client: httpx.AsyncClient) -> Mapping[str, Publisher]:
    page = settings.status_page
    if not page.publishers:
        return {}
    mark = Mark(instance=blake2b(secret_key(settings.data)[0], digest_size=4).hexdigest())

    def service(name: str, url: str, scheme: str) -> Service:
        token = settings.secrets[f"status_page.{name}.token"]
        headers = {"authorization": f"{scheme} {token}"}
        return Service(name=name, url=url, client=client, headers=headers)

    found: dict[str, Publisher] = {}
    if one := page.statuspage:
        api = service("statuspage", one.url, "OAuth")
        found["statuspage"] = Statuspage(api, one.page, one.components, mark)
    if two := page.instatus:
        api = service("instatus", two.url, "Bearer")
        found["instatus"] = Instatus(api, two.page, two.components, mark)
    if three := page.cachet:
        api = service("cachet", three.url, "Bearer")
        found["cachet"] = Cachet(api, three.components, mark)
    return found


def _post(
    settings: Settings, mail: Mail | None, client: httpx.AsyncClient
) -> SubscriberPost | None:
    """None: the page is not served."""
    page = settings.status_page
    if not page.serve:
        return None
    return SubscriberPost(
        title=page.title,
        links=_links(settings),
        outside=Outside(client=client, private=page.private_webhooks),
        clock=SystemClock(),
        mail=mail,
    )


def build_site(settings: Settings, store: Store | None, post: SubscriberPost | None) -> PublicSite:
    page = settings.status_page
    return PublicSite(
        look=Look(
            title=page.title,
            path=page.path,
            url=settings.url + page.path,
            contact=page.contact,
            kinds=tuple(post.kinds()) if post else (),
        ),
        components=page.parts,
        maintenances=settings.announced,
        days=page.history_days,
        store=store,
        clock=SystemClock(),
        copy=settings.data / "status-page.json",
    )


def _links(settings: Settings) -> SubscriberLinks:
    key, _ = secret_key(settings.data)
    return SubscriberLinks(page=settings.url + settings.status_page.path, key=key)
