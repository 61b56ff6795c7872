// The keyboard on the canvas. Arrows walk from step to step, Shift takes steps along.
import { useCallback, useEffect } from "react";
import { neighbour } from "./geometry.js";
import { NOTE } from "./graph.js";
import { ours, typing } from "./reports.js";

const PANEL = "[data-panel=step]";

export const freeEnd = (step) => step?.ports.find((port) => !port.target) ?? step?.ports[0];

export function useKeys({ root, nodes, steps, byId, selection, readOnly, focusNode, deeds }) {
  const { chosen, choose, chooseAll, toggle } = selection;
  const onKeyDown = useCallback(
    (event) => {
      // From the panel beside the canvas back to the step that it is about.
      if (event.key === "Escape" && !event.defaultPrevented && event.target.closest?.(PANEL) && chosen.steps.length === 1)
        return focusNode(chosen.steps[0]);
      if (!ours(root.current, event.target)) return undefined;
      const id = event.target.closest?.(".react-flow__node")?.dataset.id;
      const onNode = id && event.target.classList.contains("react-flow__node");
      const command = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      const act = (deed) => {
        event.preventDefault();
        deed();
      };
      const walk = () => {
        const target = neighbour(nodes, steps, id, event.key);
        if (!target) return;
        if (event.shiftKey) chooseAll([...new Set([...chosen.steps, id, target])]);
        else choose(target);
        focusNode(target);
      };
      if (command && key === "a") return act(() => chooseAll(nodes.map((node) => node.id)));
      if (onNode && event.key.startsWith("Arrow") && !id.startsWith(NOTE)) return act(walk);
      if (onNode && (event.key === "Enter" || event.key === " ")) {
        if (event.shiftKey) return act(() => toggle(id));
        const beside = chosen.steps.length === 1 && chosen.steps[0] === id && document.querySelector(PANEL);
        if (beside) return act(() => beside.focus());
        return act(() => (id.startsWith(NOTE) ? deeds.editNote(id) : choose(id)));
      }
      if (event.key === "Escape") return choose("");
      if (readOnly) return undefined;
      if (event.key === "Delete" || event.key === "Backspace") return act(deeds.remove);
      if (onNode && (event.key === "+" || event.key === "Insert") && freeEnd(byId.get(id)))
        return act(() => deeds.addAfter(id, event.target));
      if (onNode && !command && key === "m" && byId.has(id) && byId.get(id).kind !== "entry")
        return act(() => deeds.move(id, event.target));
      if (onNode && !command && key === "l" && freeEnd(byId.get(id))) return act(() => deeds.link(id, event.target));
      if (command && key === "d") return act(deeds.duplicate);
      return undefined;
    },
    [byId, choose, chooseAll, chosen, deeds, focusNode, nodes, readOnly, root, steps, toggle],
  );
  useEffect(() => {
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [onKeyDown]);
}

// Keys that hold wherever the focus is on the page, except in a field.
export function usePageKeys({ readOnly, say, search }) {
  useEffect(() => {
    const onKey = (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || typing(event.target)) return;
      const key = event.key.toLowerCase();
      const undoing = !readOnly && (key === "z" || key === "y");
      if (!undoing && key !== "f") return;
      event.preventDefault();
      if (key === "f") search();
      else say(key === "y" || event.shiftKey ? "onRedo" : "onUndo");
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [readOnly, say, search]);
}
