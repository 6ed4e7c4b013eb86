// The meaning of keys. Classes take precedence: a command whose letter belongs to a class uses its second key.
// Users can change keys and switch them off (WCAG 2.1.4).

export const COMMANDS = [
  { name: "skip", text: "Skip", keys: ["s", "-"] },
  { name: "cant_tell", text: "Can't tell", keys: ["x", "?"] },
  { name: "flag", text: "Flag", keys: ["f", "!"] },
  { name: "propose", text: "Propose a class", keys: ["p", "+"] },
  { name: "undo", text: "Undo", keys: ["u", "Backspace"] },
  { name: "keep", text: "Keep mine", keys: ["k", "Enter"] },
  { name: "change", text: "Change", keys: ["c", "*"] },
  { name: "guidelines", text: "Guidelines", keys: ["g", "="] },
  { name: "help", text: "Keys and help", keys: ["h", "/"] },
];
const ALWAYS = { Backspace: "undo", Enter: "keep", Escape: "leave", " ": "scroll" };
const STORED = "tiltyard.keys";

export class Keys {
  #classes;
  #commands;
  #chosen = stored();
  #meanings = new Map();
  /** Whether classes are chosen by typing; then only symbol keys are commands, and only while the field is empty. */
  typing;

  constructor(classes, { commands = COMMANDS, typing = false } = {}) {
    this.#classes = classes;
    this.#commands = commands;
    this.typing = typing;
    this.#bind();
  }

  get on() {
    return this.#chosen.on !== false;
  }

  /** The meaning of a key press: {label}, {command} or null. */
  meaning(event) {
    if (event.repeat || event.isComposing || event.altKey) return null;
    if (event.ctrlKey || event.metaKey) return event.key.toLowerCase() === "z" && !event.shiftKey ? { command: "undo" } : null;
    if (!this.on) return null;
    return this.#meanings.get(event.key) ?? this.#meanings.get(event.key.toLowerCase()) ?? this.#byPlace(event);
  }

  /** The key to show for a class or command; "" if it has none. */
  shown(kind, name) {
    if (!this.on) return "";
    const found = [...this.#meanings].find(([, meaning]) => meaning[kind] === name);
    return found ? found[0] : kind === "command" && name === "undo" ? "Ctrl+Z" : "";
  }

  /** Set a key ("" restores the project's); returns the class or command that had it before. */
  choose(kind, name, key) {
    const before = this.#meanings.get(key) ?? null;
    const own = { ...this.#chosen[kind] };
    delete own[name];
    this.#chosen = { ...this.#chosen, [kind]: key ? { ...own, [name]: key } : own };
    this.#keep();
    return before && before[kind] !== name ? before : null;
  }

  switch(on) {
    this.#chosen = { ...this.#chosen, on };
    this.#keep();
  }

  reset() {
    this.#chosen = {};
    this.#keep();
  }

  #keep() {
    try {
      localStorage.setItem(STORED, JSON.stringify(this.#chosen));
    } catch { /* without storage the choice lasts until the page closes */ }
    this.#bind();
  }

  /** Keys that the user chose come first, then those of classes, then commands. */
  #bind() {
    const free = (key) => key && !this.#meanings.has(key);
    const give = (key, meaning) => free(key) && this.#meanings.set(key, meaning);
    this.#meanings = new Map();
    for (const [label, key] of Object.entries(this.#chosen.label ?? {})) this.#isClass(label) && give(key, { label });
    for (const [command, key] of Object.entries(this.#chosen.command ?? {})) give(key, { command });
    if (!this.typing) this.#bindClasses(give);
    for (const { name, keys } of this.#commands) this.#bindCommand(name, keys, free, give);
    for (const [key, command] of Object.entries(ALWAYS)) if (!this.typing || key !== "Backspace") give(key, { command });
  }

  /** A class with a one-character name has that key; the others get numbers, unless a class name is a number. */
  #bindClasses(give) {
    const own = this.#chosen.label ?? {};
    for (const { name, key } of this.#classes) if (!own[name]) give(key, { label: name });
    const taken = new Set([...this.#meanings.values()].map((meaning) => meaning.label));
    const rest = this.#classes.filter(({ name }) => !taken.has(name));
    for (const { name } of rest) if (name.length === 1) give(name.toLowerCase(), { label: name });
    if (this.#classes.some(({ name }) => /^\d+$/.test(name))) return;
    this.#classes.slice(0, 9).forEach(({ name }, place) => taken.has(name) || give(String(place + 1), { label: name }));
  }

  #bindCommand(name, keys, free, give) {
    if (this.#chosen.command?.[name]) return;
    const usable = this.typing ? keys.filter((key) => !/^[a-z]$/.test(key) && key !== "Backspace") : keys;
    give(usable.find(free), { command: name });
  }

  #isClass(label) {
    return this.#classes.some(({ name }) => name === label);
  }

  /** On a keyboard with another script the position of the key counts. */
  #byPlace(event) {
    const isForeign = event.key.length === 1 && event.key.charCodeAt(0) > 0x24f;
    return isForeign ? this.#meanings.get(event.code.replace(/^(Key|Digit)/, "").toLowerCase()) ?? null : null;
  }
}

/** Whether a key press is for a field, dialog or control instead of the page. */
export function isTyped(event) {
  const at = event.target;
  if (document.querySelector("dialog[open]") || at.closest?.("select, textarea, [contenteditable]")) return true;
  if (at.closest?.("input")) return !isCommandOf(at, event);
  return (event.key === "Enter" || event.key === " ") && Boolean(at.closest?.("button, a, summary"));
}

/** In an empty field a symbol is a command, because no class matches it. Backspace is not: it may be pressed once too often. */
function isCommandOf(field, event) {
  if (field.getAttribute("role") !== "combobox" || field.value) return false;
  return event.ctrlKey || event.metaKey || event.key === "Enter" || /^[^\p{L}\p{N}\s]$/u.test(event.key);
}

function stored() {
  try {
    return JSON.parse(localStorage.getItem(STORED) ?? "{}") ?? {};
  } catch {
    return {};  // no storage, or not written by this page
  }
}
