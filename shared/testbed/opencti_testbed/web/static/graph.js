// The graph of an object: what surrounds it, drawn as SVG, opened node by node. Names become text, never markup.
import { Layout } from "./layout.js";

const SVG = "http://www.w3.org/2000/svg";
const SIZE = 13;
const NAME_LENGTH = 24;
// More labels of relations, or of types, than these would lie on top of each other.
const MOST_LABELS = 14;
const MOST_TYPES = 40;
const CLICK = 5;
const GOLDEN = Math.PI * (3 - Math.sqrt(5));
const still = matchMedia("(prefers-reduced-motion: reduce)");

const view = document.querySelector("[data-graph]");
const svg = view.querySelector("svg");
const panel = view.querySelector("[data-panel]");
const status = view.querySelector("[data-status]");
const list = view.querySelector("[data-text]");

const make = (name, attributes = {}, ...children) => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};
const html = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};
const cut = (name) => (name.length > NAME_LENGTH ? `${name.slice(0, NAME_LENGTH - 1)}…` : name);

const nodes = new Map();
const edges = new Map();
const layout = new Layout();
const camera = { x: 0, y: 0, scale: 1, isFree: false };
let root = null;
let selected = null;
let frame = 0;

const edgeLayer = make("g");
const nodeLayer = make("g");
const stage = make("g", {}, edgeLayer, nodeLayer);
svg.append(
  make("defs", {}, make("marker", {
    id: "arrow", viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto",
  }, make("path", { d: "M0 0L8 4L0 8z", class: "arrow" }))),
  stage,
);

// -- what is there ---------------------------------------------------------------------------------------------------
function shapeOf(family) {
  if (family === "sco") return make("rect", { class: "shape", x: -SIZE, y: -SIZE, width: 2 * SIZE, height: 2 * SIZE, rx: 5 });
  if (family === "container") return make("path", { class: "shape", d: `M0 ${-SIZE - 3}L${SIZE + 3} 0L0 ${SIZE + 3}L${-SIZE - 3} 0z` });
  return make("circle", { class: "shape", r: SIZE });
}

function addNode(told, x, y) {
  const known = nodes.get(told.id);
  if (known) return known;
  const node = { ...told, x, y, vx: 0, vy: 0, held: false, after: "", isOpen: false, edges: new Set() };
  node.mark = make("text", { class: "more", y: 4 }, "+");
  node.element = make("g", { class: `node ${told.family}`, role: "button", tabindex: -1 },
    shapeOf(told.family), node.mark, make("text", { class: "name", y: SIZE + 15 }, cut(told.name)),
    make("text", { class: "type", y: SIZE + 27 }, told.type),
    make("title", {}, `${told.name} (${told.type})`));
  nodeLayer.append(node.element);
  nodes.set(told.id, node);
  node.element.addEventListener("focus", () => select(node));
  return node;
}

function addEdge(told) {
  const source = nodes.get(told.source);
  const target = nodes.get(told.target);
  if (!source || !target) return;
  // What joins the same two objects in the same direction is one line with several names.
  const key = `${told.source} ${told.target}`;
  let edge = edges.get(key);
  if (!edge) {
    edge = { source, target, names: new Map() };
    edge.label = make("text");
    edge.line = make("line", { "marker-end": "url(#arrow)" });
    edge.element = make("g", { class: told.path ? "edge" : "edge nested" }, edge.line, edge.label);
    edgeLayer.append(edge.element);
    edges.set(key, edge);
    source.edges.add(edge);
    target.edges.add(edge);
  }
  edge.names.set(told.id, told);
  edge.label.textContent = [...new Set([...edge.names.values()].map((one) => one.label))].join(", ");
}

async function neighbours(path, after) {
  const answer = await fetch(`${path}/neighbours?${new URLSearchParams({ after })}`);
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.json();
}

function surround(node, told) {
  const begin = nodes.size;
  told.nodes.forEach((one, index) => {
    const angle = (begin + index) * GOLDEN;
    addNode(one, node.x + Math.cos(angle) * 70, node.y + Math.sin(angle) * 70);
  });
  told.edges.forEach(addEdge);
  node.after = told.after;
  node.isOpen = true;
  layout.warm();
  changed();
}

async function open(node) {
  if (node.after === null || node.isLoading) return;
  node.isLoading = true;
  try {
    surround(node, await neighbours(node.path, node.after));
  } catch (error) {
    status.textContent = `What surrounds ${node.name} could not be loaded: ${error.message}`;
  } finally {
    node.isLoading = false;
  }
}

// -- what is shown ---------------------------------------------------------------------------------------------------
const sentence = (edge) => [...edge.names.values()].map((one) => one.label).join(", ");

function changed() {
  for (const node of nodes.values()) {
    node.mark.textContent = node.after === null ? "" : node.isOpen ? "…" : "+";
    const state = node.after === null ? "all shown" : node.isOpen ? "more to show" : "not expanded";
    node.element.setAttribute("aria-label", `${node.name}, ${node.type}, ${node.edges.size} relations here, ${state}`);
  }
  status.textContent = `${nodes.size} objects, ${edges.size} relations`;
  list.replaceChildren(...[...edges.values()].map((edge) => html("li", {},
    html("a", { href: edge.source.path }, edge.source.name), ` — ${sentence(edge)} → `,
    html("a", { href: edge.target.path }, edge.target.name))));
  label();
  describe();
  run();
}

function label() {
  svg.classList.toggle("crowded", nodes.size > MOST_TYPES);
  for (const edge of edges.values()) {
    const isNear = selected && (edge.source === selected || edge.target === selected);
    const isShown = edges.size <= MOST_LABELS || (isNear && selected.edges.size <= MOST_LABELS);
    edge.label.setAttribute("visibility", isShown ? "visible" : "hidden");
  }
}

function select(node) {
  if (selected === node) return;
  selected?.element.classList.remove("selected");
  selected?.element.setAttribute("tabindex", -1);
  selected = node;
  node.element.classList.add("selected");
  node.element.setAttribute("tabindex", 0);
  label();
  describe();
}

function describe() {
  if (!selected) return;
  const node = selected;
  const more = html("button", { type: "button", class: "primary" }, node.isOpen ? "Show more" : "Expand");
  more.disabled = node.after === null;
  more.addEventListener("click", () => open(node));
  panel.replaceChildren(
    html("h3", {}, html("a", { href: node.path }, node.name)),
    html("div", { class: "quiet" }, node.type),
    html("div", { class: "buttons" }, ...(node.after === null ? [] : [more]), ...(node === root ? [] : [html("a", { class: "button", href: `${node.path}/graph` }, "Its own graph")])),
    html("ul", {}, ...[...node.edges].map((edge) => {
      const isOut = edge.source === node;
      const other = isOut ? edge.target : edge.source;
      const [first] = edge.names.values();
      const name = first.path ? html("a", { class: "plain", href: first.path }, sentence(edge)) : sentence(edge);
      return html("li", {}, isOut ? "" : "← ", name, isOut ? " → " : " ", html("a", { href: other.path }, other.name));
    })),
  );
}

function place() {
  stage.setAttribute("transform", `translate(${camera.x} ${camera.y}) scale(${camera.scale})`);
  for (const node of nodes.values()) {
    node.element.setAttribute("transform", `translate(${node.x.toFixed(1)} ${node.y.toFixed(1)})`);
  }
  for (const { source, target, line, label: text } of edges.values()) {
    const dx = target.x - source.x;
    const dy = target.y - source.y;
    const distance = Math.hypot(dx, dy) || 1;
    const gap = (SIZE + 5) / distance;
    line.setAttribute("x1", (source.x + dx * gap).toFixed(1));
    line.setAttribute("y1", (source.y + dy * gap).toFixed(1));
    line.setAttribute("x2", (target.x - dx * gap).toFixed(1));
    line.setAttribute("y2", (target.y - dy * gap).toFixed(1));
    text.setAttribute("x", ((source.x + target.x) / 2).toFixed(1));
    text.setAttribute("y", ((source.y + target.y) / 2 - 3).toFixed(1));
  }
}

function run() {
  layout.stretch = svg.clientWidth / svg.clientHeight;
  if (still.matches) {
    layout.settle([...nodes.values()], [...edges.values()]);
    if (!camera.isFree) fit();
    place();
    view.dataset.settled = "";
    return;
  }
  if (frame) return;
  delete view.dataset.settled;
  const tick = () => {
    frame = 0;
    const all = [...nodes.values()];
    // Several steps for each picture: it comes to rest within two seconds.
    for (let i = 0; i < 3; i += 1) layout.step(all, [...edges.values()]);
    if (!camera.isFree) fit();
    place();
    if (layout.isMoving) frame = requestAnimationFrame(tick);
    else view.dataset.settled = "";
  };
  frame = requestAnimationFrame(tick);
}

// -- looking around --------------------------------------------------------------------------------------------------
function fit() {
  const { width, height } = svg.getBoundingClientRect();
  const xs = [...nodes.values()].map((node) => node.x);
  const ys = [...nodes.values()].map((node) => node.y);
  const [left, right] = [Math.min(...xs) - 80, Math.max(...xs) + 80];
  const [top, bottom] = [Math.min(...ys) - 35, Math.max(...ys) + 55];
  camera.scale = Math.min(width / (right - left), height / (bottom - top), 1.3);
  camera.x = width / 2 - ((left + right) / 2) * camera.scale;
  camera.y = height / 2 - ((top + bottom) / 2) * camera.scale;
}

function zoom(factor, x = svg.clientWidth / 2, y = svg.clientHeight / 2) {
  const scale = Math.min(Math.max(camera.scale * factor, 0.1), 4);
  camera.x = x - ((x - camera.x) * scale) / camera.scale;
  camera.y = y - ((y - camera.y) * scale) / camera.scale;
  camera.scale = scale;
  camera.isFree = true;
  place();
}

function fitAgain() {
  camera.isFree = false;
  fit();
  place();
}

const tools = { in: () => zoom(1.3), out: () => zoom(1 / 1.3), fit: fitAgain };
for (const button of view.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", tools[button.dataset.zoom]);
}

// Whoever reads the page may scroll over the drawing; whoever is at work in it zooms.
svg.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !svg.contains(document.activeElement)) return;
  event.preventDefault();
  const box = svg.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });

const fingers = new Map();
let dragged = null;

svg.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  svg.setPointerCapture(event.pointerId);
  const element = event.target.closest(".node");
  const node = [...nodes.values()].find((one) => one.element === element) ?? null;
  dragged = { node, x: event.clientX, y: event.clientY, way: 0 };
  svg.classList.add("grabbed");
});

svg.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (!before || !dragged) return;
  const [dx, dy] = [event.clientX - before.x, event.clientY - before.y];
  if (fingers.size === 2) {
    const [one, two] = fingers.values();
    const was = Math.hypot(one.x - two.x, one.y - two.y);
    before.x = event.clientX;
    before.y = event.clientY;
    const box = svg.getBoundingClientRect();
    dragged.way = CLICK + 1;
    zoom(Math.hypot(one.x - two.x, one.y - two.y) / (was || 1), (one.x + two.x) / 2 - box.left, (one.y + two.y) / 2 - box.top);
    return;
  }
  before.x = event.clientX;
  before.y = event.clientY;
  dragged.way = Math.max(dragged.way, Math.hypot(event.clientX - dragged.x, event.clientY - dragged.y));
  if (dragged.way <= CLICK) return;
  camera.isFree = true;
  if (dragged.node) {
    dragged.node.held = true;
    dragged.node.x += dx / camera.scale;
    dragged.node.y += dy / camera.scale;
    if (!still.matches) {
      layout.warm(0.25);
      run();
    }
  } else {
    camera.x += dx;
    camera.y += dy;
  }
  place();
});

function release(event) {
  fingers.delete(event.pointerId);
  if (!dragged || fingers.size) return;
  const { node, way } = dragged;
  dragged = null;
  svg.classList.remove("grabbed");
  if (!node) return;
  node.held = false;
  if (way <= CLICK && event.type === "pointerup") {
    node.element.focus({ preventScroll: true });
    select(node);
    open(node);
  }
}
svg.addEventListener("pointerup", release);
svg.addEventListener("pointercancel", release);

// -- keys ------------------------------------------------------------------------------------------------------------
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// The nearest object in a direction: what lies aside counts as farther away.
function nearest(from, [wayX, wayY]) {
  let best = null;
  let least = Infinity;
  for (const node of nodes.values()) {
    const [dx, dy] = [node.x - from.x, node.y - from.y];
    const ahead = dx * wayX + dy * wayY;
    const aside = Math.abs(dx * wayY - dy * wayX);
    if (node === from || ahead <= 0 || aside > ahead * 2) continue;
    const far = ahead + aside * 2;
    if (far < least) [best, least] = [node, far];
  }
  return best;
}

svg.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !selected) return;
  const keys = {
    Enter: () => open(selected), " ": () => open(selected), "+": tools.in, "-": tools.out, 0: fitAgain,
  };
  const way = WAYS[event.key];
  if (way) nearest(selected, way)?.element.focus({ preventScroll: true });
  else if (keys[event.key]) keys[event.key]();
  else return;
  event.preventDefault();
});

addEventListener("resize", () => {
  if (!camera.isFree && nodes.size) fitAgain();
});

// -- the beginning ---------------------------------------------------------------------------------------------------
view.hidden = false;
const told = await neighbours(view.dataset.graph, "");
root = addNode(told.node, 0, 0);
root.element.classList.add("root");
select(root);
surround(root, told);
