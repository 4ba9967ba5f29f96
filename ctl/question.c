#include "question.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "duration.h"

int
question_address(const char *text, char out[INET6_ADDRSTRLEN])
{
	struct in6_addr bytes;
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, &bytes) != 1)
		return -EINVAL;
	inet_ntop(family, &bytes, out, INET6_ADDRSTRLEN);
	return 0;
}

bool
question_is_name(const char *text, size_t len)
{
	return len > 0 && len <= NAME_MAX_LEN &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") >= len;
}

static bool
take_name(const char *text, size_t len, char out[NAME_MAX_LEN + 1])
{
	if (!question_is_name(text, len))
		return false;
	snprintf(out, NAME_MAX_LEN + 1, "%.*s", (int)len, text);
	return true;
}

static bool
take_pod(const char *text, struct question *question)
{
	size_t len = strcspn(text, "/");

	return text[len] == '/' && take_name(text, len, question->namespace) &&
	       take_name(text + len + 1, strlen(text + len + 1), question->pod);
}

int
question_read(const char *text, struct question *ret_question, const char **ret_why)
{
	struct question question = {.kind = QUESTION_ADDRESS};

	*ret_why = NULL;
	if (strncmp(text, "node/", 5) == 0) {
		question.kind = QUESTION_NODE;
		if (!take_name(text + 5, strlen(text + 5), question.node))
			*ret_why = "no name of a node";
	} else if (strncmp(text, "pod/", 4) == 0) {
		question.kind = QUESTION_POD;
		if (!take_pod(text + 4, &question))
			*ret_why = "a pod is asked for as pod/NAMESPACE/NAME";
	} else if (question_address(text, question.address) < 0) {
		*ret_why = "no address: a node is asked for as node/NAME, a pod as "
			   "pod/NAMESPACE/NAME";
	}
	if (*ret_why != NULL)
		return -EINVAL;
	*ret_question = question;
	return 0;
}

/* --- times --------------------------------------------------------------------------
 */

static int
read_local(const char *text, int64_t *ret_ms)
{
	static const char *const forms[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M",
	    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct tm parts = {0}, given;
		const char *end = strptime(text, forms[i], &parts);
		time_t seconds;

		if (end == NULL || *end != '\0')
			continue;
		given = parts;
		parts.tm_isdst = -1;
		seconds = mktime(&parts);
		/* a day that no month has, or an hour that clocks leapt over */
		if (parts.tm_mday != given.tm_mday || parts.tm_hour != given.tm_hour)
			return -EINVAL;
		*ret_ms = (int64_t)seconds * 1000;
		return 0;
	}
	return -EINVAL;
}

int
question_time(const char *text, int64_t now_ms, int64_t *ret_ms)
{
	struct wall_time time;
	int64_t ago_ms;

	if (clock_parse(text, &time) == 0) {
		*ret_ms = time.ms;
		return 0;
	}
	if (duration_parse(text, &ago_ms) == 0 && ago_ms >= 0) {
		*ret_ms = now_ms - ago_ms;
		return 0;
	}
	return read_local(text, ret_ms);
}
