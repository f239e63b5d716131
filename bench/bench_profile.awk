# SPDX-License-Identifier: MIT
#
# Joins what the guest printed (console), what bench_plugin.so counted (counts) and the hypervisor's symbols, and
# prints for each operation how many instructions each function has in one turn.
#
#     awk -v console=FILE -v counts=FILE -v only=REGEX -f bench/bench_profile.awk SYMBOLS
#
# SYMBOLS is the output of nm -n. Addresses have 16 hexadecimal digits, so text comparison orders them.

$2 ~ /^[tTwW]$/ {
	start[nr_symbols] = $1
	name[nr_symbols++] = $3
}

function function_of(pc,    low, high, middle)
{
	pc = substr("0000000000000000" pc, length(pc) + 1)
	low = 0
	high = nr_symbols
	while (high - low > 1) {
		middle = int((low + high) / 2)
		if (start[middle] <= pc) {
			low = middle
		} else {
			high = middle
		}
	}
	return name[low]
}

END {
	while ((getline line <console) > 0) {
		if (match(line, /BENCH (on|off) [^ ]+ [0-9.]+/)) {
			split(substr(line, RSTART, RLENGTH), part, " ")
			section[nr_sections++] = part[3] " (MMU " part[2] ")"
			cost[nr_sections - 1] = part[4]
		}
	}
	while ((getline line <counts) > 0) {
		split(line, part, " ")
		if (part[2] == "pc" && section[part[1]] ~ only) {
			if (part[3] == 0) {
				sum[part[1], "(guest)"] += part[4]
			} else {
				sum[part[1], function_of(part[3])] += part[4]
			}
		}
	}
	for (s = 0; s < nr_sections; s++) {
		if (section[s] !~ only || section[s] ~ /^loop/) {
			continue
		}
		printf "%s: %s\n", section[s], cost[s]
		sort = "sort -rn"
		for (key in sum) {
			split(key, part, SUBSEP)
			if (part[1] == s && sum[key] >= 5000) {
				# Ten batches of a thousand turns.
				printf "%10.1f  %s\n", sum[key] / 10000, part[2] | sort
			}
		}
		close(sort)
	}
}
