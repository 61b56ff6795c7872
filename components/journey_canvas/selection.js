// Choosing steps and notes. Which are chosen is a matter of this page; Python hears of one that is opened.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { NOTE } from "./graph.js";

const HOLD = 480; // milliseconds of a finger's long press
const STILL = 10; // pixels it may tremble

const ECHO = 8000; // milliseconds in which Python's answer is known for one

export function useSelection({ nodes, setNodes, setEdges, selected, say: tell }) {
  const told = useRef([]);
  const say = useCallback(
    (event, report) => {
      told.current = [...told.current.slice(-8), { id: report.id, at: performance.now() }];
      tell(event, report);
    },
    [tell],
  );
  // After a long press every tap adds or takes away, until nothing is chosen.
  const [tapping, setTapping] = useState(false);
  const chosen = useMemo(() => split(nodes.filter((node) => node.selected)), [nodes]);

  const select = useCallback(
    (wanted) => {
      const ids = new Set(wanted);
      setNodes((before) =>
        before.some((node) => Boolean(node.selected) !== ids.has(node.id))
          ? before.map((node) => (Boolean(node.selected) === ids.has(node.id) ? node : { ...node, selected: ids.has(node.id) }))
          : before,
      );
      setEdges((before) => (before.some((edge) => edge.selected) ? before.map((edge) => (edge.selected ? { ...edge, selected: false } : edge)) : before));
    },
    [setEdges, setNodes],
  );

  // Opens one step's panel, or none.
  const choose = useCallback(
    (id) => {
      setTapping(false);
      select(id ? [id] : []);
      if (!id.startsWith(NOTE)) say("onSelected", { id });
      else if (selected) say("onSelected", { id: "" });
    },
    [say, select, selected],
  );

  const chooseAll = useCallback(
    (ids) => {
      select(ids);
      if (selected) say("onSelected", { id: "" });
    },
    [say, select, selected],
  );

  const toggle = useCallback(
    (id) => {
      const on = [...chosen.steps, ...chosen.notes.map((note) => NOTE + note)];
      const left = on.includes(id) ? on.filter((one) => one !== id) : [...on, id];
      if (left.length === 0) setTapping(false);
      chooseAll(left);
    },
    [chooseAll, chosen],
  );

  // Python may choose too: a problem in the list, a new step. What only echoes an earlier choice of this
  // page is old news, and several may be chosen here while Python knows of none.
  useEffect(() => {
    const echo = told.current.some((one) => one.id === selected && performance.now() - one.at < ECHO);
    if (!echo) select(selected ? [selected] : []);
  }, [selected, select]);
  useEffect(() => {
    if (selected && chosen.count > 1) say("onSelected", { id: "" });
  }, [chosen.count, selected, say]);

  const hold = useHold((id) => {
    setTapping(true);
    toggle(id);
  });
  return { chosen, select, choose, chooseAll, toggle, tapping, hold };
}

function split(nodes) {
  const ids = nodes.map((node) => node.id);
  return {
    steps: ids.filter((id) => !id.startsWith(NOTE)),
    notes: ids.filter((id) => id.startsWith(NOTE)).map((id) => id.slice(NOTE.length)),
    count: ids.length,
  };
}

// A finger that rests on a card. `just` tells the click that may follow that it has been dealt with.
function useHold(onHold) {
  const press = useRef(null);
  const just = useRef(false);
  const end = () => {
    clearTimeout(press.current?.timer);
    press.current = null;
  };
  return {
    just: () => just.current,
    handlers: {
      onPointerDownCapture: (event) => {
        just.current = false;
        const id = event.target.closest?.(".react-flow__node")?.dataset.id;
        if (event.pointerType !== "touch" || !event.isPrimary || !id || event.target.closest("button, textarea")) return end();
        press.current = {
          x: event.clientX, y: event.clientY,
          timer: setTimeout(() => {
            just.current = true;
            press.current = null;
            onHold(id);
          }, HOLD),
        };
      },
      onPointerMoveCapture: ({ clientX, clientY }) => {
        const at = press.current;
        if (at && Math.hypot(clientX - at.x, clientY - at.y) > STILL) end();
      },
      onPointerUpCapture: end,
      onPointerCancelCapture: () => press.current && end(),
      onContextMenu: (event) => (press.current || just.current) && event.preventDefault(),
    },
  };
}
