// The dialog in which people choose their keys.

import { element, find } from "../shared/elements.js";
import { COMMANDS } from "../shared/keys.js";

const NOT_TO_GIVE = new Set(["Tab", "Escape", "Enter", " ", "Shift", "Control", "Alt", "Meta", "CapsLock", "AltGraph", "Dead"]);

/** Wire the dialog; `changed()` is called after each choice. */
export function settings(dialog, classes, keys, changed) {
  const told = find("[data-told]", dialog);
  const say = (sentence) => (told.textContent = sentence);
  const all = [
    ...classes.map(({ name }) => ({ kind: "label", name, text: name })),
    ...COMMANDS.map(({ name, text }) => ({ kind: "command", name, text })),
  ];
  const refresh = () => {
    for (const { field, kind, name } of fields) field.value = keys.shown(kind, name);
    find("[data-on]", dialog).checked = keys.on;
    changed();
  };
  const fields = all.map((one) => ({ ...one, field: chooser(one, keys, say, () => refresh()) }));
  find("[data-choices]", dialog).replaceChildren(...fields.map(({ field, text }) => element("label", {}, element("span", {}, text), field)));
  find("[data-on]", dialog).addEventListener("change", (event) => {
    keys.switch(event.target.checked);
    say(event.target.checked ? "Keys are on." : "Keys are off; Ctrl+Z still undoes.");
    refresh();
  });
  find("[data-reset]", dialog).addEventListener("click", () => {
    keys.reset();
    say("All keys are as the project has them.");
    refresh();
  });
  refresh();
}

/** A field that takes the key pressed in it. */
function chooser({ kind, name, text }, keys, say, done) {
  const field = element("input", { class: "key", size: 9, readonly: true, "aria-label": `Key for ${text}` });
  field.addEventListener("keydown", (event) => {
    if (NOT_TO_GIVE.has(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const key = event.key === "Delete" ? "" : event.key;
    const before = keys.choose(kind, name, key);
    say(`${text} is now ${key || "as the project has it"}.${before ? ` It was the key of ${before.label ?? before.command}.` : ""}`);
    done();
  });
  return field;
}
