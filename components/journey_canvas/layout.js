// Layered layout (dagre): where a step lies when nobody has put it anywhere.
import dagre from "@dagrejs/dagre";

export const WIDTH = 272;
export const HEIGHT = 80;
const COUNTS_HEIGHT = 46;
const GAP = 84; // room for a plus and a label between two steps
const PORT_WIDTH = 124;
const OPEN_END_HEIGHT = 64;
const LARGE = 80; // steps
const LANE_WIDTH = 8; // of a line that passes other steps

// Many ways out need a wide card, so that their labels do not touch.
export const widthOf = (step) => Math.max(WIDTH, step.ports.length * PORT_WIDTH);
export const heightOf = (hasCounts) => HEIGHT + (hasCounts ? COUNTS_HEIGHT : 0);

export function layout(steps, counts, close) {
  if (steps.every((step) => step.position)) return Object.fromEntries(steps.map((step) => [step.id, step.position]));
  const height = heightOf(Boolean(counts));
  const first = laidOut(steps, counts, close, []);
  // A line past several layers is given its place among them, in the order of the ways out.
  const levels = [...new Set(steps.map((step) => first.node(step.id).y))].sort((a, b) => a - b);
  const level = new Map(steps.map((step) => [step.id, levels.indexOf(first.node(step.id).y)]));
  const long = steps.flatMap((step) =>
    step.ports
      .filter((port) => level.has(port.target) && level.get(port.target) > level.get(step.id) + 1)
      .map((port) => ({ key: `${step.id}:${port.key}`, layers: level.get(port.target) - level.get(step.id) - 1 })),
  );
  const graph = long.length ? laidOut(steps, counts, close, long) : first;
  const places = {};
  for (const step of steps) {
    const { x, y, width, height: tall } = graph.node(step.id);
    places[step.id] = { x: x - width / 2, y: y - tall / 2 };
  }
  return steps.some((step) => step.position) ? fitIn(steps, places, height) : places;
}

function laidOut(steps, counts, close, long) {
  const graph = new dagre.graphlib.Graph();
  const large = steps.length > LARGE;
  graph.setGraph({
    rankdir: "TB", nodesep: 48, ranksep: close ? 56 : GAP, marginx: 24, marginy: 24, ranker: large ? "tight-tree" : undefined,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  const known = new Set(steps.map((step) => step.id));
  const layers = new Map(long.map((line) => [line.key, line.layers]));
  const heads = new Map();
  for (const step of steps) {
    const open = step.ports.some((port) => !port.target);
    graph.setNode(step.id, { width: widthOf(step), height: heightOf(Boolean(counts?.[step.id])) + (open ? OPEN_END_HEIGHT : 0) });
  }
  for (const step of steps)
    for (const port of step.ports) {
      if (!port.target || !known.has(port.target)) continue;
      const key = `${step.id}:${port.key}`;
      let last = step.id;
      for (let n = 0; n < (layers.get(key) ?? 0); n += 1) {
        const place = `${key}:${n}`;
        graph.setNode(place, { width: LANE_WIDTH, height: HEIGHT });
        graph.setEdge(last, place, { weight: n ? 4 : 1 });
        if (!n) heads.set(key, place);
        last = place;
      }
      graph.setEdge(last, port.target);
    }
  // In a large journey the order of the ways out stands as it is, instead of being weighed again and again.
  dagre.layout(graph, large ? { disableOptimalOrderHeuristic: true } : { constraints: siblings(graph, steps, heads) });
  return graph;
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
    // One that is gone stands where it stood, if nothing has taken its place.
    const at = step.was ? { ...step.was } : above
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
function siblings(graph, steps, heads) {
  const wishes = [];
  for (const step of steps) {
    const own = step.ports.map((port) => heads.get(`${step.id}:${port.key}`) ?? port.target).filter((id) => id && graph.inEdges(id)?.length === 1);
    for (let n = 1; n < own.length; n += 1) wishes.push({ left: own[n - 1], right: own[n] });
  }
  return wishes;
}
