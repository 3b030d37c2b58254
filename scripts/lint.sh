#!/usr/bin/env bash
# Formatting, clippy, licences and advisories; stops at the first fault.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '\n== %s\n' "$*"; }

say "格式 / formatting: cargo fmt --check"
cargo fmt --check
say "静态检查 / clippy, warnings are errors"
cargo clippy --locked --workspace --all-targets -- -D warnings
say "依赖的许可与安全公告 / licences and advisories: cargo deny check"
if command -v cargo-deny >/dev/null 2>&1; then
  cargo deny --locked check
else
  echo "未安装,跳过 / skipped: cargo-deny is not installed. To install it: cargo install --locked cargo-deny"
fi
