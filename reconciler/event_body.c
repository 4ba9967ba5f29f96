#include "event_body.h"

#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "intent.h"

/* events.k8s.io: note 1 kB, reportingInstance, reason and action 128 characters, names
 * as everywhere (Kubernetes API, Event v1 and its validation). */
#define EVENT_FIELD_MAX 128u

const char *
event_body_namespace(const struct event_object *about)
{
	return about->namespace[0] != '\0' ? about->namespace : "default";
}

/* Cut to fit, and no dot or dash before the dot. */
void
event_body_name(
    const struct event_object *about, const char *id, char out[NAME_MAX_LEN + 1])
{
	size_t len = strlen(about->name);
	size_t room = NAME_MAX_LEN - 1 - strlen(id);

	if (len > room)
		len = room;
	while (len > 0 && (about->name[len - 1] == '.' || about->name[len - 1] == '-'))
		len--;
	snprintf(out, NAME_MAX_LEN + 1, "%.*s%s%s", (int)len, about->name,
	    len > 0 ? "." : "", id);
}

/* What was done, or tried, when that is the reason. */
static const char *
event_body_action(const char *reason)
{
	static const struct {
		const char *reason, *action;
	} actions[] = {
	    {"Adopted", "Adopt"},
	    {"Attached", "Attach"},
	    {"Detached", "Detach"},
	    {"Evicted", "Evict"},
	    {"EvictionBlocked", "Evict"},
	    {"Held", "Keep"},
	    {"Moved", "Move"},
	    {"NoReplacementNode", "Evict"},
	    {"Refused", "Move"},
	    {"TakenDuringMove", "Move"},
	};

	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (strcmp(actions[i].reason, reason) == 0)
			return actions[i].action;
	return "Reconcile";
}

static void
event_body_reference(
    struct buf *out, const char *key, const struct event_object *object)
{
	buf_printf(out, ",\"%s\":{\"apiVersion\":\"%s\"", key, object->api_version);
	intent_put_text(out, "kind", object->kind);
	intent_put_text(out, "namespace", object->namespace);
	intent_put_text(out, "name", object->name);
	intent_put_text(out, "uid", object->uid);
	buf_puts(out, "}");
}

void
event_body_put(const struct event_body *event, struct buf *out)
{
	char when[CLOCK_TEXT_MAX], cut[EVENT_FIELD_MAX + 1];

	clock_format(event->when, true, when, sizeof when);
	buf_puts(out, "{\"apiVersion\":\"events.k8s.io/v1\",\"kind\":\"Event\","
		      "\"metadata\":{\"namespace\":\"");
	buf_printf(out, "%s\"", event_body_namespace(&event->regarding));
	intent_put_text(out, "name", event->name);
	buf_puts(out, "},\"reportingController\":\"ipwarden\"");
	MESSAGE_TEXT(cut, event->reporter[0] != '\0' ? event->reporter : "ipwarden");
	intent_put_text(out, "reportingInstance", cut);
	intent_put_text(out, "eventTime", when);
	intent_put_text(out, "type", event->type);
	MESSAGE_TEXT(cut, event->reason);
	intent_put_text(out, "reason", cut);
	intent_put_text(out, "action", event_body_action(event->reason));
	intent_put_text(out, "note", event->note);
	event_body_reference(out, "regarding", &event->regarding);
	if (event->related.kind != NULL)
		event_body_reference(out, "related", &event->related);
	buf_puts(out, "}");
}

void
event_body_put_series(unsigned int count, struct wall_time last, struct buf *out)
{
	char when[CLOCK_TEXT_MAX];

	clock_format(last, true, when, sizeof when);
	buf_printf(out, "{\"series\":{\"count\":%u,\"lastObservedTime\":\"%s\"}}",
	    count, when);
}
