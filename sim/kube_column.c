#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "kube_json.h"
#include "kube_table.h"

/* Longest name or value in a path. */
#define STEP_MAX 256u

/* Copies a name up to one of `stops`; a backslash protects. Returns what follows. */
static const char *
take_name(const char *path, const char *stops, char *out)
{
	size_t len = 0;

	while (*path != '\0' && strchr(stops, *path) == NULL) {
		if (*path == '\\' && path[1] != '\0')
			path++;
		if (len + 1 < STEP_MAX)
			out[len++] = *path;
		path++;
	}
	out[len] = '\0';
	return path;
}

/* The text between quotes of either kind. Returns what follows the second one. */
static const char *
take_quoted(const char *path, char *out)
{
	char stop[2] = {*path, '\0'};

	path = take_name(path + 1, stop, out);
	return *path != '\0' ? path + 1 : path;
}

/* The first element whose member (".a.b") has that text. */
static struct json_object *
find_by(struct json_object *list, const char *member, const char *text)
{
	for (size_t i = 0; i < kube_json_count(list); i++) {
		struct json_object *element = json_object_array_get_idx(list, i);
		struct json_object *value = kube_column_find(member, element);

		if (value != NULL && strcmp(json_object_get_string(value), text) == 0)
			return element;
	}
	return NULL;
}

/* "?(@.type=="Ready")]" */
static const char *
step_filter(const char *path, struct json_object **json)
{
	char member[STEP_MAX], text[STEP_MAX];

	path = take_name(path + strcspn(path, "@]"), "=!<>]", member);
	path += strspn(path, "= ");
	if (*path == '"' || *path == '\'')
		path = take_quoted(path, text);
	else
		path = take_name(path, ")", text);
	for (size_t len = strlen(member); len > 0 && member[len - 1] == ' '; len--)
		member[len - 1] = '\0';
	*json =
	    strncmp(member, "@.", 2) == 0 && json_object_is_type(*json, json_type_array)
		? find_by(*json, member + 1, text)
		: NULL;
	path += strcspn(path, "]");
	return *path == ']' ? path + 1 : path;
}

/* What follows "[". */
static const char *
step_bracket(const char *path, struct json_object **json)
{
	char name[STEP_MAX];
	long index;

	if (*path == '?')
		return step_filter(path, json);
	if (*path == '\'' || *path == '"') {
		path = take_quoted(path, name);
		*json = kube_json_member(*json, name);
		return *path == ']' ? path + 1 : path;
	}
	path = take_name(path, "]", name);
	index = strcmp(name, "*") == 0 ? 0 : strtol(name, NULL, 10);
	if (index < 0)
		index += (long)kube_json_count(*json);
	*json = name[0] != '\0' && json_object_is_type(*json, json_type_array) &&
			index >= 0 && (size_t)index < kube_json_count(*json)
		    ? json_object_array_get_idx(*json, (size_t)index)
		    : NULL;
	return *path == ']' ? path + 1 : path;
}

struct json_object *
kube_column_find(const char *path, struct json_object *json)
{
	char name[STEP_MAX];

	path += *path == '{';
	while (*path != '\0' && *path != '}' && json != NULL) {
		if (*path == '[') {
			path = step_bracket(path + 1, &json);
			continue;
		}
		path += *path == '.';
		if (*path == '[' || *path == '\0' || *path == '}')
			continue;
		path = take_name(path, ".[}", name);
		json = kube_json_member(json, name);
	}
	return json;
}

/* Two units: "3d4h"; the smaller one only when it is not 0. */
static void
write_units(char *out, size_t out_size, int64_t big, char big_unit, int64_t small,
    char small_unit)
{
	if (small == 0)
		snprintf(out, out_size, "%lld%c", (long long)big, big_unit);
	else
		snprintf(out, out_size, "%lld%c%lld%c", (long long)big, big_unit,
		    (long long)small, small_unit);
}

/* The steps of k8s.io/apimachinery/pkg/util/duration.HumanDuration. */
void
kube_column_age(const char *time, char *out, size_t out_size)
{
	struct wall_time then;
	int64_t seconds, minutes, hours, days;

	if (clock_parse(time, &then) < 0) {
		snprintf(out, out_size, time[0] == '\0' ? "<unknown>" : "<invalid>");
		return;
	}
	seconds = (clock_wall().ms - then.ms) / 1000;
	minutes = seconds / 60;
	hours = minutes / 60;
	days = hours / 24;
	if (seconds < -1)
		snprintf(out, out_size, "<invalid>");
	else if (seconds < 120)
		write_units(out, out_size, seconds > 0 ? seconds : 0, 's', 0, 's');
	else if (minutes < 10)
		write_units(out, out_size, minutes, 'm', seconds % 60, 's');
	else if (hours < 3)
		write_units(out, out_size, minutes, 'm', 0, 's');
	else if (hours < 8)
		write_units(out, out_size, hours, 'h', minutes % 60, 'm');
	else if (hours < 48)
		write_units(out, out_size, hours, 'h', 0, 'm');
	else if (days < 8)
		write_units(out, out_size, days, 'd', hours % 24, 'h');
	else if (days < 365 * 2)
		write_units(out, out_size, days, 'd', 0, 'h');
	else if (days < 365 * 8)
		write_units(out, out_size, days / 365, 'y', days % 365, 'd');
	else
		write_units(out, out_size, days / 365, 'y', 0, 'd');
}
