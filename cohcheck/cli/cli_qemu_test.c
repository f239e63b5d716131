/* SPDX-License-Identifier: MIT */
/* What is understood of QEMU's command line, and what is refused. Messages go to the test's log. */
#include "cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct qemu_line line;

/* The words of a command line behind the program's name; the result of parsing. */
static int parse(const char *words)
{
	static char text[1024];
	char *argv[64] = {(char *)"qemu-system-aarch64"}, *rest;
	int argc = 1;

	snprintf(text, sizeof(text), "-cpu max %s", words);
	for (char *word = strtok_r(text, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		argv[argc++] = word;
	}
	return qemu_line_parse(&line, argc, argv);
}

static void accept(const char *words)
{
	assert_int_equal(parse(words), 0);
}

static void refuse(const char *words)
{
	assert_int_equal(parse(words), CLI_FAILED);
	qemu_line_free(&line);
}

static uint64_t ram_of(const char *words)
{
	char text[256];

	snprintf(text, sizeof(text), "-M virt %s", words);
	accept(text);
	qemu_line_free(&line);
	return line.ram_size;
}

static void memory_in_all_spellings(void **state)
{
	assert_int_equal(ram_of(""), 128 << 20);
	assert_int_equal(ram_of("-m 2048"), UINT64_C(2) << 30);
	assert_int_equal(ram_of("-m 2G"), UINT64_C(2) << 30);
	assert_int_equal(ram_of("--m 1.5g"), UINT64_C(3) << 29);
	assert_int_equal(ram_of("-m size=512,maxmem=4G,slots=2"), 512 << 20);
	assert_int_equal(ram_of("-m maxmem=4G,size=256M"), 256 << 20);
	assert_int_equal(ram_of("-m 1G -m size=64"), 64 << 20);
	assert_int_equal(ram_of("-m 1G -m maxmem=4G"), 1 << 30);
	assert_int_equal(ram_of("-m 100k"), 104 << 10); /* QEMU rounds up to 8 KiB */
	assert_int_equal(ram_of("-m 0x200"), 512 << 20);
}

static void sizes_that_are_none(void **state)
{
	refuse("-M virt -m 2X");
	refuse("-M virt -m G");
	refuse("-M virt -m -1");
	refuse("-M virt -m 99999999999999999999");
	refuse("-M virt -m 99999999999P");
	refuse("-M virt -m 1GG");
}

static unsigned int cpus_of(const char *words)
{
	char text[256];

	snprintf(text, sizeof(text), "-machine type=virt %s", words);
	accept(text);
	qemu_line_free(&line);
	return line.nr_cpus;
}

static void cpus_in_all_spellings(void **state)
{
	assert_int_equal(cpus_of(""), 1);
	assert_int_equal(cpus_of("-smp 4"), 4);
	assert_int_equal(cpus_of("-smp 4,maxcpus=8"), 4);
	assert_int_equal(cpus_of("-smp sockets=2,cores=3,threads=1"), 6);
	assert_int_equal(cpus_of("-smp maxcpus=8,cpus=2"), 2);
	refuse("-M virt -smp 0");
	refuse("-M virt -smp 65");
	refuse("-M virt -smp many");
}

static void only_virt_machines(void **state)
{
	accept("-M virt,virtualization=on,gic-version=3,secure=on");
	assert_string_equal(line.machine, "virt");
	assert_true(line.secure);
	qemu_line_free(&line);
	accept("-machine virt-9.2 -machine virtualization=on");
	assert_string_equal(line.machine, "virt-9.2");
	assert_false(line.secure);
	qemu_line_free(&line);
	refuse("-M raspi4b");
	refuse("-M sbsa-ref");
	refuse("-M virtual");
	refuse("");
	refuse("-M gic-version=3");
}

static void only_cpus_with_aarch64(void **state)
{
	char *argv[] = {(char *)"qemu-system-aarch64", (char *)"-M", (char *)"virt"};

	assert_int_equal(qemu_line_parse(&line, 3, argv),
			 CLI_FAILED); /* QEMU's default is cortex-a15 */
	qemu_line_free(&line);
	refuse("-M virt -cpu cortex-a15");
	refuse("-M virt -cpu cortex-a7,pmu=off");
	accept("-M virt -cpu cortex-a76");
	qemu_line_free(&line);
	accept("-M virt -cpu cortex-a72,pmu=off");
	qemu_line_free(&line);
}

static void other_accelerators_are_refused(void **state)
{
	refuse("-M virt -enable-kvm");
	refuse("-M virt --enable-kvm");
	refuse("-M virt -accel kvm");
	refuse("-M virt -accel hvf");
	refuse("-M virt,accel=kvm:tcg");
	refuse("-M virt,accel=tcg:kvm");
	refuse("-M virt -accel tcg -accel kvm");
	accept("-M virt,accel=tcg -accel tcg,thread=multi -smp 4");
	qemu_line_free(&line);
}

static void one_thread_only_for_one_cpu(void **state)
{
	refuse("-M virt -accel tcg,thread=single -smp 2");
	refuse("-M virt -smp 2 -icount shift=0");
	accept("-M virt -accel tcg,thread=single -smp 1");
	qemu_line_free(&line);
	accept("-M virt -icount 3");
	qemu_line_free(&line);
}

static void memory_of_others_is_refused(void **state)
{
	refuse("-M virt -mem-path /dev/hugepages");
	refuse("-M virt -object memory-backend-file,id=x,size=1G,mem-path=/x");
	refuse("-M virt -object {\"qom-type\":\"memory-backend-ram\",\"id\":\"x\",\"size\":1024}");
	refuse("-M virt,memory-backend=x");
	refuse("-M virt -numa node");
	refuse("-M virt -device pc-dimm,id=d,memdev=m");
	refuse("-M virt -device virtio-mem-pci,memdev=m");
	accept("-M virt -object rng-random,id=r,filename=/dev/urandom -device virtio-rng-pci,rng=r");
	qemu_line_free(&line);
}

static void what_does_not_begin_at_reset_is_refused(void **state)
{
	refuse("-M virt -incoming tcp:0:4444");
	refuse("-M virt -loadvm snap");
	refuse("-M virt -daemonize");
	refuse("-M virt -readconfig file");
}

static void a_missing_argument_is_noticed(void **state)
{
	refuse("-M virt -m");
	refuse("-M virt -kernel");
	refuse("-M");
}

static void arguments_that_look_like_options_are_arguments(void **state)
{
	accept("-M virt -append -enable-kvm -name -mem-path disk.img -no-reboot -nographic");
	assert_int_equal(line.ram_size, 128 << 20);
	qemu_line_free(&line);
}

static void what_is_loaded_is_known(void **state)
{
	accept("-M virt -kernel Image -initrd rd -dtb t.dtb "
	       "-device loader,file=a,,b,addr=0x48000000,force-raw=on "
	       "-device {\"driver\":\"loader\",\"file\":\"e.elf\",\"cpu-num\":0} "
	       "-device loader,addr=0x40000000,data=0x1,data-len=8 -device loader,addr=0x100,cpu-num=1 "
	       "-device guest-loader,addr=0x49000000,kernel=Image2,bootargs=x -device virtio-net-pci");
	assert_string_equal(line.kernel, "Image");
	assert_string_equal(line.initrd, "rd");
	assert_string_equal(line.dtb, "t.dtb");
	assert_int_equal(line.nr_blobs, 4);
	assert_string_equal(line.blobs[0].file, "a,b");
	assert_int_equal(line.blobs[0].addr, 0x48000000);
	assert_true(line.blobs[0].raw && !line.blobs[0].starts);
	assert_string_equal(line.blobs[1].file, "e.elf");
	assert_true(!line.blobs[1].raw && line.blobs[1].starts);
	assert_null(line.blobs[2].file);
	assert_int_equal(line.blobs[2].size, 8);
	assert_string_equal(line.blobs[3].file, "Image2");
	assert_int_equal(line.blobs[3].addr, 0x49000000);
	qemu_line_free(&line);
}

static void flash_in_all_spellings(void **state)
{
	accept("-M virt -bios efi.fd");
	assert_int_equal(line.nr_flashes, 1);
	assert_string_equal(line.flashes[0].file, "efi.fd");
	assert_true(line.flashes[0].is_rom);
	qemu_line_free(&line);
	accept("-M virt -drive if=pflash,format=raw,file=code.fd,readonly=on -drive if=pflash,file=vars.fd "
	       "-drive if=none,file=disk,id=d");
	assert_int_equal(line.nr_flashes, 2);
	assert_string_equal(line.flashes[0].file, "code.fd");
	assert_int_equal(line.flashes[0].start, 0);
	assert_string_equal(line.flashes[1].file, "vars.fd");
	assert_int_equal(line.flashes[1].start, 0x4000000);
	qemu_line_free(&line);
	accept("-M virt -pflash one -drive if=pflash,unit=1,file=two");
	assert_string_equal(line.flashes[0].file, "one");
	assert_string_equal(line.flashes[1].file, "two");
	qemu_line_free(&line);
	accept("-blockdev driver=file,filename=c.fd,node-name=f -blockdev "
	       "{\"driver\":\"raw\",\"node-name\":\"p\",\"file\":\"f\"} -M virt,pflash0=p");
	assert_int_equal(line.nr_flashes, 1);
	assert_string_equal(line.flashes[0].file, "c.fd");
	qemu_line_free(&line);
	refuse("-M virt,pflash0=nowhere");
}

static void settings_are_taken_apart_as_qemu_does(void **state)
{
	struct qemu_settings *settings = qemu_settings_parse("virt,a=b,,c,flag,x=,a=last", "type");

	assert_string_equal(qemu_setting(settings, "type"), "virt");
	assert_string_equal(qemu_setting(settings, "a"), "last");
	assert_string_equal(settings->list[1].value, "b,c");
	assert_string_equal(qemu_setting(settings, "flag"), "on");
	assert_string_equal(qemu_setting(settings, "x"), "");
	assert_null(qemu_setting(settings, "y"));
	qemu_settings_free(settings);
	assert_null(qemu_settings_parse("{\"broken\"", NULL));
	assert_null(qemu_settings_parse("{broken", NULL));
	settings = qemu_settings_parse("{\"a\":{\"b\":1},\"c\":true,\"d\":null}", NULL);
	assert_string_equal(qemu_setting(settings, "a.b"), "1");
	assert_string_equal(qemu_setting(settings, "c"), "on");
	qemu_settings_free(settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_in_all_spellings),
		cmocka_unit_test(sizes_that_are_none),
		cmocka_unit_test(cpus_in_all_spellings),
		cmocka_unit_test(only_virt_machines),
		cmocka_unit_test(only_cpus_with_aarch64),
		cmocka_unit_test(other_accelerators_are_refused),
		cmocka_unit_test(one_thread_only_for_one_cpu),
		cmocka_unit_test(memory_of_others_is_refused),
		cmocka_unit_test(what_does_not_begin_at_reset_is_refused),
		cmocka_unit_test(a_missing_argument_is_noticed),
		cmocka_unit_test(arguments_that_look_like_options_are_arguments),
		cmocka_unit_test(what_is_loaded_is_known),
		cmocka_unit_test(flash_in_all_spellings),
		cmocka_unit_test(settings_are_taken_apart_as_qemu_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
