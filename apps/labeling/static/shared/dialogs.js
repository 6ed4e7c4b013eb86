// The dialogs: a note to an answer, the guidelines, help and keys.

import { element, find } from "./elements.js";

const KINDS = {
  flag: { title: "Flag this sample", says: "What is wrong with it? A lead reads this.", name: false },
  propose: { title: "Propose a class", says: "Which class is missing? A lead decides.", name: true },
};

/** Ask for a note. `said({note})` is called when it is given; nothing happens when it is not. */
export function askForNote(kind, said) {
  const dialog = find("#note");
  const form = find("form", dialog);
  const { title, says, name } = KINDS[kind];
  find("h2", dialog).textContent = title;
  find("[data-says]", dialog).textContent = says;
  find("[data-name]", dialog).hidden = !name;
  form.reset();
  form.elements.name.required = name;
  form.onsubmit = (event) => {
    event.preventDefault();
    const parts = [name ? form.elements.name.value : "", form.elements.note.value].map((part) => part.trim());
    dialog.close();
    said({ note: parts.filter(Boolean).join("\n") });
  };
  form.onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.target.tagName === "BUTTON") return;
    event.preventDefault();
    if (!event.repeat) form.requestSubmit();
  };
  dialog.showModal();
  (name ? form.elements.name : form.elements.note).focus();
}

/** Show the guidelines: the server's page, of which the article is taken over (sanitised there; scripts do not run). */
export async function showGuidelines(address) {
  const dialog = find("#guidelines");
  dialog.showModal();
  const place = find("[data-page]", dialog);
  try {
    const response = await fetch(address, { credentials: "same-origin", signal: AbortSignal.timeout(20000) });
    if (!response.ok || response.redirected) throw new Error("no page");
    const article = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("article");
    place.replaceChildren(document.importNode(article, true));
  } catch {
    if (!place.childElementCount) place.replaceChildren(element("p", {}, "The guidelines cannot be fetched just now."));
  }
}

/** Wire every button that closes its dialog. */
export function closable() {
  for (const button of document.querySelectorAll("dialog [data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
}
