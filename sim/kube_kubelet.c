#include "kube_kubelet.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kube_delete.h"
#include "kube_json.h"
#include "kube_world.h"
#include "mem.h"

/* A pod that is to go. */
struct departure {
	char *key;
	char *uid;
	struct mono_time due;
};

struct kube_kubelet {
	struct sim_kube *kube;
	struct loop_timer *timer;
	int64_t delay_ms;
	struct departure *departures; /* not more than there are pods */
	size_t len, cap;
};

static void
departure_clear(struct departure *departure)
{
	free(departure->key);
	free(departure->uid);
}

/* Containers have ended: the pod goes, unless finalizers hold the object. */
static void
let_go(struct sim_kube *kube, const struct departure *departure)
{
	struct kube_resource *pods =
	    kube_store_view(kube->store, "", "v1", "pods", NULL)->resource;
	struct kube_object *pod = kube_store_find(pods, departure->key);
	struct json_object *json;

	if (pod == NULL ||
	    strcmp(kube_json_text(pod->json, "metadata.uid"), departure->uid) != 0)
		return;
	if (kube_json_count(kube_json_at(pod->json, "metadata.finalizers")) == 0) {
		kube_delete_finish(kube, pods, departure->key);
		return;
	}
	json = kube_json_copy(pod->json);
	kube_json_set_int(
	    kube_json_section(json, "metadata"), "deletionGracePeriodSeconds", 0);
	kube_store_put(kube->store, pods, json);
}

static void
arm(struct kube_kubelet *kubelet)
{
	int64_t now_ms = clock_mono().ms;
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < kubelet->len; i++)
		if (kubelet->departures[i].due.ms - now_ms < least)
			least = kubelet->departures[i].due.ms - now_ms;
	if (kubelet->len > 0)
		loop_timer_arm(kubelet->timer, least > 0 ? least : 0);
}

static void
timer_fired(void *arg)
{
	struct kube_kubelet *kubelet = arg;
	int64_t now_ms = clock_mono().ms;
	size_t kept = 0;

	for (size_t i = 0; i < kubelet->len; i++) {
		struct departure departure = kubelet->departures[i];

		if (departure.due.ms > now_ms) {
			kubelet->departures[kept++] = departure;
			continue;
		}
		let_go(kubelet->kube, &departure);
		departure_clear(&departure);
	}
	kubelet->len = kept;
	arm(kubelet);
}

struct kube_kubelet *
kube_kubelet_new(struct sim_kube *kube, struct loop *loop)
{
	struct kube_kubelet *kubelet = mem_calloc(1, sizeof *kubelet);

	kubelet->kube = kube;
	kubelet->delay_ms = KUBE_TERMINATION_MS;
	kubelet->timer = loop_timer_new(loop, timer_fired, kubelet);
	return kubelet;
}

void
kube_kubelet_free(struct kube_kubelet *kubelet)
{
	if (kubelet == NULL)
		return;
	loop_timer_free(kubelet->timer);
	for (size_t i = 0; i < kubelet->len; i++)
		departure_clear(&kubelet->departures[i]);
	free(kubelet->departures);
	free(kubelet);
}

void
kube_kubelet_set_delay(struct kube_kubelet *kubelet, int64_t delay_ms)
{
	kubelet->delay_ms = delay_ms;
}

void
kube_kubelet_expect(
    struct kube_kubelet *kubelet, const struct kube_object *pod, int64_t grace_s)
{
	const char *uid = kube_json_text(pod->json, "metadata.uid");
	int64_t wait_ms =
	    grace_s * 1000 < kubelet->delay_ms ? grace_s * 1000 : kubelet->delay_ms;
	struct mono_time due = {clock_mono().ms + wait_ms};

	for (size_t i = 0; i < kubelet->len; i++) {
		if (strcmp(kubelet->departures[i].uid, uid) != 0)
			continue;
		if (due.ms < kubelet->departures[i].due.ms)
			kubelet->departures[i].due = due;
		arm(kubelet);
		return;
	}
	if (kubelet->len == kubelet->cap) {
		kubelet->cap = kubelet->cap > 0 ? kubelet->cap * 2 : 16;
		kubelet->departures = mem_realloc(
		    kubelet->departures, kubelet->cap, sizeof *kubelet->departures);
	}
	kubelet->departures[kubelet->len++] =
	    (struct departure){mem_strdup(pod->key), mem_strdup(uid), due};
	arm(kubelet);
}
