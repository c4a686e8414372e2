// What a run came to. Gradio runs this file as the body of a function with `element`, `props` and `watch` in scope.

/** A cell of the confusion matrix, the redder the more often a digit is read as another. */
function counted(count, digit, read) {
  const cell = document.createElement("td");
  cell.textContent = count || "";
  cell.title = `${digit} read as ${read}: ${count}`;
  if (digit === read) cell.className = "right";
  else if (count) cell.style.background = `rgb(230 60 40 / ${Math.min(0.75, 0.12 + 0.05 * count)})`;
  return cell;
}

/** A hard digit as a button that has it drawn on the pad, which listens for this event. */
function hard({ image, label, read, confidence }) {
  const button = document.createElement("button");
  button.type = "button";
  button.title = `A ${label}, read as ${read} at ${confidence}. Put it onto the pad`;
  button.innerHTML = `<img src="${image}" alt="">${label} → ${read}<br>${confidence}`;
  button.addEventListener("click", () => {
    document.querySelector("[role=tab]").click(); // the Draw tab's
    document.dispatchEvent(new CustomEvent("sketch", { detail: image }));
  });
  return button;
}

const show = () => {
  const { confusion, hardest } = JSON.parse(props.value);
  const rows = confusion.map((counts, digit) => {
    const row = document.createElement("tr");
    row.innerHTML = `<th scope="row">${digit}</th>`;
    row.append(...counts.map((count, read) => counted(count, digit, read)));
    return row;
  });
  element.querySelector("tbody").replaceChildren(...rows);
  element.querySelector(".hardest").replaceChildren(...hardest.map(hard));
};
watch("value", show);
show();
