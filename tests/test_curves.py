import xml.etree.ElementTree as ElementTree

import pytest

from mnist_cnn.live import History
from mnist_cnn.ui.curves import curves_svg


def charts(history):
    return list(ElementTree.fromstring(f"<div>{curves_svg(history)}</div>"))


def points(chart, kind):
    line = next(line for line in chart.iter("polyline") if line.get("class") == kind)
    return [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]


def tick(chart, text):
    return float(next(label for label in chart.iter("text") if label.text == text).get("y"))


def test_curves_stand_where_the_axes_say():
    loss, accuracy = charts(
        History(loss=[(0, 2.5), (0.5, 1.0), (1, 0.5)], accuracy=[(0, 0.8)], test_accuracy=[(1, 0.95)])
    )
    (x0, y0), (x1, y1), (x2, y2) = points(loss, "training")
    assert (y0, y1, y2) == (tick(loss, "2.5"), tick(loss, "1.0"), tick(loss, "0.5"))
    assert x1 == pytest.approx((x0 + x2) / 2)
    assert points(accuracy, "training")[0] == (x0, tick(accuracy, "80%"))
    assert points(accuracy, "test") == [(x2, tick(accuracy, "95%"))]


def test_what_lies_outside_the_axes_is_drawn_at_their_edge():
    loss, accuracy = charts(History(loss=[(0, 9.0)], accuracy=[(0, 0.1)]))
    assert points(loss, "training")[0][1] == tick(loss, "2.5")
    assert points(accuracy, "training")[0][1] == tick(accuracy, "80%")


def test_empty_charts_have_axes_already():
    assert [chart.get("aria-label") for chart in charts(History())] == ["Loss of the batch", "Accuracy"]
