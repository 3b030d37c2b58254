# Answers of R's strucchange, combined as bfastmonitor combines them: tests/fixtures/peers/bfastmonitor.csv.
#
# usage: Rscript bfastmonitor.R monitor.json OUT.csv       (monitor.json from monitor.py: the same pixels)
# Needs (Debian): r-cran-strucchange r-cran-jsonlite.
#
# For each pixel and each of four settings: history (all, ROC), harmonic order, trend; the first look of the history that is
# used, the look of the break, the magnitude (median residual of the monitoring period) and sigma.
suppressMessages({library(strucchange); library(jsonlite)})
a <- commandArgs(TRUE); j <- fromJSON(a[1], simplifyVector = FALSE); days <- unlist(j$days)
year <- function(d) { p <- as.POSIXlt(as.Date(d, origin = "1970-01-01")); y <- 1900 + p$year; leap <- (y %% 4 == 0 & y %% 100 != 0) | y %% 400 == 0; y + p$yday / ifelse(leap, 365, 364) }
rows <- NULL
add <- function(...) { r <- data.frame(...); names(r) <- c("pixel", "process", "history", "order", "trend", "start", "break_day", "magnitude", "sigma"); rows <<- rbind(rows, r) }
for (k in seq_along(j$pixels)) {
  v <- sapply(j$pixels[[k]], function(x) if (is.null(x)) NA else x)
  for (s in list(list("OLS-MOSUM", "all", 2, FALSE), list("OLS-MOSUM", "ROC", 1, TRUE), list("OLS-CUSUM", "all", 1, FALSE), list("OLS-MOSUM", "ROC", 2, FALSE))) {
    ok <- !is.na(v); d <- data.frame(y = v[ok], day = days[ok]); d$trend <- (d$day - 16801) / 365.25
    for (o in 1:s[[3]]) { d[[paste0("c", o)]] <- cos(2 * pi * o * year(d$day)); d[[paste0("s", o)]] <- sin(2 * pi * o * year(d$day)) }
    f <- as.formula(paste("y ~", paste(c(if (s[[4]]) "trend", unlist(lapply(1:s[[3]], function(o) paste0(c("c", "s"), o)))), collapse = "+")))
    h <- d[d$day < j$start, ]; p <- 1 + s[[4]] + 2 * s[[3]]; from <- 1
    if (nrow(h) < 1.5 * p || nrow(h) == nrow(d)) { add(k - 1, s[[1]], s[[2]], s[[3]], s[[4]], NA, NA, NA, NA); next }
    if (s[[2]] == "ROC") {
      e <- efp(f, data = h[nrow(h):1, ], type = "Rec-CUSUM"); pv <- sctest(e)$p.value
      if (!is.na(pv) && pv < 0.05) from <- length(e$process) - min(which(abs(e$process)[-1] > boundary(e)[-1])) + 1
    }
    h <- h[from:nrow(h), ]
    if (nrow(h) <= p) { add(k - 1, s[[1]], s[[2]], s[[3]], s[[4]], NA, NA, NA, NA); next }
    m <- mefp(f, data = h, type = s[[1]], h = 0.25, period = 10, alpha = 0.05); all <- d[d$day >= h$day[1], ]
    m <- monitor(m, data = all, verbose = FALSE); fit <- lm(f, data = h); now <- all[all$day >= j$start, ]
    mag <- median(now$y - predict(fit, newdata = now)); b <- if (is.na(m$breakpoint)) 0 else all$day[m$breakpoint]
    add(k - 1, s[[1]], s[[2]], s[[3]], s[[4]], h$day[1], b, mag, summary(fit)$sigma)
  }
}
cat(sprintf("# scripts/peers/bfastmonitor.R, strucchange %s, %s\n", packageVersion("strucchange"), R.version.string), file = a[2])
suppressWarnings(write.table(rows, a[2], append = TRUE, sep = ",", row.names = FALSE, quote = FALSE))
