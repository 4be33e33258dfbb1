#!/usr/bin/env bash
# tables.sh - every row of tbl/*.def says what it is for, and no number or name is used twice.
set -u
top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$top/tbl" || exit 1

# kind -> columns that must be unique, counted from 1
awk '
	function fail(why) { printf "%s:%d: %s\n", FILENAME, FNR, why; bad++ }
	function once(what, value,   k) {
		k = FILENAME SUBSEP kind SUBSEP what SUBSEP value
		if (k in seen) fail(kind " " what " " value " was used on line " seen[k]); else seen[k] = FNR
	}
	# the arguments of a row, a string counting as one
	function args(s,   i, c, q, n) {
		delete a; n = 1; a[1] = ""
		for (i = 1; i <= length(s); i++) {
			c = substr(s, i, 1)
			if (c == "\"" && substr(s, i - 1, 1) != "\\") q = !q
			if (c == "," && !q) { n++; a[n] = ""; continue }
			a[n] = a[n] c
		}
		for (i = 1; i <= n; i++) gsub(/^[ \t]+|[ \t]+$/, "", a[i])
		return n
	}
	BEGIN {
		unique["ERR"] = "1 2 3"; unique["EVENT"] = "1 2 3"; unique["STATE"] = "1 2 3 4"; unique["PRIO"] = "1 2 3"
		unique["ROLE"] = "1 2 3"; unique["CMD"] = "1 2"; unique["FIELD"] = "1"; unique["RULE"] = "1 2"; unique["MOVE"] = ""
	}
	/^[A-Z_]+\(/ {
		kind = $0; sub(/\(.*/, "", kind)
		row = $0; sub(/^[A-Z_]+\(/, "", row)
		while (row !~ /\)[ \t]*(\/\*.*\*\/[ \t]*)?$/ && (getline more) > 0) row = row " " more
		sub(/\)[ \t]*(\/\*.*\*\/[ \t]*)?$/, "", row)
		n = args(row); rows++
		if (kind == "MOVE") { once("pair", a[1] ">" a[2]); next }
		if (a[n] !~ /^".+"$/) fail(kind " " a[1] " has no help text")
		m = split(kind in unique ? unique[kind] : "1", col, " ")
		for (i = 1; i <= m; i++) once("column " col[i], a[col[i]])
	}
	END { if (bad) { printf "tables: %d mistakes\n", bad; exit 1 } printf "tables: %d rows are in order\n", rows; exit rows == 0 }
' ./*.def
