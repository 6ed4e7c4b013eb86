// The dialogs: notes and guidelines.

import { element, find } from "./elements.js";

const KINDS = {
  flag: { title: "Flag this sample", question: "What is wrong with this sample? A lead reads your note.", name: false },
  propose: { title: "Propose a class", question: "Which class is missing? A lead decides about it.", name: true },
};

/** Ask for a note; calls `said({note})` unless the dialog is cancelled. */
export function askForNote(kind, said) {
  const dialog = find("#note");
  const form = find("form", dialog);
  const { title, question, name } = KINDS[kind];
  find("h2", dialog).textContent = title;
  find("[data-question]", dialog).textContent = question;
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

/** Show the guidelines: the article of the server's page, which the server has sanitised. */
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
    if (!place.childElementCount) place.replaceChildren(element("p", {}, "Cannot load the guidelines now. Close this dialog and try again."));
  }
}

/** Connect the buttons that close dialogs. */
export function closable() {
  for (const button of document.querySelectorAll("dialog [data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
}
