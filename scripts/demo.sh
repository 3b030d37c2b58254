#!/usr/bin/env bash
# Builds heshan and screens the sample project, then says where the results are. `make demo` runs it after setup.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

built="${CARGO_TARGET_DIR:-target}"
out="$built/demo"
say() { printf '\n== %s\n' "$*"; }

say "编译 / building: cargo build --release --locked"
cargo build --release --locked
mkdir -p "$out"

command=("$built/release/heshan" screen
  --rivers data-samples/rivers.geojson
  --sites data-samples/sites_alxa.shp data-samples/sites_wuhai.gpkg data-samples/sites_ordos.geojson
  --zones data-samples/nature_reserve.geojson
  --distance 1000,3000 --overwrite -o "$out/screen.gpkg")
say "筛查示例图斑 / screening the sample sites"
printf '%s\n' "${command[*]}"
code=0
"${command[@]}" || code=$?

case "$code" in
  0) ;;
  1)
    say "退出码 1 / exit code 1"
    echo "示例数据故意放了几个错误图斑:无法使用的已列入 skipped 表,其余照常计算。"
    echo "The sample holds deliberate faults. Features that could not be used are listed in the table"
    echo "“skipped”; all others were computed. See data-samples/README.md."
    ;;
  *)
    say "失败,退出码 / failed with exit code $code"
    exit "$code"
    ;;
esac

say "结果 / results"
list() {
  [ -e "$out/$1" ] || { echo "没有生成 / was not written: $out/$1" >&2; exit 1; }
  printf '  %s\n      %s\n      %s\n' "$out/$1" "$2" "$3"
}
list screen.gpkg "地图图层,带样式;用 QGIS 打开(拖入窗口)" "map layers with styles; drag it into QGIS"
list screen.xlsx "清单与汇总;用 WPS 或 Excel 打开" "lists and summary; open it in Excel or LibreOffice"
list screen_summary.csv "汇总表" "the summary as a table"
list screen.manifest.json "运行记录:输入及其 SHA-256、参数、软件版本、数量" \
  "the run's record: inputs with SHA-256, parameters, versions, counts"
printf '\n下一步 / next: docs/tutorial.md\n'
