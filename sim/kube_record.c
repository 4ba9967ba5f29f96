#include "kube_record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

/* Appended to, so that several worlds may have the same log. */
int
sim_kube_record(struct sim_kube *kube, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0) {
		int rc = -errno;

		log_error("request_log_failed", LOG_S("path", path),
		    LOG_S("error", strerror(-rc)));
		return rc;
	}
	kube->record_fd = fd;
	return 0;
}

void
kube_record_end(struct sim_kube *kube)
{
	if (kube->record_fd >= 0)
		close(kube->record_fd);
	kube->record_fd = -1;
}

static void
put_text(struct buf *line, const char *key, const char *text)
{
	buf_printf(line, "\"%s\":\"", key);
	buf_put_json(line, text, strlen(text));
	buf_puts(line, "\",");
}

static void
put_request(struct buf *line, const struct kube_call *call)
{
	bool is_resource = call->view != NULL;
	const char *agent = sim_request_header(call->request, "User-Agent");
	const char *fields = sim_request_query(call->request, "fieldSelector");
	const char *audit_id = sim_request_header(call->request, "Audit-ID");
	char time[CLOCK_TEXT_MAX];

	clock_format(clock_wall(), true, time, sizeof time);
	buf_printf(line, "{\"begun_ms\":%lld,\"ms\":%lld,", (long long)call->begun.ms,
	    (long long)clock_mono().ms);
	put_text(line, "time", time);
	put_text(line, "user", call->unauthorized ? "" : call->caller.user);
	put_text(line, "agent", agent != NULL ? agent : "");
	put_text(line, "audit_id", audit_id != NULL ? audit_id : "");
	put_text(line, "method", call->request->method);
	put_text(line, "path", call->request->path);
	put_text(line, "fields", fields != NULL ? fields : "");
	put_text(line, "verb", call->verb != NULL ? call->verb : "");
	put_text(line, "group", is_resource ? call->view->group : "");
	put_text(line, "resource", is_resource ? call->view->resource->plural : "");
	put_text(line, "subresource", is_resource ? call->subresource : "");
	put_text(line, "namespace", is_resource ? call->space : "");
	put_text(line, "name", is_resource ? call->name : "");
	buf_printf(line, "\"bytes\":%zu,\"status\":%d}\n", call->request->body_len,
	    call->reply->drop ? 0 : call->reply->status);
}

void
kube_record_request(const struct kube_call *call)
{
	struct buf line;

	if (call->kube->record_fd < 0)
		return;
	buf_init(&line, KUBE_RECORD_MAX);
	put_request(&line, call);
	/* a line is written at once or not at all, so that worlds do not mix theirs */
	if (line.refused ||
	    write(call->kube->record_fd, line.data, line.len) != (ssize_t)line.len)
		log_error("request_not_logged", LOG_S("path", call->request->path));
	buf_free(&line);
}
