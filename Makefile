# The two commands: `make up` runs the whole stack on this machine, `make test` runs every test.
.PHONY: up down status test build lint lock bench clean

VENV := .venv
PYTHON := $(VENV)/bin/python

up:
	@deploy/local/bootstrap.sh run
	@$(PYTHON) -m deploy.local up

down:
	@$(PYTHON) -m deploy.local down

status:
	@$(PYTHON) -m deploy.local status

test:
	@deploy/local/bootstrap.sh test
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check -q .
	@$(VENV)/bin/mypy
	@$(PYTHON) -m pytest $(PYTEST_ARGS)

# After a change of a module that setup.py compiles; `make test` and `make up` do it by themselves.
build:
	@$(PYTHON) -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .

# Speeds beside goals and peers, for example `make bench BENCH="log exposition"`.
bench:
	@deploy/local/bootstrap.sh test
	@$(VENV)/bin/uv pip install -q --python $(PYTHON) --group bench
	@$(PYTHON) -m benchmarks $(BENCH)

lint:
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy

# The exact versions that are installed, with hashes; present versions stay unless LOCK_ARGS=--upgrade.
LOCK := $(VENV)/bin/uv pip compile pyproject.toml -q --generate-hashes --python-version 3.11 --universal --no-emit-index-url --no-header
lock:
	@$(LOCK) $(LOCK_ARGS) -o requirements.lock
	@$(LOCK) $(LOCK_ARGS) --group dev -o requirements-dev.lock

clean:
	rm -rf $(VENV) var build dist *.egg-info
	find . -name '*.so' -not -path './node_modules/*' -delete
