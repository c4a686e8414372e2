"""One digit of each class, drawn for this project: strokes of (x, y) points, in units of the canvas's side."""

import math


def _arc(x, y, rx, ry, start, end, n=12):
    """Points on an ellipse; angles in degrees, clockwise from three o'clock as the y axis points down."""
    angles = [math.radians(start + (end - start) * i / n) for i in range(n + 1)]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles]


DIGITS = {
    0: [_arc(0.5, 0.5, 0.18, 0.28, -80, 285)],
    1: [[(0.52, 0.2), (0.5, 0.5), (0.48, 0.8)]],
    2: [[*_arc(0.5, 0.37, 0.17, 0.17, -170, 40), (0.33, 0.78), (0.7, 0.78)]],
    3: [[*_arc(0.48, 0.35, 0.16, 0.15, -150, 90), *_arc(0.48, 0.65, 0.19, 0.16, -90, 150)]],
    4: [[(0.42, 0.2), (0.33, 0.52), (0.68, 0.52)], [(0.62, 0.22), (0.58, 0.8)]],
    5: [[(0.66, 0.22), (0.4, 0.22), (0.38, 0.46), *_arc(0.47, 0.62, 0.18, 0.17, -100, 140)]],
    6: [[(0.58, 0.2), (0.42, 0.42), *_arc(0.5, 0.64, 0.15, 0.15, -170, 200)]],
    7: [[(0.33, 0.22), (0.68, 0.22), (0.46, 0.8)]],
    8: [[*_arc(0.5, 0.36, 0.13, 0.14, 90, 450), *_arc(0.5, 0.65, 0.16, 0.15, -90, 270)]],
    9: [[*_arc(0.48, 0.37, 0.15, 0.15, 0, -360), (0.62, 0.5), (0.55, 0.8)]],
}
