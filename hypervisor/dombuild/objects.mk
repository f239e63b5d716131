# SPDX-License-Identifier: MIT
dombuild-objs := $(patsubst %,hypervisor/dombuild/%.o,dombuild dombuild_scan dombuild_image dombuild_inflate \
	dombuild_place dombuild_load dombuild_domu dombuild_dom0 dombuild_hostfdt dombuild_hostdev dombuild_rebuild)
hyp-objs += $(dombuild-objs)
# Run once, at boot: small rather than fast. What takes time is memcpy() and inflate().
$(foreach obj,$(dombuild-objs),$(eval cflags-$(obj) := $(if $(debug),,-Os)))

dombuild-test-objs := hypervisor/dombuild/dombuild_fake.o $(dombuild-objs) hypervisor/boot/boot_options.o \
	devtree/devtree_map.o devtree/devtree_read.o devtree/devtree_write.o hypervisor/lib/lock.o \
	hypervisor/lib/rangeset.o hypervisor/lib/crc32.o tests/unit/fake_machine.o

unit-tests += dombuild_place_test
dombuild_place_test-objs := hypervisor/dombuild/dombuild_place_test.o hypervisor/dombuild/dombuild_place.o

unit-tests += dombuild_scan_test
dombuild_scan_test-objs := hypervisor/dombuild/dombuild_scan_test.o $(dombuild-test-objs)

unit-tests += dombuild_image_test
dombuild_image_test-objs := hypervisor/dombuild/dombuild_image_test.o $(dombuild-test-objs)

unit-tests += dombuild_domu_test
dombuild_domu_test-objs := hypervisor/dombuild/dombuild_domu_test.o $(dombuild-test-objs)

unit-tests += dombuild_rebuild_test
dombuild_rebuild_test-objs := hypervisor/dombuild/dombuild_rebuild_test.o $(dombuild-test-objs)

unit-tests += dombuild_hostfdt_test
dombuild_hostfdt_test-objs := hypervisor/dombuild/dombuild_hostfdt_test.o $(dombuild-test-objs)

unit-tests += boot_options_test
boot_options_test-objs := hypervisor/boot/boot_options_test.o hypervisor/boot/boot_options.o tests/unit/fake_machine.o
