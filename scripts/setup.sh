#!/usr/bin/env bash
# Makes the machine fit to build heshan (`setup.sh build`) or to run its tests (`setup.sh test`).
# Looks for what is needed, installs what is missing on Debian and Ubuntu, and elsewhere says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

purpose="${1:-build}"
# crate gdal 0.19 holds bindings for these versions; proj-sys 0.22 links the system's PROJ from 8.1 on
gdal_min=3.4 gdal_max=3.12 proj_min=8.1
missing=()

say() { printf '== %s\n' "$*"; }
fail() { printf '\n错误 / error: %s\n' "$1" >&2; shift; [ $# -eq 0 ] || printf '  %s\n' "$@" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }
lib() { has pkg-config && pkg-config --exists "$1"; }
# a server of any version with PostGIS; tests start one of their own and touch no other
has_postgis() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && compgen -G '/usr/share/postgresql/*/extension/postgis.control' >/dev/null; }
has_chinese_font() { compgen -G '/usr/share/fonts/*/wqy/*' >/dev/null || compgen -G '/usr/share/fonts/*/noto/*CJK*' >/dev/null || compgen -G '/usr/share/fonts/*/droid/*Fallback*' >/dev/null; }
has_chromium() { has chromium || has chromium-browser || has google-chrome; }
# true where version $1 is at least $2; numbers only, as 3.6.2 or 1.95.0-nightly
at_least() {
  awk -v a="${1%%-*}" -v b="$2" 'BEGIN {
    n = split(a, x, "."); m = split(b, y, ".")
    for (i = 1; i <= m; i++) { if (x[i] + 0 > y[i] + 0) exit 0; if (x[i] + 0 < y[i] + 0) exit 1 }
    exit 0 }'
}

# Fills `missing` with the names of the needed things that are not there.
look() {
  missing=()
  has pkg-config || missing+=(pkg-config)
  lib gdal || missing+=(gdal)
  lib proj || missing+=(proj)
  lib sqlite3 || missing+=(sqlite)
  has clang || missing+=(clang)
  has cc || missing+=(cc)
  if [ "$purpose" = test ]; then
    has ogrinfo || missing+=(ogrinfo)
    has sqlite3 || missing+=(sqlite3)
    # reads PDFs; elsewhere than on Debian those checks are skipped, and say so
    if has apt-get && ! has pdftotext; then missing+=(pdftotext); fi
    # charts as PNG; elsewhere than on Debian they are in English, and say so
    if has apt-get && ! has_chinese_font; then missing+=(chinese-font); fi
    # elsewhere than on Debian its tests are skipped, and say so
    if has apt-get && ! has_postgis; then missing+=(postgis); fi
    # drives the map page; elsewhere than on Debian that test is skipped, and says so
    if has apt-get && ! has_chromium; then missing+=(chromium); fi
  fi
}

# the newest that this system has; Debian 12's where the list of packages was not fetched yet
newest_postgis() {
  local name
  name="$(apt-cache search --names-only '^postgresql-[0-9]+-postgis-3$' | awk '{ print $1 }' | sort -V | tail -n 1)"
  echo "${name:-postgresql-15-postgis-3}"
}

debian_package() {
  case "$1" in
    gdal) echo libgdal-dev ;;
    proj) echo libproj-dev ;;
    sqlite) echo libsqlite3-dev ;;
    cc) echo gcc libc6-dev ;;
    ogrinfo) echo gdal-bin ;;
    pdftotext) echo poppler-utils ;;
    postgis) newest_postgis ;;
    chinese-font) echo fonts-wqy-microhei ;;
    *) echo "$1" ;;
  esac
}

install_on_debian() {
  local packages=() name sudo=()
  [ "$(id -u)" != 0 ] || apt-get update -qq
  # shellcheck disable=SC2046
  for name in "${missing[@]}"; do packages+=($(debian_package "$name")); done
  if [ "$(id -u)" != 0 ]; then
    has sudo || fail "缺少软件包,且没有 sudo / packages are missing and there is no sudo" \
      "以 root 运行 / run as root: apt-get install ${packages[*]}"
    sudo=(sudo)
    say "需要管理员权限 / asking for sudo to install: ${packages[*]}"
  fi
  say "安装系统软件包 / installing system packages: ${packages[*]}"
  [ "$(id -u)" = 0 ] || sudo apt-get update -qq
  ${sudo[@]+"${sudo[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
}

say_what_to_install() {
  fail "缺少 / missing: ${missing[*]}. 本脚本只在 Debian 与 Ubuntu 上自动安装 / this script installs on Debian and Ubuntu only." \
    "Fedora:   sudo dnf install gcc clang pkgconf-pkg-config gdal-devel proj-devel sqlite-devel gdal sqlite" \
    "Arch:     sudo pacman -S --needed gcc clang pkgconf gdal proj sqlite" \
    "Homebrew: xcode-select --install; brew install pkgconf gdal proj sqlite" \
    "Windows:  WSL 中的 Debian 或 Ubuntu / Debian or Ubuntu in WSL" \
    "然后重新运行 / then run the same command again"
}

check_versions() {
  local gdal proj
  gdal="$(pkg-config --modversion gdal)" proj="$(pkg-config --modversion proj)"
  at_least "$gdal" "$gdal_min" || fail "GDAL $gdal 太旧 / is too old: $gdal_min or newer is needed" \
    "Debian 12、Ubuntu 22.04 及以后的版本自带的即可 / those of Debian 12, Ubuntu 22.04 and later will do"
  at_least "$proj" "$proj_min" || fail "PROJ $proj 太旧 / is too old: $proj_min or newer is needed" \
    "Debian 12、Ubuntu 22.04 及以后的版本自带的即可 / those of Debian 12, Ubuntu 22.04 and later will do"
  if ! at_least "$gdal_max" "$(cut -d. -f1,2 <<<"$gdal")"; then
    fail "GDAL $gdal 太新 / is too new: the crate gdal 0.19 has bindings up to $gdal_max" \
      "在 Cargo.toml 中为 gdal 启用 bindgen / enable its feature bindgen in Cargo.toml: cargo add gdal --features bindgen"
  fi
  versions="GDAL $gdal, PROJ $proj"
}

check_cargo() {
  local need have
  need="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)"
  has cargo || fail "没有 cargo / there is no cargo: Rust $need or newer is needed" \
    "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" \
    ". \"\$HOME/.cargo/env\"" \
    "见 / see https://rustup.rs"
  have="$(cargo --version | awk '{ print $2 }')"
  at_least "$have" "$need" || fail "cargo $have 太旧 / is too old: $need or newer is needed" "rustup update stable"
  versions="$versions, cargo $have"
}

case "$purpose" in
  build | test) ;;
  *) fail "usage: scripts/setup.sh [build|test]" ;;
esac
say "检查系统软件 / checking what the system has ($purpose)"
look
if [ ${#missing[@]} -gt 0 ]; then
  if has apt-get; then install_on_debian; else say_what_to_install; fi
  look
  [ ${#missing[@]} -eq 0 ] || fail "安装后仍缺少 / still missing after installing: ${missing[*]}"
fi
check_versions
check_cargo
say "齐备 / all there: $versions"
