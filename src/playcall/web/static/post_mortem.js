// Keeps what is typed into a post-mortem in this browser until it is saved, warns before it would be
// lost, and says what is newer. The page works without it.
"use strict";

const paper = document.querySelector("main[data-incident]");
const { incident, version, who } = paper.dataset;
const saved = Number(paper.dataset.saved);
const mine = `post-mortem ${who} ${incident} `;
const fields = [...document.querySelectorAll("textarea[data-draft]")];
const news = document.getElementById("news");
let leaving = false;

const keyOf = (field) => `${mine}${version} ${field.dataset.draft}`;
const isDirty = (field) => field.value !== field.defaultValue;

function keep(field, sent = false) {
  try {
    if (!isDirty(field)) localStorage.removeItem(keyOf(field));
    else localStorage.setItem(keyOf(field), JSON.stringify({ text: field.value, at: Date.now(), sent }));
  } catch {
    news.textContent = "This browser keeps no drafts: save before you leave.";
  }
}

// Of every version; the name of the field comes after the number of the version.
function drafts() {
  let keys = [];
  try {
    keys = Object.keys(localStorage).filter((key) => key.startsWith(mine));
  } catch { /* a browser that keeps nothing */ }
  return keys.map((key) => {
    const [, number, name] = key.slice(mine.length).match(/^(\d+) (.*)$/s);
    return { key, version: Number(number), name, ...JSON.parse(localStorage.getItem(key)) };
  });
}

function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

// What was typed and never saved, where its field is, or above where there is none (any more).
function offer(draft) {
  const field = fields.find((one) => one.dataset.draft === draft.name);
  if (draft.text === field?.value) { localStorage.removeItem(draft.key); return; }
  const box = document.createElement("div");
  box.className = "draft no-print";
  box.setAttribute("role", "group");
  const said = document.createElement("p");
  const at = new Date(draft.at).toLocaleString();
  said.textContent = `You typed this at ${at}, over version ${draft.version}, and it was not saved (${draft.name}):`;
  const text = document.createElement("pre");
  text.textContent = draft.text;
  const acts = document.createElement("div");
  acts.className = "inline";
  box.setAttribute("aria-label", "A draft that was not saved");
  if (field) {
    acts.append(button("Put it back", () => {
      field.value = draft.text;
      if (draft.key !== keyOf(field)) localStorage.removeItem(draft.key);
      keep(field);
      box.remove();
      field.focus();
    }));
  } else if (draft.name === "whole" || draft.name.startsWith("section ")) {
    const open = document.createElement("a");
    open.className = "button quiet";
    open.href = `?edit=${draft.name.replace("section ", "")}#edit`;
    open.textContent = "Open it there";
    acts.append(open);
  }
  acts.append(button("Throw it away", () => { localStorage.removeItem(draft.key); box.remove(); }));
  box.append(said, text, acts);
  if (field) field.before(box);
  else document.getElementById("drafts-kept").append(box);
}

for (const draft of drafts()) {
  if (saved && draft.sent && draft.version < saved) localStorage.removeItem(draft.key);
  else if (!("clash" in paper.dataset)) offer(draft);
}
for (const field of fields) field.addEventListener("input", () => keep(field));

document.addEventListener("submit", (event) => {
  leaving = true;
  for (const field of fields) if (field.form === event.target && isDirty(field)) keep(field, true);
});
window.addEventListener("pageshow", () => { leaving = false; });
window.addEventListener("beforeunload", (event) => {
  const left = fields.some((field) => isDirty(field));
  if (left && !leaving) event.preventDefault();
});

// A way to what is newer; nobody's page changes under their hands.
function tell(text) {
  if (news.dataset.told === text) return;
  news.dataset.told = text;
  const link = document.createElement("a");
  link.href = location.pathname;
  link.textContent = "Show it";
  news.replaceChildren(`${text} `, link);
}

function redraw(review) {
  for (const picture of document.querySelectorAll("#paper picture > *")) {
    const name = picture.srcset ? "srcset" : "src";
    const address = new URL(picture[name], location);
    address.searchParams.set("review", review);
    picture[name] = address.pathname + address.search;
  }
  paper.dataset.review = review;
}

async function look() {
  if (document.hidden) return;
  let now;
  try {
    const answer = await fetch(`/incidents/${incident}/post-mortem/live`);
    if (!answer.ok) return;
    now = await answer.json();
  } catch { return; }
  if (now.review !== Number(paper.dataset.review)) {
    redraw(now.review);
    document.getElementById("measured").textContent = "Measured again just now: the charts are new.";
    tell("Its metrics were measured again; the charts are new, its numbers when it is brought up to date.");
  }
  if (now.version > Number(version)) tell(`${now.by} saved version ${now.version}.`);
}

setInterval(look, 5000);
document.addEventListener("visibilitychange", look);
