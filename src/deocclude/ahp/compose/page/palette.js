// The cut-outs beside the photo, those that suit the person's distance first.

import { at } from "./controls.js";

export class Palette {
  constructor(onChoose) {
    this.list = at("palette");
    this.list.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      onChoose(Number(button.dataset.index));
      at("stage").focus();
    });
  }

  show(cutouts) {
    this.list.replaceChildren(...cutouts.map((cutout, index) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", tabIndex: -1, title: cutout.id });
      button.dataset.index = index;
      button.setAttribute("role", "option");
      const image = Object.assign(new Image(), { alt: "", loading: "lazy", src: `/thumb/${encodeURIComponent(cutout.id)}.png` });
      const name = Object.assign(document.createElement("span"), { textContent: cutout.category });
      button.append(image, name);
      return button;
    }));
  }

  mark(index) {
    this.list.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
    const button = this.list.children[index];
    button?.setAttribute("aria-selected", "true");
    button?.scrollIntoView({ block: "nearest" });
  }
}
