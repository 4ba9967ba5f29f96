/* The cloud, below the cloudworker's orders and observations (cloudworker/gcp.h): VMs
 * with one interface each, reserved addresses, operations that take their time and know
 * request ids again. */
#ifndef IPW_PROVIDER_H
#define IPW_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gcp.h"

#define PROJECT	       "demo"
#define REGION	       "us-west1"
#define VMS_MAX	       64u
#define RESERVED_MAX   16u
#define OPERATIONS_MAX 1024u

struct vm {
	char name[64];
	char id[32];
	char zone[64];
	bool exists, stopped, foreign;
	char address[46];    /* "": it has no access config */
	char config[128];    /* that one's name */
	int64_t config_ms;   /* when it was made */
	int64_t made_ms;     /* when the VM was */
	bool had_ephemeral;  /* at some time */
	bool owed_ephemeral; /* it was taken off by an order */
	/* for the judge: since when it has no reserved address, and since when nothing
	 * speaks for taking one away; 0 not */
	int64_t absent_since_ms, steady_since_ms;
	/* the same, before the address that it has; and whether a look has shown that
	 * one: else, to who looks, it was never there */
	int64_t absent_before_ms;
	bool shown;
	int64_t label_ms; /* when its label has changed, or somebody failed to */
};

struct reserved {
	char address[46];
	char foreign_user[128]; /* not a VM of ours has it; "" nobody else */
	int64_t foreign_ms;	/* since or until when */
};

struct operation {
	char name[32];
	char request[64];
	struct vm *vm;
	bool adds;
	char address[46]; /* "" with adds: an ephemeral one */
	char config[128];
	int64_t begun_ms, done_ms;
	bool applied, failed;
	char reason[64];
};

/* Chances in a thousand, per call. */
struct provider_faults {
	unsigned lost_before, lost_after, throttled, busy, slow, failed, paged;
};

struct provider {
	struct vm vms[VMS_MAX];
	size_t vms_len;
	struct reserved reserved[RESERVED_MAX];
	size_t reserved_len;
	struct operation operations[OPERATIONS_MAX];
	size_t operations_len;
	unsigned ephemerals;
	struct provider_faults faults;
	bool down;
	uint64_t version; /* grows with each change of a VM */
	unsigned long lists, changes;
};
extern struct provider provider;

void provider_open(void);

struct vm *provider_add(const char *name, const char *zone);
void provider_reserve(const char *address);
/* The one that exists. */
struct vm *provider_vm(const char *name);
struct vm *provider_vm_by_id(const char *id);
struct vm *provider_where(const char *address);
struct reserved *provider_reserved(const char *address);
/* Gives it an access config, or takes the one that it has ("" for both). */
void provider_set(struct vm *vm, const char *address, const char *config);
void provider_set_ephemeral(struct vm *vm);

/* provider_serve.c: the answer of the cloud itself, now. */
void provider_serve(const struct cloud_call *call, struct cloud_answer *answer);
/* When an operation ends that is waited for; 0: it has ended or is not known. */
int64_t provider_end_ms(const char *operation);

#endif
