// A list to choose one place or step from: typing narrows it, arrow keys move in it, Enter takes.
import { useEffect, useMemo, useRef, useState } from "react";

export function Chooser({ title, options, onPick, onClose }) {
  const box = useRef(null);
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const found = useMemo(() => {
    const wanted = words.trim().toLowerCase();
    return options.filter((option) => option.label.toLowerCase().includes(wanted));
  }, [options, words]);
  useEffect(() => box.current.showModal(), []);
  useEffect(() => {
    box.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [at, found]);
  const onKeyDown = (event) => {
    event.stopPropagation();
    const go = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    if (go !== undefined && found.length) {
      event.preventDefault();
      setAt((go + found.length) % found.length);
    }
    if (event.key === "Enter" && found[at]) {
      event.preventDefault();
      onPick(found[at].value);
    }
  };
  return (
    <dialog
      ref={box}
      className="jo-chooser"
      aria-labelledby="jo-chooser-title"
      data-testid="outline-chooser"
      onKeyDown={onKeyDown}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => (event.target === box.current ? onClose() : null)}
    >
      <h2 id="jo-chooser-title">{title}</h2>
      <input
        type="text"
        role="combobox"
        aria-label={title}
        aria-expanded="true"
        aria-controls="jo-chooser-list"
        aria-activedescendant={found[at] ? `jo-option-${at}` : undefined}
        aria-autocomplete="list"
        placeholder="Type a name or a number"
        value={words}
        autoFocus
        onChange={(event) => {
          setWords(event.target.value);
          setAt(0);
        }}
      />
      <ul id="jo-chooser-list" role="listbox" aria-label={title}>
        {found.map((option, n) => (
          <li
            key={option.key}
            id={`jo-option-${n}`}
            role="option"
            aria-selected={n === at}
            onPointerMove={() => setAt(n)}
            onClick={() => onPick(option.value)}
          >
            {option.label}
          </li>
        ))}
      </ul>
      {found.length ? null : <p role="status">Nothing is called that.</p>}
    </dialog>
  );
}
