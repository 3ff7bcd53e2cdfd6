// Ties the page together: keys, buttons, who is judging, progress.

import { ask, client, Outbox } from "./connection.js";
import { at, complain, flash, onClick, onKeys, say } from "./controls.js";
import { Editor } from "./editor.js";
import { annotator, askName, meet } from "./people.js";
import { Queue } from "./queue.js";
import { slideOf } from "./slides.js";
import { draggable, View } from "./view.js";

const AHEAD = 8;
const OVERLAYS = ["outline", "cut-out", "photo"];
const stage = at("stage");
const view = new View(stage);

function showProgress(progress) {
  if (!progress) return;
  at("bar").max = Math.max(1, progress.wanted);
  at("bar").value = progress.judged;
  at("count").textContent = `${progress.judged} of ${progress.wanted}`;
  at("mine").textContent = progress.mine;
  at("pace").textContent = progress.seconds === null ? "–" : progress.seconds.toFixed(1);
  at("refine-count").textContent = progress.to_refine;
  at("to-refine").disabled = at("mend").disabled = progress.to_refine === 0;
}

function showSample(slide) {
  at("finished").hidden = true;
  at("identity").textContent = slide?.sample.id ?? "";
  const { suggestion, reasons } = slide?.sample ?? { reasons: [] };
  at("chip").hidden = !suggestion && !reasons.length;
  at("chip").dataset.suggestion = suggestion ?? "";
  at("suggestion").textContent = suggestion ? `${suggestion[0].toUpperCase()}${suggestion.slice(1)}?` : "Look closely";
  at("reasons").textContent = reasons.join(", ");
}

async function showFinished() {
  showSample(null);
  at("finished").hidden = false;
  try {
    const state = await ask("state", { annotator: annotator(), client });
    showProgress(state);
    const open = state.wanted - state.judged;
    const lines = [`${state.judged} of ${state.wanted} judgements are given, ${state.mine} of them by you.`];
    if (open) lines.push(`${open} are with others, or are for others to give; this page asks again by itself.`);
    if (state.agreement) lines.push(`Agreement: ${state.agreement}.`);
    at("finished-text").textContent = lines.join("\n");
  } catch {
    at("finished-text").textContent = "";
  }
}

const outbox = new Outbox({
  prefix: "deocclude-outbox-",
  onAnswer: (name, answer) => showProgress(answer.progress),
  onRefused: (name, error) => say(error.message),
  onWaiting: (count) => {
    at("offline").hidden = count === 0;
    at("offline").textContent = `The server does not answer. ${count} of your decisions wait in this browser and are sent when it is back.`;
  },
});
const judge = new Queue({
  task: "judge", ahead: AHEAD, slideOf, view, outbox, annotator, say,
  onShow: showSample, onProgress: showProgress, onEmpty: showFinished,
});
const editor = new Editor({
  view, stage, annotator, say, onProgress: showProgress,
  onShow: (slide) => { showSample(slide); at("chip").hidden = true; },
  onEmpty: () => { say("No masks left to mend"); leaveEditor(); },
});

function decide(choice) {
  if (judge.finish("decide", { decision: choice })) flash(document.querySelector(`[data-choice="${choice}"]`));
}

function undo() {
  judge.undo().catch(complain);
}

function cycleOverlay() {
  const next = OVERLAYS[(OVERLAYS.indexOf(stage.dataset.overlay) + 1) % OVERLAYS.length];
  stage.dataset.overlay = next;
  at("overlay").lastChild.textContent = ` ${next[0].toUpperCase()}${next.slice(1)}`;
}

function setEditing(on) {
  judge.active = !on;
  at("edit-bar").hidden = !on;
  at("judge-bar").hidden = on;
  stage.classList.toggle("editing", on);
}

async function enterEditor() {
  await outbox.flush();
  setEditing(true);
  at("finished").hidden = true;
  editor.open().catch((error) => { say(error.message); leaveEditor(); });
}

function leaveEditor() {
  if (!editor.active) return;
  const released = editor.close().catch(() => {});
  setEditing(false);
  judge.queue = [];
  judge.show(null);
  released.then(() => judge.fill());
}

function setTool({ erase = editor.erase, polygon = editor.polygon }) {
  if (editor.polygon && !polygon && editor.slide) editor.closePolygon();
  Object.assign(editor, { erase, polygon });
  stage.classList.toggle("polygon", polygon);
  at("tool-add").setAttribute("aria-pressed", String(!erase));
  at("tool-erase").setAttribute("aria-pressed", String(erase));
  at("tool-polygon").setAttribute("aria-pressed", String(polygon));
  editor.cursor.classList.toggle("erase", erase);
}

function setBrush(diameter) {
  editor.diameter = Math.min(120, Math.max(1, Math.round(diameter)));
  at("brush").value = editor.diameter;
  at("brush-size").textContent = `${editor.diameter} px`;
  const size = Math.max(3, editor.diameter * (view.scale ?? 1));
  Object.assign(editor.cursor.style, { width: `${size}px`, height: `${size}px` });
}

const JUDGE_KEYS = {
  d: () => decide("discard"), p: () => decide("preserve"), r: () => decide("refine"),
  u: undo, s: () => judge.skip(), z: () => view.toggleZoom(), c: cycleOverlay,
  j: () => stage.classList.toggle("hints"), e: enterEditor, "?": () => at("help").showModal(),
};
const EDIT_KEYS = {
  b: () => setTool({ erase: false }), x: () => setTool({ erase: true }), g: () => setTool({ polygon: !editor.polygon }),
  "[": () => setBrush(editor.diameter / 1.25 - 0.5), "]": () => setBrush(editor.diameter * 1.25 + 0.5),
  u: () => editor.undo(), s: () => editor.save(), n: () => editor.skip(), z: () => view.toggleZoom(),
  enter: () => editor.closePolygon(), backspace: () => editor.takeCornerBack(), escape: leaveEditor,
  "?": () => at("help").showModal(),
};
const REPEATING = new Set(["[", "]", "backspace"]);

document.addEventListener("keydown", (event) => {
  if (event.key !== " " || !editor.active || document.querySelector("dialog[open]")) return;
  editor.holdsSpace = true;
  event.preventDefault();
});
document.addEventListener("keyup", (event) => { if (event.key === " ") editor.holdsSpace = false; });
onKeys((key) => (editor.active ? EDIT_KEYS : JUDGE_KEYS)[key], REPEATING);

for (const button of document.querySelectorAll("[data-choice]")) {
  onClick(button, () => decide(button.dataset.choice));
}
for (const [id, action] of Object.entries({
  undo, skip: () => judge.skip(), zoom: () => view.toggleZoom(), overlay: cycleOverlay, "to-refine": enterEditor,
  mend: enterEditor, again: () => judge.fill(), "help-button": () => at("help").showModal(),
  "help-close": () => at("help").close(), "tool-add": EDIT_KEYS.b, "tool-erase": EDIT_KEYS.x,
  "tool-polygon": EDIT_KEYS.g, "edit-undo": EDIT_KEYS.u, "edit-skip": EDIT_KEYS.n, "edit-zoom": EDIT_KEYS.z,
  save: EDIT_KEYS.s, leave: leaveEditor, who: askName,
})) onClick(at(id), action);
at("brush").addEventListener("input", () => setBrush(Number(at("brush").value)));
draggable(stage, (event) => !editor.active || editor.holdsSpace || event.button === 1, (dx, dy) => view.move(dx, dy));
async function begin() {
  at("who").textContent = annotator();
  showProgress(await ask("state", { annotator: annotator(), client }));
  judge.clear();
  judge.fill();
}

stage.dataset.overlay = "outline";
meet(begin);
