// Shows what Playcall sends to this device. It keeps nothing, and serves no page.
"use strict";

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
