# One word a task; CI uses the same words. A package index is whatever pip is configured to use.
VENV := .venv
BIN := $(VENV)/bin
UV ?= uv
# Tests run in as many processes as there are cores, each with a PostgreSQL server of its own.
PYTEST_ARGS ?= --numprocesses auto --dist worksteal
BENCH_ARGS ?=
SPARK := .venv-spark
PEERS := .venv-peers
GUIDED := .venv-guided
MUTANTS := .venv-mutants
# What docs/reliability.md calls the core.
CORE := references dialects normalize decide plan storage query
PIP_INSTALL := python -m pip --disable-pip-version-check install --quiet
PIP := $(BIN)/$(PIP_INSTALL)
# The first Python that is new enough; PYTHON=… on the command line overrides it.
PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$each -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$each; break; }; done)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test datasets spark check bench bench-full migration docs screenshots site planning laws kills workers chaos year fuzz guided faults crashes locks queries audit coverage mutants lock wheel release clean

help: ## Say what each word does.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) \
	| while IFS="$$(printf '\t')" read -r word text; do printf 'make %-10s %s\n' "$$word" "$$text"; done

# What the command needs, from hashed requirements; enough for the demo.
$(VENV)/plain.stamp: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later with its venv module is needed" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --requirement requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# What the tests and checks need on top; its pins are those of requirements.txt and more.
$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/plain.stamp
	$(PIP) --require-hashes --requirement requirements-dev.txt
	@touch $@

install: $(VENV)/dev.stamp ## Make .venv with everything; .venv/bin/gpts-catalog is then the command.

demo: $(VENV)/plain.stamp ## Show the whole tour: no key, no network, under a minute after set-up.
	@$(BIN)/gpts-catalog demo

test: $(VENV)/dev.stamp ## Run all tests, on SQLite and on PostgreSQL.
	$(BIN)/python -m pytest $(PYTEST_ARGS)

datasets: $(VENV)/dev.stamp ## Get the libraries that read and check datasets (400 MB), and test exports with them.
	$(PIP) --require-hashes --requirement tests/datasets/requirements.txt
	GPTS_DATASETS_REQUIRED=1 $(BIN)/python -m pytest tests/unit/export/test_validators.py \
	tests/acceptance/test_docs_datasets.py

# Spark takes 490 MB that nothing else needs, and does without the newest pandas: hence its own.
$(SPARK)/stamp: requirements-dev.txt tests/spark/requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later with its venv module is needed" >&2; exit 1; }
	test -x $(SPARK)/bin/python || $(PYTHON) -m venv $(SPARK)
	$(SPARK)/bin/$(PIP_INSTALL) --require-hashes --requirement requirements-dev.txt
	$(SPARK)/bin/$(PIP_INSTALL) --require-hashes --requirement tests/spark/requirements.txt
	$(SPARK)/bin/$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

spark: $(SPARK)/stamp ## Get Spark into .venv-spark (1 GB), and test whole archives with it; needs Java 17.
	$(SPARK)/bin/python -m pytest --capture=no tests/spark
	$(SPARK)/bin/python -m pytest tests/acceptance/test_docs_datasets.py -k pyspark

check: $(VENV)/dev.stamp ## Check formatting, lint, types, layers and docs.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/unit/test_house.py tests/unit/test_docs.py

bench: $(VENV)/dev.stamp ## Measure, and print each number beside its floor.
	$(BIN)/python -m tests.benchmarks $(BENCH_ARGS)

$(PEERS)/stamp: tests/benchmarks/peers/requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later with its venv module is needed" >&2; exit 1; }
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/$(PIP_INSTALL) --require-hashes --requirement tests/benchmarks/peers/requirements.txt
	@touch $@

bench-full: $(VENV)/dev.stamp $(PEERS)/stamp ## Measure the whole dose, peers too, and write docs/performance.md.
	GPTS_BENCH_PEERS=$(PEERS)/bin/python GPTS_BENCH_SCALE=$(or $(DOSE),20) \
	GPTS_BENCH_GPTS=$(or $(GPTS),1000000) GPTS_BENCH_GROWN=$(or $(GROWN),1000000) \
	$(BIN)/python -m tests.benchmarks --page $(BENCH_ARGS)

planning: $(VENV)/dev.stamp ## Simulate years of planning; write docs/planning.md's tables and plot.
	$(BIN)/python -m tests.planning

migration: $(VENV)/dev.stamp ## Write the next migration from the declared tables and views (WHAT="what it changes").
	$(BIN)/python -m tests.migrating "$(WHAT)"
	$(BIN)/ruff check --quiet --fix migrations && $(BIN)/ruff format --quiet migrations

docs: $(VENV)/dev.stamp ## Write the pages of docs/ that are made from the code.
	$(BIN)/python -m tests.pages

screenshots: $(VENV)/dev.stamp ## Take the pictures of docs/ anew (needs chromium).
	$(BIN)/python -m tests.pages.screenshots

site: $(VENV)/dev.stamp ## Build docs/ as a site into build/site; a broken link is an error.
	$(PIP) --require-hashes --requirement tests/pages/requirements.txt
	$(BIN)/zensical build --strict --clean --config-file .mkdocs.yml

laws: $(VENV)/dev.stamp ## Try the laws on many generated worlds (DOSE=10000 examples).
	GPTS_LAWS_EXAMPLES=$(or $(DOSE),10000) $(BIN)/python -m pytest -q tests/laws $(PYTEST_ARGS)

kills: $(VENV)/dev.stamp ## Kill a harvest again and again and compare its end (DOSE=50 kills).
	GPTS_KILLS=$(or $(DOSE),50) $(BIN)/python -m pytest -q -s tests/faults/test_kills.py

workers: $(VENV)/dev.stamp ## Measure 1, 2, 4 and 8 workers on one PostgreSQL and one gateway.
	GPTS_WORKERS=1,2,4,8 GPTS_WORKERS_RATE=200 GPTS_WORKERS_IN_FLIGHT=8 GPTS_WORKERS_SECONDS=15 \
	$(BIN)/python -m pytest -q -s tests/faults/test_workers.py -k "throughput or budget"

chaos: $(VENV)/dev.stamp ## Kill, pause and cut off workers, restart their server (DOSE=100 rounds).
	GPTS_CHAOS=$(or $(DOSE),100) $(BIN)/python -m pytest -q -s tests/faults/test_workers.py -k chaos

year: $(VENV)/dev.stamp ## Live a simulated year with faults, and 200 short stretches (DOSE=365 days).
	GPTS_YEAR_DAYS=$(or $(DOSE),365) GPTS_YEAR_SCENARIOS=$(or $(SCENARIOS),200) \
	$(BIN)/python -m pytest -q tests/faults/test_years.py $(PYTEST_ARGS)

fuzz: $(VENV)/dev.stamp ## Try documents that nobody would send (DOSE=1000000; SEED=1).
	$(BIN)/python -m tests.fuzz $(or $(DOSE),1000000) --seed $(or $(SEED),1)

# The fuzzer that looks at branches has wheels for Linux alone, hence an environment of its own.
$(GUIDED)/stamp: requirements.txt tests/fuzz/requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later with its venv module is needed" >&2; exit 1; }
	test -x $(GUIDED)/bin/python || $(PYTHON) -m venv $(GUIDED)
	$(GUIDED)/bin/$(PIP_INSTALL) --require-hashes --requirement requirements.txt
	$(GUIDED)/bin/$(PIP_INSTALL) --require-hashes --requirement tests/fuzz/requirements.txt
	@touch $@

guided: $(GUIDED)/stamp ## Fuzz references and decoder by the branches that are reached (DOSE=100000 runs).
	$(GUIDED)/bin/python -m tests.fuzz.guided references $(or $(DOSE),100000)
	$(GUIDED)/bin/python -m tests.fuzz.guided decoder $(or $(DOSE),100000)

crashes: $(VENV)/dev.stamp ## Kill each command at random moments, and before calls on files (DOSE=1000, POINTS=0: all).
	GPTS_CRASHES=$(or $(DOSE),1000) GPTS_CRASH_POINTS=$(or $(POINTS),0) \
	$(BIN)/python -m pytest -q tests/faults/test_crashes.py $(PYTEST_ARGS)

faults: $(VENV)/dev.stamp ## Let calls on files and answers fail at the n-th time (DOSE=0: every n).
	GPTS_FAULTS=$(or $(DOSE),0) $(BIN)/python -m pytest -q tests/faults/test_file_faults.py \
	tests/faults/test_answer_faults.py $(PYTEST_ARGS)

locks: $(VENV)/dev.stamp ## Harvest, browse, export and back up at once on one file (DOSE=3600 seconds).
	GPTS_LOCKS=$(or $(DOSE),3600) $(BIN)/python -m pytest -q tests/faults/test_locks.py

queries: $(VENV)/dev.stamp ## Ask SQLite, PostgreSQL and DuckDB over the export alike (DOSE=10000 queries).
	$(PIP) --require-hashes --requirement tests/datasets/requirements.txt
	GPTS_DATASETS_REQUIRED=1 GPTS_QUERIES=$(or $(DOSE),10000) \
	$(BIN)/python -m pytest -q tests/contract/test_queries_over_export.py

# pip-audit asks PyPI or OSV what is known of each pinned version: the one word here that must be online.
audit: $(VENV)/dev.stamp ## Look for known faults in the pinned requirements (needs the network).
	$(PIP) pip-audit
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements.txt
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements-dev.txt

coverage: $(VENV)/dev.stamp ## Measure the branches of the core that its tests reach, on both engines.
	$(BIN)/python -m pytest -q $(PYTEST_ARGS) tests/unit tests/contract tests/laws tests/migration \
	tests/acceptance tests/faults/test_recover.py tests/faults/test_workers.py \
	$(CORE:%=--cov=catalog.%) --cov-branch --cov-report=term-missing:skip-covered

# mutmut and what it needs are wanted by nothing else.
$(MUTANTS)/stamp: requirements-dev.txt tests/mutants/requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later with its venv module is needed" >&2; exit 1; }
	test -x $(MUTANTS)/bin/python || $(PYTHON) -m venv $(MUTANTS)
	$(MUTANTS)/bin/$(PIP_INSTALL) --require-hashes --requirement requirements-dev.txt
	$(MUTANTS)/bin/$(PIP_INSTALL) --require-hashes --requirement tests/mutants/requirements.txt
	@touch $@

mutants: $(MUTANTS)/stamp ## Change the code of the core, and see whether tests notice (PACKAGE=references DOSE=0: all).
	$(MUTANTS)/bin/python -m pytest -q tests/unit/test_mutants.py
	$(MUTANTS)/bin/python -m tests.mutants $(or $(PACKAGE),references) --dose $(or $(DOSE),0) \
	--seed $(or $(SEED),1)

lock: ## Pin the requirements again, with hashes (needs uv; UPGRADE=--upgrade takes the newest).
	$(UV) pip compile pyproject.toml --group build $(UPGRADE) --output-file requirements.txt \
	--universal --python-version 3.11 --generate-hashes --quiet --custom-compile-command 'make lock'
	$(UV) pip compile pyproject.toml --extra postgres --extra parquet --extra notify --extra web --group dev $(UPGRADE) \
	--constraint requirements.txt --output-file requirements-dev.txt \
	--universal --python-version 3.11 --generate-hashes --quiet --custom-compile-command 'make lock'
	cd tests/pages && $(UV) pip compile requirements.in $(UPGRADE) \
	--constraint ../../requirements-dev.txt --output-file requirements.txt \
	--universal --python-version 3.11 --generate-hashes --quiet --custom-compile-command 'make lock'
	cd tests/datasets && $(UV) pip compile requirements.in $(UPGRADE) \
	--constraint ../../requirements-dev.txt --output-file requirements.txt \
	--universal --python-version 3.11 --generate-hashes --quiet --custom-compile-command 'make lock'
	cd tests/fuzz && $(UV) pip compile requirements.in $(UPGRADE) \
	--constraint ../../requirements-dev.txt --output-file requirements.txt \
	--universal --python-version 3.11 --generate-hashes --quiet --custom-compile-command 'make lock'
	cd tests/mutants && $(UV) pip compile requirements.in $(UPGRADE) \
	--constraint ../../requirements-dev.txt --output-file requirements.txt \
	--universal --python-version 3.11 --generate-hashes --quiet --custom-compile-command 'make lock'
	cd tests/benchmarks/peers && $(UV) pip compile requirements.in $(UPGRADE) --output-file requirements.txt \
	--universal --python-version 3.11 --generate-hashes --quiet --custom-compile-command 'make lock'
	cd tests/spark && $(UV) pip compile requirements.in $(UPGRADE) \
	--constraint ../../requirements-dev.txt --output-file requirements.txt \
	--universal --python-version 3.11 --generate-hashes --quiet --custom-compile-command 'make lock'

wheel: $(VENV)/plain.stamp ## Build dist/gpts_catalog-VERSION-py3-none-any.whl, migrations included.
	$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation \
	--wheel-dir dist .

release: $(VENV)/dev.stamp ## Walk the release checklist, and publish nothing (DOSE=full runs the campaigns too).
	$(BIN)/python -m tests.release $(DOSE)

clean: ## Remove what the other words made; data/ stays.
	rm -rf $(VENV) $(SPARK) $(PEERS) $(GUIDED) $(MUTANTS) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks \
	.import_linter_cache .cache .coverage htmlcov
