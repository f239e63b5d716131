/* SPDX-License-Identifier: MIT */
/*
 * The pipe to the command. A guest's CPU waits for a slow reader, but not for ever: once the reader is gone, or has not read
 * for STREAM_PATIENCE_MS, nothing more is sent, and the command notices by the missing totals.
 */
#include "plugin/plugin.h"
#include "report/report_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define STREAM_PATIENCE_MS 20000

static bool broken;

static void write_all(const uint8_t *data, size_t size)
{
	int fd = plugin.options.pipe_fd;

	while (size) {
		/* QEMU ignores SIGPIPE. */
		ssize_t done = write(fd, data, size);

		if (done >= 0) {
			data += done;
			size -= (size_t)done;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			struct pollfd poller = {.fd = fd, .events = POLLOUT};

			if (poll(&poller, 1, STREAM_PATIENCE_MS) <= 0 ||
			    !(poller.revents & POLLOUT)) {
				broken = true;
				return;
			}
		} else if (errno != EINTR) {
			broken = true;
			return;
		}
	}
}

void plugin_stream_send(uint32_t type, const void *data, uint32_t size)
{
	static bool nonblocking;
	uint8_t record[sizeof(struct stream_record) + STREAM_MAX_RECORD];
	struct stream_record head = {.type = type, .length = size};

	if (plugin.options.pipe_fd < 0 || broken || size > STREAM_MAX_RECORD) {
		return;
	}
	if (!nonblocking) {
		int flags = fcntl(plugin.options.pipe_fd, F_GETFL);

		fcntl(plugin.options.pipe_fd, F_SETFL, flags | O_NONBLOCK);
		nonblocking = true;
	}
	memcpy(record, &head, sizeof(head));
	memcpy(record + sizeof(head), data, size);
	write_all(record, sizeof(head) + size);
}

void plugin_stream_refuse(const char *text)
{
	if (plugin.options.pipe_fd >= 0) {
		plugin_stream_send(STREAM_REFUSED, text, (uint32_t)strlen(text) + 1);
	} else {
		fprintf(stderr, "cohcheck: %s\n", text);
	}
}
