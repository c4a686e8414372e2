"""The README's tables, made from the benchmarks' JSON.

    python -m benchmarks.tables

writes them between the README's markers `<!-- NAME -->` and `<!-- /NAME -->`.
"""

import json
import re
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
RESULTS = Path(__file__).parent / "results"


def one_epoch() -> str:
    """Test accuracy after one epoch."""
    results = _results("one_epoch")
    lines = [
        "| network | parameters | recipe | mean | sd | worst | best | seeds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in results.values():
        figures = " | ".join(f"{row[key]:.2f}%" for key in ("mean", "sd", "worst", "best"))
        lines.append(
            f"| `{row['model']}` | {row['parameters']:,} | {row['recipe']} | {figures} | {len(row['accuracies'])} |"
        )
    return "\n".join(lines)


def speed() -> str:
    """Time of an epoch beside the reference pipeline."""
    results = _results("speed")
    lines = ["| pipeline | times as fast | share of the matmul rate | peak memory |", "|---|---|---|---|"]
    for name, row in results["pipelines"].items():
        pipeline = "the reference network, recipe and pipeline" if name == "reference" else f"`{name}`, our recipe"
        lines.append(
            f"| {pipeline} | {row['times_as_fast']:.1f} | {row['share_of_matmul_rate']:.0%} "
            f"| {row['peak_memory_bytes'] / 2**20:.0f} MiB |"
        )
    return "\n".join(lines)


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
        f"bit; the others had lost a row at MNIST's edge. {accuracies}."
    )


SECTIONS = {"one epoch": one_epoch, "speed": speed, "preprocessing": preprocessing}


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
