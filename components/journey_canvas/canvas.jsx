// The journey canvas. Drag, pan, zoom and selection live here; what they mean is reported to Python,
// which owns the journey and sends it back (house rule 12). Each concern has a file of its own beside.
import {
  applyEdgeChanges, applyNodeChanges, Background, BackgroundVariant, MiniMap, Panel, ReactFlow,
  ReactFlowProvider, useReactFlow,
} from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import "./canvas.css";
import { toAdd, toLink, toMove, Chooser } from "./chooser.jsx";
import { useClipboard } from "./clipboard.js";
import { around, FIT, freeSpot, landing, mark, middleOf, reveal, round } from "./geometry.js";
import { NOTE_SIZE, toEdges, toNodes, toNotes } from "./graph.js";
import { freeEnd, useKeys, usePageKeys } from "./keys.js";
import { ENDS, KINDS } from "./kinds.jsx";
import { lanesOf } from "./lanes.js";
import { layout } from "./layout.js";
import { NoteNode } from "./note_node.jsx";
import { Ghost, Palette } from "./palette.jsx";
import { useDrag } from "./drag.js";
import { useReports } from "./reports.js";
import { SearchBar } from "./search.jsx";
import { useSelection } from "./selection.js";
import { StepEdge } from "./step_edge.jsx";
import { CanvasContext, StepNode } from "./step_node.jsx";
import { ChosenBar, ViewBar } from "./toolbar.jsx";
import { useView } from "./view.js";

const nodeTypes = { step: StepNode, note: NoteNode };
const edgeTypes = { step: StepEdge };
const MANY = 60; // from here on only what is in view is drawn
const FEW = 7; // up to here the journey is its own map
const CHOOSE_MORE = ["Shift", "Meta", "Control"];
const NO_CLIP = { text: "", number: 0 };
const counted = (counts) => Object.keys(counts ?? {}).sort();

function Canvas(props) {
  const {
    steps = [], notes = [], counts = null, palette = [], clip = NO_CLIP, selected = "", readOnly = false,
    dark = false, label = "Journey",
  } = props;
  const say = useReports(props);
  const root = useRef(null);
  const flow = useReactFlow();
  const [nodes, setNodes] = useState([]);
  const [edges, setEdges] = useState([]);
  const [menu, setMenu] = useState(null);
  const [ghost, setGhost] = useState(null);
  const [searching, setSearching] = useState(false);
  const [editing, setEditing] = useState("");
  const [drawn, setDrawn] = useState(false);
  const focusNext = useRef(false);
  const banding = useRef(false);
  const byId = useMemo(() => new Map(steps.map((step) => [step.id, step])), [steps]);
  const shape = useMemo(
    () => JSON.stringify([readOnly, counted(counts), steps.map((s) => [s.id, s.position, s.ports.map((p) => [p.key, p.target])])]),
    [steps, counts, readOnly],
  );
  // eslint-disable-next-line react-hooks/exhaustive-deps -- only the shape moves a laid-out step
  const places = useMemo(() => layout(steps, counts, readOnly), [shape]);
  // What Python says, drawn: also takes back a drag that turned out to mean something else.
  const draw = useCallback(
    (before) => [...toNotes(notes, editing, before), ...toNodes(steps, counts, places, before)],
    [notes, editing, steps, counts, places],
  );
  useEffect(() => setNodes(draw), [draw]);
  const lanes = useMemo(
    () => lanesOf(steps, Object.fromEntries(steps.map((s) => [s.id, s.position ?? places[s.id]])), counts),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- as above
    [shape, places],
  );
  useEffect(() => setEdges((before) => toEdges(steps, lanes, before)), [steps, lanes]);

  const selection = useSelection({ nodes, setNodes, setEdges, selected, say });
  const { chosen, choose, toggle, tapping, hold } = selection;

  // Once somebody places a step, every other stays where it is drawn: nothing jumps under their hands.
  const latest = useRef(nodes);
  latest.current = nodes;
  const drawnPlaces = useCallback(
    () => Object.fromEntries(latest.current.filter((n) => n.type === "step").map((n) => [n.id, round(n.position)])),
    [],
  );
  const pinned = steps.some((step) => step.position);
  const placeFor = useCallback(
    (at) => {
      if (!pinned) return { position: null, places: {} };
      const { x, y } = at ?? middleOf(root.current);
      return { position: around(flow, x, y), places: drawnPlaces() };
    },
    [drawnPlaces, flow, pinned],
  );
  const board = useClipboard({ clip, root, chosen, drawnPlaces, place: placeFor, readOnly, say });
  const view = useView({ flow, root, steps, notes, nodes, drawn, selected, selection, focusNext, pasting: board.pasting, editNote: setEditing });

  const add = useCallback(
    (kind, where, position = null) => {
      board.pasting.current = false;
      say("onStepAdded", { kind, after: where, position, places: position ? drawnPlaces() : {} });
    },
    [board.pasting, drawnPlaces, say],
  );
  // Without a place of its own a new step goes after the chosen one, else to the middle of the view.
  const addSomewhere = useCallback(
    (kind) => {
      const base = chosen.steps.length === 1 ? byId.get(chosen.steps[0]) : null;
      const port = base && freeEnd(base);
      focusNext.current = true;
      if (port && kind !== "entry" && !(port.target && ENDS.has(kind)))
        return add(kind, { step: base.id, port: port.key });
      if (steps.length === 0) return add(kind, null);
      const { x, y } = middleOf(root.current);
      return add(kind, null, around(flow, x, y));
    },
    [add, byId, chosen, flow, steps],
  );
  const onDrop = useCallback(
    (drop) => {
      setGhost(null);
      mark(root.current, "");
      const land = drop && landing(root.current, drop.x, drop.y);
      if (!land) return;
      if (land.after) return add(drop.kind, land.after);
      const port = freeEnd(byId.get(land.onto));
      if (port) return add(drop.kind, { step: land.onto, port: port.key });
      add(drop.kind, null, around(flow, drop.x, drop.y));
    },
    [add, byId, flow],
  );
  const onDrag = useCallback((held) => {
    setGhost(held);
    mark(root.current, landing(root.current, held.x, held.y)?.key ?? "");
  }, []);

  const openMenu = useCallback(({ anchor, x, y, ...what }) => {
    const box = anchor?.getBoundingClientRect();
    const at = box ? { x: box.left + box.width / 2, y: box.top + Math.min(box.height / 2, 40) } : { x, y };
    setMenu({ do: "add", anchor, at, ...what });
  }, []);
  const closeMenu = useCallback(
    (refocus) => {
      if (refocus) menu?.anchor?.focus?.();
      setMenu(null);
    },
    [menu],
  );
  const pick = useCallback(
    (item) => {
      if (item.key === "link") return setMenu({ ...menu, do: "link" });
      setMenu(null);
      if (menu.do === "link") {
        say("onLinked", { source: menu.after.step, port: menu.after.port, target: item.key });
        return reveal(flow, root.current, item.key);
      }
      if (menu.do === "move") return say("onStepPut", { id: menu.id, source: item.source, port: item.port });
      focusNext.current = true;
      add(item.key, menu.after, menu.position ?? null);
    },
    [add, flow, menu, say],
  );

  // A line let go over a step's card connects to it; over bare canvas it asks what to add there.
  const onConnectEnd = useCallback(
    (event, state) => {
      if (state.isValid || !state.fromNode || state.fromHandle?.type !== "source") return;
      const { clientX: x, clientY: y } = event.changedTouches?.[0] ?? event;
      const land = landing(root.current, x, y);
      const source = state.fromNode.id;
      const port = state.fromHandle.id;
      if (land?.onto && byId.has(land.onto) && land.onto !== source) say("onLinked", { source, port, target: land.onto });
      else if (land?.bare) openMenu({ after: { step: source, port }, between: false, x, y, position: around(flow, x, y) });
    },
    [byId, flow, openMenu, say],
  );
  const drag = useDrag({ root, steps, drawnPlaces, say, restore: () => setNodes(draw) });

  const deeds = useMemo(() => {
    const card = (id) => root.current.querySelector(`.react-flow__node[data-id="${id}"]`);
    const menuAt = (what, anchor) => openMenu({ ...what, anchor });
    return {
      ...board,
      clear: () => choose(""),
      remove: () => {
        const link = edges.find((edge) => edge.selected);
        if (chosen.count) say("onRemoved", { ids: chosen.steps, notes: chosen.notes });
        else if (link) say("onUnlinked", { source: link.data.source, port: link.data.port });
      },
      duplicate: () => {
        if (!chosen.steps.length) return;
        board.pasting.current = true;
        say("onDuplicated", { ids: chosen.steps });
      },
      move: (id = chosen.steps[0], anchor = card(id)) => menuAt({ do: "move", id }, anchor),
      link: (id = chosen.steps[0], anchor = card(id)) =>
        menuAt({ do: "link", after: { step: id, port: freeEnd(byId.get(id)).key } }, anchor),
      addAfter: (id, anchor) => {
        const port = freeEnd(byId.get(id));
        menuAt({ after: { step: id, port: port.key }, between: Boolean(port.target) }, anchor);
      },
      editNote: setEditing,
      search: () => setSearching(true),
      paste: board.pasteByButton,
      note: () => {
        const { x, y } = middleOf(root.current);
        view.noteNext();
        say("onNoteAdded", { position: freeSpot(latest.current, around(flow, x, y), NOTE_SIZE) });
      },
      tidy: () => {
        say("onTidied");
        setTimeout(() => flow.fitView(FIT), 200);
      },
    };
  }, [board, byId, choose, chosen, edges, flow, openMenu, say, view]);
  // The bar's buttons carry an event that the keyboard's deeds do not.
  const barDeeds = useMemo(() => ({ ...deeds, move: () => deeds.move(), link: () => deeds.link() }), [deeds]);
  useKeys({ root, nodes, steps, byId, selection, readOnly, focusNode: view.focusNode, deeds });
  usePageKeys({ readOnly, say, search: deeds.search });

  const onNodeClick = useCallback(
    (event, node) => {
      if (hold.just()) return undefined;
      // The flow has its own idea of this key, which comes too late when the press is quick.
      if (tapping || event.shiftKey || event.ctrlKey || event.metaKey) return toggle(node.id);
      if (node.type === "note" && node.selected) return setEditing(node.id);
      return choose(node.id);
    },
    [choose, hold, tapping, toggle],
  );
  const context = useMemo(
    () => ({ readOnly, openMenu, say, editNote: setEditing, dragging: Boolean(ghost), counted: (report) => say("onCounted", report) }),
    [readOnly, openMenu, say, Boolean(ghost)],
  );
  const groups = menu && { add: () => toAdd(palette, menu), link: () => toLink(steps, menu.after.step), move: () => toMove(steps, menu.id) }[menu.do]();

  return (
    <CanvasContext.Provider value={context}>
      <div
        ref={root}
        className="jc-root"
        data-testid="journey-canvas"
        data-dragging={ghost ? true : undefined}
        data-tapping={tapping || undefined}
      >
        {readOnly ? null : <Palette palette={palette} onDrag={onDrag} onDrop={onDrop} onPick={addSomewhere} />}
        <div className="jc-flow" onPointerMove={board.follow} onPointerLeave={board.leave} {...hold.handlers}>
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
            multiSelectionKeyCode={CHOOSE_MORE}
            selectionMode="partial"
            disableKeyboardA11y
            connectionRadius={36}
            nodeDragThreshold={4}
            nodesDraggable={!readOnly}
            nodesConnectable={!readOnly}
            edgesReconnectable={!readOnly}
            onlyRenderVisibleElements={steps.length > MANY}
            zoomOnDoubleClick={false}
            proOptions={{ hideAttribution: true }}
            onNodesChange={(changes) => {
              // While taps add and take away, the library's own choosing keeps out.
              const kept = tapping ? changes.filter((change) => change.type !== "select") : changes;
              setNodes((before) => applyNodeChanges(kept, before));
            }}
            onEdgesChange={(changes) => {
              // Lines caught in a rubber band are not what is chosen: the steps are.
              const kept = banding.current ? changes.filter((change) => change.type !== "select") : changes;
              setEdges((before) => applyEdgeChanges(kept, before));
            }}
            onSelectionStart={() => (banding.current = true)}
            onSelectionEnd={() => (banding.current = false)}
            onNodeClick={onNodeClick}
            onNodeDoubleClick={(_event, node) => (node.type === "note" ? setEditing(node.id) : null)}
            onPaneClick={() => choose("")}
            onNodeDrag={drag.over}
            onNodeDragStop={drag.stop}
            onConnect={({ source, sourceHandle, target }) => say("onLinked", { source, port: sourceHandle, target })}
            onReconnect={(_old, { source, sourceHandle, target }) => say("onLinked", { source, port: sourceHandle, target })}
            onConnectEnd={onConnectEnd}
          >
            <Background variant={BackgroundVariant.Dots} gap={20} size={1.4} color="var(--gray-5)" />
            {view.map && steps.length > FEW ? (
              <MiniMap
                pannable
                zoomable
                ariaLabel="Map of the journey"
                className="jc-minimap"
                style={{ width: 150, height: 104 }}
                nodeBorderRadius={8}
                nodeColor={(node) => `var(--jc-${KINDS[node.data.step?.kind]?.tone ?? "note"})`}
                maskColor="var(--jc-mask)"
              />
            ) : null}
            {ghost ? null : <ChosenBar chosen={chosen} step={byId.get(chosen.steps[0])} readOnly={readOnly} deeds={barDeeds} />}
            <ViewBar readOnly={readOnly} many={steps.length > FEW} map={view.map} setMap={view.setMap} deeds={deeds} />
            {searching ? (
              <Panel position="top-right">
                <SearchBar
                  steps={steps}
                  notes={notes}
                  onGo={view.goTo}
                  onClose={(id) => {
                    setSearching(false);
                    if (id) view.focusNode(id);
                  }}
                />
              </Panel>
            ) : null}
          </ReactFlow>
          {steps.length === 0 && !readOnly ? (
            <div className="jc-empty">
              <strong>Every journey begins with a start</strong>
              <span>Drag “Start” here, or press it in the list, to say how people come in.</span>
            </div>
          ) : null}
        </div>
        <Ghost ghost={ghost} />
        {menu ? (
          <Chooser
            key={menu.do}
            at={menu.at}
            label={{ add: "Add a step", link: "Link to which step?", move: "Move it where?" }[menu.do]}
            groups={groups}
            onPick={pick}
            onClose={closeMenu}
          />
        ) : null}
      </div>
    </CanvasContext.Provider>
  );
}

export function JourneyCanvas(props) {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}
