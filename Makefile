PYTHON ?= python3
BIN := .venv/bin

.PHONY: app space test test-slow test-all test-isa lint

app: .venv/installed
	$(BIN)/python app.py

# make space NAME=USER/SPACE [HARDWARE=cpu-basic] [TORCH_INDEX=ADDRESS] [DRY_RUN=1]; docs/deployment.md explains them.
space: .venv/installed
	$(BIN)/python -m deploy.space $(NAME) $(if $(HARDWARE),--hardware $(HARDWARE)) \
	  $(if $(TORCH_INDEX),--torch-index $(TORCH_INDEX)) $(if $(DRY_RUN),--dry-run)

# Two files at a time, as most tests wait for a process or a browser that uses one core.
test: .venv/installed-dev
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

# The slow tests, and ten times as many examples for each property that hypothesis tests.
test-slow: .venv/installed-dev
	$(BIN)/python -m pytest -m "slow or hypothesis" --hypothesis-profile=deep -n 2 --dist loadfile

test-all: .venv/installed-dev
	$(BIN)/python -m pytest --hypothesis-profile=deep

# The tests that train or compare floats, with the instructions of other CPUs and with more threads.
test-isa: .venv/installed-dev
	for threads in 1 2; do for aten in default avx2 ""; do for onednn in SSE41 AVX2 ALL; do \
	  echo "ATen: $${aten:-best}, oneDNN: $$onednn, threads: $$threads"; \
	  env $${aten:+ATEN_CPU_CAPABILITY=$$aten} ONEDNN_MAX_CPU_ISA=$$onednn TEST_NUM_THREADS=$$threads \
	    $(BIN)/python -m pytest -q -n 2 -m "not slow" --ignore=tests/e2e --ignore=tests/ui || exit; \
	done; done; done

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/oxlint --deny-warnings mnist_cnn/ui
	$(BIN)/hadolint deploy/Dockerfile
	find mnist_cnn/ui -name "*.pyi" -delete  # which Gradio wrote, and mypy would read in place of the code
	$(BIN)/mypy

.venv/installed: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -r requirements.txt
	touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(BIN)/python -m pip install -r requirements-dev.txt
	touch $@
