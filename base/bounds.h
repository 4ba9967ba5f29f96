/* Every limit of the system that more than one module needs, one comment each.
 * Limits are checked before memory is taken. */
#ifndef IPW_BOUNDS_H
#define IPW_BOUNDS_H

/* Largest log line a process may write, newline included: with the prefix of the
 * supervisor it stays below PIPE_BUF, so that a line is written whole or not at all. */
#define LOG_LINE_MAX 3840u

/* What the supervisor puts in front: {"process":"NAME", (bytes). */
#define LOG_PROCESS_MAX 64u

/* Largest message on a nanomsg link, header included (bytes). */
#define LINK_FRAME_MAX 65536u

/* Largest record on a control descriptor (bytes). */
#define CONTROL_RECORD_MAX 8192u

/* Largest credential or certificate bundle read from a handed-over descriptor. */
#define CREDENTIAL_MAX (1024u * 1024u)

/* Kubernetes object names (RFC 1123 subdomain) and label values. */
#define NAME_MAX_LEN  253u
#define LABEL_MAX_LEN 63u

/* A uid as the API server writes it. */
#define UID_MAX_LEN 63u

/* One line of a watch or one object of a list (bytes); larger is refused. */
#define KUBE_OBJECT_MAX (4u * 1024u * 1024u)

/* A whole reply that is read into memory at once (bytes). */
#define HTTP_BODY_MAX (16u * 1024u * 1024u)

/* Addresses that one allocation may list. */
#define ALLOCATION_ADDRESSES_MAX 256u

#endif
