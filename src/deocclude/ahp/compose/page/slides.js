// A person with a cut-out in front, and a composite to vote on, as things to look at.

const SVG = "http://www.w3.org/2000/svg";
const LEAST_SCALE = 0.02, MOST_SCALE = 3;

function pictureOf(address, alt) {
  return Object.assign(new Image(), { src: address, alt, draggable: false });
}

function slide(sample, label) {
  const element = Object.assign(document.createElement("div"), { className: "slide" });
  return { sample, element, label, width: sample.width ?? 640, height: sample.height ?? 480, ready: Promise.resolve() };
}

function explain(made, message) {
  made.element.append(Object.assign(document.createElement("p"), { className: "problem", textContent: message }));
}

export function compositeOf(sample) {
  const made = slide(sample, `Composite ${sample.id}`);
  if (sample.error) explain(made, sample.error);
  else {
    const photo = pictureOf(`/composite/${encodeURIComponent(sample.id)}.jpg`, made.label);
    made.element.append(photo);
    made.ready = photo.decode().catch(() => explain(made, "This composite cannot be shown"));
  }
  return made;
}

export function personOf(sample) {
  const made = slide(sample, `Person ${sample.id}`);
  const photo = pictureOf(`/person/${encodeURIComponent(sample.id)}.jpg`, made.label);
  const patch = Object.assign(new Image(), { className: "patch", alt: "" });
  const sprite = Object.assign(new Image(), { className: "sprite", alt: "", draggable: false });
  made.element.append(photo, patch, sprite, outlineOf(sample));
  made.ready = photo.decode().catch(() => explain(made, "This photo cannot be shown"));
  made.past = [];
  made.arrangement = sample.arrangement ?? limited(onFoot(sample, sample.cutouts[0]), made);
  return Object.assign(made, { patch, sprite });
}

function outlineOf({ width, height, outline }) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  for (const kind of ["halo", "line"]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", kind);
    path.setAttribute("d", outline);
    svg.append(path);
  }
  return svg;
}

// The cut-out as far away as the person, with its lower edge where a person's feet would be.
function onFoot({ foot: [x, bottom] }, { id, height, scale }) {
  return { cutout: id, x, y: bottom - scale * height / 2, scale, angle: 0, flipped: false, look: 0 };
}

// Another cut-out that stands where the one before stood.
export function exchanged(sample, before, cutout) {
  const old = sample.cutouts.find((one) => one.id === before.cutout);
  const bottom = before.y + (old ? before.scale * old.height / 2 : 0);
  const { id, height, scale } = cutout;
  return { ...before, cutout: id, y: old ? bottom - scale * height / 2 : before.y, scale, angle: 0, look: 0 };
}

export function limited({ x, y, scale, angle, look, ...rest }, { width, height }) {
  const keep = (value, most) => Math.min(most, Math.max(0, value));
  return {
    ...rest, look,
    x: Math.round(10 * keep(x, width)) / 10, y: Math.round(10 * keep(y, height)) / 10,
    scale: Math.round(1e4 * Math.min(MOST_SCALE, Math.max(LEAST_SCALE, scale))) / 1e4,
    angle: ((angle + 540) % 360) - 180,
  };
}

// Puts the bare cut-out where the arrangement says, until the server's composite of it is there.
export function placeSprite({ sprite, element, width, height, sample }, { cutout, x, y, scale, angle, flipped }) {
  const size = sample.cutouts.find((one) => one.id === cutout);
  const address = `/cutout/${encodeURIComponent(cutout)}.png`;
  if (!sprite.src.endsWith(address)) sprite.src = address;
  element.classList.remove("settled");
  if (!size) return;
  Object.assign(sprite.style, {
    left: `${100 * x / width}%`, top: `${100 * y / height}%`,
    width: `${100 * scale * size.width / width}%`, height: `${100 * scale * size.height / height}%`,
    transform: `translate(-50%, -50%) rotate(${angle}deg) scaleX(${flipped ? -1 : 1})`,
  });
}

export async function placePatch({ patch, width, height }, found) {
  if (!found) {
    patch.removeAttribute("src");
    return;
  }
  const ready = Object.assign(new Image(), { src: found.image });
  await ready.decode();
  patch.src = found.image;
  Object.assign(patch.style, {
    left: `${100 * found.left / width}%`, top: `${100 * found.top / height}%`,
    width: `${100 * found.width / width}%`, height: `${100 * found.height / height}%`,
  });
}
