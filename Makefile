# Every target works from a bare clone: Python 3.11+, make and git are all it needs.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Pages that polars has freed are kept for ten seconds, not for half a one: a compaction takes a tenth to a fifth less CPU.
run ui bench: export _RJEM_MALLOC_CONF := background_thread:true,dirty_decay_ms:10000,muzzy_decay_ms:-1

.PHONY: run ui test soak engines check audit bench lock clean help
.DEFAULT_GOAL := help

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; set PYTHON=python3.x")'
	@echo "Installing the locked dependencies into .venv (once, a minute or two)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock 2>&1 | grep -v "^WARNING: Location" || true
	@$(BIN)/python -m pip check
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index -e .
	@touch $@

run: .venv/installed ## Start the embedded stores, land a sample and materialize the whole graph
	@$(BIN)/clearlift run

ui: .venv/installed ## Dagster's UI on http://127.0.0.1:3000 with daemon, schedules and sensors
	@$(BIN)/clearlift ui

test: .venv/installed ## The whole test suite
	@$(BIN)/python -m pytest -n 3 --dist loadgroup

soak: .venv/installed engines ## The long-running tests
	@$(BIN)/python -m pytest -n 3 --dist loadgroup -m soak --hypothesis-profile=soak

engines: .engines/installed .engines/rabbitmq ## DuckDB with Iceberg, Spark, dbt and RabbitMQ, beside which we are tested

.engines/installed: tests/resources/lake/engines.txt
	@test -x .engines/bin/python || $(PYTHON) -m venv .engines
	@.engines/bin/python -m pip install --quiet -r $< 2>&1 | grep -v "^WARNING: Location" || true
	@.engines/bin/python -c 'import duckdb, pyspark'
	@touch $@

# Debian's packages, unpacked and not installed, so that no service of this machine starts. Elsewhere the test is skipped.
.engines/rabbitmq:
	@command -v apt-get >/dev/null || exit 0; set -e; mkdir -p $@.part; cd $@.part; \
	test "$$(id -u)" -ne 0 || apt-get update -qq; \
	apt-get download -qq $$(apt-cache depends --recurse --important rabbitmq-server | grep -E '^(erlang|rabbitmq)' | grep -v hipe | sort -u); \
	for package in *.deb; do dpkg -x "$$package" .; done; rm -- *.deb; \
	sed -i 's|/usr/lib/erlang|$(CURDIR)/$@&|' usr/lib/erlang/bin/erl; mv ../rabbitmq.part ../rabbitmq

check: .venv/installed ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

audit: .venv/installed ## Licences and known vulnerabilities of the locked packages
	@$(BIN)/python -m clearlift_pipelines.audit

bench: .venv/installed ## The benchmarks: ratios beside a peer and a limit, in one run
	@$(BIN)/python -m benchmarks

lock: .venv/installed ## Resolve requirements.lock again from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet -o requirements.lock
	@$(BIN)/uv pip compile pyproject.toml -c requirements.lock --group image --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet -o deploy/image/requirements.lock

clean: ## Remove what was generated, the virtual environment and the embedded stores included
	@test ! -x $(BIN)/clearlift || $(BIN)/clearlift stop || true
	rm -rf .venv .engines .clearlift .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info build dist
	find dagster_home -mindepth 1 ! -name dagster.yaml -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
