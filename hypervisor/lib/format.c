/* SPDX-License-Identifier: MIT */
/*
 * printf-style formatting after C11 7.21.6.1, without floating point, wide characters and %n. A
 * conversion that it does not know is copied to the output as it stands.
 */
#include "lib/format.h"

#include "lib/string.h"

struct output {
	char *buffer;
	size_t size;
	size_t length; /* of the whole text, which may exceed size */
};

struct spec {
	bool left, zero, plus, space, alternate;
	int width;
	int precision; /* -1: none given */
};

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->size) {
		out->buffer[out->length] = c;
	}
	out->length++;
}

static void put_repeated(struct output *out, char c, int nr)
{
	for (; nr > 0; nr--) {
		put(out, c);
	}
}

static void put_padded(struct output *out, const struct spec *spec, const char *text, size_t length)
{
	int padding = spec->width > (int)length ? spec->width - (int)length : 0;

	put_repeated(out, ' ', spec->left ? 0 : padding);
	for (size_t i = 0; i < length; i++) {
		put(out, text[i]);
	}
	put_repeated(out, ' ', spec->left ? padding : 0);
}

static void put_number(struct output *out, const struct spec *spec, uint64_t value,
		       unsigned int base, bool upper, const char *prefix)
{
	const char *digit = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char digits[22]; /* 2^64 - 1 in octal */
	int nr_digits = 0;
	int prefix_length = (int)strlen(prefix);
	int zeros = 0;
	int padding;

	while (value > 0) {
		digits[nr_digits++] = digit[value % base];
		value /= base;
	}
	if (spec->precision >= 0) {
		zeros = spec->precision > nr_digits ? spec->precision - nr_digits : 0;
	} else if (nr_digits == 0) {
		zeros = 1;
	}
	padding = spec->width - prefix_length - zeros - nr_digits;
	if (spec->zero && !spec->left && spec->precision < 0 && padding > 0) {
		zeros += padding;
		padding = 0;
	}
	put_repeated(out, ' ', spec->left ? 0 : padding);
	for (; *prefix != '\0'; prefix++) {
		put(out, *prefix);
	}
	put_repeated(out, '0', zeros);
	while (nr_digits > 0) {
		put(out, digits[--nr_digits]);
	}
	put_repeated(out, ' ', spec->left ? padding : 0);
}

static void put_signed(struct output *out, const struct spec *spec, int64_t value)
{
	const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";

	put_number(out, spec, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, false, sign);
}

static bool parse_flag(char c, struct spec *spec)
{
	switch (c) {
	case '-':
		spec->left = true;
		return true;
	case '0':
		spec->zero = true;
		return true;
	case '+':
		spec->plus = true;
		return true;
	case ' ':
		spec->space = true;
		return true;
	case '#':
		spec->alternate = true;
		return true;
	default:
		return false;
	}
}

static const char *parse_number(const char *format, int *number)
{
	*number = 0;
	for (; *format >= '0' && *format <= '9'; format++) {
		if (*number < 100000) {
			*number = *number * 10 + (*format - '0');
		}
	}
	return format;
}

/* Bytes of the integer that the length modifier names; 1 to 8. */
static const char *parse_length(const char *format, unsigned int *bytes)
{
	*bytes = sizeof(int);
	switch (*format) {
	case 'h':
		*bytes = format[1] == 'h' ? 1 : 2;
		return format + (format[1] == 'h' ? 2 : 1);
	case 'l':
		*bytes = 8;
		return format + (format[1] == 'l' ? 2 : 1);
	case 'z':
	case 'j':
	case 't':
		*bytes = 8;
		return format + 1;
	default:
		return format;
	}
}

_Static_assert(sizeof(long) == 8 && sizeof(size_t) == 8 && sizeof(uintmax_t) == 8, "LP64");

static uint64_t truncate_unsigned(uint64_t value, unsigned int bytes)
{
	return bytes == 8 ? value : value & ((UINT64_C(1) << (8 * bytes)) - 1);
}

static int64_t truncate_signed(uint64_t value, unsigned int bytes)
{
	unsigned int unused = 64 - 8 * bytes;

	return (int64_t)(value << unused) >> unused;
}

int vsnprintf(char *buffer, size_t size, const char *format, va_list args)
{
	struct output out = {buffer, size, 0};

	while (*format != '\0') {
		struct spec spec = {.precision = -1};
		const char *start = format;
		unsigned int bytes;
		uint64_t value;

		if (*format != '%') {
			put(&out, *format++);
			continue;
		}
		format++;
		while (parse_flag(*format, &spec)) {
			format++;
		}
		if (*format == '*') {
			spec.width = va_arg(args, int);
			if (spec.width < 0) {
				spec.left = true;
				spec.width = spec.width < -100000 ? 100000 : -spec.width;
			}
			format++;
		} else {
			format = parse_number(format, &spec.width);
		}
		if (*format == '.') {
			format++;
			if (*format == '*') {
				spec.precision = va_arg(args, int);
				format++;
			} else {
				format = parse_number(format, &spec.precision);
			}
		}
		format = parse_length(format, &bytes);
		switch (*format++) {
		case 'd':
		case 'i':
			value = bytes == 8 ? va_arg(args, uint64_t) : va_arg(args, unsigned int);
			put_signed(&out, &spec, truncate_signed(value, bytes));
			break;
		case 'u':
			value = bytes == 8 ? va_arg(args, uint64_t) : va_arg(args, unsigned int);
			put_number(&out, &spec, truncate_unsigned(value, bytes), 10, false, "");
			break;
		case 'x':
			value = bytes == 8 ? va_arg(args, uint64_t) : va_arg(args, unsigned int);
			value = truncate_unsigned(value, bytes);
			put_number(&out, &spec, value, 16, false,
				   spec.alternate && value != 0 ? "0x" : "");
			break;
		case 'X':
			value = bytes == 8 ? va_arg(args, uint64_t) : va_arg(args, unsigned int);
			value = truncate_unsigned(value, bytes);
			put_number(&out, &spec, value, 16, true,
				   spec.alternate && value != 0 ? "0X" : "");
			break;
		case 'o':
			value = bytes == 8 ? va_arg(args, uint64_t) : va_arg(args, unsigned int);
			value = truncate_unsigned(value, bytes);
			put_number(&out, &spec, value, 8, false,
				   spec.alternate && value != 0 ? "0" : "");
			break;
		case 'p':
			put_number(&out, &spec, (uintptr_t)va_arg(args, void *), 16, false, "0x");
			break;
		case 'c': {
			char c = (char)va_arg(args, int);

			put_padded(&out, &spec, &c, 1);
			break;
		}
		case 's': {
			const char *text = va_arg(args, const char *);

			if (text == NULL) {
				text = "(null)";
			}
			put_padded(&out, &spec, text,
				   spec.precision >= 0 ? strnlen(text, (size_t)spec.precision)
						       : strlen(text));
			break;
		}
		case '%':
			put(&out, '%');
			break;
		default:
			/* Nothing is known of its argument: print the rest as it stands. */
			for (format = start; *format != '\0'; format++) {
				put(&out, *format);
			}
			break;
		}
	}
	if (size > 0) {
		buffer[out.length < size ? out.length : size - 1] = '\0';
	}
	return (int)out.length;
}

int snprintf(char *buffer, size_t size, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(buffer, size, format, args);
	va_end(args);
	return length;
}
