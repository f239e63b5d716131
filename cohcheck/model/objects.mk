# SPDX-License-Identifier: MIT

model-objs := cohcheck/model/model.o cohcheck/model/model_access.o cohcheck/model/model_fetch.o \
	cohcheck/model/model_maintenance.o cohcheck/model/model_pending.o cohcheck/model/model_quiet.o \
	cohcheck/model/model_report.o cohcheck/model/model_trace.o
cohcheck-objs += $(model-objs)

unit-tests += model_test
model_test-objs := cohcheck/model/model_test.o $(model-objs)

# The oracle is a million sequences: without sanitizers. The model itself has them there, too.
model-oracle-objs := cohcheck/model/model_oracle.o cohcheck/model/model_oracle_line.o \
	cohcheck/model/model_oracle_granule.o
unit-tests += model_oracle_test
model_oracle_test-objs := cohcheck/model/model_oracle_test.o $(model-oracle-objs) $(model-objs)
$(foreach object,$(model-oracle-objs),$(eval unit-cflags-$(object) := -O2 -fno-sanitize=all))

unit-tests += model_trace_test
model_trace_test-objs := cohcheck/model/model_trace_test.o $(model-objs)
