#!/usr/bin/env bash
# tables.sh - every row of tbl/*.def says what it is for, and no number or name is used twice.
set -u
top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$top/tbl" || exit 1

# A table's comment names its columns, as in CMD(NAME, method, words, arguments, roles, help).  Where the last one is
# called help or text, each row must have it.  Below: which columns may not repeat, by file and kind.
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
		unique["./errors.def ERR"] = "1 2 3"; unique["./event.def EVENT"] = "1 2 3"; unique["./state.def STATE"] = "1 2 3 4"
		unique["./prio.def PRIO"] = "1 2 3"; unique["./role.def ROLE"] = "1 2 3"; unique["./command.def CMD"] = "1 2"
		unique["./eligibility.def RULE"] = "1 2"; unique["./filter.def FILTER"] = "1"; unique["./filter.def SUGGEST"] = "2"
	}
	FNR == 1 { delete helped; comment = 0 }
	/^\/\*/ { comment = 1 }
	comment && match($0, /[A-Z_]+\([^)]*(help|text)\)/) {
		k = substr($0, RSTART, RLENGTH); sub(/\(.*/, "", k); helped[k] = 1
	}
	/\*\// { if (comment) { comment = 0; next } }
	!comment && /^[A-Z_]+\(/ {
		kind = $0; sub(/\(.*/, "", kind)
		row = $0; sub(/^[A-Z_]+\(/, "", row)
		while (row !~ /\)[ \t]*(\/\*.*\*\/[ \t]*)?$/ && (getline more) > 0) row = row " " more
		sub(/\)[ \t]*(\/\*.*\*\/[ \t]*)?$/, "", row)
		n = args(row); rows++
		if ((kind in helped || kind == "FIELD") && a[n] !~ /^".+"$/) fail(kind " " a[1] " has no help text")
		if (kind == "FIELD") once("name", a[1])
		m = split(unique[FILENAME " " kind], col, " ")
		for (i = 1; i <= m; i++) once("column " col[i], a[col[i]])
		if (kind == "VALUE") once("word", a[1] ":" a[2])
		if (kind == "MOVE") once("pair", a[1] " to " a[2])
	}
	END { if (bad) { printf "tables: %d mistakes\n", bad; exit 1 } printf "tables: %d rows are in order\n", rows; exit rows == 0 }
' ./*.def
