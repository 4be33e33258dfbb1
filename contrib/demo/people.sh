#!/usr/bin/env bash
# people.sh - what the demo's people have done before the curtain rises: assignments, holds, notes.
#
#   contrib/demo/people.sh DIR     (called by quickstart.sh; wetread must be in PATH)
#
# Through the local socket, as the people themselves, with the same one-shot commands anybody may use.
set -u -o pipefail
dir=${1:?the site directory}
as() {
	local who=$1
	shift
	wetread --coordinator "unix:$dir/run/core.sock" --as "$who" "$@"
}
# The first study that matches, as #ID.
pick() { as sup1 list --json --filter "$1" --number 1 | sed -n 's/^{"id":\([0-9]*\),.*/#\1/p'; }
failed=0
act() { # act WHO COMMAND FILTER ARGUMENTS...
	local who=$1 command=$2 study
	study=$(pick "$3")
	shift 3
	[ -n "$study" ] || {
		echo "people: nothing to $command"
		failed=1
		return
	}
	as "$who" "$command" "$study" "$@" || failed=1
}

act jdoe assign 'site:northg p:0' delgado "C-spine, they wait for you"
act jdoe assign 'site:lakes exam:facial' abebe
act kowalski assign 'site:eulux exam:dvt' lindqvist
act abara assign 'site:perth exam:c-spine' harper
act abara assign 'site:pune exam:gallbladder' krishnan
act jdoe hold 'site:valley exam:brain' PRIOR "MR of June is on disc at the other campus"
act kowalski hold 'site:corkuh exam:renal' TECH "upper poles are cut off, second scan asked for"
act jdoe note 'site:stanne p:0' "CTA to follow; neurology on line 2"
act abara note 'site:adel exam:abd' "surgeon wants a call either way"
act okafor note 'site:stanne exam:pe' "two earlier CTs at VALLEY under the maiden name"
exit $failed
