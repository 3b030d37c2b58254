# One entry for people and for CI. `make` alone lists the targets.
SHELL := /usr/bin/env bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test bench bench-peers lint docs clean

# rustup's own folder, for shells that have not been restarted since it was installed
export PATH := $(PATH):$(HOME)/.cargo/bin
export CARGO_TARGET_DIR ?= $(CURDIR)/target

say = @printf '\n== %s\n'

help: ## this list
	@printf 'heshan (河山)\n\n'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20
	@printf '\nBuilt files go to %s\n' '$(CARGO_TARGET_DIR)'

setup: ## install the system packages that building needs, where they are missing
	@bash scripts/setup.sh build

demo: setup ## build heshan and screen the sample project; 编译并运行示例
	@bash scripts/demo.sh

test: ## install what tests need, then run all tests, doc tests included
	@bash scripts/setup.sh test
	$(say) '运行全部测试 / running all tests: cargo test --locked --workspace'
	@cargo test --locked --workspace

bench: setup ## index, formats and screening against peers and bounds; writes docs/benchmarks.md
	$(say) '运行性能测试 / running benchmarks: cargo bench --locked'
	@cargo bench --locked --bench index
	@cargo bench --locked --bench formats
	@cargo bench --locked --bench screen

# what is optional is left out of the table where its wheels cannot be had; options: make bench-peers PEERS='--sites 10000'
bench-peers: setup ## screening beside GEOS, SedonaDB and DuckDB in Python; writes docs/benchmarks.md
	$(say) '编译发布版 / building the release: cargo build --release --locked'
	@cargo build --release --locked
	$(say) '准备对照软件 / peers from PyPI into .venv'
	@test -x .venv/bin/python || python3 -m venv .venv
	@.venv/bin/pip install -q -r benches/peers/requirements.txt
	@.venv/bin/pip install -q -r benches/peers/requirements-optional.txt || true
	$(say) '同场比较 / the same job in each: benches/peers/run.py'
	@.venv/bin/python benches/peers/run.py $(PEERS)

lint: setup ## formatting, clippy without warnings, licences and advisories of dependencies
	@bash scripts/lint.sh

docs: setup ## the library's reference as HTML
	$(say) '生成接口文档 / building the reference: cargo doc'
	@RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items
	@printf '\nopen %s\n' '$(CARGO_TARGET_DIR)/doc/heshan/index.html'
	@printf 'guides: docs/tutorial.md, docs/howto/, docs/reference/, docs/explanation/\n'

clean: ## remove everything that was built
	$(say) '删除编译结果 / removing $(CARGO_TARGET_DIR)'
	@cargo clean
