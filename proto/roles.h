/* The processes, and the one table of links between them. This table is the
 * architecture: what is not in it does not exist. */
#ifndef IPW_ROLES_H
#define IPW_ROLES_H

/* ROLE(constant, name, program) in the order in which they are started; stopped in
 * the reverse order of `stop` in supervisor/roles.c. */
#define ROLE_LIST(ROLE)                                                                \
	ROLE(ROLE_RESOLVER, "resolver", "ipwarden-resolver")                           \
	ROLE(ROLE_DIALER_WATCHER, "dialer-watcher", "ipwarden-dialer")                 \
	ROLE(ROLE_DIALER_RECONCILER, "dialer-reconciler", "ipwarden-dialer")           \
	ROLE(ROLE_DIALER_CLOUD, "dialer-cloud", "ipwarden-dialer")                     \
	ROLE(ROLE_METRICSD, "metricsd", "ipwarden-metricsd")                           \
	ROLE(ROLE_CLOUDWORKER, "cloudworker", "ipwarden-cloudworker")                  \
	ROLE(ROLE_RECONCILER, "reconciler", "ipwarden-reconciler")                     \
	ROLE(ROLE_WATCHER, "watcher", "ipwarden-watcher")

enum role {
#define ROLE_ENUM(constant, name, program) constant,
	ROLE_LIST(ROLE_ENUM)
#undef ROLE_ENUM
	    ROLE_COUNT
};

/* LINK(constant, end a, its slot there, end b, its slot there): nanomsg PAIR over
 * socketpairs made by the supervisor. Slot n is descriptor FD_LINK_0 + n. Which end's
 * reports of violations count: supervisor/links.c. */
#define LINK_LIST(LINK)                                                                \
	LINK(LINK_FACTS, ROLE_WATCHER, 0, ROLE_RECONCILER, 0)                          \
	LINK(LINK_CLOUD, ROLE_RECONCILER, 1, ROLE_CLOUDWORKER, 0)                      \
	LINK(LINK_METRICS_WATCHER, ROLE_WATCHER, 1, ROLE_METRICSD, 0)                  \
	LINK(LINK_METRICS_RECONCILER, ROLE_RECONCILER, 2, ROLE_METRICSD, 1)            \
	LINK(LINK_METRICS_CLOUD, ROLE_CLOUDWORKER, 1, ROLE_METRICSD, 2)

enum link_id {
#define LINK_ENUM(constant, a, slot_a, b, slot_b) constant,
	LINK_LIST(LINK_ENUM)
#undef LINK_ENUM
	    LINK_COUNT
};

/* Endpoints a dialer may open, by number; a client asks for a number, never for an
 * address. */
enum dial_entry {
	DIAL_KUBE,     /* the API server: watcher, reconciler */
	DIAL_COMPUTE,  /* GCE compute: cloudworker */
	DIAL_METADATA, /* the metadata server: cloudworker */
	DIAL_COUNT
};

#endif
