##@ On Google Cloud (docs/deploy.md)

# Hosting routes to one region; what web/firebase.json names is where everything goes.
REGION = $(shell sed -n 's/.*"region": "\([a-z0-9-]*\)".*/\1/p' web/firebase.json | head -n 1)
REVISION ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
STATE = $(PROJECT)-ocellus-terraform
TRAINER = $(REGION)-docker.pkg.dev/$(PROJECT)/ocellus/trainer
TERRAFORM = terraform -chdir=infra
FIREBASE = npx --yes firebase-tools@14.27.0 --non-interactive --project $(PROJECT)
DEPLOY = $(or $(PYTHON),python3) infra/deploy
export PATH := $(CURDIR)/.build/bin:$(PATH)

.PHONY: doctor deploy destroy archive archive-check image plan apply seed hosting smoke keep rollback prove project terraform

doctor: ## Say what a deployment lacks, and the commands that mend it (PROJECT=…)
	@$(DEPLOY)/doctor.py --project "$(PROJECT)"

deploy: project ## Everything, from an empty project to the links (PROJECT=…)
	@$(DEPLOY)/deploy.py --project $(PROJECT) --region $(REGION) --revision $(REVISION)

destroy: project archive ## Remove it, and say what stays (PROJECT=…; YES=1 asks nothing)
	@$(DEPLOY)/destroy.py --project $(PROJECT) --region $(REGION) $(if $(YES),--yes)

##@ Steps of a deployment (cloudbuild.yaml runs the same)

archive: ## Zip what the functions run: .build/functions.zip
	@$(DEPLOY)/archive.py .build/functions.zip

archive-check: .venv/dev ## Install the functions' packages alone, and start the archive with them
	$(PYTHON) -m venv --clear .build/clean
	.build/clean/bin/pip install --quiet --require-hashes -r functions/requirements.txt
	ARCHIVE_PYTHON=$(CURDIR)/.build/clean/bin/python $(BIN)/python -m pytest tests/integration/test_archive.py

image: project ## Build the trainer's image and push it: .build/trainer_image
	docker build --file training_job/Dockerfile --build-arg REVISION=$(REVISION) --tag $(TRAINER):$(REVISION) .
	docker push --quiet $(TRAINER):$(REVISION)
	@mkdir -p .build
	docker inspect --format '{{join .RepoDigests "\n"}}' $(TRAINER):$(REVISION) | grep '^$(TRAINER)@' > .build/trainer_image

plan: project terraform ## Say what Terraform would change, of .build/functions.zip and .build/trainer_image
	$(TERRAFORM) init -input=false -reconfigure -backend-config=bucket=$(STATE) -backend-config=prefix=ocellus
	$(TERRAFORM) plan -input=false -lock-timeout=10m -out=$(CURDIR)/.build/ocellus.tfplan \
	  -var=project=$(PROJECT) -var=region=$(REGION) \
	  -var=functions_archive=$(CURDIR)/.build/functions.zip -var=trainer_image=$$(cat .build/trainer_image)

apply: ## Do what `make plan` said
	$(TERRAFORM) apply -input=false -lock-timeout=10m $(CURDIR)/.build/ocellus.tfplan

seed: project .venv/run ## Put the seed model in service, if nothing is
	OCELLUS_BACKEND=gcp OCELLUS_PROJECT=$(PROJECT) OCELLUS_REGION=$(REGION) \
	  OCELLUS_BUCKET=$(PROJECT)-ocellus OCELLUS_INBOX_BUCKET=$(PROJECT)-ocellus-inbox \
	  $(BIN)/ocellus seed models/v1

hosting: project web/vendor/firestore.js ## Publish the site
	@mkdir -p .build
	cd web && $(FIREBASE) deploy --only hosting --json > ../.build/hosting.json || { cat ../.build/hosting.json; exit 1; }

smoke: .venv/dev chromium ## Visit the deployed page; it changes nothing (BASE_URL=… for another)
	BASE_URL=$${BASE_URL:-$$($(TERRAFORM) output -raw page_url)} \
	  $(BIN)/python -m pytest tests/e2e/test_page.py -m harmless $(ARGS)

keep: project ## Remember this release, to roll back to
	$(TERRAFORM) output -json > .build/outputs.json
	$(DEPLOY)/release.py keep --project $(PROJECT)

rollback: project ## Put the last release that was kept in service again, the model as it is
	@mkdir -p .build
	$(DEPLOY)/release.py bring-back --project $(PROJECT)
	$(MAKE) plan apply

prove: project ## `make smoke`, then keep the release; where it fails, roll back and fail
	if $(MAKE) smoke; then $(MAKE) keep; else $(MAKE) rollback; exit 1; fi

project:
	@test -n "$(PROJECT)" || { echo "Which project? Name it: PROJECT=…" >&2; exit 2; }

terraform:
	@sh infra/deploy/install_terraform.sh
