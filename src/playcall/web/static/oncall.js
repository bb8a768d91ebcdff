// Keys, copying, and dragging over the calendar. The pages work without it: it only fills a form.
"use strict";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) return;
  document.querySelector(`a[data-key="${CSS.escape(event.key.toLowerCase())}"]`)?.click();
});

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
  });
}

const calendar = document.querySelector("ol.days");
const form = document.getElementById("override");
const MINUTE = 60 * 1000;
const SNAP = 30 * MINUTE;

// Times of the reader's wall clock, as fields have them, counted as if they were UTC.
const read = (text) => Date.parse(`${text}Z`);
const write = (time) => new Date(time).toISOString().slice(0, 16);

// The stretch under the pointer: in a week to the half hour, in a month the whole day.
function stretch(event) {
  const under = document.elementFromPoint(event.clientX, event.clientY);
  const day = under?.closest("li.day");
  if (!day || !calendar.contains(day)) return null;
  const begins = read(`${day.dataset.day}T00:00`);
  const piece = under.closest("li.piece");
  if (!piece || calendar.matches(".month")) return [begins, begins + 24 * 60 * MINUTE];
  const box = piece.getBoundingClientRect();
  const from = read(piece.dataset.from);
  const until = read(piece.dataset.until);
  const at = from + (until - from) * (event.clientY - box.top) / box.height;
  const snapped = Math.floor(at / SNAP) * SNAP;
  return [snapped, snapped + SNAP];
}

function drag(start) {
  const first = stretch(start);
  if (!first) return;
  const said = document.getElementById("picked");
  let chosen = null;

  function move(event) {
    const here = stretch(event);
    if (!here) return;
    if (!chosen && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) < 6) return;
    calendar.classList.add("choosing");
    chosen = [Math.min(first[0], here[0]), Math.max(first[1], here[1])].map(write);
    said.textContent = `Chosen: ${chosen.join(" until ").replaceAll("T", " ")}`;
    for (const piece of calendar.querySelectorAll("li.piece")) {
      const { from, until } = piece.dataset;
      piece.classList.toggle("chosen", from < chosen[1] && until > chosen[0]);
    }
  }

  function stop() {
    document.removeEventListener("pointermove", move);
    document.removeEventListener("pointerup", stop);
    document.removeEventListener("pointercancel", stop);
    calendar.classList.remove("choosing");
    if (!chosen) return;
    [form.elements.from.value, form.elements.until.value] = chosen;
    form.elements.person.focus();
  }

  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", stop);
  document.addEventListener("pointercancel", stop);
}

if (calendar && form) {
  calendar.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0 || event.target.closest("a, button")) return;
    event.preventDefault();
    drag(event);
  });
}
