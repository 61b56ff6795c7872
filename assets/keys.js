// The first Escape belongs to the dialog, menu or panel, not to the tooltip of what has the keyboard there.
// Radix gives Escape to its uppermost layer only, and a tooltip is one. Tooltips close when another opens
// ("tooltip.open"): they are told so before anybody hears of the key, and the same press goes on below them.
window.addEventListener(
  "keydown",
  (event) => {
    if (event.key === "Escape" && document.querySelector("[role=tooltip]"))
      document.dispatchEvent(new CustomEvent("tooltip.open"));
  },
  { capture: true },
);
