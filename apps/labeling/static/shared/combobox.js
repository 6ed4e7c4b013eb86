// Choosing one of many classes by typing: the combobox pattern of the ARIA practices, with an open list below the field.
// While the field is empty, recently used classes come first.

import { breakable, element } from "./elements.js";

const LAST_USED = 8;
let count = 0;

export class Combobox {
  #classes;
  #picked;
  #used = [];
  #shown = [];
  #active = -1;
  #said = {};
  #field;
  #list;
  #status;

  constructor(place, classes, picked) {
    this.#classes = classes;
    this.#picked = picked;
    const id = `classes-${++count}`;
    this.#list = element("ul", { id, role: "listbox", "aria-label": "Classes", class: "options", pointerdown: (event) => event.preventDefault() });
    this.#field = element("input", {
      id: `${id}-field`, type: "text", role: "combobox", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
      "aria-expanded": "true", "aria-controls": id, "aria-autocomplete": "list", placeholder: `Type to find one of ${classes.length} classes`,
      input: () => this.#find(), keydown: (event) => this.#pressed(event),
    });
    this.#status = element("p", { class: "unseen", role: "status" });
    place.classList.add("typed");
    place.replaceChildren(element("label", { for: `${id}-field`, class: "unseen" }, "Class"), this.#field, this.#list, this.#status);
    this.#find();
  }

  focus() {
    this.#field.focus({ preventScroll: true });
  }

  /** Mark the annotator's earlier label and the model's prediction, and clear the field. */
  mark(said) {
    this.#said = said;
    this.#field.value = "";
    this.#find();
  }

  #find() {
    const typed = this.#field.value.trim();
    this.#shown = typed ? found(this.#classes, typed) : [...this.#used, ...this.#classes.filter((one) => !this.#used.includes(one))];
    this.#list.replaceChildren(...this.#shown.map((one, place) => this.#option(one, place)));
    this.#list.scrollTop = 0;
    this.#mark(typed && this.#shown.length ? 0 : -1);
    this.#status.textContent = typed ? `${this.#shown.length} of ${this.#classes.length} classes` : "";
  }

  #option({ name, description }, place) {
    const words = [this.#said.own === name && "yours", this.#said.model === name && "the model's"].filter(Boolean).join(", ");
    const attributes = { role: "option", id: `${this.#list.id}-${place}`, title: description || null, "aria-selected": "false", click: () => this.#pick(place) };
    return element("li", attributes, element("span", {}, ...breakable(name)), words && element("small", {}, ` ${words}`));
  }

  #mark(place) {
    this.#list.children[this.#active]?.setAttribute("aria-selected", "false");
    this.#active = place;
    const option = this.#list.children[place];
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) this.#field.setAttribute("aria-activedescendant", option.id);
    else this.#field.removeAttribute("aria-activedescendant");
  }

  #pressed(event) {
    const { key } = event;
    const last = this.#shown.length - 1;
    const moves = { ArrowDown: Math.min(this.#active + 1, last), ArrowUp: Math.max(this.#active - 1, 0) };
    if (key in moves) {
      event.preventDefault();
      this.#mark(moves[key]);
    } else if (key === "Enter" && !event.repeat && !event.isComposing && this.#active >= 0) {
      event.preventDefault();
      event.stopPropagation();
      this.#pick(this.#active);
    } else if (key === "Escape" && this.#field.value) {
      event.stopPropagation();
      this.mark(this.#said);
    }
  }

  #pick(place) {
    const one = this.#shown[place];
    this.#used = [one, ...this.#used.filter((other) => other !== one)].slice(0, LAST_USED);
    this.#picked(one.name);
  }
}

/** The classes that match the typed text: by prefix, then by the start of a word, then anywhere. */
function found(classes, typed) {
  const wanted = plain(typed);
  const rank = ({ name }) => {
    const said = plain(name);
    if (said.startsWith(wanted)) return 0;
    if (said.includes(` ${wanted}`)) return 1;
    if (said.includes(wanted)) return 2;
    return wanted.split(" ").every((word) => ` ${said}`.includes(` ${word}`)) ? 3 : 9;
  };
  const ranked = classes.map((one) => [rank(one), one]).filter(([place]) => place < 9);
  return ranked.sort(([one], [other]) => one - other).map(([, one]) => one);
}

const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replace(/[\s_\-/.]+/g, " ").trim();
