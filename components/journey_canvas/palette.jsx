// What can be added: a list to drag from (mouse, pen or finger); `chooser.jsx` is the same list as a menu.
import { Search } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { Chooser, matches, toAdd } from "./chooser.jsx";
import { KindIcon } from "./kinds.jsx";

const SLOP = 6; // pixels before a press becomes a drag

export function Palette({ palette, onDrag, onDrop, onPick }) {
  const press = useRef(null);
  const [words, setWords] = useState("");
  const fitting = palette
    .map(({ group, items }) => ({ group, items: items.filter((item) => matches(words, `${group} ${item.label} ${item.hint}`)) }))
    .filter(({ items }) => items.length);
  const finish = (event, drop) => {
    const held = press.current;
    press.current = null;
    if (!held) return;
    if (held.moved) {
      onDrop(drop ? { kind: held.item.kind, x: event.clientX, y: event.clientY } : null);
      // The click that follows a drag is not a request to add once more.
      const stop = (click) => click.stopPropagation();
      window.addEventListener("click", stop, { capture: true, once: true });
      setTimeout(() => window.removeEventListener("click", stop, { capture: true }), 0);
    }
  };
  const handlers = (item) => ({
    onPointerDown: (event) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      press.current = { item, x: event.clientX, y: event.clientY, moved: false };
    },
    onPointerMove: (event) => {
      const held = press.current;
      if (!held) return;
      if (Math.hypot(event.clientX - held.x, event.clientY - held.y) > SLOP) held.moved = true;
      if (held.moved) onDrag({ item, x: event.clientX, y: event.clientY });
    },
    onPointerUp: (event) => finish(event, true),
    onPointerCancel: (event) => finish(event, false),
    onClick: () => onPick(item.kind),
  });
  return (
    <aside className="jc-palette" aria-label="Steps to add" data-testid="palette">
      <label className="jc-menu-search">
        <Search size={14} aria-hidden="true" />
        <input
          type="text"
          value={words}
          placeholder="Find a kind"
          aria-label="Find a kind of step to add"
          autoComplete="off"
          data-testid="palette-search"
          onChange={(event) => setWords(event.target.value)}
        />
      </label>
      {fitting.map(({ group, items }) => (
        <section key={group} className="jc-palette-group" aria-label={group}>
          <h3>{group}</h3>
          {items.map((item) => (
            <button
              key={item.kind}
              type="button"
              className="jc-palette-item"
              data-testid={`palette-${item.kind}`}
              title={item.hint}
              disabled={item.disabled}
              {...handlers(item)}
            >
              <KindIcon kind={item.kind} size={16} />
              <span className="jc-palette-word">{item.label}</span>
            </button>
          ))}
        </section>
      ))}
      {fitting.length ? null : <p className="jc-palette-none" role="status">Nothing is called that.</p>}
      <p className="jc-palette-hint">Drag a step onto the canvas or a line, or press a plus.</p>
    </aside>
  );
}

export function Ghost({ ghost }) {
  if (!ghost) return null;
  return (
    <div className="jc-ghost" style={{ transform: `translate(${ghost.x}px, ${ghost.y}px)` }} aria-hidden="true">
      <div className="jc-ghost-card">
        <KindIcon kind={ghost.item.kind} size={16} />
        <span>{ghost.item.label}</span>
      </div>
    </div>
  );
}

// The same list beside a point: what may go there, and nothing else.
export function AddMenu({ menu, palette, onPick, onClose }) {
  const groups = useMemo(() => toAdd(palette, { between: menu.between }), [palette, menu.between]);
  const at = useMemo(() => ({ x: menu.x, y: menu.y }), [menu.x, menu.y]);
  return <Chooser at={at} label="Add a step" groups={groups} onPick={(item) => onPick(item.kind)} onClose={onClose} />;
}
