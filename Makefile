# make run     set up what is missing, then open the window   (ARGS="--lesson constant-start" is passed on)
# make test    set up what is missing, then run the tests     (ARGS="-k slices" is passed on)
# make lint    ruff and mypy
# make pictures  draw the pictures of README and user guide anew
# make clean   remove what was made here, .venv too
#
# tools/setup.py does the set-up; it needs nothing but Python, and is quick when there is nothing to do.

# Any Python that answers will do: tools/setup.py looks for a newer one if this one is too old.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if $$p -c '' >/dev/null 2>&1; then echo $$p; break; fi; done)
VENV_PYTHON := $(if $(filter Windows_NT,$(OS)),.venv/Scripts/python.exe,.venv/bin/python)
ARGS ?=

.PHONY: run test lint pictures clean need-python
.NOTPARALLEL:

run: need-python
	@"$(PYTHON)" tools/setup.py run
	@$(VENV_PYTHON) main.py $(ARGS)

# One BLAS thread: Qt's D-Bus library forks at start on a bare virtual screen, and a fork while a
# threaded OpenBLAS product runs hangs for ever; without a bus there is no such fork either.
test: export OPENBLAS_NUM_THREADS = 1
test: export DBUS_SESSION_BUS_ADDRESS = unix:path=/nonexistent
test: export QT_NO_GUI_THREADPOOL = 1
test: need-python
	@"$(PYTHON)" tools/setup.py test
	@$(VENV_PYTHON) -m pytest -n 2 $(ARGS)

lint: need-python
	@"$(PYTHON)" tools/setup.py lint
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy

pictures: need-python
	@"$(PYTHON)" tools/setup.py test
	@$(VENV_PYTHON) tools/pictures.py

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

need-python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found: install it (https://www.python.org/downloads), or name it as make run PYTHON=/path/to/python." >&2; exit 1; }
