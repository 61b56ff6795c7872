// The journey canvas. Drag, pan, zoom and selection live here; what they mean is reported to Python,
// which owns the journey and sends it back (house rule 12).
import {
  applyEdgeChanges, applyNodeChanges, Background, BackgroundVariant, MarkerType, MiniMap, Panel, ReactFlow,
  ReactFlowProvider, useReactFlow,
} from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { Maximize, Minus, Plus, Sparkles } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import "./canvas.css";
import { ENDS, KINDS } from "./kinds.jsx";
import { heightOf, layout, widthOf } from "./layout.js";
import { AddMenu, Ghost, Palette } from "./palette.jsx";
import { StepEdge } from "./step_edge.jsx";
import { CanvasContext, StepNode } from "./step_node.jsx";

const nodeTypes = { step: StepNode };
const edgeTypes = { step: StepEdge };
const nothing = () => {};
const MANY = 80; // from here on only what is in view is drawn
const REACH = 36; // pixels around a plus that take a drop
const FIT = { padding: 0.18, maxZoom: 1, minZoom: 0.25, duration: 250 };

const spoken = (step) =>
  `${step.title}. ${step.subtitle}.${step.problems ? ` ${step.problems} to fix: ${step.problem}` : ""}`;

function toNodes(steps, counts, places, before) {
  const old = new Map(before.map((node) => [node.id, node]));
  return steps.map((step) => {
    const was = old.get(step.id);
    const count = counts?.[step.id];
    const position = was?.dragging ? was.position : (step.position ?? places[step.id]);
    const same =
      was && was.data.raw === JSON.stringify([step, count]) &&
      was.position.x === position.x && was.position.y === position.y;
    if (same) return was;
    return {
      id: step.id,
      type: "step",
      position,
      selected: was?.selected ?? false,
      dragging: was?.dragging,
      measured: was?.measured,
      width: widthOf(step),
      height: heightOf(Boolean(counts)),
      ariaLabel: spoken(step),
      domAttributes: { "data-testid": `step-${step.id}`, "data-kind": step.kind },
      data: { step, counts: count, width: widthOf(step), raw: JSON.stringify([step, count]) },
    };
  });
}

function toEdges(steps, before) {
  const chosen = new Set(before.filter((edge) => edge.selected).map((edge) => edge.id));
  const titles = new Map(steps.map((step) => [step.id, step.title]));
  return steps.flatMap((step) =>
    step.ports
      .filter((port) => port.target && titles.has(port.target))
      .map((port) => ({
        id: `${step.id}:${port.key}`,
        type: "step",
        source: step.id,
        sourceHandle: port.key,
        target: port.target,
        selected: chosen.has(`${step.id}:${port.key}`),
        focusable: false,
        markerEnd: { type: MarkerType.ArrowClosed, width: 16, height: 16, color: "var(--gray-8)" },
        data: {
          label: port.label, source: step.id, port: port.key, from: step.title, to: titles.get(port.target),
        },
      })),
  );
}

// Where a dragged palette item would land: a link, an open end, a step (after it), or bare canvas.
function landing(root, x, y) {
  const plus = nearestPlus(root, x, y);
  if (plus) return after(plus.step, plus.port);
  for (const element of document.elementsFromPoint(x, y)) {
    if (!root?.contains(element)) continue;
    if (element.closest(".jc-palette, .jc-controls")) return null;
    const open = element.closest("[data-open-port]");
    if (open) return after(open.dataset.openStep, open.dataset.openPort);
    const link = element.closest(".react-flow__edge, .jc-edge-tools");
    if (link) {
      const [step, port] = link.dataset.id.split(":");
      return after(step, port);
    }
    const node = element.closest(".react-flow__node");
    if (node) return { onto: node.dataset.id };
  }
  return root && inside(root.querySelector(".react-flow"), x, y) ? { bare: true } : null;
}

// A finger is not a needle: anything within reach of a plus counts as on it.
function nearestPlus(root, x, y) {
  let best = { distance: REACH };
  for (const plus of root.querySelectorAll(".jc-plus[data-step]")) {
    const box = plus.getBoundingClientRect();
    const distance = Math.hypot(x - box.left - box.width / 2, y - box.top - box.height / 2);
    if (distance < best.distance) best = { distance, ...plus.dataset };
  }
  return best.step ? best : null;
}

const after = (step, port) => ({ after: { step, port }, key: `${step}:${port}` });

function inside(element, x, y) {
  const box = element?.getBoundingClientRect();
  return Boolean(box) && x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
}

const typing = (target) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

function Canvas(props) {
  const {
    steps = [], counts = null, palette = [], selected = "", readOnly = false, dark = false, label = "Journey",
    onStepAdded = nothing, onStepMoved = nothing, onLinked = nothing, onUnlinked = nothing, onRemoved = nothing,
    onSelected = nothing, onDuplicated = nothing, onTidied = nothing, onUndo = nothing, onRedo = nothing,
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
    () => JSON.stringify([Boolean(counts), steps.map((s) => [s.id, s.position, s.ports.map((p) => [p.key, p.target])])]),
    [steps, counts],
  );
  // eslint-disable-next-line react-hooks/exhaustive-deps -- only the shape moves a laid-out step
  const places = useMemo(() => layout(steps, Boolean(counts)), [shape]);

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
    () => ({ readOnly, openMenu, dropAt, cut, dragging: Boolean(ghost) }),
    [readOnly, openMenu, dropAt, cut, Boolean(ghost)],
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
            <MiniMap
              pannable
              zoomable
              ariaLabel="Map of the journey"
              className="jc-minimap"
              nodeBorderRadius={8}
              nodeColor={(node) => `var(--jc-${KINDS[node.data.step.kind]?.tone ?? "end"})`}
              maskColor="var(--jc-mask)"
            />
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

const round = ({ x, y }) => ({ x: Math.round(x), y: Math.round(y) });

function around(flow, x, y) {
  const at = flow.screenToFlowPosition({ x, y });
  return round({ x: at.x - 136, y: at.y - 40 });
}

// A journey opens readable: whole if that is large enough to read, else from its start.
function begin(flow, root, steps) {
  const box = root.querySelector(".react-flow").getBoundingClientRect();
  const bounds = flow.getNodesBounds(flow.getNodes());
  const whole = Math.min((box.width - 80) / bounds.width, (box.height - 140) / bounds.height, 1);
  if (whole >= 0.7) {
    const x = (box.width - bounds.width * whole) / 2 - bounds.x * whole;
    flow.setViewport({ x, y: (box.height - 80 - bounds.height * whole) / 2 - bounds.y * whole, zoom: whole });
    return;
  }
  const start = flow.getNode(steps.find((step) => step.kind === "entry")?.id ?? steps[0].id);
  const zoom = 0.85;
  const x = box.width / 2 - (start.position.x + start.width / 2) * zoom;
  flow.setViewport({ x, y: 36 - start.position.y * zoom, zoom });
}

function reveal(flow, root, id) {
  const node = flow.getNode(id);
  const box = root?.querySelector(".react-flow")?.getBoundingClientRect();
  if (!node || !box) return;
  const { x, y } = flow.flowToScreenPosition(node.position);
  const zoom = flow.getZoom();
  const clear = inside2(box, x, y) && inside2(box, x + node.width * zoom, y + (node.height + 60) * zoom);
  if (clear) return;
  flow.setCenter(node.position.x + node.width / 2, node.position.y + node.height / 2, {
    zoom: Math.max(zoom, 0.6), duration: 250,
  });
}

const inside2 = (box, x, y) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;

// Arrow keys: down follows the first link, up goes back, left and right to the nearest beside it.
function neighbour(nodes, steps, id, key) {
  const here = nodes.find((node) => node.id === id);
  const step = steps.find((one) => one.id === id);
  if (key === "ArrowDown") return step.ports.find((port) => port.target)?.target;
  if (key === "ArrowUp") return steps.find((one) => one.ports.some((port) => port.target === id))?.id;
  const side = key === "ArrowRight" ? 1 : -1;
  return nodes
    .filter((node) => (node.position.x - here.position.x) * side > 20 && Math.abs(node.position.y - here.position.y) < 120)
    .sort((a, b) => Math.abs(a.position.x - here.position.x) - Math.abs(b.position.x - here.position.x))[0]?.id;
}

export function JourneyCanvas(props) {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}
