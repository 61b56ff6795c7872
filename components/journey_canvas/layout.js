// Layered layout (dagre): where a step lies when nobody has put it anywhere.
import dagre from "@dagrejs/dagre";

export const WIDTH = 272;
export const HEIGHT = 80;
const COUNTS_HEIGHT = 46;
const GAP = 84; // room for a plus and a label between two steps
const PORT_WIDTH = 124;
const OPEN_END_HEIGHT = 64;

// Many ways out need a wide card, so that their labels do not touch.
export const widthOf = (step) => Math.max(WIDTH, step.ports.length * PORT_WIDTH);
export const heightOf = (hasCounts) => HEIGHT + (hasCounts ? COUNTS_HEIGHT : 0);

export function layout(steps, counts, close) {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "TB", nodesep: 48, ranksep: close ? 56 : GAP, marginx: 24, marginy: 24 });
  graph.setDefaultEdgeLabel(() => ({}));
  const height = heightOf(Boolean(counts));
  const known = new Set(steps.map((step) => step.id));
  for (const step of steps) {
    const open = step.ports.some((port) => !port.target);
    graph.setNode(step.id, { width: widthOf(step), height: heightOf(Boolean(counts?.[step.id])) + (open ? OPEN_END_HEIGHT : 0) });
  }
  for (const step of steps)
    for (const port of step.ports)
      if (port.target && known.has(port.target)) graph.setEdge(step.id, port.target);
  dagre.layout(graph, { constraints: siblings(graph, steps) });
  const places = {};
  for (const step of steps) {
    const { x, y, width, height: tall } = graph.node(step.id);
    places[step.id] = { x: x - width / 2, y: y - tall / 2 };
  }
  return steps.some((step) => step.position) ? fitIn(steps, places, height) : places;
}

// Where people have placed steps themselves, theirs stay; a step without a place goes below the one
// that leads to it, and aside if something is there already.
function fitIn(steps, drawn, height) {
  const places = {};
  for (const step of steps) if (step.position) places[step.id] = step.position;
  const waiting = steps.filter((step) => !step.position);
  while (waiting.length) {
    const next = Math.max(0, waiting.findIndex((step) => leader(steps, places, step.id)));
    const [step] = waiting.splice(next, 1);
    const above = leader(steps, places, step.id);
    const at = above
      ? { x: places[above.id].x + (widthOf(above) - widthOf(step)) / 2, y: places[above.id].y + height + GAP }
      : { ...drawn[step.id] };
    while (steps.some((other) => other.id !== step.id && touches(at, places[other.id], height))) at.x += WIDTH + 48;
    places[step.id] = at;
  }
  return places;
}

const leader = (steps, places, id) =>
  steps.find((step) => places[step.id] && step.ports.some((port) => port.target === id));

const touches = (one, other, height) =>
  Boolean(other) && Math.abs(one.x - other.x) < WIDTH + 12 && Math.abs(one.y - other.y) < height + 12;

// Ways out lie from left to right as they are listed. Only targets reached by one link are bound:
// a step where branches join belongs to none of them, so these wishes can never contradict.
function siblings(graph, steps) {
  const wishes = [];
  for (const step of steps) {
    const own = step.ports.map((port) => port.target).filter((id) => id && graph.inEdges(id)?.length === 1);
    for (let n = 1; n < own.length; n += 1) wishes.push({ left: own[n - 1], right: own[n] });
  }
  return wishes;
}
