# Everything a newcomer needs, from a bare machine with Python 3.11 or later: `make run`, `make test`.
# Nothing is installed outside this folder. No C compiler is needed: see hatch_build.py.

ARGS ?=
EXTRAS ?= dev
LIBRARY := agent/gate/_native.so
OBJECT := agent/gate/gate.bpf.o
# What an installation is made from. The package itself is installed in place, so its Python is not listed.
INSTALLED_FROM := pyproject.toml hatch_build.py agent/__init__.py $(wildcard agent/gate/*.c agent/gate/*.h)

# The first Python here that can do the work; `make PYTHON=/path/to/python3.12 ...` chooses another.
SUITS := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if $$name -c '$(SUITS)' >/dev/null 2>&1; then echo $$name; break; fi; done)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test acceptance check docs deb bench dashboards native bpf clean FORCE

run: .venv/.installed ## Play a synthetic school day and serve its counts on http://127.0.0.1:10484/ (Ctrl-C ends it)
	.venv/bin/hallwatch run --demo $(ARGS)

test: .venv/.installed ## Run all tests (ARGS="-k tls" runs some)
	.venv/bin/python -m pytest $(ARGS)

acceptance: .venv/.installed ## Install by the documents, in a bare Debian (root, network, ten minutes)
	HALLWATCH_ACCEPTANCE=1 .venv/bin/python -m pytest tests/deploy/test_install_docs.py tests/deploy/test_docker.py $(ARGS)

check: .venv/.installed ## Check format, lint, types and the order of the house
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/python -m pytest -q tests/test_layers.py tests/test_house.py

docs: .venv/.installed ## Write the parts of docs/ that come from the code
	.venv/bin/python -m agent.cli.settings_page docs/configuration.md

deb: .venv/.installed ## Build the Debian package into dist/, for this Debian's Python
	.venv/bin/python -m deploy.debian.build_deb

# pip compiles what it copies, and so nfstream; what is installed in place it does not.
bench: .venv-bench/.installed ## Measure cost and names beside nfstream on one capture (ARGS="FILE --rounds 5")
	@.venv-bench/bin/python -m compileall -q agent
	.venv-bench/bin/python -m bench.replay_vs_nfstream --write docs/performance.md $(ARGS)

native: .venv/.installed ## Compile the gate if its C sources have changed

dashboards: .venv/.installed ## Write Grafana's dashboards again from deploy/grafana/*.py
	.venv/bin/python -m deploy.grafana.dashboards

# The object is committed, so that no installation needs a compiler for BPF; a test holds it to its sources. Whoever has
# ziglang elsewhere names it: `make bpf ZIG="python3 -m ziglang"`. -mcpu=v2: whole registers only, since before 6.9 a half
# of one that lies on the stack cannot be written over without CAP_PERFMON (agent/gate/gate_core.h).
bpf: $(if $(ZIG),,.venv/.installed) ## Compile the kernel's gate again, with the compiler that CI pins
	$(if $(ZIG),,@.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bpf]')
	$(or $(ZIG),.venv/bin/python -m ziglang) cc -target bpfel-freestanding -mcpu=v2 -O2 -g0 -fno-asynchronous-unwind-tables \
		-c agent/gate/gate.bpf.c -o $(OBJECT)

clean: ## Remove everything that make has made
	rm -rf .venv .venv-bench .bench build dist $(LIBRARY)
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis

help: ## Show this
	@while IFS= read -r line; do case $$line in \
	[a-z]*:*'## '*) printf '  make %-10s %s\n' "$${line%%:*}" "$${line#*## }";; esac; done <$(firstword $(MAKEFILE_LIST))

.venv/.installed: $(INSTALLED_FROM) $(if $(wildcard $(LIBRARY)),,FORCE)
	$(call install,$(EXTRAS))

.venv-bench/.installed: $(INSTALLED_FROM) $(if $(wildcard $(LIBRARY)),,FORCE)
	$(call install,bench)

# Makes the folder of the target a virtual environment that holds Hallwatch, in place, with one set of extras.
define install
	@$(if $(PYTHON),,for name in python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
			echo "$$name is there but cannot make a virtual environment."; \
			echo "On Debian and Ubuntu: sudo apt install $$name-venv"; exit 1; fi; done >&2; \
		echo 'Hallwatch needs Python 3.11 or later; none is on PATH. `make PYTHON=/path/to/python ...` names one.' >&2; \
		exit 1)
	@$(PYTHON) -c '$(SUITS)' || { echo '$(PYTHON) is older than 3.11 or has no venv module.' >&2; exit 1; }
	@echo 'Installing into $(@D) (the first time takes a minute or two) ...'
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[$(1)]'
	@touch $@
endef
