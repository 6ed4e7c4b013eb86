// Closing the page and logging out. Leased samples return to the queue for others. Unconfirmed annotations are sent
// once more while the page closes, and stay in the outbox until a later page gets the confirmation.

import { api, page } from "../shared/page.js";
import { find } from "../shared/elements.js";

const LAST_TRY_MS = 3000;
const LAST_BATCH = 20;

/** Handle closing and logout; `held()` returns the ids of leased, unlabeled assignments. */
export function leaving(outbox, sending, held, postOnClose) {
  window.addEventListener("pagehide", () => {
    posted(outbox);
    if (held().length) postOnClose("/release", { assignments: held() });
  });
  window.addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
  const form = find("#logout");
  form?.addEventListener("submit", async (event) => {
    if (!outbox.waiting.length || form.dataset.tried) return;
    event.preventDefault();
    form.dataset.tried = "yes";
    await Promise.race([sending.now(), new Promise((done) => setTimeout(done, LAST_TRY_MS))]);
    const count = outbox.waiting.length;
    if (!count) return form.requestSubmit();
    find("button", form).textContent = "Log out anyway";
    find("#logout-message").textContent = `${count} ${count === 1 ? "annotation is" : "annotations are"} not sent yet; this device sends them after your next login.`;
  });
}

function posted(outbox) {
  const bodies = outbox.head(LAST_BATCH).filter(({ path }) => path === "/annotations").map(({ body }) => body);
  if (!bodies.length) return;
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": page.csrf };
  const last = { method: "POST", headers, keepalive: true, credentials: "same-origin", body: JSON.stringify({ annotations: bodies, lease: null }) };
  fetch(api("/annotations"), last).catch(() => {});  // no response needed: the outbox keeps them
}
