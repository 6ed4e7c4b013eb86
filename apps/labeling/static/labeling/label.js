// The labeling page: one key, one annotation, next sample. An annotation is written to the outbox and the next sample is
// shown at once; it is sent to the server in the background.

import { call, postOnClose } from "../shared/api.js";
import { Attention } from "./attention.js";
import { Banner } from "../shared/banner.js";
import { choice, isTypedFor, showKey } from "../shared/choice.js";
import { askForNote, closable, showGuidelines } from "../shared/dialogs.js";
import { element, find } from "../shared/elements.js";
import { empty } from "./empty.js";
import { isTyped, Keys } from "../shared/keys.js";
import { leaving } from "./leaving.js";
import { clientKey, Outbox } from "../shared/outbox.js";
import { page } from "../shared/page.js";
import { prefetched } from "../samples/picture.js";
import { posted } from "../shared/posting.js";
import { Progress } from "./progress.js";
import { Queue } from "./queue.js";
import { summary, view } from "../samples/sample.js";
import { Sending } from "../shared/sending.js";
import { settings } from "./settings.js";
import { saved, seen, Strip } from "./strip.js";
import { onlyTab } from "./tabs.js";

const LOOK_AGAIN_MS = 20000;

const outbox = new Outbox(page.project, page.annotator);
const queue = new Queue();
const attention = new Attention();
const progress = new Progress(find("#progress"));
const strip = new Strip(find("#strip"), { keep, change });
const sending = new Sending(outbox, `tiltyard.sending/${page.project}/${page.annotator}`, exchange, refresh);
const banner = new Banner(find("#banner"), find("#refused"), outbox, sending);
let project = null;
let keys = null;
let classes = null;
let shown = null;
let isResting = false;

/** Post annotations and lease samples in one request. Samples are leased with the last annotations only: a sample whose
 * annotation is still in the outbox must not come back. */
async function exchange(entries, isLast) {
  const lease = isLast && !isResting ? queue.lease : null;
  if (!entries.length && !lease) return [];
  const content = entries.length ? await posted(entries, lease) : await call("/lease", lease);
  if (lease && content.assignments) queue.take(content.assignments, content.gone ?? []);
  progress.latest = content.progress ?? progress.latest;
  for (const result of content.results ?? []) revealed(result);
  return content.results ?? [];
}

/** Show the model's prediction for a sample that was labeled blind. */
function revealed({ client_key: key, reveal }) {
  const answer = reveal ? queue.of(key) : null;
  if (!answer || answer.item.reveal) return;
  answer.item.reveal = reveal;
  strip.reveal(answer, project);
}

/** Update everything that depends on the outbox and the queue. */
function refresh() {
  if (!project) return;
  banner.show();
  progress.show(outbox.waiting);
  find("#left").textContent = progress.left;
  if (queue.current !== shown || !queue.current) show();
}

/** Show the current sample, or why there is none. */
function show() {
  const item = queue.current;
  find("#sample").hidden = !item;
  find("#answers").hidden = !item;
  find("#empty").hidden = Boolean(item);
  if (!item) return nothing();
  const isNew = item !== shown;
  shown = item;
  find("#heading").textContent = item.first ? "Label again" : `Sample ${progress.today(outbox.waiting) + 1}`;
  find("#why").textContent = item.why ?? "";
  find("#seen").replaceChildren(...(item.reveal ? seen(item) : []));
  find("#parts").replaceChildren(...view(item, project));
  classes.mark(item.reveal ? { own: item.first?.label, model: item.reveal.label } : {});
  attention.start();
  if (isNew) focus();
  prefetched(queue.items.slice(1), project);
}

function nothing() {
  const wasShown = shown !== null;
  shown = null;
  empty(find("#empty"), progress.latest, sending.problem);
  if (wasShown) find("#empty h2")?.focus({ preventScroll: true });
}

/** Focus the field for the class or the sample's heading. A touch keyboard is not opened automatically. */
function focus() {
  window.scrollTo(0, 0);
  if (keys.typing && !matchMedia("(pointer: coarse)").matches) classes.focus();
  else find("#heading").focus({ preventScroll: true });
}

/** Store an annotation of the sample on screen, and show the next sample. */
function answer(act, said = {}) {
  const item = queue.current;
  if (!item || isResting) return;
  const body = entry(item, act, { ...said, lead_ms: attention.ms, supersedes_key: item.first?.key, suggestion_visible: Boolean(item.reveal) });
  outbox.add("/annotations", body);
  item.first = null;
  queue.next({ key: body.client_key, act, label: said.label ?? null });
  strip.say(saved(act, said.label), element("span", { class: "about" }, ` ${summary(item, project)}`));
  refresh();
  sending.kick();
}

/** Store a remark on the sample on screen; the sample stays and still needs a label. */
function remark(act, said) {
  const item = queue.current;
  if (!item || isResting) return;
  const body = entry(item, act, said);
  outbox.add("/annotations", body);
  queue.remember({ item, key: body.client_key, act, label: null, isRemark: true });
  strip.clear(element("b", {}, act === "flag" ? "Flagged" : "Proposed"), " Now choose a class, skip or can't tell.");
  refresh();
  sending.kick();
}

function entry(item, act, said) {
  const { assignment_id, sample_id, guidelines_version } = item;
  return { client_key: clientKey(), act, sample_id, assignment_id, guidelines_version: guidelines_version ?? null, said_at: new Date().toISOString(), ...said };
}

/** Withdraw the last annotation, and show its sample again. */
function undo() {
  if (queue.current?.first) return leave();
  const last = queue.back();
  if (!last) return strip.clear("Nothing to undo on this page.");
  outbox.add("/annotations", entry(last.item, "withdraw", { supersedes_key: last.key }));
  strip.clear(element("b", {}, `Undone: ${last.label ?? last.act.replace("_", " ")}`));
  refresh();
  sending.kick();
}

/** Keep the own label although the model disagrees; this is recorded. */
function keep() {
  const answered = strip.answer;
  if (!answered) return;
  const { item, label, key } = answered;
  const body = entry(item, "label", { label, supersedes_key: key, suggestion_visible: true });
  outbox.add("/annotations", body);
  answered.key = body.client_key;
  strip.clear(element("b", {}, `Kept: ${label}`));
  refresh();
  sending.kick();
}

/** Show the sample again, now with the model's prediction. */
function change() {
  const answered = strip.answer;
  if (!answered) return;
  answered.item.first = { key: answered.key, label: answered.label, answered };
  queue.again(answered);
  strip.clear(`Label again: ${summary(answered.item, project)}`);
  refresh();
}

/** Keep the first label of a sample that was shown again. */
function leave() {
  const item = queue.current;
  queue.leave(item.first.answered);
  item.first = null;
  strip.clear("Your first label is kept.");
  refresh();
}

const acts = {
  skip: () => (queue.current?.first ? leave() : answer("skip")),
  cant_tell: () => answer("cant_tell"),
  flag: () => queue.current && askForNote("flag", (said) => remark("flag", said)),
  propose: () => queue.current && askForNote("propose", (said) => remark("propose", said)),
  undo,
  keep,
  change,
  guidelines: () => guided(),
  help: () => find("#settings").showModal(),
};

function guided() {
  const link = find("[data-guidelines]");
  return link ? showGuidelines(link.href) : strip.clear("This project has no guidelines.");
}

/** Run the command of a key; false if it has no meaning now, so that the browser handles it. */
function press({ label, command }) {
  if (isResting) return false;
  if (label !== undefined) answer("label", { label });
  else if (command === "scroll") return scrolled();
  else if (command === "leave") return queue.current?.first ? leave() ?? true : false;
  else if ((command === "keep" || command === "change") && !strip.answer) return false;
  else acts[command]();
  return true;
}

function scrolled() {
  const long = find("#parts .long:not(.open)");
  long?.scrollBy({ top: 0.85 * long.clientHeight });
  return Boolean(long);
}

function pressed(event) {
  const meaning = isTyped(event) ? null : keys.meaning(event);
  if (meaning && press(meaning) !== false) event.preventDefault();
}

function named() {
  classes.refresh();
  for (const button of document.querySelectorAll("[data-command]")) showKey(button, keys.shown("command", button.dataset.command));
}

function wired() {
  keys = new Keys(project.classes, { typing: isTypedFor(project.classes) });
  classes = choice(find("#classes"), project.classes, keys, (label) => answer("label", { label }));
  for (const button of document.querySelectorAll("[data-command]")) {
    if (!["keep", "change"].includes(button.dataset.command)) button.addEventListener("click", (event) => { event.preventDefault(); acts[button.dataset.command](); });
  }
  // If the focus stays in a field, a live region reads out a new sample; otherwise the focus on its heading does.
  if (keys.typing) find("#sample").setAttribute("aria-live", "polite");
  settings(find("#settings"), project.classes, keys, named);
  closable();
  document.addEventListener("keydown", pressed);
}

/** Another tab is active: pause this one. */
function rest() {
  isResting = true;
  find("#resting").showModal();
}

async function start() {
  try {
    project = await call("");
  } catch (error) {
    sending.problem = error;
    banner.show();
    empty(find("#empty"), null, error);
    return setTimeout(start, 5000);
  }
  wired();
  const isHere = () => document.visibilityState === "visible" && !isResting;
  setInterval(() => isHere() && !queue.current && sending.now(), LOOK_AGAIN_MS);
  setInterval(() => isHere() && queue.current && sending.kick(), (1000 * project.lease_seconds) / 3);
  onlyTab(rest);
  find("#here").addEventListener("click", () => location.reload());
  leaving(outbox, sending, () => (isResting ? [] : queue.lease.have), postOnClose);
  return sending.now();
}

queue.without(outbox.answered);
start();
