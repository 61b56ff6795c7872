// What can be added: a list to drag from (mouse, pen or finger) and the same list as a menu.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { ENDS, KindIcon } from "./kinds.jsx";

const SLOP = 6; // pixels before a press becomes a drag

export function Palette({ palette, onDrag, onDrop, onPick }) {
  const press = useRef(null);
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
      {palette.map(({ group, items }) => (
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

export function AddMenu({ menu, palette, onPick, onClose }) {
  const box = useRef(null);
  const [place, setPlace] = useState(null);
  useLayoutEffect(() => {
    const { width, height } = box.current.getBoundingClientRect();
    const x = Math.min(Math.max(8, menu.x - width / 2), window.innerWidth - width - 8);
    const below = menu.y + 18;
    const y = below + height > window.innerHeight - 8 ? Math.max(8, menu.y - height - 18) : below;
    setPlace({ left: x, top: y });
  }, [menu]);
  useEffect(() => {
    if (place) box.current.querySelector("button:not(:disabled)")?.focus(); // hidden things take no focus
  }, [place]);
  useEffect(() => {
    const away = (event) => box.current?.contains(event.target) || onClose(false);
    window.addEventListener("pointerdown", away, true);
    return () => window.removeEventListener("pointerdown", away, true);
  }, [onClose]);
  const onKeyDown = (event) => {
    event.stopPropagation();
    const buttons = [...box.current.querySelectorAll("button:not(:disabled)")];
    const index = buttons.indexOf(document.activeElement);
    const go = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (go !== undefined) {
      event.preventDefault();
      buttons[(go + buttons.length) % buttons.length].focus();
    }
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      onClose(true);
    }
  };
  return (
    <div
      ref={box}
      className="jc-menu"
      role="menu"
      aria-label="Add a step"
      data-testid="add-menu"
      style={place ?? { left: menu.x, top: menu.y, visibility: "hidden" }}
      onKeyDown={onKeyDown}
    >
      {palette.map(({ group, items }) => {
        const fitting = items.filter((item) => !item.disabled && item.kind !== "entry" && !(menu.between && ENDS.has(item.kind)));
        return fitting.length ? (
          <div key={group} role="group" aria-label={group}>
            <h3>{group}</h3>
            {fitting.map((item) => (
              <button
                key={item.kind}
                type="button"
                role="menuitem"
                data-testid={`add-${item.kind}`}
                onClick={() => onPick(item.kind)}
              >
                <KindIcon kind={item.kind} size={15} />
                <span>
                  {item.label}
                  <small>{item.hint}</small>
                </span>
              </button>
            ))}
          </div>
        ) : null;
      })}
    </div>
  );
}
