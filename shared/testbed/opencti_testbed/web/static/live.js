// The live tail: events as they come. What they hold becomes text, never markup.
const KEPT = 300;
const live = document.querySelector("[data-live]");
const list = live.querySelector("[data-events]");
const status = live.querySelector("[data-status]");
const empty = live.querySelector("[data-empty]");
const pause = live.querySelector("[data-pause]");
const type = live.querySelector("[data-type]");
const kinds = [...live.querySelectorAll("[data-kind]")];
let source = null;
let position = null;
let seen = 0;
let waiting = [];

const make = (tag, className, ...children) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
};
const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const words = (key) => key.replace(/^x_opencti_/, "").replaceAll("_", " ");
const keyOf = (operation) => operation.path.slice(1).replaceAll("~1", "/").replaceAll("~0", "~");

function side(className, sign, values) {
  return values.map((value) => {
    const mark = make("span", "sign", sign);
    mark.setAttribute("aria-label", className === "came" ? "added" : "removed");
    return make("div", className, mark, make(className === "came" ? "ins" : "del", "", text(value)));
  });
}

// What an update changed, attribute by attribute; of lists the members that came and went.
function differences(context) {
  const before = new Map((context.reverse_patch ?? []).map((one) => [keyOf(one), one.value]));
  const shown = make("dl", "differences");
  for (const operation of context.patch ?? []) {
    const key = keyOf(operation);
    const [old, now] = [before.get(key), operation.value];
    const lists = [old, now].every((one) => one === undefined || Array.isArray(one));
    const missing = (from, other) => from.filter((one) => !other.some((two) => text(one) === text(two)));
    const [went, came] = lists
      ? [missing(old ?? [], now ?? []), missing(now ?? [], old ?? [])]
      : [old === undefined ? [] : [old], now === undefined ? [] : [now]];
    shown.append(make("dt", "", words(key)), make("dd", "", ...side("gone", "−", went), ...side("came", "+", came)));
  }
  return shown;
}

function entry(kind, id, told) {
  const extension = Object.values(told.data.extensions ?? {})[0] ?? {};
  // The message ends with the name, between two signs that a name may hold as well.
  const link = make("a", "", told.message.slice(told.message.indexOf("`") + 1, -1));
  link.href = `/entities/${encodeURIComponent(told.data.id)}`;
  const at = new Date(Number(id.split("-")[0]));
  const when = make("time", "quiet nowrap", at.toISOString().slice(0, 23).replace("T", " "));
  when.dateTime = at.toISOString();
  const summary = make("summary", "", make("span", `badge kind ${kind}`, kind),
    make("span", "grow", link, " ", make("span", "quiet type", extension.type ?? told.data.type)), when);
  const details = make("details", "", summary);
  // Most are never opened: what is inside is made when they are.
  details.addEventListener("toggle", () => {
    if (details.childElementCount > 1) return;
    if (told.context?.patch) details.append(differences(told.context));
    details.append(make("pre", "wrap", JSON.stringify(told.data, null, 2)));
  }, { once: true });
  const item = make("li", "new", details);
  item.dataset.of = kind;
  return item;
}

const wanted = () => new Set(kinds.filter((box) => box.checked).map((box) => box.dataset.kind));

function tell(sentence) {
  status.textContent = sentence ?? `${seen.toLocaleString("en")} events`;
}

// Many events may come in one moment: they are put on the page together.
function put() {
  const shown = wanted();
  const fresh = waiting.reverse();
  waiting = [];
  for (const item of fresh) item.hidden = !shown.has(item.dataset.of);
  list.prepend(...fresh.slice(0, KEPT));
  while (list.childElementCount > KEPT) list.lastElementChild.remove();
  empty.hidden = list.childElementCount > 0;
  tell();
}

function take(event) {
  position = event.lastEventId;
  seen += 1;
  if (!waiting.length) requestAnimationFrame(put);
  waiting.push(entry(event.type, event.lastEventId, JSON.parse(event.data)));
  if (waiting.length > KEPT) waiting.shift();
}

function listen() {
  const query = new URLSearchParams();
  if (type.value) query.set("type", type.value);
  if (position) query.set("from", position);
  source = new EventSource(`${live.dataset.live}?${query}`);
  for (const { dataset } of kinds) source.addEventListener(dataset.kind, take);
  source.addEventListener("heartbeat", (event) => { position = event.lastEventId; });
  source.addEventListener("open", () => tell());
  source.addEventListener("error", () => tell("The platform does not answer; trying again"));
}

function stop() {
  source?.close();
  source = null;
}

pause.addEventListener("click", () => {
  const paused = pause.getAttribute("aria-pressed") !== "true";
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Resume" : "Pause";
  if (paused) {
    stop();
    tell("Paused; nothing is missed");
  } else listen();
});
live.querySelector("[data-clear]").addEventListener("click", () => {
  list.replaceChildren();
  empty.hidden = false;
});
type.addEventListener("change", () => {
  // Another type is another list: it begins with what was lately.
  list.replaceChildren();
  position = null;
  if (source) {
    stop();
    listen();
  }
});
for (const box of kinds) {
  box.addEventListener("change", () => {
    const shown = wanted();
    for (const item of list.children) item.hidden = !shown.has(item.dataset.of);
  });
}
live.hidden = false;
listen();
