// What a network read. Gradio runs this file as the body of a function with `element`, `props` and `watch` in scope.

/**
 * Lays the evidence for one digit over the picture that the network saw: a map of 7×7 numbers whose mean is the
 * digit's logit. Shown is the digit that was read, or the one whose bar is pointed at or has the focus.
 */
class EvidenceView {
  /**
   * @param {HTMLElement} root holds the bars and the canvas of reading.html
   * @param {() => number[][]} evidence gives the current maps, one for each digit, rows one after the other
   * @param {() => string} winner gives the digit that was read, "" for none
   */
  constructor(root, evidence, winner) {
    this.root = root;
    this.evidence = evidence;
    this.winner = winner;
    this.asked = null; // the digit that is pointed at

    const bars = root.querySelector(".bars");
    for (const kind of ["pointerover", "focusin"]) {
      bars.addEventListener(kind, (event) => this.ask(event.target.closest(".bar")?.dataset.digit ?? null));
    }
    for (const kind of ["pointerleave", "focusout"]) bars.addEventListener(kind, () => this.ask(null));
  }

  ask(digit) {
    this.asked = digit;
    this.draw();
  }

  draw() {
    const digit = this.asked ?? this.winner();
    const map = this.evidence()[digit] ?? Array(49).fill(0);
    // One scale for all digits, so that the maps can be compared.
    const scale = Math.max(1e-9, ...this.evidence().flat().map(Math.abs));
    const picture = new ImageData(7, 7);
    map.forEach((value, cell) => {
      const colour = value > 0 ? [255, 140, 0] : [40, 120, 255];
      picture.data.set([...colour, 200 * Math.sqrt(Math.abs(value) / scale)], 4 * cell);
    });
    this.root.querySelector("canvas").getContext("2d").putImageData(picture, 0, 0);
    this.root.querySelector(".subject").textContent = digit === "" ? "digit" : digit;
  }
}

const view = new EvidenceView(
  element,
  () => props.value.evidence,
  () => props.value.digit,
);
watch("value", () => view.draw());
