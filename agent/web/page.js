// Fetches this page every few seconds and puts the new counts in place of the old ones, so that the reader's place on
// the page is kept. Without scripts the page reloads itself instead.
"use strict";

const everyMs = 5000;
const live = document.getElementById("live");
live.parentElement.hidden = false;

async function refresh() {
  if (!live.checked || document.hidden) return;
  try {
    const answer = await fetch(location.pathname);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.getElementById("counts").replaceWith(page.getElementById("counts"));
    document.title = "Hallwatch";
  } catch {
    document.title = "Hallwatch (not reached)";
  }
}

setInterval(refresh, everyMs);
