# SPDX-License-Identifier: MIT
devtree-objs := devtree/devtree_map.o devtree/devtree_read.o devtree/devtree_write.o
hyp-objs += $(devtree-objs)
# Small rather than fast: a tree is read and written once.
$(foreach obj,$(devtree-objs),$(eval cflags-$(obj) := $(if $(debug),,-Os)))

unit-tests += devtree_map_test
devtree_map_test-objs := devtree/devtree_map_test.o devtree/devtree_map.o

unit-tests += devtree_read_test
devtree_read_test-objs := devtree/devtree_read_test.o devtree/devtree_read.o devtree/devtree_write.o devtree/devtree_map.o

unit-tests += devtree_write_test
devtree_write_test-objs := devtree/devtree_write_test.o devtree/devtree_write.o devtree/devtree_read.o \
	devtree/devtree_map.o
