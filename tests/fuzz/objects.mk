# SPDX-License-Identifier: MIT
#
# Fuzzers: clang's libFuzzer with ASan and UBSan, over the product's sources and the unit tests' fakes. `make fuzz` builds
# them under build/fuzz/, makes their first inputs from seeds/, and runs each for a fixed number of inputs from a fixed
# seed; FUZZ_RUNS=N for another number. What it found is left in build/fuzz/<name>.found-*.

fuzzers := fuzz_hypercall fuzz_operations fuzz_devtree
fuzz_hypercall-objs = tests/fuzz/fuzz_hypercall.o tests/fuzz/fuzz_domains.o $(hypercall-test-objs)
fuzz_operations-objs = tests/fuzz/fuzz_operations.o tests/fuzz/fuzz_domains.o $(hypercall-test-objs)
fuzz_devtree-objs = tests/fuzz/fuzz_devtree.o devtree/devtree_read.o hypervisor/console/uart_fdt.o \
	hypervisor/gic/gic_fdt.o

# Inputs of a run in ./check: some seconds each.
fuzz_hypercall-runs := 60000
fuzz_operations-runs := 60000
fuzz_devtree-runs := 150000
