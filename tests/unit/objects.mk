# SPDX-License-Identifier: MIT
unit-tests += fake_machine_test
fake_machine_test-objs := tests/unit/fake_machine_test.o tests/unit/fake_machine.o
