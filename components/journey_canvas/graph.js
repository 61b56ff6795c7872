// Steps and counts from Python as React Flow's nodes and edges. What has not changed keeps its identity,
// so that only what changed is drawn again.
import { MarkerType } from "@xyflow/react";
import { heightOf, widthOf } from "./layout.js";

export const NOTE_SIZE = { width: 208, height: 132 };

export const NOTE = "note:"; // before the id of a note, so that no step is taken for one

// In a comparison a mark is a word and a sign: what happened to a step or to a way.
export const MARKS = { added: "Added", changed: "Changed", removed: "Removed" };
const COLOURS = { added: "var(--jc-added)", changed: "var(--jc-changed)", removed: "var(--jc-removed)" };

const spoken = (step) =>
  `${step.mark ? `${MARKS[step.mark]}. ` : ""}${step.title}. ${step.subtitle}.${step.told?.length ? ` ${step.told.join(". ")}.` : ""}${step.problems ? ` ${step.problems} to fix: ${step.problem}` : ""}`;

// How many ways lead to each step: where they meet is drawn.
function joins(steps) {
  const count = new Map();
  for (const step of steps) for (const port of step.ports) if (port.target && port.mark !== "removed") count.set(port.target, (count.get(port.target) ?? 0) + 1);
  return count;
}

export function toNodes(steps, counts, places, before) {
  const old = new Map(before.map((node) => [node.id, node]));
  const ways = joins(steps);
  return steps.map((step) => {
    const was = old.get(step.id);
    const count = counts?.[step.id];
    const raw = JSON.stringify([step, count, ways.get(step.id)]);
    const position = was?.dragging ? was.position : (step.position ?? places[step.id]);
    const same =
      was && was.data.raw === raw &&
      was.position.x === position.x && was.position.y === position.y;
    if (same) return was;
    return {
      id: step.id,
      type: "step",
      position,
      selected: was?.selected ?? false,
      dragging: was?.dragging,
      measured: was?.measured,
      width: widthOf(step),
      height: heightOf(Boolean(count)),
      ariaLabel: spoken(step),
      domAttributes: { "data-testid": `step-${step.id}`, "data-kind": step.kind },
      data: { step, counts: count, width: widthOf(step), ways: ways.get(step.id) ?? 0, raw },
    };
  });
}

export function toNotes(notes, editing, before) {
  const old = new Map(before.map((node) => [node.id, node]));
  return notes.map((note) => {
    const id = NOTE + note.id;
    const was = old.get(id);
    const position = was?.dragging ? was.position : note.position;
    const now = editing === id;
    const same =
      was && was.data.note.text === note.text && was.data.note.colour === note.colour && was.data.editing === now &&
      was.position.x === position.x && was.position.y === position.y;
    if (same) return was;
    return {
      id,
      type: "note",
      position,
      selected: was?.selected ?? false,
      dragging: was?.dragging,
      measured: was?.measured,
      width: NOTE_SIZE.width,
      height: NOTE_SIZE.height,
      connectable: false,
      zIndex: -1,
      ariaLabel: `Note. ${note.text || "Empty"}`,
      domAttributes: { "data-testid": id.replace(":", "-") },
      data: { note, editing: now },
    };
  });
}

const ARROW = { type: MarkerType.ArrowClosed, width: 16, height: 16, color: "var(--gray-8)" };

// What a line looks like when nothing about it has changed.
const sameLane = (a, b) =>
  a === b || Boolean(a && b && a.x === b.x && a.from.x === b.from.x && a.from.y === b.from.y && a.to.x === b.to.x && a.to.y === b.to.y);

export function toEdges(steps, lanes, before) {
  const old = new Map(before.map((edge) => [edge.id, edge]));
  const titles = new Map(steps.map((step) => [step.id, step.title]));
  // A way to or from a step that came or went is no news of its own.
  const marked = new Set(steps.filter((step) => step.mark === "added" || step.mark === "removed").map((step) => step.id));
  return steps.flatMap((step) =>
    step.ports
      .filter((port) => port.target && titles.has(port.target))
      .map((port) => {
        const id = `${step.id}:${port.key}`;
        const was = old.get(id);
        const data = {
          label: port.label, source: step.id, port: port.key, from: step.title, to: titles.get(port.target), lane: lanes.get(id),
          mark: port.mark, news: Boolean(port.mark) && !marked.has(step.id) && !marked.has(port.target),
        };
        const same =
          was && was.target === port.target && was.data.label === data.label && was.data.from === data.from &&
          was.data.to === data.to && was.data.mark === data.mark && sameLane(was.data.lane, data.lane);
        if (same) return was;
        return {
          id, type: "step", source: step.id, sourceHandle: port.key, target: port.target,
          selected: was?.selected ?? false, focusable: false, data,
          markerEnd: data.mark ? { ...ARROW, color: COLOURS[data.mark] } : ARROW,
          className: data.mark ? `jc-way jc-way-${data.mark}` : undefined,
          ariaLabel: `${data.mark ? `${MARKS[data.mark]}: ` : ""}from ${data.from} to ${data.to}${data.label ? `, ${data.label}` : ""}`,
        };
      }),
  );
}
