#include "amount.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json_read.h"

/* "N%" without a sign, a space or a leading zero, as the CRD's pattern has it. */
static int
amount_read_percent(const char *text, uint32_t least, struct amount *ret_amount)
{
	uint32_t value = 0;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3 || strcmp(text + digits, "%") != 0 ||
	    (text[0] == '0' && digits > 1))
		return -EINVAL;
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + (uint32_t)(text[i] - '0');
	if (value > 100 || value < least)
		return -EINVAL;
	*ret_amount = (struct amount){.value = value, .percent = true};
	return 1;
}

int
amount_read(struct json_object *object, const char *key, uint32_t least,
    struct amount *ret_amount)
{
	char text[8];
	int64_t number = 0;
	int rc = json_read_number(object, key, &number);

	if (rc == 1) {
		if (number < (int64_t)least || number > INT32_MAX)
			return -EINVAL;
		*ret_amount = (struct amount){.value = (uint32_t)number};
		return 1;
	}
	rc = json_read_text(object, key, text, sizeof text);
	return rc == 1 ? amount_read_percent(text, least, ret_amount) : rc;
}

size_t
amount_of(const struct amount *amount, size_t total, enum amount_rounding rounding)
{
	if (!amount->percent)
		return amount->value;
	return (total * amount->value + (rounding == AMOUNT_UP ? 99 : 0)) / 100;
}
