// A training run while it goes on. Gradio runs this file as the body of a function with `element`, `props` and `watch`
// in scope.

const inPercent = (decimals) => (value) => `${(100 * value).toFixed(decimals)}%`;
const withDecimals = (decimals) => (value) => value.toFixed(decimals);
const inShort = (value) => String(Number(value.toPrecision(2)));

/** Points [x, y] of as many values as there are places. */
const over = (at, values) => at.map((share, index) => [share, values[index]]);

/** Lines over the course of a run, from 0 to 1 along the x axis, with their values where the pointer is. */
class Chart {
  static WIDTH = 360;
  static MARGIN = { left: 44, right: 22, top: 8, bottom: 24 };

  /**
   * @param {HTMLElement} figure is filled with the chart
   * @param {string} title
   * @param {number} height in units of which the chart is 360 wide
   * @param {{ name: string, kind: string, colour?: string, label?: string, key?: boolean }[]} lines what can be drawn,
   *   those in front last: `kind` is a class, `label` stands at a line's end, `key` is false for a line that the legend
   *   does not name
   * @param {(value: number) => string} write a value as text for the axis
   * @param {(value: number) => string} tell the same for the pointer
   */
  constructor(figure, title, height, lines, write, tell) {
    Object.assign(this, { figure, title, height, lines, write, tell, series: {}, ticks: [] });
    const drawn = lines.map(({ kind, colour }) => {
      const style = colour ? `style="--line: ${colour}"` : "";
      return `<polyline class="${kind}" ${style}/><g class="ends"></g>`;
    });
    const keys = lines.filter(({ key }) => key !== false);
    const legend = keys.map(({ name, kind }) => `<span class="key ${kind}" hidden>${name}</span>`);
    figure.innerHTML =
      `<figcaption><b>${title}</b>${legend.join("")}</figcaption>` +
      `<svg viewBox="0 0 ${Chart.WIDTH} ${height}" role="img"><g class="axes"></g>${drawn.join("")}` +
      `<line class="pointed" y1="${Chart.MARGIN.top}" y2="${height - Chart.MARGIN.bottom}" visibility="hidden"/></svg>` +
      '<div class="values" hidden></div>';
    this.svg = figure.querySelector("svg");
    this.keys = new Map(keys.map((line, index) => [line.name, figure.querySelectorAll(".key")[index]]));
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    for (const kind of ["pointerleave", "pointercancel"]) this.svg.addEventListener(kind, () => this.point(null));
  }

  x(share) {
    const { left, right } = Chart.MARGIN;
    return left + share * (Chart.WIDTH - left - right);
  }

  y(value) {
    const { top, bottom } = Chart.MARGIN;
    const [low, high] = [this.ticks[0], this.ticks.at(-1)];
    const share = (Math.min(Math.max(value, low), high) - low) / (high - low);
    return this.height - bottom - share * (this.height - top - bottom);
  }

  /** Draw the axes for these values of the y axis; `goal` is one that is set apart. */
  scale(ticks, goal) {
    if (String(ticks) === String(this.ticks)) return;
    this.ticks = ticks;
    const across = ticks.map((tick) => {
      const y = this.y(tick);
      return (
        `<line class="${tick === goal ? "goal" : "grid"}" x1="${this.x(0)}" x2="${this.x(1)}" y1="${y}" y2="${y}"/>` +
        `<text x="${this.x(0) - 6}" y="${y}" text-anchor="end" dominant-baseline="middle">${this.write(tick)}</text>`
      );
    });
    const along = [0, 0.25, 0.5, 0.75, 1].map(
      (share) => `<text x="${this.x(share)}" y="${this.height - 8}" text-anchor="middle">${100 * share}%</text>`,
    );
    this.svg.querySelector(".axes").innerHTML = across.join("") + along.join("");
  }

  /** Draw the lines that there are: points [x, y] by name. What lies outside the axes is drawn at their edge. */
  show(series) {
    this.series = series;
    const lines = this.svg.querySelectorAll("polyline");
    const ends = this.svg.querySelectorAll(".ends");
    this.lines.forEach(({ name, kind, label }, index) => {
      const points = series[name] ?? [];
      const places = points.map(([x, y]) => [this.x(x).toFixed(1), this.y(y).toFixed(1)]);
      lines[index].setAttribute("points", places.map(String).join(" "));
      const last = places.at(-1);
      if (kind === "test") {
        ends[index].innerHTML = places.map(([x, y]) => `<circle class="test" cx="${x}" cy="${y}" r="2.5"/>`).join("");
      } else if (label) {
        const end = points.length && points.at(-1)[1] >= 0.1;
        ends[index].innerHTML = end
          ? `<text x="${Number(last[0]) + 5}" y="${last[1]}" dominant-baseline="middle">${label}</text>`
          : "";
      }
      const key = this.keys.get(name);
      if (key) key.hidden = !points.length;
    });
    this.svg.setAttribute("aria-label", [this.title, ...this.told(1)].join(", "));
    if (this.pointedAt !== undefined) this.tellAt(this.pointedAt);
  }

  /** The values of all lines up to a share of the run, as texts. */
  told(share) {
    const values = this.lines.map(({ name }) => [name, this.series[name]?.findLast(([x]) => x <= share + 1e-9)?.[1]]);
    return values.filter(([, value]) => value !== undefined).map(([name, value]) => `${name} ${this.tell(value)}`);
  }

  point(event) {
    this.pointedAt = undefined;
    this.svg.querySelector(".pointed").setAttribute("visibility", event ? "visible" : "hidden");
    this.figure.querySelector(".values").hidden = !event;
    if (!event) return;
    const box = this.svg.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * Chart.WIDTH;
    const share = (at - this.x(0)) / (this.x(1) - this.x(0));
    this.tellAt(Math.min(Math.max(share, 0), 1));
  }

  tellAt(share) {
    this.pointedAt = share;
    const line = this.svg.querySelector(".pointed");
    for (const end of ["x1", "x2"]) line.setAttribute(end, this.x(share));
    const values = this.figure.querySelector(".values");
    values.classList.toggle("left", share < 0.5);
    values.textContent = [`at ${inPercent(0)(share)}`, ...this.told(share)].join("\n");
  }
}

/** Shows a value of `monitor_value`; the elements stay and only what differs in them changes. */
class Monitor {
  constructor(root) {
    this.root = root;
    const figure = (name) => root.querySelector(`[data-chart=${name}]`);
    this.loss = new Chart(
      figure("loss"),
      "Loss",
      190,
      [
        { name: "batch", kind: "batch" },
        { name: "before", kind: "before" },
        { name: "smoothed", kind: "smoothed" },
      ],
      withDecimals(1),
      withDecimals(2),
    );
    this.accuracy = new Chart(
      figure("accuracy"),
      "Accuracy",
      190,
      [
        { name: "batch", kind: "batch" },
        { name: "shipped", kind: "shipped" },
        { name: "before", kind: "before" },
        { name: "training", kind: "smoothed" },
        { name: "test", kind: "test" },
      ],
      inPercent(0),
      inPercent(2),
    );
    const digits = Array.from({ length: 10 }, (_, digit) => ({
      name: String(digit),
      label: String(digit),
      kind: "mind",
      colour: `hsl(${36 * digit} 75% 50%)`,
      key: false,
    }));
    this.mind = new Chart(figure("watched"), "Your digit, as it is read", 190, digits, inPercent(0), inPercent(0));
    const rate = { name: "rate", kind: "smoothed", key: false };
    this.lr = new Chart(figure("lr"), "Learning rate", 108, [rate], inShort, inShort);
    this.watching = document.createElement("img");
    this.watching.className = "watching";
    this.watching.alt = "The digit that is read";
    figure("watched").querySelector("figcaption").append(this.watching);
  }

  show({ headline, percent, figures, curves, before, shipped, peak, watched, kernels }) {
    this.write(this.root.querySelector(".headline"), headline);
    this.root.querySelector(".bar").setAttribute("aria-valuenow", percent);
    this.root.querySelector(".fill").style.width = `${percent}%`;
    const list = this.root.querySelector(".figures");
    const template = list.querySelector("template");
    figures.forEach(([name, text], index) => {
      const item = list.children[index + 1] ?? list.appendChild(template.content.firstElementChild.cloneNode(true));
      this.write(item.querySelector("dt"), name);
      this.write(item.querySelector("dd"), text);
    });

    this.loss.scale([0, 0.5, 1, 1.5, 2, 2.5]);
    this.loss.show({
      batch: over(curves.progress, curves.loss),
      before: before && over(before.progress, before.smoothed_loss),
      smoothed: over(curves.progress, curves.smoothed_loss),
    });
    this.accuracy.scale([0.8, 0.85, 0.9, 0.95, 1], 0.95);
    this.accuracy.show({
      batch: over(curves.progress, curves.batch_accuracy),
      shipped: shipped && [[0, shipped], [1, shipped]],
      before: before?.test_accuracy,
      training: over(curves.progress, curves.smoothed_accuracy),
      test: curves.test_accuracy,
    });
    this.mind.scale([0, 0.25, 0.5, 0.75, 1]);
    this.mind.show(
      Object.fromEntries(Array.from({ length: 10 }, (_, digit) => [
        digit,
        over(curves.progress, curves.watched.map((shares) => shares[digit])).slice(0, curves.watched.length),
      ])),
    );
    this.lr.scale([0, peak / 2, peak]);
    this.lr.show({ rate: over(curves.progress, curves.lr) });
    this.picture(this.watching, watched);
    this.picture(this.root.querySelector(".kernels img"), kernels);
  }

  write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  picture(element, url) {
    element.style.visibility = url ? "visible" : "hidden";
    if (url && element.src !== url) element.src = url;
  }
}

const monitor = new Monitor(element);
const show = () => monitor.show(JSON.parse(props.value));
watch("value", show);
show();
