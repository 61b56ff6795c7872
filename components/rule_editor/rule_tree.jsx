// A list of rules in which each can be dragged by its grip (mouse, pen or finger) or moved with the arrow
// keys on the grip. What it means is reported to Python, which owns the rules and sends them back.
import { useEffect, useRef, useState } from "react";
import "./rule_tree.css";

const SLOP = 5; // pixels before a press becomes a drag
const EDGE = 48; // pixels from the edge of what scrolls where it begins to
const KEYS = { ArrowUp: "up", ArrowDown: "down", ArrowRight: "in", ArrowLeft: "out" };
const nothing = () => {};

const inside = (path, group) => group === path || group.startsWith(`${path}.`);

function scroller(element) {
  for (let one = element; one; one = one.parentElement) {
    const { overflowY } = getComputedStyle(one);
    if (/(auto|scroll)/.test(overflowY) && one.scrollHeight > one.clientHeight) return one;
  }
  return document.scrollingElement;
}

// Where something let go at this height lands: {into, index} in Python's terms, and the line to draw.
function landing(root, path, y) {
  const rows = [...root.querySelectorAll(":scope > [data-rule-row]")];
  const row = rows.find((one) => y <= one.getBoundingClientRect().bottom) ?? rows[rows.length - 1];
  if (!row) return null;
  const box = row.getBoundingClientRect();
  const below = y > box.top + box.height / 2;
  const { kind, path: own, into, index } = row.dataset;
  let place = { into, index: Number(index) + (below ? 1 : 0) };
  if (kind === "group" && below) place = { into: own, index: 0 };
  if (kind === "end") place = below ? after(rows, own) : { into, index: Number(index) };
  if (inside(path, place.into)) return null;
  const frame = root.getBoundingClientRect();
  const depth = Number(row.dataset.depth) + (kind === "group" && below ? 1 : 0) - (kind === "end" && below ? 1 : 0);
  return { ...place, top: (below ? box.bottom : box.top) - frame.top, left: Math.max(depth, 0) * 18 };
}

// Below the last line of a group: right after the group itself.
function after(rows, path) {
  const head = rows.find((one) => one.dataset.kind === "group" && one.dataset.path === path);
  return { into: head?.dataset.into ?? "", index: Number(head?.dataset.index ?? 0) + 1 };
}

export function RuleTree({ children, label, editorKey = "", readOnly = false, onMoved = nothing, onNudged = nothing }) {
  const root = useRef(null);
  const press = useRef(null);
  const [drop, setDrop] = useState(null);
  const [said, setSaid] = useState("");

  useEffect(() => {
    const mine = (id) => root.current?.querySelector(`[data-rule-row][data-rule="${CSS.escape(id)}"]`);
    const follow = (id, what, words) => {
      const row = mine(id);
      if (!row) return;
      const target = what === "grip"
        ? row.querySelector("[data-grip]")
        : row.querySelector("[data-rule-values] :is(select, input, button)") ?? row.querySelector("select, button:not([data-grip])");
      target?.focus();
      row.scrollIntoView({ block: "nearest" });
      if (words) setSaid(words);
    };
    window.cmRuleTrees = [...(window.cmRuleTrees ?? []), follow];
    // The new rows are drawn a moment after the call: once by the next frame, surely by the second.
    window.cmRules = {
      follow: (...what) => requestAnimationFrame(() => requestAnimationFrame(() => window.cmRuleTrees.forEach((one) => one(...what)))),
    };
    return () => { window.cmRuleTrees = window.cmRuleTrees.filter((one) => one !== follow); };
  }, []);

  const end = (report) => {
    const held = press.current;
    press.current = null;
    setDrop(null);
    root.current?.querySelectorAll("[data-dragged]").forEach((row) => row.removeAttribute("data-dragged"));
    if (report && held?.moved && held.place) {
      const { into, index } = held.place;
      onMoved(held.path, `${into}:${index}`);
    }
  };

  const handlers = readOnly ? {} : {
    onPointerDown: (event) => {
      const grip = event.target.closest("[data-grip]");
      if (!grip || event.button !== 0) return;
      grip.setPointerCapture(event.pointerId);
      press.current = { path: grip.dataset.grip, y: event.clientY, moved: false, place: null };
    },
    onPointerMove: (event) => {
      const held = press.current;
      if (!held) return;
      if (!held.moved && Math.abs(event.clientY - held.y) < SLOP) return;
      if (!held.moved) {
        held.moved = true;
        root.current.querySelectorAll("[data-rule-row]").forEach((row) => {
          if (inside(held.path, row.dataset.path)) row.setAttribute("data-dragged", "");
        });
      }
      const view = scroller(root.current);
      const box = view.getBoundingClientRect();
      const [top, bottom] = view === document.scrollingElement ? [0, innerHeight] : [box.top, box.bottom];
      if (event.clientY < top + EDGE) view.scrollBy(0, -12);
      if (event.clientY > bottom - EDGE) view.scrollBy(0, 12);
      held.place = landing(root.current, held.path, event.clientY);
      setDrop(held.place);
    },
    onPointerUp: () => end(true),
    onPointerCancel: () => end(false),
    onKeyDown: (event) => {
      if (event.key === "Escape" && press.current) return end(false);
      const grip = event.target.closest("[data-grip]");
      if (!grip || !KEYS[event.key]) return;
      event.preventDefault();
      onNudged(grip.dataset.grip, KEYS[event.key]);
    },
  };

  return (
    <div ref={root} className="rt" role="group" aria-label={label} {...handlers}>
      {children}
      {drop && <div className="rt-drop" style={{ top: drop.top, left: drop.left }} />}
      <span className="rt-said" role="status" aria-live="polite">{said}</span>
    </div>
  );
}
