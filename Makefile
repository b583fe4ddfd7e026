# `make build` does everything, `make test` tries a change, and `make help` lists the rest.

SHELL := /bin/bash
# What follows is changed as in `make generate SEED=7`. Variables of the environment with such usual names belong
# to other programs and change nothing.
PYTHON := python3
WORKFLOW := showcase
SEED :=
REPLACE :=
HOST := 127.0.0.1
PORT := 8080
# Three processes share the tests, file by file (tests/conftest.py), as many tests wait for something;
# `make test PARALLEL=` is one process.
FAST_TESTS := tests/test_golden_hashes.py tests/test_api.py tests/platform tests/schema
PARALLEL := -n 3 --no-loadscope-reorder
# Marks of tests that `make test` leaves to `make test-all`.
APART := slow spark dashboards container
CALIBRATION := data/calibration.duckdb
# What dbt, the site and the tests write into target. All else in it is yours.
MADE := compiled run assets site tests spark index.html static_index.html graph.gpickle graph_summary.json manifest.json \
	semantic_manifest.json partial_parse.msgpack perf_info.json run_results.json catalog.json sources.json

# An active virtual environment is used; otherwise one is made in .venv. The path to either can have spaces:
# in commands it is in quotes, and the names of targets have a backslash before each space.
VENV := $(if $(VIRTUAL_ENV),$(VIRTUAL_ENV),$(CURDIR)/.venv)
ODD := $(strip $(foreach letter,: ; % $$ " ` \,$(findstring $(letter),$(VENV))))
$(if $(ODD),$(error make cannot work with $(ODD) in the path $(VENV): move the checkout, or activate another environment))
SPACE := $(subst x,,x x)
STAMP := $(subst $(SPACE),\$(SPACE),$(VENV))/.requirements-installed
SPARK_STAMP := $(subst $(SPACE),\$(SPACE),$(VENV))/.requirements-spark-installed
ALL_STAMP := $(subst $(SPACE),\$(SPACE),$(VENV))/.requirements-all-installed
REQUIREMENTS := requirements-spark.txt requirements-docs.txt dashboards/streamlit/requirements.txt
PEERS := .venv-peers
# A module is compiled when it is first imported; most of what is installed never is. Some versions of pip
# complain of a package in the old form unless it is built in the new way.
PIP_INSTALL := python -m pip install --quiet --disable-pip-version-check --no-compile --use-pep517
# uv installs in a fraction of the time; where it cannot, as behind a mirror that only pip knows, pip does.
INSTALL := install() { { $(PIP_INSTALL) 'uv>=0.9,<1' && uv pip install --quiet --python "$(VENV)/bin/python" "$$@"; } 2>/dev/null \
	|| $(PIP_INSTALL) "$$@"; }; install
export PATH := $(VENV)/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help build deps deps-all lock generate test test-all fuzz test-postgres test-spark test-dashboards test-container coverage lint docs report scorecard pictures serve-docs site sources bench bench-live bench-dbt clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 17

build: generate ## Set up, generate the data and build the dbt project
	@python -m generator build
	@$(if $(VIRTUAL_ENV),,echo 'Activate the environment first: source "$(subst $(CURDIR)/,,$(VENV))/bin/activate"')

deps: $(STAMP) ## Install requirements.txt in the active environment or .venv

deps-all: $(ALL_STAMP) ## Install what `make test-all` needs, too

$(STAMP): requirements.txt
	@test -x "$(VENV)/bin/python" || $(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	@test -x "$(VENV)/bin/python" || $(PYTHON) -m venv "$(VENV)"
	@echo "Installing requirements.txt into $(VENV): about 125 packages, 0.9 GB, half a minute to two minutes"
	@$(INSTALL) -r requirements.txt
	@touch "$@"

$(SPARK_STAMP): requirements-spark.txt $(STAMP)
	@echo "Installing requirements-spark.txt into $(VENV): PySpark is 0.5 GB"
	@$(INSTALL) -r requirements-spark.txt
	@touch "$@"

$(ALL_STAMP): $(REQUIREMENTS) $(STAMP)
	@echo "Installing PySpark, Streamlit and MkDocs into $(VENV): about 80 packages, 1 GB"
	@$(INSTALL) $(addprefix -r ,$(REQUIREMENTS))
	@touch "$@"

# Every version with its hashes, for all Pythons and systems: `pip install --require-hashes -r
# requirements.lock` installs these files and no others. With their extras: some versions of pip take what
# a package asks for with an extra for another requirement, which would have no hash.
lock: deps ## Write the requirements files from pyproject.toml
	python -m tests.support.requirements
	$(PIP_INSTALL) 'uv>=0.9,<1'
	uv pip compile requirements.txt --universal --python-version 3.11 --generate-hashes --upgrade \
		--no-strip-extras --quiet --custom-compile-command 'make lock' --output-file requirements.lock

generate: deps ## Generate data (WORKFLOW=, SEED=; REPLACE=yes replaces another)
	@python -m generator generate $(WORKFLOW) $(if $(SEED),--seed $(SEED)) $(if $(REPLACE),--replace)

test: deps ## Lint, types, a dbt build, tests without a server: six minutes
	@echo 'Needs nothing but this environment; some six minutes on two cores. `make test-all` runs the rest, too.'
	python -m pytest $(PARALLEL) -m 'not $(subst $(SPACE), and not ,$(APART))'

test-all: deps-all ## All tests (PostgreSQL, Chromium, Java 17): half an hour
	@echo 'Needs PostgreSQL (initdb), Chromium (chromium, chromedriver) and Java 17; half an hour on two cores'
	python -m pytest $(PARALLEL) --durations 40 -m 'not container'

test-spark: deps $(SPARK_STAMP) ## Compare Spark's numbers (PySpark is 0.5 GB; needs Java 17)
	python -m pytest $(PARALLEL) -m spark

test-container: deps ## Build and run the container (buildah, mmdebstrap, root; 0.3 GB)
	python -m pytest -n0 -m container tests/packaging/test_container.py

test-dashboards: deps ## Try the Streamlit dashboard without a browser
	@$(INSTALL) -r dashboards/streamlit/requirements.txt
	python -m pytest tests/dashboards -m dashboards

# Tracing every line would slow the whole suite on Python 3.11, so the figure is that of a few fast tests.
coverage: deps ## Print which part of the generator a few fast tests run
	python -m pytest -n0 --quiet --cov=generator --cov-report=term:skip-covered $(FAST_TESTS)

fuzz: export ADS_TEST_PROFILE := random
fuzz: deps ## Other random scenarios every time (FUZZ_EXAMPLES=2000 of each)
	python -m pytest tests/pipeline/test_invariants.py tests/delivery/test_ledger.py \
		tests/scenario/test_random_files.py tests/scenario/test_random_grammars.py \
		tests/scenario/test_random_text.py tests/dbt/test_random_scenarios.py

test-postgres: deps ## Build and test on a temporary PostgreSQL server
	python -m pytest tests/dbt/test_portability.py

# Linting compiles models; it must not want the data file, which may be open elsewhere. What dbt parses
# sqruff takes up. tests/test_lint.py runs these commands beside the other tests.
lint: export ADS_DATABASE := :memory:
lint: deps ## ruff, mypy, sqruff, and dbt's own warnings as errors
	ruff check .
	ruff format --check .
	mypy
	mypy --platform win32 --always-false POSIX --cache-dir .mypy_cache/win32
	dbt parse --quiet --no-partial-parse --show-all-deprecations --warn-error
	sqruff --nocolor lint dbt_project

docs: deps ## Build the dbt docs, also as one file: target/static_index.html
	python -m generator dbt docs generate --static

site: deps ## Build these pages as a site: target/site
	@$(INSTALL) -r requirements-docs.txt
	python -m tests.support.site
	@echo 'Wrote target/site/index.html; `python -m http.server --directory target/site` serves it'

serve-docs: docs ## Serve the dbt docs on HOST:PORT
	dbt docs serve --host $(HOST) --port $(PORT)

# What looks at the data never makes it: `make build` does.
report: deps ## Write the delivery report on the built data: data/report.html
	python -m generator report

scorecard: export ADS_DATABASE := $(CALIBRATION)
scorecard: deps ## Generate a market sample and compare it with published figures
	python -m generator generate calibration --quiet
	dbt --quiet build --select +realism_scorecard +realism_shapes --exclude-resource-type test unit_test
	python -m generator scorecard

pictures: deps ## Take the README's pictures of the report in a headless Chromium
	@test -f data/ads.duckdb || { echo 'error: data/ads.duckdb does not exist; run `make build`' >&2; exit 2; }
	python -m tests.support.pictures

bench: deps ## Compare the speed with other generators (needs Java 17)
	@test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/peers/requirements.txt
	python -m benchmarks.compare $(PEERS)/bin/python

# doge-datagen wants versions of 2022, which have no wheels for Python 3.11, and works with later ones.
bench-live: deps ## Time a live run beside generators of events
	@test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/peers/requirements-live.txt
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps doge-datagen==1.0.4
	python -m benchmarks.live $(PEERS)/bin/python

bench-dbt: deps ## Time the dbt models on 5 million rows beside SQL in DuckDB
	python -m benchmarks.dbt_build

sources: deps ## Write sources, doc blocks, seeds, JSON Schemas and diagrams
	python -m generator dbt-sources
	python -m generator dbt-seeds
	python -m generator.live.json_schemas
	python -m tests.support.diagrams

# A database can hold campaigns and your schemas, and any folder a file of yours, so none of these is removed.
clean: ## Remove what the tools wrote; databases and your files stay
	rm -rf $(addprefix target/,$(MADE)) logs/dbt.log* .pytest_cache .hypothesis .mypy_cache .ruff_cache
	@for folder in target logs; do \
		if test -d $$folder && ! rmdir $$folder 2>/dev/null; then echo "$$folder stays; it holds files of yours"; fi; \
	done
	@if grep -qs 'content="streaming-ads report"' data/report.html; then rm data/report.html; fi
	@for file in data/*.duckdb; do \
		if test -f "$$file"; then echo "$$file stays; it can hold data of yours"; fi; \
	done
