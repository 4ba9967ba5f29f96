/* From the bytes of a list or watch to single objects. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "informer.h"
#include "log.h"
#include "scan.h"

/* Longest type of a watch event that is told apart (bytes, NUL included). */
#define TYPE_MAX 32

static void
count_refusal(struct kube_informer *informer, const char *why)
{
	uint64_t count = ++informer->refused;

	/* the 1st, 2nd, 4th, 8th …: a flood of bad objects is no flood of lines */
	if ((count & (count - 1)) == 0)
		log_warn("kube_object_refused", LOG_S("path", informer->path),
		    LOG_S("error", why), LOG_N("count", count));
}

/* Gives the offered object to the handler. -EAGAIN: the stream is to be held. */
static int
give(struct kube_informer *informer)
{
	struct offer *offer = &informer->offer;
	unsigned int restarts = informer->restarts;
	int rc = informer->handlers.object(
	    informer->arg, offer->event, offer->json, offer->len);

	if (informer->restarts != restarts)
		return -ECANCELED;
	offer->held = rc == -EAGAIN;
	if (offer->held)
		return rc;
	if (rc < 0)
		count_refusal(informer, "by its receiver");
	if (offer->version[0] != '\0')
		memcpy(informer->position, offer->version, sizeof informer->position);
	return 0;
}

static bool
read_version(struct scan *scan, char out[VERSION_MAX])
{
	char version[VERSION_MAX];

	scan_string(scan, version, sizeof version);
	if (scan->error != 0 || version[0] == '\0')
		return false;
	memcpy(out, version, sizeof version);
	return true;
}

/* metadata.resourceVersion of the object at the scanner. */
static bool
find_version(struct scan *scan, char out[VERSION_MAX])
{
	const char *key;
	size_t len;
	bool inside = false;

	if (!scan_enter_object(scan))
		return false;
	while (scan_next_key(scan, &key, &len)) {
		if (inside && scan_key_is(key, len, "resourceVersion"))
			return read_version(scan, out);
		if (!inside && scan_key_is(key, len, "metadata"))
			inside = scan_enter_object(scan);
		else
			scan_skip(scan);
	}
	return false;
}

/* The position after a line that is malformed somewhere: its object's version, when
 * that stands before the fault. Else a cut would bring the same line again and again.
 */
static void
pass_malformed(struct kube_informer *informer, const char *line, size_t line_len)
{
	struct scan scan;
	const char *key;
	size_t len;

	count_refusal(informer, "malformed");
	scan_init(&scan, line, line_len);
	if (!scan_enter_object(&scan))
		return;
	while (scan_next_key(&scan, &key, &len)) {
		if (scan_key_is(key, len, "object")) {
			find_version(&scan, informer->position);
			return;
		}
		scan_skip(&scan);
	}
}

struct line {
	char type[TYPE_MAX];
	const char *object;
	size_t object_len;
};

/* {"type":"…","object":{…}} (meta/v1 WatchEvent). */
static int
read_line(const char *text, size_t text_len, struct line *ret_line)
{
	struct line line = {.object = NULL};
	struct scan scan;
	const char *key;
	size_t len;

	scan_init(&scan, text, text_len);
	if (!scan_enter_object(&scan))
		return -EBADMSG;
	while (scan_next_key(&scan, &key, &len)) {
		if (scan_key_is(key, len, "type"))
			scan_string(&scan, line.type, sizeof line.type);
		else if (scan_key_is(key, len, "object"))
			scan_raw(&scan, &line.object, &line.object_len);
		else
			scan_skip(&scan);
	}
	if (scan_finish(&scan) < 0 || line.object == NULL || line.object[0] != '{')
		return -EBADMSG;
	*ret_line = line;
	return 0;
}

/* An ERROR event ends the watch; on_done of informer.c does the rest. */
static int
take_error(struct kube_informer *informer, const struct line *line)
{
	struct json_object *json = kube_json_parse(line->object, line->object_len);

	informer->refused_by_server = true;
	informer->status = (struct kube_status){
	    .message = "an ERROR event without a Status", .retry_after_ms = -1};
	if (kube_status_read(json, &informer->status) == 0 &&
	    informer->status.message[0] == '\0')
		snprintf(informer->status.message, sizeof informer->status.message,
		    "an ERROR event with status %d", informer->status.code);
	kube_json_free(json);
	return -ECONNABORTED;
}

static int
take_line(struct kube_informer *informer, const char *text, size_t len)
{
	static const struct {
		const char *type;
		enum kube_event event;
	} events[] = {
	    {"ADDED", KUBE_ADDED},
	    {"MODIFIED", KUBE_MODIFIED},
	    {"DELETED", KUBE_DELETED},
	};
	struct line line;
	struct scan scan;

	if (read_line(text, len, &line) < 0) {
		pass_malformed(informer, text, len);
		return 0;
	}
	if (strcmp(line.type, "ERROR") == 0)
		return take_error(informer, &line);
	kube_informer_heard(informer);
	kube_informer_progress(informer);
	informer->answered = true;
	informer->failures = informer->expiries = informer->watch_errors = 0;
	informer->offer = (struct offer){.json = line.object, .len = line.object_len};
	scan_init(&scan, line.object, line.object_len);
	find_version(&scan, informer->offer.version);
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		if (strcmp(line.type, events[i].type) == 0) {
			informer->offer.event = events[i].event;
			return give(informer);
		}
	}
	/* a bookmark, or a kind of event that we do not know: the position only */
	if (informer->offer.version[0] != '\0')
		memcpy(informer->position, informer->offer.version,
		    sizeof informer->position);
	return 0;
}

/* A list's own metadata (meta/v1 ListMeta). */
static int
take_list_metadata(struct kube_informer *informer, const char *text, size_t text_len)
{
	struct scan scan;
	const char *key;
	size_t len;

	scan_init(&scan, text, text_len);
	if (!scan_enter_object(&scan))
		return -EBADMSG;
	while (scan_next_key(&scan, &key, &len)) {
		if (scan_key_is(key, len, "resourceVersion"))
			read_version(&scan, informer->list_version);
		else if (scan_key_is(key, len, "continue"))
			scan_string(&scan, informer->list_continue,
			    sizeof informer->list_continue);
		else
			scan_skip(&scan);
	}
	return scan_finish(&scan);
}

static int
take_text(struct kube_informer *informer, enum frame_result result)
{
	const struct buf *text = &informer->frame.text;

	switch (result) {
	case FRAME_TEXT:
		if (informer->phase == PHASE_WATCH)
			return take_line(informer, text->data, text->len);
		informer->offer = (struct offer){
		    .event = KUBE_ADDED, .json = text->data, .len = text->len};
		return give(informer);
	case FRAME_MEMBER:
		if (strcmp(informer->frame.key, "metadata") != 0)
			return 0;
		return take_list_metadata(informer, text->data, text->len);
	case FRAME_OVERSIZED:
		count_refusal(informer, "too large");
		/* which object it was is not known: only a list tells what there is */
		informer->oversized = informer->phase == PHASE_WATCH;
		return informer->oversized ? -EMSGSIZE : 0;
	case FRAME_MALFORMED:
	case FRAME_MORE:
		break;
	}
	return -EBADMSG;
}

static int
begin(struct kube_informer *informer)
{
	unsigned int restarts = informer->restarts;
	int rc = 0;

	if (informer->phase == PHASE_LIST && informer->next_page == NULL)
		rc = informer->handlers.sync_begin(informer->arg);
	if (informer->restarts != restarts)
		return -ECANCELED;
	informer->begun = rc == 0;
	return rc;
}

/* After -EAGAIN http gives the same bytes again: those that were used already, up to
 * the end of the object that is held, are skipped then. */
static int
take_piece(struct kube_informer *informer, const char *piece, size_t len)
{
	size_t skipped = informer->skip < len ? informer->skip : len;
	const char *at = piece + skipped;
	size_t left = len - skipped;
	int rc = informer->begun ? 0 : begin(informer);

	if (rc == 0 && informer->offer.held) {
		rc = give(informer);
		if (rc == -EAGAIN)
			return rc;
	}
	if (rc == 0)
		informer->skip -= skipped;
	while (rc == 0) {
		enum frame_result result = frame_next(&informer->frame, &at, &left);

		if (result == FRAME_MORE)
			return 0;
		rc = take_text(informer, result);
	}
	if (rc == -EAGAIN)
		informer->skip = (size_t)(at - piece);
	return rc;
}

int
informer_take(void *arg, const char *piece, size_t len)
{
	struct kube_informer *informer = arg;
	int rc;

	informer->inside++;
	rc = take_piece(informer, piece, len);
	informer->inside--;
	kube_informer_bury(informer);
	return rc;
}
