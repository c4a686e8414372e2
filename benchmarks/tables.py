"""Tables and sentences of the documents, made from the benchmarks' results.

    python -m benchmarks.tables

writes them between the markers `<!-- NAME -->` and `<!-- /NAME -->` of README.md and docs/*.md.
"""

import json
import re
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mnist_cnn.model_summary import summarize, summary_table
from mnist_cnn.models import MODELS, build_model

PROJECT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
NAMES = list(reversed(MODELS))  # of the models, the default one first
SOURCES = {  # of drawings, by the start of their file's name
    "unipen": "UniPen",
    "ipad": "iPad",
    "hamex": "French writers (CROHME, LUNAM/IRCCyN)",
    "kaist": "Korean writers (CROHME, KAIST)",
    "browser28": "public web page",
    "letters": "letters",
}


def results() -> str:
    """The main results of both models."""
    one_epoch = [_load("accuracy")[f"{name}/default"] for name in NAMES]
    threads = _load("speed")["num_threads"]
    pipelines = _load("speed")["pipelines"]
    # The last of a model and a number of threads has the precision that the recipe chooses.
    speed_rows = [[row for key, row in pipelines.items() if key.startswith(f"{name}, {threads}")][-1] for name in NAMES]
    mnist = _load("preprocessing")["accuracy"]
    sources = _load("drawings")["sources"]
    rows = {
        "parameters": [f"{row['parameters']:,}" for row in one_epoch],
        "test accuracy after one epoch, mean": [f"{row['mean']:.2f}%" for row in one_epoch],
        "the same, minimum": [f"{row['min']:.2f}% of {len(row['accuracies'])} seeds" for row in one_epoch],
        f"speedup over the reference pipeline, {threads} threads": [f"{row['speedup']:.1f}×" for row in speed_rows],
        "test accuracy of the pretrained model": _percent(mnist[name]["before"] for name in NAMES),
        f"its accuracy on drawings, validation data, mean over {len(sources)} sources": _percent(
            _source_mean(sources, name) for name in NAMES
        ),
    }
    return _table(["", *_code(NAMES)], ([name, *cells] for name, cells in rows.items()))


def accuracy() -> str:
    """Test accuracy after one epoch."""
    rows = [
        [
            f"`{row['model']}`",
            f"{row['parameters']:,}",
            row["recipe"],
            *(f"{row[key]:.2f}%" for key in ("mean", "std", "min", "max")),
            len(row["accuracies"]),
        ]
        for row in _load("accuracy").values()
    ]
    return _table(["model", "parameters", "recipe", "mean", "std", "min", "max", "seeds"], rows)


def layers() -> str:
    """The layers of both models; computed from the models, not measured."""
    tables = []
    for name in NAMES:
        rows = summary_table(summarize(build_model(name, seed=0).eval()))
        head = [f"`{name}`", "kernel", "stride", "output", "parameters", "receptive field", "multiply-adds"]
        tables.append(_table(head, rows))
    return "\n\n".join(tables)


def speed() -> str:
    """Speed of an epoch relative to the reference pipeline."""
    rows, measured = [], _load("speed")
    for pipeline, row in measured["pipelines"].items():
        name = pipeline.split(", ")[0]
        rows.append(
            [
                "reference model, recipe and pipeline" if name == "reference" else f"`{name}`, default recipe",
                row["num_threads"],
                row["precision"],
                f"{row['speedup']:.1f}×",
                f"{row['mfu']:.0%}",
                f"{row['peak_memory_bytes'] / 2**20:.0f} MiB",
            ]
        )
    head = ["pipeline", "threads", "precision", "speedup", "utilisation", "peak memory"]
    return f"{_table(head, rows)}\n\nCPU: {measured['cpu']}."


def preprocessing() -> str:
    """How exactly MNIST's own digits are reproduced."""
    counts = _load("preprocessing")
    accuracies = ", ".join(
        f"{counts['accuracy'][name]['before']:.2%} before and {counts['accuracy'][name]['after']:.2%} after ({name})"
        for name in NAMES
    )
    return (
        f"Of MNIST's {counts['digits']:,} test digits, enlarged 6 to 10 times and moved to a random position of a "
        f"canvas, {counts['within_one_grey_level']:,} are reproduced within one grey level of 255. Of the "
        f"{counts['full_scale']:,} with a pixel of 255, {counts['exact_matches']:,} are reproduced exactly; the others "
        "lost a row at the edge of MNIST's image, or have edges so sharp that their stroke width is normalised. "
        f"Accuracy: {accuracies}."
    )


def drawings() -> str:
    """Accuracy of the pretrained models on drawings, and the fraction rejected."""
    mnist, rejected = _load("preprocessing"), _load("confidence")["rejected"]["MNIST test set"]["fraction"]
    sources = _load("drawings")["sources"]

    def row(name: str, count: str, values: Iterable[float]) -> list[str]:
        return [name, count, *_percent(values)]

    accuracies = [mnist["accuracy"][name]["before"] for name in NAMES]
    rows = [row("MNIST test set, for comparison", f"{mnist['digits']:,}", [*accuracies, rejected])]
    for source in sources:
        name, metrics = source_name(source["file"]), [source["models"][name] for name in NAMES]
        accuracies = [metric["accuracy"] for metric in metrics]
        rows.append(row(name, f"{source['samples']:,}", [*accuracies, source["rejected"]]))
        donors = len(metrics[0]["by_donor"])
        if donors > 1:
            means = [metric["donor_mean"] for metric in metrics]
            rows.append([*row(f"{name}, mean over {donors} donors", "", means), ""])
    means = [*(_source_mean(sources, name) for name in NAMES), statistics.mean(row["rejected"] for row in sources)]
    rows.append(row(f"mean over the {len(sources)} sources of drawings", "", means))
    return _table(["validation data", "digits", *(f"accuracy, {name}" for name in _code(NAMES)), "rejected"], rows)


def calibration() -> str:
    """Expected calibration error of the pretrained models."""
    models = _load("confidence")["calibration"]
    rows = (
        [source_name(source), *_percent(models[name][source]["ece"] for name in NAMES)] for source in models[NAMES[0]]
    )
    return _table(["expected calibration error", *_code(NAMES)], rows)


def rejection() -> str:
    """The fraction of each kind of drawing that is rejected."""
    confidence = _load("confidence")
    rows = (
        [source_name(source), f"{row['samples']:,}", f"{row['fraction']:.2%}"]
        for source, row in confidence["rejected"].items()
    )
    return (
        f"{_table(['drawings', 'number', 'rejected'], rows)}\n\nThe area under the ROC curve of drawn digits against "
        f"letters is {confidence['roc']['roc_auc']:.3f}."
    )


def fine_tuning() -> str:
    """What fine-tuning on a few of a writer's drawings changes."""
    columns = [[row for row in _load("fine_tuning") if row["model"] == name] for name in NAMES]

    def change(rows: list[dict], before: str, after: str, worst: str) -> str:
        means = (statistics.mean(row[key] for row in rows) for key in (before, after))
        return f"{' → '.join(_percent(means))}, {worst} {min(row[after] for row in rows):.2%}"

    def others(rows: list[dict]) -> str:
        before, after = ([row[key] / row["others"] for row in rows] for key in ("others_before", "others_after"))
        worst = min(b - a for a, b in zip(before, after, strict=True))
        means = " → ".join(_percent(map(statistics.mean, (before, after))))
        return f"{means}, largest loss of a run {max(0.0, -100 * worst):.2f} points"

    def missed(rows: list[dict]) -> str:
        return " → ".join(
            f"{sum(row['others'] - row[key] for row in rows):,}" for key in ("others_before", "others_after")
        )

    def labelled(rows: list[dict]) -> str:
        return f"{sum(row['labelled_correct'] for row in rows)} of {sum(row['labelled'] for row in rows)}"

    rows: dict[str, Callable[[list[dict]], str]] = {
        "writers": lambda rows: str(len({row["writer"] for row in rows})),
        "seeds": lambda rows: str(len({row["seed"] for row in rows})),
        "labelled drawings that are correct afterwards": labelled,
        "other drawings of the writer, mean accuracy": others,
        "their errors": missed,
        "MNIST validation accuracy": lambda rows: change(rows, "mnist_before", "mnist_after", "min"),
        "letters rejected": lambda rows: change(rows, "letters_before", "letters_after", "min"),
    }
    return _table(["", *_code(NAMES)], ([name, *map(cell, columns)] for name, cell in rows.items()))


def conditions() -> str:
    """Accuracy at other stroke widths, sizes, positions and colours."""
    rows = (
        [row["name"], *_percent(row["accuracy"][name] for name in NAMES)] for row in _load("drawings")["conditions"]
    )
    return _table(["condition", *_code(NAMES)], rows)


def preprocessing_stages() -> str:
    """Accuracy as preprocessing is assembled."""
    rows: dict[str, list[str]] = {}
    stages = _load("drawings")["stages"]
    for row in stages:  # condition by condition
        rows.setdefault(row["name"], []).extend(_percent(row["accuracy"][name] for name in NAMES))
    head = [
        f"{name}, {condition}"
        for condition in dict.fromkeys(row["condition"] for row in stages)
        for name in _code(NAMES)
    ]
    return _table(["stages up to", *head], ([name, *cells] for name, cells in rows.items()))


def photos() -> str:
    """Accuracy on synthetic photos."""
    rows: dict[str, list[str]] = {}
    measured = _load("photos")
    for row in measured:  # file by file
        rows.setdefault(row["name"], []).extend(f"{row['accuracy'][name]:.1%}" for name in NAMES)
    for row in measured[: len(rows)]:
        rows[row["name"]].append(f"{row['blank_sheets']:.0%}")
    files = dict.fromkeys(row["file"] for row in measured)
    head = ["photo", *(f"{source_name(file)}, {name}" for file in files for name in _code(NAMES))]
    return _table([*head, "blank sheets recognised as blank"], ([name, *cells] for name, cells in rows.items()))


def files() -> str:
    """Outcomes for image files as people make them."""
    measured, model = _load("files"), NAMES[0]
    outcomes = list(measured["kinds"][0]["outcomes"][model])
    rows = (
        [row["name"], f"{row['outcomes'][model]['correct'] / row['files']:.1%}", *row["outcomes"][model].values()]
        for row in measured["kinds"]
    )
    blank = ([row["name"], f"{row['blank']} of {row['files']}"] for row in measured["blank"])
    return (
        f"{_table([f'file, `{model}`', 'accuracy', *outcomes], rows)}\n\n"
        f"{_table(['blank page', 'recognised as blank'], blank)}"
    )


def numbers() -> str:
    """Numbers that are classified correctly, and what else is predicted as several digits."""
    measured = _load("numbers")
    rows: dict[str, list[str]] = {}
    for row in measured["numbers"]:  # by length
        rows.setdefault(row["name"], []).append(f"{row['outcomes']['correct'] / sum(row['outcomes'].values()):.1%}")
    lengths = dict.fromkeys(f"{row['digits']} digits" for row in measured["numbers"])
    others = (
        [
            source_name(row["name"]),
            f"{row['drawings']:,}",
            f"{row['several'] / row['drawings']:.2%}",
        ]
        for row in measured["others"]
    )
    touching = measured["touching"]["outcomes"]
    return (
        f"{_table(['whole numbers correct', *lengths], ([name, *cells] for name, cells in rows.items()))}\n\n"
        f"{sum(measured['numbers'][0]['outcomes'].values())} numbers of each length and kind. Of "
        f"{sum(touching.values())} drawings of two digits that touch, {touching['rejected']} are rejected, "
        f"{touching['correct']} classified correctly and {touching['misclassified']} misclassified.\n\n"
        f"{_table(['drawings of one digit or none', 'number', 'predicted as several digits'], others)}"
    )


def ui_overhead() -> str:
    """Duration of an epoch on the page relative to the command line."""
    overhead = _load("ui_overhead")
    rounds = overhead["rounds"]
    updates = statistics.median(row["updates_per_second"] for row in rounds)
    return (
        f"An epoch of net-25k on the page takes {overhead['ratio']:.2f} times as long as by `train.py`, with browser "
        f"and server on the same two cores (ratio of the medians of {len(rounds)} epochs each, in turn) and "
        f"{updates:.0f} updates a second. Both end at a test accuracy of {rounds[0]['test_accuracy']:.2f}%."
    )


def latency() -> str:
    """Latency of the page's predictions, alone and while another user trains."""
    alone, training = _load("latency"), _load("latency_while_training")

    def percentiles(measured: dict[str, Any]) -> str:
        return f"{measured['latency_ms']['p50']:.0f} ms (p50) and {measured['latency_ms']['p95']:.0f} ms (p95)"

    rate, rate_training = (measured["predictions_per_second"]["p50"] for measured in (alone, training))
    return (
        f"From pen-up to the final prediction the page takes {percentiles(alone)}, and while another user trains "
        f"{percentiles(training)}. During a stroke it updates the prediction {rate:.0f} times a second, and "
        f"{rate_training:.0f} times while another user trains ({alone['drawings']} drawings in headless Chromium on "
        "the same two cores)."
    )


def time_to_interactive() -> str:
    """Time until the page can be drawn on."""
    measured = _load("time_to_interactive")
    loads = measured["loads"]
    canvas, prediction = (
        statistics.median(load[key] for load in loads) / 1000 for key in ("canvas_ms", "prediction_ms")
    )
    return (
        f"The canvas takes strokes {canvas:.1f} s after the page's first byte, and the first drawing is classified "
        f"{prediction:.1f} s after it (median of {len(loads)} page loads; {_machine(measured)}, shared by server and "
        "browser)."
    )


def load_test() -> str:
    """Latency and throughput with many users."""
    measured = _load("load_test")
    rows = (
        [
            f"{row['offered_rps']:.0f}",
            "yes" if row["training"] else "no",
            f"{row['served_rps']:.0f}",
            f"{row['p50_ms']:.0f} ms",
            f"{row['p95_ms']:.0f} ms",
            row["skipped"],
            row["errors"],
        ]
        for row in measured["rows"]
    )
    head = ["drawings offered a second", "one user trains", "served a second", "p50", "p95", "skipped", "errors"]
    return (
        f"{_table(head, rows)}\n\n{measured['users']} users for {measured['seconds']:.0f} s each, "
        "with the pen down for seven of eight drawings; "
        f"{_machine(measured)}. Above the capacity of the cores, the page skips drawings: it sends the next when it "
        "has the prediction of the last."
    )


def soak() -> str:
    """What sessions leave behind."""
    measured = _load("soak")
    states = measured["states"]
    first, last = states[0], states[-1]
    # After as many sessions again, the app remembers none of those that only drew.
    steady = [state["memory"] for state in states if state["sessions"] >= 2 * first["sessions"]]
    threads = [state["threads"] for state in states]
    return (
        f"After {first['sessions']:,} sessions, more than the app remembers, most of which only drew, "
        f"{last['sessions'] - first['sessions']:,} others followed in {measured['minutes']:.0f} minutes, one in ten of "
        f"which trained. The memory was {first['memory']:,.0f} MiB, {steady[0]:,.0f} MiB once these had replaced all "
        f"remembered sessions, and from there on {min(steady):,.0f} to {max(steady):,.0f} MiB, with {max(threads)} "
        f"threads at most. {last['files']} temporary files were waiting to be deleted, one for each uploaded "
        "image and three for each training run."
    )


def siege() -> str:
    """What attacks cost others."""
    measured = _load("siege")
    rows = (
        [
            row["attack"],
            f"{row['requests']:,}",
            f"{row['p50_ms']:.0f} ms",
            f"{row['p95_ms']:,.0f} ms",
            row["errors"],
            "yes" if row["trained"] else "no",
            f"{row['memory_mib']:,} MiB",
            f"{row['disk_mib']:,} MiB",
        ]
        for row in measured["rows"]
    )
    head = ["attack", "requests", "p50", "p95", "errors", "run ended well", "maximum memory", "disk"]
    return (
        f"{_table(head, rows)}\n\nEach attack comes from one address with 20 connections for "
        f"{measured['seconds']:.0f} s, while {measured['users']} users draw once a second and one trains; "
        f"{measured['cores']} cores. p50, p95 and errors are those of the users' predictions."
    )


def cold_start() -> str:
    """Time until a Space serves."""
    rows = []
    for hardware, measured in _load("cold_start").items():
        starts = measured["starts"]
        page, cpu, first, later = (
            statistics.median(start[key] for start in starts)
            for key in ("first_page_s", "first_page_cpu_s", "first_ms", "later_ms")
        )
        rows.append(
            f"| {_HARDWARE[hardware]} | {measured['python']} | {measured['torch']} | {page:.1f} s | {cpu:.1f} s | "
            f"{first:.0f} ms | {later:.0f} ms | {measured['load_average']:.1f} |"
        )
    header = "| Space | Python | torch | first page | its CPU time | first prediction | later ones | load average |"
    return "\n".join((header, "|---" * 8 + "|", *rows))


SECTIONS = {
    section.__name__.replace("_", " "): section
    for section in (
        results,
        accuracy,
        speed,
        drawings,
        layers,
        calibration,
        rejection,
        fine_tuning,
        preprocessing,
        conditions,
        preprocessing_stages,
        photos,
        files,
        numbers,
        ui_overhead,
        latency,
        time_to_interactive,
        load_test,
        soak,
        siege,
        cold_start,
    )
}

_HARDWARE = {"zero-a10g": "free, on ZeroGPU", "cpu-basic": "paid, on cpu-basic"}


def filled(text: str) -> str:
    """`text` with the content of each section between its markers."""

    def fill(match: re.Match) -> str:
        name = match[1]
        return f"<!-- {name} -->\n{SECTIONS[name]()}\n<!-- /{name} -->"

    return re.sub(rf"<!-- ({'|'.join(SECTIONS)}) -->\n.*?<!-- /\1 -->", fill, text, flags=re.DOTALL)


def main() -> None:
    """Fill the sections of all documents."""
    for path in (PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))):
        text = path.read_text(encoding="utf-8")
        if filled(text) != text:
            path.write_text(filled(text), encoding="utf-8")


def _load(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def _table(head: list[str], rows: Iterable[list]) -> str:
    lines = [f"| {' | '.join(map(str, cells))} |" for cells in [head, *rows]]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def _percent(fractions: Iterable[float]) -> list[str]:
    return [f"{fraction:.2%}" for fraction in fractions]


def _code(names: list[str]) -> list[str]:
    return [f"`{name}`" for name in names]


def source_name(name: str) -> str:
    """What a table calls a file of drawings, or a kind of drawing."""
    return SOURCES.get(name.split("_")[0], name)


def _source_mean(sources: list[dict], model: str) -> float:
    """A model's accuracy, mean over the sources of drawings, 0 to 1."""
    return statistics.mean(row["models"][model]["accuracy"] for row in sources)


def _machine(measured: dict[str, Any]) -> str:
    return f"{measured['cores']} cores, load average {measured['load_average']:.1f}"


if __name__ == "__main__":
    main()
