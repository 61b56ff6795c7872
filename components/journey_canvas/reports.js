// What is reported to Python. The functions handed over change with every render of the page; `say` does
// not, so that nothing is drawn again on their account.
import { useCallback, useRef } from "react";

export function useReports(props) {
  const latest = useRef(props);
  latest.current = props;
  return useCallback((event, report) => latest.current[event]?.(report), []);
}

export const typing = (target) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

// A key belongs to the canvas when the focus is in it, or nowhere in particular.
export const ours = (root, target) =>
  !typing(target) && target instanceof Node && Boolean(root) && (root.contains(target) || target.contains(root));
