// A link between two steps: its branch label, a plus to insert, and (when chosen) a way to cut it.
import { BaseEdge, EdgeLabelRenderer, getSmoothStepPath } from "@xyflow/react";
import { Plus, Unlink } from "lucide-react";
import { memo, useContext } from "react";
import { MARKS } from "./graph.js";
import { lanePath } from "./lanes.js";
import { CanvasContext, SIGNS } from "./step_node.jsx";

const LABEL_DROP = 20;
const SHORT = 96; // canvas units
const near = (place, x, y) => Math.abs(place.x - x) < 12 && Math.abs(place.y - y) < 12;

function Sign({ mark }) {
  const Icon = SIGNS[mark];
  return <Icon size={11} strokeWidth={2.8} role="img" aria-label={MARKS[mark]} />;
}

function StepEdgeInner(props) {
  const { id, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, data, selected } = props;
  const { readOnly, openMenu, dragging, say } = useContext(CanvasContext);
  // A lane holds for where the steps lie; while one of them is dragged the line goes straight.
  const { lane } = data;
  const settled = lane && near(lane.from, sourceX, sourceY) && near(lane.to, targetX, targetY);
  const [path, middleX, middleY] = settled
    ? lanePath({ x: lane.x, from: { x: sourceX, y: sourceY }, to: { x: targetX, y: targetY } }, Boolean(data.label))
    : getSmoothStepPath({
        sourceX, sourceY, sourcePosition, targetX, targetY, targetPosition, borderRadius: 16, offset: 26,
      });
  const at = (x, y) => ({ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` });
  const lowered = data.label ? Math.max(middleY, sourceY + LABEL_DROP + 26) : middleY;
  // A label leaves no room for the plus on a short way across: it goes on the way down.
  const straight = !settled && Math.abs(sourceX - targetX) < (data.label ? SHORT : 4);
  return (
    <>
      <BaseEdge id={id} path={path} interactionWidth={dragging ? 56 : 22} markerEnd={props.markerEnd} />
      <EdgeLabelRenderer>
        {data.label || data.mark ? (
          <span
            className="jc-port-label jc-edge-label"
            data-mark={data.mark || undefined}
            title={data.mark ? `${MARKS[data.mark]}: ${data.label || `to ${data.to}`}` : undefined}
            style={data.label ? at(sourceX, sourceY + LABEL_DROP) : at(straight ? targetX : middleX, middleY)}
          >
            {data.mark ? <Sign mark={data.mark} /> : null}
            {[data.news ? MARKS[data.mark] : "", data.label].filter(Boolean).join(": ")}
          </span>
        ) : null}
        {readOnly ? null : (
          <div
            className="jc-edge-tools nodrag nopan"
            data-id={id}
            data-line={id}
            style={straight ? at(targetX, lowered) : at(middleX, middleY)}
            data-selected={selected || undefined}
            onClick={(event) => event.stopPropagation()}
          >
            <button
              type="button"
              className="jc-plus"
              data-step={data.source}
              data-port={data.port}
              data-testid={`plus-${data.source}-${data.port}`}
              aria-label={`Add a step between ${data.from} and ${data.to}`}
              onClick={(event) =>
                openMenu({
                  after: { step: data.source, port: data.port },
                  between: true,
                  anchor: event.currentTarget,
                })
              }
            >
              <Plus size={14} strokeWidth={2.4} />
            </button>
            {selected ? (
              <button
                type="button"
                className="jc-plus jc-cut"
                aria-label={`Remove the link from ${data.from} to ${data.to}`}
                onClick={() => say("onUnlinked", { source: data.source, port: data.port })}
              >
                <Unlink size={13} strokeWidth={2.2} />
              </button>
            ) : null}
          </div>
        )}
      </EdgeLabelRenderer>
    </>
  );
}

export const StepEdge = memo(StepEdgeInner);
