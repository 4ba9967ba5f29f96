#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "kube_fault.h"
#include "mem.h"

/* A stream around a reply that gives less than it has, or later. */
struct bend {
	struct sim_stream inner; /* next == NULL: `whole` is all there is */
	struct buf whole;	 /* what the inner stream has given, not yet sent */
	int rc;			 /* how the inner stream has ended; 0: it has not */
	int64_t left;		 /* bytes until the cut or the stall; -1: no end */
	bool stalls;		 /* at the end, instead of the cut */
	int64_t trickle_ms;	 /* 0: at once */
	struct mono_time due;	 /* of the next byte */
};

static void
refill(struct bend *bend)
{
	int rc;

	if (bend->whole.len > 0 || bend->rc != 0)
		return;
	rc = bend->inner.next != NULL
		 ? bend->inner.next(bend->inner.state, &bend->whole)
		 : -ECANCELED;
	if (rc != -EAGAIN)
		bend->rc = rc;
}

static int
bend_next(void *state, struct buf *out)
{
	struct bend *bend = state;
	size_t len;

	if (bend->left == 0)
		return bend->stalls ? -EAGAIN : -EPIPE;
	if (bend->trickle_ms > 0 && clock_mono().ms < bend->due.ms)
		return -EAGAIN;
	refill(bend);
	len = bend->whole.len;
	if (len == 0)
		return bend->rc != 0 ? bend->rc : -EAGAIN;
	if (bend->left > 0 && len > (size_t)bend->left)
		len = (size_t)bend->left;
	if (bend->trickle_ms > 0)
		len = 1;
	buf_put(out, bend->whole.data, len);
	buf_consume(&bend->whole, len);
	if (bend->left > 0)
		bend->left -= (int64_t)len;
	bend->due.ms = clock_mono().ms + bend->trickle_ms;
	return 0;
}

static void
bend_close(void *state)
{
	struct bend *bend = state;

	if (bend->inner.close != NULL)
		bend->inner.close(bend->inner.state);
	buf_free(&bend->whole);
	free(bend);
}

void
kube_bend_reply(const struct sim_fault *fault, struct sim_reply *reply)
{
	struct bend *bend;

	if ((!fault->cuts && !fault->stalls && fault->trickle_ms == 0) || reply->drop)
		return;
	bend = mem_calloc(1, sizeof *bend);
	bend->inner = reply->stream;
	bend->whole = reply->body;
	bend->whole.len_max = KUBE_REPLY_MAX;
	bend->left = fault->cuts ? fault->cut_after : -1;
	if (fault->stalls)
		bend->left = fault->stall_after;
	bend->stalls = fault->stalls;
	bend->trickle_ms = fault->trickle_ms;
	buf_init(&reply->body, KUBE_REPLY_MAX);
	reply->stream = (struct sim_stream){bend_next, bend_close, bend,
	    fault->trickle_ms > 0 ? fault->trickle_ms : reply->stream.poll_ms};
}
