// Small things that every page needs: elements by id, a line said, buttons that flash, clicks, keys.

export const at = (id) => document.getElementById(id);

let saying = 0;
export function say(text, onlyAloud = false) {
  at("said").textContent = text;
  at("said").classList.toggle("shown", !onlyAloud);
  clearTimeout(saying);
  saying = setTimeout(() => at("said").classList.remove("shown"), 1800);
}

export function complain(error) {
  say(error.status ? error.message : "The server does not answer");
}

export function flash(button) {
  button.classList.add("pressed");
  setTimeout(() => button.classList.remove("pressed"), 110);
}

// The second click of a double click is no decision about the next sample.
export function onClick(element, action) {
  element.addEventListener("click", (event) => { if (event.detail < 2) action(); });
}

// Ctrl+Z is undo; other keys with Ctrl, Alt or Cmd are the browser's. `actionOf(key)` finds what a key does.
export function onKeys(actionOf, repeating) {
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.target.matches("input:not([type=range])")) return;
    const key = event.key.toLowerCase();
    const undoing = (event.ctrlKey || event.metaKey) && key === "z" && !event.shiftKey;
    if (!undoing && (event.ctrlKey || event.metaKey || event.altKey)) return;
    if (key === "enter" && event.target.matches("button")) return;
    const action = actionOf(undoing ? "u" : key);
    if (!action || (event.repeat && !repeating.has(key))) return;
    event.preventDefault();
    action(event);
  });
}
