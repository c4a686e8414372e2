// Shows predictions. Gradio runs this file as the body of a function with `element`, `props` and `watch` in scope.

// What happens to the drawing in each stage of preprocessing.
const EXPLANATIONS = {
  Drawing: "The drawing as an image: how much ink each pixel has.",
  "Extracted ink": "The ink in the image, separated from its background.",
  Cropped: "The smallest box that holds all ink, with strokes as wide as those of MNIST.",
  "Resized to 20×20": "The box as 20×20 pixels: a pixel is the mean of what it covers.",
  Centred: "The digit in 28×28 pixels with its centre of mass in the middle: an image like those of MNIST.",
  "Model input": "The image that the chosen model receives: the centred one, deslanted and normalised.",
};

/**
 * Shows a value of `prediction_value`, with the class activation map of one digit over the model's input: 7×7 numbers
 * whose mean is that digit's logit. The digit is the predicted one, or the one whose bar has the pointer or the focus.
 * Of a number, one of its digits is shown: the first, or the one that the user pointed at last.
 *
 * Elements are kept and only what differs in them is changed: nothing flickers, pointer and focus keep their bar, and
 * it is much faster than creating the elements again.
 */
class PredictionView {
  static SETTLED_AFTER = 1000; // milliseconds without another prediction, after which a screen reader announces it

  /** @param {HTMLElement} root holds the elements of prediction_panel.html */
  constructor(root) {
    this.root = root;
    this.announcing = null; // a timer
    this.inspected = null; // the digit whose bar has the pointer or the focus
    this.selected = 0; // index of the digit that is shown of a number

    const bars = root.querySelector(".bars");
    for (const type of ["pointerover", "focusin"]) {
      bars.addEventListener(type, (event) => this.inspect(event.target.closest(".bar")?.dataset.digit ?? null));
    }
    for (const type of ["pointerleave", "focusout"]) bars.addEventListener(type, () => this.inspect(null));
    // Safari does not focus a button that is clicked, and a tap leaves no pointer over it.
    bars.addEventListener("click", (event) => event.target.closest(".bar")?.focus());
    const number = root.querySelector(".number");
    for (const type of ["pointerover", "focusin", "click"]) {
      number.addEventListener(type, (event) => this.select(event.target.closest("button")));
    }
    // From digit_boxes.js.
    document.addEventListener("digit-pointed", ({ detail }) => this.select(number.querySelectorAll("button")[detail]));
  }

  show(value) {
    this.whole = value;
    this.write(".verdict .digit", value.digit);
    this.write(".verdict .message", value.message);
    clearTimeout(this.announcing);
    this.announcing = setTimeout(() => this.write(".announcement", value.message), PredictionView.SETTLED_AFTER);
    // Without models the pen is down, and the table still is about what was drawn before.
    this.root.querySelector(".models").classList.toggle("outdated", !value.models);
    if (value.models) {
      this.fill(".models tbody", value.models, (row, { rank, ...texts }) => {
        row.className = rank;
        for (const [name, text] of Object.entries(texts)) this.write(`.${name}`, text, row);
      });
    }
    const number = value.number ?? [];
    this.fill(".number", number, (item, { digit, confidence }, index) => {
      const button = item.querySelector("button");
      button.dataset.index = index;
      button.title = `Show digit ${index + 1} of the number`;
      this.write(".name", digit, button);
      this.write(".confidence", confidence, button);
    });
    this.showDigit(this.selected < number.length ? this.selected : 0);
    document.dispatchEvent(new CustomEvent("ink-extracted", { detail: value.ink })); // sketchpad.js listens for it
  }

  /** Select a digit of the number by its button. */
  select(button) {
    if (button && Number(button.dataset.index) !== this.selected) this.showDigit(Number(button.dataset.index));
  }

  /** Show a digit of a number, or the only one. */
  showDigit(index) {
    const { number = [], aspect = 1 } = this.whole;
    const value = number[index] ?? this.whole;
    this.value = value;
    this.selected = index;
    for (const button of this.root.querySelectorAll(".number button")) {
      button.ariaPressed = String(Number(button.dataset.index) === index);
    }
    this.fill(".bars", value.bars, (item, { digit, percent, rank }) => {
      const bar = item.querySelector(".bar");
      bar.className = `bar ${rank}`;
      bar.dataset.digit = digit;
      bar.title = `Show the class activation map for ${digit}`;
      bar.querySelector(".fill").style.width = `${percent}%`;
      this.write(".name", digit, bar);
      this.write(".percent", `${percent}%`, bar);
    });
    this.root.querySelector(".model-input img").src = value.model_input;
    this.fill(".stages", value.stages, (item, { name, image }) => {
      item.querySelector("img").src = image;
      item.title = EXPLANATIONS[name];
      this.write(".name", name, item);
    });
    for (const part of [".bars", ".evidence", ".stages"]) {
      this.root.querySelector(part).classList.toggle("empty", value.state === "empty");
    }
    this.drawMap();
    const shown = { digits: number, aspect, selected: index };
    document.dispatchEvent(new CustomEvent("number-shown", { detail: shown })); // digit_boxes.js listens for it
  }

  /** Set the text of an element unless it is there already. */
  write(selector, text, parent = this.root) {
    const element = parent.querySelector(selector);
    if (element.textContent !== String(text)) element.textContent = text;
  }

  /** Give a list one copy of its template's element for each entry, and call `show` with each element, entry and index. */
  fill(selector, entries, show) {
    const list = this.root.querySelector(selector);
    const template = list.querySelector("template");
    while (list.children.length - 1 > entries.length) list.lastElementChild.remove();
    while (list.children.length - 1 < entries.length) list.append(template.content.firstElementChild.cloneNode(true));
    entries.forEach((entry, index) => show(list.children[index + 1], entry, index));
  }

  /** Show the map of a digit; null for the predicted one. */
  inspect(digit) {
    this.inspected = digit;
    this.drawMap();
  }

  drawMap() {
    const { class_activation_maps: maps, explained_digit: predicted } = this.value;
    const digit = this.inspected ?? predicted;
    const map = maps[digit] ?? Array(49).fill(0);
    // One scale for all digits, so that their maps can be compared.
    const scale = Math.max(1e-9, ...maps.flat().map(Math.abs));
    const image = new ImageData(7, 7);
    map.forEach((value, cell) => {
      const colour = value > 0 ? [255, 140, 0] : [40, 120, 255];
      image.data.set([...colour, 200 * Math.sqrt(Math.abs(value) / scale)], 4 * cell);
    });
    this.root.querySelector(".model-input canvas").getContext("2d").putImageData(image, 0, 0);
    this.write(".article", String(digit) === "8" ? "an" : "a");
    this.write(".subject", digit in maps ? digit : "digit");
  }
}

const view = new PredictionView(element);
const empty = JSON.parse(props.value);
watch("value", () => view.show(JSON.parse(props.value)));
// From sketchpad.js: there is nothing to classify, yet or at all, and the message says why.
document.addEventListener("canvas-message", ({ detail }) => view.show({ ...empty, message: detail }));
view.show(empty);
