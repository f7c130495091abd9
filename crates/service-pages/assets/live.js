// Keeps the marked part of a page up to date: each event of the stream that it names replaces it by the
// server's newest. Without this script the page loads itself again.
"use strict";
(() => {
  const part = () => document.querySelector("[data-events]");
  if (!part() || !window.EventSource) return;
  const pause = 900; // milliseconds; the server draws the plots anew each time
  let last = 0;
  let asking = false;

  const renew = async () => {
    if (asking) return;
    asking = true;
    last = Date.now();
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const id = part() && part().id;
      const fresh = id && page.getElementById(id);
      if (answer.ok && fresh) part().replaceWith(fresh);
    } catch {
      // The next event tries again.
    } finally {
      asking = false;
    }
  };

  const source = new EventSource(part().dataset.events);
  const changed = () => {
    if (Date.now() - last > pause) renew();
  };
  for (const name of ["progress", "status", "incident"]) source.addEventListener(name, changed);
  // What grows older without an event.
  const every = Number(part().dataset.everyS || 0);
  if (every) setInterval(renew, every * 1000);
  source.addEventListener("ended", () => {
    source.close();
    location.reload();
  });
})();
