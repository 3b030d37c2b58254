test:
	bash scripts/setup.sh
	cargo test --locked

.PHONY: test
