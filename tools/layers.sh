#!/usr/bin/env bash
# layers.sh - names every include that points back, by src/LAYERS.
#
# A part may include doors of earlier levels and its own door, and private
# headers that lie beside the file.  A door obeys the rule of its part.
# Libraries listed with `only` may be included by the parts named there alone.
set -u
top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$top" || exit 1

find src include -name '*.[ch]' | sort | xargs grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]' /dev/null |
	awk -v layers=src/LAYERS '
	function fail(why) { printf "%s:%s: %s\n", file, line, why; bad++ }
	# a door is a part'"'"'s by the table, by its name, or by its name up to the first "_"
	function owner(door,   head) {
		if (door in part_of_door) return part_of_door[door]
		head = door; sub(/_.*/, "", head)
		return !(door in level_of) && head in level_of ? head : door
	}
	function beside(path) { return system("test -e " path) == 0 }
	BEGIN {
		while ((getline row < layers) > 0) {
			sub(/#.*/, "", row)
			n = split(row, w, /[ \t]+/)
			if (w[1] == "door") { for (i = 3; i <= n; i++) part_of_door[w[i]] = w[2] }
			else if (w[1] == "pure") continue
			else if (w[1] == "only") { nlib++; lib[nlib] = w[2]; for (i = 3; i <= n; i++) may[nlib, w[i]] = 1 }
			else if (n > 0 && w[1] != "") { level++; for (i = 1; i <= n; i++) level_of[w[i]] = level }
		}
	}
	{
		split($0, f, ":"); file = f[1]; line = f[2]
		match($0, /["<][^">]*[">]/); quote = substr($0, RSTART, 1); name = substr($0, RSTART + 1, RLENGTH - 2)
		n = split(file, p, "/")
		if (p[1] == "src") part = p[2]
		else { door = p[n]; sub(/\.h$/, "", door); part = owner(door) }
		if (!(part in level_of)) { fail("part \"" part "\" is not in src/LAYERS"); next }
		if (name ~ /^wetread\//) {
			door = name; sub(/^wetread\//, "", door); sub(/\.h$/, "", door)
			to = owner(door)
			if (!(to in level_of)) fail("door " name " belongs to no part (see src/LAYERS)")
			else if (to != part && level_of[to] >= level_of[part])
				fail(part " includes " name ", which is on level " level_of[to] " and not below its own (" level_of[part] ")")
		} else if (quote == "<") {
			for (i = 1; i <= nlib; i++)
				if (index(name, lib[i]) == 1 && !((i, part) in may)) fail(part " includes <" name ">, which is not its business")
		} else if (name != "config.h" && name !~ /\.def$/) {
			if (name ~ /\//) fail("\"" name "\" is a private header of another part")
			else { dir = file; sub(/[^\/]*$/, "", dir); if (!beside(dir name)) fail("\"" name "\" does not lie beside this file") }
		}
	}
	END { if (bad) { printf "layers: %d includes point back\n", bad; exit 1 } else print "layers: every include points down" }'
