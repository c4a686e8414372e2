// Reports the receptive field of the cell at the pointer. Gradio runs this file as the body of a function with `element`
// in scope.

/** The pixels along one axis, `[first, end]`, of the cell at a position of the strip; null on a line between two maps. */
function receptiveField(position, { size, stride, start, cells }) {
  const cell = Math.floor(position) % (Number(cells) + 1); // a line of one pixel follows each map
  if (cell === Number(cells)) return null;
  const first = Number(start) + cell * Number(stride);
  return [Math.max(0, first), Math.min(28, first + Number(size))];
}

/** prediction_panel.js draws the rectangle. */
const report = (detail) => document.dispatchEvent(new CustomEvent("receptive-field", { detail }));

element.addEventListener("pointermove", ({ target, offsetX, offsetY }) => {
  if (target.tagName !== "IMG") return report(null);
  const scale = target.naturalWidth / target.clientWidth;
  const fields = [offsetX, offsetY].map((position) => receptiveField(position * scale, target.dataset));
  report(fields.includes(null) ? null : fields);
});
element.addEventListener("pointerleave", () => report(null));
