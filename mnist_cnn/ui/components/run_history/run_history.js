// Lists the finished runs of a session. Gradio runs this file as the body of a function with `element`, `props` and
// `watch` in scope.

/** A polyline through points [x, y] in a box of this size; x from 0 to 1, y from 0 to `max`. */
function polyline(curve, max, width, height, className = "") {
  const scaled = curve.map(([x, y]) => [x * width, height * (1 - y / max)]);
  const points = scaled.map((point) => point.map((number) => number.toFixed(1)));
  return `<polyline class="${className}" points="${points.join(" ")}"/>`;
}

/** The highest y of curves. */
const highest = (curves) => Math.max(...curves.flat().map(([, y]) => y));

/** Lists runs, and compares the two that were checked last. */
class HistoryView {
  constructor(root) {
    this.root = root;
    this.checked = []; // numbers of at most two runs
    this.runs = [];
  }

  show(runs) {
    this.runs = runs;
    this.checked = this.checked.filter((number) => runs.some((run) => run.number === number));
    this.root.querySelector(".empty").hidden = runs.length > 0;
    this.root.querySelector(".scroll table").hidden = !runs.length;
    this.root.querySelector(".scroll tbody").replaceChildren(...runs.map((run) => this.row(run)).toReversed());
    this.compare();
  }

  row({ number, settings, accuracy, seconds, loss }) {
    const row = document.createElement("tr");
    const texts = Object.entries(settings).map(([name, text]) => `${name} ${text}`);
    row.innerHTML =
      `<td><input type="checkbox" value="${number}" aria-label="Compare run ${number}"></td><td>${number}</td>` +
      `<td class="accuracy">${accuracy}</td><td>${seconds}</td>` +
      `<td><svg class="sparkline" viewBox="0 0 72 24" aria-hidden="true">${polyline(loss, highest([loss]), 72, 24)}</svg></td>` +
      `<td>${texts.join(", ")}</td>`;
    const box = row.querySelector("input");
    box.checked = this.checked.includes(number);
    box.addEventListener("change", () => this.check(number, box.checked));
    return row;
  }

  check(number, checked) {
    this.checked = this.checked.filter((other) => other !== number);
    if (checked) this.checked = [...this.checked, number].slice(-2);
    for (const box of this.root.querySelectorAll("input")) box.checked = this.checked.includes(Number(box.value));
    this.compare();
  }

  compare() {
    const pair = this.runs.filter((run) => this.checked.includes(run.number));
    const panel = this.root.querySelector(".comparison");
    panel.hidden = pair.length < 2;
    if (panel.hidden) return;
    const [first, second] = pair;
    const max = highest(pair.map((run) => run.loss));
    const lines = pair.map((run, index) => polyline(run.loss, max, 240, 90, index ? "second" : ""));
    const svg = panel.querySelector("svg");
    svg.innerHTML = lines.join("");
    svg.setAttribute("aria-label", `Loss of both runs, from 0 to ${max.toFixed(1)}`);
    const entries = [
      ["run", first.number, second.number],
      ["test accuracy", first.accuracy, second.accuracy],
      ["time", first.seconds, second.seconds],
      ...Object.entries(first.settings).map(([name, text]) => [name, text, second.settings[name]]),
    ];
    const rows = entries.map(([name, one, other]) => {
      const row = document.createElement("tr");
      row.className = one === other ? "" : "differs";
      row.innerHTML = `<th scope="row">${name}</th><td>${one}</td><td>${other}</td>`;
      if (name === "run") for (const cell of row.querySelectorAll("td")) cell.className = "key";
      return row;
    });
    panel.querySelector("tbody").replaceChildren(...rows);
  }
}

const view = new HistoryView(element);
const show = () => view.show(JSON.parse(props.value));
watch("value", show);
show();
