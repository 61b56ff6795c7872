// Finding a step or a note by any of its words, and going to it.
import { ChevronDown, ChevronUp, X } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { matches } from "./chooser.jsx";
import { NOTE } from "./graph.js";

export function SearchBar({ steps, notes, onGo, onClose }) {
  const field = useRef(null);
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const hits = useMemo(() => {
    if (!words.trim()) return [];
    return [
      ...steps.filter((step) => matches(words.trim(), `${step.title} ${step.subtitle} ${step.find ?? ""}`)).map((step) => step.id),
      ...notes.filter((note) => matches(words.trim(), note.text)).map((note) => NOTE + note.id),
    ];
  }, [steps, notes, words]);
  const here = hits.length ? at % hits.length : 0;
  const hit = hits[here] ?? "";

  useEffect(() => field.current?.focus(), []);
  useEffect(() => {
    if (hit) onGo(hit);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only another hit is another place to go
  }, [hit]);
  const step = (by) => setAt(hits.length ? (here + by + hits.length) % hits.length : 0);
  const onKeyDown = (event) => {
    event.stopPropagation();
    const again = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f";
    if (event.key === "Enter" || event.key === "ArrowDown" || event.key === "ArrowUp")
      event.preventDefault(), step(event.shiftKey || event.key === "ArrowUp" ? -1 : 1);
    if (again) event.preventDefault(), field.current.select();
    if (event.key === "Escape") event.preventDefault(), onClose(hit);
  };
  return (
    <div className="jc-search nokey" role="search" data-testid="canvas-search" onKeyDown={onKeyDown}>
      <input
        ref={field}
        type="text"
        value={words}
        placeholder="Find a step"
        aria-label="Find a step by its words"
        data-testid="canvas-search-words"
        autoComplete="off"
        onChange={(event) => {
          setWords(event.target.value);
          setAt(0);
        }}
      />
      <span className="jc-search-count" role="status" data-testid="canvas-search-count">
        {words.trim() ? (hits.length ? `${here + 1} of ${hits.length}` : "None") : ""}
      </span>
      <button type="button" aria-label="The one before" disabled={hits.length < 2} onClick={() => step(-1)}>
        <ChevronUp size={16} aria-hidden="true" />
      </button>
      <button type="button" aria-label="The next one" disabled={hits.length < 2} onClick={() => step(1)}>
        <ChevronDown size={16} aria-hidden="true" />
      </button>
      <button type="button" aria-label="Close the search" onClick={() => onClose(hit)}>
        <X size={16} aria-hidden="true" />
      </button>
    </div>
  );
}
