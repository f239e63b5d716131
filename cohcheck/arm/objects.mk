# SPDX-License-Identifier: MIT
arm-regime-objs := cohcheck/arm/arm_regime.o cohcheck/arm/arm_walk.o cohcheck/arm/arm_describe.o \
	cohcheck/arm/arm_describe_short.o
arm-decode-objs := cohcheck/arm/arm_decode.o cohcheck/arm/arm_decode_a32.o
cohcheck-plugin-objs += $(arm-regime-objs) $(arm-decode-objs)

unit-tests += arm_decode_test
arm_decode_test-objs := cohcheck/arm/arm_decode_test.o $(arm-decode-objs)

unit-tests += arm_decode_a32_test
arm_decode_a32_test-objs := cohcheck/arm/arm_decode_a32_test.o $(arm-decode-objs)

unit-tests += arm_regime_test
arm_regime_test-objs := cohcheck/arm/arm_regime_test.o cohcheck/arm/arm_fake.o $(arm-regime-objs)

unit-tests += arm_walk_test
arm_walk_test-objs := cohcheck/arm/arm_walk_test.o cohcheck/arm/arm_fake.o $(arm-regime-objs)

unit-tests += arm_walk_a32_test
arm_walk_a32_test-objs := cohcheck/arm/arm_walk_a32_test.o cohcheck/arm/arm_fake.o $(arm-regime-objs)

unit-tests += arm_describe_test
arm_describe_test-objs := cohcheck/arm/arm_describe_test.o cohcheck/arm/arm_fake.o $(arm-regime-objs)


arm-shadow-objs := cohcheck/arm/arm_shadow.o cohcheck/arm/arm_shadow_memory.o cohcheck/arm/arm_shadow_root.o cohcheck/arm/arm_shadow_ref.o \
	cohcheck/arm/arm_shadow_table.o cohcheck/arm/arm_shadow_store.o cohcheck/arm/arm_shadow_stage2.o \
	cohcheck/arm/arm_shadow_tlbi.o cohcheck/arm/arm_alias.o \
	cohcheck/arm/arm_alias_index.o cohcheck/arm/arm_zombie.o
cohcheck-plugin-objs += $(arm-shadow-objs)

arm-shadow-test-objs := cohcheck/arm/arm_shadow_fake.o cohcheck/arm/arm_fake.o $(arm-shadow-objs) $(arm-regime-objs)
unit-tests += arm_shadow_test
arm_shadow_test-objs := cohcheck/arm/arm_shadow_test.o $(arm-shadow-test-objs)
unit-tests += arm_shadow_tlbi_test
arm_shadow_tlbi_test-objs := cohcheck/arm/arm_shadow_tlbi_test.o $(arm-shadow-test-objs)
unit-tests += arm_shadow_stage2_test
arm_shadow_stage2_test-objs := cohcheck/arm/arm_shadow_stage2_test.o $(arm-shadow-test-objs)
unit-tests += arm_shadow_storm_test
arm_shadow_storm_test-objs := cohcheck/arm/arm_shadow_storm_test.o $(arm-shadow-test-objs)
unit-tests += arm_shadow_oracle_test
arm_shadow_oracle_test-objs := cohcheck/arm/arm_shadow_oracle_test.o cohcheck/arm/arm_shadow_oracle.o $(arm-shadow-test-objs)
unit-tests += arm_shadow_format_test
arm_shadow_format_test-objs := cohcheck/arm/arm_shadow_format_test.o $(arm-shadow-test-objs)
unit-tests += arm_shadow_oracle_stage2_test
arm_shadow_oracle_stage2_test-objs := cohcheck/arm/arm_shadow_oracle_stage2_test.o cohcheck/arm/arm_shadow_oracle.o $(arm-shadow-test-objs)
