// The journey canvas. Drag, pan, zoom and selection live here; what they mean is reported to Python,
// which owns the journey and sends it back (house rule 12).
import {
  applyEdgeChanges, applyNodeChanges, Background, BackgroundVariant, MiniMap, Panel, ReactFlow,
  ReactFlowProvider, useReactFlow,
} from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { Maximize, Minus, Plus, Sparkles } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import "./canvas.css";
import { around, begin, FIT, landing, neighbour, reveal, round } from "./geometry.js";
import { toEdges, toNodes } from "./graph.js";
import { ENDS, KINDS } from "./kinds.jsx";
import { layout } from "./layout.js";
import { AddMenu, Ghost, Palette } from "./palette.jsx";
import { StepEdge } from "./step_edge.jsx";
import { CanvasContext, StepNode } from "./step_node.jsx";

const nodeTypes = { step: StepNode };
const edgeTypes = { step: StepEdge };
const nothing = () => {};
const MANY = 80; // from here on only what is in view is drawn

const FEW = 7; // up to here the journey is its own map
const counted = (counts) => Object.keys(counts ?? {}).sort();

const typing = (target) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

function Canvas(props) {
  const {
    steps = [], counts = null, palette = [], selected = "", readOnly = false, dark = false, label = "Journey",
    onStepAdded = nothing, onStepMoved = nothing, onLinked = nothing, onUnlinked = nothing, onRemoved = nothing,
    onSelected = nothing, onCounted = nothing, onDuplicated = nothing, onTidied = nothing, onUndo = nothing, onRedo = nothing,
  } = props;
  const root = useRef(null);
  const flow = useReactFlow();
  const [nodes, setNodes] = useState([]);
  const [edges, setEdges] = useState([]);
  const [menu, setMenu] = useState(null);
  const [ghost, setGhost] = useState(null);
  const [dropAt, setDropAt] = useState("");
  const [drawn, setDrawn] = useState(false);
  const begun = useRef(false);
  const known = useRef(null);
  const focusNext = useRef(false);
  const byId = useMemo(() => new Map(steps.map((step) => [step.id, step])), [steps]);
  const shape = useMemo(
    () => JSON.stringify([readOnly, counted(counts), steps.map((s) => [s.id, s.position, s.ports.map((p) => [p.key, p.target])])]),
    [steps, counts, readOnly],
  );
  // eslint-disable-next-line react-hooks/exhaustive-deps -- only the shape moves a laid-out step
  const places = useMemo(() => layout(steps, counts, readOnly), [shape]);

  useEffect(() => {
    setNodes((before) => toNodes(steps, counts, places, before));
    setEdges((before) => toEdges(steps, before));
  }, [steps, counts, places]);

  useEffect(() => {
    setNodes((before) =>
      before.some((node) => node.selected !== (node.id === selected))
        ? before.map((node) => ({ ...node, selected: node.id === selected }))
        : before,
    );
  }, [selected]);

  // The first sight of the journey waits until the canvas knows its own size.
  useEffect(() => {
    if (begun.current || !drawn || nodes.length === 0) return;
    begun.current = true;
    begin(flow, root.current, steps);
  }, [drawn, nodes, flow, steps]);

  // A step that has just appeared is brought into view, and focused if it came from the menu.
  useEffect(() => {
    const ids = new Set(steps.map((step) => step.id));
    const fresh = known.current ? [...ids].filter((id) => !known.current.has(id)) : [];
    known.current = ids;
    if (fresh.length !== 1) return undefined;
    const timer = setTimeout(() => {
      reveal(flow, root.current, fresh[0]);
      if (focusNext.current) root.current?.querySelector(`.react-flow__node[data-id="${fresh[0]}"]`)?.focus();
      focusNext.current = false;
    }, 60);
    return () => clearTimeout(timer);
  }, [steps, flow]);

  const seen = useRef("");
  useEffect(() => {
    if (selected && selected !== seen.current) setTimeout(() => reveal(flow, root.current, selected), 80);
    seen.current = selected;
  }, [selected, flow]);

  // The panel beside the canvas takes room away: what was in the middle stays there, and the chosen
  // step in sight.
  useEffect(() => {
    const box = root.current.querySelector(".jc-flow");
    let width = box.clientWidth;
    const watch = new ResizeObserver(() => {
      if (!begun.current || box.clientWidth === width) return;
      const { x, y, zoom } = flow.getViewport();
      flow.setViewport({ x: x + (box.clientWidth - width) / 2, y, zoom });
      width = box.clientWidth;
      if (seen.current) reveal(flow, root.current, seen.current);
    });
    watch.observe(box);
    return () => watch.disconnect();
  }, [flow]);

  const choose = useCallback(
    (id) => {
      setNodes((before) => before.map((node) => ({ ...node, selected: node.id === id })));
      setEdges((before) => before.map((edge) => (edge.selected ? { ...edge, selected: false } : edge)));
      onSelected({ id });
    },
    [onSelected],
  );

  // Once somebody places a step, every other stays where it is drawn: nothing jumps under their hands.
  const drawnPlaces = useCallback(
    () => Object.fromEntries(nodes.map((node) => [node.id, round(node.position)])),
    [nodes],
  );

  const add = useCallback(
    (kind, where, position = null) =>
      onStepAdded({ kind, after: where, position, places: position ? drawnPlaces() : {} }),
    [drawnPlaces, onStepAdded],
  );

  // Without a place of its own a new step goes after the chosen one, else to the middle of the view.
  const addSomewhere = useCallback(
    (kind) => {
      const base = byId.get(nodes.find((node) => node.selected)?.id);
      const port = base && (base.ports.find((p) => !p.target) ?? base.ports[0]);
      focusNext.current = true;
      if (port && kind !== "entry" && !(port.target && ENDS.has(kind)))
        return add(kind, { step: base.id, port: port.key });
      if (nodes.length === 0) return add(kind, null);
      const box = root.current.querySelector(".react-flow").getBoundingClientRect();
      return add(kind, null, around(flow, box.left + box.width / 2, box.top + box.height / 2));
    },
    [add, byId, flow, nodes],
  );

  const onDrop = useCallback(
    (drop) => {
      setGhost(null);
      setDropAt("");
      const land = drop && landing(root.current, drop.x, drop.y);
      if (!land) return;
      if (land.after) return add(drop.kind, land.after);
      const base = byId.get(land.onto);
      const port = base && (base.ports.find((p) => !p.target) ?? base.ports[0]);
      if (port) return add(drop.kind, { step: base.id, port: port.key });
      add(drop.kind, null, around(flow, drop.x, drop.y));
    },
    [add, byId, flow],
  );

  const onDrag = useCallback((held) => {
    setGhost(held);
    setDropAt(landing(root.current, held.x, held.y)?.key ?? "");
  }, []);

  const openMenu = useCallback(({ after: where, between, anchor, x, y, position }) => {
    const box = anchor?.getBoundingClientRect();
    setMenu({
      after: where, between, anchor, position,
      x: box ? box.left + box.width / 2 : x,
      y: box ? box.top + box.height / 2 : y,
    });
  }, []);

  const closeMenu = useCallback(
    (refocus) => {
      if (refocus) menu?.anchor?.focus();
      setMenu(null);
    },
    [menu],
  );

  const pick = useCallback(
    (kind) => {
      focusNext.current = true;
      add(kind, menu.after, menu.position ?? null);
      setMenu(null);
    },
    [add, menu],
  );

  // A line let go over a step's card connects to it; over bare canvas it asks what to add there.
  const onConnectEnd = useCallback(
    (event, state) => {
      if (state.isValid || !state.fromNode || state.fromHandle?.type !== "source") return;
      const { clientX: x, clientY: y } = event.changedTouches?.[0] ?? event;
      const land = landing(root.current, x, y);
      const source = state.fromNode.id;
      const port = state.fromHandle.id;
      if (land?.onto && land.onto !== source) onLinked({ source, port, target: land.onto });
      else if (land?.bare)
        openMenu({ after: { step: source, port }, between: false, x, y, position: around(flow, x, y) });
    },
    [flow, onLinked, openMenu],
  );

  const cut = useCallback((link) => onUnlinked(link), [onUnlinked]);

  const remove = useCallback(() => {
    const link = edges.find((edge) => edge.selected);
    const ids = nodes.filter((node) => node.selected).map((node) => node.id);
    if (ids.length) onRemoved({ ids });
    else if (link) onUnlinked({ source: link.data.source, port: link.data.port });
  }, [edges, nodes, onRemoved, onUnlinked]);

  const walk = useCallback(
    (id, key) => {
      const target = neighbour(nodes, steps, id, key);
      if (!target) return;
      choose(target);
      root.current?.querySelector(`.react-flow__node[data-id="${target}"]`)?.focus({ preventScroll: true });
    },
    [choose, nodes, steps],
  );

  const onKeyDown = useCallback(
    (event) => {
      if (typing(event.target)) return;
      const id = event.target.closest?.(".react-flow__node")?.dataset.id;
      const onNode = id && event.target.classList.contains("react-flow__node");
      const act = () => event.preventDefault();
      if (onNode && event.key.startsWith("Arrow")) return act(), walk(id, event.key);
      if (onNode && (event.key === "Enter" || event.key === " ")) return act(), choose(id);
      if (event.key === "Escape") return choose("");
      if (readOnly) return;
      if (event.key === "Delete" || event.key === "Backspace") return act(), remove();
      if (onNode && (event.key === "+" || event.key === "Insert")) {
        const step = byId.get(id);
        const port = step.ports.find((p) => !p.target) ?? step.ports[0];
        if (!port) return;
        act();
        openMenu({ after: { step: id, port: port.key }, between: Boolean(port.target), anchor: event.target });
      }
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "d") {
        act();
        onDuplicated({ ids: nodes.filter((node) => node.selected).map((node) => node.id) });
      }
    },
    [byId, choose, nodes, onDuplicated, openMenu, readOnly, remove, walk],
  );

  useEffect(() => {
    if (readOnly) return undefined;
    const onKey = (event) => {
      if (!(event.ctrlKey || event.metaKey) || typing(event.target)) return;
      const key = event.key.toLowerCase();
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      (key === "y" || event.shiftKey ? onRedo : onUndo)();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [readOnly, onUndo, onRedo]);

  const context = useMemo(
    () => ({ readOnly, openMenu, dropAt, cut, dragging: Boolean(ghost), counted: onCounted }),
    [readOnly, openMenu, dropAt, cut, Boolean(ghost), onCounted],
  );

  return (
    <CanvasContext.Provider value={context}>
      <div
        ref={root}
        className="jc-root"
        data-testid="journey-canvas"
        data-dragging={ghost ? true : undefined}
        onKeyDown={onKeyDown}
      >
        {readOnly ? null : (
          <Palette palette={palette} onDrag={onDrag} onDrop={onDrop} onPick={addSomewhere} />
        )}
        <div className="jc-flow">
          <ReactFlow
            nodes={nodes}
            edges={edges}
            nodeTypes={nodeTypes}
            edgeTypes={edgeTypes}
            colorMode={dark ? "dark" : "light"}
            aria-label={label}
            onInit={() => setDrawn(true)}
            minZoom={0.2}
            maxZoom={1.75}
            deleteKeyCode={null}
            disableKeyboardA11y
            connectionRadius={36}
            nodeDragThreshold={4}
            nodesDraggable={!readOnly}
            nodesConnectable={!readOnly}
            edgesReconnectable={!readOnly}
            onlyRenderVisibleElements={steps.length > MANY}
            proOptions={{ hideAttribution: true }}
            onNodesChange={(changes) => setNodes((before) => applyNodeChanges(changes, before))}
            onEdgesChange={(changes) => setEdges((before) => applyEdgeChanges(changes, before))}
            onNodeClick={(event, node) => (event.shiftKey ? null : onSelected({ id: node.id }))}
            onPaneClick={() => onSelected({ id: "" })}
            onNodeDragStop={(_event, node, moved) =>
              onStepMoved({
                id: node.id,
                position: round(node.position),
                places: {
                  ...drawnPlaces(),
                  ...Object.fromEntries((moved ?? []).map((one) => [one.id, round(one.position)])),
                },
              })
            }
            onConnect={({ source, sourceHandle, target }) => onLinked({ source, port: sourceHandle, target })}
            onReconnect={(_old, { source, sourceHandle, target }) =>
              onLinked({ source, port: sourceHandle, target })
            }
            onConnectEnd={onConnectEnd}
          >
            <Background variant={BackgroundVariant.Dots} gap={22} size={1.4} color="var(--gray-5)" />
            {steps.length > FEW ? (
              <MiniMap
                pannable
                zoomable
                ariaLabel="Map of the journey"
                className="jc-minimap"
                style={{ width: 150, height: 104 }}
                nodeBorderRadius={8}
                nodeColor={(node) => `var(--jc-${KINDS[node.data.step.kind]?.tone ?? "end"})`}
                maskColor="var(--jc-mask)"
              />
            ) : null}
            <Panel position="bottom-left" className="jc-controls">
              <Tool label="Zoom in" onClick={() => flow.zoomIn({ duration: 150 })} icon={Plus} />
              <Tool label="Zoom out" onClick={() => flow.zoomOut({ duration: 150 })} icon={Minus} />
              <Tool label="Show everything" onClick={() => flow.fitView(FIT)} icon={Maximize} />
              {readOnly ? null : (
                <button
                  type="button"
                  className="jc-tidy"
                  data-testid="tidy"
                  onClick={() => {
                    onTidied();
                    setTimeout(() => flow.fitView(FIT), 200);
                  }}
                >
                  <Sparkles size={14} aria-hidden="true" /> Tidy
                </button>
              )}
            </Panel>
          </ReactFlow>
          {steps.length === 0 && !readOnly ? (
            <div className="jc-empty">
              <strong>Every journey begins with a start</strong>
              <span>Drag “Start” here, or press it in the list, to say how people come in.</span>
            </div>
          ) : null}
        </div>
        <Ghost ghost={ghost} />
        {menu ? <AddMenu menu={menu} palette={palette} onPick={pick} onClose={closeMenu} /> : null}
      </div>
    </CanvasContext.Provider>
  );
}

function Tool({ label, onClick, icon: Icon }) {
  return (
    <button type="button" aria-label={label} title={label} onClick={onClick}>
      <Icon size={15} strokeWidth={2} aria-hidden="true" />
    </button>
  );
}

export function JourneyCanvas(props) {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}
