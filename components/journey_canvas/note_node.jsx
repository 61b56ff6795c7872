// A sticky note: words for people. Double click, Enter or a tap on the chosen note writes in it.
import { memo, useContext, useEffect, useRef, useState } from "react";
import { CanvasContext } from "./step_node.jsx";

const COLOURS = ["yellow", "green", "blue", "pink"];
const MOST = 500;

function NoteNodeInner({ data, selected }) {
  const { note, editing } = data;
  const { readOnly, say, editNote } = useContext(CanvasContext);
  const [text, setText] = useState(note.text);
  const field = useRef(null);
  useEffect(() => setText(note.text), [note.text]);
  useEffect(() => {
    if (!editing) return undefined;
    const timer = setTimeout(() => field.current?.focus(), 30);
    return () => clearTimeout(timer);
  }, [editing]);

  const finish = (keep) => {
    editNote("");
    if (keep && text !== note.text) say("onNoteChanged", { id: note.id, text });
    if (!keep) setText(note.text);
  };
  const onKeyDown = (event) => {
    event.stopPropagation();
    const done = event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey));
    if (!done) return;
    event.preventDefault();
    const card = event.currentTarget.closest(".react-flow__node");
    event.key === "Escape" ? finish(false) : finish(true);
    card?.focus({ preventScroll: true });
  };
  return (
    <div className="jc-note nokey" data-colour={note.colour} data-selected={selected || undefined}>
      {editing && !readOnly ? (
        <textarea
          ref={field}
          className="nodrag nopan nowheel nokey"
          value={text}
          maxLength={MOST}
          aria-label="Text of the note"
          data-testid={`note-text-${note.id}`}
          onChange={(event) => setText(event.target.value)}
          onBlur={() => finish(true)}
          onKeyDown={onKeyDown}
        />
      ) : (
        <p>{note.text || <em>{readOnly ? "Empty note" : "Write something"}</em>}</p>
      )}
      {selected && !readOnly ? (
        <div className="jc-note-colours nodrag nopan" role="group" aria-label="Colour of the note">
          {COLOURS.map((colour) => (
            <button
              key={colour}
              type="button"
              data-colour={colour}
              aria-label={colour}
              aria-pressed={colour === note.colour}
              onPointerDown={(event) => event.preventDefault()}
              onClick={(event) => {
                event.stopPropagation();
                say("onNoteChanged", { id: note.id, colour, ...(editing && text !== note.text ? { text } : {}) });
              }}
            />
          ))}
        </div>
      ) : null}
    </div>
  );
}

export const NoteNode = memo(NoteNodeInner);
