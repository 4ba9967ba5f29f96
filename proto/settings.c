#include "settings.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

void
settings_free(struct settings *settings)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		free(settings->values[i]);
		settings->values[i] = NULL;
	}
}

int
settings_set(struct settings *settings, unsigned int key, const char *value)
{
	size_t len = strlen(value);

	if (key >= SETTING_COUNT || len > SETTING_VALUE_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			return -EINVAL;
	free(settings->values[key]);
	settings->values[key] = mem_strdup(value);
	return 0;
}

const char *
settings_get(const struct settings *settings, enum setting key, const char *fallback)
{
	return settings->values[key] != NULL ? settings->values[key] : fallback;
}

int64_t
settings_number(const struct settings *settings, enum setting key, int64_t least,
    int64_t most, int64_t fallback)
{
	const char *value = settings->values[key];
	char *end;
	long long number;

	if (value == NULL)
		return fallback;
	errno = 0;
	number = strtoll(value, &end, 10);
	assert(errno == 0 && end != value && *end == '\0');
	assert(number >= least && number <= most);
	return number;
}

const char *
setting_name(enum setting key)
{
	static const char *const names[] = {
#define SETTING_NAME(constant, name) name,
	    SETTING_LIST(SETTING_NAME)
#undef SETTING_NAME
	};

	return key < SETTING_COUNT ? names[key] : "unknown";
}
