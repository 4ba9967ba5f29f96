/* The libraries that decide nothing, as the shells find them here: metrics, the audit
 * stream, the dialer's client, HTTP targets, reviews of rights, the control descriptor.
 * Nothing comes of them but what the judge looks at: each line of the audit stream is
 * an effect that is traced, and a process that is told to stop does. */
#include <json-c/json.h>

#include "audit.h"
#include "control.h"
#include "gcp.h"
#include "hosts.h"
#include "mem.h"
#include "meter.h"
#include "review.h"
#include "server.h"
#include "worker.h"

/* --- proto/meter.h ---------------------------------------------------------------- */

struct meter *
meter_open(struct loop *loop, enum link_id id, enum role self)
{
	(void)loop;
	(void)id;
	(void)self;
	return NULL;
}

void
meter_set(struct meter *meter, enum metric metric, double value, ...)
{
	(void)meter;
	(void)metric;
	(void)value;
}

void
meter_add(struct meter *meter, enum metric metric, double delta, ...)
{
	(void)meter;
	(void)metric;
	(void)delta;
}

void
meter_observe(struct meter *meter, enum metric metric, double value, ...)
{
	(void)meter;
	(void)metric;
	(void)value;
}

void
meter_drop(struct meter *meter, enum metric metric, int count, ...)
{
	(void)meter;
	(void)metric;
	(void)count;
}

void
meter_readiness(struct meter *meter, const char *reason)
{
	(void)meter;
	(void)reason;
}

void
meter_link(
    struct meter *meter, const struct link *link, const char *process, const char *name)
{
	(void)meter;
	(void)link;
	(void)process;
	(void)name;
}

/* --- reconciler/audit.h: a line is an effect -------------------------------------- */

void
audit_write(struct audit *audit, struct wall_time time, const char *line)
{
	struct json_object *json;

	(void)audit;
	(void)time;
	if (process_effect() || !stage.tracing)
		return;
	json = json_tokener_parse(line);
	stage_tell(hosts.current->who, "%s of %s %s (%s): %s",
	    server_text(json, "what"), server_text(json, "object"),
	    server_text(json, "address"), server_text(json, "why"),
	    server_text(json, "result"));
	json_object_put(json);
}

bool
audit_idle(const struct audit *audit)
{
	(void)audit;
	return true;
}

/* --- http/ ------------------------------------------------------------------------ */

struct dial *
dial_new(struct loop *loop, int dial_fd)
{
	(void)loop;
	(void)dial_fd;
	return NULL;
}

void
dial_free(struct dial *dial)
{
	(void)dial;
}

void
dial_again(struct dial *dial)
{
	(void)dial;
}

struct http *
http_new(struct loop *loop, struct dial *dial)
{
	(void)dial;
	return (struct http *)loop;
}

void
http_free(struct http *http)
{
	(void)http;
}

struct http_target *
http_target_new(struct http *http, enum dial_entry entry, const char *base_url)
{
	(void)entry;
	(void)base_url;
	return (struct http_target *)http;
}

void
http_target_free(struct http_target *target)
{
	(void)target;
}

void
http_target_set_ca(struct http_target *target, const char *pem, size_t len)
{
	(void)target;
	(void)pem;
	(void)len;
}

/* --- the rest --------------------------------------------------------------------- */

/* kube/kube.h: nothing here asks for what would have to be escaped. */
char *
kube_escape(const char *text)
{
	return mem_strdup(text);
}

struct kube_review *
kube_review_new(struct kube *kube, const struct settings *settings,
    const struct kube_right *rights, size_t rights_len, kube_finding_fn *found,
    void *arg)
{
	(void)kube;
	(void)settings;
	(void)rights;
	(void)rights_len;
	(void)found;
	(void)arg;
	return NULL;
}

void
kube_review_free(struct kube_review *review)
{
	(void)review;
}

int
control_send(
    int control_fd, enum control_type type, const void *payload, size_t len, int fd)
{
	(void)fd;
	(void)type;
	(void)payload;
	(void)len;
	(void)control_fd;
	return 0;
}

void
worker_stop(struct worker *worker, int exit_code)
{
	(void)exit_code;
	worker->loop->stopped = true;
}

int
worker_read_file(int fd, size_t size_max, char **ret_data, size_t *ret_len)
{
	(void)fd;
	(void)size_max;
	(void)ret_data;
	(void)ret_len;
	return -1;
}
