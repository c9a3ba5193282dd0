# What a person types. Every target needs only a Rust toolchain, a C compiler and Python 3.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
CARGO ?= cargo

.PHONY: help run test check bench

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/	/'

run: ## Demo: a simulated venue, two weeks of history, the page at http://127.0.0.1:8080/
	$(CARGO) run --locked -p cauce -- demo $(ARGS)

# The adapters of AWS by themselves: with them on everywhere, whoever runs and tests would build DataFusion twice.
ADAPTERS := -p cauce-raw -p cauce-ledger -p cauce-queue -p cauce-maintain
AWS := --features cauce-raw/s3,cauce-ledger/dynamodb,cauce-queue/sqs,cauce-maintain/s3

test: ## All tests
	$(CARGO) test --locked --workspace
	$(CARGO) test --locked $(ADAPTERS) $(AWS) --test stores --test dynamodb --test sqs --test export

check: ## Format, lints, docs, dependencies: zero warnings
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked $(ADAPTERS) $(AWS) --all-targets -- -D warnings
	$(CARGO) clippy --locked -p cauce --features aws -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items
	python3 scripts/check_dependencies.py

bench: ## Benchmarks, against DuckDB where it can do the same; prepares its own Python environment in .bench
	bash scripts/bench.sh
