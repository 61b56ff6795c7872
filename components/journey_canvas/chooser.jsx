// A list to choose from, beside where it was asked for: grouped, searchable, by mouse, finger or keyboard.
import { Search } from "lucide-react";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { ENDS, KindIcon } from "./kinds.jsx";

const GAP = 18; // pixels between the list and what opened it

export function matches(words, text) {
  const said = text.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => said.includes(word));
}

export function Chooser({ at, label, testid = "add-menu", groups, hint, onPick, onClose }) {
  const box = useRef(null);
  const field = useRef(null);
  const [place, setPlace] = useState(null);
  const [words, setWords] = useState("");
  const fitting = useMemo(() => {
    const wanted = words.trim().toLowerCase();
    // What is called that comes before what only speaks of it: Enter takes the first.
    const rank = (item) => (wanted && item.label.toLowerCase().startsWith(wanted) ? 0 : 1);
    return groups
      .map(({ group, items }) => ({
        group,
        items: items.filter((item) => matches(words, `${group} ${item.label} ${item.hint ?? ""}`)).sort((a, b) => rank(a) - rank(b)),
      }))
      .filter(({ items }) => items.length)
      .sort((a, b) => rank(a.items[0]) - rank(b.items[0]));
  }, [groups, words]);
  useLayoutEffect(() => {
    const { width, height } = box.current.getBoundingClientRect();
    const x = Math.min(Math.max(8, at.x - width / 2), window.innerWidth - width - 8);
    const below = at.y + GAP;
    const y = below + height > window.innerHeight - 8 ? Math.max(8, at.y - height - GAP) : below;
    setPlace({ left: x, top: y });
  }, [at, label]);
  // The first choice takes the focus, not the search field: no keyboard slides over a tablet's screen.
  useEffect(() => {
    if (place) (box.current.querySelector("button") ?? field.current).focus(); // hidden things take no focus
  }, [place]);
  useEffect(() => {
    const away = (event) => box.current?.contains(event.target) || onClose(false);
    window.addEventListener("pointerdown", away, true);
    return () => window.removeEventListener("pointerdown", away, true);
  }, [onClose]);

  const onKeyDown = (event) => {
    event.stopPropagation();
    const buttons = [...box.current.querySelectorAll("button")];
    const inField = document.activeElement === field.current;
    const index = buttons.indexOf(document.activeElement);
    const go = {
      ArrowDown: index + 1, ArrowUp: index < 0 ? buttons.length - 1 : index - 1,
      ...(inField ? {} : { Home: 0, End: buttons.length - 1 }),
    }[event.key];
    if (go !== undefined && buttons.length) {
      event.preventDefault();
      buttons[(go + buttons.length) % buttons.length].focus();
    } else if (event.key === "Enter" && inField) {
      event.preventDefault();
      buttons[0]?.click();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      onClose(true);
    } else if (!inField && (event.key === "Backspace" || (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey))) {
      field.current.focus(); // typing searches
    }
  };
  return (
    <div
      ref={box}
      className="jc-menu nokey"
      role="dialog"
      aria-label={label}
      data-testid={testid}
      style={place ?? { left: at.x, top: at.y, visibility: "hidden" }}
      onKeyDown={onKeyDown}
    >
      <label className="jc-menu-search">
        <Search size={14} aria-hidden="true" />
        <input
          ref={field}
          type="text"
          value={words}
          placeholder={hint ?? label}
          aria-label={`Search: ${label}`}
          data-testid="menu-search"
          autoComplete="off"
          onChange={(event) => setWords(event.target.value)}
        />
      </label>
      <div className="jc-menu-list">
        {fitting.map(({ group, items }) => (
          <div key={group} role="group" aria-label={group}>
            <h3>{group}</h3>
            {items.map((item) => (
              <button key={item.key} type="button" data-testid={item.testid} onClick={() => onPick(item)}>
                <KindIcon kind={item.kind} size={15} />
                <span>
                  {item.label}
                  {item.hint ? <small>{item.hint}</small> : null}
                </span>
              </button>
            ))}
          </div>
        ))}
        {fitting.length ? null : <p role="status">Nothing here is called that.</p>}
      </div>
    </div>
  );
}

// What may be added at a place; at an open end also a way to an existing step.
export function toAdd(palette, { between, after }) {
  const groups = palette.map(({ group, items }) => ({
    group,
    items: items
      .filter((item) => !item.disabled && item.kind !== "entry" && !(between && ENDS.has(item.kind)))
      .map((item) => ({ ...item, key: item.kind, testid: `add-${item.kind}` })),
  }));
  if (after && !between)
    groups.push({
      group: "Already here",
      items: [{ key: "link", kind: "link", label: "Link to a step…", hint: "Two ways may lead to one step", testid: "add-link" }],
    });
  return groups;
}

// Steps that a way out may lead to.
export function toLink(steps, source) {
  const items = steps
    .filter((step) => step.kind !== "entry" && step.id !== source)
    .map((step) => ({ key: step.id, kind: step.kind, label: step.title, hint: step.subtitle, testid: `link-${step.id}` }));
  return [{ group: "Steps", items }];
}

// Lines and open ends that a step can be taken to; its own are where it is already.
export function toMove(steps, id) {
  const titles = new Map(steps.map((step) => [step.id, step.title]));
  const ends = ENDS.has(steps.find((step) => step.id === id)?.kind);
  const every = steps.flatMap((step) =>
    step.id === id
      ? []
      : step.ports
          .filter((port) => port.target !== id && !(port.target && ends))
          .map((port) => ({
            key: `${step.id}:${port.key}`, source: step.id, port: port.key, open: !port.target, kind: step.kind,
            label: `After ${step.title}${port.label ? `, ${port.label}` : ""}`,
            hint: port.target ? `Before ${titles.get(port.target) ?? "the next step"}` : "",
            testid: `move-${step.id}-${port.key}`,
          })),
  );
  return [
    { group: "Between two steps", items: every.filter((item) => !item.open) },
    { group: "Open ends", items: every.filter((item) => item.open) },
  ];
}
