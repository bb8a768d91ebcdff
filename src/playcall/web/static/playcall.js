// Keeps an open incident page live. The page works without it: every form is an ordinary form.
"use strict";

const main = document.querySelector("main[data-live]");
const connection = document.getElementById("connection");
const problem = document.getElementById("problem");

// Replace only what changed, deepest first, so that focus, open details and typed text stay.
function morph(from, to) {
  if (from.isEqualNode(to)) return;
  const same = from.nodeType === to.nodeType && from.nodeName === to.nodeName && from.id === to.id;
  if (!same) { from.replaceWith(to.cloneNode(true)); return; }
  if (from.nodeType !== Node.ELEMENT_NODE) { from.nodeValue = to.nodeValue; return; }
  if (from === document.activeElement && from.matches("input, textarea")) return;
  for (const { name, value } of [...to.attributes]) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
  }
  if (from.matches("textarea")) return;
  const before = [...from.childNodes];
  const after = [...to.childNodes];
  // New timeline entries come first: keep the old nodes at the end where they are.
  if (from.matches("ol.entries")) {
    for (let extra = after.length - before.length; extra > 0; extra--) {
      from.insertBefore(after[extra - 1].cloneNode(true), from.firstChild);
    }
    [...from.childNodes].forEach((node, i) => after[i] && morph(node, after[i]));
    return;
  }
  after.forEach((node, i) => {
    if (before[i]) morph(before[i], node);
    else from.append(node.cloneNode(true));
  });
  before.slice(after.length).forEach((node) => node.remove());
}

function listen() {
  const source = new EventSource(main.dataset.live);
  source.addEventListener("open", () => { connection.hidden = true; });
  source.addEventListener("error", () => {
    connection.hidden = false;
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  });
  source.addEventListener("page", (event) => {
    const fresh = document.createElement("main");
    for (const { name, value } of [...main.attributes]) fresh.setAttribute(name, value);
    fresh.innerHTML = event.data;
    morph(main, fresh);
  });
}

async function submit(event) {
  const form = event.target;
  if (!main.contains(form)) return;
  event.preventDefault();
  const button = event.submitter;
  if (button) button.disabled = true;
  problem.hidden = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (!answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      throw new Error(page.getElementById("refusal")?.textContent || `The server answered ${answer.status}.`);
    }
    form.reset();
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
    problem.scrollIntoView({ block: "nearest" });
  } finally {
    if (button) button.disabled = false;
  }
}

if (main) {
  listen();
  document.addEventListener("submit", submit);
}
