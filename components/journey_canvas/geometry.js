// Where things are on the screen and on the canvas: drops, the first view, keeping steps in sight.
const READABLE = 0.55; // the smallest size at which titles are read
const LARGE = 0.8; // the size at which a step that was looked for is shown
const BAR = 56; // pixels that the bars at the top and at the bottom cover
const REACH = 36; // pixels around a plus that take a drop
export const FIT = { padding: 0.18, maxZoom: 1, minZoom: 0.25, duration: 250 };

// Where a dragged palette item would land: a link, an open end, a step (after it), or bare canvas.
export function landing(root, x, y) {
  const plus = nearestPlus(root, x, y);
  if (plus) return after(plus.step, plus.port);
  for (const element of document.elementsFromPoint(x, y)) {
    if (!root?.contains(element)) continue;
    if (element.closest(".jc-palette, .jc-bar, .jc-search")) return null;
    const open = element.closest("[data-open-port]");
    if (open) return after(open.dataset.openStep, open.dataset.openPort);
    const link = element.closest(".react-flow__edge, .jc-edge-tools");
    if (link) {
      const [step, port] = link.dataset.id.split(":");
      return after(step, port);
    }
    const node = element.closest(".react-flow__node");
    if (node) return { onto: node.dataset.id };
  }
  return root && within(root.querySelector(".react-flow")?.getBoundingClientRect(), x, y) ? { bare: true } : null;
}

// Where a dragged step would go: a line or an open end that is not its own.
export function lineNear(root, x, y, own) {
  const plus = nearestPlus(root, x, y, (line) => line.step !== own.id && !own.leaders.has(`${line.step}:${line.port}`));
  return plus ? { source: plus.step, port: plus.port, key: `${plus.step}:${plus.port}` } : null;
}

// Shows which line takes what is being dragged, without drawing anything else again.
export function mark(root, key) {
  const now = root?.querySelector("[data-drop]");
  if (now?.dataset.line === key) return;
  now?.removeAttribute("data-drop");
  if (key) root?.querySelector(`[data-line="${CSS.escape(key)}"]`)?.setAttribute("data-drop", "true");
}

// A finger is not a needle: anything within reach of a plus counts as on it.
function nearestPlus(root, x, y, fits = () => true) {
  let best = { distance: REACH };
  for (const plus of root.querySelectorAll(".jc-plus[data-step]")) {
    if (!fits(plus.dataset)) continue;
    const box = plus.getBoundingClientRect();
    const distance = Math.hypot(x - box.left - box.width / 2, y - box.top - box.height / 2);
    if (distance < best.distance) best = { distance, ...plus.dataset };
  }
  return best.step ? best : null;
}

const after = (step, port) => ({ after: { step, port }, key: `${step}:${port}` });

const within = (box, x, y) =>
  Boolean(box) && x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;

export const round = ({ x, y }) => ({ x: Math.round(x), y: Math.round(y) });

export function around(flow, x, y) {
  const at = flow.screenToFlowPosition({ x, y });
  return round({ x: at.x - 136, y: at.y - 40 });
}

// A journey opens readable: whole if that is large enough to read, else from its start.
export function begin(flow, root, steps) {
  const box = root.querySelector(".react-flow").getBoundingClientRect();
  const bounds = flow.getNodesBounds(flow.getNodes());
  const whole = Math.min((box.width - 64) / bounds.width, (box.height - 104) / bounds.height, 1);
  if (whole >= READABLE) {
    const x = (box.width - bounds.width * whole) / 2 - bounds.x * whole;
    flow.setViewport({ x, y: (box.height - 56 - bounds.height * whole) / 2 - bounds.y * whole, zoom: whole });
    return;
  }
  const start = flow.getNode(steps.find((step) => step.kind === "entry")?.id ?? steps[0].id);
  const zoom = 0.85;
  const x = box.width / 2 - (start.position.x + start.width / 2) * zoom;
  flow.setViewport({ x, y: 36 - start.position.y * zoom, zoom });
}

export function reveal(flow, root, id, close = false, { duration = 250 } = {}) {
  const node = flow.getNode(id);
  const box = root?.querySelector(".react-flow")?.getBoundingClientRect();
  if (!node || !box) return;
  const { x, y } = flow.flowToScreenPosition(node.position);
  const zoom = flow.getZoom();
  const clear = within(box, x, close ? y - BAR : y) && within(box, x + node.width * zoom, y + (node.height + 60) * zoom + BAR);
  if (clear && zoom >= (close ? LARGE : READABLE)) return;
  flow.setCenter(node.position.x + node.width / 2, node.position.y + node.height / 2, {
    zoom: Math.max(zoom, close ? LARGE : 0.6), duration,
  });
}

const PATIENCE = 3000; // milliseconds in which a card that is new, or was out of sight, is drawn

// The keyboard goes to a step's card as soon as there is one, unless `held` says it belongs elsewhere by now.
export function focusCard(root, id, held = () => false) {
  const began = performance.now();
  const look = () => {
    if (held()) return;
    const card = root.current?.querySelector(`.react-flow__node[data-id="${id}"]`);
    if (card) card.focus({ preventScroll: true });
    else if (performance.now() - began < PATIENCE) requestAnimationFrame(look);
  };
  look();
}

// Several steps that have just come are brought into view together, no smaller than they can be read.
export const revealAll = (flow, ids) =>
  flow.fitView({ ...FIT, nodes: ids.map((id) => ({ id })), minZoom: READABLE, maxZoom: Math.max(flow.getZoom(), READABLE) });

// The nearest place to the right of `at` where something of a size covers nothing.
export function freeSpot(nodes, at, size) {
  const spot = { ...at };
  const blocking = () =>
    nodes.find(
      (node) =>
        spot.x < node.position.x + node.width + 16 && node.position.x < spot.x + size.width + 16 &&
        spot.y < node.position.y + node.height + 16 && node.position.y < spot.y + size.height + 16,
    );
  for (let node = blocking(); node; node = blocking()) spot.x = node.position.x + node.width + 40;
  return round(spot);
}

export function middleOf(root) {
  const box = root.querySelector(".react-flow").getBoundingClientRect();
  return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
}

// Arrow keys: down follows the first link, up goes back, left and right to the nearest beside it.
export function neighbour(nodes, steps, id, key) {
  const here = nodes.find((node) => node.id === id);
  const step = steps.find((one) => one.id === id);
  if (key === "ArrowDown") return step.ports.find((port) => port.target)?.target;
  if (key === "ArrowUp") return steps.find((one) => one.ports.some((port) => port.target === id))?.id;
  const side = key === "ArrowRight" ? 1 : -1;
  return nodes
    .filter((node) => node.type === "step" && (node.position.x - here.position.x) * side > 20 && Math.abs(node.position.y - here.position.y) < 120)
    .sort((a, b) => Math.abs(a.position.x - here.position.x) - Math.abs(b.position.x - here.position.x))[0]?.id;
}
