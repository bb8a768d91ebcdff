// The timeline's filter, its older entries, and pictures by paste. Without it: links and a form.
"use strict";

const timeline = document.getElementById("timeline");
const list = () => document.getElementById("entries");

// What is on the page already is filtered at once; what was never loaded is asked of the server.
function filter(event) {
  const link = event.target.closest("a[data-show]");
  if (!link || event.ctrlKey || event.metaKey || list().dataset.loaded !== "all") return;
  event.preventDefault();
  const show = link.dataset.show;
  list().dataset.shown = show;
  for (const one of timeline.querySelectorAll("a[data-show]")) {
    if (one === link) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
  history.replaceState(null, "", show === "all" ? location.pathname : link.href);
}

async function showOlder(event) {
  const link = event.target.closest("a[data-older]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  link.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(link.dataset.older, { redirect: "error" });
    if (!answer.ok) throw new Error();
    const piece = document.createElement("template");
    piece.innerHTML = await answer.text();
    const more = piece.content.getElementById("older");
    const first = piece.content.querySelector("li");
    list().append(...piece.content.querySelectorAll("li"));
    document.getElementById("older").replaceChildren(...more.childNodes);
    document.dispatchEvent(new Event("playcall:changed"));
    first?.querySelector("a")?.focus({ preventScroll: true });
  } catch {
    location.href = link.href;
  }
}

const IMAGE = /^image\/(png|jpeg|webp|gif)$/;

function attach(files) {
  const found = [...files].find((one) => IMAGE.test(one.type));
  const input = document.getElementById("picture");
  if (!found || !input) return false;
  const chosen = new DataTransfer();
  chosen.items.add(found);
  input.files = chosen.files;
  sayAttached();
  return true;
}

function sayAttached() {
  const file = document.getElementById("picture").files[0];
  const size = file && Math.ceil(file.size / 1024);
  document.getElementById("attached").textContent = file ? `${file.name}, ${size} KB; press Note` : "";
}

if (timeline) {
  timeline.addEventListener("click", filter);
  timeline.addEventListener("click", showOlder);
  timeline.addEventListener("change", (event) => { if (event.target.id === "picture") sayAttached(); });
  timeline.addEventListener("playcall:sent", sayAttached);
  document.addEventListener("paste", (event) => {
    if (!attach(event.clipboardData?.files ?? [])) return;
    event.preventDefault();
    document.getElementById("note").focus();
  });
  timeline.addEventListener("dragover", (event) => event.preventDefault());
  timeline.addEventListener("drop", (event) => {
    event.preventDefault();
    attach(event.dataTransfer.files);
  });
}
