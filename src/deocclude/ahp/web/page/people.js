// Asks once for a name, keeps it in this browser, and gives back what a closed tab held.

import { ask, client } from "./connection.js";
import { at } from "./controls.js";

const NAME = "deocclude-annotator";

export const annotator = () => localStorage.getItem(NAME);

export function askName() {
  at("name").value = annotator() ?? "";
  at("name-dialog").showModal();
}

// Calls `begin` as soon as somebody has a name, and whenever it changes.
export function meet(begin) {
  at("name-dialog").addEventListener("cancel", (event) => { if (!annotator()) event.preventDefault(); });
  at("name-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = at("name").value.trim().replace(/\s+/g, " ");
    const before = annotator();
    try {
      if (before && before !== name) await ask("release", { annotator: before, client });
      await ask("state", { annotator: name, client });
    } catch (error) {
      at("name-problem").textContent = error.status ? error.message : "The server does not answer; try again";
      return;
    }
    at("name-problem").textContent = "";
    localStorage.setItem(NAME, name);
    at("name-dialog").close();
    begin();
  });
  window.addEventListener("pagehide", () => {
    if (!annotator()) return;
    const body = new Blob([JSON.stringify({ annotator: annotator(), client })], { type: "application/json" });
    navigator.sendBeacon("/api/release", body);
  });
  if (annotator()) begin().catch(() => setTimeout(() => location.reload(), 2000));
  else askName();
}
