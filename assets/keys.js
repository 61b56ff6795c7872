// The first Escape belongs to the dialog, menu or panel, not to the tooltip of what has the keyboard there.
// Radix gives Escape to its uppermost layer only, and a tooltip is one. Tooltips close when another opens
// ("tooltip.open"): they are told so, and once they are gone the same press goes on to what lies below.
const TOOLTIP = ".rt-TooltipContent";
const FRAMES = 10; // a tooltip that stays longer keeps nobody waiting

function onceGone(then, left = FRAMES) {
  requestAnimationFrame(() => {
    if (left && document.querySelector(TOOLTIP)) onceGone(then, left - 1);
    else setTimeout(then); // React lets go of the key a moment after the tooltip left the page
  });
}

window.addEventListener(
  "keydown",
  (event) => {
    if (event.key !== "Escape" || !event.isTrusted || !document.querySelector(TOOLTIP)) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    document.dispatchEvent(new CustomEvent("tooltip.open"));
    const press = { key: "Escape", code: "Escape", bubbles: true, cancelable: true };
    onceGone(() => event.target.dispatchEvent(new KeyboardEvent("keydown", press)));
  },
  { capture: true },
);
