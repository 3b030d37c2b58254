#!/usr/bin/env bash
# Builds heshan and screens the sample project, then says where the results are. `make demo` runs it after setup.sh.
# A second run builds nothing and, where program and sample are the same, shows the summary of the last one.
set -euo pipefail
cd "$(dirname "$0")/.."

built="${CARGO_TARGET_DIR:-target}"
out="$built/demo"
said="$out/summary.txt"
say() { printf '\n== %s\n' "$*"; }

say "编译 / building: cargo build --release --locked"
cargo build --release --locked
mkdir -p "$out"

program="$built/release/heshan"
arguments=(screen
  --rivers data-samples/rivers.geojson
  --sites data-samples/sites_alxa.shp data-samples/sites_wuhai.gpkg data-samples/sites_ordos.geojson
  --zones data-samples/nature_reserve.geojson
  --distance 1000,3000 --overwrite -o "$out/screen.gpkg")
# the made-up scenes: before, after, and what became of the ground
scenes=(scenes data-samples/sample_scenes --overwrite -o "$out/scenes.json")
change=(change
  "$out/scenes.json#LC08_L2SP_129033_20220715_SAMPLE" "$out/scenes.json#LC08_L2SP_129033_20240720_SAMPLE"
  --class "water=mndwi>0" --class "plants=ndvi>0.5" --class "bare=ndvi<0.2"
  --min-area 2000 --overwrite -o "$out/change.tif" --patches "$out/change.gpkg")
results=(screen.gpkg screen.xlsx screen_summary.csv screen.manifest.json change.tif change.gpkg change.png project/out/page.html
  project/out/issues_by_unit.xlsx project/out/terrain.gpkg project/out/restore.xlsx)

# the last run stands: its language, its results, and nothing newer than its summary
same_as_last() {
  [ -f "$said" ] && [ "$(cat "$out/language" 2>/dev/null)" = "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" ] || return 1
  for r in "${results[@]}"; do [ -f "$out/$r" ] || return 1; done
  [ -z "$(find "$program" data-samples scripts/demo.sh -newer "$said" -print -quit)" ]
}

# The designed sites: what heshan finds beside what data-samples/README.md expects (which heshan did not compute)
designed() {
  local folder
  folder=$(mktemp -d)
  "$program" "${arguments[@]:0:${#arguments[@]}-1}" "$folder/sites.csv" --layers sites -q || [ $? = 1 ]
  echo
  echo "设计图斑:算得 | README 应得 / designed sites: found | expected by the README"
  awk '
    function place(name,  i) { for (i = 1; i <= NF; i++) { gsub(/^ +| +$/, "", $i); if ($i == name) return i } return 0 }
    # the README: the table after <!-- designed -->
    FNR == NR && /<!-- designed -->/ { table = 1; FS = "|"; next }
    FNR == NR && /<!-- \/designed -->/ { table = 0 }
    FNR == NR && table && /^\| id / { d = place("min_dist_m"); r = place("relation_3000"); m = place("inside_3000_m2") }
    FNR == NR && table && /^\| D/ {
      for (i = 1; i <= NF; i++) gsub(/^ +| +$/, "", $i)
      dist[$2] = $d; rel[$2] = $r; inside[$2] = $m
    }
    FNR == NR { next }
    # the output: WKT in quotes comes first
    FNR == 1 { FS = ","; $0 = $0; x = place("site_id"); d = place("min_dist_m"); r = place("relation_3000"); m = place("inside_3000_m2"); next }
    { sub(/^"[^"]*"/, "wkt"); $0 = $0 }
    $x in dist { printf "  %s  %11.4f | %11s m   %-7s | %-7s  %11.1f | %11.1f m²\n", $x, $d, dist[$x], $r, rel[$x], $m, inside[$x] }
  ' data-samples/README.md "$folder/sites.csv" | sort
  rm -rf "$folder"
}

code=0
if same_as_last; then
  say "程序与数据未变,沿用上次结果 / nothing has changed; the last run said"
  cat "$said"
  code=$(cat "$out/code")
else
  say "筛查示例图斑:距黄河干支流 1 公里、3 公里 / screening the sample sites: within 1 and 3 km of the Yellow River"
  printf '%s' "$program"
  printf ' %s' "${arguments[@]}" | sed 's/ --/ \\\n  --/g'
  printf '\n\n'
  rm -f "$said"
  "$program" "${arguments[@]}" 2>&1 | tee "$out/said" || code=${PIPESTATUS[0]}
  [ "$code" -gt 1 ] || designed | tee -a "$out/said"
  if [ "$code" -le 1 ]; then
    {
      say "两期影像变化:示例影像 / change between two made-up scenes"
      "$program" "${scenes[@]}" -q && "$program" "${change[@]}"
    } 2>&1 | tee -a "$out/said" || code=${PIPESTATUS[0]}
  fi
  if [ "$code" -le 1 ]; then
    {
      say "样例项目:筛查、变化、恢复、地形、时序、火点、台账、清单、通报、网页,一条命令 / the sample project, all by one command"
      "$program" sample "$out/project" --overwrite -q && "$program" run "$out/project/project.toml"
    } 2>&1 | tee -a "$out/said" || code=${PIPESTATUS[0]}
  fi
  printf '%s\n' "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" > "$out/language"
  printf '%s\n' "$code" > "$out/code"
  mv "$out/said" "$said"
fi

case "$code" in
  0) ;;
  1)
    say "退出码 1 / exit code 1"
    echo "示例数据故意放了几个错误图斑:无法使用的已列入 skipped 表,其余照常计算(见 data-samples/README.md)。"
    echo "The sample holds deliberate faults. Features that could not be used are listed in the table"
    echo "“skipped”; all others were computed (see data-samples/README.md)."
    ;;
  *)
    rm -f "$said"
    say "失败,退出码 / failed with exit code $code"
    exit "$code"
    ;;
esac

say "结果 / results, in $out"
list() {
  [ -e "$out/$1" ] || { echo "没有生成 / was not written: $out/$1" >&2; exit 1; }
  printf '  %-22s %s\n  %-22s %s\n' "$1" "$2" "" "$3"
}
list screen.gpkg "地图图层,带样式;用 QGIS 打开(拖入窗口)" "map layers with styles; drag it into QGIS"
list screen.xlsx "清单与汇总;用 WPS 或 Excel 打开" "lists and summary; open it in Excel or LibreOffice"
list screen_summary.csv "汇总表" "the summary as a table"
list screen.manifest.json "运行记录:输入及其 SHA-256、参数、软件版本、数量" \
  "the run's record: inputs with SHA-256, parameters, versions, counts"
list change.png "前、后时相与变化" "before, after and change"
list change.gpkg "变化图斑与地类转移图斑,带样式" "patches of change and of classes, with styles"
list change.tif "变化栅格(旁有 change_classes.tif)" "raster of change (change_classes.tif beside it)"
list project/out/bulletin.docx "月调度(另有 .html、.xlsx)" "the monthly dispatch (.html and .xlsx beside it)"
list project/out/terrain.xlsx "采坑与堆场:方量、坑深堆高、判定(另有 .gpkg、.tif)" "pits and dumps: volumes, depth, verdicts (.gpkg and .tif beside it)"
list project/out/restore.xlsx "恢复单元:覆盖度、趋势、等级" "restoration units: cover, trend, grade"
list project/out/issues_by_unit.xlsx "问题清单:总览与每单位一张表(分矿山、每单位一个文件亦有)" "lists of issues: overview and a sheet a unit (by mine, and a file a unit, too)"
list project/out/case_CH2026-00001.html "一案一档,含前后影像" "one issue's history, with pictures of before and after"
list project/out/ledger.gpkg "问题台账;用 QGIS 打开,按状态着色" "the ledger of issues; QGIS shows it in colours by state"
list project/out/page.html "地图网页:双击打开,不需要网络" "the map page: open it by a double-click, no network needed"
printf '\n应得的结果 / the answers to expect: data-samples/README.md\n下一步 / next: docs/tutorial.md\n'
