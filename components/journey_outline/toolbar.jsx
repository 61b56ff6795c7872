// What can be done with the line that has the focus: one tab stop, arrow keys inside (WAI-ARIA toolbar).
import { useRef, useState } from "react";

export function Toolbar({ deeds, about }) {
  const box = useRef(null);
  const [at, setAt] = useState(0);
  const onKeyDown = (event) => {
    const go = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: deeds.length - 1 }[event.key];
    if (go === undefined) return;
    event.preventDefault();
    const next = (go + deeds.length) % deeds.length;
    setAt(next);
    box.current.querySelectorAll("button")[next].focus();
  };
  return (
    <div
      ref={box}
      className="jo-toolbar"
      role="toolbar"
      aria-label={`What to do with: ${about}`}
      data-testid="outline-toolbar"
      onKeyDown={onKeyDown}
    >
      {deeds.map(({ key, label, keys, icon: Icon, can, act }, n) => (
        <button
          key={key}
          type="button"
          tabIndex={n === at ? 0 : -1}
          aria-disabled={!can}
          aria-keyshortcuts={keys}
          title={keys ? `${label} (${keys.replaceAll("+", " + ")})` : label}
          data-testid={`outline-${key}`}
          onFocus={() => setAt(n)}
          onClick={(event) => (can ? act(event.currentTarget) : null)}
        >
          <Icon size={16} strokeWidth={2} aria-hidden="true" />
          <span>{label}</span>
        </button>
      ))}
    </div>
  );
}
