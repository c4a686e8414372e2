// Shows a training run in progress. Gradio runs this file as the body of a function with `element`, `props` and `watch`
// in scope.

const asPercent = (decimals) => (value) => `${(100 * value).toFixed(decimals)}%`;
const withDecimals = (decimals) => (value) => value.toFixed(decimals);
const withTwoDigits = (value) => String(Number(value.toPrecision(2)));

/** Ticks from 0, at most six, up to the first at or above `max`. */
function ticksUpTo(max) {
  const power = 10 ** Math.floor(Math.log10(max / 5));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => 5 * size >= max);
  return Array.from({ length: Math.ceil(max / step) + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}

/** Points [x, y] from a list of x and a list of y. */
const points = (xs, ys) => xs.map((x, index) => [x, ys[index]]);

/** Points of a horizontal line; undefined without a value. */
const level = (value) => value && [[0, value], [1, value]];

/** A line chart over the progress of a run, 0 to 1 on the x axis, with the values at the pointer. */
class Chart {
  static WIDTH = 360;
  static MARGIN = { left: 44, right: 22, top: 8, bottom: 24 };

  /**
   * @param {HTMLElement} figure is filled with the chart
   * @param {string} title
   * @param {string} explanation a sentence
   * @param {number} height in units of which the chart is 360 wide
   * @param {{ name: string, kind: string, colour?: string, label?: string, inLegend?: boolean }[]} lines the possible
   *   lines, from back to front: `kind` is a class, `label` stands at the line's end, `inLegend` is true by default
   * @param {(value: number) => string} formatTick formats a value for the axis
   * @param {(value: number) => string} formatValue formats a value for the pointer
   * @param {(value: number) => number} scale maps a value to what its height is proportional to
   */
  constructor(figure, title, explanation, height, lines, formatTick, formatValue, scale = (value) => value) {
    Object.assign(this, { figure, title, height, lines, formatTick, formatValue, scale, series: {}, ticks: [] });
    const polylines = lines.map(({ kind, colour }) => {
      const style = colour ? `style="--line: ${colour}"` : "";
      return `<polyline class="${kind}" ${style}/><g class="marks"></g>`;
    });
    const named = lines.filter(({ inLegend }) => inLegend !== false);
    const legend = named.map(({ name, kind }) => `<span class="key ${kind}" hidden>${name}</span>`);
    figure.innerHTML =
      `<figcaption><b>${title}</b>${legend.join("")}</figcaption>` +
      `<svg viewBox="0 0 ${Chart.WIDTH} ${height}" role="img"><g class="axes"></g>${polylines.join("")}` +
      `<line class="cursor" y1="${Chart.MARGIN.top}" y2="${height - Chart.MARGIN.bottom}" visibility="hidden"/></svg>` +
      `<p>${explanation}</p><div class="values" hidden></div>`;
    this.svg = figure.querySelector("svg");
    this.keys = new Map(named.map((line, index) => [line.name, figure.querySelectorAll(".key")[index]]));
    this.svg.addEventListener("pointermove", (event) => this.onPointer(event));
    for (const type of ["pointerleave", "pointercancel"]) this.svg.addEventListener(type, () => this.onPointer(null));
  }

  x(progress) {
    const { left, right } = Chart.MARGIN;
    return left + progress * (Chart.WIDTH - left - right);
  }

  y(value) {
    const { top, bottom } = Chart.MARGIN;
    const [min, max] = [this.scale(this.ticks[0]), this.scale(this.ticks.at(-1))];
    const fraction = (this.scale(value) - min) / (max - min);
    return this.height - bottom - fraction * (this.height - top - bottom);
  }

  /** Draw the axes with these ticks on the y axis, whose first and last one are its ends. */
  drawAxes(ticks) {
    if (String(ticks) === String(this.ticks)) return;
    this.ticks = ticks;
    const [start, end] = [this.x(0), this.x(1)];
    const yAxis = ticks.map((tick) => {
      const y = this.y(tick);
      const attributes = `x="${start - 6}" y="${y}" text-anchor="end" dominant-baseline="middle"`;
      return (
        `<line class="grid" x1="${start}" x2="${end}" y1="${y}" y2="${y}"/>` +
        `<text ${attributes}>${this.formatTick(tick)}</text>`
      );
    });
    const xAxis = [0, 0.25, 0.5, 0.75, 1].map((progress) => {
      const attributes = `x="${this.x(progress)}" y="${this.height - 8}" text-anchor="middle"`;
      return `<text ${attributes}>${100 * progress}%</text>`;
    });
    this.svg.querySelector(".axes").innerHTML = yAxis.join("") + xAxis.join("");
  }

  /** Draw lines: points [x, y] by the name of the line. */
  show(series) {
    this.series = series;
    const polylines = this.svg.querySelectorAll("polyline");
    const marks = this.svg.querySelectorAll(".marks");
    this.lines.forEach(({ name, kind, label }, index) => {
      const values = series[name] ?? [];
      const scaled = values.map(([x, y]) => [this.x(x).toFixed(1), this.y(y).toFixed(1)]);
      polylines[index].setAttribute("points", scaled.map(String).join(" "));
      const last = scaled.at(-1);
      if (kind === "test") {
        marks[index].innerHTML = scaled.map(([x, y]) => `<circle class="test" cx="${x}" cy="${y}" r="2.5"/>`).join("");
      } else if (label) {
        const labelled = values.length && values.at(-1)[1] >= 0.1; // labels of lower lines would overlap
        marks[index].innerHTML = labelled
          ? `<text x="${Number(last[0]) + 5}" y="${last[1]}" dominant-baseline="middle">${label}</text>`
          : "";
      }
      const key = this.keys.get(name);
      if (key) key.hidden = !values.length;
    });
    this.svg.setAttribute("aria-label", [this.title, ...this.textsAt(1)].join(", "));
    if (this.cursor !== undefined) this.showValues(this.cursor);
  }

  /** The last value of each line up to this progress, as texts. */
  textsAt(progress) {
    const values = this.lines.map(({ name }) => [
      name,
      this.series[name]?.findLast(([x]) => x <= progress + 1e-9)?.[1],
    ]);
    return values
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name} ${this.formatValue(value)}`);
  }

  onPointer(event) {
    this.cursor = undefined;
    this.svg.querySelector(".cursor").setAttribute("visibility", event ? "visible" : "hidden");
    this.figure.querySelector(".values").hidden = !event;
    if (!event) return;
    const box = this.svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * Chart.WIDTH;
    const progress = (x - this.x(0)) / (this.x(1) - this.x(0));
    this.showValues(Math.min(Math.max(progress, 0), 1));
  }

  showValues(progress) {
    this.cursor = progress;
    const line = this.svg.querySelector(".cursor");
    for (const end of ["x1", "x2"]) line.setAttribute(end, this.x(progress));
    const values = this.figure.querySelector(".values");
    values.classList.toggle("at-right", progress < 0.5);
    values.textContent = [`at ${asPercent(0)(progress)}`, ...this.textsAt(progress)].join("\n");
  }
}

/** Shows a value of `training_monitor_value`; elements are kept and only what differs in them is changed. */
class MonitorView {
  constructor(root) {
    this.root = root;
    const figure = (name) => root.querySelector(`[data-chart=${name}]`);
    this.loss = new Chart(
      figure("loss"),
      "Loss",
      "Cross-entropy of each batch. It stays near 0.5 in the default recipe, because labels are smoothed.",
      190,
      [
        { name: "batch", kind: "batch" },
        { name: "previous run", kind: "previous" },
        { name: "smoothed", kind: "smoothed" },
      ],
      withDecimals(1),
      withDecimals(2),
    );
    this.accuracy = new Chart(
      figure("accuracy"),
      "Accuracy",
      "Fraction of images that are classified correctly. The axis is stretched near 100%.",
      190,
      [
        { name: "batch", kind: "batch" },
        { name: "target", kind: "target" },
        { name: "pretrained", kind: "pretrained" },
        { name: "previous run", kind: "previous" },
        { name: "training", kind: "smoothed" },
        { name: "test", kind: "test" },
      ],
      asPercent(0),
      asPercent(2),
      (accuracy) => 1 - Math.cbrt(1 - accuracy), // has room for 10 % at the beginning, and for 99.0 against 99.5 %
    );
    const digits = Array.from({ length: 10 }, (_, digit) => ({
      name: String(digit),
      label: String(digit),
      kind: "probability",
      colour: `hsl(${36 * digit} 75% 50%)`,
      inLegend: false,
    }));
    this.probe = new Chart(
      figure("probe"),
      "Predictions for this digit",
      "Probability of each digit for what is on the canvas of the Draw tab, or else for a test image.",
      190,
      digits,
      asPercent(0),
      asPercent(0),
    );
    this.lr = new Chart(
      figure("lr"),
      "Learning rate",
      "The size of the steps that change the weights: it rises at the start, then falls to 0.",
      108,
      [{ name: "learning rate", kind: "smoothed", inLegend: false }],
      withTwoDigits,
      withTwoDigits,
    );
    this.probeImage = document.createElement("img");
    this.probeImage.className = "probe-image";
    this.probeImage.alt = "The digit that is classified during training";
    figure("probe").querySelector("figcaption").append(this.probeImage);
  }

  show({ status, percent, metrics, curves, previous, pretrained_accuracy, target, peak_lr, probe_image, filters }) {
    this.write(this.root.querySelector(".status"), status);
    this.root.querySelector(".bar").setAttribute("aria-valuenow", percent);
    this.root.querySelector(".fill").style.width = `${percent}%`;
    const list = this.root.querySelector(".metrics");
    const template = list.querySelector("template");
    metrics.forEach(([name, text], index) => {
      const item = list.children[index + 1] ?? list.appendChild(template.content.firstElementChild.cloneNode(true));
      this.write(item.querySelector("dt"), name);
      this.write(item.querySelector("dd"), text);
    });

    const losses = [...curves.loss, ...(previous?.smoothed_loss ?? [])];
    this.loss.drawAxes(ticksUpTo(Math.max(0.5, ...losses)));
    this.loss.show({
      batch: points(curves.progress, curves.loss),
      "previous run": previous && points(previous.progress, previous.smoothed_loss),
      smoothed: points(curves.progress, curves.smoothed_loss),
    });
    this.accuracy.drawAxes([0, 0.5, 0.8, 0.9, 0.95, 0.99, 1]);
    this.accuracy.show({
      batch: points(curves.progress, curves.batch_accuracy),
      target: level(target),
      pretrained: level(pretrained_accuracy),
      "previous run": previous?.test_accuracy,
      training: points(curves.progress, curves.smoothed_accuracy),
      test: curves.test_accuracy,
    });
    this.probe.drawAxes([0, 0.25, 0.5, 0.75, 1]);
    const probabilities = curves.probe_probabilities;
    this.probe.show(
      Object.fromEntries(Array.from({ length: 10 }, (_, digit) => [
        digit,
        points(curves.progress, probabilities.map((row) => row[digit])).slice(0, probabilities.length),
      ])),
    );
    this.lr.drawAxes([0, peak_lr / 2, peak_lr]);
    this.lr.show({ "learning rate": points(curves.progress, curves.lr) });
    this.showImage(this.probeImage, probe_image);
    this.showImage(this.root.querySelector(".filters img"), filters);
  }

  write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  showImage(element, url) {
    element.style.visibility = url ? "visible" : "hidden";
    if (url && element.src !== url) element.src = url;
  }
}

/** Keep the focus on the run's buttons: if the one that has it is disabled, Train gets it, or Pause during a run. */
function keepFocus() {
  let focused = ""; // id of the button that has the focus, or lost it because it was disabled
  document.addEventListener("focusin", ({ target }) => (focused = target.closest("#run-buttons") ? target.id : ""));
  document.addEventListener("pointerdown", () => (focused = ""));
  const observer = new MutationObserver(() => {
    if (!focused || !document.getElementById(focused).disabled) return;
    document.querySelector("#train:enabled, #pause:enabled")?.focus({ preventScroll: true });
  });
  observer.observe(document.getElementById("run-buttons"), { subtree: true, attributeFilter: ["disabled"] });
}

const view = new MonitorView(element);
const show = () => view.show(JSON.parse(props.value));
watch("value", show);
show();
keepFocus();
