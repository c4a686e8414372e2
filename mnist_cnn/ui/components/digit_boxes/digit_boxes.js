// Draws boxes around the digits of a number on the canvas, and tells prediction_panel.js which of them has the pointer.

const MARGIN = 0.02; // between the ink and its box, as a fraction of the canvas
const overlay = document.createElement("div");
overlay.className = "digit-boxes";
overlay.ariaHidden = "true"; // prediction_panel.html has a button for each digit
let boxes = []; // [left, top, right, bottom] of each digit, as fractions of the canvas

/** Find the box that has the pointer, which draws nothing at the moment. */
function point({ buttons, pointerType, clientX, clientY }) {
  if (buttons || pointerType === "touch") return;
  const area = overlay.getBoundingClientRect();
  const [x, y] = [(clientX - area.left) / area.width, (clientY - area.top) / area.height];
  const index = boxes.findIndex(([left, top, right, bottom]) => left <= x && x <= right && top <= y && y <= bottom);
  if (index >= 0) document.dispatchEvent(new CustomEvent("digit-pointed", { detail: index }));
}

/** Show the boxes of `digits`, fractions of an image with an aspect ratio, which the canvas shows as large as it fits. */
function show({ digits, aspect, selected }) {
  const area = document.querySelector("#pad .drawing-area");
  if (!area) return; // the page is still loading, and nothing is drawn
  if (!overlay.parentElement) {
    area.append(overlay);
    area.addEventListener("pointermove", point);
  }
  const [width, height] = [Math.min(1, aspect), Math.min(1, 1 / aspect)];
  const [x, y] = [(1 - width) / 2, (1 - height) / 2];
  boxes = digits.map(({ box: [left, top, right, bottom] }) => [
    x + left * width - MARGIN,
    y + top * height - MARGIN,
    x + right * width + MARGIN,
    y + bottom * height + MARGIN,
  ]);
  const elements = boxes.map(([left, top, right, bottom], index) => {
    const box = document.createElement("div");
    box.classList.toggle("selected", index === selected);
    Object.assign(box.style, {
      left: `${100 * left}%`,
      top: `${100 * top}%`,
      width: `${100 * (right - left)}%`,
      height: `${100 * (bottom - top)}%`,
    });
    return box;
  });
  overlay.replaceChildren(...elements);
}

document.addEventListener("number-shown", ({ detail }) => show(detail));
