// The page for when there is no connection: it knows only when this device last had one.
"use strict";

const seen = new Date(localStorage.getItem("playcall-seen") ?? "");
if (!Number.isNaN(seen.getTime())) {
  const line = document.getElementById("seen");
  line.hidden = false;
  line.querySelector("time").dateTime = seen.toISOString();
  line.querySelector("time").textContent = `${seen.toLocaleString()} (${seen.toISOString().slice(11, 16)} UTC)`;
}
const again = document.getElementById("again");
again.hidden = false;
again.addEventListener("click", () => location.reload());
addEventListener("online", () => location.reload());
