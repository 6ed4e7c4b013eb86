// The adjudication page: samples whose annotators disagree, their labels without names, and one key to decide.

import { call } from "../shared/api.js";
import { Banner } from "../shared/banner.js";
import { choice, isTypedFor } from "../shared/choice.js";
import { closable, showGuidelines } from "../shared/dialogs.js";
import { element, find } from "../shared/elements.js";
import { isTyped, Keys } from "../shared/keys.js";
import { clientKey, Outbox } from "../shared/outbox.js";
import { page } from "../shared/page.js";
import { posted } from "../shared/posting.js";
import { view } from "../samples/sample.js";
import { Sending } from "../shared/sending.js";

const COMMANDS = [
  { name: "undo", text: "Previous", keys: ["u", "Backspace"] },
  { name: "skip", text: "Later", keys: ["s", "-"] },
];

const outbox = new Outbox(page.project, page.annotator);
const sending = new Sending(outbox, `tiltyard.sending/${page.project}/${page.annotator}`, exchange, refresh);
const banner = new Banner(find("#banner"), find("#refused"), outbox, sending);
let project = null;
let keys = null;
let classes = null;
let disputes = [];
let place = 0;

/** Post the outbox, annotations of the labeling page included. */
async function exchange(entries) {
  return entries.length ? (await posted(entries, null)).results : [];
}

function refresh() {
  banner.show();
}

function show() {
  const dispute = disputes[place] ?? null;
  find("#sample").hidden = !dispute;
  find("#answers").hidden = !dispute;
  find("#empty").hidden = Boolean(dispute);
  find("#count").textContent = dispute ? `${place + 1} of ${disputes.length}` : "";
  if (!dispute) return find("#empty h2").focus();
  find("#said").replaceChildren(...dispute.answers.map(said));
  find("#parts").replaceChildren(...view(dispute, project));
  find("#note").value = "";
  classes.mark(dispute.decided ? { own: dispute.decided } : {});
  window.scrollTo(0, 0);
  return keys.typing ? classes.focus() : find("#heading").focus({ preventScroll: true });
}

function said({ label, act, count, notes = [] }) {
  const words = label ?? (act ?? "cant_tell").replace("cant_tell", "can't tell").replace("_", " ");
  return element("li", {}, element("b", {}, words), element("span", { class: "times" }, ` × ${count}`), ...notes.filter(Boolean).map((note) => element("q", {}, note)));
}

/** Store a decision; a second decision on a sample supersedes the first. */
function decide(label) {
  const dispute = disputes[place];
  if (!dispute) return;
  outbox.add("/adjudications", { client_key: clientKey(), sample_id: dispute.sample_id, label, note: find("#note").value.trim(), said_at: new Date().toISOString() });
  dispute.decided = label;
  find("#message").replaceChildren(element("b", {}, `Decided: ${label}`));
  place += 1;
  show();
  sending.kick();
}

const acts = {
  undo: () => { place = Math.max(0, place - 1); show(); },
  skip: () => { place += 1; show(); },
};

function pressed(event) {
  const meaning = isTyped(event) ? null : keys.meaning(event);
  const does = meaning?.label !== undefined ? () => decide(meaning.label) : acts[meaning?.command];
  if (!does) return;
  event.preventDefault();
  does();
}

async function start() {
  try {
    [project, disputes] = await Promise.all([call(""), call("/disputes")]);
  } catch (error) {
    sending.problem = error;
    banner.show();
    return setTimeout(start, 5000);
  }
  keys = new Keys(project.classes, { commands: COMMANDS, typing: isTypedFor(project.classes) });
  classes = choice(find("#classes"), project.classes, keys, decide);
  for (const [name, does] of Object.entries(acts)) find(`[data-command="${name}"]`).addEventListener("click", does);
  find("[data-command='guidelines']")?.addEventListener("click", (event) => { event.preventDefault(); showGuidelines(find("[data-guidelines]").href); });
  closable();
  document.addEventListener("keydown", pressed);
  show();
  return sending.now();
}

start();
