"""What tests and benchmarks share; only `browser` needs playwright."""

from pathlib import Path

PROJECT = Path(__file__).parents[2]
