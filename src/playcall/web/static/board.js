// Keeps the open board live: what is new is said aloud, and the tab says how many are open.
"use strict";
{
const board = document.querySelector("main[data-board]");
const lost = document.getElementById("connection");
const news = document.getElementById("news");
const shown = () => new Map([...board.querySelectorAll("li[data-incident]")].map((row) => [row.dataset.incident, row.dataset.said]));

function redraw(html) {
  const before = shown();
  const fresh = document.createElement("main");
  for (const { name, value } of [...board.attributes]) fresh.setAttribute(name, value);
  fresh.innerHTML = html;
  localise(fresh);
  morph(board, fresh);
  const after = shown();
  const said = [...after].filter(([number]) => !before.has(number)).map(([, words]) => `New: ${words}.`);
  const over = [...before].filter(([number]) => !after.has(number)).map(([number]) => `Incident ${number} is over.`);
  if (said.length || over.length) news.textContent = [...said, ...over].join(" ");
  document.title = document.getElementById("summary").dataset.title;
}

function follow() {
  const source = new EventSource(board.dataset.board);
  source.addEventListener("open", () => { lost.hidden = true; });
  source.addEventListener("error", () => {
    lost.hidden = false;
    if (source.readyState === EventSource.CLOSED) refused(follow);
  });
  source.addEventListener("page", (event) => redraw(event.data));
}

follow();
}
