# Two commands: `make run` opens the dashboard, `make test` runs every test.

VENV ?= .venv
PYTHON ?= python3
PY = $(VENV)/bin/python

.PHONY: run test docs faults fuzz soak mutants lint bench clean

run: $(VENV)/ready
	$(PY) -m streamlit run app/server.py

test: $(VENV)/ready-dev
	tests/install_chromium.sh
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadfile

faults: $(VENV)/ready-dev
	CIFAR_FAULTS=long OMP_NUM_THREADS=1 $(PY) -m pytest -s tests/faults

fuzz: $(VENV)/ready-dev
	CIFAR_FUZZ=long OMP_NUM_THREADS=1 $(PY) -m pytest tests/hostile/test_fuzz.py

soak: $(VENV)/ready-dev
	OMP_NUM_THREADS=1 $(PY) -m benchmarks.soak

mutants: $(VENV)/ready-dev
	OMP_NUM_THREADS=1 $(PY) tests/faults/mutations.py

lint: $(VENV)/ready-dev
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy

docs: $(VENV)/ready
	$(PY) -m docs.generate

bench: $(VENV)/ready
	OMP_NUM_THREADS=1 $(PY) -m benchmarks.guard

clean:
	rm -rf $(VENV)

$(VENV)/ready: requirements.txt
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/ready-dev: requirements-dev.txt $(VENV)/ready
	$(PY) -m pip install --disable-pip-version-check -r requirements-dev.txt
	touch $@
