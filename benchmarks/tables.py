"""The README's tables, made from the benchmarks' JSON.

    python -m benchmarks.tables

writes them between the README's markers `<!-- NAME -->` and `<!-- /NAME -->`.
"""

import json
import re
import statistics
from pathlib import Path
from typing import Any

README = Path(__file__).parent.parent / "README.md"
RESULTS = Path(__file__).parent / "results"


def one_epoch() -> str:
    """Test accuracy after one epoch."""
    results = _results("one_epoch")
    body = []
    for row in results.values():
        figures = [f"{row[key]:.2f}%" for key in ("mean", "sd", "worst", "best")]
        name, seeds = f"`{row['model']}`", str(len(row["accuracies"]))
        body.append([name, f"{row['parameters']:,}", row["recipe"], *figures, seeds])
    return _table(["network", "parameters", "recipe", "mean", "sd", "worst", "best", "seeds"], body)


def speed() -> str:
    """Time of an epoch beside the reference pipeline."""
    results = _results("speed")
    body = []
    for key, row in results["pipelines"].items():
        name = key.split(", ")[0]
        pipeline = "the reference network, recipe and pipeline" if name == "reference" else f"`{name}`, our recipe"
        share, memory = f"{row['share_of_matmul_rate']:.0%}", f"{row['peak_memory_bytes'] / 2**20:.0f} MiB"
        body.append([pipeline, str(row["threads"]), f"{row['times_as_fast']:.1f}", share, memory])
    return _table(["pipeline", "threads", "times as fast", "share of the matmul rate", "peak memory"], body)


def preprocessing() -> str:
    """How exactly MNIST's own digits come back."""
    results = _results("preprocessing")
    accuracies = ", ".join(
        f"{name} reads {figures['before']:.2%} of them before and {figures['after']:.2%} after"
        for name, figures in results["accuracy"].items()
    )
    return (
        f"MNIST's {results['digits']:,} test digits, enlarged 6 to 10 times and put anywhere on a canvas, come back "
        f"within one grey level of 255 in {results['within_one_grey_level']:,} cases. Of the "
        f"{results['with_full_ink']:,} that reach full ink, {results['with_full_ink_bit_for_bit']:,} come back bit for "
        f"bit; the others had lost a row at MNIST's edge, or are so sharp that their pen is evened. {accuracies}."
    )


def drawings() -> str:
    """What the shipped weights read."""
    nominal = {(row["file"], row["model"]): row for row in _results("drawings")["nominal"]}
    errors, mnist = _results("confidence")["calibration"], _results("preprocessing")["accuracy"]
    names = list(errors)[::-1]
    files = list(dict.fromkeys(file for file, _ in nominal))

    def share(number: float) -> str:
        return f"{number:.2%}"

    rows = {"MNIST's test set, read right": [share(mnist[name]["before"]) for name in names]}
    for file in files:
        source, first = _source(file), nominal[file, names[0]]
        rows[f"{source}, {first['samples']:,} drawn digits, read right"] = [
            share(nominal[file, name]["accuracy"]) for name in names
        ]
        if len(first["by_donor"]) > 1:
            rows[f"{source}, mean over {len(first['by_donor'])} donors"] = [
                share(nominal[file, name]["mean_over_donors"]) for name in names
            ]
    for source in errors[names[0]]:
        rows[f"{_source(source)}, expected calibration error"] = [
            share(errors[name][source]["error"]) for name in names
        ]
    return _table(["", *(f"`{name}`" for name in names)], [[name, *cells] for name, cells in rows.items()])


def refused() -> str:
    """What is said to be no digit."""
    results = _results("confidence")
    body = [
        [_source(source), f"{row['drawings']:,}", f"{row['share']:.2%}"] for source, row in results["refused"].items()
    ]
    return (
        _table(["drawings", "how many", "refused as no digit"], body)
        + f"\n\nDrawn digits against letters: an area of {results['roc']['area']:.3f} under the ROC curve."
    )


def conditions() -> str:
    """Accuracy with other pens, sizes, places and colours."""
    rows = _of_first_file("conditions")
    names = list(rows[0]["accuracy"])[::-1]
    body = [[row["name"], *(f"{row['accuracy'][name]:.2%}" for name in names)] for row in rows]
    return _table(["drawn", *(f"`{name}`" for name in names)], body)


def steps() -> str:
    """Accuracy with more and more of preprocessing."""
    rows = _of_first_file("steps")
    names = list(rows[0]["accuracy"])[::-1]
    places = list(dict.fromkeys(row["condition"] for row in rows))
    body: dict[str, list[str]] = {}
    for row in rows:  # place by place
        body.setdefault(row["name"], []).extend(f"{row['accuracy'][name]:.2%}" for name in names)
    head = [f"`{name}`, {place}" for place in places for name in names]
    return _table(["preprocessing, each with all above", *head], [[name, *cells] for name, cells in body.items()])


def photos() -> str:
    """Accuracy on photos of pen on paper."""
    rows = _results("photos")
    names = list(rows[0]["accuracy"])[::-1]
    files = list(dict.fromkeys(row["file"] for row in rows))
    body: dict[str, list[str]] = {}
    for row in rows:  # file by file
        body.setdefault(row["name"], []).extend(f"{row['accuracy'][name]:.1%}" for name in names)
    for row in rows[: len(body)]:
        body[row["name"]].append(f"{row['blank_sheets']:.0%}")
    head = [f"{_source(file)}, `{name}`" for file in files for name in names]
    return _table(["photo", *head, "blank sheets said to be"], [[name, *cells] for name, cells in body.items()])


def watched_epoch() -> str:
    """What watching costs."""
    results = _results("watched_epoch")
    rounds = results["rounds"]
    updates = statistics.median(row["updates_per_second"] for row in rounds)
    return (
        f"An epoch of `net-25k` on the page takes {results['times_as_long']:.2f} times as long as by `train.py`, "
        f"browser and server on the same two cores (median of {len(rounds)} each, in turn), with {updates:.0f} updates "
        f"a second; both end at {rounds[0]['accuracy']}."
    )


def latency() -> str:
    """How soon the page reads, alone and beside a training."""
    alone, beside = _results("latency"), _results("latency_while_training")

    def words(results: dict[str, Any]) -> str:
        figures = results["pen_up_to_settled_ms"]
        return f"{figures['p50']:.0f} ms (p50) and {figures['p95']:.0f} ms (p95)"

    return (
        f"From pen-up to the settled reading the page takes {words(alone)}, and while another visitor trains "
        f"{words(beside)}; during a stroke it reads {alone['predictions_per_second']['p50']:.0f} and "
        f"{beside['predictions_per_second']['p50']:.0f} times a second ({alone['drawings']} drawings in headless "
        "Chromium on the same two cores)."
    )


def ready() -> str:
    """How soon the page can be drawn on."""
    results = _results("ready")
    visits = results["visits"]

    def median(key: str) -> float:
        return statistics.median(visit[key] for visit in visits) / 1000

    return (
        f"The pad takes strokes {median('pad_ms'):.1f} s after the page's first byte, and the first drawing is read "
        f"{median('reading_ms'):.1f} s after it (median of {len(visits)} visits, load average "
        f"{results['load_average']:.1f} on {results['cores']} cores, which server and browser share)."
    )


def load() -> str:
    """What many visitors get."""
    results = _results("load")
    body = [
        [
            f"{row['asked_per_second']:.0f}",
            "yes" if row["training"] else "no",
            f"{row['read_per_second']:.0f}",
            f"{row['p50_ms']:.0f} ms",
            f"{row['p95_ms']:.0f} ms",
            str(row["errors"]),
        ]
        for row in results["rows"]
    ]
    head = ["drawings a second", "one trains", "read a second", "p50", "p95", "errors"]
    return (
        f"{_table(head, body)}\n\n{results['visitors']} visitors, {results['cores']} cores, load average "
        f"{results['load_average']:.1f} at the end. Beyond what the cores hold a pad leaves drawings out: it sends the "
        "next when the last is read."
    )


def soak() -> str:
    """What is left of visitors who came and went."""
    results = _results("soak")
    first, last = results["states"][0], results["states"][-1]
    # As many visits later, none that the app keeps is one of those that only drew.
    steady = [state["memory"] for state in results["states"] if state["visits"] >= 2 * first["visits"]]
    threads = [state["threads"] for state in results["states"]]
    return (
        f"After {first['visits']:,} visits, more than the app keeps, most of which only drew, "
        f"{last['visits'] - first['visits']:,} others came and went in {results['minutes']:.0f} minutes, one in ten of "
        f"which trained. Its memory was {first['memory']:,.0f} MiB, {steady[0]:,.0f} MiB once those had taken the "
        f"place of all that it kept, and from there on {min(steady):,.0f} to {max(steady):,.0f} MiB; its threads were "
        f"{min(threads)} to {max(threads)}. {last['files']} temporary files, one for each picture sent and three for "
        "each run, waited for their end."
    )


def space() -> str:
    """How soon a Space serves."""
    results = _results("space")
    starts = results["starts"]

    def median(key: str) -> float:
        return statistics.median(start[key] for start in starts)

    return (
        f"Started as a Space does, in a folder that cannot be written to, the first page is there after "
        f"{median('first_page_s'):.1f} s (median of {len(starts)} starts, load average {results['load_average']:.1f} "
        f"on {results['cores']} cores); the first reading takes {median('first_ms'):.0f} ms, those after it "
        f"{median('later_ms'):.0f} ms."
    )


def _of_first_file(key: str) -> list[dict]:
    rows = _results("drawings")[key]
    return [row for row in rows if row["file"] == rows[0]["file"]]


def _table(head: list[str], body: list[list[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in [head, *body]]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def _source(name: str) -> str:
    """What a table calls a stroke file, or a kind of drawing."""
    return {"unipen": "UniPen", "ipad": "iPad", "letters": "letters"}.get(name.split("_")[0], name)


SECTIONS = {
    "one epoch": one_epoch,
    "speed": speed,
    "preprocessing": preprocessing,
    "drawings": drawings,
    "refused": refused,
    "conditions": conditions,
    "steps": steps,
    "photos": photos,
    "watched epoch": watched_epoch,
    "latency": latency,
    "ready": ready,
    "load": load,
    "soak": soak,
    "space": space,
}


def filled(text: str) -> str:
    """`text` with every section between its markers made anew."""

    def remade(match: re.Match) -> str:
        name = match[1]
        return f"<!-- {name} -->\n{SECTIONS[name]()}\n<!-- /{name} -->"

    return re.sub(rf"<!-- ({'|'.join(SECTIONS)}) -->\n.*?<!-- /\1 -->", remade, text, flags=re.DOTALL)


def _results(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
