// Keeps an open incident page live. The page works without it: every form is an ordinary form.
"use strict";

const main = document.querySelector("main[data-live]");
const connection = document.getElementById("connection");
const problem = document.getElementById("problem");

const OURS = ["open", "data-local", "data-shown"]; // attributes that are the reader's

// Replace only what changed, deepest first, so that focus, open details and typed text stay.
function morph(from, to) {
  if (from.isEqualNode(to)) return;
  const same = from.nodeType === to.nodeType && from.nodeName === to.nodeName && from.id === to.id;
  if (!same) { from.replaceWith(to.cloneNode(true)); return; }
  if (from.nodeType !== Node.ELEMENT_NODE) { from.nodeValue = to.nodeValue; return; }
  if (from === document.activeElement && from.matches("input, textarea, select")) return;
  const seen = from.value;
  for (const { name, value } of [...to.attributes]) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !OURS.includes(name)) from.removeAttribute(name);
  }
  if (from.matches("textarea")) return;
  if (from.name === "digest" && from.form && seen !== to.value) changed.set(from.form, Date.now());
  const after = [...to.childNodes];
  if (from.id === "entries") {
    putItems(from, after.filter((node) => node.id).map((node, i, all) => [node, i ? all[i - 1].id : ""]));
    return;
  }
  morphChildren(from, after);
}

// The timeline only grows: older entries that were fetched, or fell off the latest, stay.
function putItems(list, items) {
  for (const [node, after] of items) {
    const known = document.getElementById(node.id);
    if (known) { morph(known, node); continue; }
    const above = after && document.getElementById(after);
    if (above && list.contains(above)) above.after(node.cloneNode(true));
    else if (!after) list.prepend(node.cloneNode(true));
  }
}

// Who presses a button under which the command has just changed has not read it.
const changed = new WeakMap();
const READING = 2000; // milliseconds

// A node with an id meets its own again, wherever others came or went before it.
function morphChildren(from, after) {
  const ids = new Set(after.map((node) => node.id).filter(Boolean));
  let here = from.firstChild;
  for (const node of after) {
    let kept = null;
    for (let one = here; node.id && one && !kept; one = one.nextSibling) {
      if (one.id === node.id) kept = one;
    }
    while (kept && here !== kept) {
      const next = here.nextSibling;
      here.remove();
      here = next;
    }
    if (here && (kept || !ids.has(here.id))) {
      const next = here.nextSibling;
      morph(here, node);
      here = next;
    } else {
      from.insertBefore(node.cloneNode(true), here);
    }
  }
  while (here) {
    const next = here.nextSibling;
    here.remove();
    here = next;
  }
}

// Whoever acts by keyboard stays where they were, though the button they pressed is gone.
let acting = null;

function keepPlace() {
  if (!acting || !(document.activeElement === null || document.activeElement === document.body)) return;
  document.getElementById(acting)?.focus({ preventScroll: true });
  acting = null;
}

function changedNow() {
  keepPlace();
  document.dispatchEvent(new Event("playcall:changed"));
}

function parse(html) {
  const piece = document.createElement("template");
  piece.innerHTML = html;
  return piece.content.firstElementChild;
}

function put({ id, html, after }) {
  const fresh = parse(html);
  if (after !== undefined) { putItems(document.getElementById("entries"), [[fresh, after]]); return; }
  const known = document.getElementById(id);
  if (known) morph(known, fresh);
}

let last = ""; // what this page has, for whoever begins a new stream

function listen() {
  const address = new URL(main.dataset.live, location);
  if (last) address.searchParams.set("seen", last);
  const source = new EventSource(address);
  source.addEventListener("open", () => { connection.hidden = true; });
  source.addEventListener("error", () => {
    connection.hidden = false;
    if (source.readyState === EventSource.CLOSED) refused(listen);
  });
  source.addEventListener("parts", (event) => {
    last = event.lastEventId;
    JSON.parse(event.data).forEach(put);
    changedNow();
  });
  source.addEventListener("page", (event) => {
    last = event.lastEventId;
    const fresh = document.createElement("main");
    for (const { name, value } of [...main.attributes]) fresh.setAttribute(name, value);
    fresh.innerHTML = event.data;
    morph(main, fresh);
    changedNow();
  });
}

// Whoever is signed out is led there by a link, which keeps what is typed on this page.
function sayIn(place, words) {
  const link = document.createElement("a");
  link.href = `/sign-in?next=${encodeURIComponent(location.pathname)}`;
  link.target = "_blank";
  link.textContent = "Sign in again";
  place.replaceChildren(`${words} `, link);
}

const LOST = connection?.textContent;

// The browser gave up: the server is away, or does not know us any more; either may pass.
async function refused(again) {
  try {
    const answer = await fetch("/me", { redirect: "manual" });
    if (answer.type === "opaqueredirect") sayIn(connection, "You are signed out: what you see may be old.");
    else connection.textContent = LOST;
  } catch { connection.textContent = LOST; }
  setTimeout(again, 2000);
}

async function submit(event) {
  const form = event.target;
  if (!main.contains(form)) return;
  event.preventDefault();
  if (Date.now() - changed.get(form) < READING) {
    problem.textContent = "This command has just changed. Look again, then press.";
    problem.hidden = false;
    return;
  }
  const button = event.submitter;
  const data = new FormData(form);
  if (button?.name) data.append(button.name, button.value);
  acting = form.closest("[data-keep-focus]")?.id ?? null;
  if (button) button.disabled = true;
  problem.hidden = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: form.enctype === "multipart/form-data" ? data : new URLSearchParams(data) });
    if (new URL(answer.url).pathname === "/sign-in") {
      acting = null;
      sayIn(problem, "You are signed out: this was not done. Sign in, come back, and press once more.");
      problem.hidden = false;
      problem.scrollIntoView({ block: "nearest" });
      return;
    }
    if (!answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      throw new Error(page.getElementById("refusal")?.textContent.trim() || `The server answered ${answer.status}.`);
    }
    form.reset();
    form.dispatchEvent(new Event("playcall:sent", { bubbles: true }));
    const shut = form.closest("#response details[open], details.act[open]");
    if (shut) {
      shut.open = false;
      shut.querySelector("summary").focus();
    }
  } catch (error) {
    acting = null;
    problem.textContent = error.message;
    problem.hidden = false;
    problem.scrollIntoView({ block: "nearest" });
  } finally {
    if (button) button.disabled = false;
    if (button?.isConnected && document.activeElement === document.body) button.focus({ preventScroll: true });
  }
}

// A link that leads to something closed opens it.
function openTarget(event) {
  const link = event.target.closest?.('a[href^="#"]');
  const target = link && document.getElementById(link.hash.slice(1));
  const shut = target?.closest("details");
  if (shut) shut.open = true;
}

if (main) {
  listen();
  document.addEventListener("submit", submit);
  document.addEventListener("click", openTarget);
}
