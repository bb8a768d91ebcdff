// Lets this device notify whoever is signed in. The rest of the page works without it.
"use strict";

const button = document.getElementById("notify");
const said = document.getElementById("notify-said");
const supported = "serviceWorker" in navigator && "PushManager" in window;

function bytes(text) {
  const padded = text.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat(-text.length & 3);
  return Uint8Array.from(atob(padded), (character) => character.charCodeAt(0));
}

async function ask(path, options) {
  const answer = await fetch(path, options);
  const told = await answer.json();
  if (!answer.ok) throw new Error(typeof told.detail === "string" ? told.detail : answer.status);
  return told;
}

async function notifyHere() {
  const worker = await navigator.serviceWorker.register("/service-worker.js", { scope: "/me" });
  if (await Notification.requestPermission() !== "granted") {
    throw new Error("this browser does not allow it; look in its settings for this site");
  }
  const { key } = await ask("/api/v1/me/push-key");
  const applicationServerKey = bytes(key);
  const earlier = await worker.pushManager.getSubscription();
  const known = earlier && earlier.options.applicationServerKey;
  if (known && btoa(String.fromCharCode(...new Uint8Array(known)))
      !== btoa(String.fromCharCode(...applicationServerKey))) await earlier.unsubscribe();
  const subscription = await worker.pushManager.subscribe(
    { userVisibleOnly: true, applicationServerKey });
  await ask("/api/v1/me/devices", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(subscription),
  });
}

if (button && supported) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    said.textContent = "Asking this browser…";
    try {
      await notifyHere();
      location.assign("/me");
    } catch (error) {
      said.textContent = `This device cannot notify you: ${error.message}.`;
      button.disabled = false;
    }
  });
} else if (said) {
  said.textContent = "This browser cannot show notifications, or the page is not on https.";
}
