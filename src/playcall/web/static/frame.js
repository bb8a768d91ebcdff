// What every page has: times in the reader's zone, search, keys, and a page for when there is no
// connection. Every page works without it.
"use strict";
{
// --- times: the reader's zone, UTC beside --------------------------------------------------------

const WRITTEN = /^(\d{4}-\d\d-\d\d[T ])?\d\d:\d\d(:\d\d)?( UTC|Z|\+00:00)?$/;
const here = new Intl.DateTimeFormat().resolvedOptions().timeZone;
const two = (number) => String(number).padStart(2, "0");

// "12:04:11 UTC" becomes "13:04:11" with "12:04 UTC" beside; what is written otherwise stays.
function localise(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const written = time.textContent.trim();
    const parts = WRITTEN.exec(written);
    const at = new Date(time.dateTime);
    if (!parts || Number.isNaN(at.getTime()) || at.getTimezoneOffset() === 0) continue;
    const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    const clock = `${two(at.getHours())}:${two(at.getMinutes())}${parts[2] ? `:${two(at.getSeconds())}` : ""}`;
    const beside = document.createElement("span");
    beside.className = "utc";
    const utc = at.toISOString();
    const other = utc.slice(0, 10) !== day ? `${utc.slice(5, 10)} ` : "";
    beside.textContent = ` ${other}${utc.slice(11, 16)} UTC`;
    time.title = `${written.replace(/( UTC|Z|\+00:00)?$/, "")} UTC; shown in ${here}`;
    time.replaceChildren(parts[1] ? `${day} ${clock}` : clock, beside);
  }
}

localise(document);

// On a phone the list of pages is wider than the screen: where one is stays in sight.
const current = document.querySelector(".nav [aria-current]");
const strip = current?.closest(".nav");
if (strip) strip.scrollLeft = current.offsetLeft + current.offsetWidth + 48 - strip.clientWidth;
new MutationObserver((changes) => {
  for (const { target } of changes) {
    const around = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
    if (around?.parentElement) localise(around.parentElement);
  }
}).observe(document.body, { subtree: true, childList: true, characterData: true });

// --- search --------------------------------------------------------------------------------------

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const signedIn = document.querySelector(".find");
const incident = /^\/incidents\/(\d+)/.exec(location.pathname)?.[1] ?? "";
const box = element("input", {
  type: "search", role: "combobox", "aria-label": "Search, or say what to do", "aria-expanded": "true",
  "aria-controls": "found", "aria-autocomplete": "list", autocomplete: "off", maxlength: "400",
});
const found = element("ul", { id: "found", role: "listbox", "aria-label": "Found" });
const told = element("p", { role: "status", class: "hint" });
const palette = element("dialog", { class: "palette", "aria-label": "Search" }, box, told, found);
let asked = 0;

async function look() {
  const mine = ++asked;
  const query = new URLSearchParams({ q: box.value.slice(0, 400), incident });
  try {
    const answer = await fetch(`/api/v1/search?${query}`);
    if (mine !== asked) return;
    if (answer.status === 401) throw new Error("You are signed out. Sign in again.");
    if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
    show(await answer.json());
  } catch (error) {
    if (mine === asked) told.textContent = error instanceof TypeError ? "Not connected." : error.message;
  }
}

function show(hits) {
  found.replaceChildren(...hits.map((hit, n) => element("li", { role: "option", id: `hit-${n}`, "aria-selected": "false", "data-path": hit.path },
    element("span", { class: "tag" }, hit.kind), element("strong", {}, hit.title), element("span", { class: "facts" }, hit.detail))));
  told.textContent = hits.length ? `${hits.length} found` : "Nothing found.";
  choose(found.firstElementChild);
}

function choose(hit) {
  found.querySelector('[aria-selected="true"]')?.setAttribute("aria-selected", "false");
  box.removeAttribute("aria-activedescendant");
  if (!hit) return;
  hit.setAttribute("aria-selected", "true");
  box.setAttribute("aria-activedescendant", hit.id);
  hit.scrollIntoView({ block: "nearest" });
}

// Leads there, and never acts: what changes something is a button on that page.
function lead(hit) {
  if (!hit?.dataset.path.startsWith("/")) return;
  palette.close();
  const to = new URL(hit.dataset.path, location.href);
  if (to.pathname === location.pathname && to.hash) visit(to.hash.slice(1));
  else location.assign(to);
}

// What is closed around a part of this page opens.
function reveal(id) {
  const part = document.getElementById(id);
  for (let shut = part?.closest("details"); shut; shut = shut.parentElement.closest("details")) shut.open = true;
  return part;
}

function visit(id) {
  const part = reveal(id);
  if (!part) return;
  part.scrollIntoView({ block: "center" });
  const fields = "button, input:not([type=hidden]), select, textarea";
  const first = part.matches(`${fields}, a`) ? part : part.querySelector(fields) ?? part.querySelector("a, summary");
  (first ?? part).focus({ preventScroll: true });
}

function search() {
  if (palette.open) return;
  palette.showModal();
  box.select();
  look();
}

if (signedIn) {
  document.body.append(palette);
  signedIn.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    search();
  });
  let waiting = 0;
  box.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(look, 120); });
  box.addEventListener("keydown", (event) => {
    const chosen = found.querySelector('[aria-selected="true"]');
    const steps = { ArrowDown: chosen?.nextElementSibling, ArrowUp: chosen?.previousElementSibling };
    if (event.key in steps) { event.preventDefault(); if (steps[event.key]) choose(steps[event.key]); }
    if (event.key === "Escape") { event.preventDefault(); palette.close(); }
    if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); lead(chosen); }
  });
  found.addEventListener("click", (event) => lead(event.target.closest("li")));
  palette.addEventListener("click", (event) => { if (event.target === palette) palette.close(); });
}

// --- keys ----------------------------------------------------------------------------------------

const OFF = "playcall-keys-off";
const PAGES = {
  b: "/", i: "/incidents", o: "/on-call", p: "/playbooks", d: "/drills", n: "/insights", u: "/audit", s: "/settings", m: "/me",
};
const KEYS = [
  ["/ or Ctrl-K", "search"], ["j, k", "next, previous of a list"], ["Enter", "open it"], ["a", "to Acknowledge; then Enter presses it"],
  ["g b, g i", "board, all incidents"], ["g o, g p", "on call, playbooks"], ["g d, g n", "drills, insights"],
  ["g u, g s, g m", "audit, settings, yourself"], ["?", "these keys"],
];
const stored = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) { try { if (value === null) localStorage.removeItem(key); else localStorage.setItem(key, value); } catch { /* this browser keeps nothing */ } },
};

const list = element("dl", { class: "keys" });
for (const [key, does] of KEYS) list.append(element("dt", {}, element("kbd", {}, key)), element("dd", {}, does));
const turn = element("button", { type: "button", "data-keys-switch": "" });
const help = element("dialog", { class: "palette", "aria-label": "Keys" }, element("h2", {}, "Keys"), list, turn,
  element("form", { method: "dialog" }, element("button", { class: "quiet" }, "Close")));

function sayKeys() {
  for (const button of document.querySelectorAll("[data-keys-switch]")) {
    button.hidden = false;
    button.textContent = stored.get(OFF) ? "Turn single keys on" : "Turn single keys off";
  }
}

function step(by) {
  const lists = "main ul.board > li, main [data-walk] > li";
  const links = [...document.querySelectorAll(lists)].map((row) => row.querySelector("a[href]")).filter(Boolean);
  const at = links.indexOf(document.activeElement);
  links[at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by]?.focus();
}

function go(key) {
  const path = PAGES[key];
  const known = ["/", "/incidents", "/me"].includes(path) || document.querySelector(`.nav a[href="${path}"]`);
  if (path && known) location.assign(path);
}

let going = 0;

function pressed(event) {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    return search();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.key.length > 1) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
  if (stored.get(OFF)) return event.stopImmediatePropagation();
  const follows = Date.now() - going < 1500;
  going = 0;
  const acts = { "/": search, "?": () => { help.showModal(); sayKeys(); }, j: () => step(1), k: () => step(-1), a: () => visit("acknowledge"), g: () => { going = Date.now(); } };
  const act = follows ? () => go(event.key) : acts[event.key];
  if (!act) return;
  if (!follows && event.key !== "/" && event.key !== "?" && document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  act();
}

if (signedIn) {
  document.body.append(help);
  addEventListener("keydown", pressed, { capture: true });
  document.addEventListener("click", (event) => {
    if (event.target.closest("#keys")) help.showModal();
    if (event.target.closest("[data-keys-switch]")) stored.set(OFF, stored.get(OFF) ? null : "1");
    sayKeys();
  });
  const button = document.getElementById("keys");
  if (button) button.hidden = false;
  sayKeys();
}

// --- no connection -------------------------------------------------------------------------------

reveal(location.hash.slice(1))?.scrollIntoView();
if (signedIn) {
  stored.set("playcall-seen", new Date().toISOString());
  navigator.serviceWorker?.register("/service-worker.js").catch(() => { /* the page goes on without it */ });
}

window.localise = localise;
}
