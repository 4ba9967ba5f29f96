/* The descriptors a process is born with. There are no others: the supervisor closes
 * everything above before exec. */
#ifndef IPW_FDS_H
#define IPW_FDS_H

enum fixed_fd {
	FD_NULL = 0,	/* /dev/null */
	FD_AUDIT = 1,	/* /dev/null, but for the reconciler: the audit stream */
	FD_LOG = 2,	/* log lines, a pipe to the supervisor */
	FD_CONTROL = 3, /* SEQPACKET to the supervisor */
	FD_LINK_0 = 4,	/* SEQPACKET link controls, in the order of the link table */
	FD_LINK_1 = 5,
	FD_LINK_2 = 6,
	/* a client of a dialer: its dialer; a dialer: its client */
	FD_DIAL = 7,
	/* a dialer: the resolver */
	FD_RESOLVE = 8,
	/* the resolver: its dialers, in the order of enum role */
	FD_RESOLVE_0 = 7,
	FD_RESOLVE_1 = 8,
	FD_RESOLVE_2 = 9,
	/* metricsd: its listening sockets */
	FD_LISTEN_METRICS = 7,
	FD_LISTEN_HEALTH = 8,
	/* config: the kubeconfig, open for reading */
	FD_KUBECONFIG = 7,

	FD_FIXED_END = 10,
	/* A dialer fills the numbers up to here before its filter closes, so that
	 * whatever it opens has a number that its filter lets it neither read, write
	 * nor replace. */
	FD_OPENED_FIRST = 16,
};

#endif
