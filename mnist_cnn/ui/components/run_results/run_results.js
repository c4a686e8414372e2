// Shows the result of a run. Gradio runs this file as the body of a function with `element`, `props` and `watch` in
// scope.

/** A cell of the confusion matrix, redder for more frequent errors. */
function matrixCell(count, label, prediction) {
  const cell = document.createElement("td");
  cell.textContent = count || "";
  cell.title = `${label} predicted as ${prediction}: ${count}`;
  if (label === prediction) cell.className = "correct";
  else if (count) cell.style.background = `rgb(230 60 40 / ${Math.min(0.75, 0.12 + 0.05 * count)})`;
  return cell;
}

/** A button with a hard test image, which asks the canvas to load it. */
function exampleButton({ image, label, prediction, confidence }) {
  const button = document.createElement("button");
  button.type = "button";
  button.title = `Label ${label}, predicted as ${prediction} with ${confidence} confidence. Load it onto the canvas`;
  button.innerHTML = `<img src="${image}" alt="">${label} → ${prediction}<br>${confidence}`;
  button.addEventListener("click", () => {
    document.querySelector("[role=tab]").click(); // opens the Draw tab
    document.dispatchEvent(new CustomEvent("load-image", { detail: image })); // sketchpad.js listens for it
  });
  return button;
}

const show = () => {
  const { confusion_matrix: matrix, hard_examples: examples } = JSON.parse(props.value);
  const rows = matrix.map((counts, label) => {
    const row = document.createElement("tr");
    row.innerHTML = `<th scope="row">${label}</th>`;
    row.append(...counts.map((count, prediction) => matrixCell(count, label, prediction)));
    return row;
  });
  element.querySelector("tbody").replaceChildren(...rows);
  element.querySelector(".hard-examples").replaceChildren(...examples.map(exampleButton));
};
watch("value", show);
show();
