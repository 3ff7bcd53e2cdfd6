// Shows one slide in the stage: fitted, zoomed about the pointer, moved by dragging.

const MOST_ZOOM = 24;

export class View {
  constructor(stage, { onWheel = (event, factor) => this.zoomAt(event.clientX, event.clientY, factor) } = {}) {
    this.stage = stage;
    this.slide = null;
    this.pointer = null;
    new ResizeObserver(() => this.fit()).observe(stage);
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      onWheel(event, Math.exp(-event.deltaY * 0.0016));
    }, { passive: false });
    stage.addEventListener("pointermove", (event) => { this.pointer = [event.clientX, event.clientY]; });
    stage.addEventListener("pointerleave", () => { this.pointer = null; });
  }

  show(slide) {
    this.slide?.element.remove();
    this.slide = slide;
    if (!slide) return;
    this.fit();
    this.stage.prepend(slide.element);
  }

  fit() {
    if (!this.slide) return;
    const { clientWidth, clientHeight } = this.stage;
    const { width, height } = this.slide;
    const room = 12;
    this.least = Math.min((clientWidth - 2 * room) / width, (clientHeight - 2 * room) / height);
    this.scale = this.least;
    this.left = (clientWidth - width * this.scale) / 2;
    this.top = (clientHeight - height * this.scale) / 2;
    this.place();
  }

  place() {
    const { element, width, height } = this.slide;
    const { clientWidth, clientHeight } = this.stage;
    const keep = (start, size, room) => (size <= room ? (room - size) / 2 : Math.min(room / 2, Math.max(room / 2 - size, start)));
    this.left = keep(this.left, width * this.scale, clientWidth);
    this.top = keep(this.top, height * this.scale, clientHeight);
    Object.assign(element.style, {
      left: `${this.left}px`, top: `${this.top}px`,
      width: `${width * this.scale}px`, height: `${height * this.scale}px`,
    });
    element.classList.toggle("close", this.scale >= 6);
    this.onPlaced?.();
  }

  zoomAt(clientX, clientY, factor) {
    if (!this.slide) return;
    const box = this.stage.getBoundingClientRect();
    const x = clientX - box.left, y = clientY - box.top;
    const scale = Math.min(Math.max(this.scale * factor, this.least), Math.max(MOST_ZOOM, this.least));
    this.left = x - (x - this.left) * (scale / this.scale);
    this.top = y - (y - this.top) * (scale / this.scale);
    this.scale = scale;
    this.place();
  }

  toggleZoom() {
    if (!this.slide) return;
    if (this.scale > this.least * 1.01) return this.fit();
    const box = this.stage.getBoundingClientRect();
    const [x, y] = this.pointer ?? [box.left + box.width / 2, box.top + box.height / 2];
    this.zoomAt(x, y, 2.5);
  }

  move(dx, dy) {
    if (!this.slide) return;
    this.left += dx;
    this.top += dy;
    this.place();
  }

  toPixel(clientX, clientY) {
    const box = this.stage.getBoundingClientRect();
    return [(clientX - box.left - this.left) / this.scale, (clientY - box.top - this.top) / this.scale];
  }
}

export function draggable(stage, mayDrag, onMove) {
  let last = null;
  stage.addEventListener("pointerdown", (event) => {
    if (!mayDrag(event) || event.target.closest("button")) return;
    last = [event.clientX, event.clientY];
    stage.setPointerCapture(event.pointerId);
    stage.classList.add("moving");
  });
  stage.addEventListener("pointermove", (event) => {
    if (!last) return;
    onMove(event.clientX - last[0], event.clientY - last[1]);
    last = [event.clientX, event.clientY];
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, () => { last = null; stage.classList.remove("moving"); });
  }
}
