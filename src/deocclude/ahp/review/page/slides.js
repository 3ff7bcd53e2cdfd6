// A sample as something to look at: its photo, decoded beforehand, and its outline as SVG.

const SVG = "http://www.w3.org/2000/svg";

function draw(parent, tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}

export function svgOf(width, height) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

export function slideOf(sample) {
  const element = document.createElement("div");
  element.className = "slide";
  const slide = { sample, element, label: describe(sample), width: sample.width ?? 640, height: sample.height ?? 480, ready: Promise.resolve() };
  if (sample.error) return fail(slide, sample.error);
  const image = new Image();
  image.alt = describe(sample);
  image.draggable = false;
  image.src = `/photo/${encodeURIComponent(sample.id)}.jpg`;
  slide.ready = image.decode().catch(() => explain(slide, image.src));
  element.append(image, outlineOf(sample));
  return slide;
}

export function describe(sample) {
  const reasons = sample.reasons.length ? `: ${sample.reasons.join(", ")}` : "";
  return `Candidate ${sample.id}, outlined` + (sample.suggestion ? `; suggested ${sample.suggestion}${reasons}` : reasons);
}

function outlineOf(sample) {
  const svg = svgOf(sample.width, sample.height);
  draw(svg, "path", { class: "shade", d: `M0 0H${sample.width}V${sample.height}H0Z${sample.outline}` });
  draw(svg, "path", { class: "halo", d: sample.outline });
  draw(svg, "path", { class: "line", d: sample.outline });
  for (const [left, top, right, bottom] of sample.others) {
    draw(svg, "rect", { class: "hint", x: left, y: top, width: right - left, height: bottom - top });
  }
  for (const [x, y, state] of sample.joints) {
    draw(svg, "path", { class: state === 2 ? "hint" : "hint unseen", d: `M${x} ${y}h0.01` });
  }
  return svg;
}

async function explain(slide, address) {
  try {
    const answer = await fetch(address);
    if (!answer.ok) fail(slide, (await answer.json()).error);
  } catch {
    fail(slide, "the server does not answer");
  }
}

function fail(slide, message) {
  const text = document.createElement("p");
  text.className = "problem";
  text.textContent = message;
  slide.element.append(text);
  return slide;
}
