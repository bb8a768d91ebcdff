# Every command of the project. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: help install demo test check format bench crash points journeys screenshots lock clean
.DEFAULT_GOAL := help

help: ## List these commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: .venv/.installed ## Make .venv with playcall in its bin; install missing Debian packages when root

.venv/.installed: requirements.lock pyproject.toml bin/install
	@PYTHON=$(PYTHON) bin/install

demo: install ## Break a real service, get paged, approve the remedy, read the post-mortem (ARGS=--hands-off)
	@$(BIN)/playcall demo $(ARGS)

check: install ## Format, lint, strict types, and the import rule
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest tests/test_arrows.py

# Most of a test's time is waiting: three workers keep two processors busy, and more would make those
# late that are judged by their speed. A worker that dies fails the run. One by one: ARGS='-n 0'.
test: install check ## Everything that continuous integration runs
	$(BIN)/pytest -n 3 --no-loadscope-reorder --max-worker-restart 0 $(ARGS)

format: install ## Rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install ## Measure speed beside peers, in one run
	$(BIN)/python -m bench $(ARGS)

crash: install ## Fifty rounds of SIGKILL at random moments (ARGS='--rounds 200 --seed 7')
	$(BIN)/python -m tests.drills.crash --rounds 50 $(ARGS)

points: install ## SIGKILL at every point of a command's life, 200 rounds of 14 (ARGS='--seed 7')
	$(BIN)/python -m tests.drills.crash --points --rounds 200 $(ARGS)

journeys: install ## Whole incidents and every page in each size, theme and way, in a real browser
	$(BIN)/pytest -n 2 tests/web/test_journeys.py tests/web/test_every_page.py --every-combination $(ARGS)

screenshots: install ## Pictures of every page, both sizes and themes, into docs/screenshots (ARGS='board me')
	$(BIN)/python -m tests.web.screenshots $(ARGS)

clean: ## Remove what was built and what demos left
	rm -rf .venv demo dist

lock: install ## Resolve the dependencies again and write requirements.lock
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q --universal --generate-hashes --all-extras --no-header --no-annotate \
		-o requirements.lock pyproject.toml
