// Shows the receptive field of the cell at the pointer. Gradio runs this file as the body of a function with `element` in
// scope.

/** The first and the last pixel along one axis that the cell at a position depends on; null on a line between maps. */
function receptiveField(position, { size, stride, start, cells }) {
  const cell = Math.floor(position) % (Number(cells) + 1); // a line of one pixel follows each map
  if (cell === Number(cells)) return null;
  const first = Number(start) + cell * Number(stride);
  return [Math.max(0, first), Math.min(28, first + Number(size))];
}

/** Draw the rectangle `[[left, right], [top, bottom]]` on the model's input, or none. */
function show(fields) {
  const rectangle = element.querySelector(".field");
  rectangle.hidden = fields.includes(null);
  if (rectangle.hidden) return;
  const [[left, right], [top, bottom]] = fields.map((ends) => ends.map((end) => (100 * end) / 28));
  rectangle.style.inset = `${top}% ${100 - right}% ${100 - bottom}% ${left}%`;
}

element.addEventListener("pointermove", ({ target, offsetX, offsetY }) => {
  if (!target.matches(".maps")) return show([null]);
  const scale = target.naturalWidth / target.clientWidth;
  show([offsetX, offsetY].map((position) => receptiveField(position * scale, target.dataset)));
});
element.addEventListener("pointerleave", () => show([null]));
