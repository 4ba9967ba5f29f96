/* Pods followed: order, events, and those that came and went between two walks. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "track.h"

static struct track *track;
static struct buf told;
static struct moment now = {1000, 0};

static void
on_event(void *arg, enum track_event event, const struct footprint *print,
    const char *was, struct moment at)
{
	static const char *const names[] = {"created", "moved", "address", "deleted"};

	(void)arg;
	(void)at;
	buf_printf(&told, "%s %s%s%s\n", names[event], print->path,
	    was != NULL ? " from " : "", was != NULL ? was : "");
}

static void
on_pod(void *arg, const struct footprint *print, struct moment seen)
{
	(void)arg;
	buf_printf(&told, "%s on %s at %jd\n", print->path, print->node,
	    (intmax_t)seen.seconds);
}

static void
begin(void)
{
	buf_init(&told, 65536);
	track = track_new(on_event, NULL);
	track_begin(track);
}

static void
end(void)
{
	track_free(track);
	buf_free(&told);
}

TestSuite(track, .init = begin, .fini = end);

static struct footprint *
pod(const char *path, const char *uid, const char *node, const char *ip)
{
	char json[512];
	const char *slash = strchr(path, '/');
	struct footprint *print;

	snprintf(json, sizeof json,
	    "{\"metadata\":{\"namespace\":\"%.*s\",\"name\":\"%s\",\"uid\":\"%s\"},"
	    "\"spec\":{\"nodeName\":\"%s\"},\"status\":{\"podIP\":\"%s\"}}",
	    (int)(slash - path), path, slash + 1, uid, node, ip);
	print = footprint_read(json, strlen(json));
	cr_assert_not_null(print);
	return print;
}

static void
put(const char *path, const char *uid, const char *node, const char *ip)
{
	track_put(track, pod(path, uid, node, ip), now);
}

static void
take_off(const char *path, const char *uid)
{
	struct footprint *print = pod(path, uid, "", "");

	track_remove(track, print, now);
	free(print);
}

static void
is_told(const char *text)
{
	cr_assert_str_eq(told.data != NULL ? told.data : "", text);
	buf_reset(&told);
	buf_puts(&told, "");
}

static void
walk(void)
{
	track_walk(track, now, on_pod, NULL);
}

Test(track, pods_come_in_the_order_of_the_api)
{
	put("voice/b", "1", "n1", "");
	put("voice-lab/a", "2", "n1", "");
	put("voice/a", "3", "n1", "");
	put("default/z", "4", "n1", "");
	track_end(track, now);
	walk();
	is_told("default/z on n1 at 1000\nvoice-lab/a on n1 at 1000\n"
		"voice/a on n1 at 1000\nvoice/b on n1 at 1000\n");
}

Test(track, the_first_list_makes_no_events_and_later_ones_do)
{
	put("n/a", "1", "n1", "10.0.0.1");
	put("n/b", "2", "n1", "10.0.0.2");
	track_end(track, now);
	is_told("");
	track_begin(track);
	put("n/a", "1", "n1", "10.0.0.1");
	put("n/c", "3", "", "");
	track_end(track, now);
	is_told("created n/c\ndeleted n/b\n");
}

Test(track, a_pod_of_the_same_name_on_another_node_has_moved)
{
	put("n/a-0", "1", "n1", "10.0.0.1");
	track_end(track, now);
	take_off("n/a-0", "1");
	now.seconds += 60;
	put("n/a-0", "2", "", "");
	put("n/a-0", "2", "n2", "");
	put("n/a-0", "2", "n2", "10.0.0.9");
	is_told("deleted n/a-0\ncreated n/a-0\nmoved n/a-0 from n1\n"
		"address n/a-0 from 10.0.0.1\n");
}

Test(track, a_first_node_is_no_move_and_a_first_address_is_told)
{
	track_end(track, now);
	put("n/a", "1", "", "");
	put("n/a", "1", "n1", "");
	put("n/a", "1", "n1", "10.0.0.1");
	put("n/a", "1", "n1", "10.0.0.1");
	is_told("created n/a\naddress n/a from \n");
}

Test(track, a_new_uid_without_a_deletion_in_between)
{
	put("n/a", "1", "n1", "");
	track_end(track, now);
	put("n/a", "2", "n2", "");
	is_told("deleted n/a\ncreated n/a\nmoved n/a from n1\n");
	take_off("n/a", "1");
	is_told("");
}

Test(track, short_lived_pods_are_walked_once)
{
	track_end(track, now);
	put("n/job", "1", "", "");
	put("n/job", "1", "n1", "");
	now.seconds = 1007;
	take_off("n/job", "1");
	buf_reset(&told);
	now.seconds = 1030;
	walk();
	is_told("n/job on n1 at 1007\n");
	walk();
	is_told("");
}

Test(track, a_pod_that_was_walked_is_not_walked_when_it_is_gone)
{
	put("n/a", "1", "n1", "");
	track_end(track, now);
	walk();
	take_off("n/a", "1");
	buf_reset(&told);
	walk();
	is_told("");
}

Test(track, what_is_long_gone_is_forgotten)
{
	put("n/a", "1", "n1", "");
	track_end(track, now);
	take_off("n/a", "1");
	now.seconds += TRACK_MEMORY_S + 1;
	walk();
	buf_reset(&told);
	put("n/a", "2", "n2", "");
	is_told("created n/a\n");
}

Test(track, ended_pods_are_bounded)
{
	track_end(track, now);
	for (unsigned int i = 0; i < TRACK_ENDED_MAX + 3; i++) {
		put("n/a", "1", "n1", "");
		take_off("n/a", "1");
		buf_reset(&told);
	}
	cr_assert_eq(track_missed(track), 3);
	cr_assert_eq(track_walk(track, now, on_pod, NULL), TRACK_ENDED_MAX);
}
