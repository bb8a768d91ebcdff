// Shows what Playcall sends to this device, and a page of its own when there is no connection. It
// keeps that page alone: nothing of any incident.
"use strict";

const KEPT = "playcall-offline-1";
const OFFLINE = "/static/offline.html";

self.addEventListener("install", (event) => {
  const files = [OFFLINE, "/static/offline.js", "/static/playcall.css"];
  const put = (cache) => cache.addAll(files.map((file) => new Request(file, { cache: "reload" })));
  event.waitUntil(caches.open(KEPT).then(put).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const drop = (names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name)));
  event.waitUntil(Promise.all([self.registration.navigationPreload?.enable(), caches.keys().then(drop)]));
});

// Only what is looked at: a form that is sent either arrives or visibly does not.
self.addEventListener("fetch", (event) => {
  const { request, preloadResponse } = event;
  const { pathname, search } = new URL(request.url);
  if (request.method !== "GET") return;
  if (request.mode === "navigate") {
    const answer = async () => (await preloadResponse) ?? fetch(request);
    event.respondWith(answer().catch(() => caches.match(OFFLINE)));
  } else if (pathname.startsWith("/static/") && !search) {
    event.respondWith(fetch(request).catch(async () => (await caches.match(request)) ?? Response.error()));
  }
});

self.addEventListener("push", (event) => {
  let said = {};
  try { said = event.data.json(); } catch { said = { title: "Playcall: open it and look" }; }
  event.waitUntil(self.registration.showNotification(said.title || "Playcall", {
    body: said.body || "",
    tag: said.tag || "playcall",
    renotify: true,
    requireInteraction: Boolean(said.urgent),
    icon: "/static/icon-192.png",
    data: { link: said.link || "/", acknowledge: said.acknowledge || said.link || "/" },
    actions: said.acknowledge ? [{ action: "acknowledge", title: "Acknowledge" }] : [],
  }));
});

// Acknowledge opens a page that asks once more: a notification is easily brushed by a thumb.
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { link, acknowledge } = event.notification.data;
  const wanted = new URL(event.action === "acknowledge" ? acknowledge : link, self.location.origin);
  if (/^https?:$/.test(wanted.protocol)) event.waitUntil(self.clients.openWindow(wanted.href));
});

// The push service gave this device another address.
self.addEventListener("pushsubscriptionchange", (event) => {
  const { options } = event.oldSubscription || {};
  const renewed = event.newSubscription
    ? Promise.resolve(event.newSubscription)
    : self.registration.pushManager.subscribe(options);
  event.waitUntil(renewed.then((subscription) => fetch("/api/v1/me/devices", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(subscription),
  })));
});
