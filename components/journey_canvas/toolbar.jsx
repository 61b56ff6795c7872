// The two bars on the canvas: what can be done with what is chosen, and with the view.
import { Panel, useReactFlow } from "@xyflow/react";
import {
  ClipboardPaste, Copy, CopyPlus, Link2, Map as MapIcon, Maximize, Minus, MoveRight, Plus, Scissors, Search, Sparkles,
  StickyNote, Trash2, X,
} from "lucide-react";
import { FIT } from "./geometry.js";

export function ChosenBar({ chosen, step, readOnly, deeds }) {
  const { count, steps } = chosen;
  if (!count || (readOnly && !steps.length)) return null;
  const one = count === 1 && step ? step : null;
  const open = one?.ports.some((port) => !port.target);
  return (
    <Panel position="top-center" className="jc-bar nokey" role="toolbar" aria-label="What is chosen" data-testid="chosen-bar">
      <span className="jc-bar-count" role="status">
        {count} chosen
      </span>
      {steps.length ? <Tool label="Copy" icon={Copy} onClick={deeds.copy} testid="bar-copy" /> : null}
      {readOnly ? null : (
        <>
          {steps.length ? <Tool label="Cut" icon={Scissors} onClick={deeds.cut} testid="bar-cut" /> : null}
          {steps.length ? <Tool label="Duplicate" icon={CopyPlus} onClick={deeds.duplicate} testid="bar-duplicate" /> : null}
          {one && one.kind !== "entry" ? <Tool label="Move…" icon={MoveRight} onClick={deeds.move} testid="bar-move" /> : null}
          {open ? <Tool label="Link to…" icon={Link2} onClick={deeds.link} testid="bar-link" /> : null}
          <Tool label="Remove" icon={Trash2} onClick={deeds.remove} testid="bar-remove" />
        </>
      )}
      <Tool label="Choose nothing" icon={X} onClick={deeds.clear} testid="bar-clear" />
    </Panel>
  );
}

export function ViewBar({ readOnly, many, map, setMap, deeds }) {
  const flow = useReactFlow();
  return (
    <Panel position="bottom-left" className="jc-controls jc-bar nokey" role="toolbar" aria-label="View">
      <Tool label="Zoom in" onClick={() => flow.zoomIn({ duration: 150 })} icon={Plus} />
      <Tool label="Zoom out" onClick={() => flow.zoomOut({ duration: 150 })} icon={Minus} />
      <Tool label="Show everything" onClick={() => flow.fitView(FIT)} icon={Maximize} />
      <Tool label="Find a step" onClick={deeds.search} icon={Search} testid="open-search" />
      {many ? <Tool label="Map" onClick={() => setMap(!map)} icon={MapIcon} pressed={map} testid="toggle-map" /> : null}
      {readOnly ? null : (
        <>
          <Tool label="Add a note" onClick={deeds.note} icon={StickyNote} testid="add-note" />
          <Tool label="Paste" onClick={deeds.paste} icon={ClipboardPaste} testid="paste" />
          <button type="button" className="jc-tidy" data-testid="tidy" onClick={deeds.tidy}>
            <Sparkles size={14} aria-hidden="true" /> Tidy
          </button>
        </>
      )}
    </Panel>
  );
}

export function Tool({ label, onClick, icon: Icon, testid, pressed }) {
  return (
    <button type="button" aria-label={label} title={label} aria-pressed={pressed} data-testid={testid} onClick={onClick}>
      <Icon size={15} strokeWidth={2} aria-hidden="true" />
    </button>
  );
}
