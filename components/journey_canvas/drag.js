// Dragging steps and notes. A single step let go on a line or an open end goes there in the journey;
// anything else is a place on the canvas.
import { useMemo, useRef } from "react";
import { lineNear, mark, round } from "./geometry.js";
import { NOTE } from "./graph.js";

const pointOf = (event) => event.changedTouches?.[0] ?? event.touches?.[0] ?? event;

export function useDrag({ root, steps, drawnPlaces, say, restore }) {
  const latest = useRef({});
  latest.current = { steps, restore };
  return useMemo(() => {
    const line = (event, node, moved) => {
      if (node.type !== "step" || node.data.step.kind === "entry" || (moved?.length ?? 1) > 1) return null;
      const { clientX, clientY } = pointOf(event);
      const leaders = new Set(
        latest.current.steps.flatMap((s) => s.ports.filter((p) => p.target === node.id).map((p) => `${s.id}:${p.key}`)),
      );
      return lineNear(root.current, clientX, clientY, { id: node.id, leaders });
    };
    return {
      over: (event, node, moved) => mark(root.current, line(event, node, moved)?.key ?? ""),
      stop: (event, node, moved) => {
        const land = line(event, node, moved);
        mark(root.current, "");
        if (land) {
          latest.current.restore();
          return say("onStepPut", { id: node.id, source: land.source, port: land.port });
        }
        const all = moved?.length ? moved : [node];
        const at = (ones, from) => Object.fromEntries(ones.map((one) => [one.id.slice(from), round(one.position)]));
        const cards = at(all.filter((one) => one.type === "step"), 0);
        return say("onStepMoved", {
          places: Object.keys(cards).length ? { ...drawnPlaces(), ...cards } : {},
          notes: at(all.filter((one) => one.type === "note"), NOTE.length),
        });
      },
    };
  }, [drawnPlaces, root, say]);
}
