// Keeps the page up to date while the month moves, and listens to a few keys. Everything works without it.
"use strict";

const version = () => document.body.dataset.version;

// Puts the new text of every live part in place; what somebody is writing stays.
async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement && document.activeElement.id;
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = next.querySelector(`[data-live="${part.dataset.live}"]`);
    if (fresh && fresh.outerHTML !== part.outerHTML) {
      const open = [...part.querySelectorAll("details")].map((d) => d.open);
      part.replaceWith(fresh);
      fresh.querySelectorAll("details").forEach((d, i) => { d.open = Boolean(open[i]); });
    }
  }
  document.body.dataset.version = next.body.dataset.version;
  if (focused && !document.activeElement.id) document.getElementById(focused)?.focus();
}

let busy = false;
let waiting;

// Something changed, unless the page shows it already. One look at a time; what comes meanwhile is looked at next.
async function changed(number) {
  waiting = number;
  if (busy) return;
  busy = true;
  while (waiting !== undefined) {
    const newest = waiting;
    waiting = undefined;
    // the demo has ended: the page stays as it is
    if (newest !== version()) await refresh().catch(() => {});
  }
  busy = false;
}

let events;

// The server says when something changed. A page that nobody looks at listens to nothing: browsers allow few
// connections to one address, and somebody may open every mailbox.
function listen() {
  if (document.visibilityState !== "visible") {
    events?.close();
    events = undefined;
    return;
  }
  if (events) return;
  events = new EventSource("/changes");
  events.onmessage = (event) => changed(event.data);
}

// Where there are no events, the page asks each second.
async function ask() {
  if (document.visibilityState === "visible") {
    await fetch("/version").then((answer) => answer.text()).then(changed).catch(() => {});
  }
  setTimeout(ask, 1000);
}

// A mail as high as it is: no second scroll bar. (It cannot run a script: see the sandbox.)
function fit(frame) {
  const inside = frame.contentDocument && frame.contentDocument.documentElement;
  if (inside) frame.style.height = `${inside.scrollHeight + 2}px`;
}

for (const frame of document.querySelectorAll("iframe.mail")) {
  frame.addEventListener("load", () => fit(frame));
  fit(frame);
  addEventListener("resize", () => fit(frame));
}

function step(by) {
  const links = [...document.querySelectorAll(".mails a")];
  const at = links.findIndex((a) => a.getAttribute("aria-current"));
  const to = links[at < 0 ? (by > 0 ? 0 : -1) : at + by];
  if (to) to.click();
}

const keys = {
  j: () => step(1),
  k: () => step(-1),
  r: () => document.querySelector("textarea")?.focus(),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) return;
  const press = keys[event.key] || (() => document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click());
  const known = keys[event.key] || document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (known) {
    event.preventDefault();
    press();
  }
});

if ("EventSource" in window) {
  document.addEventListener("visibilitychange", listen);
  listen();
} else {
  ask();
}
