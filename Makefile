# Two commands: `make run` opens the dashboard, `make test` runs every test.

VENV ?= .venv
PYTHON ?= python3
PY = $(VENV)/bin/python

.PHONY: run test help docs lint lock faults fuzz soak mutants bench cluster clean

run: $(VENV)/ready  ## install what is needed and open the dashboard
	$(PY) -m streamlit run app/server.py

test: $(VENV)/ready-dev  ## install what the tests need and run all of them
	tests/install_chromium.sh
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(PY) -m pytest -n 3 --dist loadfile

help:  ## list these commands
	@grep -E '^[a-z]+:.*  ## ' Makefile | sed 's/:.*  ## /: /' | awk -F': ' '{ printf "make %-8s %s\n", $$1, $$2 }'

lint: $(VENV)/ready-dev  ## check format, style and types
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy

docs: $(VENV)/ready  ## write the generated pages again
	$(PY) -m docs.generate

lock: $(VENV)/ready-dev  ## make the lock files again from the short lists
	$(PY) -m pip install --disable-pip-version-check uv==0.13.9
	$(COMPILE) requirements.txt -o requirements.lock
	$(COMPILE) requirements.txt requirements-dev.txt -c requirements.lock -o requirements-dev.lock

faults: $(VENV)/ready-dev  ## kill and damage things for a long time
	CIFAR_FAULTS=long OMP_NUM_THREADS=1 $(PY) -m pytest -s tests/faults

fuzz: $(VENV)/ready-dev  ## feed hostile input for a long time
	CIFAR_FUZZ=long OMP_NUM_THREADS=1 $(PY) -m pytest tests/hostile/test_fuzz.py tests/hostile/test_no_traceback.py

soak: $(VENV)/ready-dev  ## watch memory over many runs and visits
	OMP_NUM_THREADS=1 $(PY) -m benchmarks.soak

mutants: $(VENV)/ready-dev  ## break the code on purpose and see the tests notice
	OMP_NUM_THREADS=1 $(PY) tests/faults/mutations.py

bench: $(VENV)/ready  ## compare the speed with the committed figures
	OMP_NUM_THREADS=1 $(PY) -m benchmarks.guard

cluster: $(VENV)/ready  ## run a real Slurm and a real Ray here through their failures (Debian)
	OMP_NUM_THREADS=1 $(PY) tests/cluster/cluster.py

clean:  ## delete the virtual environment
	rm -rf $(VENV)

COMPILE = $(PY) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-annotate --custom-compile-command "make lock"

$(VENV)/ready: requirements.lock install_packages.sh
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	./install_packages.sh $(PY) requirements.lock
	touch $@

$(VENV)/ready-dev: requirements-dev.lock $(VENV)/ready
	./install_packages.sh $(PY) requirements-dev.lock
	touch $@
