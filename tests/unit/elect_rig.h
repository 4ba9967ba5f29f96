/* An elector whose calls the test answers itself, and whose time the test makes. */
#ifndef IPW_ELECT_RIG_H
#define IPW_ELECT_RIG_H

#include "elect.h"

#define D_MS 60000
#define G_MS 2000

struct json_object;

struct bench {
	struct effects effects;
	struct elect *elect;
	struct core_time now;
	/* the open call */
	uint64_t ticket;
	char method[8];
	char path[256];
	struct json_object *body;
	int64_t timeout_ms;
	int calls;
	/* what was told */
	int won, lost, valid;
	uint64_t term;
	int64_t until_ms;
	int64_t wake_ms;
	char holder[256];
	char trouble[256];
	unsigned troubles; /* told, the end of one included */
};

/* Identity pod-a, D and G as above; woken once. Wall time begins at 2026-01-01. */
void bench_open(struct bench *b);
void bench_close(struct bench *b);
/* Opens, and lets it win a Lease that is not there. */
void bench_lead(struct bench *b);
/* Lets time pass; the elector is woken when it has asked for it, and no earlier. */
void bench_pass(struct bench *b, int64_t ms);
/* Answers the open call. */
void bench_answer(struct bench *b, int error, int status, const char *json);
/* Answers the open write with what was written. */
void bench_accept(struct bench *b, const char *version);

/* A Lease as the API server answers, valid until the next call. `holder` NULL: no spec
 * at all. */
const char *bench_lease(
    const char *version, const char *holder, int transitions, int duration_s);
/* object.a.b, or object.a when b is NULL; borrowed. */
struct json_object *bench_at(struct json_object *object, const char *a, const char *b);
/* Of the spec that was written. */
const char *bench_body_text(const struct bench *b, const char *key);
int bench_body_number(const struct bench *b, const char *key);

#endif
