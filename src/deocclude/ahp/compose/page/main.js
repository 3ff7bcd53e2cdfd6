// Ties the page together: two modes, keys, buttons, who is working, progress.

import { ask, client, Outbox } from "./connection.js";
import { Composer } from "./composer.js";
import { at, complain, flash, onClick, onKeys, say } from "./controls.js";
import { annotator, askName, meet } from "./people.js";
import { Queue } from "./queue.js";
import { compositeOf, personOf } from "./slides.js";
import { draggable, View } from "./view.js";

const stage = at("stage");
let mode = "compose";
let votesWanted = 2;

const view = new View(stage, {
  onWheel: (event, factor) => {
    if (mode === "vote" || event.ctrlKey) view.zoomAt(event.clientX, event.clientY, factor);
    else composer.scale(Math.sqrt(factor));
  },
});

function showProgress(progress) {
  if (!progress) return;
  const [done, all, what] = mode === "compose"
    ? [progress.composed, progress.to_compose, "people"]
    : [progress.passed + progress.failed, progress.composites, "composites settled"];
  at("bar").max = Math.max(1, all);
  at("bar").value = done;
  at("count").textContent = `${done} of ${all} ${what}`;
  for (const name of ["passed", "failed", "votable"]) at(name).textContent = progress[name];
  at("mine").textContent = mode === "compose" ? progress.mine : progress.voted;
  at("bins").replaceChildren(...progress.bins.map((number, index) => {
    const item = document.createElement("li");
    item.append(Object.assign(document.createElement("b"), { textContent: number }), `–${10 * index + 10}%`);
    return item;
  }));
}

function showSlide(slide) {
  at("finished").hidden = true;
  at("identity").textContent = slide?.sample.id ?? "";
}

async function showFinished() {
  showSlide(null);
  if (mode === "compose") composer.show(null);
  at("finished").hidden = false;
  at("finished-title").textContent = mode === "compose" ? "Nobody left to put something in front of" : "Nothing to vote on";
  at("finished-text").textContent = "";
  try {
    const state = await refresh();
    at("finished-text").textContent = mode === "compose"
      ? `${state.composed} of ${state.to_compose} are done; the rest are with others. ${state.votable} composites of others wait for your vote.`
      : `${state.passed} composites have passed, ${state.failed} have failed, ${state.open} still need votes of others (${votesWanted} each). This page asks again by itself.`;
  } catch {
    say("The server does not answer");
  }
}

async function refresh() {
  const state = await ask("state", { annotator: annotator(), client });
  votesWanted = state.votes;
  showProgress(state);
  return state;
}

const outbox = new Outbox({
  prefix: "deocclude-compose-outbox-",
  onAnswer: (name, answer) => showProgress(answer.progress),
  onRefused: (name, error) => say(error.message),
  onWaiting: (count) => {
    at("offline").hidden = count === 0;
    at("offline").textContent = `The server does not answer. ${count} of your composites or votes wait in this browser and are sent when it is back.`;
  },
});
const shared = { view, outbox, annotator, say, onProgress: showProgress, onEmpty: showFinished };
const people = new Queue({
  ...shared, task: "compose", ahead: 3, slideOf: personOf, onShow: (slide) => { showSlide(slide); composer.show(slide); },
});
const composites = new Queue({ ...shared, task: "vote", ahead: 4, slideOf: compositeOf, onShow: showSlide });
const composer = new Composer({ queue: people, view });

function vote(verdict) {
  if (composites.finish("decide", { decision: verdict })) flash(document.querySelector(`[data-verdict="${verdict}"]`));
}

async function save() {
  if (await composer.save()) flash(at("save"));
}

function enter(next) {
  if (mode === next) return;
  mode = next;
  setMode();
  const queue = next === "compose" ? people : composites;
  if (queue.current) queue.show(queue.current);
  else {
    view.show(null);
    showSlide(null);
    queue.fill();
  }
  refresh().catch(complain);
}

function setMode() {
  const composing = mode === "compose";
  people.active = composing;
  composites.active = !composing;
  at("compose-bar").hidden = at("side").hidden = !composing;
  at("vote-bar").hidden = composing;
  at("to-compose").setAttribute("aria-pressed", String(composing));
  at("to-vote").setAttribute("aria-pressed", String(!composing));
  stage.classList.toggle("composing", composing);
}

const COMMON_KEYS = {
  1: () => enter("compose"), 2: () => enter("vote"), z: () => view.toggleZoom(), "?": () => at("help").showModal(),
};
const step = (event) => (event.shiftKey ? 10 : 1);
const COMPOSE_KEYS = {
  arrowleft: (event) => composer.move(-step(event), 0), arrowright: (event) => composer.move(step(event), 0),
  arrowup: (event) => composer.move(0, -step(event)), arrowdown: (event) => composer.move(0, step(event)),
  "+": () => composer.scale(1.03), "=": () => composer.scale(1.03), "-": () => composer.scale(1 / 1.03),
  q: () => composer.turn(-3), e: () => composer.turn(3), f: () => composer.flip(), c: () => composer.look(),
  n: () => composer.choose(composer.index + 1), b: () => composer.choose(composer.index - 1),
  o: () => stage.classList.toggle("bare"), s: () => save().catch(complain), u: () => composer.undo().catch(complain), k: () => people.skip(),
};
const VOTE_KEYS = {
  p: () => vote("pass"), f: () => vote("fail"), u: () => composites.undo().catch(complain), k: () => composites.skip(),
};
const REPEATING = new Set(["arrowleft", "arrowright", "arrowup", "arrowdown", "+", "=", "-", "q", "e", "n", "b"]);
onKeys((key) => COMMON_KEYS[key] ?? (mode === "compose" ? COMPOSE_KEYS : VOTE_KEYS)[key], REPEATING);

for (const [id, action] of Object.entries({
  "to-compose": COMMON_KEYS[1], "to-vote": COMMON_KEYS[2], "help-button": COMMON_KEYS["?"], who: askName,
  "help-close": () => at("help").close(), again: () => (mode === "compose" ? people : composites).fill(),
  undo: COMPOSE_KEYS.u, skip: COMPOSE_KEYS.k, save: COMPOSE_KEYS.s,
  outline: COMPOSE_KEYS.o, "vote-undo": VOTE_KEYS.u, "vote-skip": VOTE_KEYS.k, zoom: COMMON_KEYS.z,
})) onClick(at(id), action);
// These may be clicked as fast as one likes.
for (const [id, key] of Object.entries({
  flip: "f", smaller: "-", larger: "+", left: "q", right: "e", look: "c", previous: "b", next: "n",
})) at(id).addEventListener("click", COMPOSE_KEYS[key]);
for (const button of document.querySelectorAll("[data-verdict]")) onClick(button, () => vote(button.dataset.verdict));

let panning = false;
draggable(
  stage,
  (event) => {
    panning = mode === "vote" || event.shiftKey || event.button === 1;
    if (!panning) composer.press();
    return true;
  },
  (dx, dy) => (panning ? view.move(dx, dy) : composer.drag(dx, dy)),
);
for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => composer.lift());

async function begin() {
  at("who").textContent = annotator();
  await refresh();
  people.clear();
  composites.clear();
  view.show(null);
  (mode === "compose" ? people : composites).fill();
}

setMode();
meet(begin);
