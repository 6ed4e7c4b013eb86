// Going away. Samples that are held go back to the queue, so that nobody waits for them; answers that are not
// confirmed yet are posted once more with the page's last breath, and stay in the outbox until a later page hears.

import { api, page } from "../shared/page.js";
import { find } from "../shared/elements.js";

const LAST_TRY_MS = 3000;
const BREATH = 20;

/** Wire closing and logging out; `held()` names the assignments that nobody answered. */
export function leaving(outbox, sending, held, farewell) {
  window.addEventListener("pagehide", () => {
    posted(outbox);
    if (held().length) farewell("/release", { assignments: held() });
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
    find("#logout-told").textContent = `${count} ${count === 1 ? "answer waits" : "answers wait"} on this device; they are sent when you log in again here.`;
  });
}

function posted(outbox) {
  const bodies = outbox.head(BREATH).filter(({ path }) => path === "/annotations").map(({ body }) => body);
  if (!bodies.length) return;
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": page.csrf };
  const last = { method: "POST", headers, keepalive: true, credentials: "same-origin", body: JSON.stringify({ annotations: bodies, lease: null }) };
  fetch(api("/annotations"), last).catch(() => {});  // heard or not: the outbox keeps them
}
