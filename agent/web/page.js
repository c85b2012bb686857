// Fetches this page every other second and turns what is shown into it, change by change, so that the reader keeps the
// place, the focus, what is selected and what is unfolded. Without scripts the page reloads itself instead.
"use strict";

const everyMs = 2000;
const patienceMs = 8000;
const live = ["state", "district", "main"];
const state = document.getElementById("state");

const button = document.createElement("button");
button.type = "button";
button.id = "pause";
button.textContent = "Pause";
button.setAttribute("aria-pressed", "false");
state.after(button);
button.addEventListener("click", () => {
  const paused = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(paused));
  if (!paused) refresh();
});

// What the reader does to the page is the reader's.
const kept = (element, name) => element.nodeName === "DETAILS" && name === "open";

function become(here, there) {
  if (here.nodeType !== there.nodeType || here.nodeName !== there.nodeName) {
    here.replaceWith(document.adoptNode(there));
    return;
  }
  if (here.nodeType !== Node.ELEMENT_NODE) {
    if (here.data !== there.data) here.data = there.data;
    return;
  }
  for (const { name } of [...here.attributes]) {
    if (!there.hasAttribute(name) && !kept(here, name)) here.removeAttribute(name);
  }
  for (const { name, value } of [...there.attributes]) {
    if (here.getAttribute(name) !== value) here.setAttribute(name, value);
  }
  const old = [...here.childNodes];
  const fresh = [...there.childNodes];
  fresh.forEach((node, index) => {
    if (index < old.length) become(old[index], node);
    else here.append(document.adoptNode(node));
  });
  for (const node of old.slice(fresh.length)) node.remove();
}

let asking = false;

async function refresh() {
  if (asking || document.hidden || button.getAttribute("aria-pressed") === "true") return;
  asking = true;
  try {
    const answer = await fetch("./", { signal: AbortSignal.timeout(patienceMs) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of live) become(document.getElementById(id), page.getElementById(id));
    document.body.classList.remove("lost");
  } catch {
    if (!document.body.classList.contains("lost")) {
      document.body.classList.add("lost");
      state.textContent = `Not reached since ${new Date().toLocaleTimeString()}: these are the last counts.`;
    }
  } finally {
    asking = false;
  }
}

setInterval(refresh, everyMs);
