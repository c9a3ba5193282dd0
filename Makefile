# What a person types. Every target needs only a Rust toolchain, a C compiler and Python 3.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
CARGO ?= cargo

.PHONY: help run test check screenshots bench bench-aws functions package aws-up aws-down tools

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/	/'

run: ## Demo: a simulated venue, two weeks of history, the page at http://127.0.0.1:8080/
	$(CARGO) run --locked -p cauce -- demo $(ARGS)

# What AWS needs. Nothing below DataFusion changes with it, so that is built once for all of these targets.
AWS := --features cauce/aws,cauce-maintain/s3

test: tools functions ## All tests
	$(CARGO) test --locked --workspace $(AWS)

check: ## Format, lints, docs, dependencies, template: zero warnings
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets $(AWS) -- -D warnings
	$(CARGO) clippy --locked -p cauce -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items
	python3 scripts/check_dependencies.py
	bash scripts/check_template.sh

screenshots: ## Every page in Chromium, into build/screenshots
	$(CARGO) test --locked --workspace $(AWS) --test end_to_end -- --ignored --nocapture screenshots

bench: ## Benchmarks, against DuckDB where it can do the same; prepares its own Python environment in .bench
	bash scripts/bench.sh

functions: ## The functions, as the emulator runs them
	bash scripts/functions.sh dev

package: ## The functions for AWS, small, their sizes held against their budgets: then sam deploy --guided
	bash scripts/functions.sh lambda

bench-aws: ## Sizes, starts and throughput of the functions on the emulator; builds them as make package does
	bash scripts/bench_aws.sh

aws-up: functions ## The whole stack on a local emulator of AWS; its last line says where
	bash localstack/up.sh

aws-down: ## Stop it
	bash localstack/down.sh

# Without a network they are not there, and the tests that need them say that they are skipped.
tools:
	@bash -euc 'source localstack/tools.sh; install_emulator; install_sam; install_localstack' || echo "the emulator of AWS or SAM could not be installed"
