// What is in sight: the first view, whatever has just come or been chosen, the map.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { begin, focusCard, reveal, revealAll } from "./geometry.js";
import { NOTE } from "./graph.js";

const NARROW = 760; // pixels of canvas under which the map begins hidden
const MAP = "cm.canvas.map";

// Whoever has gone on meanwhile, to a list or a field, keeps the focus there.
const elsewhere = () => document.activeElement?.closest?.(".jc-menu, input, textarea, select, [contenteditable]");

export function useView({ flow, root, steps, notes, nodes, drawn, selected, selection, focusNext, pasting, editNote }) {
  const { select, choose } = selection;
  const begun = useRef(false);
  const known = useRef(null);
  const noteNext = useRef(false);

  // The first sight of the journey waits until the canvas knows its own size.
  useEffect(() => {
    if (begun.current || !drawn || !nodes.some((node) => node.type === "step")) return;
    begun.current = true;
    begin(flow, root.current, steps);
  }, [drawn, nodes, flow, root, steps]);

  const focusNode = useCallback(
    (id, held) => {
      reveal(flow, root.current, id);
      focusCard(root, id, held);
    },
    [flow, root],
  );

  // What has just appeared is brought into view: one step is focused if it came from the menu, several
  // that were pasted are chosen, a new note is ready to be written in.
  useEffect(() => {
    const ids = new Set([...steps.map((step) => step.id), ...notes.map((note) => NOTE + note.id)]);
    const fresh = known.current ? [...ids].filter((id) => !known.current.has(id)) : [];
    known.current = ids;
    if (!fresh.length || !(fresh.length === 1 || pasting.current)) return undefined;
    // Not taken back when the journey comes once more meanwhile: then nothing is fresh, and nobody is focused.
    setTimeout(() => {
      if (!root.current) return;
      if (noteNext.current && fresh[0].startsWith(NOTE)) {
        select(fresh);
        editNote(fresh[0]);
      } else if (pasting.current) {
        select(fresh);
        revealAll(flow, fresh);
      } else if (focusNext.current) focusNode(fresh[0], elsewhere);
      else reveal(flow, root.current, fresh[0]);
      noteNext.current = focusNext.current = pasting.current = false;
    }, 60);
    return undefined;
  }, [steps, notes, flow, root, focusNode, focusNext, pasting, select, editNote]);

  const seen = useRef("");
  useEffect(() => {
    if (selected && selected !== seen.current) setTimeout(() => reveal(flow, root.current, selected), 80);
    seen.current = selected;
  }, [selected, flow, root]);

  // The panel beside the canvas takes room away: what was in the middle stays there, and the chosen
  // step in sight.
  useEffect(() => {
    const box = root.current.querySelector(".jc-flow");
    let { clientWidth: width, clientHeight: height } = box;
    const watch = new ResizeObserver(() => {
      if (!begun.current || (box.clientWidth === width && box.clientHeight === height)) return;
      const { x, y, zoom } = flow.getViewport();
      if (box.clientWidth !== width) flow.setViewport({ x: x + (box.clientWidth - width) / 2, y, zoom });
      ({ clientWidth: width, clientHeight: height } = box);
      if (seen.current) reveal(flow, root.current, seen.current);
    });
    watch.observe(box);
    return () => watch.disconnect();
  }, [flow, root]);

  const goTo = useCallback(
    (id) => {
      if (selected) choose(id); // an open panel follows
      else select([id]);
      reveal(flow, root.current, id, true);
    },
    [choose, flow, root, select, selected],
  );
  const [map, show] = useState(() => {
    const kept = window.localStorage.getItem(MAP);
    return kept === null ? window.innerWidth > NARROW + 260 : kept === "yes";
  });
  const setMap = useCallback((on) => {
    window.localStorage.setItem(MAP, on ? "yes" : "no");
    show(on);
  }, []);
  return useMemo(
    () => ({ focusNode, goTo, map, setMap, noteNext: () => (noteNext.current = true) }),
    [focusNode, goTo, map, setMap],
  );
}
