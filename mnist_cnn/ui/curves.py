"""A run's curves as SVG: about a millisecond an update, where plotting libraries take ten to a hundred."""

from collections.abc import Sequence

import gradio as gr

from ..live import History
from .assets import component_files

_WIDTH, _HEIGHT = 360, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 26, 30  # margins around the plot

Points = Sequence[tuple[float, float]]


class Curves(gr.HTML):
    """Shows what `curves_svg` draws."""

    def __init__(self, **kwargs) -> None:
        super().__init__(value=curves_svg(History()), **component_files("curves"), **kwargs)


def curves_svg(history: History) -> str:
    """Two charts over the course of a run: the loss, and the accuracy in training and on the test set.

    The axes never change, so that nothing jumps; what lies outside them is drawn at their edge.
    """
    loss = _chart(
        "Loss of the batch", [0, 0.5, 1, 1.5, 2, 2.5], "{:.1f}", [("training", "training", history.loss)], goal=None
    )
    accuracy = _chart(
        "Accuracy",
        [0.8, 0.85, 0.9, 0.95, 1],
        "{:.0%}",
        [("training", "training", history.accuracy), ("test", "test", history.test_accuracy)],
        goal=0.95,
    )
    return loss + accuracy


def _chart(
    title: str, ticks: Sequence[float], tick_format: str, series: list[tuple[str, str, Points]], goal: float | None
) -> str:
    low, high = ticks[0], ticks[-1]

    def x(share: float) -> str:
        return f"{_LEFT + share * (_WIDTH - _LEFT - _RIGHT):.1f}"

    def y(value: float) -> str:
        share = (min(max(value, low), high) - low) / (high - low)
        return f"{_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM):.1f}"

    parts = [f'<text class="title" x="{_LEFT}" y="14">{title}</text>']
    for tick in ticks:
        kind = "goal" if tick == goal else "grid"
        parts.append(f'<line class="{kind}" x1="{x(0)}" x2="{x(1)}" y1="{y(tick)}" y2="{y(tick)}"/>')
        label = tick_format.format(tick)
        parts.append(f'<text x="{_LEFT - 6}" y="{y(tick)}" text-anchor="end" dominant-baseline="middle">{label}</text>')
    for share in (0, 0.5, 1):
        anchor = {0: "start", 0.5: "middle", 1: "end"}[share]
        label = f"{share:.0%} of the run" if share == 1 else f"{share:.0%}"
        parts.append(f'<text x="{x(share)}" y="{_HEIGHT - 12}" text-anchor="{anchor}">{label}</text>')
    for number, (label, kind, points) in enumerate(series):
        legend = _WIDTH - _RIGHT - 80 * (len(series) - number) + 12
        parts.append(f'<line class="{kind}" x1="{legend}" x2="{legend + 16}" y1="10" y2="10"/>')
        parts.append(f'<text x="{legend + 20}" y="14">{label}</text>')
        line = " ".join(f"{x(at)},{y(value)}" for at, value in points)
        parts.append(f'<polyline class="{kind}" points="{line}"/>')
        if kind == "test":
            parts += [f'<circle class="{kind}" cx="{x(at)}" cy="{y(value)}" r="2.5"/>' for at, value in points]
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{title}">{"".join(parts)}</svg>'
