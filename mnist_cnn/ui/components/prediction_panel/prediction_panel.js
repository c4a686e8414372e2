// What a network read. Gradio runs this file as the body of a function with `element`, `props` and `watch` in scope.

/**
 * Shows a value of `reading_value`, and lays the evidence for one digit over the picture that the network saw: a map of
 * 7×7 numbers whose mean is the digit's logit. That digit is the one that was read, or the one whose bar is pointed at
 * or has the focus.
 *
 * The elements stay and only what differs in them is changed: nothing flickers, focus and pointer keep their bar, and
 * it is far quicker than making the elements anew.
 */
class ReadingView {
  /** @param {HTMLElement} root holds the elements of reading.html */
  constructor(root) {
    this.root = root;
    this.asked = null; // the digit that is pointed at

    const bars = root.querySelector(".bars");
    for (const kind of ["pointerover", "focusin"]) {
      bars.addEventListener(kind, (event) => this.ask(event.target.closest(".bar")?.dataset.digit ?? null));
    }
    for (const kind of ["pointerleave", "focusout"]) bars.addEventListener(kind, () => this.ask(null));
    // Safari gives no button that is pressed the focus, and a finger that was lifted points at nothing.
    bars.addEventListener("click", (event) => event.target.closest(".bar")?.focus());
  }

  show(value) {
    this.value = value;
    this.write(".verdict .digit", value.digit);
    this.write(".verdict .words", value.words);
    this.fill(".bars", value.bars, (item, { digit, percent, rank }) => {
      const bar = item.querySelector(".bar");
      bar.className = `bar ${rank}`;
      bar.dataset.digit = digit;
      bar.title = `Show the evidence for ${digit}`;
      bar.querySelector(".fill").style.width = `${percent}%`;
      this.write(".name", digit, bar);
      this.write(".percent", `${percent}%`, bar);
    });
    this.root.querySelector(".seen img").src = value.image;
    this.fill(".steps", value.steps, (item, { name, image }) => {
      item.querySelector("img").src = image;
      this.write(".name", name, item);
    });
    this.fill(".networks tbody", value.networks, (row, { rank, ...texts }) => {
      row.className = rank;
      for (const [name, text] of Object.entries(texts)) this.write(`.${name}`, text, row);
    });
    for (const part of [".bars", ".evidence", ".steps"]) {
      this.root.querySelector(part).classList.toggle("empty", value.state === "empty");
    }
    this.overlay();
  }

  /** Put a text into an element, and touch nothing where it is there already. */
  write(selector, text, parent = this.root) {
    const element = parent.querySelector(selector);
    if (element.textContent !== String(text)) element.textContent = text;
  }

  /** Give a list as many of its template's elements as there are entries, and each to `show` with its entry. */
  fill(selector, entries, show) {
    const list = this.root.querySelector(selector);
    const template = list.querySelector("template");
    while (list.children.length - 1 > entries.length) list.lastElementChild.remove();
    while (list.children.length - 1 < entries.length) list.append(template.content.firstElementChild.cloneNode(true));
    entries.forEach((entry, index) => show(list.children[index + 1], entry));
  }

  ask(digit) {
    this.asked = digit;
    this.overlay();
  }

  overlay() {
    const { evidence, digit: winner } = this.value;
    const digit = this.asked ?? winner;
    const map = evidence[digit] ?? Array(49).fill(0);
    // One scale for all digits, so that the maps can be compared.
    const scale = Math.max(1e-9, ...evidence.flat().map(Math.abs));
    const picture = new ImageData(7, 7);
    map.forEach((value, cell) => {
      const colour = value > 0 ? [255, 140, 0] : [40, 120, 255];
      picture.data.set([...colour, 200 * Math.sqrt(Math.abs(value) / scale)], 4 * cell);
    });
    this.root.querySelector(".seen canvas").getContext("2d").putImageData(picture, 0, 0);
    this.write(".article", String(digit) === "8" ? "an" : "a");
    this.write(".subject", digit in evidence ? digit : "digit");
  }
}

const view = new ReadingView(element);
const show = () => view.show(JSON.parse(props.value));
watch("value", show);
show();
