// Steps and counts from Python as React Flow's nodes and edges. What has not changed keeps its identity,
// so that only what changed is drawn again.
import { MarkerType } from "@xyflow/react";
import { heightOf, widthOf } from "./layout.js";

const spoken = (step) =>
  `${step.title}. ${step.subtitle}.${step.problems ? ` ${step.problems} to fix: ${step.problem}` : ""}`;

export function toNodes(steps, counts, places, before) {
  const old = new Map(before.map((node) => [node.id, node]));
  return steps.map((step) => {
    const was = old.get(step.id);
    const count = counts?.[step.id];
    const position = was?.dragging ? was.position : (step.position ?? places[step.id]);
    const same =
      was && was.data.raw === JSON.stringify([step, count]) &&
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
      data: { step, counts: count, width: widthOf(step), raw: JSON.stringify([step, count]) },
    };
  });
}

export function toEdges(steps, before) {
  const chosen = new Set(before.filter((edge) => edge.selected).map((edge) => edge.id));
  const titles = new Map(steps.map((step) => [step.id, step.title]));
  return steps.flatMap((step) =>
    step.ports
      .filter((port) => port.target && titles.has(port.target))
      .map((port) => ({
        id: `${step.id}:${port.key}`,
        type: "step",
        source: step.id,
        sourceHandle: port.key,
        target: port.target,
        selected: chosen.has(`${step.id}:${port.key}`),
        focusable: false,
        markerEnd: { type: MarkerType.ArrowClosed, width: 16, height: 16, color: "var(--gray-8)" },
        data: {
          label: port.label, source: step.id, port: port.key, from: step.title, to: titles.get(port.target),
        },
      })),
  );
}
