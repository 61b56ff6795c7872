// The journey as a tree. Focus, folding and typing live here; what they mean is reported to Python,
// which owns the journey, sends back its lines, and says what happened (BLD-7).
import {
  ArrowDown, ArrowUp, Copy, CornerDownRight, Link2, MoveRight, PanelRightOpen, Plus, Trash2, TriangleAlert, Unlink,
} from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Chooser as Menu, toAdd } from "../../journey_canvas/journey_canvas/chooser.jsx";
import { KindIcon } from "../../journey_canvas/journey_canvas/kinds.jsx";
import "../../journey_canvas/journey_canvas/canvas.css";
import { Chooser } from "./chooser.jsx";
import { journey, leadsOn, typedAhead, visible, wayOf } from "./keys.js";
import "./outline.css";
import { Toolbar } from "./toolbar.jsx";

const nothing = () => {};
const QUIET = 700; // milliseconds after which type-ahead begins anew

const typing = (target) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

export function JourneyOutline(props) {
  const {
    rows = [], palette = [], counts = null, selected = "", readOnly = false, label = "Journey", said = "",
    saidCount = 0, focus = "", onAdded = nothing, onMoved = nothing, onLinked = nothing, onUnlinked = nothing,
    onRemoved = nothing, onDuplicated = nothing, onSelected = nothing, onTravelled = nothing,
  } = props;
  const root = useRef(null);
  const tree = useRef(null);
  const [at, setAt] = useState("");
  const [folded, setFolded] = useState(() => new Set());
  const [menu, setMenu] = useState(null);
  const [choosing, setChoosing] = useState(null);
  const typed = useRef({ letters: "", time: 0 });
  const held = useRef(false); // the tree has, or should have, the focus
  const place = useRef(0);
  const toPanel = useRef("");
  const seen = useMemo(() => visible(rows, folded), [rows, folded]);
  const row = rows.find((one) => one.key === at);

  const element = (key) => tree.current?.querySelector(`[data-key="${CSS.escape(key)}"]`);
  const go = useCallback((key) => {
    if (!key) return;
    held.current = true;
    setAt(key);
    element(key)?.focus();
  }, []);

  // A line that is gone leaves the focus to the one that took its place.
  useEffect(() => {
    if (seen.length === 0) return setAt("");
    const now = seen.findIndex((one) => one.key === at);
    if (now >= 0) place.current = now;
    else setAt(seen[Math.min(place.current, seen.length - 1)].key);
    return undefined;
  }, [seen, at]);

  useEffect(() => {
    if (!held.current || !at || menu || choosing) return;
    const wanted = element(at);
    if (wanted && wanted !== document.activeElement && !root.current.contains(document.activeElement?.closest("dialog")))
      wanted.focus();
  }, [at, rows, menu, choosing]);

  // What Python put the focus on: the step that was added, moved or copied.
  useEffect(() => {
    if (!focus || !saidCount || !rows.some((one) => one.key === focus)) return;
    setFolded((before) => opened(rows, before, focus));
    held.current = true;
    setAt(focus);
  }, [saidCount]); // eslint-disable-line react-hooks/exhaustive-deps -- once an announcement

  // Enter opens the step's panel and goes there; Escape comes back.
  useEffect(() => {
    if (!toPanel.current || toPanel.current !== selected) return;
    toPanel.current = "";
    requestAnimationFrame(() => {
      const first = document.querySelector('.cb-panel .cb-form :is(input, select, textarea, button):not(:disabled)');
      held.current = false;
      first?.focus();
    });
  }, [selected, rows]);
  useEffect(() => {
    const onKey = (event) => {
      if (event.key === "Escape" && event.target.closest?.(".cb-panel") && !event.defaultPrevented) go(at);
      if (readOnly || !(event.ctrlKey || event.metaKey) || typing(event.target)) return;
      const key = event.key.toLowerCase();
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      onTravelled(key === "y" || event.shiftKey ? "redo" : "undo");
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [at, go, onTravelled, readOnly]);

  const open = useCallback(
    (one) => {
      if (one.what === "join") return go(`step:${one.target}`);
      if (!one.step_id) return undefined;
      toPanel.current = one.step_id;
      return onSelected({ id: one.step_id });
    },
    [go, onSelected],
  );

  const add = useCallback(
    (one, anchor) => {
      const after = one ? wayOf(one, rows) : null;
      const box = (anchor ?? element(one?.key ?? "") ?? tree.current).getBoundingClientRect();
      setMenu({ after, between: Boolean(after) && leadsOn(after, rows), x: box.left + Math.min(box.width / 2, 160), y: box.bottom - 14 });
    },
    [rows],
  );
  const pick = (item) => {
    setMenu(null);
    held.current = true;
    if (item.key === "link") lead(menu.after);
    else onAdded({ kind: item.kind, after: menu.after });
  };

  const unlink = useCallback((one) => onUnlinked({ source: one.step_id, port: one.port }), [onUnlinked]);
  const remove = useCallback(
    (one) => (one.what === "step" ? onRemoved({ id: one.step_id }) : unlink(one)),
    [onRemoved, unlink],
  );
  const lead = (way) =>
    setChoosing({
      title: "Lead to which step?",
      options: rows
        .filter((other) => other.what === "step" && other.kind !== "entry" && other.step_id !== way.step)
        .map((other) => ({ key: other.key, label: `${other.number}. ${other.title}`, value: other.step_id })),
      take: (target) => onLinked({ source: way.step, port: way.port, target }),
    });
  const moveTo = (one) =>
    setChoosing({
      title: `Move “${one.title}” to`,
      options: rows
        .filter((other) => other.place && other.step_id !== one.step_id)
        .map((other) => ({ key: other.key, label: other.place, value: { step: other.step_id, port: other.port } })),
      take: (to) => onMoved({ id: one.step_id, to }),
    });

  const step = row?.what === "step";
  const movable = !readOnly && step && row.kind !== "entry";
  const way = row ? wayOf(row, rows) : null;
  const linked = Boolean(row?.port) && row.what !== "open" && (row.what !== "step" || leadsOn(way, rows));
  const deeds = [
    { key: "open", label: "Open", keys: "Enter", icon: PanelRightOpen, can: Boolean(row?.step_id), act: () => open(row) },
    ...(readOnly
      ? []
      : [
          { key: "add", label: "Add after", keys: "Insert", icon: Plus, can: rows.length === 0 || Boolean(way), act: (button) => add(row, button) },
          { key: "up", label: "Up", keys: "Alt+ArrowUp", icon: ArrowUp, can: movable, act: () => onMoved({ id: row.step_id, way: "up" }) },
          { key: "down", label: "Down", keys: "Alt+ArrowDown", icon: ArrowDown, can: movable, act: () => onMoved({ id: row.step_id, way: "down" }) },
          { key: "move", label: "Move to …", keys: "Alt+M", icon: MoveRight, can: movable, act: () => moveTo(row) },
          { key: "link", label: "Lead to …", keys: "Alt+L", icon: Link2, can: Boolean(way), act: () => lead(way) },
          { key: "unlink", label: "Remove link", keys: "", icon: Unlink, can: linked, act: () => unlink(row) },
          { key: "duplicate", label: "Copy", keys: "Control+D", icon: Copy, can: movable, act: () => onDuplicated({ id: row.step_id }) },
          { key: "remove", label: "Delete", keys: "Delete", icon: Trash2, can: step || row?.what === "join" || row?.what === "broken", act: () => remove(row) },
        ]),
  ];
  const deed = (key) => {
    const found = deeds.find((one) => one.key === key);
    if (found?.can) found.act();
  };

  const onKeyDown = (event) => {
    if (!row) return;
    const act = (key) => {
      event.preventDefault();
      deed(key);
    };
    const strong = event.ctrlKey || event.metaKey;
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown"))
      return act(event.key === "ArrowUp" ? "up" : "down");
    const chord = { KeyM: "move", KeyL: "link" }[event.code];
    if (event.altKey && chord) return act(chord);
    if (strong && event.key.toLowerCase() === "d") return act("duplicate");
    if (strong || event.altKey) return undefined;
    if (event.key === "Enter" || event.key === " ") return act(row.what === "open" ? "add" : "open");
    if (event.key === "Insert" || event.key === "+") return act("add");
    if (event.key === "Delete" || event.key === "Backspace") return act("remove");
    if (event.key === "*") {
      event.preventDefault();
      return setFolded((before) => new Set([...before].filter((key) => rows.find((one) => one.key === key)?.parent !== row.parent)));
    }
    const led = journey(rows, folded, at, event.key);
    if (led.to || led.fold || led.unfold) {
      event.preventDefault();
      if (led.fold) setFolded((before) => new Set([...before, led.fold]));
      if (led.unfold) setFolded((before) => new Set([...before].filter((key) => key !== led.unfold)));
      return go(led.to);
    }
    if (event.key.length === 1) {
      const now = performance.now();
      const { letters, time } = typed.current;
      typed.current = { letters: now - time < QUIET ? letters + event.key : event.key, time: now };
      return go(typedAhead(rows, folded, at, typed.current.letters));
    }
    return undefined;
  };

  const close = () => {
    setMenu(null);
    setChoosing(null);
    held.current = true;
    element(at)?.focus();
  };

  return (
    <div ref={root} className="jo-root" data-testid="journey-outline">
      <Toolbar deeds={deeds} about={row?.title ?? "the journey"} />
      <div className="jo-scroll">
        {rows.length ? (
          <div
            ref={tree}
            role="tree"
            aria-label={label}
            className="jo-tree"
            onKeyDown={onKeyDown}
            onFocus={(event) => {
              held.current = true;
              if (event.target.dataset.key) setAt(event.target.dataset.key);
            }}
            onBlur={(event) => { held.current = !event.relatedTarget; }}
          >
            {seen.map((one) => (
              <Line
                key={one.key}
                row={one}
                counts={one.what === "step" ? counts?.[one.step_id] : null}
                current={one.key === at}
                chosen={one.what === "step" && one.step_id === selected}
                folded={folded.has(one.key)}
                onClick={(event) => {
                  if (event.target.closest(".jo-fold") && one.children)
                    setFolded((before) => (before.has(one.key) ? new Set([...before].filter((key) => key !== one.key)) : new Set([...before, one.key])));
                  go(one.key);
                }}
                onDoubleClick={() => (one.what === "open" && !readOnly ? add(one) : open(one))}
              />
            ))}
          </div>
        ) : (
          <div className="jo-empty" ref={tree}>
            <strong>Every journey begins with a start</strong>
            <span>It says how people come in.</span>
            {readOnly ? null : (
              <button type="button" data-testid="outline-begin" onClick={() => onAdded({ kind: "entry", after: null })}>
                Add the start
              </button>
            )}
          </div>
        )}
        <details className="jo-keys">
          <summary>Keys</summary>
          <p>
            Arrow keys move, right and left open and close a part, letters jump to a name. Enter opens a step,
            Escape comes back from its panel.
            {readOnly ? null : " Insert or + adds after, Alt with up or down moves a step, Alt and M moves it anywhere, Alt and L leads a way to another step, Control and D copies, Delete removes, Control and Z takes back."}
          </p>
        </details>
      </div>
      <div className="jo-said" data-testid="outline-said">
        <span role="status">{saidCount % 2 ? said : ""}</span>
        <span role="status">{saidCount % 2 ? "" : said}</span>
      </div>
      {menu ? (
        <Menu at={menu} label="Add a step" groups={toAdd(palette, menu)} onPick={pick} onClose={close} />
      ) : null}
      {choosing ? (
        <Chooser
          title={choosing.title}
          options={choosing.options}
          onClose={close}
          onPick={(value) => {
            choosing.take(value);
            close();
          }}
        />
      ) : null}
    </div>
  );
}

// Folded parts around a line are opened, so that it can be seen.
function opened(rows, folded, key) {
  const parents = new Map(rows.map((row) => [row.key, row.parent]));
  const open = new Set(folded);
  for (let up = parents.get(key); up; up = parents.get(up)) open.delete(up);
  return open;
}

function Line({ row, counts, current, chosen, folded, onClick, onDoubleClick }) {
  const numbers = (counts ?? []).map((one) => `${one.value.toLocaleString()} ${one.label}`).join(", ");
  return (
    <div
      role="treeitem"
      aria-level={row.level}
      aria-posinset={row.pos}
      aria-setsize={row.size}
      aria-expanded={row.children ? !folded : undefined}
      aria-selected={chosen}
      aria-label={numbers ? `${row.spoken}. ${numbers}` : row.spoken}
      tabIndex={current ? 0 : -1}
      className="jo-line"
      data-key={row.key}
      data-what={row.what}
      data-problem={row.severity || undefined}
      data-testid={`line-${row.key}`}
      style={{ "--jo-level": Math.min(row.level, 12) }}
      onClick={onClick}
      onDoubleClick={onDoubleClick}
    >
      <span className="jo-fold" aria-hidden="true" data-open={row.children && !folded ? true : undefined}>
        {row.children ? "›" : ""}
      </span>
      {row.what === "step" ? (
        <>
          <span className="jo-number" aria-hidden="true">{row.number}</span>
          <KindIcon kind={row.kind} size={15} />
        </>
      ) : null}
      {row.what === "join" ? <CornerDownRight size={15} aria-hidden="true" /> : null}
      <span className="jo-words" aria-hidden="true">
        <b>{row.title}</b>
        {row.line ? <small>{row.line}</small> : null}
      </span>
      {numbers ? <span className="jo-counts" aria-hidden="true">{numbers}</span> : null}
      {row.problems ? (
        <span className="jc-problem" data-severity={row.severity} aria-hidden="true">
          <TriangleAlert size={13} strokeWidth={2.2} />
          {row.problems}
        </span>
      ) : null}
    </div>
  );
}
