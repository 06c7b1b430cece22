# `make run` and `make test` are all a new machine needs: Python 3.11 to 3.13, Node 20, make.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin
PORT ?= 8080
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help run run-emulated test images notebook flood check web-check format lock clean

help: ## Show the targets
	@awk -F ':.*## ' '/^##@ / {print "\n" substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/run ## Set up and serve on http://127.0.0.1:8080 (PORT=… for another)
	@$(BIN)/ocellus serve --port $(PORT)

run-emulated: .venv/dev web/vendor/firestore.js firestore ## The same on Google's emulators, each part a process as deployed (needs Java)
	@$(BIN)/python tests/run_emulated.py --port $(PORT)

test: .venv/dev web/vendor/firestore.js chromium firestore nginx ## Set up and run every test
	$(BIN)/python -m pytest $(ARGS)
	$(BIN)/python -m pytest tests/e2e $(ARGS)
	npm test --silent

images: .venv/dev ## Build both container images with buildah and run them contained (as root)
	sh tests/images/build.sh
	$(BIN)/python tests/images/prove.py $(PICTURE)

notebook: .venv/dev ## Execute the notebook anew on CIFAR-10 (OCELLUS_NOTEBOOK_DATASET=… for a copy at hand)
	$(BIN)/python notebook/execute.py

flood: .venv/load ## Send crowds against one instance and three, behind nginx (ARGS="--host https://…" for a deployment)
	$(BIN)/python loadtest/flood.py $(ARGS)

check: .venv/dev node_modules/.installed ## Lint, types, layers, formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy loadtest notebook infra/deploy
	$(BIN)/lint-imports
	npm run --silent check

format: .venv/dev ## Format and mend what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## Pin every dependency with hashes again, from pyproject.toml
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet pip-tools==7.6.2
	sh requirements/compile.sh .venv-lock/bin/pip-compile
	rm -rf .venv-lock

clean: ## Remove what the targets made; your data in .ocellus/ stays
	rm -rf .build .venv .venv-lock node_modules web/vendor .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

include infra/deploy/deploy.mk

.venv/bin/python:
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "Ocellus needs Python 3.11, 3.12 or 3.13: install one, or name it with PYTHON=…"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/run: requirements/run.txt pyproject.toml | .venv/bin/python
	@echo "Installing the pinned packages (TensorFlow among them: 1.8 GB on disk, a minute or two) …"
	$(BIN)/pip install --quiet --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: requirements/dev.txt .venv/run
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

.venv/load: requirements/load.txt .venv/dev
	$(BIN)/pip install --quiet --require-hashes -r requirements/load.txt
	@touch $@

node_modules/.installed: package.json package-lock.json
	npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@

# What the page loads where its data come from Firestore; `make run` needs it not.
web/vendor/firestore.js: web/sdk/firestore.js node_modules/.installed
	npm run --silent bundle

.PHONY: chromium
chromium:
	@sh tests/install_chromium.sh

.PHONY: nginx
nginx:
	@sh tests/install_nginx.sh

.PHONY: firestore
firestore: .venv/dev
	@sh tests/install_java.sh
	@$(BIN)/python tests/emulators/firestore_jar.py
