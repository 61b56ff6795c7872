// One step on the canvas: icon, title, one line, problems, live counts, and a plus at each open end.
import { Handle, Position } from "@xyflow/react";
import { Minus, PencilLine, Plus, TriangleAlert } from "lucide-react";
import { createContext, memo, useContext, useEffect, useRef, useState } from "react";
import { MARKS } from "./graph.js";
import { KindIcon } from "./kinds.jsx";

export const CanvasContext = createContext({ readOnly: true, openMenu: () => {}, say: () => {}, editNote: () => {} });

const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

// A number that runs to its new value in a third of a second, unless the person asked for calm.
export function Moving({ value }) {
  const [shown, setShown] = useState(value);
  const from = useRef(value);
  useEffect(() => {
    if (from.current === value || calm()) {
      from.current = value;
      setShown(value);
      return undefined;
    }
    const start = performance.now();
    const begin = from.current;
    let frame = 0;
    const tick = (time) => {
      const share = Math.min(1, (time - start) / 350);
      const eased = 1 - (1 - share) ** 3;
      from.current = Math.round(begin + (value - begin) * eased);
      setShown(from.current);
      if (share < 1) frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(frame);
  }, [value]);
  return <span className="jc-number">{shown.toLocaleString()}</span>;
}

// A number of people who stand here now leads to them; the other numbers only count.
const PEOPLE = new Set(["waiting", "held"]);

function Counts({ step, counts }) {
  const { counted } = useContext(CanvasContext);
  return (
    <div className="jc-counts">
      {counts.map(({ key, label, value }) => {
        const inside = (
          <>
            <Moving value={value} />
            <span className="jc-count-word">{label}</span>
          </>
        );
        const looks = { className: "jc-count", "data-key": key, "data-zero": value === 0 || undefined };
        if (!PEOPLE.has(key) || value === 0)
          return (
            <span key={key} {...looks} title={label}>
              {inside}
            </span>
          );
        return (
          <button
            key={key}
            type="button"
            {...looks}
            className="jc-count jc-count-people nodrag nopan"
            data-testid={`count-${step.id}-${key}`}
            title={`Who is ${label} at ${step.title}`}
            onClick={(event) => {
              event.stopPropagation();
              counted({ step: step.id, key });
            }}
          >
            {inside}
          </button>
        );
      })}
    </div>
  );
}

export const SIGNS = { added: Plus, changed: PencilLine, removed: Minus };

// What a comparison says of a step: a sign and a word.
function Mark({ mark }) {
  const Sign = SIGNS[mark];
  return (
    <span className="jc-mark" data-mark={mark}>
      <Sign size={12} strokeWidth={2.6} aria-hidden="true" /> {MARKS[mark]}
    </span>
  );
}

function OpenEnd({ step, port, left }) {
  const { readOnly, openMenu } = useContext(CanvasContext);
  return (
    <div
      className="jc-open nodrag nopan"
      style={{ left }}
      data-open-port={port.key}
      data-open-step={step.id}
      data-line={`${step.id}:${port.key}`}
    >
      {port.label ? <span className="jc-port-label">{port.label}</span> : null}
      {readOnly ? null : (
        <button
          type="button"
          className="jc-plus"
          data-step={step.id}
          data-port={port.key}
          data-testid={`plus-${step.id}-${port.key}`}
          aria-label={`Add a step after ${step.title}${port.label ? `, ${port.label}` : ""}`}
          onClick={(event) => {
            event.stopPropagation();
            openMenu({ after: { step: step.id, port: port.key }, between: false, anchor: event.currentTarget });
          }}
        >
          <Plus size={14} strokeWidth={2.4} />
        </button>
      )}
    </div>
  );
}

function StepNodeInner({ data, selected }) {
  const { step, counts, ways } = data;
  const { readOnly } = useContext(CanvasContext);
  const count = step.ports.length;
  return (
    <div
      className="jc-step nokey"
      data-kind={step.kind}
      data-selected={selected || undefined}
      data-problem={step.severity || undefined}
      data-dim={step.dim || undefined}
      data-mark={step.mark || undefined}
      style={{ width: data.width }}
    >
      {step.kind === "entry" ? null : (
        <Handle
          type="target"
          position={Position.Top}
          className="jc-handle"
          data-joins={ways > 1 || undefined}
          title={ways > 1 ? `${ways} ways meet here` : undefined}
          isConnectable={!readOnly}
        >
          {ways > 1 ? <span aria-hidden="true">{ways}</span> : null}
        </Handle>
      )}
      {step.mark ? <Mark mark={step.mark} /> : null}
      <div className="jc-step-main">
        <KindIcon kind={step.kind} />
        <div className="jc-step-words">
          <div className="jc-step-title">{step.title}</div>
          <div className="jc-step-subtitle">{step.subtitle}</div>
        </div>
        {step.problems ? (
          <span className="jc-problem" data-severity={step.severity} title={step.problem}>
            <TriangleAlert size={13} strokeWidth={2.2} aria-hidden="true" />
            {step.problems}
          </span>
        ) : null}
      </div>
      {counts ? <Counts step={step} counts={counts} /> : null}
      {step.ports.map((port, index) => {
        const left = `${((index + 0.5) / count) * 100}%`;
        return (
          <Handle
            key={port.key}
            id={port.key}
            type="source"
            position={Position.Bottom}
            className="jc-handle"
            style={{ left }}
            isConnectable={!readOnly}
            title={`Connect ${step.title}${port.label ? `, ${port.label}` : ""}`}
          />
        );
      })}
      {step.ports.map((port, index) =>
        port.target ? null : (
          <OpenEnd key={port.key} step={step} port={port} left={`${((index + 0.5) / count) * 100}%`} />
        ),
      )}
    </div>
  );
}

export const StepNode = memo(StepNodeInner);
