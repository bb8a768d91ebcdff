// Times that go on, and times of day in the reader's own zone. Without it: as of the load, in UTC.
"use strict";

// As the server says durations, with the seconds that a page can count.
function sayDuration(seconds) {
  const s = Math.floor(Math.abs(seconds));
  const [d, h, m] = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60];
  if (d) return `${d} d ${h} h`;
  if (h) return `${h} h ${m} min`;
  return m ? `${m} min ${s % 60} s` : `${s} s`;
}

// A browser whose clock is wrong counts by the server's.
const loaded = document.querySelector("[data-now]")?.dataset.now;
const ahead = loaded ? Date.now() - Date.parse(loaded) : 0;

function tick() {
  const now = Date.now() - ahead;
  for (const one of document.querySelectorAll("time[data-tick]")) {
    const left = (Date.parse(one.dateTime) - now) / 1000;
    const words = sayDuration(left);
    const said = one.dataset.tick === "age" ? words : left > 0 ? `in ${words}` : `${words} ago`;
    if (one.textContent !== said) one.textContent = said;
    if (one.dataset.tick === "left") one.closest(".countdowns > div")?.classList.toggle("late", left <= 0);
  }
}

// Beside the time in UTC, which stays as it is.
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat([], { month: "short", day: "numeric" });

function localise(root) {
  if (new Date().getTimezoneOffset() === 0) return;
  for (const one of root.querySelectorAll("time[datetime]:not([data-tick], [data-local])")) {
    const at = new Date(one.dateTime);
    if (isNaN(at)) continue;
    const other = at.toDateString() === new Date().toDateString() ? "" : `${day.format(at)} `;
    one.dataset.local = other + clock.format(at);
  }
}

function keepTime() { localise(document); tick(); }

document.addEventListener("playcall:changed", keepTime);
setInterval(tick, 1000);
keepTime();
