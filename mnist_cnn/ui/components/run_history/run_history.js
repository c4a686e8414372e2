// The runs of a visit. Gradio runs this file as the body of a function with `element`, `props` and `watch` in scope.

/** A polyline through points [x, y], y from 0 to 2.5, in a box of this size. */
function line(curve, width, height, kind = "") {
  const places = curve.map(([x, y]) => [x * width, height * (1 - Math.min(y / 2.5, 1))]);
  const points = places.map((place) => place.map((number) => number.toFixed(1)));
  return `<polyline class="${kind}" points="${points.join(" ")}"/>`;
}

/** Lists runs and compares the two that were ticked last. */
class RecordsView {
  constructor(root) {
    this.root = root;
    this.ticked = [];
    this.runs = [];
  }

  show(runs) {
    this.runs = runs;
    this.ticked = this.ticked.filter((number) => runs.some((run) => run.number === number));
    this.root.querySelector(".empty").hidden = runs.length > 0;
    this.root.querySelector(".scroll table").hidden = !runs.length;
    this.root.querySelector(".scroll tbody").replaceChildren(...runs.map((run) => this.row(run)).toReversed());
    this.compare();
  }

  row({ number, settings, accuracy, seconds, curve }) {
    const row = document.createElement("tr");
    const words = Object.entries(settings).map(([name, text]) => `${name} ${text}`);
    row.innerHTML =
      `<td><input type="checkbox" value="${number}" aria-label="Compare run ${number}"></td><td>${number}</td>` +
      `<td class="accuracy">${accuracy}</td><td>${seconds}</td>` +
      `<td><svg class="spark" viewBox="0 0 72 24" aria-hidden="true">${line(curve, 72, 24)}</svg></td>` +
      `<td>${words.join(", ")}</td>`;
    const box = row.querySelector("input");
    box.checked = this.ticked.includes(number);
    box.addEventListener("change", () => this.tick(number, box.checked));
    return row;
  }

  tick(number, ticked) {
    this.ticked = this.ticked.filter((other) => other !== number);
    if (ticked) this.ticked = [...this.ticked, number].slice(-2);
    for (const box of this.root.querySelectorAll("input")) box.checked = this.ticked.includes(Number(box.value));
    this.compare();
  }

  compare() {
    const pair = this.runs.filter((run) => this.ticked.includes(run.number));
    const panel = this.root.querySelector(".comparison");
    panel.hidden = pair.length < 2;
    if (panel.hidden) return;
    const [first, second] = pair;
    const lines = pair.map((run, index) => line(run.curve, 240, 90, index ? "second" : ""));
    panel.querySelector("svg").innerHTML = lines.join("");
    const entries = [
      ["run", first.number, second.number],
      ["test accuracy", first.accuracy, second.accuracy],
      ["time", first.seconds, second.seconds],
      ...Object.entries(first.settings).map(([name, text]) => [name, text, second.settings[name]]),
    ];
    const rows = entries.map(([name, one, other]) => {
      const row = document.createElement("tr");
      row.className = one === other ? "" : "differs";
      row.innerHTML = `<th scope="row">${name}</th><td class="first">${one}</td><td>${other}</td>`;
      return row;
    });
    panel.querySelector("tbody").replaceChildren(...rows);
  }
}

const view = new RecordsView(element);
const show = () => view.show(JSON.parse(props.value));
watch("value", show);
show();
