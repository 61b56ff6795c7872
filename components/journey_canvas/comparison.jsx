// Two journeys as one drawing, to be looked at: steps and ways carry marks, and a press, the pointer or
// the keyboard on a marked step says what happened to it. Nothing here can be changed.
import {
  applyNodeChanges, Background, BackgroundVariant, MiniMap, NodeToolbar, Panel, Position, ReactFlow, ReactFlowProvider,
  useReactFlow, useViewport,
} from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { ChevronDown, ChevronUp, Maximize, Minus, Plus } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import "./canvas.css";
import "./comparison.css";
import { begin, FIT, focusCard, neighbour, reveal } from "./geometry.js";
import { MARKS, toEdges, toNodes } from "./graph.js";
import { lanesOf } from "./lanes.js";
import { layout } from "./layout.js";
import { StepEdge } from "./step_edge.jsx";
import { CanvasContext, StepNode } from "./step_node.jsx";
import { Tool } from "./toolbar.jsx";

const nodeTypes = { step: StepNode };
const edgeTypes = { step: StepEdge };
const LOOKED_AT = { readOnly: true, openMenu: () => {}, say: () => {}, editNote: () => {}, counted: () => {} };
const MANY = 60; // from here on only what is in view is drawn, and a map shows the rest
const WIDEST = 300; // pixels that the words about a step may take
const AT_ONCE = { duration: 0 };

function Comparison({ steps: given = [], goal = null, dark = false, label = "What changed, as a drawing" }) {
  const root = useRef(null);
  const flow = useReactFlow();
  // The same once more is no other drawing: whoever looks at a part of it stays there.
  const key = useMemo(() => JSON.stringify(given), [given]);
  const steps = useMemo(() => JSON.parse(key), [key]);
  const [nodes, setNodes] = useState([]);
  const [drawn, setDrawn] = useState(false);
  const [at, setAt] = useState("");
  const [over, setOver] = useState("");
  const places = useMemo(() => layout(steps, null, true), [steps]);
  const lanes = useMemo(
    () => lanesOf(steps, Object.fromEntries(steps.map((step) => [step.id, step.position ?? places[step.id]])), null),
    [steps, places],
  );
  const marked = useMemo(() => inReadingOrder(steps, places), [steps, places]);
  const edges = useMemo(() => toEdges(steps, lanes, []), [steps, lanes]);
  useEffect(() => {
    setNodes((before) => toNodes(steps, null, places, before));
    setAt("");
    setOver("");
  }, [steps, places]);

  // The first sight: all of it where that can be read, else the first thing that changed.
  const begun = useRef(null);
  useEffect(() => {
    if (begun.current === steps || !drawn || nodes.length !== steps.length || !steps.length) return;
    begun.current = steps;
    begin(flow, root.current, steps);
    if (marked.length) reveal(flow, root.current, marked[0], false, AT_ONCE);
  }, [drawn, nodes, flow, marked, steps]);

  const goTo = useCallback(
    (id) => {
      setAt(id);
      setOver("");
      reveal(flow, root.current, id, true);
    },
    [flow],
  );
  const asked = goal?.number ?? 0;
  useEffect(() => {
    if (!asked || !steps.some((step) => step.id === goal.id)) return;
    root.current.scrollIntoView({ block: "nearest" });
    goTo(goal.id);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- another request, not another drawing
  }, [asked]);

  const onKeyDown = (event) => {
    const id = event.target.closest?.(".react-flow__node")?.dataset.id;
    if (event.key === "Escape") setAt(""), setOver("");
    if (!id) return;
    if (event.key === "Enter" || event.key === " ") event.preventDefault(), setAt(id);
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    const next = neighbour(nodes, steps, id, event.key);
    if (next) goTo(next), focusCard(root, next);
  };
  const here = marked.indexOf(at);
  const by = (way) => goTo(marked[(here + way + marked.length) % marked.length] ?? marked[0]);
  // One step takes the Tab key, the arrows go on from there: what comes after the drawing stays near.
  const stop = at || marked[0] || steps[0]?.id;
  const shown = useMemo(
    () => nodes.map((node) => (Boolean(node.selected) === (node.id === at) && node.focusable === (node.id === stop) ? node : { ...node, selected: node.id === at, focusable: node.id === stop })),
    [nodes, at, stop],
  );
  return (
    <CanvasContext.Provider value={LOOKED_AT}>
      <div ref={root} className="jc-root jc-comparison" data-testid="drawn-comparison" onKeyDown={onKeyDown}>
        <div className="jc-flow">
          <ReactFlow
            nodes={shown}
            edges={edges}
            nodeTypes={nodeTypes}
            edgeTypes={edgeTypes}
            colorMode={dark ? "dark" : "light"}
            aria-label={label}
            onInit={() => setDrawn(true)}
            minZoom={0.1}
            maxZoom={1.75}
            deleteKeyCode={null}
            disableKeyboardA11y
            nodesDraggable={false}
            nodesConnectable={false}
            edgesFocusable={false}
            elevateEdgesOnSelect={false}
            zoomOnScroll={false}
            zoomOnDoubleClick={false}
            preventScrolling={false}
            onlyRenderVisibleElements={steps.length > MANY}
            proOptions={{ hideAttribution: true }}
            onNodesChange={(changes) =>
              setNodes((before) => applyNodeChanges(changes.filter((change) => change.type === "dimensions"), before))
            }
            onNodeClick={(_event, node) => setAt(node.id)}
            // A step that comes under a pointer at rest, because the page moved, is not what somebody points at.
            onNodeMouseMove={(event, node) => (event.movementX || event.movementY) && setOver(node.id)}
            onNodeMouseLeave={() => setOver("")}
            onPaneClick={() => setAt("")}
            onFocus={(event) => event.target.classList.contains("react-flow__node") && setAt(event.target.dataset.id)}
          >
            <Background variant={BackgroundVariant.Dots} gap={20} size={1.4} color="var(--gray-5)" />
            {steps.length > MANY ? (
              <MiniMap
                pannable
                zoomable
                ariaLabel="Map of the journey"
                className="jc-minimap"
                style={{ width: 130, height: 96 }}
                nodeColor={(node) => `var(--jc-${node.data.step?.mark || "end"})`}
                maskColor="var(--jc-mask)"
              />
            ) : null}
            <Told id={over || at} steps={steps} root={root} />
            <Panel position="bottom-left" className="jc-bar nokey" role="toolbar" aria-label="Changes and view">
              <Tool label="The change before" icon={ChevronUp} onClick={() => by(-1)} testid="change-before" />
              <Tool label="The next change" icon={ChevronDown} onClick={() => by(1)} testid="change-next" />
              <span className="jc-bar-count" role="status">
                {here < 0 ? `${marked.length} ${marked.length === 1 ? "change" : "changes"}` : `${here + 1} of ${marked.length}`}
              </span>
              <Tool label="Zoom in" icon={Plus} onClick={() => flow.zoomIn({ duration: 150 })} />
              <Tool label="Zoom out" icon={Minus} onClick={() => flow.zoomOut({ duration: 150 })} />
              <Tool label="Show everything" icon={Maximize} onClick={() => flow.fitView({ ...FIT, minZoom: 0.1 })} />
            </Panel>
          </ReactFlow>
        </div>
      </div>
    </CanvasContext.Provider>
  );
}

// What happened to one step, in words; the step's own name says the same to a screen reader.
function Told({ id, steps, root }) {
  const flow = useReactFlow();
  useViewport(); // where there is room changes while the drawing moves
  const step = steps.find((one) => one.id === id);
  const node = step?.mark && flow.getNode(id);
  if (!node) return null;
  // Beside the step where there is room, so that what follows stays in sight.
  const right = flow.flowToScreenPosition({ x: node.position.x + node.width, y: node.position.y }).x;
  const beside = right + WIDEST < root.current.getBoundingClientRect().right;
  return (
    <NodeToolbar nodeId={id} isVisible position={beside ? Position.Right : Position.Bottom} offset={6}>
      <div className="jc-told" role="tooltip" data-testid="told" data-mark={step.mark}>
        <strong>{MARKS[step.mark]}</strong>
        {step.told.map((line) => (
          <span key={line}>{line}</span>
        ))}
      </div>
    </NodeToolbar>
  );
}

function inReadingOrder(steps, places) {
  const place = (step) => step.position ?? places[step.id];
  return steps
    .filter((step) => step.mark)
    .sort((a, b) => place(a).y - place(b).y || place(a).x - place(b).x)
    .map((step) => step.id);
}

export function JourneyComparison(props) {
  return (
    <ReactFlowProvider>
      <Comparison {...props} />
    </ReactFlowProvider>
  );
}
