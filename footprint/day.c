#include "day.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* Longest text of an address (bytes, NUL included), as of INET6_ADDRSTRLEN. */
#define ADDRESS_SIZE 46u

/* New keys leave this much of a part to those that are there and grow (bytes). */
#define GROWTH (PART_MAX / 4)

struct entry {
	char key[ADDRESS_SIZE];
	/* The first of them stands in the ConfigMaps already when `written`, until
	 * `written_until`. */
	struct stay *stays;
	size_t len;
	bool written;
	struct wall_time written_until;
	/* of those that day_fill has seen */
	size_t filled;
	struct wall_time filled_until;
};

struct day {
	char date[DAY_DATE_MAX];
	struct entry *entries;
	size_t len, cap;
	struct json_object *index; /* key → place in entries */
};

void
day_key(const char *address, char *out, size_t out_size)
{
	snprintf(out, out_size, "%s", address);
	for (; *out != '\0'; out++)
		if (*out == ':')
			*out = '_';
}

void
day_date(struct wall_time time, char *out, size_t out_size)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(time, false, text, sizeof text);
	snprintf(out, out_size, "%.4s%.2s%.2s", text, text + 5, text + 8);
}

void
day_part_name(const char *date, size_t index, char *out, size_t out_size)
{
	if (index == 0)
		snprintf(out, out_size, DAY_PREFIX "%s", date);
	else
		snprintf(out, out_size, DAY_PREFIX "%s-p%zu", date, index + 1);
}

struct day *
day_new(const char *date)
{
	struct day *day = mem_calloc(1, sizeof *day);

	snprintf(day->date, sizeof day->date, "%s", date);
	day->index = json_object_new_object();
	return day;
}

void
day_free(struct day *day)
{
	if (day == NULL)
		return;
	for (size_t i = 0; i < day->len; i++)
		free(day->entries[i].stays);
	free(day->entries);
	json_object_put(day->index);
	free(day);
}

const char *
day_name(const struct day *day)
{
	return day->date;
}

/* --- what was seen ------------------------------------------------------------------
 */

static struct entry *
find_entry(const struct day *day, const char *address)
{
	struct json_object *at = NULL;
	char key[ADDRESS_SIZE];

	day_key(address, key, sizeof key);
	return json_object_object_get_ex(day->index, key, &at)
		   ? &day->entries[json_object_get_int(at)]
		   : NULL;
}

static struct entry *
add_entry(struct day *day, const char *address)
{
	struct entry *entry;

	if (day->len == DAY_ADDRESSES_MAX)
		return NULL;
	if (day->len == day->cap) {
		day->cap = day->cap > 0 ? 2 * day->cap : 16;
		day->entries = mem_realloc(day->entries, day->cap, sizeof *entry);
	}
	assert(day->entries != NULL);
	entry = &day->entries[day->len];
	*entry = (struct entry){0};
	day_key(address, entry->key, sizeof entry->key);
	json_object_object_add(
	    day->index, entry->key, json_object_new_int((int)day->len));
	day->len++;
	return entry;
}

/* One that ipwarden has begun since is another one, even where the last one was. */
static bool
goes_on(const struct stay *last, const struct stay *seen)
{
	return stay_is_there(last, seen) &&
	       !(seen->operation && seen->from.ms > last->until.ms) &&
	       seen->from.ms - last->until.ms < DAY_GAP_MS;
}

static void
push(struct entry *entry, const struct stay *stay)
{
	if (entry->len == DAY_STAYS_MAX) {
		assert(entry->stays != NULL);
		memmove(entry->stays, entry->stays + 1,
		    (entry->len - 1) * sizeof *entry->stays);
		entry->len--;
		entry->written = false;
		entry->filled -= entry->filled > 0;
	}
	entry->stays = mem_realloc(entry->stays, entry->len + 1, sizeof *entry->stays);
	entry->stays[entry->len++] = *stay;
}

bool
day_see(struct day *day, const char *address, const struct stay *seen)
{
	struct entry *entry = find_entry(day, address);
	struct stay stay = *seen;
	struct stay *last;

	if (entry == NULL)
		entry = add_entry(day, address);
	if (entry == NULL)
		return false;
	last = entry->len > 0 ? &entry->stays[entry->len - 1] : NULL;
	if (last != NULL && seen->until.ms <= last->until.ms)
		return true;
	if (last != NULL && goes_on(last, seen)) {
		last->until = seen->until;
		return true;
	}
	if (last != NULL && stay.from.ms < last->until.ms)
		stay.from = last->until;
	push(entry, &stay);
	return true;
}

const struct stay *
day_last(const struct day *day, const char *address)
{
	const struct entry *entry = find_entry(day, address);

	return entry != NULL ? &entry->stays[entry->len - 1] : NULL;
}

void
day_extend(struct day *day, const char *address, struct wall_time until)
{
	struct entry *entry = find_entry(day, address);

	if (entry != NULL)
		entry->stays[entry->len - 1].until = until;
}

/* --- what is written ----------------------------------------------------------------
 */

static bool
is_due(const struct entry *entry)
{
	int64_t until_ms = entry->stays[entry->len - 1].until.ms;

	return entry->len > 1 || !entry->written ||
	       until_ms - entry->written_until.ms >= DAY_EXTEND_MS;
}

bool
day_is_due(const struct day *day)
{
	for (size_t i = 0; i < day->len; i++)
		if (is_due(&day->entries[i]))
			return true;
	return false;
}

bool
day_is_written(const struct day *day)
{
	for (size_t i = 0; i < day->len; i++) {
		const struct entry *entry = &day->entries[i];

		if (entry->len > 1 || !entry->written ||
		    entry->stays[0].until.ms > entry->written_until.ms)
			return false;
	}
	return true;
}

/* The stays of a value, and those of the entry that are not among them. */
static void
merge(const char *value, const struct entry *entry, struct entry *all)
{
	struct stay stay;
	int rc;

	while ((rc = stay_next(&value, &stay)) != 0)
		if (rc > 0)
			push(all, &stay);
	for (size_t i = 0; i < entry->len; i++) {
		struct stay *last = all->len > 0 ? &all->stays[all->len - 1] : NULL;

		stay = entry->stays[i];
		if (last != NULL && stay.until.ms <= last->until.ms)
			continue;
		if (last != NULL && stay.from.ms < last->until.ms)
			stay.from = last->until;
		if (last != NULL && goes_on(last, &stay))
			last->until = stay.until;
		else
			push(all, &stay);
	}
}

static void
print_value(const char *value, const struct entry *entry, struct buf *out)
{
	struct entry all = {0};

	merge(value, entry, &all);
	buf_init(out, (size_t)DAY_STAYS_MAX * STAY_LINE_MAX);
	for (size_t i = 0; i < all.len; i++)
		stay_print(&all.stays[i], out);
	free(all.stays);
}

static void
set_value(struct day *day, struct parts *parts, size_t index, const char *key,
    const char *value)
{
	static const struct part_labels labels = {DAY_APP, DAY_TYPE};
	char name[DAY_NAME_MAX];

	day_part_name(day->date, index, name, sizeof name);
	parts_set(parts, index, name, &labels, key, value);
}

/* The last part that has the key and can be written; DAY_PARTS_MAX: none. */
static size_t
find_part(const struct parts *parts, const char *key)
{
	for (size_t i = parts->count; i > 0; i--)
		if (part_value(parts->objects[i - 1], key) != NULL &&
		    !part_is_immutable(parts->objects[i - 1]))
			return i - 1;
	return DAY_PARTS_MAX;
}

/* True: it stands where it was. */
static bool
write_in_place(struct day *day, struct parts *parts, const struct entry *entry)
{
	size_t index = find_part(parts, entry->key);
	struct json_object *part;
	const char *there;
	struct buf value;
	bool fits;

	if (index == DAY_PARTS_MAX)
		return false;
	part = parts->objects[index];
	there = part_value(part, entry->key);
	print_value(there, entry, &value);
	fits = part_size(part) - strlen(there) + value.len <= PART_MAX;
	if (fits && strcmp(there, value.data) != 0)
		set_value(day, parts, index, entry->key, value.data);
	buf_free(&value);
	return fits;
}

/* A key that has no more room where it is goes on in another part. */
static bool
write_anew(struct day *day, struct parts *parts, const struct entry *entry)
{
	struct buf value;
	size_t size, i;

	print_value("", entry, &value);
	size = part_key_size(strlen(entry->key), value.len);
	for (i = 0; i < DAY_PARTS_MAX; i++) {
		if (i == parts->count)
			parts->count++;
		if (!part_is_immutable(parts->objects[i]) &&
		    part_value(parts->objects[i], entry->key) == NULL &&
		    part_size(parts->objects[i]) + size <= PART_MAX - GROWTH)
			break;
	}
	if (i < DAY_PARTS_MAX)
		set_value(day, parts, i, entry->key, value.data);
	buf_free(&value);
	return i < DAY_PARTS_MAX;
}

size_t
day_fill(struct day *day, struct parts *parts)
{
	size_t homeless = 0;

	for (size_t i = 0; i < day->len; i++) {
		struct entry *entry = &day->entries[i];

		homeless += !write_in_place(day, parts, entry) &&
			    !write_anew(day, parts, entry);
		entry->filled = entry->len;
		entry->filled_until = entry->stays[entry->len - 1].until;
	}
	return homeless;
}

void
day_written(struct day *day)
{
	for (size_t i = 0; i < day->len; i++) {
		struct entry *entry = &day->entries[i];

		if (entry->filled == 0)
			continue;
		entry->len -= entry->filled - 1;
		memmove(entry->stays, entry->stays + entry->filled - 1,
		    entry->len * sizeof *entry->stays);
		entry->written = true;
		entry->written_until = entry->filled_until;
		entry->filled = 0;
	}
}
