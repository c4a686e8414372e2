PYTHON ?= python3
BIN := .venv/bin

.PHONY: app test lint

app: .venv/installed
	$(BIN)/python app.py

test: .venv/installed-dev
	$(BIN)/python -m pytest

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/oxlint --deny-warnings mnist_cnn/ui
	find mnist_cnn/ui -name "*.pyi" -delete  # which Gradio wrote, and mypy would read in place of the code
	$(BIN)/mypy

.venv/installed: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -r requirements.txt
	touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(BIN)/python -m pip install -r requirements-dev.txt
	touch $@
