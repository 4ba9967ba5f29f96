#include "lease.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "json_read.h"
#include "log.h"
#include "mem.h"
#include "messages.h"

#define LEASE_API "coordination.k8s.io/v1"

/* json-c says that memory is out where base/mem.h would end the process. */
static struct json_object *
must(struct json_object *value)
{
	if (value == NULL) {
		log_error("out_of_memory", LOG_S("where", "lease"));
		_exit(EXIT_MEMORY);
	}
	return value;
}

int
lease_read(struct json_object *object, struct lease *ret_lease)
{
	struct json_object *spec = json_read_member(object, "spec");
	struct json_object *metadata = json_read_member(object, "metadata");
	struct lease lease = {0};
	char kind[32] = "Lease";

	if (json_read_text(object, "kind", kind, sizeof kind) < 0 ||
	    strcmp(kind, "Lease") != 0)
		return -EINVAL;
	if (json_read_text(metadata, "resourceVersion", lease.resource_version,
		sizeof lease.resource_version) != 1)
		return -EINVAL;
	/* cut: a longer one than ours can be is somebody else's in any case */
	MESSAGE_TEXT(
	    lease.holder, json_read_string(json_read_member(spec, "holderIdentity")));
	json_read_text(spec, "renewTime", lease.renew_time, sizeof lease.renew_time);
	json_read_number(spec, "leaseDurationSeconds", &lease.duration_s);
	json_read_number(spec, "leaseTransitions", &lease.transitions);
	if (lease.duration_s < 0)
		lease.duration_s = 0;
	if (lease.transitions < 0)
		lease.transitions = 0;
	lease.object = json_object_get(object);
	*ret_lease = lease;
	return 0;
}

void
lease_clear(struct lease *lease)
{
	json_object_put(lease->object);
	*lease = (struct lease){0};
}

bool
lease_equal(const struct lease *a, const struct lease *b)
{
	return strcmp(a->resource_version, b->resource_version) == 0 &&
	       strcmp(a->holder, b->holder) == 0 &&
	       strcmp(a->renew_time, b->renew_time) == 0 &&
	       a->transitions == b->transitions;
}

static void
set_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, must(json_object_new_string(text)));
}

static void
set_number(struct json_object *object, const char *key, int64_t number)
{
	json_object_object_add(object, key, must(json_object_new_int64(number)));
}

static void
set_spec(struct json_object *spec, const struct lease_change *change)
{
	char now[CLOCK_TEXT_MAX];

	clock_format(change->renewed, true, now, sizeof now);
	set_text(spec, "holderIdentity", change->holder);
	set_number(spec, "leaseDurationSeconds", change->duration_s);
	if (change->acquired)
		set_text(spec, "acquireTime", now);
	set_text(spec, "renewTime", now);
	set_number(spec, "leaseTransitions", change->transitions);
}

static char *
take_text(struct json_object *object)
{
	char *text = mem_strdup(json_object_to_json_string_ext(
	    object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));

	json_object_put(object);
	return text;
}

char *
lease_update(const struct lease *lease, const struct lease_change *change)
{
	struct json_object *copy = NULL;
	struct json_object *spec;

	json_object_deep_copy(lease->object, &copy, NULL);
	/* an element of a list has neither */
	set_text(must(copy), "apiVersion", LEASE_API);
	set_text(copy, "kind", "Lease");
	spec = json_read_member(copy, "spec");
	if (!json_object_is_type(spec, json_type_object)) {
		spec = must(json_object_new_object());
		json_object_object_add(copy, "spec", spec);
	}
	set_spec(spec, change);
	return take_text(copy);
}

char *
lease_create(const char *namespace, const char *name, const struct lease_change *change)
{
	struct json_object *object = must(json_object_new_object());
	struct json_object *metadata = must(json_object_new_object());
	struct json_object *spec = must(json_object_new_object());

	set_text(object, "apiVersion", LEASE_API);
	set_text(object, "kind", "Lease");
	json_object_object_add(object, "metadata", metadata);
	set_text(metadata, "name", name);
	set_text(metadata, "namespace", namespace);
	json_object_object_add(object, "spec", spec);
	set_spec(spec, change);
	return take_text(object);
}
