# The two commands: `make up` runs the whole stack on this machine, `make test` runs every test.
.PHONY: up down status test lint bench clean

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

lint:
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy

clean:
	rm -rf $(VENV) var build dist *.egg-info
