/* Playing recordings of a real API server against the simulated one: the recorded
 * requests are sent, and what comes back is compared. Uids and versions differ, so
 * those of the recording are translated to ours as they turn up. */
#ifndef IPW_WIRE_REPLAY_H
#define IPW_WIRE_REPLAY_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "sim_kube_rig.h"

/* Largest recording that is read, and largest request made of it (bytes). */
#define REPLAY_SIZE_MAX (256u * 1024u)

struct recording {
	char *data; /* the file; all texts below point into it */
	char *method;
	char *target;
	char *accept; /* NULL: none */
	char *type;
	char *body;
	int status;
	char *answer_type;
	char *answer;
};

/* Where the two servers differ, counted since the last call of replay_forgive. */
size_t replay_differences(void);
/* Forgets the differences and tells them no more, or tells each as a failure. */
void replay_forgive(bool quiet);
void replay_differ(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The folder of the recordings. */
const char *recordings_dir(void);
/* By its name without ".http". */
struct recording recording_read(const char *name);
void recording_free(struct recording *recording);

/* A value of the recording and what stands for it here. */
void replay_learn(const char *theirs, const char *ours);
/* `text` with all known values turned into ours; the caller frees. */
char *replay_translate(const char *text);
void replay_forget(void);

void replay_send(const struct recording *recording, const char *body);
/* Sends a recorded request and compares the answer. */
void replay(const char *name);

/* The last answer against the recorded one: of objects the shape and what was asked
 * for, of refusals the whole Status. */
void replay_compare(const char *name, const struct recording *recording);
void replay_compare_shape(const char *name, const char *path,
    struct json_object *theirs, struct json_object *ours);
void replay_compare_values(const char *name, struct json_object *theirs);

/* Puts items of a recorded list into the world, those with an index from `first`. */
void replay_put_items(const char *name, const char *kind, size_t first);
/* Puts the object of a recorded answer into the world. */
void replay_put_answer(const char *name);

#endif
