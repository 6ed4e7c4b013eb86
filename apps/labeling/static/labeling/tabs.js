// One tab asks at a time. Two would show the same person the same samples, since a lease is a person's; so the tab that
// was opened last goes on, and the others rest.

import { clientKey } from "../shared/outbox.js";
import { page } from "../shared/page.js";

const NAME = `tiltyard.tab/${page.project}/${page.annotator}`;
const OWN = clientKey();

/** Make this the tab that asks; `rest()` is called once another one is. */
export function onlyTab(rest) {
  try {
    localStorage.setItem(NAME, OWN);
    window.addEventListener("storage", ({ key, newValue }) => key === NAME && newValue && newValue !== OWN && rest());
  } catch { /* without storage, tabs do not know of each other; the server keeps answers apart */ }
}
