// Lines that would run behind other steps go round them, on a lane of their own.
import { heightOf, widthOf } from "./layout.js";

const CLEAR = 10; // canvas units that a line keeps from a card it passes
const ASIDE = 26; // from the card it goes round to its lane
const BESIDE = 18; // between two lanes
const LABEL_ROOM = 46; // below a way out, where its label is
const ROOM = 26;
const ROUND = 14;
const RELUCTANT = 240; // a detour so much longer is taken rather than crossing the other ways out

// Lanes by line: {x, from: {x, y}, to: {x, y}} of those that need one. `at` says where each step lies.
export function lanesOf(steps, at, counts) {
  const cards = steps.filter((step) => at[step.id]).map((step) => {
    const { x, y } = at[step.id];
    return { id: step.id, left: x, right: x + widthOf(step), top: y, bottom: y + heightOf(Boolean(counts?.[step.id])) };
  });
  const byId = new Map(cards.map((card) => [card.id, card]));
  const taken = [];
  const lanes = new Map();
  for (const step of steps) {
    const source = byId.get(step.id);
    step.ports.forEach((port, index) => {
      const target = byId.get(port.target);
      if (!source || !target || target.top <= source.bottom) return;
      const from = { x: source.left + ((index + 0.5) / step.ports.length) * (source.right - source.left), y: source.bottom };
      const to = { x: (target.left + target.right) / 2, y: target.top };
      const between = cards.filter((card) => card !== source && card !== target && card.top < to.y && card.bottom > from.y);
      const middle = (from.y + to.y) / 2;
      const free = !hits(between, from.x, from.y, middle) && !hits(between, to.x, middle, to.y) && !crosses(between, middle, from.x, to.x);
      if (free) return;
      const rightwards = from.x > (source.left + source.right) / 2 + 1;
      const x = laneFor(between, from, to, rightwards, taken);
      taken.push({ x, top: from.y, bottom: to.y });
      lanes.set(`${step.id}:${port.key}`, { x, from, to });
    });
  }
  return lanes;
}

const hits = (cards, x, top, bottom) =>
  cards.some((card) => x > card.left - CLEAR && x < card.right + CLEAR && card.top < bottom && card.bottom > top);

const crosses = (cards, y, a, b) =>
  cards.some((card) => y > card.top - CLEAR && y < card.bottom + CLEAR && card.left < Math.max(a, b) && card.right > Math.min(a, b));

function laneFor(between, from, to, rightwards, taken) {
  const length = (x) => Math.abs(x - from.x) + Math.abs(x - to.x);
  const search = (side) => {
    let x = to.x;
    for (let tries = 0; tries < 60; tries += 1) {
      const inWay = between.find((card) => x > card.left - CLEAR && x < card.right + CLEAR);
      const other = taken.find((lane) => Math.abs(lane.x - x) < BESIDE - 2 && lane.top < to.y && lane.bottom > from.y);
      if (inWay) x = side > 0 ? inWay.right + ASIDE : inWay.left - ASIDE;
      else if (other) x = other.x + side * BESIDE;
      else break;
    }
    return x;
  };
  const right = search(1);
  const left = search(-1);
  const wanted = rightwards ? [right, left] : [left, right];
  return length(wanted[0]) <= length(wanted[1]) + RELUCTANT ? wanted[0] : wanted[1];
}

// The path through a lane, with rounded corners, and where its plus goes.
export function lanePath({ x, from, to }, labelled) {
  const start = from.y + Math.min(labelled ? LABEL_ROOM : ROOM, (to.y - from.y) / 3);
  const end = to.y - ROOM;
  const corners = [from, { x: from.x, y: start }, { x, y: start }, { x, y: end }, { x: to.x, y: end }, to];
  let path = `M ${from.x} ${from.y}`;
  for (let n = 1; n < corners.length - 1; n += 1) {
    const [a, b, c] = [corners[n - 1], corners[n], corners[n + 1]];
    const r = Math.min(ROUND, distance(a, b) / 2, distance(b, c) / 2);
    const before = towards(b, a, r);
    const after = towards(b, c, r);
    path += ` L ${before.x} ${before.y} Q ${b.x} ${b.y} ${after.x} ${after.y}`;
  }
  return [`${path} L ${to.x} ${to.y}`, x, (start + end) / 2];
}

const distance = (a, b) => Math.abs(a.x - b.x) + Math.abs(a.y - b.y);
const towards = (from, to, by) => {
  const all = distance(from, to) || 1;
  return { x: from.x + ((to.x - from.x) * by) / all, y: from.y + ((to.y - from.y) * by) / all };
};
