// Copy, cut and paste. The journey's own words are made and read by Python; here they pass through the
// browser's clipboard, or stay in the session where a browser does not let a page at it.
import { useCallback, useEffect, useRef } from "react";
import { ours } from "./reports.js";

const NO_EVENT = 200; // milliseconds after Ctrl+V in which a browser tells what it holds

export function useClipboard({ clip, root, chosen, drawnPlaces, place, readOnly, say }) {
  const written = useRef(true);
  const seen = useRef(clip.number);
  const here = useRef(null);
  const pasting = useRef(false);

  useEffect(() => {
    if (clip.number === seen.current) return;
    seen.current = clip.number;
    write(clip.text).then((done) => (written.current = done));
  }, [clip]);

  const copy = useCallback(
    () => chosen.steps.length && say("onCopied", { ids: chosen.steps, places: drawnPlaces() }),
    [chosen, drawnPlaces, say],
  );
  const cut = useCallback(
    () => chosen.steps.length && say("onCut", { ids: chosen.steps, places: drawnPlaces() }),
    [chosen, drawnPlaces, say],
  );
  // `text` null: what was copied in this tab. Its own text need not travel back either.
  const paste = useCallback(
    (text) => {
      const own = clip.text && (text === clip.text || !written.current);
      pasting.current = true;
      say("onPasted", { text: own ? null : text, ...place(here.current) });
    },
    [clip, place, say],
  );
  const pasteByButton = useCallback(async () => {
    here.current = null;
    let text = null;
    try {
      text = await navigator.clipboard.readText();
    } catch {
      // A browser that does not let the page read leaves what was copied here.
    }
    paste(text || null);
  }, [paste]);

  const waiting = useRef(0);
  useEffect(() => {
    const onPaste = (event) => {
      if (readOnly || !ours(root.current, event.target)) return;
      clearTimeout(waiting.current);
      event.preventDefault();
      paste(event.clipboardData?.getData("text/plain") || null);
    };
    const onKey = (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || !ours(root.current, event.target)) return;
      const key = event.key.toLowerCase();
      if (key === "c" && chosen.steps.length && !String(window.getSelection())) event.preventDefault(), copy();
      if (readOnly) return;
      if (key === "x" && chosen.steps.length) event.preventDefault(), cut();
      if (key === "v") waiting.current = setTimeout(() => paste(null), NO_EVENT);
    };
    window.addEventListener("paste", onPaste);
    window.addEventListener("keydown", onKey);
    return () => {
      window.removeEventListener("paste", onPaste);
      window.removeEventListener("keydown", onKey);
    };
  }, [chosen, copy, cut, paste, readOnly, root]);

  const follow = useCallback((event) => {
    here.current = event.pointerType === "mouse" ? { x: event.clientX, y: event.clientY } : null;
  }, []);
  const leave = useCallback(() => (here.current = null), []);
  return { copy, cut, pasteByButton, pasting, follow, leave };
}

async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeTheOldWay(text);
  }
}

function writeTheOldWay(text) {
  const focused = document.activeElement;
  const box = Object.assign(document.createElement("textarea"), { value: text });
  box.style.cssText = "position:fixed;opacity:0;pointer-events:none";
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  focused?.focus?.({ preventScroll: true });
  return done;
}
