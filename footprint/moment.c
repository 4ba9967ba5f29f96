#include "moment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define NANOS_PER_S 1000000000

/* Where Go looks on Unix (time/zoneinfo_unix.go). */
static const char *const zone_folders[] = {"/usr/share/zoneinfo",
    "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"};

static bool is_utc;

static bool
zone_exists(const char *name)
{
	char path[512];

	if (name[0] == '/')
		return access(name, R_OK) == 0;
	for (size_t i = 0; i < sizeof zone_folders / sizeof *zone_folders; i++) {
		int len = snprintf(path, sizeof path, "%s/%s", zone_folders[i], name);

		if (len < (int)sizeof path && access(path, R_OK) == 0)
			return true;
	}
	return false;
}

void
moment_zone(bool utc)
{
	const char *name = getenv("TZ");

	if (name != NULL && name[0] == ':')
		name++;
	is_utc = utc || (name != NULL && (name[0] == '\0' || !zone_exists(name)));
	if (!is_utc)
		tzset();
}

struct moment
moment_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct moment){now.tv_sec, (int32_t)now.tv_nsec};
}

/* Of what clock_parse has accepted. */
static int32_t
fraction_nanos(const char *text)
{
	const char *at = strchr(text, '.');
	int32_t nanos = 0;

	if (at == NULL)
		return 0;
	at++;
	for (int32_t scale = NANOS_PER_S / 10; scale > 0 && *at >= '0' && *at <= '9';
	     scale /= 10)
		nanos += scale * (*at++ - '0');
	return nanos;
}

int
moment_parse(const char *text, struct moment *ret_moment)
{
	struct wall_time time;
	int rc = clock_parse(text, &time);
	int64_t rest_ms;

	if (rc < 0)
		return rc;
	rest_ms = time.ms % 1000;
	if (rest_ms < 0)
		rest_ms += 1000;
	ret_moment->seconds = (time.ms - rest_ms) / 1000;
	ret_moment->nanos = fraction_nanos(text);
	return 0;
}

static struct tm
local_parts(struct moment moment)
{
	time_t seconds = (time_t)moment.seconds;
	struct tm parts = {0};

	if (is_utc)
		gmtime_r(&seconds, &parts);
	else
		localtime_r(&seconds, &parts);
	return parts;
}

static void
format_fraction(int32_t nanos, char out[16])
{
	size_t len;

	if (nanos == 0) {
		out[0] = '\0';
		return;
	}
	len = (size_t)snprintf(out, 16, ".%09d", (int)nanos);
	while (out[len - 1] == '0')
		out[--len] = '\0';
}

void
moment_format(struct moment moment, char *out, size_t out_size)
{
	struct tm parts = local_parts(moment);
	long minutes = labs(parts.tm_gmtoff) / 60;
	char zone[16] = "Z", fraction[16];

	format_fraction(moment.nanos, fraction);
	if (parts.tm_gmtoff != 0)
		snprintf(zone, sizeof zone, "%c%02ld:%02ld",
		    parts.tm_gmtoff < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
	snprintf(out, out_size, "%04d-%02d-%02dT%02d:%02d:%02d%s%s",
	    parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
	    parts.tm_min, parts.tm_sec, fraction, zone);
}

void
moment_hour(struct moment moment, char *out, size_t out_size)
{
	struct tm parts = local_parts(moment);

	snprintf(out, out_size, "%04d%02d%02d%02d", parts.tm_year + 1900,
	    parts.tm_mon + 1, parts.tm_mday, parts.tm_hour);
}

struct moment
moment_hour_start(struct moment moment)
{
	struct tm parts = local_parts(moment);

	return (struct moment){moment.seconds - parts.tm_min * 60 - parts.tm_sec, 0};
}
